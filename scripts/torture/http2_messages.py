# SPDX-License-Identifier: Apache-2.0
"""HTTP/2 messages (RFC 9113 8): headers, pseudo-headers, lengths, trailers."""

from http2_client import GET, POST, block, case, exchange, frame, headers, literal, reset


# messages
def replaced(l, n, v):
    return [(a, (v if a == n else b)) for a, b in l]


def without(l, n):
    return [x for x in l if x[0] != n]


BAD = {
    "uppercase name": GET + [("X-Test", "1")],
    "uppercase in te": GET + [("Te", "trailers")],
    "unknown pseudo": GET + [(":test", "1")],
    "response pseudo": GET + [(":status", "200")],
    "protocol pseudo": GET + [(":protocol", "websocket")],
    "pseudo after regular": [GET[0], ("x", "y")] + GET[1:],
    "connection": GET + [("connection", "keep-alive")],
    "keep-alive": GET + [("keep-alive", "1")],
    "proxy-connection": GET + [("proxy-connection", "x")],
    "transfer-encoding": GET + [("transfer-encoding", "chunked")],
    "upgrade": GET + [("upgrade", "h2c")],
    "te gzip": GET + [("te", "trailers, gzip")],
    "empty path": replaced(GET, ":path", ""),
    "relative path": replaced(GET, ":path", "foo"),
    "absolute path": replaced(GET, ":path", "http://a/"),
    "star GET": replaced(GET, ":path", "*"),
    "path space": replaced(GET, ":path", "/a b"),
    "path ctl": replaced(GET, ":path", "/a\x01"),
    "path obs": replaced(GET, ":path", "/\xff"),
    "no method": without(GET, ":method"),
    "no scheme": without(GET, ":scheme"),
    "no path": without(GET, ":path"),
    "no authority": without(GET, ":authority"),
    "dup method": [GET[0]] + GET,
    "dup scheme": [GET[1]] + GET,
    "dup path": [GET[2]] + GET,
    "dup authority": [GET[3]] + GET,
    "empty method": replaced(GET, ":method", ""),
    "bad method": replaced(GET, ":method", "G T"),
    "empty scheme": replaced(GET, ":scheme", ""),
    "bad scheme": replaced(GET, ":scheme", "1http"),
    "empty authority": replaced(GET, ":authority", ""),
    "userinfo": replaced(GET, ":authority", "u@a"),
    "bad authority": replaced(GET, ":authority", "a b"),
    "authority slash": replaced(GET, ":authority", "a/b"),
    "host differs": GET + [("host", "b")],
    "host twice": GET + [("host", "a"), ("host", "a")],
    "value CR": GET + [("x", "a\rb")],
    "value LF": GET + [("x", "a\nb")],
    "value NUL": GET + [("x", "a\0b")],
    "value CRLF inj": GET + [("x", "a\r\ny: z")],
    "value lead sp": GET + [("x", " a")],
    "value trail sp": GET + [("x", "a ")],
    "value lead tab": GET + [("x", "\ta")],
    "value trail tab": GET + [("x", "a\t")],
    "value ctl": GET + [("x", "a\x01")],
    "value del": GET + [("x", "a\x7f")],
    "empty name": GET + [("", "x")],
    "name space": GET + [("a b", "x")],
    "name colon": GET + [("a:b", "x")],
    "name ctl": GET + [("a\x01", "x")],
    "name obs": GET + [("a\xe9", "x")],
    "name CR": GET + [("a\r", "x")],
    "cl mismatch no body": GET + [("content-length", "1")],
    "cl not number": GET + [("content-length", "x")],
    "cl negative": GET + [("content-length", "-1")],
    "cl plus": GET + [("content-length", "+0")],
    "cl empty": GET + [("content-length", "")],
    "cl overflow": GET + [("content-length", "9" * 30)],
    "cl dup": GET + [("content-length", "0"), ("content-length", "0")],
    "cl list": GET + [("content-length", "0, 0")],
    "CONNECT with path": replaced(GET, ":method", "CONNECT"),
}
for k, v in BAD.items():
    case("malformed: " + k, reset(1, "PROTOCOL"), exchange(headers(v)))
