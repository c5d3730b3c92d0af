# SPDX-License-Identifier: Apache-2.0
"""Servers that ask for a key, are slow, gone, overloaded or restrictive, and other models."""

import json
import shutil
import subprocess
import threading

from harness import CAT, CHINA
from images import nothing_stale, shows
from server import BINARY, MODEL, ROOT, Server

KEY = "a-key-of-the-tests"
# What Chromium calls a lost connection depends on the moment at which it is lost.
GONE = [
    "ERR_CONNECTION_ABORTED", "ERR_CONNECTION_CLOSED", "ERR_CONNECTION_REFUSED", "ERR_CONNECTION_RESET",
    "ERR_CONTENT_LENGTH_MISMATCH", "ERR_EMPTY_RESPONSE", "ERR_FAILED", "ERR_SOCKET_NOT_CONNECTED",
]


def enter(page, key):
    field = page.element("#key")
    field.clear()
    field.send_keys(key)
    calls = len(page.calls())
    page.run("document.querySelector('#key-form').requestSubmit()")
    page.until(lambda: len(page.calls()) > calls and page.calls()[-1]["status"], "the key is tried")


def asks(page):
    """Asks for the key, says that a wrong one is wrong, and works with the right one, which is stored nowhere."""
    page.until(page.asks, "the page asks for a key")
    enter(page, "wrong")
    page.until(page.asks, "the page asks again")
    assert page.text("#key-error"), "no sentence about the wrong key"
    enter(page, KEY)
    page.until(lambda: not page.asks() and page.state() == "idle", "the key is accepted")
    has_focus(page)
    assert page.errors() == {}, page.errors()
    assert page.element("#key").get_attribute("value") == "", "the key is left in the field"
    frames = page.frames()
    page.choose(CAT)
    page.ready(frames)
    assert page.number("#psnr") > 25, page.text("#psnr")
    kept = page.run(
        "return JSON.stringify([{ ...localStorage }, { ...sessionStorage }, document.cookie, location.href, name,"
        "document.documentElement.outerHTML])"
    )
    assert KEY not in kept, "the key is stored"
    assert page.run("return indexedDB.databases().then(found => found.length)") == 0
    page.open()
    page.until(page.asks, "the page asks again after a reload")


def image_before_key(page):
    """An image that was chosen before the key is shown once there is one."""
    page.until(page.asks, "the page asks for a key")
    page.choose(CAT)
    enter(page, KEY)
    page.ready(0)
    assert page.errors() == {}, page.errors()
    assert page.number("#psnr") > 25, page.text("#psnr")


def slow(page):
    """While the server does not respond the page says that it is busy, and it still takes input."""
    page.load(CAT)
    page.server.pause()
    try:
        page.slide(10)
        page.until(lambda: page.state() == "busy", "the page is busy")
        page.slide(40)
        page.slide(30)
        page.browser.driver.execute_async_script("setTimeout(arguments[0], 1500)")
        assert page.state() == "busy", page.state()
        assert page.errors() == {}, page.errors()
    finally:
        page.server.resume()
    page.ready()
    assert page.keep() == 30
    shows(page, CAT)


def slow_network(page):
    """A slow network: every response is late, and the last level is shown at the end."""
    page.load(CAT)
    page.browser.command("Network.enable")
    try:
        page.browser.command(
            "Network.emulateNetworkConditions", offline=False, latency=300, downloadThroughput=200_000, uploadThroughput=-1
        )
        for keep in (5, 9, 100, 20, 12):
            page.slide(keep)
            page.browser.driver.execute_async_script("setTimeout(arguments[0], 60)")
        page.ready()
        shows(page, CAT)
        assert page.keep() == 12
    finally:
        page.browser.command(
            "Network.emulateNetworkConditions", offline=False, latency=0, downloadThroughput=-1, uploadThroughput=-1
        )
        page.browser.command("Network.disable")


def no_level(page):
    """No figures and no reconstruction of an earlier level beside the slider's new one."""
    for selector in ("#psnr", "#ssim", "#bytes", "#milliseconds"):
        assert page.number(selector) is None, (selector, page.text(selector))
    drawn = "const after = document.getElementById('after');" + (
        "return after.checkVisibility() && after.getContext('2d').getImageData(0, 0, after.width, after.height)"
        ".data.some(value => value)"
    )
    assert not page.run(drawn), "the reconstruction of an earlier level"


def again(page):
    """Tries again with the image that is still chosen."""
    frames = page.frames()
    page.click("#first-again")
    has_focus(page)
    page.ready(frames)
    assert page.errors() == {}, page.errors()
    page.until(lambda: page.text("#readout").startswith("Band"), "the spectrum is there too")


def has_focus(page):
    """A control that goes away must not take the focus with it: the keyboard would start at the top of the page."""
    focused = page.run("const one = document.activeElement; return one.checkVisibility() ? one.id : ''")
    assert focused, "the focus is lost"


