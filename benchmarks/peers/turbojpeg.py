# SPDX-License-Identifier: Apache-2.0
"""libjpeg-turbo only, on request: `picture FILE COUNT` prints the seconds of each of COUNT decodings to RGB."""

import ctypes
import ctypes.util
import sys
import time

library = ctypes.CDLL(ctypes.util.find_library("turbojpeg"))
library.tjInitDecompress.restype = ctypes.c_void_p
library.tjDecompress2.argtypes = [
    ctypes.c_void_p, ctypes.c_char_p, ctypes.c_ulong, ctypes.c_void_p, *[ctypes.c_int] * 5,
]
library.tjDecompressHeader3.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_ulong, *[ctypes.c_void_p] * 4]
RGB = 0


def picture(path, count):
    with open(path, "rb") as file:
        jpeg = file.read()
    decoder = library.tjInitDecompress()
    width, height, subsampling, space = (ctypes.c_int() for _ in range(4))
    found = [ctypes.byref(value) for value in (width, height, subsampling, space)]
    assert library.tjDecompressHeader3(decoder, jpeg, len(jpeg), *found) == 0
    pixels = ctypes.create_string_buffer(width.value * height.value * 3)
    seconds = []
    # One extra decoding, not counted, touches the memory for the first time.
    for _ in range(int(count) + 1):
        start = time.monotonic()
        # No flags: the accurate transform and smooth upsampling, as the service needs them.
        failed = library.tjDecompress2(decoder, jpeg, len(jpeg), pixels, width, 0, height, RGB, 0)
        seconds.append(str(time.monotonic() - start))
        assert not failed
    library.tjDestroy(ctypes.c_void_p(decoder))
    return " ".join(seconds[1:])


for line in sys.stdin:
    command, *arguments = line.split()
    print(picture(*arguments) if command == "picture" else ctypes.util.find_library("turbojpeg"), flush=True)
