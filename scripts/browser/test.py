# SPDX-License-Identifier: Apache-2.0
"""All cases of the page, or those whose names contain the first argument."""

import pathlib
import signal
import sys
import tempfile
import time

import access
import compare
import copies
import images
import levels
import trouble
from browser import Browser
from harness import CAT, CHINA, Harness
from server import Server


def noticed(page, script, words):
    """The harness itself: what the page must never do is seen."""
    page.run(script)
    found = []
    for _ in range(100):
        found += page.harness.messages(page)
        if any(word in line for line in found for word in words):
            page.run("window.tests.violations = []")
            return
        time.sleep(0.02)
    raise AssertionError(f"not noticed: {script}; {found}")


def itself(harness, server):
    for name, script, words in (
        ("console", "console.warn('spoken')", ["spoken"]),
        ("uncaught error", "setTimeout(() => { throw new Error('thrown') })", ["thrown"]),
        ("rejected promise", "Promise.reject(new Error('rejected'))", ["rejected"]),
        ("violation of the policy", "document.body.setAttribute('style', 'color: red')", ["style-src"]),
        ("failed request", "fetch('/nothing')", ["404"]),
    ):
        harness.case(f"noticed: {name}", server, noticed, script, words)


def main():
    # So that `with` blocks end what they started.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    begun = time.monotonic()
    with tempfile.TemporaryDirectory() as folder, Browser() as browser, Server() as server:
        folder = pathlib.Path(folder)
        harness = Harness("browser", browser)
        corrupt = folder / "corrupt.png"
        corrupt.write_bytes(CAT.read_bytes()[:100_000])
        itself(harness, server)
        images.cases(harness, server, folder, corrupt)
        levels.cases(harness, server, CHINA)
        compare.cases(harness, server, corrupt)
        copies.cases(harness, server)
        trouble.cases(harness, folder)
        access.cases(harness, server, folder, corrupt)
        print(f"{time.monotonic() - begun:.0f} s")
        harness.counts.finish()


if __name__ == "__main__":
    main()
