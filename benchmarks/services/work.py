# SPDX-License-Identifier: Apache-2.0
"""The work of both Python services: the bytes of a JPEG to the bytes of a latent, as in our server."""

import io
import os

import numpy
import onnxruntime
from PIL import Image, ImageOps

SIDE = int(os.environ["BENCH_SIDE"])
MODEL = os.environ["BENCH_ONNX"]
THREADS = int(os.environ["BENCH_THREADS"])


def session():
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = THREADS, 1
    # Spinning threads would take the cores from the web server.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return onnxruntime.InferenceSession(MODEL, options, providers=["CPUExecutionProvider"])


def pixels(jpeg):
    """The centre of the image, [side, side, 3]: halved while possible, then bicubic."""
    picture = ImageOps.exif_transpose(Image.open(io.BytesIO(jpeg))).convert("RGB")
    while min(picture.size) >= 2 * SIDE:
        picture = picture.resize(tuple(length // 2 for length in picture.size), Image.Resampling.BOX)
    scale = SIDE / min(picture.size)
    picture = picture.resize(tuple(round(length * scale) for length in picture.size), Image.Resampling.BICUBIC)
    array = numpy.asarray(picture)
    top, left = (array.shape[0] - SIDE) // 2, (array.shape[1] - SIDE) // 2
    return array[top : top + SIDE, left : left + SIDE]


def encode(session, batch):
    return session.run(None, {"input": batch})[0]


def npy(latent):
    file = io.BytesIO()
    numpy.save(file, latent)
    return file.getvalue()
