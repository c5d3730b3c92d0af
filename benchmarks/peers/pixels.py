# SPDX-License-Identifier: Apache-2.0
"""Everything around the networks: input bytes, frequencies, output images."""

import math

import torch
import torch.nn.functional as F
from torch import nn


def dct_matrix(side):
    """The orthonormal DCT-II [side, side]; its transpose is the inverse. Computed in double precision."""
    k = torch.arange(side, dtype=torch.float64)[:, None]
    n = torch.arange(side, dtype=torch.float64)[None, :]
    matrix = torch.cos(math.pi * (n + 0.5) * k / side) * math.sqrt(2 / side)
    matrix[0] /= math.sqrt(2)
    return matrix.float()


def coefficient_order(name, side):
    """Flat indices of the coefficients of a square grid, lowest first."""
    if name == "radial":
        return sorted(range(side * side), key=lambda i: (math.hypot(i // side, i % side), i))
    order = []
    for diagonal in range(2 * side - 1):
        places = [(y, diagonal - y) for y in range(side) if 0 <= diagonal - y < side]
        # Even diagonals are walked upwards in y, odd ones downwards.
        order += [y * side + x for y, x in (places if diagonal % 2 == 0 else reversed(places))]
    return order


def resizing_matrix(before, after):
    """`interpolate(mode="bicubic")` along one axis as [after, before]."""
    unit = torch.eye(before).reshape(1, before, before, 1)
    return F.interpolate(unit, size=(after, 1), mode="bicubic", align_corners=False)[0, :, :, 0].T.contiguous()


class PixelsIn(nn.Module):
    """u8 [batch, side, side, 3] to the input of the encoder's network: [batch, 3, input side, input side]."""

    def __init__(self, config):
        super().__init__()
        encoder = config["encoder"]
        self.register_buffer("mean", torch.tensor(encoder["mean"]).reshape(1, 3, 1, 1))
        self.register_buffer("std", torch.tensor(encoder["std"]).reshape(1, 3, 1, 1))
        side, input_side = config["image_side"], encoder.get("input_side", config["image_side"])
        self.resizes = side != input_side
        if self.resizes:
            self.register_buffer("axis", resizing_matrix(side, input_side))

    def forward(self, pixels):
        x = pixels.permute(0, 3, 1, 2).float() / 255
        if self.resizes:
            x = self.axis @ (x @ self.axis.T)
        return (x - self.mean) / self.std


class BandCut(nn.Module):
    """The model's own cut of the latent's DCT coefficients."""

    def __init__(self, config):
        super().__init__()
        frequency, side = config["frequency"], config["grid_side"]
        assert frequency["transform"] == "dct" and frequency.get("cutoff", "reorder_1d") == "reorder_1d"
        self.count = frequency.get("count")
        if self.count is None:
            return
        order = coefficient_order(frequency.get("order", "zigzag"), side)
        mode = frequency.get("mode", "low")
        kept = {
            "low": order[: self.count],
            "high": order[len(order) - self.count :],
            "drop_high": order[: len(order) - self.count],
            "drop_low": order[self.count :],
        }[mode]
        mask = torch.zeros(side * side)
        mask[kept] = 1
        self.register_buffer("mask", mask.reshape(side, side))
        self.register_buffer("dct", dct_matrix(side))

    def forward(self, latent):
        if self.count is None:
            return latent
        return self.dct.T @ ((self.dct @ latent @ self.dct.T) * self.mask) @ self.dct
