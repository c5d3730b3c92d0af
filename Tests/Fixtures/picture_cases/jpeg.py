# SPDX-License-Identifier: Apache-2.0
"""JPEG files; Pillow's results are expected."""

import io
import struct

import numpy as np
from PIL import Image, ImageOps

from picture_cases.shared import tiff, xmp

XMP_MARK = b"http://ns.adobe.com/xap/1.0/\0"


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
        "exif-big-tiff-magic": [exif(directory((0x0112, 3, 1, six), magic=b"\0+"))],
        "exif-not-tiff-xmp-6": [exif(b"XX" + tiff(3)[2:]), packet(6)],
        "exif-empty-xmp-6": [exif(b""), packet(6)],
        "exif-cut-xmp-6": [exif(tiff(3)[:6]), packet(6)],
        "exif-directory-outside-xmp-6": [exif(b"MM\0*\0\0\xff\0"), packet(6)],
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
