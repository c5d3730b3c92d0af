# SPDX-License-Identifier: Apache-2.0
"""Writes Tests/Fixtures/data/arrays: the numbers 0, 0.25, 0.5, ... as [2, 3, 4], in every form in which numpy saves them.

    pip install numpy==2.4.6
    python3 Tests/Fixtures/make_array_cases.py

`refused-*` have types that no latent has. `zeros.npz` is 8 MB that compress to 8 kB.
"""

import io
from pathlib import Path

import numpy as np

OUT = Path(__file__).parent / "data" / "arrays"
VALUES = (np.arange(24) / 4).reshape(2, 3, 4)


class Pipe(io.RawIOBase):
    """A target that cannot seek, so that zipfile writes lengths after the data."""

    def __init__(self):
        self.content = b""

    def writable(self):
        return True

    def write(self, piece):
        self.content += bytes(piece)
        return len(piece)


OUT.mkdir(exist_ok=True)
for dtype in ["<f2", ">f2", "<f4", ">f4", "<f8", ">f8"]:
    for order in "CF":
        name = f"{'big' if dtype[0] == '>' else 'little'}-{dtype[1:]}-{order}"
        np.save(OUT / f"{name}.npy", np.asarray(VALUES.astype(dtype), order=order))
for version in [(1, 0), (2, 0), (3, 0)]:
    with open(OUT / f"version-{version[0]}.npy", "wb") as file:
        np.lib.format.write_array(file, VALUES, version=version)
np.savez(OUT / "stored.npz", latents=VALUES, labels=np.arange(2))
np.savez_compressed(OUT / "deflated.npz", latents=VALUES, latents_flip=-VALUES)
np.savez_compressed(OUT / "fortran-big.npz", latents=np.asfortranarray(VALUES.astype(">f4")))
np.savez(OUT / "unnamed.npz", VALUES.astype("<f4"))
for name, save in [("piped", np.savez), ("piped-deflated", np.savez_compressed)]:
    pipe = Pipe()
    save(pipe, latents=VALUES)
    (OUT / f"{name}.npz").write_bytes(pipe.content)
np.savez(OUT / "refused-names.npz", a=VALUES, b=VALUES)
np.savez_compressed(OUT / "zeros.npz", latents=np.zeros((1000, 1000)))
for name, dtype in [("uint8", "u1"), ("int64", "i8"), ("bool", "?"), ("complex", "c8"), ("long", "g"), ("text", "U4")]:
    np.save(OUT / f"refused-{name}.npy", VALUES.astype(dtype))
np.save(OUT / "refused-structured.npy", np.zeros(3, [("a", "<f4"), ("b", "<f4", (2,))]))
np.save(OUT / "refused-object.npy", np.array([1.5, None]), allow_pickle=True)
