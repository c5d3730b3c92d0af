# SPDX-License-Identifier: Apache-2.0
"""Checks the peers' PyTorch model against the authors' own results in the tests' golden data."""

from pathlib import Path

import torch
from safetensors.torch import load_file

from peers.model import Model

GOLDEN = Path(__file__).parent.parent / "Tests/Fixtures/data/golden/dinov2"


def main():
    model = Model(GOLDEN / "model")
    expected = load_file(GOLDEN / "expected-chelsea.safetensors")
    side, channels = model.config["image_side"], model.config["channels"]
    with torch.inference_mode():
        latent = model.modules["encode"](expected["pixels"].reshape(1, side, side, 3))
        picture = model.modules["decode"](expected["latent.full"].reshape(1, channels, 16, 16))
    for name, made, limit in (("latent.zigzag64", latent, 5e-5), ("recon.full", picture, 2e-4)):
        difference = (made.flatten() - expected[name].flatten()).abs().max().item()
        print(f"{name}: {difference:.1e} off the golden data (limit {limit:.0e})")
        assert difference < limit


if __name__ == "__main__":
    main()
