# SPDX-License-Identifier: Apache-2.0
"""HTTP/2 under attack (too many streams, floods, bombs), and the upgrade from HTTP/1.1 (RFC 7540 3.2)."""

import socket
import time

from http2_client import (
    GET,
    POST,
    PREFACE,
    Client,
    block,
    case,
    either,
    exchange,
    frame,
    goaway,
    headers,
    literal,
    reset,
    setting,
)


# concurrency
def too_many_streams():
    c = Client()
    out = b"".join(headers(POST, sid=2 * i + 1, fl=4) for i in range(101))
    c.send(out)
    return c.collect(0.5)


case("101 streams", [reset(201, "REFUSED")], too_many_streams)


def too_many_streams_before_the_ack():
    c = Client(ack=False)
    out = b"".join(headers(POST, sid=2 * i + 1, fl=4) for i in range(101))
    c.send(out)
    r = c.collect(0.5)
    c.send(frame("RST", 0, 1, b"\0\0\0\x08") + headers(sid=203))
    return r + c.collect(0.5)


case("101 streams unacked, hpack still works", ["RST(201,REFUSED&HEADERS(203,200"], too_many_streams_before_the_ack)


def ninety_streams():
    c = Client()
    c.send(b"".join(headers(sid=2 * i + 1) for i in range(90)))
    r = c.collect(0.5)
    return [str(sum("HEADERS" in x for x in r)), str(sum(",ES" in x for x in r))]


case("90 at once", "90 90", ninety_streams)


# floods
def flood(unit, n, first=b"", batch=50, wait=4):
    def f():
        c = Client()
        c.send(first)
        for i in range(0, n, batch):
            c.send(unit * batch if isinstance(unit, bytes) else b"".join(unit(j) for j in range(i, i + batch)))
            if c.eof:
                break
        r = c.collect(wait)
        seen = []
        for x in r:
            if not seen or seen[-1] != x:
                seen.append(x)
        return [f"[{len(r)}]"] + seen[-3:]

    return f


case("flood PING", goaway("CALM"), flood(frame("PING", 0, 0, b"12345678"), 5000))
case("flood SETTINGS", goaway("CALM"), flood(frame("SETTINGS", 0, 0, setting((4, 65535))), 5000))
case("flood empty SETTINGS", goaway("CALM"), flood(frame("SETTINGS", 0, 0), 5000))
case("flood PRIORITY", goaway("CALM"), flood(frame("PRIORITY", 0, 3, b"\0\0\0\0\0"), 5000))
case("flood WU", goaway("CALM"), flood(frame("WU", 0, 0, b"\0\0\0\1"), 5000))
case("flood unknown", goaway("CALM"), flood(frame(0x20, 0, 0), 5000))
case("flood empty DATA", goaway("CALM"), flood(frame("DATA", 0, 1), 5000, headers(POST, fl=4)))
case("flood padded DATA", goaway("CALM"), flood(frame("DATA", 8, 1, b"\0"), 5000, headers(POST, fl=4)))
case(
    "flood CONT",
    goaway("CALM"),
    flood(frame("CONT", 0, 1, literal("a", "b")), 5000, frame("HEADERS", 1, 1, block(GET))),
)
case("flood empty CONT", goaway("CALM"), flood(frame("CONT", 0, 1), 5000, frame("HEADERS", 1, 1, block(GET))))
case(
    "flood rapid reset",
    goaway("CALM"),
    flood(lambda i: headers(POST, sid=2 * i + 1, fl=4) + frame("RST", 0, 2 * i + 1, b"\0\0\0\x08"), 5000),
)
case(
    "flood rapid reset GET",
    goaway("CALM"),
    flood(lambda i: headers(sid=2 * i + 1) + frame("RST", 0, 2 * i + 1, b"\0\0\0\x08"), 5000),
)
case("flood malformed", goaway("CALM"), flood(lambda i: headers(GET + [("X", "y")], sid=2 * i + 1), 5000))
case(
    "flood WU overflow on streams",
    [goaway("CALM"), goaway("FLOW")],
    flood(lambda i: headers(POST, sid=2 * i + 1, fl=4) + frame("WU", 0, 2 * i + 1, b"\x7f\xff\xff\xff"), 5000),
)
case("flood refused", [goaway("CALM")], flood(lambda i: headers(POST, sid=2 * i + 1, fl=4), 5000))
case(
    "flood DATA on reset",
    [goaway("CALM"), reset(1, "NO")],
    flood(
        frame("DATA", 0, 1, b"x"),
        5000,
        headers([(":method", "POST"), (":scheme", "http"), (":path", "/health/live"), (":authority", "a")], fl=4),
    ),
)


