# SPDX-License-Identifier: Apache-2.0
"""Results of the exported model for the service's tests: fp16 weights, fp32 arithmetic."""

import copy
import json
import pathlib

import numpy as np
import torch
from safetensors.torch import save_file

from uae_lite import embedding as meaning
from uae_lite import model, photos, refine

KEEPS = (196, 64, 36, 16)
# The photographs of the service's tests.
PHOTOS = ("chelsea", "china", "rocket")


def halved(module: torch.nn.Module, exact=()) -> torch.nn.Module:
    """A copy with weights rounded to fp16, except the `exact` ones."""
    copied = copy.deepcopy(module)
    for name, value in [*copied.named_parameters(), *copied.named_buffers()]:
        if value.is_floating_point() and name not in exact:
            value.data.copy_(value.data.half().float())
    return copied.eval()


def write(folder: pathlib.Path, teacher, embedding, packing, network) -> None:
    """Writes `expected-chelsea.safetensors` with all results of one photograph, and `figures.json` with each PSNR."""
    teacher, embedding, network = halved(teacher), halved(embedding), halved(network)
    # The service's trunk gets (x - 127/255) / (128/255), which is equal except for fp32's last digits.
    tests = photos.test_photos()
    crops = {name: photos.center_crop(tests[name]) for name in PHOTOS}
    figures = {}
    with torch.no_grad():
        for name, crop in crops.items():
            planes = refine.standardised([crop])
            coefficients = packing.coefficients(planes)
            components = embedding.encode(meaning.pooled(teacher, refine.batches([crop])))
            figures[name] = {}
            results = {}
            for keep in KEEPS:
                held = packing.held(torch.tensor([keep]))
                result = packing.picture(network(packing, coefficients, held))
                picture = ((result * model.DEVIATION + model.MEAN).clamp(0, 1) * 255).round()
                error = (picture / 255 - refine.batches([crop])).square().mean()
                figures[name][str(keep)] = round(float(-10 * torch.log10(error)), 3)
                known = components.clone()
                known[:, meaning.component_count(keep) :] = 0
                results[keep] = (result * model.DEVIATION + model.MEAN, embedding.classify(known))
            if name != "chelsea":
                continue
            latent = model.latent(packing, components, coefficients)
            tensors = {"pixels": torch.from_numpy(np.ascontiguousarray(crop))}
            for label, keep in (("full", 196), ("zigzag64", 64)):
                tensors[f"latent.{label}"] = model.low_pass(latent, keep)[0]
                tensors[f"recon.{label}"], tensors[f"logits.{label}"] = (value[0] for value in results[keep])
            folder.mkdir(parents=True, exist_ok=True)
            save_file({key: value.contiguous() for key, value in tensors.items()}, folder / "expected-chelsea.safetensors")
            (folder / "expected-chelsea.safetensors").chmod(0o644)
    (folder / "figures.json").write_text(json.dumps(figures, indent=1) + "\n")
