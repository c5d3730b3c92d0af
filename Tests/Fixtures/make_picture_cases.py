# SPDX-License-Identifier: Apache-2.0
"""Writes Tests/Fixtures/data/pictures: small images of every kind and Pillow 13's results for them.

    pip install Pillow==13.0.0 numpy==2.4.6 scipy==1.17.1
    python3 Tests/Fixtures/make_picture_cases.py

Sources of resampling cases are a formula (`pattern`, repeated in the tests), so only digests are stored.
Where Pillow differs from the documented behaviour (16-bit PNG, alpha), numpy computes the expected result.
"""

import hashlib
import io
import json
import struct
import zlib
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, __version__ as pillow_version
from scipy.ndimage import correlate1d

assert pillow_version.startswith("13."), pillow_version
DATA = Path(__file__).parent / "data"
OUT = DATA / "pictures"


def pattern(width, height):
    """Noise, black and white in 16-pixel squares: [height, width, 3]."""
    y, x, c = np.meshgrid(
        np.arange(height, dtype=np.uint32), np.arange(width, dtype=np.uint32), np.arange(3, dtype=np.uint32), indexing="ij"
    )
    noise = ((x * np.uint32(73856093)) ^ (y * np.uint32(19349663)) ^ (c * np.uint32(83492791))) * np.uint32(2654435761)
    noise = noise >> np.uint32(24)
    kind = (x // 16 + y // 16 + c) % 4
    return np.where(kind == 0, 0, np.where(kind == 1, 255, noise)).astype(np.uint8)


def center_crop(image, side):
    while min(*image.size) >= 2 * side:
        image = image.resize(tuple(x // 2 for x in image.size), resample=Image.Resampling.BOX)
    scale = side / min(*image.size)
    image = image.resize(tuple(round(x * scale) for x in image.size), resample=Image.Resampling.BICUBIC)
    pixels = np.array(image)
    top, left = (pixels.shape[0] - side) // 2, (pixels.shape[1] - side) // 2
    return pixels[top : top + side, left : left + side]


def digest(pixels):
    return hashlib.sha256(np.ascontiguousarray(pixels).tobytes()).hexdigest()


def resampling_cases():
    sizes = [
        (1, 1), (1, 300), (300, 1), (7, 5), (5, 7), (2, 2), (31, 17), (224, 224), (256, 256), (255, 257), (257, 255),
        (256, 300), (300, 256), (224, 1000), (516, 1107), (1107, 516), (511, 511), (512, 512), (513, 513), (447, 449),
        (448, 448), (449, 451), (450, 700), (640, 427), (427, 640), (640, 480), (512, 2000), (2000, 512), (1025, 1027),
        (1023, 1023), (1024, 1537), (1537, 1024), (2049, 1100), (1100, 2049), (897, 1793), (333, 900), (900, 333),
        (260, 1500), (1500, 260), (400, 401), (401, 400), (256, 257), (600, 599), (770, 1031), (1600, 1200),
    ]
    cases = []
    for width, height in sizes:
        image = Image.fromarray(pattern(width, height))
        for side in (224, 256):
            cases.append(dict(width=width, height=height, side=side, kind="crop", sha256=digest(center_crop(image, side))))
    for width, height, side in [(1, 1, 256), (7, 5, 256), (516, 1107, 256), (1107, 516, 224), (256, 700, 256),
                                (700, 256, 256), (256, 256, 256), (1500, 1000, 224), (2, 1400, 256), (1400, 2, 256)]:
        image = Image.fromarray(pattern(width, height)).resize((side, side), resample=Image.Resampling.BICUBIC)
        cases.append(dict(width=width, height=height, side=side, kind="squash", sha256=digest(np.array(image))))
    for width, height, side in [(96, 70, 16), (97, 71, 16), (37, 300, 9), (300, 37, 9), (15, 13, 1), (129, 255, 32)]:
        image = Image.fromarray(pattern(width, height))
        cases.append(dict(width=width, height=height, side=side, kind="crop", sha256=digest(center_crop(image, side))))
    return cases


# JPEG


def segments(jpeg):
    """Splits the header of a JPEG into (marker, payload) and the rest from SOS on."""
    found, offset = [], 2
    while jpeg[offset + 1] != 0xDA:
        length = struct.unpack(">H", jpeg[offset + 2 : offset + 4])[0]
        found.append((jpeg[offset + 1], jpeg[offset + 4 : offset + 2 + length]))
        offset += 2 + length
    return found, jpeg[offset:]


def joined(found, rest):
    return b"\xff\xd8" + b"".join(
        bytes([0xFF, marker]) + struct.pack(">H", len(payload) + 2) + payload for marker, payload in found
    ) + rest


def tiff(value, order="MM", kind=3, extra=()):
    """A TIFF block with the orientation tag after `extra` entries."""
    e = ">" if order == "MM" else "<"
    entries = list(extra) + [(0x0112, kind, 1, value)]
    block = order.encode() + struct.pack(e + "HIH", 42, 8, len(entries))
    for tag, type_, count, v in entries:
        block += struct.pack(e + "HHI", tag, type_, count) + struct.pack(e + "H", v) + b"\0\0"
    return block + b"\0\0\0\0"


def jpeg_of(image, **options):
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", **options)
    return buffer.getvalue()


def jpeg_cases(photo):
    odd = photo.crop((100, 60, 100 + 83, 60 + 61))
    cmyk = Image.merge("CMYK", [*odd.split(), odd.convert("L").point(lambda v: v // 3)])
    files = {
        "444.jpg": jpeg_of(odd, quality=85, subsampling=0),
        "422.jpg": jpeg_of(odd, quality=85, subsampling=1),
        "420.jpg": jpeg_of(odd, quality=85, subsampling=2),
        "progressive.jpg": jpeg_of(odd, quality=80, progressive=True),
        "progressive-444.jpg": jpeg_of(odd, quality=60, progressive=True, subsampling=0),
        "restarts.jpg": jpeg_of(odd, quality=80, restart_marker_blocks=3),
        "grey.jpg": jpeg_of(odd.convert("L"), quality=80),
        "grey-progressive.jpg": jpeg_of(odd.convert("L"), quality=80, progressive=True),
        "rgb.jpg": jpeg_of(odd, quality=80, keep_rgb=True),
        "cmyk.jpg": jpeg_of(cmyk, quality=80),
        "1x1.jpg": jpeg_of(odd.crop((0, 0, 1, 1))),
        "3x40.jpg": jpeg_of(odd.crop((0, 0, 3, 40)), quality=90),
    }
    # 4:4:0 and 4:1:1 by exchanging or raising the sampling factors, with the planes encoded for them.
    for name, factors, size in [("440.jpg", (1, 2), (40, 64)), ("411.jpg", (4, 1), (64, 24))]:
        files[name] = resampled_420(odd.crop((0, 0, *size)), factors)
    found, rest = segments(files["cmyk.jpg"])
    assert found[0][0] == 0xEE and found[0][1][11] == 0
    files["ycck.jpg"] = joined([(0xEE, found[0][1][:11] + b"\x02")] + found[1:], rest)
    files["cmyk-bare.jpg"] = joined(found[1:], rest)
    found, rest = segments(files["420.jpg"])
    for value in range(1, 9):
        order = "MM" if value % 2 else "II"
        files[f"exif-{value}.jpg"] = joined([(0xE1, b"Exif\0\0" + tiff(value, order, extra=[(0x0100, 3, 1, 7)]))] + found, rest)
    files["exif-trailing.jpg"] = files["exif-6.jpg"] + b"left over after the end"
    files |= orientation_jpegs(found, rest)
    files |= surplus_jpegs(files)
    for name, data in files.items():
        image = Image.open(io.BytesIO(data))
        stored = np.array(image.convert("RGB"))
        upright = np.array(ImageOps.exif_transpose(image).convert("RGB"))
        yield name, data, stored, upright


XMP_MARK = b"http://ns.adobe.com/xap/1.0/\0"


def xmp(value, is_element=False):
    orientation = f"<tiff:Orientation>{value}</tiff:Orientation>" if is_element else ""
    attribute = "" if is_element else f' tiff:Orientation="{value}"'
    return (
        f"<x:xmpmeta><!-- tiff:Orientation --><rdf:Description{attribute}>{orientation}</rdf:Description></x:xmpmeta>"
    ).encode()


def directory(*entries, order="MM", magic=None):
    """A TIFF block from (tag, type, count, four bytes of value)."""
    e = ">" if order == "MM" else "<"
    block = order.encode() + (magic or struct.pack(e + "H", 42)) + struct.pack(e + "IH", 8, len(entries))
    for tag, kind, count, value in entries:
        block += struct.pack(e + "HHI", tag, kind, count) + value
    return block + b"\0\0\0\0"


def orientation_jpegs(found, rest):
    """Where orientations come from, and which of several wins; Pillow's `exif_transpose` says."""
    exif = lambda block: (0xE1, b"Exif\0\0" + block)
    packet = lambda *arguments: (0xE1, XMP_MARK + xmp(*arguments))
    six, width = b"\0\6\0\0", (0x0100, 3, 1, b"\0\7\0\0")
    long = (0x010F, 2, 30, b"\0\0\xff\0")
    split = tiff(6, extra=[(0x0100, 3, 1, 7)] * 3)
    cases = {
        "xmp-6": [packet(6)],
        "xmp-element-8": [packet(8, True)],
        "xmp-twice": [packet(6), packet(3)],
        "xmp-0": [packet(0)],
        "exif-1-xmp-6": [exif(tiff(1)), packet(6)],
        "exif-9-xmp-6": [packet(6), exif(tiff(9))],
        "exif-without-xmp-6": [exif(directory(width)), packet(6)],
        "exif-split": [exif(split[:20]), exif(split[20:])],
        "exif-mark-twice": [exif(b"Exif\0\0" + tiff(6))],
        "exif-byte-xmp-3": [exif(directory((0x0112, 1, 1, b"\6\0\0\0"))), packet(3)],
        "exif-signed-byte": [exif(directory((0x0112, 6, 1, b"\6\0\0\0")))],
        "exif-long": [exif(directory((0x0112, 4, 1, b"\0\0\0\6")))],
        "exif-two-values": [exif(directory((0x0112, 3, 2, b"\0\6\0\3")))],
        "exif-no-value": [exif(directory((0x0112, 3, 0, six))), packet(3)],
        "exif-unknown-type": [exif(directory((0x0112, 99, 1, six), (0x0112, 3, 1, b"\0\3\0\0")))],
        "exif-text-xmp-3": [exif(directory((0x0112, 2, 2, b"6\0\0\0"))), packet(3)],
        "exif-tag-twice": [exif(directory((0x0112, 3, 1, six), (0x0112, 3, 1, b"\0\3\0\0")))],
        "exif-magic-swapped": [exif(directory((0x0112, 3, 1, six), magic=b"*\0"))],
        "exif-behind-bad-pointer": [exif(directory(long, (0x0112, 3, 1, six)) + b"x" * 99)],
        "exif-behind-huge-value": [exif(directory((0x010F, 2, 9999, b"\0\0\0\0"), (0x0112, 3, 1, six)))],
        "exif-values-elsewhere": [exif(directory((0x0112, 3, 3, b"\0\0\0\x1a")) + b"\0\6\0\6\0\6")],
    }
    files = {f"{name}.jpg": joined(added + found, rest) for name, added in cases.items()}
    begin = rest.index(b"\xff\xd9")
    late = joined([exif(tiff(6))], b"")[2:]
    return files | {"exif-after-scan.jpg": joined(found, rest[:begin] + late + rest[begin:])}


def surplus_jpegs(files):
    """Bytes and restart markers that no block needs, and headers of unknown versions: the pixels stay the same."""
    extra = b"\x12\x34\xff\xd3\x56\xff\x00\x78\xff\xd0"
    end = files["420.jpg"][:-2]
    surplus = {"surplus-end.jpg": end + extra + b"\xff\xd9", "surplus-restarts-end.jpg": end + b"\xff\xd0\xff\xd1\xff\xd9"}
    for name, source, markers in [
        ("surplus-scans.jpg", "progressive.jpg", (0xC4, 0xDA, 0xD9)),
        ("surplus-segments.jpg", "restarts.jpg", range(0xD0, 0xD8)),
    ]:
        data = files[source]
        offset = data.index(b"\xff\xda")
        made = data[:offset]
        while offset < len(data):
            if data[offset] == 0xFF and data[offset + 1] != 0:
                marker = data[offset + 1]
                if marker in markers and made[-2:] != b"\xff\xc4" and offset > data.index(b"\xff\xda"):
                    made += b"\x12\x34" if marker in range(0xD0, 0xD8) else extra
                length = 0 if marker in range(0xD0, 0xDA) else struct.unpack(">H", data[offset + 2 : offset + 4])[0]
                made += data[offset : offset + 2 + length]
                offset += 2 + length
            else:
                made += data[offset : offset + 1]
                offset += 1
        surplus[name] = made
    at = files["420.jpg"].index(b"JFIF\0") + 5
    surplus["jfif-9.jpg"] = files["420.jpg"][:at] + b"\x09" + files["420.jpg"][at + 1 :]
    found, rest = segments(files["420.jpg"])
    surplus["adobe-9.jpg"] = joined([(0xEE, b"Adobe\0\x64\0\0\0\0\x09")] + found[1:], rest)
    return surplus


def resampled_420(image, factors):
    """A baseline JPEG with other luma factors: one grey scan per component, joined under one frame header."""
    width, height = image.size
    y, cb, cr = image.convert("YCbCr").split()
    small = (-(-width // factors[0]), -(-height // factors[1]))
    planes = [y, cb.resize(small, Image.Resampling.BOX), cr.resize(small, Image.Resampling.BOX)]
    tables, scans = None, b""
    for index, plane in enumerate(planes):
        found, rest = segments(jpeg_of(plane, quality=80))
        tables = tables or found
        assert [s for s in found if s[0] in (0xDB, 0xC4)] == [s for s in tables if s[0] in (0xDB, 0xC4)]
        header = bytes([0xFF, 0xDA, 0, 8, 1, index + 1, 0x00, 0, 63, 0])
        scans += header + rest[2 + 8 : -2]
    frame = struct.pack(">BHHB", 8, height, width, 3)
    for index in range(3):
        frame += bytes([index + 1, factors[0] << 4 | factors[1] if index == 0 else 0x11, 0])
    found = [(0xC0, frame) if marker == 0xC0 else (marker, payload) for marker, payload in tables]
    return joined(found, scans + b"\xff\xd9")


# PNG


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


def on_white(colour, alpha):
    t = colour.astype(np.uint32) * alpha + 255 * (255 - alpha.astype(np.uint32)) + 128
    return ((t + (t >> 8)) >> 8).astype(np.uint8)


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

    def profile(value, kind="zTXt", head=b"\nexif\n      %d\n"):
        block = b"Exif\0\0" + tiff(value)
        digits = block.hex().encode()
        lines = b"\n".join(digits[start : start + 72] for start in range(0, len(digits), 72))
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
        ("profile-late", b"", profile(6)),
        ("profile-twice", profile(3), profile(6)),
        ("profile-cut", chunk(b"zTXt", b"Raw profile type exif\0\0" + cut), b""),
        ("profile-without-lines", profile(6, head=b"exif"), b""),
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


# WebP


def riff(*chunks):
    body = b"WEBP"
    for kind, payload in chunks:
        body += kind + struct.pack("<I", len(payload)) + payload + b"\0" * (len(payload) % 2)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def webp_of(image, **options):
    buffer = io.BytesIO()
    image.save(buffer, "WEBP", **options)
    return buffer.getvalue()


def image_chunks(webp):
    """The chunks of a WebP that hold its image."""
    found, offset = [], 12
    while offset < len(webp):
        kind, length = webp[offset : offset + 4], struct.unpack("<I", webp[offset + 4 : offset + 8])[0]
        if kind in (b"VP8 ", b"VP8L", b"ALPH"):
            found.append((kind, webp[offset + 8 : offset + 8 + length]))
        offset += 8 + length + length % 2
    return found


def canvas(width, height, flags):
    return b"VP8X", bytes([flags, 0, 0, 0]) + (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")


def animation(size, flags, *frames):
    """Frames are (left, top, flags, a WebP of one image)."""
    chunks = [canvas(*size, flags | 0x02), (b"ANIM", b"\xff\0\0\xff\0\0")]
    for left, top, how, webp in frames:
        width, height = Image.open(io.BytesIO(webp)).size
        numbers = (left // 2, top // 2, width - 1, height - 1, 100)
        head = b"".join(number.to_bytes(3, "little") for number in numbers) + bytes([how])
        chunks.append((b"ANMF", head + riff(*image_chunks(webp))[12:]))
    return riff(*chunks)


def webp_cases(photo):
    odd = photo.crop((100, 60, 100 + 83, 60 + 61))
    mask = Image.fromarray(pattern(83, 61)[..., 0])
    clear = odd.copy()
    clear.putalpha(mask)
    small = odd.crop((0, 0, 20, 14))
    small_clear = clear.crop((0, 0, 20, 14))
    lossy = webp_of(small, quality=60)
    stored = image_chunks(lossy)
    still = lambda flags, *chunks: riff(canvas(20, 14, flags), *stored, *chunks)
    exif, packet = lambda value: (b"EXIF", tiff(value)), lambda value: (b"XMP ", xmp(value))
    files = {
        "lossy.webp": webp_of(odd, quality=80),
        "lossy-even.webp": webp_of(odd.crop((0, 0, 64, 48)), quality=30),
        "lossy-alpha.webp": webp_of(clear, quality=80),
        "lossy-alpha-plain.webp": webp_of(small_clear, quality=80, alpha_quality=30),
        "lossless.webp": webp_of(odd, lossless=True),
        "lossless-alpha.webp": webp_of(clear, lossless=True, exact=True),
        "palette.webp": webp_of(small.quantize(7).convert("RGB"), lossless=True),
        "grey.webp": webp_of(odd.convert("L"), quality=80),
        "1x1.webp": webp_of(odd.crop((0, 0, 1, 1))),
        "3x40.webp": webp_of(odd.crop((0, 0, 3, 40)), quality=90),
        "trailing.webp": lossy + b"left over after the end",
        "alpha-without-flag.webp": riff(canvas(20, 14, 0), *image_chunks(webp_of(small_clear, quality=80))),
        "lossless-alpha-without-flag.webp": riff(
            canvas(20, 14, 0), *image_chunks(webp_of(small_clear, lossless=True))
        ),
        "unknown-chunks.webp": riff(canvas(20, 14, 0x20), (b"ICCP", b"odd"), (b"what", b"odd"), *stored, (b"ever", b"")),
        "exif-6.webp": still(0x08, exif(6)),
        "exif-prefix.webp": still(0x08, (b"EXIF", b"Exif\0\0" + tiff(5, "II"))),
        "exif-twice.webp": still(0x08, exif(3), exif(6)),
        "exif-without-flag.webp": still(0, exif(6)),
        "xmp-8.webp": still(0x04, packet(8)),
        "exif-1-xmp-6.webp": still(0x0C, exif(1), packet(6)),
        "animation.webp": animation((83, 61), 0x10, (0, 0, 0, webp_of(clear, quality=70)), (8, 8, 2, lossy)),
        "animation-offset.webp": animation((40, 30), 0x10, (6, 8, 0, webp_of(small_clear, lossless=True)), (0, 0, 2, lossy)),
        "animation-offset-lossy.webp": animation((40, 30), 0x10, (20, 16, 2, webp_of(small_clear, quality=70))),
        "animation-opaque.webp": animation((40, 30), 0, (6, 8, 0, lossy)),
        "animation-alpha-without-flag.webp": animation((40, 30), 0, (6, 8, 0, webp_of(small_clear, quality=70))),
        "animation-exif.webp": animation((40, 30), 0x18, (6, 8, 0, lossy)),
    }
    turned = files["animation-exif.webp"][8:] + b"EXIF" + struct.pack("<I", len(tiff(6))) + tiff(6)
    files["animation-exif.webp"] = b"RIFF" + struct.pack("<I", len(turned)) + turned
    for name, data in files.items():
        results = []
        for image in (Image.open(io.BytesIO(data)), ImageOps.exif_transpose(Image.open(io.BytesIO(data)))):
            pixels = np.array(image)
            results.append(on_white(pixels[..., :3], pixels[..., 3:]) if image.mode == "RGBA" else pixels)
        yield name, data, *results


# PSNR and SSIM


def quality(a, b):
    """torchmetrics' definition in double precision."""
    a, b = a.astype(np.float64) / 255, b.astype(np.float64) / 255
    error = ((a - b) ** 2).mean()
    distance = np.arange(-5.0, 6.0)
    kernel = np.exp(-((distance / 1.5) ** 2) / 2)
    kernel /= kernel.sum()
    blur = lambda v: correlate1d(correlate1d(v, kernel, 0), kernel, 1)[5:-5, 5:-5]
    mu_a, mu_b = blur(a), blur(b)
    var_a, var_b, cov = blur(a * a) - mu_a**2, blur(b * b) - mu_b**2, blur(a * b) - mu_a * mu_b
    c1, c2 = 0.01**2, 0.03**2
    index = (2 * mu_a * mu_b + c1) * (2 * cov + c2) / ((mu_a**2 + mu_b**2 + c1) * (var_a + var_b + c2))
    return dict(psnr=float(10 * np.log10(1 / error)) if error else None, ssim=float(index.mean()))


def quality_cases(photo):
    cases = []
    crop = center_crop(photo, 256)
    for name, other in {
        "same": crop,
        "quality 20": np.array(Image.open(io.BytesIO(jpeg_of(Image.fromarray(crop), quality=20, subsampling=0)))),
        "inverted": 255 - crop,
        "darker": crop // 2,
    }.items():
        cases.append(dict(name=name, **quality(crop, other)))
    small = pattern(11, 13)
    cases.append(dict(name="smallest", **quality(small, small[::-1])))
    return cases


def main():
    OUT.mkdir(parents=True, exist_ok=True)
    photo = Image.open(DATA / "golden/clip/china.jpg")
    pictures = []
    for name, data, stored, upright in [*jpeg_cases(photo), *png_cases(), *webp_cases(photo)]:
        (OUT / name).write_bytes(data)
        pictures.append(dict(
            name=name, storedWidth=stored.shape[1], storedHeight=stored.shape[0], width=upright.shape[1],
            height=upright.shape[0], stored=digest(stored), upright=digest(upright),
        ))
    golden = []
    for name in ["golden/clip/china.jpg", "golden/siglip2/rocket.jpg", "golden/dinov2/chelsea.png"]:
        pixels = np.array(Image.open(DATA / name).convert("RGB"))
        golden.append(dict(name=name, width=pixels.shape[1], height=pixels.shape[0], upright=digest(pixels)))
    Image.open(io.BytesIO(jpeg_of(Image.fromarray(center_crop(photo, 256)), quality=20, subsampling=0)))
    (OUT / "quality20.jpg").write_bytes(jpeg_of(Image.fromarray(center_crop(photo, 256)), quality=20, subsampling=0))
    (OUT / "text-bomb.zlib").write_bytes(zlib.compress(b"\nexif\n      34\n" + b"00" * (1 << 20), 9))
    cases = dict(pictures=pictures, golden=golden, resampling=resampling_cases(), quality=quality_cases(photo))
    (OUT / "cases.json").write_text(json.dumps(cases, indent=1) + "\n")


if __name__ == "__main__":
    main()
