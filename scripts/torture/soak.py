# SPDX-License-Identifier: Apache-2.0
"""Minutes of mixed load: both protocols, client disconnects, garbage; then figures.

Fails if memory or descriptors grow after the warm-up, if a response does not belong to its request (by id and bytes), or
if the server has not responded to exactly as many requests as were sent.
"""

import collections
import http.client
import os
import pathlib
import random
import re
import socket
import statistics
import threading
import time

import httpx

from counts import Counts, address

MINUTES = float(os.environ.get("MINUTES", "10"))
# Of growth from the end of the warm-up to the end, in the medians of a fifth of the samples each.
MEMORY_LIMIT_MB = float(os.environ.get("SOAK_MEMORY_MB", "24"))
IMAGES = pathlib.Path(__file__).resolve().parents[2] / "Tests/Fixtures/data/pictures"
NAMES = ("420.jpg", "progressive-444.jpg", "cmyk.jpg", "exif-6.jpg", "rgb8.png", "rgba8-adam7.png")
TARGETS = ("/encode", "/encode?pool=mean", "/spectrum?bands=4", "/spectrum?of=both&format=svg", "/decode?image_format=jpg",
           "/decode?keep=1,4&layout=sheet")
DOCUMENTS = ("/info", "/health/ready", "/openapi.json", "/labels?format=json")


