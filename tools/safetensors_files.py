# SPDX-License-Identifier: Apache-2.0
"""Reads and writes safetensors with numpy only."""

import json
import struct

import numpy

# numpy has no bfloat16; its bits are kept as 16-bit integers.
DTYPES = {"F32": numpy.float32, "F16": numpy.float16, "BF16": numpy.uint16, "U8": numpy.uint8}


def read_header(path):
    """The header of a file: name -> {"dtype", "shape", "data_offsets"}, and the offset of the data."""
    with open(path, "rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        header = json.loads(file.read(length))
    header.pop("__metadata__", None)
    return header, 8 + length


def read(path):
    """All tensors of a file as numpy arrays; BF16 ones become float32."""
    header, start = read_header(path)
    data = numpy.memmap(path, dtype=numpy.uint8, mode="r", offset=start)
    tensors = {}
    for name, entry in header.items():
        begin, end = entry["data_offsets"]
        values = numpy.frombuffer(data[begin:end].tobytes(), dtype=DTYPES[entry["dtype"]])
        if entry["dtype"] == "BF16":
            values = (values.astype(numpy.uint32) << 16).view(numpy.float32)
        tensors[name] = values.reshape(entry["shape"])
    return tensors


def write(path, tensors, metadata=None):
    """Writes (name, dtype code, shape, little-endian bytes) in the order given."""
    header = {"__metadata__": metadata} if metadata else {}
    offset = 0
    for name, dtype, shape, data in tensors:
        header[name] = {"dtype": dtype, "shape": list(shape), "data_offsets": [offset, offset + len(data)]}
        offset += len(data)
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for _, _, _, data in tensors:
            file.write(data)


def of_array(name, array):
    """A numpy array as an argument of `write`."""
    code = {"float32": "F32", "float16": "F16", "uint8": "U8"}[array.dtype.name]
    return name, code, array.shape, numpy.ascontiguousarray(array).tobytes()
