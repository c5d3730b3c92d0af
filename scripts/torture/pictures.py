# SPDX-License-Identifier: Apache-2.0
"""Hostile and unusual images: each gets the documented status, in bounded time and memory, and never a 5xx."""

import http.client
import json
import os
import random
import re
import time

from counts import Counts, address
from jpeg_cases import jpeg_cases
from picture_files import TAKEN, UNKNOWN, fixture, jpeg, png
from png_cases import png_cases
from webp_cases import webp, webp_cases

PATIENCE = float(os.environ.get("TORTURE_PICTURE_SECONDS", "20"))


def post(body, target="/encode", kind="application/octet-stream"):
    connection = http.client.HTTPConnection(*address(), timeout=PATIENCE)
    try:
        connection.request("POST", target, body, {"Content-Type": kind})
        response = connection.getresponse()
        return response.status, dict((name.lower(), value) for name, value in response.getheaders()), response.read()
    finally:
        connection.close()


def check(body, statuses, target="/encode", kind="application/octet-stream"):
    status, fields, content = post(body, target, kind)
    assert status in statuses, f"{status}, expected {statuses}: {content[:300]!r}"
    if status == 200:
        assert content
        return
    assert fields["content-type"] == "application/problem+json", fields["content-type"]
    problem = json.loads(content)
    slug = {413: "too-many-pixels", 415: "unsupported-media", 422: "image-undecodable"}[status]
    assert problem["type"] == f"urn:uae:problem:{slug}" and problem["status"] == status, problem
    assert problem["detail"] and problem["request_id"] == fields["request-id"], problem


def other_cases():
    yield "nothing", b"", UNKNOWN
    for name, data in (
        ("GIF", b"GIF89a\1\0\1\0\0\0\0;"),
        ("animated GIF", b"GIF89a" + b"\0" * 500),
        ("BMP", b"BM" + b"\0" * 100),
        ("WAV", b"RIFF\x1a\0\0\0WAVEfmt " + b"\0" * 50),
        ("TIFF", b"II*\0\x08\0\0\0"),
        ("JPEG 2000", b"\0\0\0\x0cjP  \r\n\x87\n"),
        ("JPEG XL", b"\xff\x0a" + b"\0" * 50),
        ("AVIF", b"\0\0\0\x20ftypavif" + b"\0" * 50),
        ("SVG", b"<svg xmlns='http://www.w3.org/2000/svg'/>"),
        ("PDF", b"%PDF-1.7"),
        ("ZIP", b"PK\3\4" + b"\0" * 50),
        ("gzip", b"\x1f\x8b\x08" + b"\0" * 50),
        ("HTML", b"<html>"),
        ("script", b"#!/bin/sh"),
        ("ELF", b"\x7fELF"),
        ("zeros", bytes(1000)),
        ("MNG", b"\x8aMNG\r\n\x1a\n"),
        ("half a JPEG mark", b"\xff"),
        ("two thirds of a JPEG mark", b"\xff\xd8"),
        ("half a PNG mark", b"\x89PNG"),
    ):
        yield name, data, UNKNOWN


def the_magic_beats_the_type():
    for body, kind in (
        (png(), "image/jpeg"),
        (jpeg(), "image/png"),
        (jpeg(), "application/x-www-form-urlencoded"),
        (png(), "text/plain"),
        (webp(), "image/png"),
    ):
        check(body, TAKEN, kind=kind)


def other_files_are_named():
    """A refusal says what it saw and what to do."""
    heic = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic"
    for body, word in (
        (heic, "HEIC"),
        (heic.replace(b"ic", b"if").replace(b"he", b"av"), "AVIF"),
        (b"GIF89a\1\0\1\0\0\0\0;", "GIF"),
        (b"BM" + b"\0" * 100, "BMP"),
        (b"II*\0\x08\0\0\0", "TIFF"),
        (b"\xff\x0a" + b"\0" * 50, "JPEG XL"),
        (b"\0\0\0\x0cJXL \r\n\x87\n", "JPEG XL"),
        (b"%PDF-1.7", "PDF"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "SVG"),
        (b"\0\0\0\x18ftypisom\0\0\0\0mp42avc1", "MP4"),
        (b"photo.jpg", "--data-binary @photo.jpg"),
        (without_line_ends(png()), "--data-binary"),
    ):
        status, _, content = post(body)
        assert status == 415 and word in json.loads(content)["detail"], content
    status, _, content = post(without_line_ends(fixture("cmyk.jpg") + b"x" * 4000))
    assert status == 422 and "--data-binary" in json.loads(content)["detail"], content


def without_line_ends(data):
    """What `curl -d @file` sends of a file."""
    return bytes(byte for byte in data if byte not in (0, 10, 13))


def mutations():
    """Seeded damage anywhere in valid files: each file gets one of the documented statuses."""
    chance = random.Random(20251219)
    originals = [
        fixture(name)
        for name in (
            "420.jpg",
            "progressive-444.jpg",
            "cmyk.jpg",
            "exif-6.jpg",
            "rgb8.png",
            "rgba8-adam7.png",
            "palette4.png",
            "lossy-alpha.webp",
            "lossless-alpha.webp",
            "animation-offset.webp",
            "profile-compressed.png",
        )
    ]
    for turn in range(int(os.environ.get("TORTURE_MUTATIONS", "300"))):
        data = bytearray(chance.choice(originals))
        for _ in range(chance.choice((1, 1, 2, 8))):
            place = chance.randrange(2, len(data))
            match chance.randrange(4):
                case 0:
                    data[place] = chance.randrange(256)
                case 1:
                    data[place] ^= 1 << chance.randrange(8)
                case 2:
                    del data[place : place + chance.randrange(1, 20)]
                case 3:
                    data[place:place] = bytes(chance.randrange(256) for _ in range(chance.randrange(1, 20)))
        check(
            bytes(data),
            (200, 413, 415, 422),
            target=chance.choice(("/encode", "/encode?exif=ignore", "/spectrum", "/classify")),
        )


def the_server_stays_small():
    """At the end the process uses a bounded amount of memory and responds."""
    status, _, page = post_get("/metrics")
    assert status == 200
    resident = float(re.search(rb"^process_resident_memory_bytes (\S+)", page, re.M)[1])
    limit = float(os.environ.get("TORTURE_MEMORY_MB", "1500")) * 1e6
    print(f"pictures: resident memory {resident / 1e6:.0f} MB", flush=True)
    assert resident < limit, f"{resident / 1e6:.0f} MB"


def post_get(target):
    connection = http.client.HTTPConnection(*address(), timeout=PATIENCE)
    connection.request("GET", target)
    response = connection.getresponse()
    result = response.status, response.getheaders(), response.read()
    connection.close()
    return result


def main():
    counts = Counts("pictures")
    slowest = ("", 0.0)
    for kind, cases in (
        ("PNG", png_cases()),
        ("JPEG", jpeg_cases()),
        ("WebP", webp_cases()),
        ("other", other_cases()),
    ):
        for name, body, statuses in cases:
            started = time.monotonic()
            counts.case(f"{kind}: {name}", check, body, statuses)
            slowest = max(slowest, (f"{kind}: {name}", time.monotonic() - started), key=lambda pair: pair[1])
    print(f"pictures: slowest {slowest[0]}, {slowest[1] * 1000:.0f} ms", flush=True)
    for function in (the_magic_beats_the_type, other_files_are_named, mutations, the_server_stays_small):
        counts.case(function.__name__.replace("_", " "), function)
    counts.finish()


if __name__ == "__main__":
    main()
