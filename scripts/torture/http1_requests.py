# SPDX-License-Identifier: Apache-2.0
"""Building blocks of the HTTP/1.1 cases."""

H = b"Host: a\r\n"
GET = b"GET /health/live HTTP/1.1\r\n"
NEXT = GET + H + b"\r\n"
POST = b"POST /encode HTTP/1.1\r\n" + H
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"
MALFORMED = "400 closed"
# Three bytes that are no image: read completely, refused, and the connection stays open.
TAKEN = "415 open"


def get(fields, line=GET, host=H):
    return line + host + fields + b"\r\n"


def target(data, method=b"GET", host=H):
    return method + b" " + data + b" HTTP/1.1\r\n" + host + b"\r\n"


def post(fields, body=b"abc", version=b"1.1"):
    return b"POST /encode HTTP/" + version + b"\r\n" + H + fields + b"\r\n" + body
