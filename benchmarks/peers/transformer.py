# SPDX-License-Identifier: Apache-2.0
"""The published networks: the DINOv2 encoder with registers and the ViT decoder."""

import math

import torch
import torch.nn.functional as F
from torch import nn


class Block(nn.Module):
    """A pre-norm transformer block; queries, keys and values come from one product."""

    def __init__(self, width, heads, mlp_width, epsilon):
        super().__init__()
        self.heads = heads
        self.norm1 = nn.LayerNorm(width, eps=epsilon)
        self.qkv = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)
        self.norm2 = nn.LayerNorm(width, eps=epsilon)
        self.fc1 = nn.Linear(width, mlp_width)
        self.fc2 = nn.Linear(mlp_width, width)

    def forward(self, x):
        # Only the batch is dynamic; every other size in the graph is a constant.
        width, rows = self.out.in_features, x.shape[1]
        qkv = self.qkv(self.norm1(x)).reshape(-1, rows, 3, self.heads, width // self.heads)
        q, k, v = qkv.permute(2, 0, 3, 1, 4).unbind(0)
        mixed = F.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(-1, rows, width)
        x = x + self.out(mixed)
        return x + self.fc2(F.gelu(self.fc1(self.norm2(x))))

    def load(self, take, names, scales=(None, None)):
        """`names` maps this module's parts to the checkpoint's; LayerScale is folded into the product before it."""
        joined = [take(names[part]) for part in ("query", "key", "value")]
        weights = {"qkv": tuple(torch.cat(values) for values in zip(*joined))}
        for part in ("norm1", "out", "norm2", "fc1", "fc2"):
            weights[part] = take(names[part])
        for part, scale in zip(("out", "fc2"), scales):
            if scale is not None:
                weight, bias = weights[part]
                weights[part] = (weight * scale[:, None], bias * scale)
        for part, (weight, bias) in weights.items():
            module = getattr(self, part)
            module.weight.data, module.bias.data = weight, bias


class DINOv2(nn.Module):
    """[batch, 3, side, side] to the latent [batch, width, grid, grid]."""

    def __init__(self, config, tensors):
        super().__init__()
        e, self.grid = config["encoder"], config["grid_side"]
        width, self.skipped = e["width"], 1 + e["register_count"]
        prefix = "encoder.encoder."
        embeddings = prefix + "embeddings."
        self.patches = nn.Conv2d(3, width, e["patch_side"], e["patch_side"])
        self.patches.weight.data = tensors[embeddings + "patch_embeddings.projection.weight"]
        self.patches.bias.data = tensors[embeddings + "patch_embeddings.projection.bias"]
        positions = tensors[embeddings + "position_embeddings"].reshape(-1, width)
        stored = math.isqrt(positions.shape[0] - 1)
        table = positions[1:].reshape(1, stored, stored, width).permute(0, 3, 1, 2)
        if stored != self.grid:
            table = F.interpolate(table, (self.grid, self.grid), mode="bicubic", antialias=True, align_corners=False)
        self.register_buffer("positions", table.flatten(2).transpose(1, 2).contiguous())
        # Registers are added after the position embedding and have none.
        front = tensors[embeddings + "cls_token"].reshape(1, 1, width) + positions[:1]
        registers = tensors[embeddings + "register_tokens"].reshape(1, -1, width)
        self.register_buffer("front", torch.cat([front, registers], 1))
        self.blocks = nn.ModuleList()
        for index in range(e["depth"]):
            name = f"{prefix}encoder.layer.{index}."
            block = Block(width, e["head_count"], e["mlp_width"], e["layer_norm_epsilon"])
            attention = name + "attention."
            block.load(
                lambda part: (tensors[part + ".weight"], tensors[part + ".bias"]),
                {
                    "query": attention + "attention.query",
                    "key": attention + "attention.key",
                    "value": attention + "attention.value",
                    "out": attention + "output.dense",
                    "norm1": name + "norm1",
                    "norm2": name + "norm2",
                    "fc1": name + "mlp.fc1",
                    "fc2": name + "mlp.fc2",
                },
                (tensors[name + "layer_scale1.lambda1"], tensors[name + "layer_scale2.lambda1"]),
            )
            self.blocks.append(block)
        self.norm = nn.LayerNorm(width, eps=e["layer_norm_epsilon"], elementwise_affine=False)

    def forward(self, x):
        tokens = self.patches(x).flatten(2).transpose(1, 2) + self.positions
        x = torch.cat([self.front.expand(tokens.shape[0], -1, -1), tokens], 1)
        for block in self.blocks:
            x = block(x)
        latent = self.norm(x)[:, self.skipped :].transpose(1, 2)
        return latent.reshape(-1, latent.shape[1], self.grid, self.grid)


class ViTDecoder(nn.Module):
    """Tokens [batch, grid², channels] to patches [batch, grid², patch² · 3]."""

    def __init__(self, config, tensors):
        super().__init__()
        d, channels = config["decoder"], config["channels"]
        t = d["transformer"]
        width = t["width"]
        assert t.get("grid_side", config["grid_side"]) == config["grid_side"], "no resampling here"
        take = lambda part: (tensors[part + ".weight"], tensors[part + ".bias"])
        self.embed = nn.Linear(channels, width)
        self.norm = nn.LayerNorm(width, eps=t["layer_norm_epsilon"])
        self.head = nn.Linear(width, d["patch_side"] ** 2 * 3)
        for module, name in ((self.embed, "embed"), (self.norm, "norm"), (self.head, "pred")):
            module.weight.data, module.bias.data = take(f"decoder.decoder_{name}")
        positions = tensors["decoder.decoder_pos_embed"].reshape(1, -1, width)
        self.register_buffer("front", tensors["decoder.trainable_cls_token"].reshape(1, 1, width) + positions[:, :1])
        self.register_buffer("positions", positions[:, 1:].contiguous())
        self.blocks = nn.ModuleList()
        for index in range(t["depth"]):
            name = f"decoder.decoder_layers.{index}."
            block = Block(width, t["head_count"], t["mlp_width"], t["layer_norm_epsilon"])
            names = {part: f"{name}attention.attention.{part}" for part in ("query", "key", "value")}
            names |= {
                "out": name + "attention.output.dense",
                "norm1": name + "layernorm_before",
                "norm2": name + "layernorm_after",
                "fc1": name + "intermediate.dense",
                "fc2": name + "output.dense",
            }
            scales = (None, None)
            if t.get("layer_scale"):
                scales = tuple(tensors[f"{name}layer_scale{n}.lambda1"] for n in (1, 2))
            block.load(take, names, scales)
            self.blocks.append(block)

    def forward(self, tokens):
        tokens = self.embed(tokens) + self.positions
        x = torch.cat([self.front.expand(tokens.shape[0], -1, -1), tokens], 1)
        for block in self.blocks:
            x = block(x)
        return self.head(self.norm(x[:, 1:]))
