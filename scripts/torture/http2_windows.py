# SPDX-License-Identifier: Apache-2.0
"""HTTP/2 flow control (RFC 9113 5.2, 6.9), inbound and outbound."""

import struct

from http2_client import POST, Client, case, either, exchange, frame, goaway, headers, setting

# WINDOW_UPDATE
case("WU 0 conn", goaway("PROTOCOL"), exchange(frame("WU", 0, 0, b"\0" * 4)))
case("WU 0 stream", either("PROTOCOL"), exchange(headers(POST, fl=4), frame("WU", 0, 1, b"\0" * 4)))
case("WU len", goaway("FRAME_SIZE"), exchange(frame("WU", 0, 0, b"\0" * 3)))
case(
    "WU overflow conn",
    goaway("FLOW"),
    exchange(frame("WU", 0, 0, b"\x7f\xff\xff\xff"), frame("WU", 0, 0, b"\x7f\xff\xff\xff")),
)
case(
    "WU overflow stream",
    either("FLOW"),
    exchange(headers(POST, fl=4), frame("WU", 0, 1, b"\x7f\xff\xff\xff"), frame("WU", 0, 1, b"\x7f\xff\xff\xff")),
)
case(
    "SETTINGS overflow stream window",
    goaway("FLOW"),
    exchange(
        headers(POST, fl=4),
        frame("WU", 0, 1, struct.pack(">I", 2**31 - 1 - 65535)),
        frame("SETTINGS", 0, 0, setting((4, 65536))),
    ),
)


# Inbound flow control
def window_exceeded():
    c = Client()
    c.send(headers([(":method", "POST"), (":scheme", "http"), (":path", "/health/live"), (":authority", "a")], fl=4))
    for i in range(200):
        c.send(frame("DATA", 0, 1, b"x" * 16384))
    return c.collect(1)


case("window exceeded (405, rst, discards)", "HEADERS(1,405", window_exceeded)


# outbound window
def opened_window(initial, inc=None):
    c = Client(settings=setting((4, initial)))
    c.send(headers())
    r = c.collect(0.3)
    if inc:
        c.send(frame("WU", 0, 1, struct.pack(">I", inc)))
        r += ["|"] + c.collect(0.3)
    return r


case("window 1", "DATA(1,1)&timeout", lambda: opened_window(1))
case("window 0 then wu", "HEADERS(1,200) timeout | DATA(1,5)", lambda: opened_window(0, 5))


def negative_window():
    c = Client(settings=setting((4, 3)))
    c.send(headers())
    r = c.collect(0.3)
    c.send(frame("SETTINGS", 0, 0, setting((4, 0))))
    r += ["|"] + c.collect(0.3)
    c.send(frame("WU", 0, 1, struct.pack(">I", 3)))
    r += ["|"] + c.collect(0.3)
    c.send(frame("WU", 0, 1, struct.pack(">I", 2)))
    r += ["|"] + c.collect(0.3)
    return r


case("window negative", "DATA(1,3) timeout | timeout | timeout | DATA(1,2) timeout", negative_window)


def window_opened_by_settings():
    c = Client(settings=setting((4, 0)))
    c.send(headers())
    r = c.collect(0.3)
    c.send(frame("SETTINGS", 0, 0, setting((4, 1))))
    r += ["|"] + c.collect(0.3)
    return r


case("window by SETTINGS", "timeout | DATA(1,1) timeout", window_opened_by_settings)
