# SPDX-License-Identifier: Apache-2.0
"""nginx and HAProxy in front, as deploy/proxy configures them: connections kept, large bodies, client
disconnects, responses that belong to their requests, and a server that shuts down behind a balancer.

FRONTS has `NAME=URL` for each proxy, SERVERS `URL=PID` for each server behind them; see scripts/proxies.sh.
"""

import http.client
import json
import os
import pathlib
import select
import signal
import threading
import time
import urllib.parse

from counts import Counts

ROOT = pathlib.Path(__file__).resolve().parents[2]
PHOTO = (ROOT / "Tests/Fixtures/data/golden/clip/china.jpg").read_bytes()
IMAGES = [(ROOT / "Tests/Fixtures/data/pictures" / name).read_bytes() for name in ("420.jpg", "grey.jpg", "rgb8.png")]
FRONTS = dict(pair.split("=", 1) for pair in os.environ["FRONTS"].split())
SERVERS = {url: int(pid) for url, pid in (pair.rsplit("=", 1) for pair in os.environ["SERVERS"].split())}
MEGABYTE = 1 << 20


def connect(url):
    return http.client.HTTPConnection(urllib.parse.urlsplit(url).netloc, timeout=60)


def post(connection, target, body, fields=None):
    connection.request("POST", target, body, fields or {})
    response = connection.getresponse()
    return response.status, response.headers, response.read()


def post_large(front, size, fields):
    """Sends bytes that are no image until a response arrives, as curl does: a proxy resets what it closes early."""
    connection = connect(front)
    connection.connect()

    def pieces():
        for _ in range(0, size, 65536):
            if select.select([connection.sock], [], [], 0)[0]:
                return
            yield b"x" * 65536

    try:
        connection.request("POST", "/encode", pieces(), fields)
    except (BrokenPipeError, ConnectionResetError):
        pass
    response = connection.getresponse()
    return response.status, response.headers, response.read()


def upstream_connections():
    """The connections to the servers, closing ones included: (local, remote) addresses."""
    ports = {f"{urllib.parse.urlsplit(url).port:04X}" for url in SERVERS}
    found = set()
    for line in pathlib.Path("/proc/net/tcp").read_text().splitlines()[1:]:
        _, local, remote, state = line.split()[:4]
        if state != "0A" and (local[-4:] in ports or remote[-4:] in ports):
            found.add((local, remote) if local[-4:] in ports else (remote, local))
    return found


def figure(name):
    """A metric's sum over the servers."""
    total = 0.0
    for url in SERVERS:
        connection = connect(url)
        connection.request("GET", "/metrics")
        for line in connection.getresponse().read().decode().splitlines():
            if line.split(" ")[0].split("{")[0] == name:
                total += float(line.rsplit(" ", 1)[1])
        connection.close()
    return total


def keeps_connections(front):
    before = upstream_connections()
    started = time.monotonic()
    connection = connect(front)
    for _ in range(200):
        status, _, body = post(connection, "/encode", IMAGES[0])
        assert status == 200 and body, status
    connection.close()
    # Two HAProxies check two servers each second.
    checks = 4 * (time.monotonic() - started + 2)
    opened = len(upstream_connections() - before)
    assert opened <= 4 + checks, f"{opened} connections for 200 requests and {checks:.0f} checks"


def large_images(front):
    parts = b"".join(
        b'--b\r\nContent-Disposition: form-data; name="f"; filename="%d"\r\n\r\n%b\r\n' % (index, PHOTO)
        for index in range(64)
    )
    body = parts + b"--b--"
    status, fields, response = post(connect(front), "/encode", body, {"Content-Type": "multipart/form-data; boundary=b"})
    assert status == 200 and fields["Shape"].startswith("[64,"), (status, response[:200])


def large_length(front):
    status, _, response = post_large(front, 60 * MEGABYTE, {"Content-Length": str(60 * MEGABYTE)})
    assert status == 415, (status, response[:200])


def large_chunked(front):
    status, _, response = post_large(front, 48 * MEGABYTE, {})
    assert status == 415 and json.loads(response)["status"] == 415, (status, response[:200])


