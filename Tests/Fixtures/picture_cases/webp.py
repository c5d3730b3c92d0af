# SPDX-License-Identifier: Apache-2.0
"""WebP files; Pillow's results are expected, with alpha on white."""

import io
import struct

import numpy as np
from PIL import Image, ImageOps

from picture_cases.shared import on_white, pattern, tiff, xmp


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
