# SPDX-License-Identifier: Apache-2.0
"""What the HTTP/1.1 cases are put together of."""

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
