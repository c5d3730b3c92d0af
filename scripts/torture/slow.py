# SPDX-License-Identifier: Apache-2.0
"""Slow, absent and too many clients: each is dropped after its timeout; others are served meanwhile.

The server runs with timeouts of TORTURE_TIMEOUT_SECONDS and at most TORTURE_CONNECTIONS connections.
"""

import http.client
import os
import pathlib
import resource
import select
import socket
import threading
import time

from counts import Counts, address
from http1_client import Client
from http2_client import Client as HTTP2Client
from http2_client import GET, POST, PREFACE, block, frame, headers

TIMEOUT = float(os.environ.get("TORTURE_TIMEOUT_SECONDS", "2"))
CONNECTIONS = int(os.environ.get("TORTURE_CONNECTIONS", "1200"))
# Tolerance for a busy machine.
PATIENCE = TIMEOUT + 15
IMAGE = (pathlib.Path(__file__).resolve().parents[2] / "Tests/Fixtures/data/pictures/420.jpg").read_bytes()
TINY = (pathlib.Path(__file__).resolve().parents[2] / "Tests/Fixtures/data/pictures/1x1.jpg").read_bytes()
HEAD = b"GET /health/live HTTP/1.1\r\nHost: a\r\nX: " + b"y" * 100_000
BODY = b"POST /encode HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n" + b"z" * 1000


class Sockets:
    """Many connections at once; closes all of them at the end."""

    def __init__(self, count):
        self.sockets = []
        for _ in range(count):
            self.sockets.append(socket.create_connection(address(), timeout=5))

    def __enter__(self):
        return self.sockets

    def __exit__(self, *_):
        for one in self.sockets:
            one.close()


def is_ended(one):
    """Whether the server has closed the connection or responded."""
    readable, _, _ = select.select([one], [], [], 0)
    return bool(readable)


def drip(one, data, pause=0.1):
    """Sends byte by byte until the server responds or closes; returns how long that took."""
    started = time.monotonic()
    for byte in data:
        try:
            one.send(bytes([byte]))
        except OSError:
            break
        time.sleep(pause)
        if is_ended(one):
            break
        assert time.monotonic() - started < PATIENCE, "the server waits without end"
    return time.monotonic() - started


def dripped(data, statuses):
    with Client(timeout=PATIENCE) as client:
        took = drip(client.socket, data)
        response = client.response()
        assert (response.status if response else None) in statuses, response and response.status
        assert took > TIMEOUT / 2, f"given up after {took:.1f} s"
        assert client.is_closed(), "the connection stays open"


def slowloris():
    """A thousand connections whose heads never end, while others are served."""
    poll = select.poll()
    with Sockets(1000) as slow:
        for one in slow:
            poll.register(one, select.POLLIN)
        is_over = threading.Event()

        def keep_dripping():
            place = 0
            while not is_over.is_set():
                for one in slow:
                    try:
                        one.send(HEAD[place : place + 1])
                    except OSError:
                        pass
                place += 1
                time.sleep(0.2)

        dripper = threading.Thread(target=keep_dripping)
        dripper.start()
        times = []
        try:
            end = time.monotonic() + TIMEOUT
            while time.monotonic() < end:
                started = time.monotonic()
                connection = http.client.HTTPConnection(*address(), timeout=PATIENCE)
                connection.request("POST", "/encode", IMAGE)
                assert connection.getresponse().status == 200
                connection.close()
                times.append(time.monotonic() - started)
            deadline = time.monotonic() + PATIENCE
            while len(poll.poll(0)) < 1000:
                assert time.monotonic() < deadline, f"{1000 - len(poll.poll(0))} slow connections are still open"
                time.sleep(0.05)
        finally:
            is_over.set()
            dripper.join()
    times.sort()
    print(
        f"slow: beside 1000 slow connections {len(times)} encodes, median {times[len(times) // 2] * 1000:.0f} ms, "
        f"slowest {times[-1] * 1000:.0f} ms",
        flush=True,
    )


def silence():
    with Client(timeout=PATIENCE) as client:
        response = client.response()
        assert response is None or response.status == 408, response.status


def idle():
    with Client(timeout=PATIENCE) as client:
        assert client.is_open()
        assert client.is_closed(PATIENCE), "an idle connection stays open"