def gone(page):
    """The server ends: a sentence, nothing stale; it is back: the page works on without a reload."""
    page.load(CAT)
    page.server.kill()
    page.slide(40)
    sentence = page.until(lambda: " ".join(page.errors().values()), "a sentence says that the server is gone")
    assert len(sentence) > 20 and "fetch" not in sentence, sentence
    page.until(lambda: page.state() != "busy", "the page is no longer busy")
    no_level(page)
    page.choose(CHINA)
    page.until(lambda: page.errors() and page.state() != "busy", "the next image is refused too")
    nothing_stale(page)
    page.server.start()
    again(page)
    shows(page, CHINA)


def gone_midway(page):
    """The server ends during a request."""
    page.load(CAT)
    page.server.pause()
    page.slide(40)
    page.until(lambda: page.state() == "busy", "the page is busy")
    page.server.kill()
    page.until(lambda: page.errors() and page.state() != "busy", "a sentence says that the server is gone")
    no_level(page)
    page.server.start()
    again(page)
    assert page.keep() == 40
    shows(page, CAT)


def overloaded(page):
    """Other callers fill the queue: the page says so or tries again, and works once they have gone."""
    page.load(CAT)
    image = CAT.read_bytes()
    ends = threading.Event()

    def load():
        while not ends.is_set():
            page.server.request("POST", "/decode", image)

    callers = [threading.Thread(target=load) for _ in range(6)]
    for caller in callers:
        caller.start()
    try:
        def refused():
            page.slide(page.keep() % 190 + 2)
            return any(call["status"] == 429 for call in page.calls())

        page.until(refused, "a request of the page is refused")
        page.until(lambda: page.errors() or page.state() == "ready", "the page says so or tries again")
    finally:
        ends.set()
        for caller in callers:
            caller.join()
    page.until(lambda: page.state() != "busy", "the page is no longer busy", 60)
    if page.errors():
        again(page)
    shows(page, CAT)


def too_large(page, part):
    page.choose(CAT)
    sentence = page.refused("first-error")
    assert part in sentence, sentence
    nothing_stale(page)


def without_head(page):
    """A model without a head has no classes; all else works."""
    page.load(CAT)
    shows(page, CAT)
    assert page.errors() == {}, page.errors()
    assert not any(letter.isdigit() for letter in page.text("#classes")), page.text("#classes")


def other_model(page):
    """Another number of tokens and other sizes of image."""
    page.load(CAT)
    assert page.run("return document.getElementById('keep').max") == "256"
    page.slide_and_wait(100)
    shows(page, CAT)


def few_levels(page):
    """A server that takes few images a request gets no longer list of levels."""
    page.load(CAT)
    shows(page, CAT)
    assert [one.get_attribute("data-keep") for one in page.elements("#levels button")] == ["36", "64", "196"]


def user_in_address(page):
    """A user before the host's name, which fetch() refuses, does not stop the page."""
    page.driver.get(page.server.url.replace("//", "//name:word@") + "/")
    page.load(CAT)
    shows(page, CAT)


def cases(harness, folder):
    keys = folder / "keys"
    keys.write_text(KEY + "\n")
    with Server("--api-key-file", str(keys)) as server:
        harness.case("key", server, asks, refusals=["401"])
        harness.case("image before the key", server, image_before_key, refusals=["401"])
    with Server() as server:
        harness.case("user in the address", server, user_in_address)
        harness.case("slow server", server, slow)
        harness.case("slow network", server, slow_network)
        harness.case("server gone", server, gone, refusals=GONE)
        harness.case("server gone during a request", server, gone_midway, refusals=GONE)
    with Server("--max-queue-items", "12", "--threads", "1") as server:
        harness.case("queue full", server, overloaded, refusals=["429"])
    with Server("--max-client-items", "3") as server:
        harness.case("few levels", server, few_levels)
    with Server("--max-body-bytes", "100000") as server:
        harness.case("file too large", server, too_large, "98 KB", refusals=["413"] + GONE)
    with Server("--max-image-pixels", "10000") as server:
        harness.case("too many pixels", server, too_large, "10", refusals=["413"])
    with Server(model=without("head", folder)) as server:
        harness.case("model without a head", server, without_head, refusals=["501"])
    with Server(model=converted("first-edition/k2", folder)) as server:
        harness.case("model with FFT bands", server, other_model, refusals=["501"])


def without(member, folder):
    """A copy of the model without a part."""
    copy = folder / "copy"
    shutil.copytree(MODEL, copy)
    settings = json.loads((copy / "config.json").read_text())
    del settings[member], settings["labels"]
    (copy / "config.json").write_text(json.dumps(settings))
    return copy


def converted(name, folder):
    """A small model with random weights in the form of a published one."""
    source = ROOT / "Tests/Fixtures/data/golden" / name
    subprocess.run([BINARY, "convert", source, folder / "converted"], check=True, capture_output=True, timeout=60)
    return folder / "converted"
