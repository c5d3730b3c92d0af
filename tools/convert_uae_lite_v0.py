#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Turns the UAE-Lite v0 weights (one safetensors file) into a model folder.

    python3 tools/convert_uae_lite_v0.py uae-lite-v0.safetensors MODEL_DIR

The tensors get the names that docs/model-folder.md describes for the uae-lite family, the decoder's fused q, k, v
become three tensors as in the published checkpoints, and the fixed position embedding, which v0 computes, is stored.
"""

import argparse
import json
import pathlib
import re

import numpy

import safetensors_files

GRID = 14
# EfficientNet-Lite0: repeats, kernel, stride, expansion, input and output channels.
STAGES = [
    (1, 3, 1, 1, 32, 16), (2, 3, 2, 6, 16, 24), (2, 5, 2, 6, 24, 40), (3, 3, 2, 6, 40, 80),
    (3, 5, 1, 6, 80, 112), (4, 5, 2, 6, 112, 192), (1, 3, 1, 6, 192, 320),
]
TRUNK_BLOCKS = 11
BLOCK_NAMES = {
    "n1": "layernorm_before", "o": "attention.output.dense", "n2": "layernorm_after", "f1": "intermediate.dense",
    "f2": "output.dense",
}


def blocks():
    """(kernel, stride, expansion, inputs, outputs) of all 16 blocks."""
    for repeats, kernel, stride, expansion, inputs, outputs in STAGES:
        for repeat in range(repeats):
            yield kernel, stride if repeat == 0 else 1, expansion, inputs if repeat == 0 else outputs, outputs


def block_layers(index, kernel, stride, expansion, inputs, outputs):
    """A block's layers as (configuration, name in v0)."""
    name = f"net.blocks.{index}"
    layers = []
    if expansion != 1:
        expand = {"kind": "convolution", "outputs": inputs * expansion, "kernel": 1, "activation": "relu6"}
        layers.append((expand, f"{name}.expand"))
    layers.append(({"kind": "depthwise", "kernel": kernel, "stride": stride, "activation": "relu6"}, f"{name}.dw"))
    layers.append(({"kind": "convolution", "outputs": outputs, "kernel": 1}, f"{name}.proj"))
    return layers, stride == 1 and inputs == outputs


class Path:
    """A list of layers under a prefix, with the renamed tensors."""

    def __init__(self, prefix):
        self.prefix, self.layers, self.names = prefix, [], {}

    def add(self, layer, old):
        self.names[old] = f"{self.prefix}.{len(self.layers)}"
        self.layers.append(layer)

    def add_block(self, index, block):
        layers, residual = block_layers(index, *block)
        if not residual:
            for layer, old in layers:
                self.add(layer, old)
            return
        for place, (_, old) in enumerate(layers):
            self.names[old] = f"{self.prefix}.{len(self.layers)}.layers.{place}"
        self.layers.append({"kind": "residual", "layers": [layer for layer, _ in layers]})


def positions(width):
    """[1, 1 + GRID * GRID, width]: sin x, cos x, sin y, cos y; zero for the class token."""
    omega = 10000.0 ** (-numpy.arange(width // 4) / (width // 4))
    y, x = (axis.reshape(-1, 1) * omega for axis in numpy.mgrid[:GRID, :GRID].astype(float))
    table = numpy.concatenate([numpy.sin(x), numpy.cos(x), numpy.sin(y), numpy.cos(y)], axis=1)
    return numpy.concatenate([numpy.zeros((1, width)), table])[None].astype(numpy.float32)


def one_line_a_layer(text):
    """Joins the lines of the innermost objects and arrays."""
    return re.sub(r"[{\[][^{}\[\]]*[}\]]", lambda match: " ".join(match[0].split()), text)


def convert(source, target):
    old = safetensors_files.read(source)
    trunk, detail, head = Path("encoder.semantic"), Path("encoder.detail"), Path("head")
    trunk.add({"kind": "convolution", "outputs": 32, "kernel": 3, "stride": 2, "activation": "relu6"}, "net.stem")
    for index, block in enumerate(blocks()):
        (trunk if index < TRUNK_BLOCKS else head).add_block(index, block)
    head.add({"kind": "convolution", "outputs": 1280, "kernel": 1, "activation": "relu6"}, "net.head")
    detail.add({"kind": "convolution", "outputs": 192, "kernel": 16, "stride": 16}, "detail")

    new = {}
    for path in (trunk, detail, head):
        for before, after in path.names.items():
            for part in ("weight", "bias"):
                new[f"{after}.{part}"] = old[f"{before}.{part}"]
    new["encoder.semantic_mean"] = old["mu"].reshape(-1)
    new["encoder.semantic_std"] = old["sd"].reshape(-1)
    new["encoder.modulator.semantic_gain"] = old["gs"]
    new["encoder.modulator.detail_gain"] = old["gd"]
    for part in ("weight", "bias"):
        new[f"head.fc.{part}"] = old[f"net.fc.{part}"]
        new[f"decoder.linear.{part}"] = old[f"lin.{part}"]
        new[f"decoder.decoder_embed.{part}"] = old[f"dec.embed.{part}"]
        new[f"decoder.decoder_norm.{part}"] = old[f"dec.norm.{part}"]
        new[f"decoder.decoder_pred.{part}"] = old[f"dec.pred.{part}"]
        for index in range(6):
            layer = f"decoder.decoder_layers.{index}"
            for before, after in BLOCK_NAMES.items():
                new[f"{layer}.{after}.{part}"] = old[f"dec.blocks.{index}.{before}.{part}"]
            for name, values in zip(("query", "key", "value"), numpy.split(old[f"dec.blocks.{index}.qkv.{part}"], 3)):
                new[f"{layer}.attention.attention.{name}.{part}"] = values
    new["decoder.trainable_cls_token"] = old["dec.cls"]
    new["decoder.decoder_pos_embed"] = positions(192)

    configuration = {
        "format": "uae-model/1",
        "name": "uae-lite",
        "revision": "v0",
        "image_side": 224,
        "channels": 192,
        "grid_side": GRID,
        "encoder": {
            "family": "uae-lite",
            "mean": [127 / 255] * 3,
            "std": [128 / 255] * 3,
            "semantic": {"channels": 112, "layers": trunk.layers},
            "detail": {"layers": detail.layers},
            "modulator": True,
        },
        "decoder": {
            "output_side": 224,
            "patch_side": 16,
            "mean": [0.5] * 3,
            "std": [0.25] * 3,
            "transformer": {"width": 192, "depth": 6, "head_count": 3, "mlp_width": 768, "layer_norm_epsilon": 1e-6},
            "linear": True,
        },
        "frequency": {"transform": "dct", "order": "zigzag"},
        "head": {
            "classes": 1000,
            "source": "semantic",
            "layers": head.layers,
            "weight": "head.fc.weight",
            "bias": "head.fc.bias",
        },
        "labels": "labels.txt",
    }
    target.mkdir(parents=True, exist_ok=True)
    tensors = [safetensors_files.of_array(name, new[name]) for name in sorted(new)]
    safetensors_files.write(target / "model.safetensors", tensors)
    (target / "config.json").write_text(one_line_a_layer(json.dumps(configuration, indent=2)) + "\n")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", type=pathlib.Path)
    parser.add_argument("target", type=pathlib.Path)
    arguments = parser.parse_args()
    convert(arguments.source, arguments.target)
