# SPDX-License-Identifier: Apache-2.0
"""Compares our engine with its peers on the same networks, in turn; see README.md."""

import argparse
import json
import shutil
import statistics
import subprocess
import sys
import time

import numpy
from PIL import Image

from harness import HERE, OUT, ROOT, Contender, Neighbours, conditions, summary, write

PEERS = ("onnxruntime", "openvino", "torch")
OURS, HALF, ALONE = "uae-serve", "uae-serve fp16", "uae-serve, one thread"
# The same engine with its linear layers multiplied by OpenBLAS.
BLAS = "uae-serve, OpenBLAS"
ENGINE = (OURS, HALF, ALONE, BLAS)
# Idle threads spin for a while; they must not disturb the next contender.
PAUSE = 0.1
PRODUCT = (257, 4096, 1152)
PHOTO = ROOT / "Tests/Fixtures/data/golden/dinov2/chelsea.png"


def engine_binary():
    return ROOT / ".build/release/engine-bench"


def contenders(names, threads):
    found = {}
    for name in names:
        if name in ENGINE:
            found[name] = Contender(name, [engine_binary()])
        else:
            found[name] = Contender(name, [sys.executable, "-m", "peers.worker", name], OMP_NUM_THREADS=str(threads))
    return found


def published_model():
    folder = OUT / "models/dinov2-base"
    folder.parent.mkdir(parents=True, exist_ok=True)
    if not (folder / "model.safetensors").exists():
        shutil.rmtree(folder, ignore_errors=True)
        subprocess.run([ROOT / ".build/release/model-init", "--family", "dinov2-base", folder], check=True)
    return folder


def exported(folder, target, operations):
    """ONNX files of a model folder, exported again only if its weights or the exporting code change."""
    stamp = target / "stamp"
    sources = [folder / "model.safetensors", folder / "config.json", *sorted((HERE / "peers").glob("*.py"))]
    state = " ".join(str(source.stat().st_mtime_ns) for source in sources) + " ".join(operations)
    if not stamp.exists() or stamp.read_text() != state:
        shutil.rmtree(target, ignore_errors=True)
        subprocess.run([sys.executable, "-m", "peers.export", folder, target, *operations], cwd=HERE, check=True)
        stamp.write_text(state)
    return target


def photo(side, path):
    """The centre of a photo, as bytes."""
    picture = Image.open(PHOTO).convert("RGB")
    least = min(picture.size)
    left, top = (picture.width - least) // 2, (picture.height - least) // 2
    picture = picture.resize((side, side), Image.Resampling.BICUBIC, (left, top, left + least, top + least))
    path.write_bytes(picture.tobytes())


def compare(running, operations):
    """Compares every contender's results with ours; half-precision weights may differ a little more.

    A peer that computes something else is named and not timed: its figures would mean nothing.
    """
    differences, excluded = {}, set()
    for operation in operations:
        results = {}
        for name, contender in running.items():
            path = OUT / "result.f32"
            contender.ask("save", operation, path)
            results[name] = numpy.fromfile(path, numpy.float32)
        reference = results[OURS]
        for name, result in results.items():
            if name == OURS:
                continue
            off = float(numpy.abs(result - reference).max() / max(1, numpy.abs(reference).max()))
            # All decoders get the same latent, but pixels have a larger range than latents.
            limit = 1e-3 if name != HALF else 4e-3
            print(f"  {operation}: {name} is {off:.1e} from {OURS} (limit {limit:.0e})")
            assert off <= limit or name in PEERS, f"{name} does not compute the same as {OURS}"
            differences[f"{operation} {name}"] = off
            if off > limit:
                print(f"  {operation}: {name} does not compute the same and is not timed")
                excluded.add((operation, name))
    return differences, excluded


