# SPDX-License-Identifier: Apache-2.0
"""Times a JPEG to the encoder's input against libjpeg-turbo's own decoding, in turn; see README.md."""

import argparse
import json
import statistics
import sys
import time

import numpy
from PIL import Image

from bench_engine import OURS, PAUSE, PHOTO, engine_binary
from harness import OUT, ROOT, Contender, Neighbours, conditions, summary, write

MODEL = ROOT / "models/default"
SIZES = {"512 x 341": (512, 341), "12 megapixels": (4000, 3000)}


def jpeg(size, path):
    """A photo of that size, with added grain, because enlarging smooths it."""
    picture = Image.open(PHOTO).convert("RGB").resize(size, Image.Resampling.BICUBIC)
    grain = numpy.random.default_rng(1).normal(0, 4, (size[1], size[0], 3))
    noisy = numpy.clip(numpy.asarray(picture) + grain, 0, 255).astype(numpy.uint8)
    Image.fromarray(noisy).save(path, "JPEG", quality=90)
    return path


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one round, to check that it runs")
    parser.add_argument("--rounds", type=int, default=9)
    options = parser.parse_args()
    OUT.mkdir(exist_ok=True)
    rounds = 1 if options.quick else options.rounds
    engine = Contender(OURS, [engine_binary()])
    engine.ask("load", MODEL, "float32", 2, "packed")
    turbo = Contender("turbojpeg", [sys.executable, "-m", "peers.turbojpeg"])
    result = {
        "conditions": conditions(("numpy", "pillow")) | {"libjpeg-turbo": turbo.ask("describe")},
        "quick": options.quick,
        "rounds": rounds,
        "model_side": json.loads((MODEL / "config.json").read_text())["image_side"],
        "pictures": {},
    }
    for name, size in SIZES.items():
        path = jpeg(size, OUT / f"{size[0]}.jpg")
        count = max(3, round(40 * 512 * 341 / (size[0] * size[1])))
        seconds = {"ours": [], "turbojpeg": []}
        neighbours = Neighbours(lambda: engine.processor_seconds() + turbo.processor_seconds())
        for _ in range(rounds):
            for key, contender in (("ours", engine), ("turbojpeg", turbo)):
                time.sleep(PAUSE)
                times = [float(word) * 1e3 for word in contender.ask("picture", path, count).split()]
                seconds[key].append(statistics.median(times))
        row = {key: summary(values) for key, values in seconds.items()}
        row["ratio"] = row["ours"]["median"] / row["turbojpeg"]["median"]
        row["bytes"] = path.stat().st_size
        row["neighbour_cores"] = neighbours.cores()
        result["pictures"][name] = row
        ours, alone = row["ours"]["median"], row["turbojpeg"]["median"]
        print(
            f"{name} ({row['bytes']} bytes): {ours:.2f} ms to the encoder's input, spread {row['ours']['spread']:.0%};"
            f" libjpeg-turbo alone {alone:.2f}, {row['turbojpeg']['spread']:.0%}; ratio {row['ratio']:.2f},"
            f" difference {ours - alone:.2f} ms; other load {row['neighbour_cores']:.2f} cores"
        )
    engine.end()
    turbo.end()
    write("pictures", result)


if __name__ == "__main__":
    main()
