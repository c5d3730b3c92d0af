# SPDX-License-Identifier: Apache-2.0
"""Every state of the page for every user: axe-core's checks, keyboard alone, narrow screens, dark, reduced motion."""

import os
import pathlib

from compare import two
from harness import CAT
from server import Server

AXE = pathlib.Path(os.environ.get("AXE", ""))
INTERACTIVE = "a[href], button, input, select, textarea, summary, video[controls], [role=slider], [tabindex='0']"


def violations(page):
    """What axe-core finds, in a world of its own beside the page's, which the page's policy does not bind."""
    tree = page.browser.command("Page.getFrameTree")
    world = page.browser.command("Page.createIsolatedWorld", frameId=tree["frameTree"]["frame"]["id"], worldName="axe")
    context = world["executionContextId"]

    def evaluate(expression):
        result = page.browser.command(
            "Runtime.evaluate", expression=expression, contextId=context, awaitPromise=True, returnByValue=True
        )
        assert "exceptionDetails" not in result, result["exceptionDetails"]
        return result["result"].get("value")

    evaluate(AXE.read_text() + ";0")
    # The rules include those of best practice; "region" and others are among them.
    found = evaluate("axe.run(document, { resultTypes: ['violations'] }).then(result => result.violations)")
    return [
        f"{one['id']} ({one['impact']}): {one['help']}: {[node['html'][:160] for node in one['nodes'][:3]]}"
        for one in found
    ]


def accessible(page, prepare, width, scheme, *arguments):
    page.browser.size(width, 780 if width < 500 else 900, mobile=width < 500)
    page.browser.prefer(scheme, "reduce")
    page.open()
    prepare(page, *arguments)
    found = violations(page)
    assert not found, "; ".join(found)
    sizes = page.run(
        "const root = document.documentElement;"
        "return [innerWidth, root.clientWidth, root.scrollWidth, document.body.scrollWidth]"
    )
    assert max(sizes) <= width, f"wider than {width} pixels: {sizes}"


def empty(page):
    assert page.state() == "idle", page.state()


def loaded(page):
    page.load(CAT)


def refused(page, file):
    page.choose(file)
    page.refused("first-error")


def key_asked(page):
    page.until(page.asks, "the page asks for a key")


def by_tab(page, prepare):
    """Tab reaches every control, in the order of the page; each has a name and shows its focus."""
    prepare(page)
    controls = page.run(
        "return [...document.querySelectorAll(arguments[0])].filter(element => element.checkVisibility({"
        "  visibilityProperty: true }) && !element.disabled && element.tabIndex >= 0)",
        INTERACTIVE,
    )
    page.run("document.activeElement?.blur(); getSelection().removeAllRanges(); scrollTo(0, 0)")
    reached = []
    for _ in range(len(controls) + 5):
        page.tab()
        focused = page.run("return document.activeElement")
        if focused in reached:
            break
        if focused.tag_name != "body":
            reached.append(focused)
            assert focused.accessible_name, f"no name: {focused.get_attribute('outerHTML')[:200]}"
            assert marks_focus(page), f"focus is not visible: {focused.get_attribute('outerHTML')[:200]}"
    for control in controls:
        if control in reached:
            continue
        # Of a group of radio buttons Tab reaches one.
        name = control.get_attribute("name") if control.get_attribute("type") == "radio" else None
        group = name and any(one.get_attribute("name") == name for one in reached)
        assert group, f"Tab does not reach {control.get_attribute('outerHTML')[:200]}"


def marks_focus(page):
    """Whether the focused control looks different once the focus has left it for a moment."""
    with_focus = page.driver.get_screenshot_as_png()
    page.run("window.tests.focused = document.activeElement; window.tests.focused.blur()")
    without_focus = page.driver.get_screenshot_as_png()
    page.run("window.tests.focused.focus({ preventScroll: true, focusVisible: true })")
    return with_focus != without_focus


def motion(page):
    """With reduced motion nothing moves by itself."""
    page.browser.prefer(motion="reduce")
    page.open()
    page.load(CAT)
    moving = page.run(
        "return document.getAnimations().filter(one => one.playState === 'running'"
        " && one.effect.getComputedTiming().duration > 20).length"
    )
    assert moving == 0, f"{moving} animations"


def spoken(page):
    """The slider says its level in words, errors are announced, figures have an order for a screen reader."""
    page.load(CAT)
    page.slide_and_wait(16)
    for name in ("first-error", "second-error", "page-error"):
        assert page.element(f"#{name}").get_attribute("role") == "alert", name
    assert page.element("#keep").accessible_name, "the slider has no name"
    assert page.element("#divider").get_attribute("aria-valuenow"), "the divider has no value"
    assert page.run("return document.documentElement.lang") == "en"
    assert page.run("return document.querySelectorAll('h1').length") == 1


def cases(harness, server, folder, corrupt):
    keys = folder / "keys"
    keys.write_text("a-key\n")
    with Server("--api-key-file", str(keys)) as keyed:
        in_states(harness, server, keyed, corrupt)
    harness.case("Tab in the empty page", server, by_tab, empty)
    harness.case("Tab with an image", server, by_tab, loaded)
    harness.case("Tab with two images", server, by_tab, two)
    harness.case("reduced motion", server, motion)
    harness.case("names and roles", server, spoken)


def in_states(harness, server, keyed, corrupt):
    states = [
        ("empty", server, empty, (), []),
        ("loaded", server, loaded, (), []),
        ("error", server, refused, (corrupt,), ["422"]),
        ("key asked", keyed, key_asked, (), ["401"]),
        ("two images", server, two, (), []),
    ]
    for name, where, prepare, arguments, refusals in states:
        for width in (360, 1280):
            for scheme in ("light", "dark"):
                title = f"accessible: {name}, {width} pixels, {scheme}"
                harness.case(title, where, accessible, prepare, width, scheme, *arguments, refusals=refusals)
