# SPDX-License-Identifier: Apache-2.0
"""PNG files; where Pillow differs from the documented behaviour (16 bits, alpha), numpy computes what is expected."""

import io
import struct
import zlib

import numpy as np
from PIL import Image, ImageOps

from picture_cases.shared import on_white, tiff, xmp


def chunk(kind, payload):
    return struct.pack(">I", len(payload)) + kind + payload + struct.pack(">I", zlib.crc32(kind + payload))


def packed_rows(samples, depth):
    """Filter type 0 and the packed samples, row by row. samples: [height, width, channels]."""
    if samples.size == 0:
        return b""
    rows = b""
    for row in samples.reshape(samples.shape[0], -1):
        if depth == 16:
            data = row.astype(">u2").tobytes()
        elif depth == 8:
            data = row.astype(np.uint8).tobytes()
        else:
            bits = ((row[:, None] >> np.arange(depth - 1, -1, -1)) & 1).astype(np.uint8)
            data = np.packbits(bits.ravel()).tobytes()
        rows += b"\0" + data
    return rows


def png_bytes(samples, colour, depth, palette=None, trns=None, interlaced=False, extra=b"", splits=1):
    height, width = samples.shape[:2]
    if interlaced:
        passes = [(0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1)]
        raw = b"".join(packed_rows(samples[y::dy, x::dx], depth) for y, x, dy, dx in passes)
    else:
        raw = packed_rows(samples, depth)
    stream = zlib.compress(raw, 9)
    step = -(-len(stream) // splits)
    data = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, interlaced))
    data += extra
    if palette is not None:
        data += chunk(b"PLTE", palette.astype(np.uint8).tobytes())
    if trns is not None:
        data += chunk(b"tRNS", trns)
    for start in range(0, len(stream), step):
        data += chunk(b"IDAT", stream[start : start + step])
    return data + chunk(b"IEND", b"")


def to8(samples, depth):
    return samples >> 8 if depth == 16 else samples * (255 // (2**depth - 1))


def png_cases():
    random = np.random.default_rng(5)
    height, width = 19, 29
    names = {0: "grey", 2: "rgb", 3: "palette", 4: "grey-alpha", 6: "rgba"}
    channels = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
    for colour, depths in {0: (1, 2, 4, 8, 16), 2: (8, 16), 3: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)}.items():
        for depth in depths:
            samples = random.integers(0, 2**depth, (height, width, channels[colour]), dtype=np.uint32)
            for transparent in (False, True) if colour in (0, 2, 3) else (False,):
                palette = trns = None
                if colour == 3:
                    palette = random.integers(0, 256, (2**depth, 3), dtype=np.uint32)
                    rgb = palette[samples[..., 0]]
                    if transparent:
                        alphas = random.integers(0, 256, max(1, 2**depth - 1), dtype=np.uint32)
                        trns = alphas.astype(np.uint8).tobytes()
                        alpha = np.append(alphas, 255)[samples[..., 0]]
                else:
                    eight = to8(samples, depth)
                    rgb = np.repeat(eight[..., :1], 3, 2) if colour in (0, 4) else eight[..., :3]
                    if transparent:
                        key = samples[3, 4]
                        # A neighbour that differs only in the low byte must stay opaque.
                        if depth == 16:
                            samples[5, 6] = key ^ 1
                            rgb = rgb.copy()
                            rgb[5, 6] = rgb[3, 4]
                        trns = struct.pack(f">{len(key)}H", *key)
                        alpha = np.where((samples == key).all(2), 0, 255)
                    elif colour in (4, 6):
                        alpha = eight[..., -1]
                expected = on_white(rgb, alpha[..., None]) if transparent or colour in (4, 6) else rgb.astype(np.uint8)
                for interlaced in (False, True):
                    name = f"{names[colour]}{depth}" + "-trns" * transparent + "-adam7" * interlaced + ".png"
                    data = png_bytes(samples, colour, depth, palette, trns, interlaced, splits=1 + depth % 3)
                    image = Image.open(io.BytesIO(data))
                    if depth <= 8 and not transparent and colour in (0, 2, 3):
                        assert (np.array(image.convert("RGB")) == expected).all(), name
                    yield name, data, expected, expected
    samples = random.integers(0, 256, (5, 9, 3), dtype=np.uint32)
    for value in (6, 7):
        data = png_bytes(samples, 2, 8, extra=chunk(b"eXIf", tiff(value)))
        upright = np.array(ImageOps.exif_transpose(Image.open(io.BytesIO(data))))
        yield f"exif-{value}.png", data, samples.astype(np.uint8), upright
    yield from orientation_pngs(samples)
    bomb = zlib.compress(bytes(5_000_000), 9)
    extra = chunk(b"iCCP", b"profile\0\0" + bomb) + chunk(b"zTXt", b"Comment\0\0" + bomb)
    extra += chunk(b"iTXt", b"Comment\0\1\0\0\0" + bomb) + chunk(b"tEXt", b"Title\0a title")
    yield "compressed-text.png", png_bytes(samples, 2, 8, extra=extra), samples.astype(np.uint8), samples.astype(np.uint8)
    surplus = zlib.compress(packed_rows(samples, 8) + bytes(3_000_000), 9)
    data = png_bytes(samples, 2, 8)
    begin, end = data.index(b"IDAT") - 4, data.index(b"IEND") - 4
    yield "surplus-data.png", data[:begin] + chunk(b"IDAT", surplus) + data[end:], *[samples.astype(np.uint8)] * 2


