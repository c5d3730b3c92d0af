# SPDX-License-Identifier: Apache-2.0
"""Makes the picture fixtures with Pillow 13: what each file or pattern must become, as SHA-256 of its RGB bytes.

    pip install Pillow==13.0.0 numpy==2.4.6
    python3 Tests/Fixtures/make_picture_cases.py
"""

import hashlib
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

OUT = Path(__file__).parent / "data" / "pictures"


def pattern(width, height):
    """A picture without a file: the Swift test computes the same bytes."""
    y, x, c = np.meshgrid(np.arange(height), np.arange(width), np.arange(3), indexing="ij")
    return ((x * x * 7 + y * 13 + x * y * 3 + c * 91 + (x * 2654435761 >> 7)) & 255).astype(np.uint8)


def center_crop(image, side):
    while min(*image.size) >= 2 * side:
        image = image.resize(tuple(n // 2 for n in image.size), resample=Image.BOX)
    scale = side / min(*image.size)
    image = image.resize(tuple(round(n * scale) for n in image.size), resample=Image.BICUBIC)
    array = np.array(image)
    top, left = (array.shape[0] - side) // 2, (array.shape[1] - side) // 2
    return array[top : top + side, left : left + side]


def digest(array):
    return hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest()


def crops():
    sizes = [
        (516, 1107), (1107, 516), (512, 512), (513, 771), (1024, 1537), (2049, 1025), (640, 480), (451, 300),
        (1, 1), (1, 300), (300, 1), (7, 5), (255, 257), (256, 256), (224, 224), (223, 900), (448, 449), (33, 4000),
        (449, 1798), (1500, 1000), (997, 1999),
    ]
    for width, height in sizes:
        image = Image.fromarray(pattern(width, height))
        for side in (224, 256):
            yield f"crop {width} {height} {side} {digest(center_crop(image, side))}"
        squashed = np.array(image.resize((224, 224), Image.BICUBIC))
        yield f"squash {width} {height} 224 {digest(squashed)}"


def rgb(image):
    """RGB as the service promises it: alpha on white by its formula, 16 bits by their high byte."""
    if image.mode in ("RGBA", "LA") or "transparency" in image.info:
        rgba = np.array(image.convert("RGBA")).astype(np.int64)
        alpha = rgba[..., 3:]
        t = rgba[..., :3] * alpha + 255 * (255 - alpha) + 128
        return ((t + (t >> 8)) >> 8).astype(np.uint8)
    if image.mode.startswith("I;16"):
        grey = (np.array(image) >> 8).astype(np.uint8)
        return np.repeat(grey[..., None], 3, axis=2)
    return np.array(image.convert("RGB"))


def smooth(width, height):
    """A picture that compresses well: gradients and one edge."""
    y, x = np.mgrid[0:height, 0:width]
    planes = [x * 255 // (width - 1), y * 255 // (height - 1), (x + y) * 255 // (width + height - 2)]
    array = np.stack(planes, axis=2).astype(np.uint8)
    array[height // 3 : height // 2, width // 4 : width // 2] = (250, 40, 10)
    return Image.fromarray(array)


def files():
    base = smooth(61, 43)
    save = {}
    for name, sampling in (("444", 0), ("422", 1), ("420", 2)):
        save[f"jpeg-{name}.jpg"] = (base, dict(quality=90, subsampling=sampling))
    save["jpeg-progressive.jpg"] = (base, dict(quality=85, progressive=True))
    save["jpeg-restart.jpg"] = (base, dict(quality=85, restart_marker_rows=1))
    save["jpeg-grey.jpg"] = (base.convert("L"), dict(quality=90))
    save["jpeg-cmyk.jpg"] = (base.convert("CMYK"), dict(quality=90))
    for orientation in range(1, 9):
        exif = Image.Exif()
        exif[0x0112] = orientation
        save[f"jpeg-exif{orientation}.jpg"] = (smooth(19, 11), dict(quality=95, subsampling=0, exif=exif))
    exif = Image.Exif()
    exif[0x0112] = 6
    save["png-exif6.png"] = (smooth(19, 11), dict(exif=exif))
    save["png-rgb.png"] = (base, {})
    save["png-grey.png"] = (base.convert("L"), {})
    save["png-bilevel.png"] = (base.convert("1"), {})
    save["png-palette.png"] = (base.quantize(200), {})
    save["png-palette4.png"] = (base.quantize(13), dict(bits=4))
    save["png-palette-alpha.png"] = (base.quantize(20), dict(transparency=bytes(range(0, 240, 12))))
    rgba = base.convert("RGBA")
    rgba.putalpha(Image.fromarray(np.tile(np.arange(61, dtype=np.uint8) * 4, (43, 1))))
    save["png-rgba.png"] = (rgba, {})
    save["png-grey-alpha.png"] = (rgba.convert("LA"), {})
    save["png-colour-key.png"] = (base, dict(transparency=(250, 40, 10)))
    sixteen = (np.mgrid[0:43, 0:61].sum(axis=0) * 631 % 65536).astype(np.uint16)
    save["png-grey16.png"] = (Image.fromarray(sixteen), {})
    for name, (image, options) in save.items():
        image.save(OUT / name, **options)
        stored = Image.open(OUT / name)
        stored.load()
        upright = ImageOps.exif_transpose(stored)
        array = rgb(upright)
        yield f"file {name} {array.shape[1]} {array.shape[0]} {digest(array)}"


if __name__ == "__main__":
    OUT.mkdir(parents=True, exist_ok=True)
    (OUT / "expected.txt").write_text("\n".join([*crops(), *files()]) + "\n")
