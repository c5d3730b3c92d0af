# SPDX-License-Identifier: Apache-2.0
"""Content-Length, Transfer-Encoding and chunks (RFC 9112 6 and 7): where a request ends and
how another could hide in it.

Cases as in http1_cases.py.
"""

from http1_requests import CHUNKED, H, MALFORMED, NEXT, POST, TAKEN, get, post

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
            "200 200 open",
        ),
        (
            "chunked body of an unknown path is framed",
            b"POST /nothing HTTP/1.1\r\n" + H + b"Transfer-Encoding: chunked\r\n\r\n"
            b"%x\r\n%b\r\n0\r\n\r\n" % (len(NEXT), NEXT) + NEXT,
            "404 200 open",
        ),
        ("malformed chunk of a GET", get(b"Transfer-Encoding: chunked\r\n") + b"x\r\n", MALFORMED),
        (
            "malformed chunk of an unknown path",
            b"POST /nothing HTTP/1.1\r\n" + H + b"Transfer-Encoding: chunked\r\n\r\n3\r\nabcd\r\n0\r\n\r\n",
            MALFORMED,
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
            "Transfer-Encoding in two headers",
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
        ("Transfer_Encoding is another header", post(b"Transfer_Encoding: chunked\r\nContent-Length: 3\r\n"), TAKEN),
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