def slow_reader():
    """Requests megabytes and reads nothing: the connection is dropped."""
    with Client(timeout=PATIENCE, receive_buffer=4096) as client:
        client.socket.settimeout(0.5)
        try:
            while True:
                client.socket.send(b"GET /openapi.yaml HTTP/1.1\r\nHost: a\r\n\r\n" * 50)
        except OSError:
            pass
        client.socket.settimeout(PATIENCE)
        deadline = time.monotonic() + PATIENCE
        # A reset is an error on the socket, even with unread bytes in its buffer.
        while client.socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 0:
            hung_up = [event for _, event in poll_of(client.socket, select.POLLHUP | select.POLLERR)]
            if hung_up:
                break
            assert time.monotonic() < deadline, "a client that reads nothing is kept"
            time.sleep(0.05)


def form(count):
    """A form of small images, each of which gives 150 KB of latents."""
    part = b'--XbX\r\nContent-Disposition: form-data; name="f"; filename="a"\r\n\r\n' + TINY + b"\r\n"
    return part * count + b"--XbX--\r\n"


LARGE_PATH = "/encode?format=npy"
LARGE_TYPE = "multipart/form-data; boundary=XbX"


def request_large(client):
    """Requests a response of 9.6 MB."""
    body = form(64)
    head = f"POST {LARGE_PATH} HTTP/1.1\r\nHost: a\r\nContent-Type: {LARGE_TYPE}\r\nContent-Length: {len(body)}\r\n\r\n"
    client.socket.sendall(head.encode() + body)


def metric(name):
    connection = http.client.HTTPConnection(*address(), timeout=PATIENCE)
    connection.request("GET", "/metrics")
    lines = connection.getresponse().read().decode().splitlines()
    connection.close()
    return next(int(float(line.split()[1])) for line in lines if line.startswith(name + " "))


def held_bytes_are_freed():
    deadline = time.monotonic() + PATIENCE
    while metric("uae_inflight_bytes") > 0:
        assert time.monotonic() < deadline, "bytes stay in flight"
        time.sleep(0.1)


def reader_of_few_bytes():
    """Reads 3 KB a second of a response of megabytes: every read is progress, and the connection is dropped."""
    with Client(timeout=PATIENCE, receive_buffer=4096) as client:
        request_large(client)
        assert client.socket.recv(300).startswith(b"HTTP/1.1 200")
        deadline = time.monotonic() + PATIENCE
        held = 0
        try:
            while client.socket.recv(300):
                held = held or metric("uae_inflight_bytes")
                assert time.monotonic() < deadline, "a client that reads 3 KB a second is kept"
                time.sleep(0.1)
        except OSError:
            pass
        assert held > 1_000_000, f"{held} bytes counted"
        held_bytes_are_freed()


def steady_reader():
    """Reads at twice the minimum rate through a small buffer: the response goes on for many write timeouts."""
    with Client(timeout=PATIENCE, receive_buffer=16384) as client:
        request_large(client)
        started = time.monotonic()
        received = 0
        while time.monotonic() < started + 5 * TIMEOUT:
            received += len(client.socket.recv(8192))
            time.sleep(max(0, started + received / (512 << 10) - time.monotonic()))
        assert received > 4 * TIMEOUT * (256 << 10), f"{received} bytes came"


def http2_windows_of_few_bytes():
    """Opens the windows of large responses byte by byte, and asks for more of them than one connection may hold."""
    client = HTTP2Client(settings=b"\0\4\0\0\0\0")
    body = form(16)
    fields = [("content-type", LARGE_TYPE), ("content-length", str(len(body)))]
    fields = [(":method", "POST"), (":scheme", "http"), (":path", LARGE_PATH), (":authority", "a")] + fields
    streams = range(1, 21, 2)
    seen = []
    for stream in streams:
        client.send(headers(fields, stream, fl=4))
        client.send(frame("DATA", 1, stream, body))
        received = client.until(lambda one: one[0] in ("HEADERS", "RST", "GOAWAY"), PATIENCE)
        seen.append(client.describe(received))
        for opened in streams:
            if opened <= stream:
                client.send(frame("WU", 0, opened, b"\0\0\0\1"))
    assert any("200" in text for text in seen), seen
    # `make torture` bounds the bytes in flight: a connection's share, 3 MB, is less than two of these.
    assert any("503" in text for text in seen), seen
    held_bytes_are_freed()


