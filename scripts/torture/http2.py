# SPDX-License-Identifier: Apache-2.0
"""HTTP/2 frame by frame: every case of http2_floods.py, http2_frames.py, http2_messages.py and http2_windows.py."""

import http2_floods  # noqa: F401  Importing fills the table of cases, in this order.
import http2_frames  # noqa: F401
import http2_messages  # noqa: F401
import http2_windows  # noqa: F401
from counts import Counts
from http2_client import CASES, check


def main():
    counts = Counts("HTTP/2")
    for name, expected, function in CASES:
        counts.case(name, check, expected, function)
    counts.finish()


if __name__ == "__main__":
    main()
