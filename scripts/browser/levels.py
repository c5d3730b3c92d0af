# SPDX-License-Identifier: Apache-2.0
"""Levels: the slider, the strip of levels, the divider, the difference."""

from PIL import ImageChops, ImageStat
from selenium.webdriver.common.keys import Keys

from harness import CAT, assert_psnr


def difference(one, other):
    """Mean absolute difference of two pictures, 0...255."""
    assert one.size == other.size, (one.size, other.size)
    return sum(ImageStat.Stat(ImageChops.difference(one, other)).mean) / 3


def follows(page):
    """Value, picture and figures follow the slider; the PSNR rises with it."""
    page.load(CAT)
    page.press("#divider", Keys.HOME)
    found = []
    for keep in (1, 4, 16, 64, 196):
        page.slide_and_wait(keep)
        assert str(keep) in page.text("#keep-value") or keep == 196, page.text("#keep-value")
        assert_psnr(page, CAT, keep)
        assert page.number("#bytes") > 0
        found.append((page.number("#psnr"), page.picture()))
    for (low, before), (high, after) in zip(found, found[1:]):
        assert low < high, (low, high)
        assert difference(before, after) > 0.3, "the picture did not change"


def by_keys(page):
    page.load(CAT)
    page.slide_and_wait(90)
    frames = page.frames()
    page.press("#keep", Keys.ARROW_LEFT, Keys.ARROW_LEFT)
    page.ready(frames)
    assert page.keep() == 88, page.keep()
    frames = page.frames()
    page.press("#keep", Keys.HOME)
    page.ready(frames)
    assert page.keep() <= 1, page.keep()
    assert_psnr(page, CAT, page.keep())


def last_wins(page):
    """Quick moves are coalesced, and the last one is what stays."""
    page.load(CAT)
    before = len(page.calls("decode"))
    page.run(
        "const keep = document.getElementById('keep');"
        "for (let value = 1; value <= 100; value++) {"
        "  keep.value = value; keep.dispatchEvent(new Event('input', { bubbles: true })); }"
    )
    page.ready()
    assert page.keep() == 100
    assert_psnr(page, CAT, 100)
    sent = len(page.calls("decode")) - before
    assert sent <= 12, f"{sent} requests for a hundred moves at once"


def stale_is_dropped(page):
    """The response to an earlier level comes last, and is not shown."""
    page.load(CAT)
    page.run("window.tests.hold = call => /keep=5(&|$)/.test(call.url) ? 1500 : 0")
    page.slide(5)
    page.until(lambda: any("keep=5" in call["url"] for call in page.calls("decode")), "the level is asked for")
    page.slide(150)
    page.ready()
    assert_psnr(page, CAT, 150)
    page.run("window.tests.seen = []; new MutationObserver(() => window.tests.seen.push("
             "document.querySelector('#psnr').textContent)).observe(document.querySelector('#psnr'),"
             "{ childList: true, characterData: true, subtree: true })")
    page.browser.driver.execute_async_script("setTimeout(arguments[0], 2000)")
    assert page.run("return window.tests.seen") == [], page.run("return window.tests.seen")
    assert_psnr(page, CAT, 150)


def image_while_busy(page, other):
    """Another image during a request: the first one's response is not shown for it."""
    page.load(CAT)
    page.run("window.tests.hold = call => /decode/.test(call.url) && !window.tests.held++ ? 1500 : 0; window.tests.held = 0")
    page.slide(20)
    page.until(lambda: page.run("return window.tests.held > 0"), "the level is asked for")
    page.choose(other)
    page.browser.driver.execute_async_script("setTimeout(arguments[0], 2000)")
    page.ready()
    assert_psnr(page, other, page.keep())


def strip(page):
    page.load(CAT)
    levels = [button.get_attribute("data-keep") for button in page.elements("#levels button[data-keep]")]
    assert levels[:5] == ["1", "4", "16", "36", "64"] and len(levels) == 6, levels
    for level in levels:
        frames = page.frames()
        if page.keep() != int(level):
            page.click(f"#levels button[data-keep='{level}']")
            page.ready(frames)
        assert page.keep() == int(level), (page.keep(), level)
        assert_psnr(page, CAT, level)