def limits(contender, threads, rounds):
    measured = {"one": [], "all": [], "openblas": []}
    for _ in range(rounds):
        measured["one"].append(float(contender.ask("limit", 1)))
        measured["all"].append(float(contender.ask("limit", threads)))
        measured["openblas"].append(float(contender.ask("openblas", *PRODUCT)))
    return measured


def time_cell(running, operation, batch, rounds, least_seconds, threads):
    """Rounds in which every contender has a turn, including the limit."""
    counts, seconds, limit = {}, {name: [] for name in running}, []
    processor = {name: [] for name in running}
    for name, contender in running.items():
        once = contender.run(operation, batch)[0]
        counts[name] = max(1, min(500, round(least_seconds / once)))
    order = list(running)
    own = lambda: sum(contender.processor_seconds() for contender in running.values())
    neighbours = Neighbours(own)
    for turn in range(rounds):
        # The first of a round is the last of the next.
        for name in order[turn % len(order) :] + order[: turn % len(order)]:
            time.sleep(PAUSE)
            before = running[name].processor_seconds()
            seconds[name].append(statistics.median(running[name].run(operation, batch, counts[name])) / batch)
            used = running[name].processor_seconds() - before
            processor[name].append(used / counts[name] / batch)
        time.sleep(PAUSE)
        limit.append(float(running[OURS].ask("limit", threads)))
    return seconds, processor, limit, neighbours.cores()


def measure(label, folder, operations, batches, names, rounds, least_seconds, threads):
    print(f"\n{label}: loading")
    onnx = exported(folder, OUT / f"onnx/{folder.name}", operations)
    running = contenders(names, threads)
    memory = {}
    for name, contender in running.items():
        if name in ENGINE:
            storage, own_threads = ("float16" if name == HALF else "float32"), (1 if name == ALONE else threads)
            products = "openblas" if name == BLAS else "packed"
            answer = contender.ask("load", folder, storage, own_threads, products).split()
            memory[name] = {"load_seconds": float(answer[0]), "warm_seconds": float(answer[1])}
        else:
            contender.ask("load", folder if name == "torch" else onnx, threads)
            memory[name] = {}
    config = json.loads((folder / "config.json").read_text())
    photo(config["image_side"], OUT / "pixels.u8")
    for name, contender in running.items():
        peer = name in PEERS
        contender.ask("input", "pixels", OUT / "pixels.u8", *([config["image_side"]] if peer else []))
    running[OURS].ask("save", "encode", OUT / "latent.f32")
    for name, contender in running.items():
        contender.ask("input", "latent", OUT / "latent.f32", *([config["grid_side"]] if name in PEERS else []))
    differences, excluded = compare(running, operations)
    counter = running.get("torch") or contenders(["torch"], threads)["torch"]
    if "torch" not in running:
        counter.ask("load", folder, threads)
    trial = products_trial(folder, threads)
    cells = []
    for operation in operations:
        operations_count = float(counter.ask("flops", operation))
        for batch in batches:
            # One thread is compared on one image only; a batch would only take longer.
            equal = {
                name: it
                for name, it in running.items()
                if (operation, name) not in excluded and (name != ALONE or batch == 1)
            }
            times = time_cell(equal, operation, batch, rounds, least_seconds, threads)
            cell = cell_of(label, operation, batch, operations_count, *times)
            print_cell(cell)
            cells.append(cell)
    for contender in {*running.values(), counter}:
        contender.end()
    ratios = {f"{cell['operation']}, batch {cell['batch']}": cell["rows"][BLAS]["ours_is_faster_by"] for cell in cells}
    print(f"\n{label}: time with OpenBLAS / time with packed: " + ", ".join(f"{k} {v:.2f}" for k, v in ratios.items()))
    return {"label": label, "matrix_products": {"auto": trial, "openblas_over_packed": ratios}, "differences": differences, "loading": memory, "cells": cells}


