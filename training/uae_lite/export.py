# SPDX-License-Identifier: Apache-2.0
"""Writes a model folder for the service: config.json, model.safetensors (fp16), labels.txt."""

import json
import pathlib

import torch
from safetensors.torch import save_file

from uae_lite import model


def layer(kind: str, **members) -> dict:
    return {"kind": kind, **members}


def teacher_layers(teacher, tensors: dict, prefix: str) -> list[dict]:
    """The teacher up to its pooled features, as layers of `config.json`; adds the weights to `tensors`."""

    def describe(convolution, name):
        tensors[f"{name}.weight"], tensors[f"{name}.bias"] = convolution.weight.data, convolution.bias.data
        activation = {"activation": "relu6"} if convolution.activation else {}
        sizes = {"kernel": convolution.kernel, "stride": convolution.stride, **activation}
        if convolution.groups > 1:
            return layer("depthwise", **sizes)
        return layer("convolution", outputs=convolution.weight.shape[0], **sizes)

    layers = [describe(teacher.stem, f"{prefix}.0")]
    for block in teacher.blocks:
        if block.is_residual:
            name = f"{prefix}.{len(layers)}.layers"
            inner = [describe(part, f"{name}.{index}") for index, part in enumerate(block.layers)]
            layers.append(layer("residual", layers=inner))
        else:
            for part in block.layers:
                layers.append(describe(part, f"{prefix}.{len(layers)}"))
    layers.append(describe(teacher.head, f"{prefix}.{len(layers)}"))
    return layers


def refinement_layers(network: model.Refinement, tensors: dict, prefix: str) -> list[dict]:
    """The refinement network: the whitened image to its missing coefficients."""

    def describe(convolution, name, **members):
        tensors[f"{name}.weight"] = convolution.weight.data
        sizes = {"outputs": convolution.out_channels, "kernel": convolution.kernel_size[0], "bias": False}
        return layer("convolution", **sizes, **members)

    def pair(first, second, name):
        inner = [describe(first, f"{name}.layers.0", activation="relu"), describe(second, f"{name}.layers.1")]
        return layer("residual", layers=inner)

    middle = f"{prefix}.2.layers"
    inner = [describe(network.down, f"{middle}.0", stride=2, activation="relu")]
    for first, second in network.inner:
        inner.append(pair(first, second, f"{middle}.{len(inner)}"))
    inner.append(describe(network.up, f"{middle}.{len(inner)}"))
    inner.append(layer("pixel_shuffle", factor=2))
    return [
        layer("pixel_unshuffle", factor=4),
        describe(network.enter, f"{prefix}.1", activation="relu"),
        layer("residual", layers=inner),
        pair(*network.outer, f"{prefix}.3"),
        describe(network.leave, f"{prefix}.4"),
        layer("pixel_shuffle", factor=4),
    ]


def export(folder: pathlib.Path, teacher, embedding, packing, network, labels: list[str], revision: str) -> None:
    """`network` may be None: the decoder then only unpacks."""
    tensors: dict[str, torch.Tensor] = {}
    semantic = teacher_layers(teacher, tensors, "encoder.semantic")
    tensors["encoder.embedding.weight"], tensors["encoder.embedding.bias"] = embedding.weight, embedding.bias
    tensors["head.fc.weight"], tensors["head.fc.bias"] = embedding.class_weight, embedding.class_bias
    decoder = {
        "output_side": model.SIDE,
        "patch_side": model.SIDE // model.GRID,
        "mean": [model.MEAN] * 3,
        "std": [model.DEVIATION] * 3,
    }
    if network is not None:
        decoder["convolutional"] = {"layers": refinement_layers(network, tensors, "decoder.convolutional")}
    tensors = {name: value.half() for name, value in tensors.items()}
    # Indices: exact in fp32, not in fp16.
    tensors["packing.order"] = packing.order.float()
    tensors["packing.colours"], tensors["packing.decay"] = packing.colours.float(), packing.decay.float()
    configuration = {
        "format": "uae-model/1",
        "name": "uae-lite",
        "revision": revision,
        "image_side": model.SIDE,
        "channels": model.CHANNELS,
        "grid_side": model.GRID,
        "packing": {"embedding_channels": model.SEMANTIC_CHANNELS},
        "encoder": {
            "family": "uae-lite",
            "mean": [127 / 255] * 3,
            "std": [128 / 255] * 3,
            "semantic": {"channels": model.EMBEDDING, "layers": semantic},
        },
        "decoder": decoder,
        "frequency": {"transform": "dct", "order": "zigzag"},
        "head": {
            "classes": len(labels),
            "source": "embedding",
            "weight": "head.fc.weight",
            "bias": "head.fc.bias",
        },
        "labels": "labels.txt",
    }
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(configuration, indent=1) + "\n")
    (folder / "labels.txt").write_text("\n".join(labels) + "\n")
    save_file({name: value.contiguous() for name, value in tensors.items()}, folder / "model.safetensors")
    (folder / "model.safetensors").chmod(0o644)