def orientation_pngs(samples):
    def text(keyword, content, kind="tEXt"):
        if kind == "zTXt":
            return chunk(b"zTXt", keyword + b"\0\0" + zlib.compress(content))
        if kind == "iTXt":
            return chunk(b"iTXt", keyword + b"\0\0\0en\0\0" + content)
        if kind == "iTXt compressed":
            return chunk(b"iTXt", keyword + b"\0\1\0en\0\0" + zlib.compress(content))
        return chunk(b"tEXt", keyword + b"\0" + content)

    def profile(value, kind="zTXt", head=b"\nexif\n      %d\n", width=72):
        block = b"Exif\0\0" + tiff(value)
        digits = block.hex().encode()
        lines = b"\n".join(digits[start : start + width] for start in range(0, len(digits), width))
        return text(b"Raw profile type exif", head.replace(b"%d", str(len(block)).encode()) + lines + b"\n", kind)

    packet = lambda value, kind="iTXt", **options: text(b"XML:com.adobe.xmp", xmp(value, **options), kind)
    exif = lambda value: chunk(b"eXIf", tiff(value))
    cut = zlib.compress(b"\nexif\n      34\n" + (b"Exif\0\0" + tiff(6)).hex().encode() + b"\n" * 500)[:-6]
    for name, extra, late in [
        ("exif-prefix", chunk(b"eXIf", b"Exif\0\0" + tiff(6)), b""),
        ("exif-in-text", text(b"exif", tiff(6)), b""),
        ("exif-late", b"", exif(8)),
        ("exif-twice", exif(3) + exif(6), b""),
        ("profile-compressed", profile(6), b""),
        ("profile-plain", profile(8, "tEXt"), b""),
        ("profile-international", profile(3, "iTXt"), b""),
        ("profile-not-utf-8", chunk(b"iTXt", profile(3, "iTXt")[8:-4].replace(b"en\0", b"e\xff\0")), b""),
        ("profile-late", b"", profile(6)),
        ("profile-twice", profile(3), profile(6)),
        ("profile-cut", chunk(b"zTXt", b"Raw profile type exif\0\0" + cut), b""),
        ("profile-without-lines", profile(6, head=b"exif"), b""),
        ("profile-odd-lines", profile(6, width=71), b""),
        ("xmp-6", packet(6), b""),
        ("xmp-compressed", packet(8, "iTXt compressed", is_element=True), b""),
        ("xmp-plain", packet(6, "tEXt"), b""),
        ("xmp-in-ztxt", packet(6, "zTXt"), b""),
        ("exif-1-profile-6", exif(1) + profile(6) + packet(3), b""),
        ("profile-1-xmp-6", profile(1) + packet(6), b""),
        ("other-text", text(b"Raw profile type exif2", b"\nexif\n 0\n") + text(b"Comment", xmp(6)), b""),
    ]:
        data = png_bytes(samples, 2, 8, extra=extra)
        end = data.index(b"IEND") - 4
        data = data[:end] + late + data[end:]
        upright = np.array(ImageOps.exif_transpose(Image.open(io.BytesIO(data))))
        yield f"{name}.png", data, samples.astype(np.uint8), upright
    # libpng passes a damaged chunk over; Pillow refuses the file.
    damaged = exif(6)[:-1] + b"\0" + text(b"Comment", b"damaged")[:-1] + b"\0" + profile(6)[:-1] + b"\0"
    data = png_bytes(samples, 2, 8, extra=damaged)
    yield "damaged-texts.png", data, *[samples.astype(np.uint8)] * 2