def hpack_bomb():
    c = Client()
    c.send(frame("HEADERS", 1, 1, block(GET) + b"\x40\x01x\x7f\xc1\x1e" + b"y" * 4000))
    c.send(frame("CONT", 4, 1, b"\xbe" * 16000))
    return c.collect(1)


case("header table 0", "HEADERS(3,200", exchange(headers(), headers(sid=3), settings=setting((1, 0))))
case("HPACK bomb", [goaway("CALM"), "431"], hpack_bomb)


# upgrade
def upgrade(extra, body=b"", method="GET", path="/health/live", pre=True):
    c = Client(preface=False)
    c.send((f"{method} {path} HTTP/1.1\r\nHost: a\r\n" + extra + "\r\n").encode() + body)
    b = b""
    while b"\r\n\r\n" not in b:
        try:
            d = c.s.recv(1)
        except socket.timeout:
            return ["timeout"]
        if not d:
            return ["EOF"]
        b += d
    l = b.split(b"\r\n")[0].decode()
    if " 101 " not in l:
        return [l]
    if pre:
        c.send(PREFACE + frame("SETTINGS", 0, 0))
    return [l] + c.collect(0.4)


UP = "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n"
case("upgrade", "101&HEADERS(1,200&,ES)", lambda: upgrade(UP))
case("upgrade HEAD", "101&HEADERS(1,200,ES)", lambda: upgrade(UP, method="HEAD"))
case("upgrade body", " 405", lambda: upgrade(UP + "Content-Length: 2\r\n", b"hi", "POST"))
case("upgrade bad b64", " 200", lambda: upgrade(UP.replace("AAMAAABkAAQAAP__", "AAM*")))
case("upgrade padded b64", " 200", lambda: upgrade(UP.replace("AAMAAABkAAQAAP__", "AAMAAABkAAQAAP==")))
case("upgrade no settings", " 200", lambda: upgrade("Connection: Upgrade\r\nUpgrade: h2c\r\n"))
case("upgrade two settings", [" 200", " 400"], lambda: upgrade(UP + "HTTP2-Settings: AAMAAABkAAQAAP__\r\n"))
case("upgrade not in connection", " 200", lambda: upgrade(UP.replace(", HTTP2-Settings\r", "\r")))
case("upgrade h2", " 200", lambda: upgrade(UP.replace("h2c", "h2")))
case("upgrade invalid value (push 2)", " 200", lambda: upgrade(UP.replace("AAMAAABkAAQAAP__", "AAIAAAAC")))
case("upgrade then stream 3", "101&HEADERS(1,200", lambda: upgrade(UP))
case("upgrade no preface: GOAWAY or wait", ["101&timeout", "101&GOAWAY"], lambda: upgrade(UP, pre=False))


def upgrade_without_preface():
    c = Client(preface=False)
    c.send(("GET /health/live HTTP/1.1\r\nHost: a\r\n" + UP + "\r\n").encode() + b"GET / HTTP/1.1\r\n\r\n")
    time.sleep(0.3)
    d = c.s.recv(65536)
    i = d.index(b"\r\n\r\n")
    c.buf = d[i + 4 :]
    return c.collect()


case("upgrade then no preface", goaway("PROTOCOL"), upgrade_without_preface)


def upgraded_stream_is_half_closed():
    c = Client(preface=False)
    c.send(
        ("GET /health/live HTTP/1.1\r\nHost: a\r\n" + UP + "\r\n").encode()
        + PREFACE
        + frame("SETTINGS", 0, 0)
        + headers(sid=3)
        + frame("DATA", 1, 1, b"x")
    )
    time.sleep(0.3)
    d = c.s.recv(65536)
    i = d.index(b"\r\n\r\n")
    c.buf = d[i + 4 :]
    return c.collect()


case("upgrade stream1 half closed", either("STREAM_CLOSED"), upgraded_stream_is_half_closed)
