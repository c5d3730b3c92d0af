# SPDX-License-Identifier: Apache-2.0
"""Hostile and odd pictures: each gets the status that the contract names, in bounded time and memory, and never a 5xx."""

import http.client
import json
import os
import random
import re
import struct
import time
import zlib

import picture_files as files
from counts import Counts, address
from picture_files import (
    END,
    SIGNATURE,
    chunk,
    fixture,
    frame_offset,
    header,
    jpeg,
    patched,
    png,
    scan_offset,
    segment,
)

UNDECODABLE = (422,)
TAKEN = (200,)
TOO_LARGE = (413,)
UNKNOWN = (415,)
# A file that readers differ on: any clean answer will do, but a clean one.
EITHER = (200, 422)
PATIENCE = float(os.environ.get("TORTURE_PICTURE_SECONDS", "20"))


def post(body, target="/encode", kind="application/octet-stream"):
    connection = http.client.HTTPConnection(*address(), timeout=PATIENCE)
    try:
        connection.request("POST", target, body, {"Content-Type": kind})
        answer = connection.getresponse()
        return answer.status, dict((name.lower(), value) for name, value in answer.getheaders()), answer.read()
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


def png_cases():
    good = png()
    for colour, depths in ((0, (1, 2, 4, 8, 16)), (2, (8, 16)), (3, (1, 2, 4, 8)), (4, (8, 16)), (6, (8, 16))):
        for depth in depths:
            yield f"colour type {colour}, {depth} bits", png(depth=depth, colour=colour), TAKEN
    for colour in (0, 2, 3, 4, 6):
        for depth in (3, 5, 7, 0, 9, 32, 255):
            yield f"colour type {colour} with {depth} bits", png(colour=colour, stream=b"").replace(
                header(64, 48, 8, colour), header(64, 48, depth, colour)
            ), UNDECODABLE
    for colour in (1, 5, 7, 255):
        yield f"colour type {colour}", SIGNATURE + header(64, 48, 8, colour) + chunk(
            b"IDAT", zlib.compress(b"\0" * 9999)
        ) + END, UNDECODABLE
    for filtering in range(5):
        yield f"filter {filtering}", png(filtering=filtering), TAKEN
    yield "filter 5", png(filtering=5), UNDECODABLE
    yield "filter 255", png(filtering=255), UNDECODABLE
    for name in (
        "rgb8-adam7.png",
        "rgb16-adam7.png",
        "rgba8-adam7.png",
        "palette1-adam7.png",
        "grey-alpha16-adam7.png",
    ):
        yield name, fixture(name), TAKEN
    yield "interlace method 2", png(interlace=2), UNDECODABLE
    yield "Adam7 with the data of no interlace", png(interlace=1), EITHER
    for name, changed in (
        ("compression method", header(64, 48, compression=1)),
        ("filter method", header(64, 48, filtering=1)),
    ):
        yield f"{name} 1", good.replace(header(64, 48), changed), UNDECODABLE
    for width, height in ((1, 1), (1, 48), (64, 1), (3, 16384), (16384, 3), (1, 16384), (16384, 1), (255, 257)):
        yield f"{width} x {height}", png(width, height), TAKEN
    for width, height in ((0, 1), (1, 0), (0, 0)):
        yield f"{width} x {height}", png(width, height, stream=zlib.compress(b"\0")), UNDECODABLE
    for width, height in (
        (16385, 1),
        (1, 16385),
        (16384, 16384),
        (8001, 8000),
        (65535, 65535),
        (2**31 - 1, 2**31 - 1),
    ):
        yield f"{width} x {height} promised", SIGNATURE + header(width, height) + chunk(
            b"IDAT", zlib.compress(b"\0" * 99)
        ) + END, TOO_LARGE
    for width in (2**31, 2**32 - 1):
        yield f"{width} wide, beyond the format", SIGNATURE + header(width, 1) + END, (413, 422)
    yield "8000 x 8000 of nothing", SIGNATURE + header(8000, 8000) + chunk(
        b"IDAT", zlib.compress(b"\0" * 99)
    ) + END, UNDECODABLE
    bomb = zlib.compressobj(9)
    yield "bomb: 200 MB of zeros behind 64 x 48", png(stream=bomb.compress(bytes(200 << 20)) + bomb.flush()), EITHER
    text = zlib.compressobj(9)
    text = text.compress(bytes(100 << 20)) + text.flush()
    for kind, data in ((b"zTXt", b"k\0\0" + text), (b"iCCP", b"k\0\0" + text), (b"iTXt", b"k\0\1\0\0\0" + text)):
        yield f"bomb in {kind.decode()}", png(before=chunk(kind, data)), TAKEN
    yield "ten thousand ancillary chunks", png(before=chunk(b"teXt", b"k\0v") * 10_000), TAKEN
    yield "a hundred thousand empty IDAT", png(pieces=1).replace(END, chunk(b"IDAT") * 100_000 + END), EITHER
    yield "IDAT octet by octet", png(pieces=100_000), TAKEN
    yield "no IDAT", SIGNATURE + header(64, 48) + END, UNDECODABLE
    yield "empty IDAT", png(stream=b""), UNDECODABLE
    yield "no IEND", good[:-12], UNDECODABLE
    yield "no IHDR", SIGNATURE + good[33:], UNDECODABLE
    yield "IHDR twice", png(before=header(64, 48)), UNDECODABLE
    yield "IHDR of 12 octets", SIGNATURE + chunk(b"IHDR", good[16:28]) + good[33:], UNDECODABLE
    yield "IHDR of 14 octets", SIGNATURE + chunk(b"IHDR", good[16:29] + b"\0") + good[33:], UNDECODABLE
    yield "IHDR second", SIGNATURE + chunk(b"tEXt", b"k\0v") + good[8:], UNDECODABLE
    yield "signature only", SIGNATURE, UNDECODABLE
    yield "signature damaged by text mode", good.replace(b"\r\n\x1a\n", b"\n\x1a\n", 1), UNKNOWN
    for place in (29, 33 + 12, len(good) - 13, len(good) - 1):
        yield f"wrong checksum at {place}", patched(good, place, bytes([good[place] ^ 1])), UNDECODABLE
    for place in (20, 40, 60, len(good) // 2, len(good) - 4):
        yield f"cut at {place}", good[:place], UNDECODABLE
    yield "chunk length beyond the file", good.replace(chunk(b"IEND"), chunk(b"IEND", length=99)), UNDECODABLE
    yield "chunk length beyond 2^31", patched(good, 33, b"\xff\xff\xff\xff"), UNDECODABLE
    yield "chunk length 2^31 - 1", patched(good, 33, b"\x7f\xff\xff\xff"), UNDECODABLE
    yield "IDAT in two runs", SIGNATURE + header(64, 48) + chunk(b"IDAT", b"x") + chunk(b"tEXt", b"k\0v") + chunk(
        b"IDAT", b"y"
    ) + END, UNDECODABLE
    yield "unknown critical chunk", png(before=chunk(b"ABCD")), UNDECODABLE
    yield "unknown ancillary chunk", png(before=chunk(b"abCd", b"x" * 1000)), TAKEN
    yield "chunk type that is no text", png(before=chunk(b"\0\1\2\3")), UNDECODABLE
    yield "palette missing", SIGNATURE + header(64, 48, 8, 3) + chunk(
        b"IDAT", zlib.compress(files.rows(64, 48, 8, 3))
    ) + END, UNDECODABLE
    yield "palette empty", png(colour=3, before=chunk(b"PLTE")), UNDECODABLE
    yield "palette of 47 octets", png(colour=3, before=chunk(b"PLTE", bytes(47))), UNDECODABLE
    yield "palette longer than the depth has colours", png(
        depth=1, colour=3, before=chunk(b"PLTE", bytes(48))
    ), EITHER
    yield "palette of 257 entries", png(colour=3, before=chunk(b"PLTE", bytes(771))), UNDECODABLE
    yield "palette twice", png(colour=3, middle=files.PALETTE), UNDECODABLE
    yield "palette index beyond the palette", png(colour=3, raw=(b"\0" + b"\xff" * 64) * 48), EITHER
    yield "palette after IDAT", png(colour=0, after=files.PALETTE), EITHER
    yield "palette in grey", png(colour=0, before=files.PALETTE), EITHER
    yield "palette in colour", png(before=files.PALETTE), TAKEN
    yield "tRNS longer than the palette", png(colour=3, middle=chunk(b"tRNS", bytes(300))), EITHER
    yield "tRNS in RGBA", png(colour=6, middle=chunk(b"tRNS", bytes(6))), EITHER
    yield "tRNS of five octets", png(middle=chunk(b"tRNS", bytes(5))), EITHER
    yield "tRNS before the palette", png(colour=3, before=chunk(b"tRNS", b"\0") + files.PALETTE), EITHER
    yield "tRNS after IDAT", png(after=chunk(b"tRNS", bytes(6))), EITHER
    yield "zlib header wrong", png(stream=b"\0\0" + zlib.compress(files.rows(64, 48))[2:]), UNDECODABLE
    yield "zlib checksum wrong", png(stream=zlib.compress(files.rows(64, 48))[:-1] + b"\0"), EITHER
    yield "zlib with a dictionary", png(stream=b"\x78\x20\0\0\0\1" + b"\0" * 50), UNDECODABLE
    yield "not zlib at all", png(stream=b"hello" * 100), UNDECODABLE
    yield "a row too few", png(raw=files.rows(64, 47)), UNDECODABLE
    yield "an octet too few", png(raw=files.rows(64, 48)[:-1]), UNDECODABLE
    yield "an octet too many", png(raw=files.rows(64, 48) + b"\0"), TAKEN
    yield "trailing garbage", good + b"garbage" * 1000, TAKEN
    yield "two pictures in a row", good + good, TAKEN
    yield "animated (APNG)", png(
        before=chunk(b"acTL", struct.pack(">II", 2, 0))
        + chunk(b"fcTL", struct.pack(">IIIIIHHBB", 0, 64, 48, 0, 0, 1, 10, 0, 0)),
        after=chunk(b"fdAT", struct.pack(">I", 1) + zlib.compress(files.rows(64, 48))),
    ), TAKEN
    for kind, data in (
        (b"gAMA", b"\0\0\0\0"),
        (b"pHYs", b"\0" * 3),
        (b"sRGB", b"\xff"),
        (b"cHRM", b"x"),
        (b"bKGD", b""),
        (b"hIST", b"xx"),
        (b"sBIT", b"\0\0\0"),
        (b"tIME", b"\xff" * 7),
        (b"sPLT", b"x"),
    ):
        yield f"nonsense in {kind.decode()}", png(before=chunk(kind, data)), TAKEN
    tiff = b"II*\0\x08\0\0\0\x01\0" + struct.pack("<HHIHHI", 0x0112, 3, 1, 6, 0, 0)
    yield "eXIf orientation 6", png(before=chunk(b"eXIf", tiff)), TAKEN
    yield "eXIf cut", png(before=chunk(b"eXIf", tiff[:11])), TAKEN
    yield "eXIf that points to itself", png(before=chunk(b"eXIf", b"II*\0\x04\0\0\0" + b"\xff" * 20)), TAKEN


def jpeg_cases():
    good = jpeg()
    frame, scan = frame_offset(good), scan_offset(good)
    for name in (
        "411.jpg",
        "420.jpg",
        "422.jpg",
        "440.jpg",
        "444.jpg",
        "cmyk.jpg",
        "ycck.jpg",
        "grey.jpg",
        "rgb.jpg",
        "progressive-444.jpg",
        "quality20.jpg",
        "exif-2.jpg",
        "exif-3.jpg",
        "exif-4.jpg",
        "exif-6.jpg",
        "exif-7.jpg",
    ):
        yield name, fixture(name), TAKEN
    for orientation in (0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 65535):
        yield f"orientation {orientation}", good[:2] + files.exif(orientation) + good[2:], TAKEN
    yield "orientation 6, big endian", good[:2] + files.exif(6, ">") + good[2:], TAKEN
    yield "EXIF cut", good[:2] + segment(0xE1, b"Exif\0\0II*\0") + good[2:], TAKEN
    yield "EXIF whose directory is far away", good[:2] + segment(0xE1, b"Exif\0\0II*\0\xff\xff\xff\xff") + good[
        2:
    ], TAKEN
    yield "EXIF of 65535 entries", good[:2] + segment(
        0xE1, b"Exif\0\0II*\0\x08\0\0\0\xff\xff" + b"\xff" * 100
    ) + good[2:], TAKEN
    yield "EXIF twice", good[:2] + files.exif(6) + files.exif(3) + good[2:], TAKEN
    yield "restart markers", jpeg(restart_marker_blocks=1), TAKEN
    yield "restart markers by rows", jpeg(restart_marker_rows=1), TAKEN
    restart = jpeg(restart_marker_blocks=1)
    first = restart.index(b"\xff\xd0")
    yield "restart marker out of order", patched(restart, first, b"\xff\xd5"), UNDECODABLE
    yield "restart marker missing", restart[:first] + restart[first + 2 :], UNDECODABLE
    yield "progressive", jpeg(progressive=True), TAKEN
    yield "optimised", jpeg(optimize=True), TAKEN
    yield "quality 1", jpeg(quality=1), TAKEN
    yield "quality 100", jpeg(quality=100, subsampling=0), TAKEN
    yield "CMYK", jpeg(mode="CMYK"), TAKEN
    yield "grey", jpeg(mode="L"), TAKEN
    for width, height in ((1, 1), (1, 48), (64, 1), (1, 16384), (16384, 1), (255, 257)):
        yield f"{width} x {height}", jpeg(width, height), TAKEN
    for width, height in ((0, 48), (64, 0), (0, 0)):
        yield f"{width} x {height}", patched(good, frame + 5, struct.pack(">HH", height, width)), UNDECODABLE
    for width, height in ((65535, 65535), (16385, 1), (1, 16385), (16384, 16384), (65500, 65500)):
        yield f"{width} x {height} promised", patched(good, frame + 5, struct.pack(">HH", height, width)), TOO_LARGE
    yield "8000 x 8000 of nothing", patched(good, frame + 5, struct.pack(">HH", 8000, 8000)), UNDECODABLE
    yield "taller than its data", patched(good, frame + 5, struct.pack(">H", 480)), UNDECODABLE
    yield "smaller than its data", patched(good, frame + 5, struct.pack(">H", 8)), EITHER
    for marker, name in (
        (0xC3, "lossless"),
        (0xC5, "hierarchical"),
        (0xC6, "hierarchical progressive"),
        (0xC7, "hierarchical lossless"),
        (0xC9, "arithmetic"),
        (0xCA, "arithmetic progressive"),
        (0xCB, "arithmetic lossless"),
        (0xCD, "SOF13"),
        (0xCE, "SOF14"),
        (0xCF, "SOF15"),
    ):
        yield name, patched(good, frame + 1, bytes([marker])), UNDECODABLE
    yield "extended sequential", patched(good, frame + 1, b"\xc1"), TAKEN
    yield "baseline that says progressive", patched(good, frame + 1, b"\xc2"), UNDECODABLE
    for bits in (0, 1, 12, 16, 255):
        yield f"{bits} bits a sample", patched(good, frame + 4, bytes([bits])), UNDECODABLE
    for count in (0, 2, 4, 5, 255):
        yield f"{count} components promised", patched(good, frame + 9, bytes([count])), UNDECODABLE
    for factor in (0x00, 0x01, 0x10, 0x51, 0x15, 0xFF, 0x33):
        yield f"sampling factor {factor:02x}", patched(good, frame + 11, bytes([factor])), EITHER
    yield "quantisation table that is not there", patched(good, frame + 12, b"\x03"), UNDECODABLE
    yield "quantisation table 255", patched(good, frame + 12, b"\xff"), UNDECODABLE
    yield "components of one name", patched(good, frame + 13, good[frame + 10 : frame + 11]), EITHER
    yield "frame header twice", good[:frame] + good[frame : frame + 19] + good[frame:], UNDECODABLE
    yield "no frame header", good[:frame] + good[frame + 19 :], UNDECODABLE
    yield "no scan", good[:scan] + b"\xff\xd9", UNDECODABLE
    # Motion JPEG leaves the standard tables out.
    yield "no Huffman tables", re_segments(good, drop=0xC4), EITHER
    yield "no quantisation tables", re_segments(good, drop=0xDB), UNDECODABLE
    yield "Huffman table with too many codes", good[:2] + segment(0xC4, b"\0" + b"\xff" * 16 + b"\0" * 255) + good[
        2:
    ], UNDECODABLE
    yield "Huffman table of class 15", good[:2] + segment(0xC4, b"\xff" + b"\0" * 16) + good[2:], UNDECODABLE
    yield "quantisation table of zeros", re_segments(
        good, drop=0xDB, put=segment(0xDB, b"\0" + bytes(64)) + segment(0xDB, b"\1" + bytes(64))
    ), EITHER
    yield "scan of a component that is not there", patched(good, scan + 5, b"\x77"), UNDECODABLE
    yield "scan of no component", patched(good, scan + 4, b"\0"), UNDECODABLE
    yield "scan of five components", patched(good, scan + 4, b"\5"), UNDECODABLE
    yield "scan with Huffman table 3", patched(good, scan + 6, b"\x33"), UNDECODABLE
    progressive = jpeg(progressive=True)
    last = progressive.rindex(b"\xff\xda")
    yield "scan bomb", progressive[:-2] + progressive[last:-2] * 5000 + b"\xff\xd9", UNDECODABLE
    yield "progression that is impossible", patched(progressive, last + 10, b"\xff\xff"), UNDECODABLE
    yield "cut at 2", good[:2], UNKNOWN
    for place in (3, 10, frame + 4, scan + 3, scan + 20, len(good) // 2 + scan // 2, len(good) - 2, len(good) - 1):
        yield f"cut at {place}", good[:place], UNDECODABLE
    yield "cut, with an end marker", good[: scan + 40] + b"\xff\xd9", UNDECODABLE
    yield "start marker only", b"\xff\xd8\xff", UNDECODABLE
    yield "start and end", b"\xff\xd8\xff\xd9", UNDECODABLE
    yield "segment of length 0", good[:2] + b"\xff\xe0\0\0" + good[2:], UNDECODABLE
    yield "segment of length 1", good[:2] + b"\xff\xe0\0\1" + good[2:], UNDECODABLE
    yield "segment beyond the file", good[:2] + b"\xff\xe0\xff\xff" + good[2:], UNDECODABLE
    yield "fill octets before markers", good[:2] + b"\xff" * 1000 + good[2:], TAKEN
    yield "a million fill octets", good[:2] + b"\xff" * 1_000_000 + good[2:], TAKEN
    yield "a thousand comments", good[:2] + segment(0xFE, b"x" * 1000) * 1000 + good[2:], TAKEN
    yield "a colour profile of nonsense", good[:2] + segment(0xE2, b"ICC_PROFILE\0\1\1" + b"\xff" * 5000) + good[
        2:
    ], TAKEN
    yield "an embedded thumbnail", good[:2] + segment(0xE1, b"Exif\0\0" + jpeg(16, 16)) + good[2:], TAKEN
    yield "Adobe marker of nonsense", good[:2] + segment(0xEE, b"Adobe\0\x64\0\0\0\0\xff") + good[2:], EITHER
    yield "JFIF marker of nonsense", good[:2] + segment(0xE0, b"JFIF\0\xff\xff\xff") + good[2:], EITHER
    yield "trailing garbage", good + b"garbage" * 1000, TAKEN
    yield "two pictures in a row", good + good, TAKEN
    yield "start marker twice", b"\xff\xd8" + good, UNDECODABLE
    yield "restart interval beyond the data", good[:2] + segment(0xDD, b"\xff\xff") + good[2:], TAKEN
    yield "restart interval of three octets", good[:2] + segment(0xDD, b"\0\0\0") + good[2:], UNDECODABLE
    yield "DNL", good[:-2] + segment(0xDC, b"\0\x30") + b"\xff\xd9", EITHER


def re_segments(data, drop, put=b""):
    """The file without its segments of one kind, and `put` after the start marker."""
    out, offset = data[:2] + put, 2
    while data[offset + 1] != 0xDA:
        length = 2 + struct.unpack(">H", data[offset + 2 : offset + 4])[0]
        if data[offset + 1] != drop:
            out += data[offset : offset + length]
        offset += length
    return out + data[offset:]


def other_cases():
    yield "nothing", b"", UNKNOWN
    for name, data in (
        ("GIF", b"GIF89a\1\0\1\0\0\0\0;"),
        ("animated GIF", b"GIF89a" + b"\0" * 500),
        ("BMP", b"BM" + b"\0" * 100),
        ("WebP", b"RIFF\x1a\0\0\0WEBPVP8L" + b"\0" * 50),
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
    ):
        check(body, TAKEN, kind=kind)


def mutations():
    """Seeded damage all over good files: a clean answer each time."""
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
    """After all of it the process holds a bounded amount of memory, and answers."""
    status, _, page = post_get("/metrics")
    assert status == 200
    resident = float(re.search(rb"^process_resident_memory_bytes (\S+)", page, re.M)[1])
    limit = float(os.environ.get("TORTURE_MEMORY_MB", "1500")) * 1e6
    print(f"pictures: resident memory {resident / 1e6:.0f} MB", flush=True)
    assert resident < limit, f"{resident / 1e6:.0f} MB"


def post_get(target):
    connection = http.client.HTTPConnection(*address(), timeout=PATIENCE)
    connection.request("GET", target)
    answer = connection.getresponse()
    result = answer.status, answer.getheaders(), answer.read()
    connection.close()
    return result


def main():
    counts = Counts("pictures")
    slowest = ("", 0.0)
    for kind, cases in (("PNG", png_cases()), ("JPEG", jpeg_cases()), ("other", other_cases())):
        for name, body, statuses in cases:
            started = time.monotonic()
            counts.case(f"{kind}: {name}", check, body, statuses)
            slowest = max(slowest, (f"{kind}: {name}", time.monotonic() - started), key=lambda pair: pair[1])
    print(f"pictures: slowest {slowest[0]}, {slowest[1] * 1000:.0f} ms", flush=True)
    for function in (the_magic_beats_the_type, mutations, the_server_stays_small):
        counts.case(function.__name__.replace("_", " "), function)
    counts.finish()


if __name__ == "__main__":
    main()
