# SPDX-License-Identifier: Apache-2.0
"""The `uae-lite` encoder and its packing: an embedding and the image's spectrum share the latent."""

import torch
from torch import nn

from .convolutions import Stack
from .pixels import coefficient_order, dct_matrix


class Packing(nn.Module):
    """The positions of the embedding and of the image's coefficients in a packed latent."""

    def __init__(self, config, tensors):
        super().__init__()
        self.channels, self.grid, self.side = config["channels"], config["grid_side"], config["image_side"]
        tokens = self.grid**2
        embedding, picture = [], []
        widths = config["packing"]["embedding_channels"]
        for place, index in enumerate(coefficient_order(config["frequency"].get("order", "zigzag"), self.grid)):
            width = widths[place] if place < len(widths) else 0
            slots = [channel * tokens + index for channel in range(self.channels)]
            embedding += slots[:width]
            picture += slots[width:]
        self.embedding_count = len(embedding)
        self.register_buffer("colours", tensors["packing.colours"])
        order = tensors["packing.order"].long()
        # Gathers instead of scatters: the latent's slots from [embedding, image], and back.
        source = torch.empty(self.channels * tokens, dtype=torch.long)
        source[embedding] = torch.arange(len(embedding))
        source[picture] = len(embedding) + order
        self.register_buffer("source", source)
        self.register_buffer("embedding_places", torch.tensor(embedding))
        # A coefficient without a slot reads the zero after the last slot.
        place = torch.full((3 * self.side**2,), self.channels * tokens)
        place[order] = torch.tensor(picture)
        self.register_buffer("place", place)
        self.register_buffer("missing", (place == self.channels * tokens).reshape(3, self.side, self.side).float())
        decay, index = tensors["packing.decay"].reshape(3, 2, 1, 1), torch.arange(self.side, dtype=torch.float32)
        distance = (index[:, None] ** 2 + index**2).sqrt()
        self.register_buffer("deviation", torch.exp(decay[:, 0] + decay[:, 1] * torch.log(distance + 2)))
        self.register_buffer("grid_dct", dct_matrix(self.grid))
        # A separate constant: OpenVINO 2026.4 computes a wrong result if one transposed matrix is both a left and a right
        # factor.
        self.register_buffer("picture_dct", dct_matrix(self.side))
        self.register_buffer("picture_inverse", dct_matrix(self.side).T.contiguous())

    def pack(self, planes, embedding):
        planes = torch.einsum("pc,bcyx->bpyx", self.colours, planes)
        planes = self.picture_dct @ planes @ self.picture_inverse
        slots = torch.cat([embedding, planes.flatten(1)], 1)[:, self.source]
        slots = slots.reshape(-1, self.channels, self.grid, self.grid)
        return self.grid_dct.T @ slots @ self.grid_dct

    def slots(self, latent):
        return (self.grid_dct @ latent @ self.grid_dct.T).flatten(1)

    def picture(self, latent, drawing):
        """The image of a full latent; a network predicts the coefficients without a slot."""
        slots = self.slots(latent)
        slots = torch.cat([slots, torch.zeros_like(slots[:, :1])], 1)[:, self.place]
        planes = slots.reshape(-1, 3, self.side, self.side)
        if drawing is not None:
            drawn = drawing(self.picture_inverse @ (planes / self.deviation) @ self.picture_dct)
            drawn = self.picture_dct @ drawn @ self.picture_inverse * self.deviation
            planes = planes + drawn * self.missing
        planes = self.picture_inverse @ planes @ self.picture_dct
        return torch.einsum("pc,bpyx->bcyx", self.colours, planes)

    def embedding(self, latent):
        return self.slots(latent)[:, self.embedding_places]


class LiteEncoder(nn.Module):
    def __init__(self, config, tensors, packing):
        super().__init__()
        encoder, decoder = config["encoder"], config["decoder"]
        self.packing = packing
        self.trunk = Stack(encoder["semantic"]["layers"], tensors, "encoder.semantic", 3, config["image_side"])
        weight = tensors["encoder.embedding.weight"]
        self.embedding = nn.Linear(weight.shape[1], weight.shape[0])
        self.embedding.weight.data, self.embedding.bias.data = weight, tensors["encoder.embedding.bias"]
        ratio = lambda over, under: torch.tensor([a / b for a, b in zip(over, under)]).reshape(1, 3, 1, 1)
        self.register_buffer("factor", ratio(encoder["std"], decoder["std"]))
        self.register_buffer("offset", (
            torch.tensor(encoder["mean"]) - torch.tensor(decoder["mean"])
        ).reshape(1, 3, 1, 1) / torch.tensor(decoder["std"]).reshape(1, 3, 1, 1))

    def embed(self, x):
        return self.embedding(self.trunk(x).mean((2, 3)))

    def forward(self, x):
        return self.packing.pack(x * self.factor + self.offset, self.embed(x))
