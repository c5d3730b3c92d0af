# SPDX-License-Identifier: Apache-2.0
"""A raw HTTP/1.1 client that parses responses as strictly as the RFC allows."""

import json
import re
import socket
import time

from counts import address

STATUS_LINE = re.compile(rb"HTTP/1\.1 ([1-5][0-9][0-9]) [\x20-\x7e]*")
FIELD_LINE = re.compile(rb"([!#$%&'*+\-.^_`|~0-9A-Za-z]+): ?([\x20-\x7e\t]*)")
DATE = re.compile(r"(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT")


class Response:
    def __init__(self, status, fields, body):
        self.status, self.fields, self.body = status, fields, body

    def all(self, name):
        return [value for field, value in self.fields if field == name]

    def get(self, name):
        values = self.all(name)
        return values[0] if values else None


class Client:
    def __init__(self, timeout=5.0, receive_buffer=None):
        self.socket = socket.socket()
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.settimeout(timeout)
        self.socket.connect(address())
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, data):
        """Sends; a server that has already refused may close the connection, but must not lose the response."""
        try:
            self.socket.sendall(data)
        except (BrokenPipeError, ConnectionResetError):
            pass

    def half_close(self):
        self.socket.shutdown(socket.SHUT_WR)

    def _more(self):
        data = self.socket.recv(65536)
        self.buffer += data
        return bool(data)

    def response(self, method="GET"):
        """The next final response or 100, or None at the end of the connection."""
        while b"\r\n\r\n" not in self.buffer:
            if not self._more():
                assert not self.buffer, f"the connection ends inside a head: {self.buffer[:200]!r}"
                return None
        head, self.buffer = self.buffer.split(b"\r\n\r\n", 1)
        lines = head.split(b"\r\n")
        match = STATUS_LINE.fullmatch(lines[0])
        assert match, f"status line {lines[0]!r}"
        status = int(match[1])
        fields = []
        for line in lines[1:]:
            field = FIELD_LINE.fullmatch(line)
            assert field, f"header line {line!r}"
            fields.append((field[1].decode().lower(), field[2].decode().strip()))
        response = Response(status, fields, b"")
        if status < 200:
            assert not response.all("content-length") and not response.all("transfer-encoding"), "content in a 1xx"
            return response
        self._check(response)
        if method != "HEAD" and status not in (204, 304):
            length = int(response.get("content-length"))
            while len(self.buffer) < length:
                assert self._more(), "the connection ends inside a body"
            response.body, self.buffer = self.buffer[:length], self.buffer[length:]
            self._check_problem(response)
        return response

    @staticmethod
    def _check(response):
        assert len(response.all("date")) == 1 and DATE.fullmatch(response.get("date")), f"Date {response.all('date')}"
        assert not response.all("transfer-encoding"), "a chunked response"
        lengths = response.all("content-length")
        if response.status == 204:
            assert not lengths, "Content-Length in a 204"
        else:
            assert len(lengths) == 1 and lengths[0].isdigit(), f"Content-Length {lengths}"
        assert response.get("request-id"), "no Request-Id"
        assert response.status != 500, "an internal error"

    @staticmethod
    def _check_problem(response):
        if response.status < 400:
            return
        assert response.get("content-type") == "application/problem+json", response.get("content-type")
        problem = json.loads(response.body)
        assert problem["status"] == response.status, problem
        assert problem["type"].startswith("urn:uae:problem:") and problem["title"] and problem["detail"], problem
        assert problem["request_id"] == response.get("request-id"), problem

    def is_closed(self, within=3.0):
        """Whether the server closes the connection without further bytes, by FIN rather than by reset."""
        end = time.monotonic() + within
        while time.monotonic() < end:
            self.socket.settimeout(max(0.01, end - time.monotonic()))
            try:
                if not self._more():
                    return not self.buffer
            except TimeoutError:
                return False
        return False

    def is_open(self):
        """Whether the connection serves another request."""
        self.send(b"GET /health/live HTTP/1.1\r\nHost: a\r\n\r\n")
        response = self.response()
        return response is not None and response.status == 200 and not self.buffer
