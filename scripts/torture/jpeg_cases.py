# SPDX-License-Identifier: Apache-2.0
"""JPEG files and the status that each must get."""

import struct

import picture_files as files
from picture_files import (
    EITHER,
    TAKEN,
    TOO_LARGE,
    UNDECODABLE,
    UNKNOWN,
    fixture,
    frame_offset,
    jpeg,
    patched,
    scan_offset,
    segment,
)


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
    for name in ("surplus-end.jpg", "surplus-restarts-end.jpg", "surplus-scans.jpg", "surplus-segments.jpg"):
        yield name, fixture(name), TAKEN
    yield "a million surplus bytes", good[:-2] + b"\x12" * 1_000_000 + b"\xff\xd9", TAKEN
    yield "a hundred thousand restart markers at the end", good[:-2] + b"\xff\xd0" * 100_000 + b"\xff\xd9", TAKEN
    yield "no end marker", good[:-2], UNDECODABLE
    yield "XMP of nonsense", good[:2] + segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0" + b"t" * 60_000) + good[
        2:
    ], TAKEN
    yield "EXIF a thousand times", good[:2] + segment(0xE1, b"Exif\0\0" + bytes(60_000)) * 1000 + good[2:], TAKEN
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
    # Motion JPEG omits the standard tables.
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
    yield "fill bytes before markers", good[:2] + b"\xff" * 1000 + good[2:], TAKEN
    yield "a million fill bytes", good[:2] + b"\xff" * 1_000_000 + good[2:], TAKEN
    yield "a thousand comments", good[:2] + segment(0xFE, b"x" * 1000) * 1000 + good[2:], TAKEN
    yield "a colour profile of nonsense", good[:2] + segment(0xE2, b"ICC_PROFILE\0\1\1" + b"\xff" * 5000) + good[
        2:
    ], TAKEN
    yield "an embedded thumbnail", good[:2] + segment(0xE1, b"Exif\0\0" + jpeg(16, 16)) + good[2:], TAKEN
    yield "Adobe marker of nonsense", good[:2] + segment(0xEE, b"Adobe\0\x64\0\0\0\0\xff") + good[2:], EITHER
    yield "JFIF marker of nonsense", good[:2] + segment(0xE0, b"JFIF\0\xff\xff\xff") + good[2:], EITHER
    yield "trailing garbage", good + b"garbage" * 1000, TAKEN
    yield "two images in a row", good + good, TAKEN
    yield "start marker twice", b"\xff\xd8" + good, UNDECODABLE
    yield "restart interval beyond the data", good[:2] + segment(0xDD, b"\xff\xff") + good[2:], TAKEN
    yield "restart interval of three bytes", good[:2] + segment(0xDD, b"\0\0\0") + good[2:], UNDECODABLE
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
