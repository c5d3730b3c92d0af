# SPDX-License-Identifier: Apache-2.0
"""Trains the refinement network under random low-pass."""

import pathlib
import time

import numpy as np
import torch

from uae_lite import model, photos

KEEPS = (196, 64, 36, 16)


def batches(crops: list[np.ndarray]) -> torch.Tensor:
    """u8 crops to [n, 3, h, w] in [0, 1]."""
    return torch.from_numpy(np.stack(crops)).permute(0, 3, 1, 2).float() / 255


def standardised(crops: list[np.ndarray]) -> torch.Tensor:
    return (batches(crops) - model.MEAN) / model.DEVIATION


def random_keeps(random: np.random.Generator, count: int) -> torch.Tensor:
    """Draws a level per image: with probability 0.6 a reported level or all coefficients, otherwise any level."""
    levels = np.where(
        random.random(count) < 0.6,
        random.choice(KEEPS, size=count, p=(0.4, 0.3, 0.15, 0.15)),
        np.exp(random.uniform(np.log(2), np.log(model.COEFFICIENTS), count)).astype(int),
    )
    return torch.from_numpy(levels)


def train(packing, training, validation, path: pathlib.Path, *, steps: int, stop=None, batch=4, rate=1e-3, seed=0, report=250):
    """Trains to `steps`, resuming from `path` if it exists; the same seed gives the same weights.

    `stop` ends the training early, as an interruption would; `path` then holds the state to resume from.

    The loss is the mean share of the missing coefficients' energy that stays missing: nearly the mean of decibels.
    """
    torch.manual_seed(seed)
    network = model.Refinement().to(memory_format=torch.channels_last)
    optimizer = torch.optim.AdamW(network.parameters(), lr=rate, betas=(0.9, 0.99), weight_decay=1e-4)
    averaged = {name: value.clone() for name, value in network.state_dict().items()}
    start = 0
    if path.exists():
        state = torch.load(path, weights_only=True)
        network.load_state_dict(state["network"])
        optimizer.load_state_dict(state["optimizer"])
        averaged, start = state["averaged"], state["step"]
    began, losses = time.time(), []
    end = steps if stop is None else stop
    for step in range(start, end):
        # The images of a step depend on its number only, so a resumed run sees the same images as an uninterrupted one.
        random = np.random.default_rng([seed, step])
        chosen = random.integers(0, len(training), batch)
        planes = standardised([photos.random_crop(training[index], random) for index in chosen])
        coefficients = packing.coefficients(planes)
        held = packing.held(random_keeps(random, batch))
        for group in optimizer.param_groups:
            group["lr"] = float(rate * schedule(step, steps))
        # Computed on coefficients, because the transform is orthonormal.
        missing = torch.where(held, 0, coefficients)
        drawn = network(packing, coefficients, held) - coefficients
        loss = (drawn.square().mean((1, 2, 3)) / missing.square().mean((1, 2, 3))).mean()
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 0.5)
        optimizer.step()
        decay = min(0.999, (step + 1) / (step + 10))
        for name, value in network.state_dict().items():
            averaged[name].lerp_(value, 1 - decay)
        losses.append(loss.item())
        if (step + 1) % report == 0 or step + 1 == end:
            gain = -10 * np.log10(np.mean(losses))
            losses = []
            speed = (step + 1 - start) / (time.time() - began)
            left = (steps - step - 1) / speed / 60
            figures = evaluate(packing, averaged, validation)
            print(f"step {step + 1}/{steps}, gain in training {gain:.2f} dB; {figures}; {left:.0f} min left", flush=True)
            state = {
                "network": network.state_dict(),
                "optimizer": optimizer.state_dict(),
                "averaged": averaged,
                "step": step + 1,
            }
            partial = path.with_suffix(".partial")
            torch.save(state, partial)
            partial.rename(path)
    network.load_state_dict(averaged)
    return network.eval()


def schedule(step: int, steps: int) -> float:
    """Linear warm-up, then half a cosine."""
    warm = min(200, steps // 10 + 1)
    if step < warm:
        return (step + 1) / warm
    return 0.01 + 0.99 * 0.5 * (1 + np.cos(np.pi * (step - warm) / max(steps - warm, 1)))


def evaluate(packing, weights, planes: torch.Tensor) -> str:
    """Mean PSNR of the linear decoder and of the refined one on standardised planes, at each level."""
    network = model.Refinement()
    network.load_state_dict(weights)
    network.eval()
    parts = []
    with torch.no_grad():
        coefficients = packing.coefficients(planes)
        for keep in KEEPS:
            held = packing.held(torch.full((1,), keep))
            linear = packing.picture(coefficients * held)
            refined = torch.cat([packing.picture(network(packing, part, held)) for part in coefficients.split(8)])
            parts.append(f"{keep}: {model.psnr(linear, planes).mean():.2f} -> {model.psnr(refined, planes).mean():.2f}")
    return ", ".join(parts)
