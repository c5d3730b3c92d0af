# SPDX-License-Identifier: Apache-2.0
"""What several formats need: made metadata, a made image, alpha on white."""

import struct

import numpy as np


def pattern(width, height):
    """Noise, black and white in 16-pixel squares: [height, width, 3]."""
    y, x, c = np.meshgrid(
        np.arange(height, dtype=np.uint32), np.arange(width, dtype=np.uint32), np.arange(3, dtype=np.uint32), indexing="ij"
    )
    noise = ((x * np.uint32(73856093)) ^ (y * np.uint32(19349663)) ^ (c * np.uint32(83492791))) * np.uint32(2654435761)
    noise = noise >> np.uint32(24)
    kind = (x // 16 + y // 16 + c) % 4
    return np.where(kind == 0, 0, np.where(kind == 1, 255, noise)).astype(np.uint8)


def on_white(colour, alpha):
    t = colour.astype(np.uint32) * alpha + 255 * (255 - alpha.astype(np.uint32)) + 128
    return ((t + (t >> 8)) >> 8).astype(np.uint8)


def tiff(value, order="MM", kind=3, extra=()):
    """A TIFF block with the orientation tag after `extra` entries."""
    e = ">" if order == "MM" else "<"
    entries = list(extra) + [(0x0112, kind, 1, value)]
    block = order.encode() + struct.pack(e + "HIH", 42, 8, len(entries))
    for tag, type_, count, v in entries:
        block += struct.pack(e + "HHI", tag, type_, count) + struct.pack(e + "H", v) + b"\0\0"
    return block + b"\0\0\0\0"


def xmp(value, is_element=False):
    orientation = f"<tiff:Orientation>{value}</tiff:Orientation>" if is_element else ""
    attribute = "" if is_element else f' tiff:Orientation="{value}"'
    return (
        f"<x:xmpmeta><!-- tiff:Orientation --><rdf:Description{attribute}>{orientation}</rdf:Description></x:xmpmeta>"
    ).encode()
