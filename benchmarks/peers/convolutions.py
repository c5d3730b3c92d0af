# SPDX-License-Identifier: Apache-2.0
"""Lists of convolutional layers, named as in docs/model-folder.md."""

import torch.nn.functional as F
from torch import nn

ACTIVATIONS = {"none": nn.Identity, "relu": nn.ReLU, "relu6": nn.ReLU6, "silu": nn.SiLU, "gelu": nn.GELU}


class PaddedConvolution(nn.Module):
    """A dense or depthwise convolution with its padding and activation."""

    def __init__(self, layer, tensors, name, channels, side):
        super().__init__()
        kernel, stride = layer["kernel"], layer.get("stride", 1)
        depthwise = layer["kind"] == "depthwise"
        self.channels = channels if depthwise else layer["outputs"]
        padding = layer.get("padding", "same")
        before = after = 0
        if padding == "same":
            total = max((-(-side // stride) - 1) * stride + kernel - side, 0)
            before, after = total // 2, total - total // 2
        elif padding == "symmetric":
            before = after = kernel // 2
        self.side = (side + before + after - kernel) // stride + 1
        # The convolution does even padding itself; the odd pixel needs a layer.
        self.extra = None if before == after else (before, after, before, after)
        own = before if before == after else 0
        groups = channels if depthwise else 1
        self.convolution = nn.Conv2d(
            channels, self.channels, kernel, stride, own, groups=groups, bias=layer.get("bias", True)
        )
        self.convolution.weight.data = tensors[name + ".weight"].reshape(self.convolution.weight.shape)
        if layer.get("bias", True):
            self.convolution.bias.data = tensors[name + ".bias"]
        self.activation = ACTIVATIONS[layer.get("activation", "none")]()

    def forward(self, x):
        if self.extra:
            x = F.pad(x, self.extra)
        return self.activation(self.convolution(x))


class ChannelNorm(nn.Module):
    """LayerNorm over the channels of each position."""

    def __init__(self, layer, tensors, name, channels, side):
        super().__init__()
        self.channels, self.side = channels, side
        self.norm = nn.LayerNorm(channels, eps=layer["epsilon"])
        self.norm.weight.data, self.norm.bias.data = tensors[name + ".weight"], tensors[name + ".bias"]

    def forward(self, x):
        return self.norm(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


class Scale(nn.Module):
    def __init__(self, layer, tensors, name, channels, side):
        super().__init__()
        self.channels, self.side = channels, side
        self.register_buffer("weight", tensors[name + ".weight"].reshape(1, channels, 1, 1))

    def forward(self, x):
        return x * self.weight


class Residual(nn.Module):
    def __init__(self, layer, tensors, name, channels, side):
        super().__init__()
        self.channels, self.side = channels, side
        self.stack = Stack(layer["layers"], tensors, name + ".layers", channels, side)

    def forward(self, x):
        return x + self.stack(x)


class Rearrangement(nn.Module):
    """Upsampling by repetition and the two pixel shuffles."""

    def __init__(self, layer, tensors, name, channels, side):
        super().__init__()
        f = layer["factor"]
        self.kind, self.factor = layer["kind"], f
        self.channels, self.side = {
            "upsample": (channels, side * f),
            "pixel_shuffle": (channels // (f * f), side * f),
            "pixel_unshuffle": (channels * f * f, side // f),
        }[self.kind]

    def forward(self, x):
        if self.kind == "upsample":
            return F.interpolate(x, scale_factor=self.factor, mode="nearest")
        return (F.pixel_shuffle if self.kind == "pixel_shuffle" else F.pixel_unshuffle)(x, self.factor)


class Stack(nn.Module):
    """[batch, channels, side, side] through a list of layers."""

    KINDS = {
        "convolution": PaddedConvolution,
        "depthwise": PaddedConvolution,
        "layer_norm": ChannelNorm,
        "scale": Scale,
        "residual": Residual,
        "upsample": Rearrangement,
        "pixel_shuffle": Rearrangement,
        "pixel_unshuffle": Rearrangement,
    }

    def __init__(self, layers, tensors, prefix, channels, side):
        super().__init__()
        self.layers = nn.Sequential()
        for index, layer in enumerate(layers):
            made = self.KINDS[layer["kind"]](layer, tensors, f"{prefix}.{index}", channels, side)
            channels, side = made.channels, made.side
            self.layers.append(made)
        self.channels, self.side = channels, side

    def forward(self, x):
        return self.layers(x)
