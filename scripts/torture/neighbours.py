# SPDX-License-Identifier: Apache-2.0
"""Heavy clients beside a client of small requests: nobody's work delays or starves another's, memory stays bounded.

Prints one line of figures for each case. With TORTURE_KEYS=HEAVY,LIGHT, two API keys of the server, the heavy clients
use one key and the small requests the other. UAE_PID is the server's process.
"""

import base64
import http.client
import io
import json
import math
import os
import pathlib
import statistics
import struct
import threading
import time
import zlib

from counts import Counts, address

IMAGE = (pathlib.Path(__file__).resolve().parents[2] / "Tests/Fixtures/data/pictures/420.jpg").read_bytes()
KEYS = os.environ.get("TORTURE_KEYS", "").split(",")
HEAVY, LIGHT = (KEYS[0], KEYS[-1]) if KEYS[0] else (None, None)
PROCESS = pathlib.Path("/proc") / os.environ.get("UAE_PID", "self")
# Seconds that a shared machine may add to any request.
TOLERANCE = 0.5


def flat_png(width, height):
    """A valid PNG of one colour: few bytes, many pixels."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = zlib.compressobj(9)
    data = b"".join(rows.compress(b"\0" + b"\x80" * (3 * width)) for _ in range(height)) + rows.flush()
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


LARGE = flat_png(8000, 7900)


def form_of(parts):
    """A multipart body and its Content-Type; a part is (name, filename or None, bytes)."""
    body = io.BytesIO()
    for name, filename, data in parts:
        file = f'; filename="{filename}"' if filename else ""
        body.write(f'--b\r\nContent-Disposition: form-data; name="{name}"{file}\r\n\r\n'.encode())
        body.write(data + b"\r\n")
    body.write(b"--b--\r\n")
    return body.getvalue(), "multipart/form-data; boundary=b"


def fields(key, kind=None):
    headers = {"Content-Type": kind} if kind else {}
    if key:
        headers["Authorization"] = f"Bearer {key}"
    return headers


def post(target, body, kind=None, key=None, timeout=120):
    """Status, body and seconds of one request on a connection of its own."""
    started = time.monotonic()
    connection = http.client.HTTPConnection(*address(), timeout=timeout)
    try:
        connection.request("POST", target, body, fields(key, kind))
        response = connection.getresponse()
        return response.status, response.read(), time.monotonic() - started
    finally:
        connection.close()


def send_only(target, body, kind, key):
    """A connection with a complete request, whose response nobody has read."""
    connection = http.client.HTTPConnection(*address(), timeout=120)
    connection.request("POST", target, body, fields(key, kind))
    return connection


def small(target="/encode", count=15, pause=0.0):
    """Seconds of small requests, one after the other."""
    seconds = []
    for _ in range(count):
        status, body, taken = post(target, IMAGE, key=LIGHT)
        assert status == 200, (status, body[:300])
        seconds.append(taken)
        time.sleep(pause)
    return seconds


def text(seconds):
    return f"median {statistics.median(seconds) * 1000:.0f} ms, longest {max(seconds) * 1000:.0f} ms"


class Heavy:
    """Clients that send the same request again and again until the end."""

    def __init__(self, clients, target, body, kind=None):
        self.request = (target, body, kind)
        self.ended = threading.Event()
        self.statuses = []
        self.threads = [threading.Thread(target=self.run) for _ in range(clients)]

    def run(self):
        while not self.ended.is_set():
            try:
                self.statuses.append(post(*self.request, key=HEAVY)[0])
            except OSError:
                self.statuses.append(None)

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        time.sleep(1.0)
        return self

    def __exit__(self, *_):
        self.ended.set()
        for thread in self.threads:
            thread.join()


def memory(name):
    for line in (PROCESS / "status").read_text().splitlines():
        if line.startswith(name + ":"):
            return int(line.split()[1]) / 1024
    raise AssertionError(f"no {name}")


class Peak:
    """Megabytes that the server's resident memory grew by at most."""

    def __enter__(self):
        (PROCESS / "clear_refs").write_text("5")
        self.before = memory("VmRSS")
        return self

    def __exit__(self, *_):
        self.grown = memory("VmHWM") - self.before


