# SPDX-License-Identifier: Apache-2.0
"""A client that writes valid and invalid HTTP/2 frames, and the table of cases.

A case is the expected frames as text: `HEADERS(1,200` for a response's head on stream 1, `DATA(1,5,ES)`,
`RST(1,PROTOCOL)`, `GOAWAY(CALM,last=7)`, `PINGACK`, `EOF`, `timeout`; all parts joined by `&` must be present,
and one of a list of alternatives.
"""

import socket
import struct
import time

import hpack

from counts import address

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
TYPES = {
    "DATA": 0,
    "HEADERS": 1,
    "PRIORITY": 2,
    "RST": 3,
    "SETTINGS": 4,
    "PUSH": 5,
    "PING": 6,
    "GOAWAY": 7,
    "WU": 8,
    "CONT": 9,
}
TYPE_NAMES = {number: name for name, number in TYPES.items()}
ERRORS = (
    "NO",
    "PROTOCOL",
    "INTERNAL",
    "FLOW",
    "SETTINGS_TO",
    "STREAM_CLOSED",
    "FRAME_SIZE",
    "REFUSED",
    "CANCEL",
    "COMPRESSION",
    "CONNECT",
    "CALM",
    "SECURITY",
    "HTTP_1_1",
)
GET = [(":method", "GET"), (":scheme", "http"), (":path", "/health/live"), (":authority", "a")]
POST = [(":method", "POST"), (":scheme", "http"), (":path", "/encode"), (":authority", "a")]


def frame(kind, flags, stream, payload=b"", length=None):
    length = len(payload) if length is None else length
    kind = TYPES[kind] if isinstance(kind, str) else kind
    return struct.pack(">I", length)[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + payload


def literal(name, value):
    """A literal header without indexing (RFC 7541 6.2.2), neither half compressed."""

    def text(data):
        data = data.encode("latin1") if isinstance(data, str) else data
        if len(data) < 127:
            return bytes([len(data)]) + data
        rest, length = len(data) - 127, b"\x7f"
        while rest >= 128:
            length += bytes([rest % 128 + 128])
            rest //= 128
        return length + bytes([rest]) + data

    return b"\x00" + text(name) + text(value)


def block(fields):
    return b"".join(literal(name, value) for name, value in fields)


def setting(*pairs):
    return b"".join(struct.pack(">HI", key, value) for key, value in pairs)


def headers(fields=GET, sid=1, fl=5, pre=b""):
    """HEADERS; by default END_STREAM and END_HEADERS."""
    return frame("HEADERS", fl, sid, pre + block(fields))


class Client:
    def __init__(self, preface=True, settings=b"", ack=True):
        self.s = socket.create_connection(address(), timeout=3)
        self.s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buf = b""
        self.decoder = hpack.Decoder()
        self.eof = False
        self.was_reset = False
        if preface:
            self.send(PREFACE + frame("SETTINGS", 0, 0, settings))
            while (received := self.frame()) not in (None, "TIMEOUT") and not (
                received[0] == "SETTINGS" and received[1] & 1
            ):
                pass
            if ack:
                self.send(frame("SETTINGS", 1, 0))

    def send(self, data):
        try:
            self.s.sendall(data)
        except OSError:
            # The server has closed the connection; the frames that it sent before are still unread.
            self.was_reset = True

    def frame(self, timeout=3):
        """The next frame as (type, flags, stream, payload), None at the end, or TIMEOUT."""
        end = time.monotonic() + timeout
        while True:
            if len(self.buf) >= 9:
                length = int.from_bytes(self.buf[:3], "big")
                if len(self.buf) >= 9 + length:
                    kind, flags = self.buf[3], self.buf[4]
                    stream = int.from_bytes(self.buf[5:9], "big")
                    payload, self.buf = self.buf[9 : 9 + length], self.buf[9 + length :]
                    return TYPE_NAMES.get(kind, kind), flags, stream, payload
            if self.eof:
                return None
            left = end - time.monotonic()
            if left <= 0:
                return "TIMEOUT"
            self.s.settimeout(left)
            try:
                data = self.s.recv(65536)
            except TimeoutError:
                return "TIMEOUT"
            except OSError:
                data = b""
            self.eof = not data
            self.buf += data

    def until(self, wanted, timeout=3):
        while True:
            received = self.frame(timeout)
            if received in (None, "TIMEOUT") or wanted(received):
                return received

    def describe(self, received):
        kind, flags, stream, payload = received
        end = ",ES" if flags & 1 else ""
        number = lambda data: int.from_bytes(data, "big")
        match kind:
            case "RST":
                return f"RST({stream},{ERRORS[number(payload)]})"
            case "GOAWAY":
                return f"GOAWAY({ERRORS[number(payload[4:8])]},last={number(payload[:4])})"
            case "HEADERS":
                return f"HEADERS({stream},{dict(self.decoder.decode(payload)).get(':status')}{end})"
            case "DATA":
                return f"DATA({stream},{len(payload)}{end})"
            case "PING" | "SETTINGS":
                return kind + ("ACK" if flags & 1 else "")
            case _:
                return f"{kind}({stream})"

    def collect(self, timeout=0.4, skip=("WU", "SETTINGS")):
        """All frames until none arrives for a while."""
        seen = []
        while True:
            received = self.frame(timeout)
            if received == "TIMEOUT":
                return seen + ["timeout"]
            if received is None:
                return seen + ["EOF"]
            text = self.describe(received)
            if not text.startswith(skip):
                seen.append(text)


CASES = []


def case(name, expected, function):
    CASES.append((name, [expected] if isinstance(expected, str) else list(expected), function))


def check(expected, function):
    seen = " ".join(function())
    fits = any(all(part in seen for part in alternative.split("&")) for alternative in expected)
    assert fits, f"saw {seen!r}, expected {expected}"


def exchange(*frames, settings=b"", timeout=0.4):
    """A function that sends the frames one by one and collects the responses."""

    def run():
        client = Client(settings=settings)
        for data in frames:
            client.send(data)
        return client.collect(timeout)

    return run


def goaway(error):
    return f"GOAWAY({error}"


def reset(stream, error):
    return f"RST({stream},{error}"


def either(error, stream=1):
    return [goaway(error), reset(stream, error)]