case("CONNECT proper", "HEADERS(1,501", exchange(headers([(":method", "CONNECT"), (":authority", "a:1")])))
case("CONNECT no authority", [reset(1, "PROTOCOL")], exchange(headers([(":method", "CONNECT")])))
case("te trailers ok", "HEADERS(1,200", exchange(headers(GET + [("te", "trailers")])))
case("host same ok", "HEADERS(1,200", exchange(headers(GET + [("host", "a")])))
case("host only ok", "HEADERS(1,200", exchange(headers(without(GET, ":authority") + [("host", "a")])))
case("OPTIONS *", "HEADERS(1,204", exchange(headers(replaced(replaced(GET, ":method", "OPTIONS"), ":path", "*"))))
case("unknown method", "HEADERS(1,501", exchange(headers(replaced(GET, ":method", "FOO"))))
case("bad escape", "HEADERS(1,400", exchange(headers(replaced(GET, ":path", "/%zz"))))
case("fragment", "HEADERS(1,400", exchange(headers(replaced(GET, ":path", "/a#b"))))
case("HEAD", "HEADERS(1,200,ES)", exchange(headers(replaced(GET, ":method", "HEAD"))))
case("expect other", "HEADERS(1,417", exchange(headers(GET + [("expect", "x")])))
case(
    "expect 100",
    "HEADERS(1,100)",
    exchange(headers(POST + [("expect", "100-continue"), ("content-length", "3")], fl=4)),
)
case(
    "cl mismatch less",
    reset(1, "PROTOCOL"),
    exchange(headers(POST + [("content-length", "5")], fl=4), frame("DATA", 1, 1, b"abc")),
)
case(
    "cl mismatch more",
    reset(1, "PROTOCOL"),
    exchange(headers(POST + [("content-length", "2")], fl=4), frame("DATA", 1, 1, b"abc")),
)
case(
    "cl mismatch two frames",
    reset(1, "PROTOCOL"),
    exchange(
        headers(POST + [("content-length", "1")], fl=4), frame("DATA", 0, 1, b"ab"), frame("DATA", 1, 1, b"abc")
    ),
)
case(
    "cl mismatch via trailers",
    reset(1, "PROTOCOL"),
    exchange(
        headers(POST + [("content-length", "5")], fl=4),
        frame("DATA", 0, 1, b"abc"),
        frame("HEADERS", 5, 1, block([("x", "y")])),
    ),
)
case(
    "trailers ok",
    "HEADERS(1,415",
    exchange(
        headers(POST, fl=4), frame("DATA", 0, 1, b"abc"), frame("HEADERS", 5, 1, block([("x", "y")])), timeout=1
    ),
)
case(
    "trailers no ES",
    reset(1, "PROTOCOL"),
    exchange(headers(POST, fl=4), frame("DATA", 0, 1, b"abc"), frame("HEADERS", 4, 1, block([("x", "y")]))),
)
case(
    "trailers pseudo",
    reset(1, "PROTOCOL"),
    exchange(headers(POST, fl=4), frame("DATA", 0, 1, b"abc"), frame("HEADERS", 5, 1, block([(":method", "GET")]))),
)
case(
    "trailers status",
    reset(1, "PROTOCOL"),
    exchange(
        headers(POST, fl=4),
        frame("DATA", 0, 1, b"abc"),
        frame("HEADERS", 5, 1, block([("x", "y"), (":status", "200")])),
    ),
)
case(
    "trailers connection",
    reset(1, "PROTOCOL"),
    exchange(headers(POST, fl=4), frame("DATA", 0, 1, b"abc"), frame("HEADERS", 5, 1, block([("connection", "y")]))),
)
case(
    "trailers upper",
    reset(1, "PROTOCOL"),
    exchange(headers(POST, fl=4), frame("DATA", 0, 1, b"abc"), frame("HEADERS", 5, 1, block([("X", "y")]))),
)
case(
    "second headers no ES no data",
    reset(1, "PROTOCOL"),
    exchange(headers(POST, fl=4), frame("HEADERS", 4, 1, block(GET))),
)
case("empty headers block", reset(1, "PROTOCOL"), exchange(frame("HEADERS", 5, 1, b"")))
case(
    "after malformed next is fine",
    "RST(1,PROTOCOL)&HEADERS(3,200",
    exchange(headers(GET + [("X", "1")]), headers(sid=3)),
)
case(
    "large value 431",
    "HEADERS(1,431",
    exchange(
        frame("HEADERS", 1, 1, block(GET)),
        frame("CONT", 0, 1, literal("x", "y" * 15000)),
        frame("CONT", 0, 1, literal("x", "y" * 15000)),
        frame("CONT", 0, 1, literal("x", "y" * 15000)),
        frame("CONT", 0, 1, literal("x", "y" * 15000)),
        frame("CONT", 4, 1, literal("x", "y" * 15000)),
    ),
)
case("many headers 431", "HEADERS(1,431", exchange(headers(GET + [("x%d" % i, "y") for i in range(200)])))
case(
    "long path 414",
    "HEADERS(1,414",
    exchange(
        frame("HEADERS", 1, 1, block(GET[:2] + GET[3:])),
        (
            frame("CONT", 4, 1, literal(":path", "/" + "a" * 16375))
            if False
            else frame("CONT", 0, 1, b"\x00\x05:path\x7f" + b"\x82\x7f" + b"/" + b"a" * 16000)
        ),
        frame("CONT", 4, 1, b"a" * (16385 - 16001) + b""),
    ),
)
