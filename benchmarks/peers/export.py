# SPDX-License-Identifier: Apache-2.0
"""Exports a model folder's operations to ONNX: `python -m peers.export FOLDER TARGET OPERATION ...`."""

import sys
import warnings
from pathlib import Path

import torch

from .model import Model

# Opset 20 has the operators LayerNormalization and Gelu.
OPSET = 20


def export(folder, target, operations):
    model = Model(folder)
    Path(target).mkdir(parents=True, exist_ok=True)
    for operation in operations:
        warnings.simplefilter("ignore")
        batch = torch.export.Dim("batch", min=1, max=64)
        torch.onnx.export(
            model.modules[operation],
            (model.example(operation, 2),),
            f"{target}/{operation}.onnx",
            dynamo=True,
            opset_version=OPSET,
            input_names=["input"],
            output_names=["output"],
            dynamic_shapes=({0: batch},),
            external_data=True,
            verbose=False,
        )


if __name__ == "__main__":
    export(sys.argv[1], sys.argv[2], sys.argv[3:])
