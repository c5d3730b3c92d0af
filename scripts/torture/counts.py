# SPDX-License-Identifier: Apache-2.0
"""Counts of passed and failed cases, one line per failure, and the exit status."""

import os
import sys
import urllib.parse


def address():
    """Host and port of the server in UAE_URL."""
    parts = urllib.parse.urlsplit(os.environ["UAE_URL"])
    return parts.hostname, parts.port


class Counts:
    def __init__(self, suite, only=None):
        self.suite = suite
        self.only = only if only is not None else (sys.argv[1] if len(sys.argv) > 1 else None)
        self.passed = 0
        self.failed = 0

    def wants(self, name):
        return self.only is None or self.only in name

    def case(self, name, function, *arguments):
        """Runs one case: it passes unless it raises; an AssertionError names what was wrong."""
        if not self.wants(name):
            return
        try:
            function(*arguments)
        except Exception as error:  # noqa: BLE001  Any error is a failed case; the next case runs.
            self.failed += 1
            print(f"FAILED {self.suite}: {name}: {type(error).__name__}: {error}", flush=True)
        else:
            self.passed += 1
            if self.only is not None:
                print(f"passed {self.suite}: {name}", flush=True)

    def finish(self):
        print(f"{self.suite}: {self.passed} passed, {self.failed} failed", flush=True)
        sys.exit(1 if self.failed or not self.passed else 0)
