# SPDX-License-Identifier: Apache-2.0
"""HTTP/1.1 requests and what must come of them, by the rules of RFC 9110 and 9112.

A case is (rule, octets, expectation): the statuses in order, then `open` or `closed`.
"""

H = b"Host: a\r\n"
GET = b"GET /health/live HTTP/1.1\r\n"
NEXT = GET + H + b"\r\n"
POST = b"POST /encode HTTP/1.1\r\n" + H
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"
MALFORMED = "400 closed"
# Three octets of no picture: read whole, refused for what they are, and the connection lives on.
TAKEN = "415 open"


def get(fields, line=GET, host=H):
    return line + host + fields + b"\r\n"


def target(octets, method=b"GET", host=H):
    return method + b" " + octets + b" HTTP/1.1\r\n" + host + b"\r\n"


def post(fields, body=b"abc", version=b"1.1"):
    return b"POST /encode HTTP/" + version + b"\r\n" + H + fields + b"\r\n" + body


LINES = (
    [
        ("lines end with CRLF", NEXT, "200 open"),
        ("bare LF after the request line", GET.replace(b"\r\n", b"\n") + H + b"\r\n", MALFORMED),
        ("bare LF after a field", get(b"X: y\n"), MALFORMED),
        ("bare LF as the empty line", GET + H + b"\n", MALFORMED),
        ("bare LF throughout", NEXT.replace(b"\r\n", b"\n"), MALFORMED),
        ("bare CR in the request line", b"GET /health/live\r HTTP/1.1\r\n" + H + b"\r\n", MALFORMED),
        ("bare CR in a value", get(b"X: a\rb\r\n"), MALFORMED),
        ("bare CR as a line end", GET + b"Host: a\rX: y\r\n\r\n", MALFORMED),
        ("CR CR LF", get(b"X: a\r\r\n"), MALFORMED),
        ("LF CR", get(b"X: a\n\r\r\n"), MALFORMED),
        ("one empty line before the request", b"\r\n" + NEXT, "200 open"),
        ("eight empty lines before the request", b"\r\n" * 8 + NEXT, "200 open"),
        ("nine empty lines before the request", b"\r\n" * 9 + NEXT, MALFORMED),
        ("a bare LF before the request", b"\n" + NEXT, MALFORMED),
        ("white space before the first field", GET + b" X: y\r\n" + H + b"\r\n", MALFORMED),
        ("tab before the first field", GET + b"\tX: y\r\n" + H + b"\r\n", MALFORMED),
        ("space before the colon", get(b"X : y\r\n"), MALFORMED),
        ("tab before the colon", get(b"X\t: y\r\n"), MALFORMED),
        ("space before the colon of Host", GET + b"Host : a\r\n\r\n", MALFORMED),
        ("obs-fold", get(b"X: a\r\n b\r\n"), MALFORMED),
        ("obs-fold with a tab", get(b"X: a\r\n\tb\r\n"), MALFORMED),
        ("obs-fold of white space only", get(b"X: a\r\n  \r\n"), MALFORMED),
        ("NUL in a value", get(b"X: a\0b\r\n"), MALFORMED),
        ("NUL in a name", get(b"X\0: b\r\n"), MALFORMED),
        ("NUL in the request line", b"GET /\0 HTTP/1.1\r\n" + H + b"\r\n", MALFORMED),
        ("DEL in a value", get(b"X: a\x7fb\r\n"), MALFORMED),
        ("control octet in a value", get(b"X: a\x01b\r\n"), MALFORMED),
        ("VT around a value", get(b"X: \x0ba\x0b\r\n"), MALFORMED),
        ("FF around a value", get(b"X: \x0ca\r\n"), MALFORMED),
        ("tab around a value", get(b"X:\ta\t\r\n"), "200 open"),
        ("empty value", get(b"X:\r\n"), "200 open"),
        ("octets above 127 in a value", get(b"X: \xff\xfe\x85\xa0\r\n"), "200 open"),
        ("no colon", get(b"X\r\n"), MALFORMED),
        ("empty name", get(b": y\r\n"), MALFORMED),
    ]
    + [
        (f"name with {octet!r}", get(b"X" + octet + b"Y: z\r\n"), MALFORMED)
        for octet in (
            b"(",
            b")",
            b"<",
            b"@",
            b",",
            b";",
            b"\\",
            b'"',
            b"/",
            b"[",
            b"]",
            b"?",
            b"=",
            b"{",
            b"}",
            b" ",
            b"\x80",
            b"\xff",
            b"\x0b",
        )
    ]
    + [
        ("all token characters in a name", get(b"!#$%&'*+-.^_`|~09azAZ: y\r\n"), "200 open"),
    ]
)

