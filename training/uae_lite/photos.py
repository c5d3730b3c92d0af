# SPDX-License-Identifier: Apache-2.0
"""From packages to three sets of photographs: training, validation, test; all crops of a photograph are in one set."""

import hashlib
import io
import json
import pathlib

import numpy as np
from PIL import Image

from uae_lite import sources

SIDE = 224
# The images in these are drawings.
DRAWN = ("/lang/", "/babyshapes/", "/clickgame/", "/hangman/", "/digital_electricity/", "/solar_system/", "/gravity/")
VALIDATION_SHARE = 0.2


def prepare(cache: pathlib.Path) -> None:
    """Downloads, filters, splits; writes `photos/` and `photos.json` with the author and licence of each."""
    sources.download(cache / "packages")
    folder = cache / "photos"
    folder.mkdir(parents=True, exist_ok=True)
    entries, seen = [], []
    for source in sources.pictures(cache / "packages"):
        picture = photograph(source)
        if picture is None:
            continue
        print_ = fingerprint(picture)
        if any(np.abs(print_ - other).mean() < 6 for other in seen):
            continue
        seen.append(print_)
        digest = hashlib.sha256(source.octets).hexdigest()[:16]
        save(np.asarray(picture), folder / f"{digest}.webp")
        split = "validation" if int(digest[:8], 16) / 2**32 < VALIDATION_SHARE else "training"
        entries.append(
            {
                "file": f"{digest}.webp",
                "split": split,
                "package": source.package,
                "path": source.path,
                "copyright": source.copyright,
                "licence": source.licence,
            }
        )
    (cache / "photos.json").write_text(json.dumps(entries, indent=1))
    print({split: sum(entry["split"] == split for entry in entries) for split in ("training", "validation")})


def photograph(source: sources.Source) -> Image.Image | None:
    """The image in RGB, at most 1024 pixels on its longer side, or None if it is small, cut out or drawn."""
    if any(part in f"/{source.path}" for part in DRAWN):
        return None
    picture = Image.open(io.BytesIO(source.octets))
    if min(picture.size) < SIDE:
        return None
    if "A" in picture.getbands() and np.asarray(picture.getchannel("A")).min() < 255:
        return None
    picture = picture.convert("RGB")
    picture.thumbnail((1024, 1024), Image.Resampling.LANCZOS)
    if min(picture.size) < SIDE or is_flat(picture):
        return None
    return picture


def is_flat(picture: Image.Image) -> bool:
    """Whether most of the image has no texture, as in drawings; tested on a reduced image, which has less noise."""
    small = np.asarray(picture.resize((128, 128), Image.Resampling.BOX).convert("L"), dtype=np.float32)
    steps = np.abs(np.diff(small, axis=0))[:, :-1] + np.abs(np.diff(small, axis=1))[:-1]
    return float((steps < 1).mean()) > 0.85


def fingerprint(picture: Image.Image) -> np.ndarray:
    """A tiny copy, for finding duplicates of a photograph."""
    return np.asarray(picture.resize((16, 16), Image.Resampling.BOX), dtype=np.float32)


def load(cache: pathlib.Path, split: str) -> list[np.ndarray]:
    """The photographs of a split as `[h, w, 3]` u8 arrays, in a fixed order."""
    entries = json.loads((cache / "photos.json").read_text())
    return [
        np.asarray(Image.open(cache / "photos" / entry["file"]).convert("RGB"))
        for entry in entries
        if entry["split"] == split
    ]


def center_crop(photo: np.ndarray, side: int = SIDE) -> np.ndarray:
    """Preprocesses a photograph as the service does: halve, scale, crop."""
    picture = Image.fromarray(photo)
    while min(picture.size) >= 2 * side:
        picture = picture.resize((picture.width // 2, picture.height // 2), Image.Resampling.BOX)
    scale = side / min(picture.size)
    picture = picture.resize((round(picture.width * scale), round(picture.height * scale)), Image.Resampling.BICUBIC)
    array = np.asarray(picture)
    top, left = (array.shape[0] - side) // 2, (array.shape[1] - side) // 2
    return array[top : top + side, left : left + side]


def random_crop(photo: np.ndarray, random: np.random.Generator, side: int = SIDE) -> np.ndarray:
    """A square of random size and position, scaled to `side`; mirrored half of the time."""
    shorter = min(photo.shape[:2])
    size = int(round(np.exp(random.uniform(np.log(side * 0.75), np.log(shorter)))))
    size = min(max(size, side // 2), shorter)
    top = random.integers(0, photo.shape[0] - size + 1)
    left = random.integers(0, photo.shape[1] - size + 1)
    crop = Image.fromarray(photo[top : top + size, left : left + size])
    filter_ = Image.Resampling.BOX if size >= 2 * side else Image.Resampling.BICUBIC
    if size != side:
        crop = crop.resize((side, side), Image.Resampling.LANCZOS if filter_ is Image.Resampling.BOX else filter_)
    array = np.asarray(crop)
    return np.ascontiguousarray(array[:, ::-1]) if random.random() < 0.5 else array


def save(photo: np.ndarray, path: pathlib.Path) -> None:
    Image.fromarray(photo).save(path, lossless=True, quality=0)


def cloud(random: np.random.Generator, size: tuple[int, int]) -> np.ndarray:
    """A generated image with the spectrum of a photograph, for checks that need no real photograph."""
    frequencies = np.hypot(np.fft.fftfreq(size[0])[:, None], np.fft.fftfreq(size[1])[None])
    noise = np.fft.fft2(random.standard_normal((3, *size))) / (frequencies + 0.01)
    values = np.real(np.fft.ifft2(noise)).transpose(1, 2, 0)
    return (127 + 50 * values / values.std()).clip(0, 255).astype(np.uint8)


def test_photos() -> dict[str, np.ndarray]:
    """scikit-image's and scikit-learn's photographs: used neither for training nor for selection."""
    import skimage.data
    import sklearn.datasets

    names = (
        "astronaut brick camera chelsea coffee coins grass gravel hubble_deep_field immunohistochemistry moon retina rocket"
    )
    photos = {name: np.asarray(getattr(skimage.data, name)()) for name in names.split()}
    photos["motorcycle"] = np.asarray(skimage.data.stereo_motorcycle()[0])
    for name in ("china", "flower"):
        photos[name] = sklearn.datasets.load_sample_image(f"{name}.jpg")
    # Grey images become RGB, as in the service.
    return {
        name: photo[..., :3] if photo.ndim == 3 else np.repeat(photo[..., None], 3, axis=2)
        for name, photo in photos.items()
    }
