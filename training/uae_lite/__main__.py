# SPDX-License-Identifier: Apache-2.0
"""python -m uae_lite STEP: the program behind `make train-data`, `make train` and `make train-smoke`."""

import argparse
import json
import pathlib
import time

import numpy as np
import torch

from uae_lite import embedding as meaning
from uae_lite import evaluate, expected, export, model, photos, refine, sources
from uae_lite.teacher import Teacher

SEED = 0
STEPS = 7000
# Crops per photograph: for the order of the slots, and for the axes of the embedding.
ORDER_CROPS, FEATURE_CROPS = 6, 16
ROOT = pathlib.Path(__file__).resolve().parents[2]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("step", choices=["data", "train", "evaluate", "credits", "smoke"])
    parser.add_argument("--cache", type=pathlib.Path, default=ROOT / "training/.cache")
    parser.add_argument("--model", type=pathlib.Path, default=ROOT / "models/default")
    arguments = parser.parse_args()
    torch.manual_seed(SEED)
    torch.use_deterministic_algorithms(True)
    if arguments.step == "data":
        photos.prepare(arguments.cache)
    elif arguments.step == "train":
        train(arguments.cache, arguments.model, STEPS, ROOT / "Tests/Fixtures/data/default-model")
    elif arguments.step == "credits":
        print(sources.credits(json.loads((arguments.cache / "photos.json").read_text())))
    elif arguments.step == "evaluate":
        print_figures(arguments.cache)
    else:
        smoke(arguments.cache)


def train(cache: pathlib.Path, folder: pathlib.Path, steps: int, fixtures: pathlib.Path | None = None) -> None:
    """Fits and trains the parts that the cache lacks; writes the model folder and the results that its tests expect."""
    training, validation = photos.load(cache, "training"), photos.load(cache, "validation")
    teacher = Teacher().eval()
    packing = fitted(cache / "packing.pt", model.Packing(), lambda packing: fit_packing(packing, training))
    packing.prepare()
    embedding = fitted(cache / "embedding.pt", meaning.Embedding(), lambda it: fit_embedding(it, teacher, training))
    planes = refine.standardised([photos.center_crop(photo) for photo in validation])
    network = refine.train(packing, training, planes, cache / "refinement.pt", steps=steps, seed=SEED)
    labels = (ROOT / "models/default/labels.txt").read_text().splitlines()
    export.export(folder, teacher, embedding, packing, network, labels, "v1")
    expected.write(folder if fixtures is None else fixtures, teacher, embedding, packing, network)
    print(f"wrote {folder}")


def fitted(path: pathlib.Path, module: torch.nn.Module, fit) -> torch.nn.Module:
    """The module from the cache; fitted and stored there if missing."""
    if path.exists():
        module.load_state_dict(torch.load(path, weights_only=True))
    else:
        began = time.time()
        fit(module)
        torch.save(module.state_dict(), path)
        print(f"fitted {path.stem} in {time.time() - began:.0f} s", flush=True)
    return module


def fit_packing(packing: model.Packing, training: list[np.ndarray]) -> None:
    random = np.random.default_rng(SEED)
    crops = [photos.random_crop(photo, random) for photo in training for _ in range(ORDER_CROPS)]
    crops += [photos.center_crop(photo) for photo in training]
    packing.fit([refine.batches(crops[start : start + 32]) for start in range(0, len(crops), 32)])


def fit_embedding(embedding: meaning.Embedding, teacher: Teacher, training: list[np.ndarray]) -> None:
    random = np.random.default_rng(SEED + 1)
    features = [
        meaning.pooled(teacher, refine.batches([photos.random_crop(photo, random) for photo in training]))
        for _ in range(FEATURE_CROPS)
    ]
    embedding.fit(torch.cat(features), teacher.fc.weight, teacher.fc.bias)


def print_figures(cache: pathlib.Path) -> None:
    """The model card's table, for the validation and the test photographs."""
    packing, embedding, network = model.Packing(), meaning.Embedding(), model.Refinement()
    packing.load_state_dict(torch.load(cache / "packing.pt", weights_only=True))
    packing.prepare()
    embedding.load_state_dict(torch.load(cache / "embedding.pt", weights_only=True))
    network.load_state_dict(torch.load(cache / "refinement.pt", weights_only=True)["averaged"])
    sets = {
        "validation": photos.load(cache, "validation"),
        "test": list(photos.test_photos().values()),
    }
    for name, whole in sets.items():
        crops = [photos.center_crop(photo) for photo in whole]
        rows = evaluate.figures(crops, Teacher().eval(), embedding, packing, network.eval())
        decibels, size = evaluate.jpeg_at(crops, 2 * model.CHANNELS * model.COEFFICIENTS)
        print(f"\n{name}, {len(crops)} photographs | " + " | ".join(map(str, evaluate.KEEPS)))
        for row, values in rows.items():
            print(f"{row} | " + " | ".join(f"{value:.3f}" if value <= 1 else f"{value:.2f}" for value in values))
        print(f"JPEG of no more bytes than the latent in fp16: {decibels:.2f} dB in {size:.0f} bytes on average")


def smoke(cache: pathlib.Path) -> None:
    """Runs all steps in miniature on generated images: checks that they run, resume and repeat, not that they learn."""
    cache.mkdir(parents=True, exist_ok=True)
    (cache / "photos").mkdir(exist_ok=True)
    entries = []
    for index in range(6):
        random = np.random.default_rng(index)
        photo = photos.cloud(random, (260, 300))
        photos.save(photo, cache / "photos" / f"{index}.webp")
        entries.append({"file": f"{index}.webp", "split": "validation" if index > 3 else "training"})
    (cache / "photos.json").write_text(json.dumps(entries))
    checkpoint = cache / "refinement.pt"
    whole, parts = cache / "whole", cache / "parts"
    train(cache, whole, 4)
    checkpoint.unlink()
    training = photos.load(cache, "training")
    planes = refine.standardised([photos.center_crop(photo) for photo in photos.load(cache, "validation")])
    packing = model.Packing()
    packing.load_state_dict(torch.load(cache / "packing.pt", weights_only=True))
    packing.prepare()
    # Stopped half-way and resumed: the weights are the same to the bit.
    refine.train(packing, training, planes, checkpoint, steps=4, stop=2, seed=SEED)
    train(cache, parts, 4)
    same = (whole / "model.safetensors").read_bytes() == (parts / "model.safetensors").read_bytes()
    if not same:
        raise SystemExit("a resumed run gave different weights than an uninterrupted one")
    print("a resumed run gave the same weights as an uninterrupted one")
    print("1 passed, 0 failed")


if __name__ == "__main__":
    main()
