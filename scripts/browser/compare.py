# SPDX-License-Identifier: Apache-2.0
"""Two images: the cosine of their features, and the low band of one mixed with the high band of the other."""

import io

from PIL import Image

from harness import CAT, CHINA, ROCKET
from images import in_sight
from levels import difference


def mixed(page):
    """The picture that is shown as mixed, in its own size."""
    page.until(
        lambda: page.run("const image = document.querySelector('#mixed'); return image.complete && image.naturalWidth"),
        "a mixed image is drawn",
    )
    return page.picture("#mixed")


def two(page, first=CAT, second=CHINA):
    page.load(first)
    page.choose(second, "#pick-second")
    page.until(lambda: page.number("#cosine") is not None, "the cosine is shown")
    page.ready()
    assert page.errors() == {}, page.errors()


def cosine(page):
    two(page)
    other = page.number("#cosine")
    assert -1 <= other < 0.99, page.text("#cosine")
    page.choose(CAT, "#pick-second")
    page.until(lambda: page.number("#cosine") not in (None, other), "the cosine changes")
    assert page.number("#cosine") >= 0.999, page.text("#cosine")


def slides(page):
    """With all coefficients of the first the mix is the first image, with none the second."""
    two(page)
    found = []
    for share in ("min", "max"):
        end = page.run(f"return document.querySelector('#mix-keep').{share}")
        calls = len(page.calls("mix"))
        page.slide(end, "#mix-keep")
        page.until(lambda: len(page.calls("mix")) > calls, "the mix is asked for")
        page.ready()
        found.append(mixed(page))
    for photo, target, shown in zip((CHINA, CAT), ("second", "first"), found):
        _, _, body = page.server.request("POST", "/decode", photo.read_bytes())
        expected = Image.open(io.BytesIO(body)).convert("RGB").resize(shown.size)
        assert difference(expected, shown) < 12, f"not the {target} image: {difference(expected, shown):.1f}"
    assert difference(*found) > 20


def dimmed(page):
    """Classes of another mixture are dimmed while the slider moves; those of the first image are not."""
    two(page)
    marked = "return [...document.querySelectorAll('.moving')].map(element => element.id)"
    page.slide(100, "#mix-keep")
    assert page.run(marked) == ["mix-classes", "mix-meaning"], page.run(marked)
    page.until(lambda: page.run(marked) == [], "the classes are those of the mixture")


def swapped(page):
    two(page, CAT, ROCKET)
    before = mixed(page)
    calls = len(page.calls("mix"))
    page.click("#swap")
    page.until(lambda: len(page.calls("mix")) > calls, "the mix is asked for again")
    page.ready()
    assert difference(before, mixed(page)) > 3, "the mix is the same after the swap"


def second_refused(page, file):
    """A bad second image: a sentence beside it, its results gone, the first one's results stay."""
    two(page)
    psnr = page.text("#psnr")
    page.run("document.querySelector('#second').scrollIntoView({ behavior: 'instant' })")
    page.choose(file, "#pick-second")
    sentence = page.refused("second-error")
    in_sight(page, "second-error")
    assert len(sentence) > 20 and page.text("#first-error") == "", page.errors()
    page.until(lambda: page.state() != "busy", "the page is no longer busy")
    assert page.number("#cosine") is None, "the cosine of an earlier image"
    shown = page.run("const image = document.querySelector('#mixed'); return image.checkVisibility() && !!image.src")
    assert not shown, "the mix of an earlier image"
    assert page.text("#psnr") == psnr, page.text("#psnr")
    page.choose(ROCKET, "#pick-second")
    page.until(lambda: page.number("#cosine") is not None and not page.errors(), "a good image is shown afterwards")


def first_changed(page):
    """Another first image changes the comparison too."""
    two(page)
    cosine = page.text("#cosine")
    page.choose(ROCKET)
    page.until(lambda: page.number("#cosine") is not None and page.text("#cosine") != cosine, "the cosine follows")


def cases(harness, server, corrupt):
    harness.case("cosine", server, cosine)
    harness.case("mix", server, slides)
    harness.case("classes of another mixture", server, dimmed)
    harness.case("swap", server, swapped)
    harness.case("second image refused", server, second_refused, corrupt, refusals=["422"])
    harness.case("another first image", server, first_changed)
