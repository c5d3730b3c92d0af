# SPDX-License-Identifier: Apache-2.0
"""Runs the cases: each gets a fresh page, a limit of time, and must leave no message in the browser's console."""

import pathlib
import re
import signal

from selenium.common.exceptions import WebDriverException

from counts import Counts
from page import Page
from server import ROOT

# Longer than any wait within a case; past it the browser itself hangs.
CASE_SECONDS = 120
CAT = ROOT / "Tests/Fixtures/data/golden/dinov2/chelsea.png"
CHINA = ROOT / "Tests/Fixtures/data/golden/clip/china.jpg"
ROCKET = ROOT / "Tests/Fixtures/data/golden/siglip2/rocket.jpg"


class Hung(Exception):
    pass


class Harness:
    def __init__(self, suite, browser):
        self.counts = Counts(suite)
        self.browser = browser
        signal.signal(signal.SIGALRM, self.hung)

    def hung(self, *_):
        raise Hung(f"no end within {CASE_SECONDS} s; the browser is restarted")

    def case(self, name, server, function, *arguments, refusals=()):
        """Runs function(page, ...). The browser's log may name failed requests with a text in `refusals`, no others."""
        self.counts.case(name, self.run, server, function, arguments, refusals)

    def run(self, server, function, arguments, refusals):
        signal.alarm(CASE_SECONDS)
        try:
            self.browser.size(1280, 900)
            self.browser.prefer()
            self.browser.driver.get("about:blank")
            self.messages()
            page = Page(self.browser, server, self)
            page.open()
            function(page, *arguments)
            found = [line for line in self.messages(page) if not is_refusal(line, refusals)]
            assert not found, f"messages in the console: {found}"
        except Hung:
            self.browser.restart()
            raise
        except WebDriverException as error:
            # Without the driver's own stack, which names nothing of the page.
            raise AssertionError(error.msg) from None
        finally:
            signal.alarm(0)

    def messages(self, page=None):
        """Console messages, uncaught errors and violations of the policy since the last call."""
        lines = [entry["message"] for entry in self.browser.driver.get_log("browser")]
        return lines + (page.run("return window.tests.violations") if page else [])


def is_refusal(line, refusals):
    """Chromium itself logs each failed request; no page can prevent it."""
    found = re.search(r"Failed to load resource: .*?(?:status of (\d+)|net::(\w+))", line)
    return bool(found) and (found[1] or found[2]) in refusals


def reference(server, photo, target):
    """What the service responds to the same image: headers and body."""
    status, headers, body = server.request("POST", target, pathlib.Path(photo).read_bytes())
    assert status == 200, (target, status, body[:300])
    return headers, body


def assert_psnr(page, photo, keep):
    """The page's PSNR is that of this image at this level, to the one decimal that it shows."""
    headers, _ = reference(page.server, photo, f"/decode?keep={keep}")
    expected = float(re.search(r"psnr=([0-9.]+)", headers["UAE-Quality"])[1])
    found = page.number("#psnr")
    assert found is not None and abs(found - expected) < 0.0501, (page.text("#psnr"), expected)