def http2_body_over_the_limit():
    """A body over the limit, slower than a silent client may be, from a client that waits for its window to open."""
    client = HTTP2Client()
    total = 3 * 1024 * 1024
    client.send(headers(POST + [("content-length", str(1 << 30))], fl=4))
    sent, seen = 0, []
    # What the server's SETTINGS and first WINDOW_UPDATE say.
    windows = {0: 1 << 20, 1: 256 << 10}
    started = time.monotonic()
    while sent < total:
        assert time.monotonic() - started < PATIENCE, f"the window stays shut after {sent} bytes: {seen}"
        count = min(16000, *windows.values())
        if count > 0:
            client.send(frame("DATA", 0, 1, b"x" * count))
            sent += count
            windows = {key: value - count for key, value in windows.items()}
        while (received := client.frame(0.02 if count else 1)) not in (None, "TIMEOUT"):
            if received[0] == "WU":
                windows[received[2]] = windows.get(received[2], 0) + int.from_bytes(received[3], "big")
            elif received[0] not in ("SETTINGS", "DATA"):
                seen.append(client.describe(received))
        assert not any(text.startswith(("RST", "GOAWAY")) for text in seen), seen
    assert any("HEADERS(1,413" in text for text in seen), seen
    assert time.monotonic() - started > 2, "too quick to tell"


def poll_of(one, events):
    poll = select.poll()
    poll.register(one, events)
    return poll.poll(0)


def too_many_connections():
    """Beyond the limit: 503 at once, but probes are served; after the clients disconnect, all requests are served."""
    with Sockets(CONNECTIONS):
        with Client() as client:
            client.send(b"GET /info HTTP/1.1\r\nHost: a\r\n\r\n")
            response = client.response()
            assert response.status == 503 and response.get("retry-after"), response.status
            assert client.is_closed()
        with Client() as client:
            client.send(b"GET /health/live HTTP/1.1\r\nHost: a\r\n\r\n")
            assert client.response().status == 200
    deadline = time.monotonic() + PATIENCE
    while True:
        with Client() as client:
            client.send(b"GET /info HTTP/1.1\r\nHost: a\r\n\r\n")
            if client.response().status == 200:
                return
        assert time.monotonic() < deadline, "still refused after all clients disconnected"
        time.sleep(0.05)


def ends(client, expected=("EOF",)):
    seen = " ".join(client.collect(PATIENCE))
    assert any(text in seen for text in expected), seen


def http2_without_settings():
    client = HTTP2Client(preface=False)
    client.send(PREFACE)
    ends(client)


def http2_preface_byte_by_byte():
    client = HTTP2Client(preface=False)
    drip(client.s, PREFACE + frame("SETTINGS", 0, 0) * 50, 0.2)
    ends(client)


def http2_unfinished_block():
    client = HTTP2Client()
    client.send(frame("HEADERS", 1, 1, block(GET)))
    ends(client, ("GOAWAY(CALM", "GOAWAY(PROTOCOL"))


def http2_slow_body():
    client = HTTP2Client()
    client.send(headers(POST, fl=4))
    deadline = time.monotonic() + PATIENCE
    seen = []
    while not any("408" in text or text == "EOF" for text in seen):
        client.send(frame("DATA", 0, 1, b"z"))
        seen += [text for text in client.collect(0.1) if text != "timeout"]
        assert time.monotonic() < deadline, "a slow body is waited for without end"
    assert any("HEADERS(1,408" in text for text in seen), seen


def http2_idle():
    client = HTTP2Client()
    client.send(headers())
    ends(client, ("GOAWAY(NO",))


def http2_window_that_never_opens():
    client = HTTP2Client(settings=b"\0\4\0\0\0\0")
    client.send(headers())
    # A client that responds, but reads nothing on this stream.
    deadline = time.monotonic() + PATIENCE
    seen = []
    while not any(text.startswith(("RST(1", "GOAWAY", "EOF")) for text in seen):
        client.send(frame("PING", 0, 0, b"alive..."))
        seen += [text for text in client.collect(0.3) if text not in ("timeout", "PINGACK")]
        assert time.monotonic() < deadline, "a stream that reads nothing is kept"


def main():
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 8192), hard))
    counts = Counts("slow")
    counts.case("slowloris", slowloris)
    counts.case("a head byte by byte", dripped, HEAD, (408, None))
    counts.case("a body byte by byte", dripped, BODY, (408,))
    counts.case(
        "chunks byte by byte",
        dripped,
        b"POST /encode HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" + b"1\r\na\r\n" * 1000,
        (408,),
    )
    counts.case("empty lines without end", dripped, b"\r\n" * 4 + b"GET / HTTP/1.1\r\nX: " + b"y" * 1000, (408, None))
    for function in (
        silence,
        idle,
        slow_reader,
        too_many_connections,
        http2_without_settings,
        http2_preface_byte_by_byte,
        http2_unfinished_block,
        http2_slow_body,
        http2_idle,
        http2_window_that_never_opens,
        reader_of_few_bytes,
        steady_reader,
        http2_windows_of_few_bytes,
        http2_body_over_the_limit,
    ):
        counts.case(function.__name__.replace("_", " "), function)
    counts.finish()


if __name__ == "__main__":
    main()
