# SPDX-License-Identifier: Apache-2.0
"""Builds valid and invalid PNG and JPEG files."""

import io
import pathlib
import struct
import zlib

from PIL import Image

FIXTURES = pathlib.Path(__file__).resolve().parents[2] / "Tests/Fixtures/data/pictures"
SIGNATURE = b"\x89PNG\r\n\x1a\n"
# The statuses that an image may get.
UNDECODABLE = (422,)
TAKEN = (200,)
TOO_LARGE = (413,)
UNKNOWN = (415,)
# A file that decoders treat differently: any of these statuses is allowed.
EITHER = (200, 422)
SAMPLES = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}


def chunk(kind, data=b"", crc=None, length=None):
    crc = zlib.crc32(kind + data) if crc is None else crc
    return struct.pack(">I", len(data) if length is None else length) + kind + data + struct.pack(">I", crc)


def header(width, height, depth=8, colour=2, compression=0, filtering=0, interlace=0):
    return chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, compression, filtering, interlace))


def rows(width, height, depth=8, colour=2, filtering=0):
    """Scan lines before compression, of a gradient that is valid under every filter type."""
    length = (width * depth * SAMPLES[colour] + 7) // 8
    if colour == 3:
        line = bytes(length)
    else:
        line = bytes((index * 37) & 255 for index in range(length))
    return (bytes([filtering]) + line) * height


PALETTE = chunk(b"PLTE", bytes(range(6)))
END = chunk(b"IEND")


def png(
    width=64,
    height=48,
    depth=8,
    colour=2,
    *,
    before=b"",
    middle=b"",
    after=b"",
    raw=None,
    stream=None,
    interlace=0,
    filtering=0,
    pieces=1
):
    """A whole PNG; `raw` replaces the scan lines, `stream` the compressed data."""
    if stream is None:
        stream = zlib.compress(rows(width, height, depth, colour, filtering) if raw is None else raw)
    size = max(1, -(-len(stream) // pieces))
    parts = [stream[start : start + size] for start in range(0, len(stream), size)] or [b""]
    data = b"".join(chunk(b"IDAT", part) for part in parts)
    palette = PALETTE if colour == 3 and b"PLTE" not in before else b""
    return (
        SIGNATURE
        + header(width, height, depth, colour, interlace=interlace)
        + before
        + palette
        + middle
        + data
        + after
        + END
    )


def jpeg(width=64, height=48, mode="RGB", **options):
    image = Image.frombytes(
        "L", (width, height), bytes((x * 3 + y * 5) & 255 for y in range(height) for x in range(width))
    )
    out = io.BytesIO()
    image.convert(mode).save(out, "JPEG", **options)
    return out.getvalue()


def fixture(name):
    return (FIXTURES / name).read_bytes()


def segment(marker, data):
    return bytes([0xFF, marker]) + struct.pack(">H", len(data) + 2) + data


def frame_offset(data):
    """Where the frame header's marker is."""
    for index in range(len(data) - 1):
        if data[index] == 0xFF and data[index + 1] in (0xC0, 0xC1, 0xC2):
            return index
    raise ValueError("no frame header")


def scan_offset(data):
    return data.index(b"\xff\xda")


def patched(data, offset, replacement):
    return data[:offset] + replacement + data[offset + len(replacement) :]


def exif(orientation, order="<"):
    directory = struct.pack(order + "HHHIHHI", 1, 0x0112, 3, 1, orientation, 0, 0)
    mark = b"II" if order == "<" else b"MM"
    return segment(0xE1, b"Exif\0\0" + mark + struct.pack(order + "HI", 42, 8) + directory)
