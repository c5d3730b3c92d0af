# SPDX-License-Identifier: Apache-2.0
"""HTTP/2 frames, header blocks and states (RFC 9113, 7541), each with the expected response."""

import time

import hpack
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

case("baseline", "HEADERS(1,200&,ES)", exchange(headers()))


# preface
def wrong_preface():
    c = Client(preface=False)
    c.send(b"PRI * HTTP/2.0\r\n\r\nSX\r\n\r\n")
    return c.collect()


case("preface wrong", goaway("PROTOCOL"), wrong_preface)


def preface_without_settings():
    c = Client(preface=False)
    c.send(PREFACE + frame("PING", 0, 0, b"12345678"))
    return c.collect()


case("preface first not settings", goaway("PROTOCOL"), preface_without_settings)


def preface_with_an_ack():
    c = Client(preface=False)
    c.send(PREFACE + frame("SETTINGS", 1, 0))
    return c.collect()


case("preface first is ack", goaway("PROTOCOL"), preface_with_an_ack)


def byte_by_byte():
    c = Client(preface=False)
    for b in PREFACE + frame("SETTINGS", 0, 0) + headers():
        c.send(bytes([b]))
        time.sleep(0.001)
    return c.collect()


case("byte by byte", "HEADERS(1,200", byte_by_byte)
# frame format
case("unknown type", "HEADERS(1,200", exchange(frame(0x16, 0, 0, b"x" * 8), frame(0x17, 255, 1, b"y"), headers()))
case("unknown flags ping", "PINGACK", exchange(frame("PING", 0x16, 0, b"12345678")))
case("reserved bit", "PINGACK", exchange(frame("PING", 0, 0x80000000, b"12345678")))
case(
    "unknown in header block",
    goaway("PROTOCOL"),
    exchange(frame("HEADERS", 1, 1, block(GET)), frame(0x16, 0, 0, b"")),
)
# size
case("max frame data 16384 ok", "timeout", exchange(headers(POST, fl=4), frame("DATA", 0, 1, b"x" * 16384)))
case(
    "oversize data",
    [goaway("FRAME_SIZE"), reset(1, "FRAME_SIZE")],
    exchange(headers(POST, fl=4), frame("DATA", 1, 1, b"x" * 16385)),
)
case(
    "oversize headers", goaway("FRAME_SIZE"), exchange(frame("HEADERS", 5, 1, block(GET) + literal("x", "y" * 16400)))
)
case(
    "oversize unknown", [goaway("FRAME_SIZE"), "HEADERS(1,200"], exchange(frame(0x16, 0, 0, b"x" * 16385), headers())
)
case("oversize settings", goaway("FRAME_SIZE"), exchange(frame("SETTINGS", 0, 0, b"\0" * 16386)))
# header blocks
case("bad hpack idx0", goaway("COMPRESSION"), exchange(frame("HEADERS", 5, 1, b"\x80")))
case("bad hpack idx big", goaway("COMPRESSION"), exchange(frame("HEADERS", 5, 1, b"\xff\xff\xff\xff\x0f")))
case("hpack idx 70", goaway("COMPRESSION"), exchange(frame("HEADERS", 5, 1, block(GET) + b"\xc6")))
case(
    "hpack literal idx name 70",
    goaway("COMPRESSION"),
    exchange(frame("HEADERS", 5, 1, block(GET) + b"\x7f\x07\x01x")),
)
case(
    "hpack table size too large",
    goaway("COMPRESSION"),
    exchange(frame("HEADERS", 5, 1, b"\x3f\xe2\x1f" + block(GET))),
)
case("hpack table size at end", goaway("COMPRESSION"), exchange(frame("HEADERS", 5, 1, block(GET) + b"\x20")))
case("hpack table size two ok", "HEADERS(1,200", exchange(frame("HEADERS", 5, 1, b"\x20\x3f\xe1\x1f" + block(GET))))
case(
    "hpack huffman long pad",
    goaway("COMPRESSION"),
    exchange(frame("HEADERS", 5, 1, block(GET) + b"\x00\x01x\x84\x49\x50\x9f\xff")),
)
case(
    "hpack huffman zero pad",
    goaway("COMPRESSION"),
    exchange(frame("HEADERS", 5, 1, block(GET) + b"\x00\x01x\x83\x49\x50\x98")),
)
case(
    "hpack huffman eos",
    goaway("COMPRESSION"),
    exchange(frame("HEADERS", 5, 1, block(GET) + b"\x00\x01x\x84\xff\xff\xff\xff")),
)
case(
    "hpack int overflow",
    goaway("COMPRESSION"),
    exchange(frame("HEADERS", 5, 1, block(GET) + b"\x00\x7f" + b"\xff" * 12 + b"\x01")),
)
case("hpack truncated", goaway("COMPRESSION"), exchange(frame("HEADERS", 5, 1, block(GET) + b"\x00\x05ab")))
case("hpack never indexed", "HEADERS(1,200", exchange(frame("HEADERS", 5, 1, block(GET) + b"\x10\x01x\x01y")))
case(
    "hpack incremental",
    "HEADERS(3,200",
    exchange(frame("HEADERS", 5, 1, block(GET) + b"\x40\x01x\x01y"), frame("HEADERS", 5, 3, block(GET) + b"\xbe")),
)
case("hpack huffman ok", "HEADERS(1,200", exchange(frame("HEADERS", 5, 1, hpack.Encoder().encode(GET))))


