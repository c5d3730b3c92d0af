# SPDX-License-Identifier: Apache-2.0
"""Writes docs/pictures/page-*: screenshots of the page's views, and the slider as an animated image of ten seconds."""

import base64
import io
import pathlib
import signal
import sys
import tempfile

from PIL import Image

from browser import Browser
from harness import CAT
from page import Page
from server import ROOT, Server

FOLDER = ROOT / "docs/pictures"
# Bytes of one screenshot and of the animated image.
MOST = 250_000
MOST_ANIMATED = 1_500_000
# The slider's way, and how many milliseconds each level is shown: up, a rest, down again, a rest. Ten seconds.
UP = [2, 3, 4, 5, 6, 8, 10, 12, 14, 16, 20, 25, 30, 36, 42, 49, 56, 64, 80, 100, 130, 160]
DOWN = [160, 130, 100, 80, 64, 49, 36, 25, 16, 9, 4, 2]
WAY = [(1, 1200)] + [(keep, 240) for keep in UP] + [(196, 1480)] + [(keep, 170) for keep in DOWN]


def sample(page, name, keep):
    frames = page.frames()
    page.click(f"#samples button[data-sample='{name}']")
    page.ready(frames)
    page.slide(keep)
    page.ready()


def whole(page, width, scale, top, bottom):
    """The page, or from the upper edge of an element to the lower edge of one."""
    page.run("document.activeElement?.blur(); scrollTo({ top: 0, behavior: 'instant' })")
    page.browser.size(width, page.run("return document.documentElement.scrollHeight"), scale, mobile=width < 500)
    page.browser.driver.execute_async_script("setTimeout(arguments[0], 300)")
    picture = Image.open(io.BytesIO(page.driver.get_screenshot_as_png())).convert("RGB")
    edge = "const box = document.querySelector(arguments[0]).getBoundingClientRect(); return [box.top, box.bottom]"
    first = scale * (page.run(edge, top)[0] - 16) if top else 0
    last = scale * (page.run(edge, bottom)[1] + 16) if bottom else picture.height
    return picture.crop((0, int(first), picture.width, int(last)))


def save(picture, name):
    file = FOLDER / name
    picture.save(file, quality=85, method=6)
    report(file, picture, MOST)


def report(file, picture, most):
    size = file.stat().st_size
    assert size < most, f"{file.name} has {size} bytes"
    print(f"{file.name}: {picture.width} x {picture.height}, {size} bytes")


def view(page, name, prepare, width=1280, scale=1, scheme="light", top=None, bottom=None):
    page.browser.size(width, 900, scale, mobile=width < 500)
    page.browser.prefer(scheme, "reduce")
    page.open()
    prepare()
    save(whole(page, width, scale, top, bottom), f"page-{name}.webp")


def animate(page):
    """The frame and what is below it down to the figures, while the slider moves up and down."""
    page.browser.size(400, 900)
    page.browser.prefer("light", "reduce")
    page.open()
    sample(page, "cat", 1)
    page.run("document.querySelector('#frame').scrollIntoView()")
    box = page.run(
        "const top = document.querySelector('#frame').getBoundingClientRect().top + scrollY;"
        "const bottom = document.querySelector('.figures').getBoundingClientRect().bottom + scrollY;"
        "return { x: 0, y: top - 12, width: innerWidth, height: bottom - top + 24, scale: 1 }"
    )
    pictures = []
    for keep, _ in WAY:
        if page.keep() != keep:
            frames = page.frames()
            page.slide(keep)
            page.until(lambda: page.frames() > frames, "the level is drawn")
        encoded = page.browser.command("Page.captureScreenshot", clip=box)["data"]
        pictures.append(Image.open(io.BytesIO(base64.b64decode(encoded))).convert("RGB"))
    save_animated(pictures, FOLDER / "page-slider.gif")


def save_animated(pictures, file):
    """A GIF. All pictures share one palette, so that only what moves is stored."""
    # The controls are few but colourful, the slider most of all where it keeps all, so they have colours of their own.
    lower = int(pictures[0].width * 1.05)
    all_kept = pictures[[keep for keep, _ in WAY].index(196)]
    photo = side_by_side([one.crop((0, 0, one.width, lower)) for one in pictures[:: len(pictures) // 4]])
    controls = all_kept.crop((0, lower, all_kept.width, all_kept.height))
    palette = Image.new("P", (1, 1))
    palette.putpalette(colours(photo, 176) + colours(controls, 48))
    frames = [picture.quantize(palette=palette, dither=Image.Dither.NONE) for picture in pictures]
    times = [time for _, time in WAY]
    frames[0].save(file, save_all=True, append_images=frames[1:], duration=times, loop=0, optimize=True)
    report(file, frames[0], MOST_ANIMATED)


def side_by_side(pictures):
    whole = Image.new("RGB", (sum(one.width for one in pictures), pictures[0].height))
    for index, one in enumerate(pictures):
        whole.paste(one, (index * one.width, 0))
    return whole


def colours(picture, count):
    return picture.quantize(count, Image.Quantize.MEDIANCUT).getpalette()[: 3 * count]


def main():
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    with tempfile.TemporaryDirectory() as folder, Browser() as browser, Server() as server:
        page = Page(browser, server)
        corrupt = pathlib.Path(folder) / "holiday.png"
        corrupt.write_bytes(CAT.read_bytes()[:100_000])

        def cat():
            sample(page, "cat", 16)

        def refused():
            cat()
            page.choose(corrupt)
            page.refused("first-error")
            page.until(lambda: page.state() != "busy", "the page is no longer busy")

        def mixed():
            sample(page, "cat", 16)
            page.click("#second-samples button[data-sample='rocket']")
            page.until(lambda: page.number("#cosine") is not None, "the cosine is shown")
            page.slide(36, "#mix-keep")
            page.ready()

        animate(page)
        view(page, "desktop", cat, bottom="#results > section:nth-of-type(2)")
        view(page, "dark", cat, scheme="dark")
        view(page, "phone", cat, width=360, scale=2, top="#frame", bottom="#levels")
        view(page, "error", refused)
        view(page, "mix", mixed, top="#second", bottom="#second")


if __name__ == "__main__":
    main()