def beside_a_form_of_large_images():
    alone = small()
    body, kind = form_of([("f", f"{index}.png", LARGE) for index in range(60)])
    connection = send_only("/encode", body, kind, HEAVY)
    time.sleep(1.0)
    status, _, seconds = post("/encode?timeout_ms=1000", IMAGE, key=LIGHT)
    beside = small(pause=0.1)
    connection.close()
    left = time.monotonic()
    status_after, _, seconds_after = post("/encode", IMAGE, key=LIGHT)
    print(
        f"  form of 60 PNGs of 8000x7900 ({len(body) / 1e6:.0f} MB): alone {text(alone)}; beside it {status} after "
        f"{seconds:.2f} s, then {text(beside)}; after its client left {seconds_after:.2f} s"
    )
    assert status == 200, status
    assert status_after == 200, status_after
    idle(left)


def idle(left):
    """Waits until the server holds nothing more of the clients that left."""
    while time.monotonic() < left + 10:
        connection = http.client.HTTPConnection(*address(), timeout=10)
        connection.request("GET", "/metrics", headers=fields(LIGHT))
        page = connection.getresponse().read().decode()
        connection.close()
        if "\nuae_inflight_requests 0\n" in page:
            print(f"  nothing left of it after {time.monotonic() - left:.2f} s")
            return
        time.sleep(0.05)
    raise AssertionError("a client that left still has work in the server")


def beside_large_images(target):
    alone = small(target)
    one = post("/encode", LARGE, key=HEAVY)[2]
    with Heavy(3, "/encode", LARGE) as heavy:
        beside = small(target, pause=0.05)
    print(
        f"  {target} beside three clients of 64 MP PNGs ({one:.2f} s each alone): alone {text(alone)}; beside them "
        f"{text(beside)}; {heavy.statuses.count(200)} of theirs served"
    )
    assert set(heavy.statuses) == {200}, set(heavy.statuses)
    assert statistics.median(beside) <= 3 * statistics.median(alone) + one, "a small image waits for large ones"


def a_late_request_ends_in_time():
    with Heavy(6, "/encode", LARGE):
        status, _, seconds = post("/encode?timeout_ms=300", LARGE, key=LIGHT)
    print(f"  a 64 MP PNG with timeout_ms=300 beside six: {status} after {seconds:.2f} s")
    assert status == 504, status
    assert seconds < 0.3 + TOLERANCE, seconds


