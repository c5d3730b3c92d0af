# SPDX-License-Identifier: Apache-2.0
"""WebP files and the status that each must get."""

import io
import struct

from PIL import Image

from picture_files import EITHER, TAKEN, TOO_LARGE, UNDECODABLE, UNKNOWN, fixture, patched


def webp(width=64, height=48, mode="RGB", **options):
    image = Image.frombytes(
        "L", (width, height), bytes((x * 3 + y * 5) & 255 for y in range(height) for x in range(width))
    )
    out = io.BytesIO()
    image.convert(mode).save(out, "WEBP", **options)
    return out.getvalue()


def chunk(kind, data=b"", length=None):
    return kind + struct.pack("<I", len(data) if length is None else length) + data + b"\0" * (len(data) & 1)


def riff(*chunks, size=None):
    body = b"WEBP" + b"".join(chunks)
    return b"RIFF" + struct.pack("<I", len(body) if size is None else size) + body


def canvas(width=64, height=48, flags=0):
    return chunk(b"VP8X", bytes([flags, 0, 0, 0]) + three(width - 1) + three(height - 1))


def three(value):
    return value.to_bytes(3, "little")


def frame(data, left=0, top=0, width=64, height=48):
    return chunk(b"ANMF", three(left // 2) + three(top // 2) + three(width - 1) + three(height - 1) + b"\0\0\0\0" + data)


class Bits:
    """VP8L's bit stream: least significant bit first."""

    def __init__(self):
        self.value, self.count = 0, 0
        self.bytes = bytearray()

    def put(self, value, count):
        self.value |= value << self.count
        self.count += count
        while self.count >= 8:
            self.bytes.append(self.value & 255)
            self.value >>= 8
            self.count -= 8

    def done(self):
        return bytes(self.bytes) + bytes([self.value])


def lossless_header(width, height):
    bits = Bits()
    bits.put(0x2F, 8)
    bits.put(width - 1, 14)
    bits.put(height - 1, 14)
    bits.put(0, 4)  # no alpha, version 0
    return bits


def many_prefix_codes(side=1024):
    """A lossless image with as many groups of prefix codes as there can be, each in 20 bits: 65,536 at side 1024."""
    bits = lossless_header(side, side)
    bits.put(0, 1)  # no transform
    bits.put(0, 1)  # no colour cache
    bits.put(1, 1)  # several groups
    bits.put(0, 3)  # a group for 4 x 4 pixels
    bits.put(0, 1)  # the groups' image: no colour cache
    for _ in range(2):  # green and red: 256 symbols of 8 bits
        bits.put(0, 1)
        bits.put(8, 4)  # 12 lengths of the code of lengths
        for position in range(12):
            bits.put(1 if position == 11 else 0, 3)
        bits.put(1, 1)
        bits.put(3, 3)
        bits.put(254, 8)
    for _ in range(3):  # blue, alpha, distance: symbol 0 alone
        bits.put(0b0001, 4)
    for group in range((side // 4) ** 2):
        for byte in (group & 255, group >> 8):
            bits.put(int(f"{byte:08b}"[::-1], 2), 8)
    for _ in range((side // 4) ** 2 * 5):
        bits.put(0b0001, 4)
    return riff(chunk(b"VP8L", bits.done()))


def webp_cases():
    lossy, lossless = webp(quality=80), webp(lossless=True)
    image, exact = lossy[12:], lossless[12:]
    for name in (
        "lossy.webp",
        "lossy-alpha.webp",
        "lossless.webp",
        "lossless-alpha.webp",
        "animation.webp",
        "animation-offset.webp",
        "animation-opaque.webp",
        "exif-6.webp",
        "xmp-8.webp",
    ):
        yield name, fixture(name), TAKEN
    for width, height in ((1, 1), (1, 48), (64, 1), (1, 16383), (16383, 1), (255, 257)):
        yield f"{width} x {height}", webp(width, height), TAKEN
        yield f"{width} x {height}, lossless", webp(width, height, lossless=True), TAKEN
    for width, height in ((16383, 16383), (8001, 8000)):
        size = struct.pack("<HH", width, height)
        yield f"{width} x {height} promised", patched(lossy, 26, size), TOO_LARGE
        header = lossless_header(width, height).done()
        yield f"{width} x {height} promised, lossless", riff(chunk(b"VP8L", header + bytes(99))), TOO_LARGE
    for width, height in ((16384, 16384), (2**24, 2**24), (2**24, 1), (1, 16385)):
        yield f"canvas of {width} x {height}", riff(canvas(width, height), image), TOO_LARGE
    yield "8000 x 8000 of nothing", patched(lossy, 26, struct.pack("<HH", 8000, 8000)), UNDECODABLE
    yield "8000 x 8000 of nothing, lossless", riff(
        chunk(b"VP8L", lossless_header(8000, 8000).done() + bytes(99))
    ), UNDECODABLE
    yield "8000 x 8000 with a small frame", riff(
        canvas(8000, 8000, 0x12), chunk(b"ANIM", bytes(6)), frame(image, 4000, 4000)
    ), TAKEN
    yield "no pixels", patched(lossy, 26, bytes(4)), UNDECODABLE
    yield "65,536 groups of prefix codes", many_prefix_codes(), TAKEN
    for place in (12, 16, 20, 30, len(lossy) // 2, len(lossy) - 1):
        yield f"cut at {place}", lossy[:place], UNDECODABLE
        yield f"cut at {place}, with a true RIFF size", riff(lossy[12:place]), UNDECODABLE
    for place in (12, 16, 20, 24, len(lossless) // 2, len(lossless) - 1):
        yield f"cut at {place}, lossless", lossless[:place], UNDECODABLE
    yield "cut within the mark", lossy[:11], UNKNOWN
    for size in (0, 4, 7, 11, len(lossy), 2**31, 2**32 - 1):
        yield f"RIFF size {size}", riff(image, size=size), UNDECODABLE
    yield "trailing garbage", lossy + b"garbage" * 1000, TAKEN
    yield "two images in a row", lossy + lossless, TAKEN
    yield "a chunk of 2 GiB", riff(canvas(flags=8), chunk(b"EXIF", b"x", 2**31), image), UNDECODABLE
    yield "a chunk of 4 GiB", riff(canvas(flags=8), chunk(b"EXIF", b"x", 2**32 - 1), image), UNDECODABLE
    yield "image chunk longer than the file", riff(chunk(b"VP8 ", lossy[20:], 2**20)), UNDECODABLE
    yield "empty image chunk", riff(chunk(b"VP8 ")), UNDECODABLE
    yield "unknown first chunk", riff(chunk(b"what", b"xx"), image), UNDECODABLE
    yield "no image", riff(canvas()), UNDECODABLE
    yield "canvas of four bytes", riff(chunk(b"VP8X", bytes(4)), image), UNDECODABLE
    yield "canvas twice", riff(canvas(), canvas(), image), EITHER
    yield "another canvas than its image", riff(canvas(65, 48), image), UNDECODABLE
    yield "a million empty chunks", riff(canvas(), chunk(b"none") * 1_000_000, image), TAKEN
    yield "ten thousand frames", riff(
        canvas(flags=2), chunk(b"ANIM", bytes(6)), frame(image) * 10_000
    ), TAKEN
    yield "animation without a frame", riff(canvas(flags=2), chunk(b"ANIM", bytes(6))), UNDECODABLE
    yield "animation with an empty frame", riff(canvas(flags=2), chunk(b"ANIM", bytes(6)), frame(b"")), UNDECODABLE
    yield "frame outside of the canvas", riff(canvas(flags=2), frame(image, 2, 0)), UNDECODABLE
    yield "frame far outside of the canvas", riff(canvas(flags=2), frame(image, 2**24, 2**24)), UNDECODABLE
    yield "alpha of nonsense", riff(canvas(flags=0x10), chunk(b"ALPH", b"\1" * 9), image), UNDECODABLE
    yield "alpha without an image", riff(canvas(flags=0x10), chunk(b"ALPH", b"\1" * 9)), UNDECODABLE
    yield "alpha before lossless", riff(canvas(flags=0x10), chunk(b"ALPH", b"\1" * 9), exact), TAKEN
    yield "EXIF of nonsense", riff(canvas(flags=8), image, chunk(b"EXIF", b"II*\0\xff\xff\xff\xff")), TAKEN
    yield "XMP of nonsense", riff(canvas(flags=4), image, chunk(b"XMP ", b"tiff:Orientation" * 100_000)), TAKEN
    yield "a colour profile of nonsense", riff(canvas(flags=0x20), chunk(b"ICCP", b"\xff" * 5000), image), TAKEN
    yield "not the key frame", patched(lossy, 20, bytes([lossy[20] | 1])), UNDECODABLE
    yield "lossless of version 7", riff(chunk(b"VP8L", b"\x2f\0\0\0\xe0" + bytes(50))), UNDECODABLE
