# SPDX-License-Identifier: Apache-2.0
"""HTTP/1.1 requests and what must come of them, by the rules of RFC 9110 and 9112.

A case is (rule, octets, expectation): the statuses in order, then `open` or `closed`.
"""

from http1_framing import CHUNKS, FRAMING
from http1_requests import GET, H, MALFORMED, NEXT, POST, TAKEN, get, post, target

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
