#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes a model folder's weights as the authors' training saves them, to measure `uae convert` at the published size.

    make model-init FAMILY=dinov2-base DIR=random
    python3 benchmarks/make_training_state.py random tree

writes tree/downloads/checkpoints/DINOv2-B/{config.yaml, ep-last.pt}. ep-last.pt has `model`, `ema`, an AdamW state for
every tensor, a scheduler's state and counters: four times the weights. `ema` has the folder's weights; `model` has
other numbers. The encoder and the decoder have published names, so no configuration file is needed.
"""

import argparse
import pathlib

import torch
from safetensors.torch import load_file

YAML = """\
stage_1:
  target: stage1.UAE
  ckpt: downloads/checkpoints/DINOv2-B/ep-last.pt
  params:
    encoder_cls: Dinov2withNorm
    encoder_config_path: facebook/dinov2-with-registers-base
    encoder_input_size: 224
    encoder_params: {dinov2_path: facebook/dinov2-with-registers-base, normalize: true}
    decoder_config_path: configs/decoder/ViTXL
    frequency_config: {freq_transform: dct, band_split: {enabled: true, mode: low, count: 64}}
"""


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=pathlib.Path)
    parser.add_argument("tree", type=pathlib.Path)
    arguments = parser.parse_args()
    averaged = load_file(arguments.model / "model.safetensors")
    optimizer = {
        "state": {
            index: {"step": torch.tensor(1000.0), "exp_avg": value * 0.01, "exp_avg_sq": value * value * 1e-4}
            for index, value in enumerate(averaged.values())
        },
        "param_groups": [
            {"lr": 2e-4, "betas": (0.9, 0.95), "eps": 1e-8, "weight_decay": 0.0, "params": list(range(len(averaged)))}
        ],
    }
    state = {
        "step": 125_000,
        "epoch": 100,
        "model": {name: value * 1.01 for name, value in averaged.items()},
        "ema": averaged,
        "optimizer": optimizer,
        "scheduler": {"base_lrs": [2e-4], "last_epoch": 125_000, "_step_count": 125_001, "lr_lambdas": [None]},
    }
    folder = arguments.tree / "downloads/checkpoints/DINOv2-B"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.yaml").write_text(YAML)
    torch.save(state, folder / "ep-last.pt")
    print(f"{folder / 'ep-last.pt'}: {(folder / 'ep-last.pt').stat().st_size / 1e9:.2f} GB")


if __name__ == "__main__":
    main()
