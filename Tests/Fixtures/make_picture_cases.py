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
import zlib
from pathlib import Path

import numpy as np
from PIL import Image, __version__ as pillow_version
from scipy.ndimage import correlate1d

from picture_cases.jpeg import jpeg_cases, jpeg_of
from picture_cases.png import png_cases
from picture_cases.shared import pattern
from picture_cases.webp import webp_cases

assert pillow_version.startswith("13."), pillow_version
DATA = Path(__file__).parent / "data"
OUT = DATA / "pictures"


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
