# SPDX-License-Identifier: Apache-2.0
"""A model folder (docs/model-folder.md) as PyTorch modules: pixels to latent, latent to image, pixels to logits."""

import json
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import nn

from .convolutions import Stack
from .lite import LiteEncoder, Packing
from .pixels import BandCut, PixelsIn
from .transformer import DINOv2, ViTDecoder


class Encode(nn.Module):
    """u8 [batch, side, side, 3] to [batch, channels, grid, grid]."""

    def __init__(self, config, network):
        super().__init__()
        self.pixels_in, self.network, self.cut = PixelsIn(config), network, BandCut(config)

    def forward(self, pixels):
        return self.cut(self.network(self.pixels_in(pixels)))


class Decode(nn.Module):
    """[batch, channels, grid, grid] to [batch, 3, side, side], neither clamped nor rounded."""

    def __init__(self, config, tensors, packing):
        super().__init__()
        d = config["decoder"]
        self.packing, self.patch = packing, d["patch_side"]
        self.grid = d["output_side"] // self.patch
        self.register_buffer("mean", torch.tensor(d["mean"]).reshape(1, 3, 1, 1))
        self.register_buffer("std", torch.tensor(d["std"]).reshape(1, 3, 1, 1))
        self.network = None
        if packing is None:
            self.network = ViTDecoder(config, tensors)
        elif "convolutional" in d:
            self.network = Stack(d["convolutional"]["layers"], tensors, "decoder.convolutional", 3, d["output_side"])

    def forward(self, latent):
        if self.packing is not None:
            return self.packing.picture(latent, self.network) * self.std + self.mean
        patches, g, p = self.network(latent.flatten(2).transpose(1, 2)), self.grid, self.patch
        picture = patches.reshape(-1, g, g, p, p, 3).permute(0, 5, 1, 3, 2, 4).reshape(-1, 3, g * p, g * p)
        return picture * self.std + self.mean


class Classify(nn.Module):
    """u8 [batch, side, side, 3] to [batch, classes]."""

    def __init__(self, config, tensors, encode, probe):
        super().__init__()
        head = config["head"]
        self.encode, self.source = encode, head.get("source", "latent")
        weight, bias = head.get("weight", "weight"), head.get("bias", "bias")
        self.linear = nn.Linear(*reversed(probe[weight].shape))
        self.linear.weight.data, self.linear.bias.data = probe[weight], probe[bias]
        self.stack = None
        if head.get("layers"):
            self.stack = Stack(head["layers"], tensors, "head", config["channels"], config["grid_side"])

    def forward(self, pixels):
        network = self.encode.network
        if self.source == "embedding":
            # The coefficients that the latent would hold; the head applies no cut, so the latent is not needed.
            return self.linear(network.embed(self.encode.pixels_in(pixels)))
        latent = self.encode(pixels)
        return self.linear((latent if self.stack is None else self.stack(latent)).mean((2, 3)))


class Model:
    """The operations of a model folder; `modules` by name."""

    def __init__(self, folder):
        folder = Path(folder)
        self.config = config = json.loads((folder / "config.json").read_text())
        tensors = {name: tensor.float() for name, tensor in load_file(folder / "model.safetensors").items()}
        packing = Packing(config, tensors) if "packing" in config else None
        family = config["encoder"]["family"]
        if family == "uae-lite":
            network = LiteEncoder(config, tensors, packing)
        else:
            assert family == "dinov2", f"no peer is written for {family}"
            network = DINOv2(config, tensors)
        encode = Encode(config, network)
        self.modules = {"encode": encode, "decode": Decode(config, tensors, packing)}
        if "head" in config:
            name = config["head"].get("file")
            probe = load_file(folder / name) if name else tensors
            self.modules["classify"] = Classify(config, tensors, encode, probe)
        for module in self.modules.values():
            module.eval().requires_grad_(False)

    def example(self, operation, batch=1):
        side, grid = self.config["image_side"], self.config["grid_side"]
        if operation == "decode":
            return torch.zeros(batch, self.config["channels"], grid, grid)
        return torch.zeros(batch, side, side, 3, dtype=torch.uint8)