def products_trial(folder, threads):
    """What `auto` chooses for a model, and how many times as fast as the other it found it."""
    contender = Contender("auto", [engine_binary()])
    _, _, _, product, *ratio = contender.ask("load", folder, "float32", threads, "auto").split()
    contender.end()
    found = {"product": product, "ratio": float(ratio[0]) if ratio else None}
    print(f"  auto chooses {product}" + (f", {found['ratio']:.2f} x as fast in its trial" if ratio else ""))
    return found


def cell_of(label, operation, batch, operations_count, seconds, processor, limit, busy):
    attainable = statistics.median(limit)
    ours = statistics.median(seconds[OURS])
    rows = {}
    for name, values in seconds.items():
        row = summary(values)
        row["gflops"] = operations_count / row["median"] / 1e9
        row["share"] = row["gflops"] / attainable
        row["processor_seconds"] = statistics.median(processor[name])
        row["ours_is_faster_by"] = row["median"] / ours
        rows[name] = row
    return {
        "model": label,
        "operation": operation,
        "batch": batch,
        "gflop": operations_count / 1e9,
        "limit": summary(limit),
        "neighbour_cores": busy,
        "rows": rows,
    }


def print_cell(cell):
    print(
        f"\n{cell['model']}, {cell['operation']}, batch {cell['batch']}: {cell['gflop']:.2f} GFLOP per image,"
        f" limit {cell['limit']['median']:.0f} GFLOP/s (spread {cell['limit']['spread']:.0%}),"
        f" other load {cell['neighbour_cores']:.2f} cores"
    )
    print(f"  {'':16} {'ms per image':>12} {'spread':>7} {'GFLOP/s':>8} {'of limit':>8} {'ours is x faster':>16} {'cpu ms':>8}")
    for name, row in cell["rows"].items():
        print(
            f"  {name:16} {row['median'] * 1e3:12.2f} {row['spread']:7.0%} {row['gflops']:8.1f}"
            f" {row['share']:8.0%} {row['ours_is_faster_by']:16.2f} {row['processor_seconds'] * 1e3:8.1f}"
        )


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="batch 1 and one round, to check that it runs")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--batches", default="1,8", help="of the published size")
    parser.add_argument("--models", default="default,published")
    options = parser.parse_args()
    OUT.mkdir(exist_ok=True)
    rounds = 1 if options.quick else options.rounds

    machine = Contender("limits", [engine_binary()])
    description = machine.ask("describe")
    measured = limits(machine, options.threads, 1 if options.quick else 5)
    machine.end()
    median = {name: statistics.median(values) for name, values in measured.items()}
    print(f"kernels {description}")
    print(f"multiply-add limit: {median['one']:.1f} GFLOP/s on one thread, {median['all']:.1f} on {options.threads}")
    print(
        f"OpenBLAS, one thread, {' x '.join(map(str, PRODUCT))}: {median['openblas']:.1f} GFLOP/s"
        f" ({median['openblas'] / median['one']:.0%})"
    )
    result = {
        "conditions": conditions(("torch", "onnxruntime", "openvino", "numpy")),
        "quick": options.quick,
        "threads": options.threads,
        "rounds": rounds,
        "kernels": description,
        "limits": measured,
        "models": [],
    }
    if "default" in options.models:
        result["models"].append(
            measure(
                "default model",
                ROOT / "models/default",
                ["encode", "decode", "classify"],
                [1],
                [OURS, ALONE, BLAS, *PEERS],
                rounds,
                0.05 if options.quick else 0.5,
                options.threads,
            )
        )
    if "published" in options.models:
        result["models"].append(
            measure(
                "DINOv2-B + ViT-XL",
                published_model(),
                ["encode", "decode"],
                [1] if options.quick else [int(batch) for batch in options.batches.split(",")],
                [OURS, ALONE, BLAS, HALF, *PEERS],
                rounds,
                0,
                options.threads,
            )
        )
    write("engine" if options.threads == 2 else f"engine-{options.threads}", result)


if __name__ == "__main__":
    main()