# An error that the library finds is reported before an error in a later frame that is found at once.
case(
    "the first of two errors is said",
    goaway("COMPRESSION"),
    exchange(frame("HEADERS", 5, 1, b"\x80") + frame("PING", 0, 0, b"1")),
)
case(
    "the first of two errors is said: window",
    goaway("PROTOCOL"),
    exchange(frame("WU", 0, 0, b"\0" * 4) + frame("PING", 0, 0, b"1")),
)


# continuation
def split(n):
    b = block(GET)
    k = max(1, len(b) // n)
    parts = [b[i : i + k] for i in range(0, len(b), k)]
    out = frame("HEADERS", 1, 1, parts[0])
    for i, p in enumerate(parts[1:]):
        out += frame("CONT", 4 if i == len(parts) - 2 else 0, 1, p)
    return out


case("continuation 3", "HEADERS(1,200", exchange(split(3)))
case("continuation 15", "HEADERS(1,200", exchange(split(15)))
case(
    "continuation empty headers",
    "HEADERS(1,200",
    exchange(frame("HEADERS", 1, 1, b""), frame("CONT", 4, 1, block(GET))),
)
case(
    "cont interleaved data",
    goaway("PROTOCOL"),
    exchange(frame("HEADERS", 0, 1, block(GET)), frame("DATA", 1, 1, b"x")),
)
case(
    "cont interleaved ping",
    goaway("PROTOCOL"),
    exchange(frame("HEADERS", 1, 1, block(GET)), frame("PING", 0, 0, b"12345678")),
)
case(
    "cont interleaved priority",
    goaway("PROTOCOL"),
    exchange(frame("HEADERS", 1, 1, block(GET)), frame("PRIORITY", 0, 3, b"\0\0\0\0\0")),
)
case("cont interleaved headers", goaway("PROTOCOL"), exchange(frame("HEADERS", 1, 1, block(GET)), headers(sid=3)))
case(
    "cont other stream",
    goaway("PROTOCOL"),
    exchange(frame("HEADERS", 1, 1, block(GET)), frame("CONT", 4, 3, block(GET))),
)
case(
    "cont stream 0", goaway("PROTOCOL"), exchange(frame("HEADERS", 1, 1, block(GET)), frame("CONT", 4, 0, block(GET)))
)
case(
    "cont after end_headers",
    [goaway("PROTOCOL"), goaway("STREAM_CLOSED")],
    exchange(frame("HEADERS", 4, 1, block(POST)), frame("CONT", 4, 1, block(GET))),
)
case("cont without headers", goaway("PROTOCOL"), exchange(frame("CONT", 4, 1, block(GET))))
case(
    "cont after cont end",
    [goaway("PROTOCOL"), goaway("STREAM_CLOSED")],
    exchange(frame("HEADERS", 0, 1, block(POST)), frame("CONT", 4, 1, b""), frame("CONT", 4, 1, b"")),
)
# states idle
case("idle DATA", goaway("PROTOCOL"), exchange(frame("DATA", 1, 1, b"x")))
case("idle RST", goaway("PROTOCOL"), exchange(frame("RST", 0, 1, b"\0\0\0\x08")))
case("idle WU", goaway("PROTOCOL"), exchange(frame("WU", 0, 1, b"\0\0\0\x64")))
case("idle PRIORITY ok", "HEADERS(5,200", exchange(frame("PRIORITY", 0, 3, b"\0\0\0\0\0"), headers(sid=5)))
case("even DATA", goaway("PROTOCOL"), exchange(headers(), frame("DATA", 1, 2, b"x")))
case("even RST", goaway("PROTOCOL"), exchange(headers(), frame("RST", 0, 2, b"\0\0\0\x08")))
case("even WU", goaway("PROTOCOL"), exchange(headers(), frame("WU", 0, 2, b"\0\0\0\x08")))
case("even HEADERS", goaway("PROTOCOL"), exchange(headers(sid=2)))
case("HEADERS 0", goaway("PROTOCOL"), exchange(headers(sid=0)))
case("lower skipped id", goaway("PROTOCOL"), exchange(headers(sid=5), headers(sid=3)))
case(
    "DATA on skipped",
    [goaway("STREAM_CLOSED"), goaway("PROTOCOL"), reset(3, "STREAM_CLOSED")],
    exchange(headers(sid=5), frame("DATA", 1, 3, b"x")),
)
case(
    "same id again after close",
    [goaway("STREAM_CLOSED"), goaway("PROTOCOL")],
    exchange(headers(sid=1), frame("PING", 0, 0, b"12345678"), headers(sid=1)),
)
# half closed remote
case(
    "hcr DATA",
    either("STREAM_CLOSED"),
    exchange(headers(POST[:2] + [(":path", "/health/live"), (":authority", "a")]), frame("DATA", 1, 1, b"x")),
)
case("hcr HEADERS", either("STREAM_CLOSED"), exchange(headers(), headers()))
case("hcr CONT", [goaway("PROTOCOL"), goaway("STREAM_CLOSED")], exchange(headers(), frame("CONT", 4, 1, block(GET))))
case("hcr WU ok", "HEADERS(1,200", exchange(headers(), frame("WU", 0, 1, b"\0\0\0\x08")))
case("hcr PRIORITY ok", "HEADERS(1,200", exchange(headers(), frame("PRIORITY", 0, 1, b"\0\0\0\0\0")))
case(
    "hcr RST ok", "PINGACK", exchange(headers(), frame("RST", 0, 1, b"\0\0\0\x08"), frame("PING", 0, 0, b"12345678"))
)
# closed by RST
case(
    "rst DATA",
    either("STREAM_CLOSED"),
    exchange(headers(POST, fl=4), frame("RST", 0, 1, b"\0\0\0\x08"), frame("DATA", 1, 1, b"x")),
)
case(
    "rst HEADERS",
    either("STREAM_CLOSED"),
    exchange(headers(POST, fl=4), frame("RST", 0, 1, b"\0\0\0\x08"), headers(fl=5)),
)
case(
    "rst CONT",
    [goaway("PROTOCOL"), goaway("STREAM_CLOSED")],
    exchange(headers(POST, fl=4), frame("RST", 0, 1, b"\0\0\0\x08"), frame("CONT", 4, 1, b"")),
)
case(
    "rst WU ok",
    "PINGACK",
    exchange(
        headers(POST, fl=4),
        frame("RST", 0, 1, b"\0\0\0\x08"),
        frame("WU", 0, 1, b"\0\0\0\x08"),
        frame("RST", 0, 1, b"\0\0\0\x08"),
        frame("PING", 0, 0, b"12345678"),
    ),
)


def after_end(*frames):
    def f():
        c = Client()
        c.send(headers())
        c.until(lambda f: f[0] == "DATA" and f[1] & 1)
        for x in frames:
            c.send(x)
        return c.collect()

    return f


case("closed DATA", either("STREAM_CLOSED"), after_end(frame("DATA", 1, 1, b"x")))
case("closed HEADERS", goaway("STREAM_CLOSED"), after_end(headers()))
case("closed CONT", [goaway("PROTOCOL"), goaway("STREAM_CLOSED")], after_end(frame("CONT", 4, 1, block(GET))))
case("closed WU ok", "PINGACK", after_end(frame("WU", 0, 1, b"\0\0\0\x08"), frame("PING", 0, 0, b"12345678")))
case(
    "closed PRIORITY ok",
    "PINGACK",
    after_end(frame("PRIORITY", 0, 1, b"\0\0\0\0\0"), frame("PING", 0, 0, b"12345678")),
)
case("closed RST ok", "PINGACK", after_end(frame("RST", 0, 1, b"\0\0\0\x08"), frame("PING", 0, 0, b"12345678")))
# DATA
case("DATA stream 0", goaway("PROTOCOL"), exchange(headers(POST, fl=4), frame("DATA", 1, 0, b"x")))
case("DATA pad too long", goaway("PROTOCOL"), exchange(headers(POST, fl=4), frame("DATA", 9, 1, b"\x06test!")))
case(
    "DATA pad = len",
    goaway("PROTOCOL"),
    exchange(headers(POST, fl=4), frame("DATA", 9, 1, b"\x05test!")[:0] + frame("DATA", 9, 1, b"\x05tests"[:5])),
)
case(
    "DATA padded empty",
    [goaway("PROTOCOL"), goaway("FRAME_SIZE")],
    exchange(headers(POST, fl=4), frame("DATA", 9, 1, b"")),
)
case(
    "DATA padded ok", "HEADERS(1,415", exchange(headers(POST, fl=4), frame("DATA", 9, 1, b"\x03ab\0\0\0"), timeout=1)
)
# HEADERS
case("HEADERS pad too long", goaway("PROTOCOL"), exchange(frame("HEADERS", 13, 1, b"\xff" + block(GET))))
case("HEADERS padded", "HEADERS(1,200", exchange(frame("HEADERS", 13, 1, b"\x04" + block(GET) + b"\0" * 4)))
case("HEADERS priority", "HEADERS(1,200", exchange(frame("HEADERS", 0x25, 1, b"\0\0\0\0\x10" + block(GET))))
case(
    "HEADERS priority short", [goaway("FRAME_SIZE"), goaway("PROTOCOL")], exchange(frame("HEADERS", 0x25, 1, b"\0\0"))
)
case("HEADERS self dep", either("PROTOCOL"), exchange(frame("HEADERS", 0x25, 1, b"\0\0\0\x01\x10" + block(GET))))
case("HEADERS dep on unknown", "HEADERS(1,200", exchange(frame("HEADERS", 0x25, 1, b"\0\0\x03\x01\x10" + block(GET))))
# PRIORITY
case("PRIORITY 0", goaway("PROTOCOL"), exchange(frame("PRIORITY", 0, 0, b"\0\0\0\0\0")))
case("PRIORITY len", either("FRAME_SIZE"), exchange(headers(POST, fl=4), frame("PRIORITY", 0, 1, b"\0\0\0\0")))
case("PRIORITY self", either("PROTOCOL"), exchange(headers(POST, fl=4), frame("PRIORITY", 0, 1, b"\0\0\0\x01\x10")))
# RST
case("RST 0", goaway("PROTOCOL"), exchange(frame("RST", 0, 0, b"\0\0\0\x08")))
case("RST len", goaway("FRAME_SIZE"), exchange(headers(POST, fl=4), frame("RST", 0, 1, b"\0\0\0")))
case(
    "RST unknown code",
    "PINGACK",
    exchange(headers(POST, fl=4), frame("RST", 0, 1, b"\0\0\0\xff"), frame("PING", 0, 0, b"12345678")),
)
# SETTINGS
case("SETTINGS ack payload", goaway("FRAME_SIZE"), exchange(frame("SETTINGS", 1, 0, setting((1, 1)))))
case("SETTINGS stream", goaway("PROTOCOL"), exchange(frame("SETTINGS", 0, 1, setting((3, 1)))))
case("SETTINGS len", goaway("FRAME_SIZE"), exchange(frame("SETTINGS", 0, 0, b"\0\x03\0")))
case("SETTINGS push 2", goaway("PROTOCOL"), exchange(frame("SETTINGS", 0, 0, setting((2, 2)))))
case("SETTINGS window", goaway("FLOW"), exchange(frame("SETTINGS", 0, 0, setting((4, 2**31)))))
case("SETTINGS frame small", goaway("PROTOCOL"), exchange(frame("SETTINGS", 0, 0, setting((5, 16383)))))
case("SETTINGS frame large", goaway("PROTOCOL"), exchange(frame("SETTINGS", 0, 0, setting((5, 2**24)))))
case(
    "SETTINGS unknown",
    "PINGACK",
    exchange(frame("SETTINGS", 0, 0, setting((0xFF, 1))), frame("PING", 0, 0, b"12345678")),
)
case(
    "SETTINGS connect proto 2",
    [goaway("PROTOCOL"), "PINGACK"],
    exchange(frame("SETTINGS", 0, 0, setting((8, 2))), frame("PING", 0, 0, b"12345678")),
)
case(
    "SETTINGS unexpected ack",
    [goaway("PROTOCOL"), "PINGACK"],
    exchange(frame("SETTINGS", 1, 0), frame("SETTINGS", 1, 0), frame("PING", 0, 0, b"12345678")),
)
case(
    "SETTINGS same setting twice",
    "PINGACK",
    exchange(frame("SETTINGS", 0, 0, setting((4, 100), (4, 200))), frame("PING", 0, 0, b"12345678")),
)


def settings_are_acknowledged():
    c = Client()
    c.send(frame("SETTINGS", 0, 0, setting((4, 100))))
    return c.collect(skip=("WU",))


case("SETTINGS acked", "SETTINGSACK", settings_are_acknowledged)
# PUSH
case(
    "PUSH_PROMISE", goaway("PROTOCOL"), exchange(headers(POST, fl=4), frame("PUSH", 4, 1, b"\0\0\0\x02" + block(GET)))
)
# PING
case("PING", ["PINGACK"], exchange(frame("PING", 0, 0, b"12345678")))
case(
    "PING ack ignored",
    "PINGACK timeout",
    exchange(frame("PING", 1, 0, b"invalid!"), frame("PING", 0, 0, b"12345678")),
)
case("PING stream", goaway("PROTOCOL"), exchange(frame("PING", 0, 1, b"12345678")))
case("PING len", goaway("FRAME_SIZE"), exchange(frame("PING", 0, 0, b"123456")))
# GOAWAY
case("GOAWAY stream", goaway("PROTOCOL"), exchange(frame("GOAWAY", 0, 1, b"\0" * 8)))
case("GOAWAY short", goaway("FRAME_SIZE"), exchange(frame("GOAWAY", 0, 0, b"\0" * 7)))
case(
    "GOAWAY then finish",
    "HEADERS(1,415",
    exchange(headers(POST, fl=4), frame("GOAWAY", 0, 0, b"\0" * 8), frame("DATA", 1, 1, b"abc"), timeout=1),
)
case("GOAWAY idle closes", "EOF", exchange(frame("GOAWAY", 0, 0, b"\0" * 8), timeout=1))
case(
    "GOAWAY last odd", [goaway("PROTOCOL"), "EOF"], exchange(frame("GOAWAY", 0, 0, b"\0\0\0\x01\0\0\0\0"), timeout=1)
)