def beside_large_json():
    alone = small(count=30)
    data = json.dumps({"inputs": [{"b64": "QUJD" * (49_000_000 // 4)}]}).encode()
    with Heavy(6, "/encode", data, "application/json") as heavy:
        beside = small(count=60, pause=0.05)
    print(f"  JSON bodies of 49 MB from six clients: alone {text(alone)}; beside them {text(beside)}")
    assert set(heavy.statuses) == {415}, set(heavy.statuses)
    assert statistics.median(beside) <= 3 * statistics.median(alone) + 0.1, "a small request waits for large bodies"


def a_long_parameter(name, value, files):
    parts = [("f", f"{index}.jpg", IMAGE) for index in range(files)] + [(name, None, value)]
    body, kind = form_of(parts)
    with Peak() as peak:
        status, response, seconds = post("/decode", body, kind, HEAVY)
    print(
        f"  {name} of {len(value) / 1e6:.0f} MB with {files} files: {status} after {seconds:.2f} s, "
        f"+{peak.grown:.0f} MB"
    )
    problem = json.loads(response)
    assert status == 400 and problem["type"] == "urn:uae:problem:bad-parameter", response[:300]
    assert (problem["limit"], problem["actual"]) == (4096, len(value)), problem
    # The body, and the room that it grew into.
    assert peak.grown < 2.2 * len(body) / 2**20 + 16, peak.grown


def latent_shape():
    """Channels and sides of the served model's latents."""
    connection = http.client.HTTPConnection(*address(), timeout=10)
    connection.request("GET", "/info", headers=fields(LIGHT))
    shape = json.loads(connection.getresponse().read())["latent_shape"]
    connection.close()
    return tuple(shape[-3:])


def npy(count, element_size=4, kind="<f4"):
    """A file of `count` latents of zeros."""
    shape = (count, *latent_shape())
    header = f"{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape}, }}"
    header += " " * (63 - (10 + len(header)) % 64) + "\n"
    data = bytes(element_size * math.prod(shape))
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode() + data


def too_many_latents(form):
    count = 60_000_000 // math.prod(latent_shape())
    target, kind = "/decode", None
    match form:
        case "uint8 npy":
            body = npy(count, 1, "|u1")
        case "float16 npy":
            count //= 2
            body = npy(count, 2, "<f2")
        case "raw":
            count //= 2
            body = bytes(2 * count * math.prod(latent_shape()))
            target += f"?dtype=float16&shape={','.join(map(str, (count, *latent_shape())))}"
        case "form":
            count //= 2
            body, kind = form_of([("f", "a.npy", npy(count, 2, "<f2"))])
        case "JSON":
            count = count * 3 // 8
            data = base64.b64encode(npy(count, 2, "<f2")).decode()
            body, kind = json.dumps({"inputs": [{"b64": data}]}).encode(), "application/json"
    with Peak() as peak:
        status, response, seconds = post(target, body, kind, HEAVY)
    problem = json.loads(response)
    size = f"{len(body) / 1e6:.0f} MB"
    print(f"  {form} of {count} latents ({size}): {status} after {seconds:.2f} s, +{peak.grown:.0f} MB")
    if form == "uint8 npy":
        # Refused for its dtype or for its size.
        assert status in (413, 422), response[:300]
    else:
        assert status == 413 and problem["type"] == "urn:uae:problem:too-many-items", response[:300]
        assert problem["actual"] == count * math.prod(latent_shape()), problem
    # The body, and what its base64 holds.
    assert peak.grown < 2.2 * len(body) / 2**20 + 16, peak.grown


def served_items_are_released():
    """Clients that keep the queue from becoming empty: what was served must not stay in memory."""
    latents = npy(4)
    small("/encode")
    with Peak() as peak:
        with Heavy(12, "/decode?image_format=jpg", latents):
            time.sleep(9)
    print(f"  twelve clients of 4 latents each ({len(latents) / 1e6:.1f} MB) for 10 s: +{peak.grown:.0f} MB")
    assert peak.grown < 120, peak.grown


def large_bodies_return_their_memory():
    """The memory of large requests goes back to the system when they end."""
    latents = npy(64)
    small("/encode")
    before = memory("VmRSS")
    with Heavy(3, "/spectrum", latents) as heavy:
        time.sleep(9)
    time.sleep(0.5)
    grown = memory("VmRSS") - before
    print(f"  after three clients of 64 latents each ({len(latents) / 1e6:.1f} MB) for 10 s: +{grown:.0f} MB")
    assert set(heavy.statuses) == {200}, set(heavy.statuses)
    assert grown < 90, grown


def main():
    counts = Counts("neighbours")
    # First: what others leave would hide it.
    counts.case("memory of large bodies", large_bodies_return_their_memory)
    counts.case("a form of large images", beside_a_form_of_large_images)
    counts.case("large images, encode", beside_large_images, "/encode")
    counts.case("large images, decode", beside_large_images, "/decode")
    counts.case("a late request", a_late_request_ends_in_time)
    counts.case("large JSON", beside_large_json)
    counts.case("gains", a_long_parameter, "scaling_factor", b"1," * 30_500_000 + b"1", 1)
    counts.case("shape", a_long_parameter, "shape", b" " * 12_000_000 + b"1", 40)
    for kind in ("uint8 npy", "float16 npy", "raw", "form", "JSON"):
        counts.case(f"too many latents, {kind}", too_many_latents, kind)
    counts.case("served items", served_items_are_released)
    counts.finish()


if __name__ == "__main__":
    main()