class Soak:
    def __init__(self):
        self.url = os.environ["UAE_URL"]
        self.images = {name: (IMAGES / name).read_bytes() for name in NAMES}
        self.expected = {}
        self.lock = threading.Lock()
        self.sent = collections.Counter()
        self.wrong = []
        self.left = 0
        self.garbage = 0
        self.shed = 0
        self.is_over = threading.Event()
        self.samples = []

    # Expected responses, recorded before the load

    def learn(self):
        with httpx.Client(base_url=self.url, timeout=60) as client:
            for name, image in self.images.items():
                for target in TARGETS:
                    response = client.post(target, content=image)
                    assert response.status_code == 200, response.text
                    self.count(target, 200)
                    self.expected[name, target] = response.content

    def count(self, target, status):
        operation = target.split("?")[0].strip("/")
        with self.lock:
            self.sent[operation, status] += 1

    def complain(self, text):
        with self.lock:
            self.wrong.append(text)

    # Callers

    def call(self, number, http2):
        chance = random.Random(number)
        turn = 0
        while not self.is_over.is_set():
            # A new connection from time to time.
            with httpx.Client(base_url=self.url, timeout=60, http1=not http2, http2=http2) as client:
                for _ in range(chance.randrange(1, 60)):
                    if self.is_over.is_set():
                        break
                    turn += 1
                    self.one(client, chance, f"soak-{number}-{turn}")

    def one(self, client, chance, request_id):
        fields = {"Request-Id": request_id}
        if chance.random() < 0.2:
            response = client.get(chance.choice(DOCUMENTS), headers=fields)
            if response.status_code != 200 or response.headers["request-id"] != request_id:
                self.complain(f"{request_id}: {response.status_code}, id {response.headers.get('request-id')}")
            return
        name, target = chance.choice(NAMES), chance.choice(TARGETS)
        response = client.post(target, content=self.images[name], headers=fields)
        self.count(target, response.status_code)
        if response.headers.get("request-id") != request_id:
            self.complain(f"{request_id} got the response to {response.headers.get('request-id')}")
        elif response.status_code == 429:
            with self.lock:
                self.shed += 1
        elif response.status_code != 200 or response.content != self.expected[name, target]:
            self.complain(f"{request_id}: {response.status_code}, {len(response.content)} bytes")

    def leave(self):
        """Clients that disconnect before their response, on a separate route, so that the other counts are exact."""
        chance = random.Random(1)
        host, port = address()
        body = self.images["420.jpg"]
        while not self.is_over.is_set():
            with socket.create_connection((host, port), timeout=10) as one:
                head = f"POST /classify HTTP/1.1\r\nHost: a\r\nContent-Length: {len(body)}\r\n\r\n".encode()
                data = head + body
                one.sendall(data[: chance.choice((len(data), len(data) // 2, len(head), 5))])
                if chance.random() < 0.5:
                    one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            self.left += 1
            time.sleep(0.02)

    def spoil(self):
        chance = random.Random(2)
        while not self.is_over.is_set():
            start = chance.choice(
                (
                    b"",
                    b"GET / HTTP/1.1\r\n",
                    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
                    b"POST /encode HTTP/1.1\r\nHost: a\r\n",
                )
            )
            try:
                with socket.create_connection(address(), timeout=10) as one:
                    one.sendall(start + chance.randbytes(chance.randrange(1, 2000)))
                    one.shutdown(socket.SHUT_WR)
                    while one.recv(65536):
                        pass
            except OSError:
                pass
            self.garbage += 1
            time.sleep(0.02)

    # Figures

    def metrics(self):
        connection = http.client.HTTPConnection(*address(), timeout=60)
        connection.request("GET", "/metrics")
        page = connection.getresponse().read().decode()
        connection.close()
        return page

    @staticmethod
    def figure(page, name):
        return float(re.search(rf"^{re.escape(name)} (\S+)$", page, re.M)[1])

    def sample(self):
        started = time.monotonic()
        while not self.is_over.wait(max(0.25, MINUTES * 60 / 400)):
            page = self.metrics()
            memory, files = (
                self.figure(page, name) for name in ("process_resident_memory_bytes", "process_open_fds")
            )
            self.samples.append((time.monotonic() - started, memory / 1e6, files))

    def run(self):
        self.learn()
        files_before = self.figure(self.metrics(), "process_open_fds")
        tasks = [(self.call, number, number % 2 == 1) for number in range(6)] + [
            (self.leave,),
            (self.spoil,),
            (self.sample,),
        ]
        threads = [threading.Thread(target=task[0], args=task[1:]) for task in tasks]
        for thread in threads:
            thread.start()
        time.sleep(MINUTES * 60)
        self.is_over.set()
        for thread in threads:
            thread.join()
        # The server detects the last disconnects a moment later.
        for _ in range(100):
            page = self.metrics()
            files_after = self.figure(page, "process_open_fds")
            if files_after <= files_before and self.figure(page, "uae_inflight_requests") == 0:
                break
            time.sleep(0.1)
        return files_before, files_after, page


def main():
    counts = Counts("soak")
    soak = Soak()
    files_before, files_after, page = soak.run()
    warm = [sample for sample in soak.samples if sample[0] > MINUTES * 60 / 5]
    fifth = max(1, len(warm) // 5)
    first = statistics.median(memory for _, memory, _ in warm[:fifth])
    last = statistics.median(memory for _, memory, _ in warm[-fifth:])
    slope = statistics.linear_regression([time for time, _, _ in warm], [memory for _, memory, _ in warm]).slope * 60
    total = sum(soak.sent.values())
    print(
        f"soak: {MINUTES:g} minutes, {total} requests to operations ({total / MINUTES / 60:.0f} a second), {soak.shed} shed, "
        f"{soak.left} clients disconnected early, {soak.garbage} sent garbage"
    )
    print(
        f"soak: resident memory {first:.0f} MB after the warm-up, {last:.0f} MB at the end, slope {slope:+.2f} MB a minute; "
        f"descriptors {files_before:.0f} before, {files_after:.0f} after"
    )

    def memory_is_flat():
        assert last - first < MEMORY_LIMIT_MB, f"{last - first:.1f} MB more"

    def descriptors_are_flat():
        assert files_after <= files_before, f"{files_before} before, {files_after} after"

    def responses_match():
        assert not soak.wrong, f"{len(soak.wrong)}, the first: {soak.wrong[:3]}"

    def none_lost_or_twice():
        for (operation, status), count in soak.sent.items():
            counted = soak.figure(page, f'uae_requests_total{{op="{operation}",code="{status}"}}')
            assert counted == count, f"{operation} {status}: {count} sent, {counted:.0f} counted"
        assert soak.figure(page, "uae_inflight_bytes") == 0 and soak.figure(page, "uae_queue_cost") == 0

    for check in (memory_is_flat, descriptors_are_flat, responses_match, none_lost_or_twice):
        counts.case(check.__name__.replace("_", " "), check)
    counts.finish()


if __name__ == "__main__":
    main()