REQUEST_LINES = [
    ("two spaces after the method", b"GET  /health/live HTTP/1.1\r\n" + H + b"\r\n", MALFORMED),
    ("two spaces before the version", b"GET /health/live  HTTP/1.1\r\n" + H + b"\r\n", MALFORMED),
    ("tab instead of space", b"GET\t/health/live HTTP/1.1\r\n" + H + b"\r\n", MALFORMED),
    ("space at the end", b"GET /health/live HTTP/1.1 \r\n" + H + b"\r\n", MALFORMED),
    ("space at the start", b" GET /health/live HTTP/1.1\r\n" + H + b"\r\n", MALFORMED),
    ("space in the target", b"GET /health/ live HTTP/1.1\r\n" + H + b"\r\n", MALFORMED),
    ("no target", b"GET HTTP/1.1\r\n" + H + b"\r\n", MALFORMED),
    ("empty target", b"GET  HTTP/1.1\r\n" + H + b"\r\n", MALFORMED),
    ("HTTP/0.9", b"GET /health/live\r\n", MALFORMED),
    ("minor version above ours", b"GET /health/live HTTP/1.9\r\n" + H + b"\r\n", "200 open"),
    ("HTTP/2.0 in a request line", b"GET /health/live HTTP/2.0\r\n" + H + b"\r\n", "505 closed"),
    ("HTTP/3.0", b"GET /health/live HTTP/3.0\r\n" + H + b"\r\n", "505 closed"),
    ("HTTP/0.9 spelled out", b"GET /health/live HTTP/0.9\r\n" + H + b"\r\n", "505 closed"),
    ("lower-case http", b"GET /health/live http/1.1\r\n" + H + b"\r\n", MALFORMED),
    ("HTTP/1", b"GET /health/live HTTP/1\r\n" + H + b"\r\n", MALFORMED),
    ("HTTP/1.", b"GET /health/live HTTP/1.\r\n" + H + b"\r\n", MALFORMED),
    ("HTTP/1.10", b"GET /health/live HTTP/1.10\r\n" + H + b"\r\n", MALFORMED),
    ("HTTP/01.1", b"GET /health/live HTTP/01.1\r\n" + H + b"\r\n", MALFORMED),
    ("HTTP/1,1", b"GET /health/live HTTP/1,1\r\n" + H + b"\r\n", MALFORMED),
    ("HTTPS/1.1", b"GET /health/live HTTPS/1.1\r\n" + H + b"\r\n", MALFORMED),
    ("HTTP/-1.1", b"GET /health/live HTTP/-1.1\r\n" + H + b"\r\n", MALFORMED),
    ("version with another digit", "GET /health/live HTTP/1.\u0661\r\n".encode() + H + b"\r\n", MALFORMED),
    ("unknown method", target(b"/health/live", b"BREW"), "501 closed"),
    ("lower-case method", target(b"/health/live", b"get"), "501 closed"),
    ("method that is no token", target(b"/health/live", b"GE(T"), MALFORMED),
    ("method with a control octet", target(b"/health/live", b"G\x01T"), MALFORMED),
    ("TLS hello", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", MALFORMED),
    ("known method not on this resource", target(b"/health/live", b"DELETE"), "405 open"),
    ("PUT", target(b"/encode", b"PUT"), "405 open"),
    ("PATCH", target(b"/encode", b"PATCH"), "405 open"),
    ("GET where POST is meant", target(b"/encode"), "405 open"),
    ("TRACE does not echo", target(b"/", b"TRACE"), "405 open"),
    ("CONNECT", target(b"a:80", b"CONNECT"), "501 closed"),
    ("HEAD", target(b"/health/live", b"HEAD"), "HEAD 200 open"),
    ("HEAD of an error", target(b"/nothing", b"HEAD"), "HEAD 404 open"),
    ("HEAD not on this resource", target(b"/encode", b"HEAD"), "HEAD 405 open"),
    ("OPTIONS *", target(b"*", b"OPTIONS"), "204 open"),
    ("OPTIONS of a resource", target(b"/encode", b"OPTIONS"), "204 open"),
    ("* with another method", target(b"*"), MALFORMED),
    ("absolute form", target(b"http://a/health/live"), "200 open"),
    ("absolute form with another Host", target(b"http://b/health/live"), "200 open"),
    ("absolute form in capitals", target(b"HTTP://a/health/live"), "200 open"),
    ("absolute form without a path", target(b"http://a"), "200 open"),
    ("absolute form with query only", target(b"http://a?x=1"), "400 open"),
    ("absolute form without a host", target(b"http:///health/live"), MALFORMED),
    ("absolute form with user information", target(b"http://u@a/health/live"), MALFORMED),
    ("absolute form of another scheme", target(b"ftp://a/health/live"), MALFORMED),
    ("authority form", target(b"a:80"), MALFORMED),
    ("relative target", target(b"health/live"), MALFORMED),
    ("fragment", target(b"/health/live#a"), MALFORMED),
    ("two slashes", target(b"//health/live"), "404 open"),
    ("dot segments", target(b"/../health/live"), "404 open"),
    ("encoded dot segments", target(b"/%2e%2e/health/live"), "404 open"),
    ("path traversal", target(b"/problems/..%2f..%2fetc%2fpasswd"), "404 open"),
    ("backslash", target(b"/health\\live"), MALFORMED),
    ("percent-encoded path", target(b"/health/%6Cive"), "200 open"),
    ("encoded slash decodes once", target(b"/health%252flive"), "404 open"),
    ("encoded question mark is no query", target(b"/health/live%3fx=1"), "404 open"),
    ("encoded NUL", target(b"/health/live%00"), MALFORMED),
    ("malformed escape", target(b"/%zz"), MALFORMED),
    ("cut escape", target(b"/%4"), MALFORMED),
    ("lone percent", target(b"/%"), MALFORMED),
    ("escape that is not UTF-8", target(b"/%ff"), MALFORMED),
    ("octets above 127 in a target", target(b"/\xc3\xa9"), MALFORMED),
    ("control octet in a target", target(b"/\x01"), MALFORMED),
    ("encoded CRLF in a path is not reflected", target(b"/a%0d%0aX:%20y"), "404 open"),
    (
        "encoded CRLF in a parameter is not reflected",
        target(b"/encode?x=%0d%0aX:y", b"POST", H + b"Content-Length: 0\r\n"),
        "400 open",
    ),
    ("target of 8000 octets", target(b"/" + b"a" * 7980), "404 open"),
    ("target of 16 KiB and more", target(b"/" + b"a" * 17000), "414 closed"),
    ("target without end", b"GET /" + b"a" * 200_000, "414 closed"),
    ("method without end", b"G" * 200_000, ("414 closed", MALFORMED, "501 closed")),
]

FIELDS = [
    ("Host missing", GET + b"\r\n", MALFORMED),
    ("Host twice", get(H), MALFORMED),
    ("Host twice, differing", get(b"Host: b\r\n"), MALFORMED),
    ("Host empty", GET + b"Host:\r\n\r\n", "200 open"),
    ("Host with port", GET + b"Host: a:80\r\n\r\n", "200 open"),
    ("Host IPv6", GET + b"Host: [::1]:80\r\n\r\n", "200 open"),
    ("Host with a space", GET + b"Host: a b\r\n\r\n", MALFORMED),
    ("Host with a slash", GET + b"Host: a/b\r\n\r\n", MALFORMED),
    ("Host with user information", GET + b"Host: u@a\r\n\r\n", MALFORMED),
    ("Host list", GET + b"Host: a, b\r\n\r\n", MALFORMED),
    ("Host with a port that is none", GET + b"Host: a:b\r\n\r\n", MALFORMED),
    ("Host IPv6 unclosed", GET + b"Host: [::1\r\n\r\n", MALFORMED),
    ("Host with control octet", GET + b"Host: a\x01\r\n\r\n", MALFORMED),
    ("Host with octets above 127", GET + b"Host: \xff\r\n\r\n", MALFORMED),
    ("absolute form still needs Host", GET.replace(b"/health", b"http://a/health") + b"\r\n", MALFORMED),
    ("Host missing in 1.0", b"GET /health/live HTTP/1.0\r\n\r\n", "200 closed"),
    ("128 fields", get(b"X: y\r\n" * 127), "200 open"),
    ("129 fields", get(b"X: y\r\n" * 128), "431 closed"),
    ("field of 16 KiB", get(b"X: " + b"y" * 16000 + b"\r\n"), "200 open"),
    ("field beyond 16 KiB", get(b"X: " + b"y" * 17000 + b"\r\n"), "431 closed"),
    ("field name without end", GET + b"X" * 200_000, "431 closed"),
    ("head beyond 64 KiB", get((b"X: " + b"y" * 8000 + b"\r\n") * 9), "431 closed"),
    ("many small fields without end", GET + b"X: y\r\n" * 20_000, "431 closed"),
    (
        "Expect 100 of a refusal",
        b"POST /nothing HTTP/1.1\r\n" + H + b"Expect: 100-continue\r\nContent-Length: 9\r\n\r\n",
        "404 closed",
    ),
    (
        "Expect 100 and a length beyond the limit",
        POST + b"Expect: 100-continue\r\nContent-Length: 99999999999\r\n\r\n",
        "413 closed",
    ),
    (
        "Expect 100 when the content is there",
        post(b"Expect: 100-continue\r\nContent-Length: 3\r\n"),
        (TAKEN, "100 415 open"),
    ),
    ("Expect 100 in capitals", POST + b"Expect: 100-CONTINUE\r\nContent-Length: 3\r\n\r\n", "100 wait"),
    ("Expect 100 without content", get(b"Expect: 100-continue\r\n"), "200 open"),
    ("other expectation", get(b"Expect: tea\r\n"), "417 closed"),
    ("two expectations", get(b"Expect: 100-continue, tea\r\n"), "417 closed"),
    ("Expect in 1.0 is ignored", post(b"Expect: tea\r\nContent-Length: 3\r\n", version=b"1.0"), "415 closed"),
    (
        "Upgrade in 1.0 is ignored",
        b"GET /health/live HTTP/1.0\r\n" + H + b"Connection: Upgrade, HTTP2-Settings\r\n"
        b"Upgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n",
        "200 closed",
    ),
    ("Upgrade to something else", get(b"Connection: Upgrade\r\nUpgrade: websocket\r\n"), "200 open"),
    ("Request-Id that is not sane is not echoed", get(b'Request-Id: a b"<>\r\n'), "200 open"),
]

FRAMING = (
    [
        ("Content-Length", post(b"Content-Length: 3\r\n"), TAKEN),
        ("Content-Length 0", post(b"Content-Length: 0\r\n", b""), "4xx open"),
        ("no length at all", POST + b"\r\n", "4xx open"),
        ("Content-Length with zeros in front", post(b"Content-Length: 0003\r\n"), TAKEN),
        (
            "Transfer-Encoding and Content-Length",
            post(b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n", b"0\r\n\r\n"),
            MALFORMED,
        ),
        (
            "Content-Length and Transfer-Encoding",
            post(b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", b"0\r\n\r\n"),
            MALFORMED,
        ),
        ("Content-Length twice, equal", post(b"Content-Length: 3\r\nContent-Length: 3\r\n"), MALFORMED),
        ("Content-Length twice, differing", post(b"Content-Length: 3\r\nContent-Length: 4\r\n"), MALFORMED),
        ("Content-Length of a GET is framed", get(b"Content-Length: 3\r\n") + b"abc" + NEXT, "200 200 open"),
        (
            "chunked GET is framed",
            get(b"Transfer-Encoding: chunked\r\n") + b"3\r\nabc\r\n0\r\n\r\n" + NEXT,
            ("200 200 open", "200 closed"),
        ),
        (
            "body of a HEAD is framed",
            b"HEAD /health/live HTTP/1.1\r\n" + H + b"Content-Length: 3\r\n\r\nabc",
            "HEAD 200 open",
        ),
        (
            "body of a DELETE is framed",
            b"DELETE /health/live HTTP/1.1\r\n" + H + b"Content-Length: 3\r\n\r\nabc" + NEXT,
            "405 200 open",
        ),
    ]
    + [
        (f"Content-Length {value!r}", post(b"Content-Length: " + value + b"\r\n"), MALFORMED)
        for value in (
            b"+3",
            b"-3",
            b"3 3",
            b"3,3",
            b"3, 3",
            b"3;",
            b"0x3",
            b"3.0",
            b"3e0",
            b"",
            b"three",
            b"'3'",
            b"3\x0b",
            b"\xc2\xa03",
            "\u0663".encode(),
            b"9223372036854775808",
            b"18446744073709551619",
            b"9" * 400,
            b"3_0",
        )
    ]
    + [
        ("Content-Length beyond the limit", post(b"Content-Length: 9223372036854775807\r\n"), "413 closed"),
        ("Content-Length just beyond the limit", post(b"Content-Length: 67108865\r\n"), "413 closed"),
    ]
    + [
        (
            f"Transfer-Encoding {value!r}",
            post(b"Transfer-Encoding: " + value + b"\r\n", b"3\r\nabc\r\n0\r\n\r\n"),
            status,
        )
        for value, status in (
            (b"chunked", TAKEN),
            (b"Chunked", TAKEN),
            (b"CHUNKED", TAKEN),
            (b" chunked\t", TAKEN),
            (b"identity", MALFORMED),
            (b"", MALFORMED),
            (b"xchunked", MALFORMED),
            (b"chunkedx", MALFORMED),
            (b"chunked;q=1", MALFORMED),
            (b'"chunked"', MALFORMED),
            (b"chunked, chunked", MALFORMED),
            (b"chunked, identity", MALFORMED),
            (b"chunked,", MALFORMED),
            (b",chunked", MALFORMED),
            (b"gzip", (MALFORMED, "501 closed")),
            (b"gzip, chunked", "501 closed"),
            (b"cow, chunked", "501 closed"),
            (b"\x0bchunked", MALFORMED),
            (b"chunked\xa0", MALFORMED),
            (b"chun\xe2\x84\xaaed", MALFORMED),
            (b"ch\xc5\xbfunked", MALFORMED),
            (b"chunked\x00", MALFORMED),
        )
    ]
    + [
        ("Transfer-Encoding twice", post(b"Transfer-Encoding: chunked\r\n" * 2, b"0\r\n\r\n"), MALFORMED),
        (
            "Transfer-Encoding in two fields",
            post(b"Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n", b"0\r\n\r\n"),
            ("501 closed", MALFORMED),
        ),
        ("Transfer-Encoding folded", post(b"Transfer-Encoding:\r\n chunked\r\n", b"0\r\n\r\n"), MALFORMED),
        (
            "Transfer-Encoding with a space before the colon",
            post(b"Transfer-Encoding : chunked\r\n", b"0\r\n\r\n"),
            MALFORMED,
        ),
        ("Transfer-Encoding in 1.0", post(b"Transfer-Encoding: chunked\r\n", b"0\r\n\r\n", b"1.0"), MALFORMED),
        ("Transfer_Encoding is another field", post(b"Transfer_Encoding: chunked\r\nContent-Length: 3\r\n"), TAKEN),
        ("after a framing error nothing is read", post(b"Content-Length: x\r\n", b"") + NEXT, MALFORMED),
    ]
)

CHUNKS = [
    ("one chunk", CHUNKED + b"3\r\nabc\r\n0\r\n\r\n", TAKEN),
    ("several chunks", CHUNKED + b"1\r\na\r\n2\r\nbc\r\n0\r\n\r\n", TAKEN),
    ("no chunk but the last", CHUNKED + b"0\r\n\r\n", "4xx open"),
    ("zeros in front of a size", CHUNKED + b"0003\r\nabc\r\n000\r\n\r\n", TAKEN),
    ("capital digits", CHUNKED + b"A\r\n0123456789\r\n0\r\n\r\n", TAKEN),
    ("then the next request", CHUNKED + b"3\r\nabc\r\n0\r\n\r\n" + NEXT, "415 200 open"),
    ("extension", CHUNKED + b"3;a=b\r\nabc\r\n0;c\r\n\r\n", TAKEN),
    ("extension with a quoted value", CHUNKED + b'3;a="b c"\r\nabc\r\n0\r\n\r\n', TAKEN),
    ("space before an extension", CHUNKED + b"3 ;a\r\nabc\r\n0\r\n\r\n", (TAKEN, MALFORMED)),
    ("CR in an extension", CHUNKED + b"3;a\rb\r\nabc\r\n0\r\n\r\n", MALFORMED),
    ("LF in an extension", CHUNKED + b"3;a\nb\r\nabc\r\n0\r\n\r\n", MALFORMED),
    ("NUL in an extension", CHUNKED + b"3;a\0\r\nabc\r\n0\r\n\r\n", MALFORMED),
    ("extension beyond 1 KiB", CHUNKED + b"3;" + b"a" * 1100 + b"\r\nabc\r\n0\r\n\r\n", MALFORMED),
    (
        "extensions beyond 16 KiB together",
        CHUNKED + (b"1;" + b"a" * 1000 + b"\r\nb\r\n") * 20 + b"0\r\n\r\n",
        MALFORMED,
    ),
    ("trailer", CHUNKED + b"3\r\nabc\r\n0\r\nX: y\r\n\r\n", TAKEN),
    (
        "trailer is not merged",
        CHUNKED + b"3\r\nabc\r\n0\r\nContent-Length: 9\r\nTransfer-Encoding: x\r\n\r\n" + NEXT,
        "415 200 open",
    ),
    ("malformed trailer", CHUNKED + b"3\r\nabc\r\n0\r\nX\r\n\r\n", MALFORMED),
    ("bare LF in the trailers", CHUNKED + b"3\r\nabc\r\n0\r\nX: y\n\r\n", MALFORMED),
    ("folded trailer", CHUNKED + b"3\r\nabc\r\n0\r\nX: y\r\n z\r\n\r\n", MALFORMED),
    ("129 trailers", CHUNKED + b"3\r\nabc\r\n0\r\n" + b"X: y\r\n" * 129 + b"\r\n", "431 closed"),
    ("trailers beyond 64 KiB", CHUNKED + b"0\r\n" + (b"X: " + b"y" * 8000 + b"\r\n") * 9 + b"\r\n", "431 closed"),
    ("data shorter than its size", CHUNKED + b"5\r\nabc\r\n0\r\n\r\n", MALFORMED),
    ("data longer than its size", CHUNKED + b"2\r\nabc\r\n0\r\n\r\n", MALFORMED),
    ("bare LF after data", CHUNKED + b"3\r\nabc\n0\r\n\r\n", MALFORMED),
    ("bare CR after data", CHUNKED + b"3\r\nabc\r0\r\n\r\n", MALFORMED),
    ("no line end after data", CHUNKED + b"3\r\nabc0\r\n\r\n", MALFORMED),
    ("bare LF after a size", CHUNKED + b"3\nabc\r\n0\r\n\r\n", MALFORMED),
    ("bare LF after the last chunk", CHUNKED + b"3\r\nabc\r\n0\n\r\n", MALFORMED),
    ("chunk beyond the limit", CHUNKED + b"4000001\r\n" + b"a" * 1000, "wait"),
] + [
    (f"size {size!r}", CHUNKED + size + b"\r\nabc\r\n0\r\n\r\n", MALFORMED)
    for size in (
        b"",
        b" 3",
        b"\t3",
        b"3 ",
        b"+3",
        b"-3",
        b"0x3",
        b"3h",
        b"g",
        b"3_0",
        b"3.0",
        b"3,",
        b"\x003",
        b";a",
        b"10000000000000003",
        b"fffffffffffffffff",
        b"8000000000000000",
        b"f" * 500,
        "\u0663".encode(),
    )
]

CONNECTIONS = (
    [
        ("persistent by default", NEXT + NEXT, "200 200 open"),
        (
            "pipelined answers come in order",
            target(b"/nothing") + NEXT + target(b"/encode") + NEXT,
            "404 200 405 200 open",
        ),
        ("a pipelined post and gets", post(b"Content-Length: 3\r\n") + NEXT + NEXT, "415 200 200 open"),
        ("two hundred pipelined", NEXT * 200, "200 " * 200 + "open"),
        ("pipelined bytes after a refusal are dropped", target(b"/health/live", b"BREW") + NEXT, "501 closed"),
        ("1.0 closes", b"GET /health/live HTTP/1.0\r\n\r\n" + NEXT, "200 closed"),
        ("1.0 with keep-alive", b"GET /health/live HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", "200 open"),
        ("1.0 with Keep-Alive", b"GET /health/live HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", "200 open"),
        (
            "body of an unknown path is framed",
            b"POST /nothing HTTP/1.1\r\n" + H + b"Content-Length: 3\r\n\r\nabc" + NEXT,
            "404 200 open",
        ),
    ]
    + [
        (f"Connection: {value.decode()}", get(b"Connection: " + value + b"\r\n") + NEXT, "200 closed")
        for value in (
            b"close",
            b"Close",
            b"CLOSE",
            b"keep-alive, close",
            b"close, TE",
            b"x ,\tclose",
            b",close",
            b"TE\r\nConnection: close",
        )
    ]
    + [
        (f"Connection: {value.decode()}", get(b"Connection: " + value + b"\r\n"), "200 open")
        for value in (b"closed", b"keep-alive", b"", b"clos", b'"close"')
    ]
)

ALL = LINES + REQUEST_LINES + FIELDS + FRAMING + CHUNKS + CONNECTIONS
