# SPDX-License-Identifier: Apache-2.0
"""The figures of the model card, on photographs outside the training set."""

import io

import numpy as np
import torch
from PIL import Image

from uae_lite import embedding as meaning
from uae_lite import model, refine

KEEPS = (196, 64, 36, 16)


def figures(crops: list[np.ndarray], teacher, embedding, packing, network) -> dict[str, list[float]]:
    """Rows of the table, one figure per entry of KEEPS."""
    pictures = refine.batches(crops)
    planes = refine.standardised(crops)
    features = meaning.pooled(teacher, pictures)
    logits = teacher.fc(features)
    components = embedding.encode(features)
    rows: dict[str, list[float]] = {}

    def add(row: str, value: float) -> None:
        rows.setdefault(row, []).append(float(value))

    plain = plain_packing(packing)
    with torch.no_grad():
        coefficients = packing.coefficients(planes)
        for keep in KEEPS:
            held = packing.held(torch.tensor([keep]))
            linear = packing.picture(coefficients * held)
            add("PSNR, without the refinement", model.psnr(linear, planes).mean())
            result = linear
            if network is not None:
                parts = [network(packing, part, held) for part in coefficients.split(8)]
                result = packing.picture(torch.cat(parts))
            add("PSNR", model.psnr(result, planes).mean())
            result = bytes_of(result)
            add("teacher's class of reconstruction and photo equal", agreement(teacher(result), logits))
            blind = plain.picture(plain.coefficients(planes) * plain.held(torch.tensor([keep])))
            add("PSNR, slots in plain zigzag order of RGB", model.psnr(blind, planes).mean())
            known = components.clone()
            known[:, meaning.component_count(keep) :] = 0
            add("agreement with the teacher", agreement(embedding.classify(known), logits))
            low = teacher_on_low_pass(teacher, pictures, keep)
            add("agreement, teacher's own map low-passed", agreement(low, logits))
    return rows


def agreement(found: torch.Tensor, expected: torch.Tensor) -> float:
    return (found.argmax(1) == expected.argmax(1)).float().mean().item()


def bytes_of(planes: torch.Tensor) -> torch.Tensor:
    """Standardised planes as an image file stores them, in [0, 1]."""
    return ((planes * model.DEVIATION + model.MEAN).clamp(0, 1) * 255).round() / 255


def plain_packing(packing: model.Packing) -> model.Packing:
    """The ablation of the learned packing: RGB planes, coefficients in zigzag order."""
    plain = model.Packing()
    places = torch.tensor(model.zigzag(model.SIDE))
    order = (places[:, 0] * model.SIDE + places[:, 1])[:, None] + torch.arange(3) * model.SIDE**2
    plain.order.copy_(order.flatten()[: model.PICTURE_SLOTS])
    plain.decay.copy_(packing.decay)
    plain.prepare()
    return plain


def teacher_on_low_pass(teacher, pictures: torch.Tensor, keep: int) -> torch.Tensor:
    """The teacher's logits from its own map of stride 16, reduced to its `keep` lowest coefficients."""
    x = teacher.stem((255 * pictures - 127) / 128)
    for block in teacher.blocks[:11]:
        x = block(x)
    matrix = model.dct_matrix(model.GRID)
    mask = torch.zeros(model.GRID, model.GRID)
    for u, v in model.zigzag(model.GRID)[:keep]:
        mask[u, v] = 1
    x = matrix.T @ ((matrix @ x @ matrix.T) * mask) @ matrix
    for block in teacher.blocks[11:]:
        x = block(x)
    return teacher.fc(teacher.head(x).mean((2, 3)))


def jpeg_at(crops: list[np.ndarray], size: int) -> tuple[float, float]:
    """Mean PSNR and size of the best JPEG of each image with at most `size` bytes."""
    decibels, sizes = [], []
    for crop in crops:
        best = None
        for quality in range(1, 101):
            buffer = io.BytesIO()
            Image.fromarray(crop).save(buffer, "JPEG", quality=quality, subsampling=0 if quality > 90 else 2)
            if best is None or len(buffer.getvalue()) <= size:
                best = buffer.getvalue()
        decoded = np.asarray(Image.open(io.BytesIO(best))).astype(float)
        decibels.append(-10 * np.log10(max(np.mean((decoded / 255 - crop / 255.0) ** 2), 1e-10)))
        sizes.append(len(best))
    return float(np.mean(decibels)), float(np.mean(sizes))