def too_large(front):
    status, _, _ = post_large(front, 65 * MEGABYTE, {"Content-Length": str(65 * MEGABYTE)})
    assert status == 413, status


def too_large_chunked(front):
    status, _, _ = post_large(front, 66 * MEGABYTE, {})
    assert status == 413, status


def clients_leave(front):
    """Clients disconnect during their body or while they wait: the server frees their resources and serves others."""
    leaving = []
    for index in range(60):
        connection = connect(front)
        connection.connect()
        head = f"POST /decode HTTP/1.1\r\nHost: a\r\nContent-Length: {len(PHOTO)}\r\n\r\n".encode()
        connection.sock.sendall(head + (PHOTO if index % 2 else PHOTO[:1000]))
        leaving.append(connection)
    time.sleep(0.3)
    for connection in leaving:
        connection.close()
    # After a whole request, a disconnect looks like a half-closed client, so the work is still done.
    deadline = time.monotonic() + 60
    while any(figure(name) for name in ("uae_inflight_requests", "uae_inflight_bytes", "uae_queue_items")):
        assert time.monotonic() < deadline, "the servers still hold their resources"
        time.sleep(0.05)
    assert post(connect(front), "/encode", PHOTO)[0] == 200


def responses_belong(front):
    server = connect(next(iter(SERVERS)))
    expected = [post(server, "/encode", image)[2] for image in IMAGES]
    wrong = []

    def caller(number):
        connection = connect(front)
        for turn in range(30):
            index = (number + turn) % len(IMAGES)
            name = f"c{number}-{turn}"
            status, fields, body = post(connection, "/encode", IMAGES[index], {"Request-Id": name})
            # nginx replaces the caller's request id with its own.
            if status != 200 or body != expected[index] or (fields["Request-Id"] != name and "nginx" not in front_name):
                wrong.append((name, status, fields["Request-Id"]))

    front_name = next(name for name, url in FRONTS.items() if url == front)
    threads = [threading.Thread(target=caller, args=(number,)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong, wrong[:5]


def refusals_pass(front):
    connection = connect(front)
    for target, body, expected in (
        ("/encode?keep=x", PHOTO, 400), ("/nothing", b"", 404), ("/encode", b"x", 415), ("/encode", PHOTO, 200),
    ):
        status, fields, response = post(connection, target, body)
        assert status == expected, (target, status)
        assert status == 200 or fields["Content-Type"] == "application/problem+json", fields
        assert status == 200 or json.loads(response)["request_id"], response


def hides_metrics(front):
    connection = connect(front)
    connection.request("GET", "/metrics")
    assert connection.getresponse().status == 404


def a_server_ends(front):
    """One of two servers gets SIGTERM under load: no caller notices."""
    pid = list(SERVERS.values())[-1]
    stop = threading.Event()
    statuses = []

    def caller():
        connection = connect(front)
        while not stop.is_set():
            statuses.append(post(connection, "/encode", IMAGES[0])[0])

    threads = [threading.Thread(target=caller) for _ in range(4)]
    for thread in threads:
        thread.start()
    time.sleep(0.5)
    os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + 20
    while pathlib.Path(f"/proc/{pid}/stat").read_text().split()[2] != "Z" and time.monotonic() < deadline:
        time.sleep(0.05)
    time.sleep(0.5)
    stop.set()
    for thread in threads:
        thread.join()
    assert time.monotonic() < deadline, "it does not end"
    assert len(statuses) > 20 and set(statuses) == {200}, {status: statuses.count(status) for status in set(statuses)}


def main():
    counts = Counts("proxies")
    for name, url in FRONTS.items():
        for case in (
            keeps_connections, large_images, large_length, large_chunked, too_large, too_large_chunked, clients_leave,
            responses_belong, refusals_pass, hides_metrics,
        ):
            counts.case(f"{name}: {case.__name__.replace('_', ' ')}", case, url)
    # Last, because one server is stopped afterwards.
    if "haproxy" in FRONTS:
        counts.case("haproxy: a server ends", a_server_ends, FRONTS["haproxy"])
    counts.finish()


if __name__ == "__main__":
    main()