def divider_by_keys(page):
    page.load(CAT)
    page.slide_and_wait(4)
    value = lambda: float(page.element("#divider").get_attribute("aria-valuenow"))  # noqa: E731
    middle = value()
    before = page.picture()
    page.press("#divider", Keys.ARROW_RIGHT)
    assert value() > middle, (middle, value())
    page.press("#divider", Keys.ARROW_LEFT, Keys.ARROW_LEFT)
    assert value() < middle, (middle, value())
    page.press("#divider", Keys.HOME)
    low, left = value(), page.picture()
    page.press("#divider", Keys.END)
    high, right = value(), page.picture()
    assert low < middle < high, (low, middle, high)
    assert difference(left, right) > difference(before, right) > 0.3, "the picture does not follow the divider"
    assert page.element("#divider").get_attribute("role") == "slider"


def divider_by_pointer(page):
    page.load(CAT)
    value = lambda: float(page.element("#divider").get_attribute("aria-valuenow"))  # noqa: E731
    page.drag("#frame", value() / 100, 0.8)
    assert 72 <= value() <= 88, value()
    page.drag("#frame", 0.8, 0.1)
    assert 2 <= value() <= 18, value()


def divider_by_touch(page):
    page.browser.size(360, 780, mobile=True)
    page.load(CAT)
    value = lambda: float(page.element("#divider").get_attribute("aria-valuenow"))  # noqa: E731
    page.swipe("#frame", value() / 100, 0.8)
    assert 72 <= value() <= 88, value()
    page.swipe("#frame", 0.3, 0.2)
    assert 12 <= value() <= 28, value()


def differences(page):
    """Stronger amplification shows a stronger difference; 'off' shows the image again."""
    page.load(CAT)
    page.slide_and_wait(4)
    page.press("#divider", Keys.HOME)
    plain = page.picture()
    found = {}
    for choice in ("1", "4", "16", "off"):
        page.click(f"#difference [value='{choice}']")
        found[choice] = page.picture()
    assert difference(plain, found["1"]) > 5 and difference(found["1"], found["16"]) > 3, "the difference is not shown"
    assert difference(found["1"], found["4"]) > 1
    assert difference(plain, found["off"]) < 1, "the image does not come back"


def scale(page):
    """The spectrum changes between its two scales, and shades the band that is kept."""
    page.load(CAT)
    page.click("#scale [value=log]")
    one = page.picture("#spectrum")
    page.click("#scale [value=linear]")
    other = page.picture("#spectrum")
    assert one.size != other.size or difference(one, other) > 0.3, "both scales look the same"
    page.slide_and_wait(60)
    shaded = page.picture("#spectrum")
    assert other.size != shaded.size or difference(other, shaded) > 0.3, "the spectrum ignores the slider"


def spectrum_values(page):
    """Keys and the pointer read the bands out, and a table has them all."""
    page.load(CAT)
    page.press("#spectrum", Keys.HOME, Keys.ARROW_RIGHT)
    assert page.text("#readout").startswith("Band 2 of 14"), page.text("#readout")
    page.drag("#spectrum", 0.5, 0.98)
    assert page.text("#readout").startswith("Band 14 of 14"), page.text("#readout")
    rows = page.run("return document.querySelectorAll('#spectrum-table tr').length")
    assert rows == 1 + 14, rows


def cases(harness, server, other):
    harness.case("slider", server, follows)
    harness.case("slider by keys", server, by_keys)
    harness.case("last of many moves", server, last_wins)
    harness.case("stale response", server, stale_is_dropped)
    harness.case("another image while busy", server, image_while_busy, other)
    harness.case("strip of levels", server, strip)
    harness.case("divider by keys", server, divider_by_keys)
    harness.case("divider by pointer", server, divider_by_pointer)
    harness.case("divider by touch", server, divider_by_touch)
    harness.case("difference", server, differences)
    harness.case("scale of the spectrum", server, scale)
    harness.case("values of the spectrum", server, spectrum_values)
