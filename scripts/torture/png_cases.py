# SPDX-License-Identifier: Apache-2.0
"""PNG files and the status that each must get."""

import struct
import zlib

import picture_files as files
from picture_files import (
    EITHER,
    END,
    SIGNATURE,
    TAKEN,
    TOO_LARGE,
    UNDECODABLE,
    UNKNOWN,
    chunk,
    fixture,
    header,
    patched,
    png,
)


def png_cases():
    good = png()
    for colour, depths in ((0, (1, 2, 4, 8, 16)), (2, (8, 16)), (3, (1, 2, 4, 8)), (4, (8, 16)), (6, (8, 16))):
        for depth in depths:
            yield f"colour type {colour}, {depth} bits", png(depth=depth, colour=colour), TAKEN
    for colour in (0, 2, 3, 4, 6):
        for depth in (3, 5, 7, 0, 9, 32, 255):
            yield f"colour type {colour} with {depth} bits", png(colour=colour, stream=b"").replace(
                header(64, 48, 8, colour), header(64, 48, depth, colour)
            ), UNDECODABLE
    for colour in (1, 5, 7, 255):
        yield f"colour type {colour}", SIGNATURE + header(64, 48, 8, colour) + chunk(
            b"IDAT", zlib.compress(b"\0" * 9999)
        ) + END, UNDECODABLE
    for filtering in range(5):
        yield f"filter {filtering}", png(filtering=filtering), TAKEN
    yield "filter 5", png(filtering=5), UNDECODABLE
    yield "filter 255", png(filtering=255), UNDECODABLE
    for name in (
        "rgb8-adam7.png",
        "rgb16-adam7.png",
        "rgba8-adam7.png",
        "palette1-adam7.png",
        "grey-alpha16-adam7.png",
    ):
        yield name, fixture(name), TAKEN
    yield "interlace method 2", png(interlace=2), UNDECODABLE
    yield "Adam7 with the data of no interlace", png(interlace=1), EITHER
    for name, changed in (
        ("compression method", header(64, 48, compression=1)),
        ("filter method", header(64, 48, filtering=1)),
    ):
        yield f"{name} 1", good.replace(header(64, 48), changed), UNDECODABLE
    for width, height in ((1, 1), (1, 48), (64, 1), (3, 16384), (16384, 3), (1, 16384), (16384, 1), (255, 257)):
        yield f"{width} x {height}", png(width, height), TAKEN
    for width, height in ((0, 1), (1, 0), (0, 0)):
        yield f"{width} x {height}", png(width, height, stream=zlib.compress(b"\0")), UNDECODABLE
    for width, height in (
        (16385, 1),
        (1, 16385),
        (16384, 16384),
        (8001, 8000),
        (65535, 65535),
        (2**31 - 1, 2**31 - 1),
    ):
        yield f"{width} x {height} promised", SIGNATURE + header(width, height) + chunk(
            b"IDAT", zlib.compress(b"\0" * 99)
        ) + END, TOO_LARGE
    for width in (2**31, 2**32 - 1):
        yield f"{width} wide, beyond the format", SIGNATURE + header(width, 1) + END, (413, 422)
    yield "8000 x 8000 of nothing", SIGNATURE + header(8000, 8000) + chunk(
        b"IDAT", zlib.compress(b"\0" * 99)
    ) + END, UNDECODABLE
    bomb = zlib.compressobj(9)
    yield "bomb: 200 MB of zeros behind 64 x 48", png(stream=bomb.compress(bytes(200 << 20)) + bomb.flush()), EITHER
    text = zlib.compressobj(9)
    text = text.compress(bytes(100 << 20)) + text.flush()
    for kind, data in ((b"zTXt", b"k\0\0" + text), (b"iCCP", b"k\0\0" + text), (b"iTXt", b"k\0\1\0\0\0" + text)):
        yield f"bomb in {kind.decode()}", png(before=chunk(kind, data)), TAKEN
    for keyword in (b"Raw profile type exif", b"XML:com.adobe.xmp"):
        bomb = chunk(b"zTXt", keyword + b"\0\0" + text)
        yield f"bomb in {keyword.decode()}", png(before=bomb), TAKEN
        yield f"a hundred bombs in {keyword.decode()}", png(before=bomb * 100), TAKEN
    yield "a profile of nonsense", png(before=chunk(b"tEXt", b"Raw profile type exif\0\n\n\nxyz")), TAKEN
    yield "a text with a wrong checksum", png(before=chunk(b"tEXt", b"k\0v", crc=1)), TAKEN
    yield "eXIf with a wrong checksum", png(before=chunk(b"eXIf", b"II*\0", crc=1)), TAKEN
    yield "tRNS with a wrong checksum", png(middle=chunk(b"tRNS", bytes(6), crc=1)), UNDECODABLE
    yield "ten thousand ancillary chunks", png(before=chunk(b"teXt", b"k\0v") * 10_000), TAKEN
    yield "a hundred thousand empty IDAT", png(pieces=1).replace(END, chunk(b"IDAT") * 100_000 + END), EITHER
    yield "IDAT byte by byte", png(pieces=100_000), TAKEN
    yield "no IDAT", SIGNATURE + header(64, 48) + END, UNDECODABLE
    yield "empty IDAT", png(stream=b""), UNDECODABLE
    yield "no IEND", good[:-12], UNDECODABLE
    yield "no IHDR", SIGNATURE + good[33:], UNDECODABLE
    yield "IHDR twice", png(before=header(64, 48)), UNDECODABLE
    yield "IHDR of 12 bytes", SIGNATURE + chunk(b"IHDR", good[16:28]) + good[33:], UNDECODABLE
    yield "IHDR of 14 bytes", SIGNATURE + chunk(b"IHDR", good[16:29] + b"\0") + good[33:], UNDECODABLE
    yield "IHDR second", SIGNATURE + chunk(b"tEXt", b"k\0v") + good[8:], UNDECODABLE
    yield "signature only", SIGNATURE, UNDECODABLE
    yield "signature damaged by text mode", good.replace(b"\r\n\x1a\n", b"\n\x1a\n", 1), UNKNOWN
    for place in (29, 33 + 12, len(good) - 13, len(good) - 1):
        yield f"wrong checksum at {place}", patched(good, place, bytes([good[place] ^ 1])), UNDECODABLE
    for place in (20, 40, 60, len(good) // 2, len(good) - 4):
        yield f"cut at {place}", good[:place], UNDECODABLE
    yield "chunk length beyond the file", good.replace(chunk(b"IEND"), chunk(b"IEND", length=99)), UNDECODABLE
    yield "chunk length beyond 2^31", patched(good, 33, b"\xff\xff\xff\xff"), UNDECODABLE
    yield "chunk length 2^31 - 1", patched(good, 33, b"\x7f\xff\xff\xff"), UNDECODABLE
    yield "IDAT in two runs", SIGNATURE + header(64, 48) + chunk(b"IDAT", b"x") + chunk(b"tEXt", b"k\0v") + chunk(
        b"IDAT", b"y"
    ) + END, UNDECODABLE
    yield "unknown critical chunk", png(before=chunk(b"ABCD")), UNDECODABLE
    yield "unknown ancillary chunk", png(before=chunk(b"abCd", b"x" * 1000)), TAKEN
    yield "chunk type that is no text", png(before=chunk(b"\0\1\2\3")), UNDECODABLE
    yield "palette missing", SIGNATURE + header(64, 48, 8, 3) + chunk(
        b"IDAT", zlib.compress(files.rows(64, 48, 8, 3))
    ) + END, UNDECODABLE
    yield "palette empty", png(colour=3, before=chunk(b"PLTE")), UNDECODABLE
    yield "palette of 47 bytes", png(colour=3, before=chunk(b"PLTE", bytes(47))), UNDECODABLE
    yield "palette longer than the depth has colours", png(
        depth=1, colour=3, before=chunk(b"PLTE", bytes(48))
    ), EITHER
    yield "palette of 257 entries", png(colour=3, before=chunk(b"PLTE", bytes(771))), UNDECODABLE
    yield "palette twice", png(colour=3, middle=files.PALETTE), UNDECODABLE
    yield "palette index beyond the palette", png(colour=3, raw=(b"\0" + b"\xff" * 64) * 48), EITHER
    yield "palette after IDAT", png(colour=0, after=files.PALETTE), EITHER
    yield "palette in grey", png(colour=0, before=files.PALETTE), EITHER
    yield "palette in colour", png(before=files.PALETTE), TAKEN
    yield "tRNS longer than the palette", png(colour=3, middle=chunk(b"tRNS", bytes(300))), EITHER
    yield "tRNS in RGBA", png(colour=6, middle=chunk(b"tRNS", bytes(6))), EITHER
    yield "tRNS of five bytes", png(middle=chunk(b"tRNS", bytes(5))), EITHER
    yield "tRNS before the palette", png(colour=3, before=chunk(b"tRNS", b"\0") + files.PALETTE), EITHER
    yield "tRNS after IDAT", png(after=chunk(b"tRNS", bytes(6))), EITHER
    yield "zlib header wrong", png(stream=b"\0\0" + zlib.compress(files.rows(64, 48))[2:]), UNDECODABLE
    yield "zlib checksum wrong", png(stream=zlib.compress(files.rows(64, 48))[:-1] + b"\0"), EITHER
    yield "zlib with a dictionary", png(stream=b"\x78\x20\0\0\0\1" + b"\0" * 50), UNDECODABLE
    yield "not zlib at all", png(stream=b"hello" * 100), UNDECODABLE
    yield "a row too few", png(raw=files.rows(64, 47)), UNDECODABLE
    yield "a byte too few", png(raw=files.rows(64, 48)[:-1]), UNDECODABLE
    yield "a byte too many", png(raw=files.rows(64, 48) + b"\0"), TAKEN
    yield "trailing garbage", good + b"garbage" * 1000, TAKEN
    yield "two images in a row", good + good, TAKEN
    yield "animated (APNG)", png(
        before=chunk(b"acTL", struct.pack(">II", 2, 0))
        + chunk(b"fcTL", struct.pack(">IIIIIHHBB", 0, 64, 48, 0, 0, 1, 10, 0, 0)),
        after=chunk(b"fdAT", struct.pack(">I", 1) + zlib.compress(files.rows(64, 48))),
    ), TAKEN
    for kind, data in (
        (b"gAMA", b"\0\0\0\0"),
        (b"pHYs", b"\0" * 3),
        (b"sRGB", b"\xff"),
        (b"cHRM", b"x"),
        (b"bKGD", b""),
        (b"hIST", b"xx"),
        (b"sBIT", b"\0\0\0"),
        (b"tIME", b"\xff" * 7),
        (b"sPLT", b"x"),
    ):
        yield f"nonsense in {kind.decode()}", png(before=chunk(kind, data)), TAKEN
    tiff = b"II*\0\x08\0\0\0\x01\0" + struct.pack("<HHIHHI", 0x0112, 3, 1, 6, 0, 0)
    yield "eXIf orientation 6", png(before=chunk(b"eXIf", tiff)), TAKEN
    yield "eXIf cut", png(before=chunk(b"eXIf", tiff[:11])), TAKEN
    yield "eXIf that points to itself", png(before=chunk(b"eXIf", b"II*\0\x04\0\0\0" + b"\xff" * 20)), TAKEN
