# SPDX-License-Identifier: Apache-2.0
"""Bodies that schemathesis cannot generate from a schema: images and latents of the served model, some damaged."""

import base64
import io
import json
import os
import struct
import urllib.request
import zlib

import numpy
import safetensors.numpy
import schemathesis
from hypothesis import strategies as st

# 24 x 16 pixels: small enough to show in the report of a failure.
JPEG = [
    base64.b64decode(
        "/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDABQODxIPDRQSEBIXFRQYHjIhHhwcHj0sLiQySUBMS0dARkVQWnNiUFVtVkVGZIhlbXd7gYKBTmCNl4x9"
        "lnN+gXz/2wBDARUXFx4aHjshITt8U0ZTfHx8fHx8fHx8fHx8fHx8fHx8fHx8fHx8fHx8fHx8fHx8fHx8fHx8fHx8fHx8fHx8fHz/wAARCAAQABgD"
        "ASIAAhEBAxEB/8QAFgABAQEAAAAAAAAAAAAAAAAABQAE/8QAFxAAAwEAAAAAAAAAAAAAAAAAAAMEYf/EABYBAQEBAAAAAAAAAAAAAAAAAAQDBf/E"
        "ABkRAAIDAQAAAAAAAAAAAAAAAAAEAQIhA//aAAwDAQACEQMRAD8ACXJhqXJgkuTDUuTCt2A67QYuTCHFyYQeWNNvm1h//9k="
    )
]
# The same, lossy and lossless.
WEBP = [
    base64.b64decode(
        "UklGRnoAAABXRUJQVlA4IG4AAAAwBACdASoYABAAPzmOvlOvKqcisAgB4CcJaQAD4hFaUWCtbro9/6qgQWAA/tzU8D+CUBwsO+aeTVJ4PaC7C9"
        "obSJUBHImEAZ1PDnEMSF4bm81onNfQpZcRBz3jv+yBRKNsgEMqxLs9A9gvWNcAAA=="
    ),
    base64.b64decode(
        "UklGRigAAABXRUJQVlA4TBsAAAAvF8ADAM1lRP8DSts2YErn/y8XFkbEBIDr3gwA"
    ),
]


def latent_shape() -> list[int]:
    with urllib.request.urlopen(os.environ["UAE_URL"] + "/info", timeout=10) as answer:
        return json.load(answer)["latent_shape"]


LATENT = numpy.random.default_rng(1).standard_normal([1, *latent_shape()]).astype("<f4")


def png(width: int, height: int) -> bytes:
    """A black image."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">2I5B", width, height, 8, 2, 0, 0, 0)
    rows = zlib.compress((b"\0" + bytes(3 * width)) * height)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def npy(array: numpy.ndarray) -> bytes:
    file = io.BytesIO()
    numpy.save(file, array)
    return file.getvalue()


PNG = [png(24, 16), png(1, 1)]
NPY = [npy(LATENT), npy(LATENT[:, :, :2]), npy(LATENT * numpy.nan), npy(LATENT.astype("<f2"))]


def npz(save, **arrays: numpy.ndarray) -> bytes:
    file = io.BytesIO()
    save(file, **arrays)
    return file.getvalue()


NPZ = [npz(numpy.savez, latents=LATENT), npz(numpy.savez_compressed, a=LATENT), npz(numpy.savez, a=LATENT, b=LATENT)]
SAFETENSORS = [
    safetensors.numpy.save({"latents": LATENT}),
    safetensors.numpy.save({"latents": numpy.concatenate([LATENT, LATENT])}),
    safetensors.numpy.save({"others": LATENT}),
]
RAW = [LATENT.tobytes(), LATENT.astype("<f2").tobytes()]


def files(whole: list[bytes]) -> st.SearchStrategy[bytes]:
    """Mostly whole files, then truncated files, then noise."""
    cut = st.builds(lambda file, part: file[: len(file) * part // 100], st.sampled_from(whole), st.integers(0, 99))
    return st.one_of(st.sampled_from(whole), st.sampled_from(whole), cut, st.binary(max_size=200))


EVERYTHING = files(JPEG + PNG + WEBP + NPY + NPZ + SAFETENSORS + RAW)

schemathesis.openapi.media_type("image/jpeg", files(JPEG))
schemathesis.openapi.media_type("image/png", files(PNG))
schemathesis.openapi.media_type("image/webp", files(WEBP))
schemathesis.openapi.media_type("application/x-npy", files(NPY))
schemathesis.openapi.media_type("application/x-npz", files(NPZ))
schemathesis.openapi.media_type("application/vnd.safetensors", files(SAFETENSORS))
schemathesis.openapi.media_type("tensor/binary", files(RAW))
schemathesis.openapi.media_type("application/octet-stream", EVERYTHING)
schemathesis.openapi.media_type("application/x-www-form-urlencoded", EVERYTHING)
schemathesis.openapi.format("binary", EVERYTHING)
schemathesis.openapi.format("uae-file", EVERYTHING.map(lambda file: base64.b64encode(file).decode()))
