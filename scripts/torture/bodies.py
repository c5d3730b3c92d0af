# SPDX-License-Identifier: Apache-2.0
"""Hostile and unusual bodies that are no images: arrays, archives, JSON and forms. Each gets the documented status, in
bounded time and memory, and a problem that is short and holds no control characters."""

import base64
import io
import json
import os
import random
import struct
import zipfile

from counts import Counts
from picture_files import png
from pictures import post, post_get, the_server_stays_small

FORM = "multipart/form-data; boundary=b"
CONTROLS = bytes(range(0x20)) + b"\x7f"


def check(body, status, slug, target="/decode", kind="application/octet-stream"):
    found, fields, content = post(body, target, kind)
    statuses = status if isinstance(status, tuple) else (status,)
    assert found in statuses, f"{found}, expected {statuses}: {content[:300]!r}"
    if fields["content-type"] == "application/problem+json":
        assert len(content) <= 4096, f"a problem of {len(content)} bytes"
        assert not any(byte in CONTROLS for byte in content), content
        problem = json.loads(content)
        assert slug is None or problem["type"] == f"urn:uae:problem:{slug}", problem
        assert problem["status"] == found and problem["request_id"] == fields["request-id"], problem


# Arrays and archives


def npy(shape, descr="<f4", order=False, data=None, version=1):
    header = f"{{'descr': {descr!r}, 'fortran_order': {order}, 'shape': {shape!r}, }}".encode()
    length = struct.pack("<H" if version == 1 else "<I", len(header))
    if data is None:
        count = 1
        for axis in shape:
            count *= axis
        data = bytes(count * int(descr[2:]))
    return b"\x93NUMPY" + bytes([version, 0]) + length + header + data


def npz(members, method=zipfile.ZIP_STORED):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return file.getvalue()


def patched(archive, offset, value, width="<I"):
    """Changes a field in the directory's first record."""
    place = archive.rindex(b"PK\x01\x02") + offset
    return archive[:place] + struct.pack(width, value) + archive[place + struct.calcsize(width) :]


def array_cases(shape):
    whole = npy((1, *shape))
    deflated = npz([("latents.npy", whole)], zipfile.ZIP_DEFLATED)
    for descr in ("<f2", ">f2", "<f4", ">f4", "<f8", ">f8"):
        for order in (False, True):
            yield f"{descr} {order}", npy((1, *shape), descr, order), 200, None
    for version in (2, 3):
        yield f"version {version}", npy((1, *shape), version=version), 200, None
    for descr in ("|u1", "<i8", "|b1", "<c8", "|O8", ">i4"):
        yield f"{descr}", npy((1, *shape), descr), 422, "tensor-shape"
    yield "a shape of many axes", npy((1,) * 200), 422, "tensor-shape"
    yield "a shape that overflows", npy((1 << 62, 1 << 62), data=b""), 422, "tensor-shape"
    yield "a huge shape", npy((1 << 40,), data=b""), 413, "too-many-items"
    yield "a type of megabytes", npy((1,), "<f" + "4" * 60_000, data=b""), 422, "tensor-shape"
    yield "a pooled vector", npy((1, shape[0])), 422, "tensor-shape"
    yield "npz", npz([("latents.npy", whole)]), 200, None
    yield "npz, deflated", deflated, 200, None
    yield "npz, another name", npz([("arr_0.npy", whole)]), 200, None
    yield "npz, two others", npz([("a.npy", whole), ("b.npy", whole)]), 422, "tensor-shape"
    yield "npz, a name with controls", npz([("a\x1b[2J.npy", b""), ("b.npy", b"")]), 422, "tensor-shape"
    yield "npz, 2000 entries", npz([(f"{index}.npy", b"") for index in range(2000)]), 422, "tensor-shape"
    yield "npz, no array", npz([("latents.txt", whole)]), 415, "unsupported-media"
    yield "npz in npz", npz([("latents.npy", deflated)]), 422, "tensor-shape"
    yield "npz, lzma", npz([("latents.npy", whole)], zipfile.ZIP_LZMA), 422, "tensor-shape"
    bomb = npz([("latents.npy", npy((1 << 24,)))], zipfile.ZIP_DEFLATED)
    yield "64 MB in 64 kB", bomb, (413, 422), None
    for count in (1, 1000, len(whole) + 1, 1 << 30, (1 << 32) - 2):
        yield f"a declared size of {count}", patched(deflated, 24, count), 422, "tensor-shape"
    for offset in (8, 10, 16, 20, 28, 30, 32, 42):
        yield f"a directory that lies at {offset}", patched(deflated, offset, 0xFFFF, "<H"), 422, "tensor-shape"
    yield "an end within the data", deflated[:-30], 422, "tensor-shape"


def damaged_arrays(shape):
    chance = random.Random(20251220)
    whole = npy((1, *shape))
    originals = [whole, npz([("latents.npy", whole)], zipfile.ZIP_DEFLATED), npz([("latents.npy", whole[:500])])]
    for _ in range(int(os.environ.get("TORTURE_MUTATIONS", "300"))):
        data = bytearray(chance.choice(originals))
        # The interesting bytes are at both ends.
        for _ in range(chance.choice((1, 1, 2, 8))):
            place = chance.randrange(min(200, len(data))) if chance.random() < 0.5 else -chance.randrange(1, 200)
            data[place] = chance.randrange(256)
        check(bytes(data), (200, 413, 415, 422), None)


# JSON


def request(image, **members):
    return json.dumps({"inputs": [{"b64": base64.b64encode(image).decode()}], **members}).encode()


def json_cases():
    image = png()
    marks = "e" + "\u0301" * 200_000
    whole = request(image)
    yield "a byte order mark", b"\xef\xbb\xbf" + whole, 200, None
    yield "UTF-16", whole.decode().encode("utf-16"), 415, "unsupported-media"
    yield "1.0 as an integer", whole[:-1] + b', "timeout_ms": 2.5e4}', 200, None
    for number in (b"1e400", b"1e30", b"1.5", b"-0.5", b"1e-99", b"9" * 64):
        yield f"{number.decode()[:8]} as an integer", whole[:-1] + b', "timeout_ms": ' + number + b"}", 400, "bad-parameter"
    yield "a long character as a name", request(image, **{marks[:1300]: 1}), 400, None
    yield "a long character as a value", request(image, timeout_ms=marks[:1300]), 400, None
    yield "a megabyte of one character", request(image, timeout_ms=marks), 400, None
    yield "controls in a value", request(image, timeout_ms="\x1b[2J\r\nX: y"), 400, "bad-parameter"
    for text in ("\x1b[2J", "a\r\nX: y", "\0", "\u0085", "\u2028", "x" * 1025, "e" + "\u0301" * 1000):
        body = {"inputs": [{"id": text, "b64": base64.b64encode(image).decode()}]}
        yield f"the id {ascii(text[:5])}", json.dumps(body).encode(), 400, "malformed-json"
    for body in ("[]", '"AAAA"', "null", "[" * 100_000):
        yield f"{body[:5]} alone", body.encode(), 415, "unsupported-media"
    for body in ('{"input": []}', '{"inputs": {}}', '{"inputs": "AAAA"}', '{"inputs": []}', '{"inputs": [[]]}', "{}"):
        yield body, body.encode(), 400, "malformed-json"
    for text in ("data:image/png,AAAA", "A", "AAA=A", "A A A", "data:" + "x" * 5000):
        yield f"base64 {text[:20]}", json.dumps({"inputs": [{"b64": text}]}).encode(), 400, "malformed-json"
    yield "an empty file", b'{"inputs": [{"b64": ""}]}', 422, "image-undecodable"


# Forms


def form(*parts):
    return b"".join(b"--b\r\n" + head + b"\r\n\r\n" + body + b"\r\n" for head, body in parts) + b"--b--\r\n"


def form_cases():
    image = png()
    named = b'Content-Disposition: form-data; name="f"; filename="a.png"'
    yield "a file", form((named, image)), 200, None
    yield "a file input left alone beside it", form((named.replace(b"a.png", b""), b""), (named, image)), 200, None
    yield "only one left alone", form((named.replace(b"a.png", b""), b"")), 415, "unsupported-media"
    yield "an empty file", form((named, b"")), 422, "image-undecodable"
    yield "no disposition", form((b"Content-Type: image/png", image)), 400, "malformed-multipart"
    yield "two dispositions", form((named + b"\r\n" + named, image)), 400, "malformed-multipart"
    for bad in (b"\0", b"\x1b[2J", b"\x7f", b"\x01"):
        yield f"a filename with {bad!r}", form((named.replace(b"a.png", bad), image)), 400, "malformed-multipart"
    yield "a filename with a tab", form((named.replace(b"a.png", b"a\tb"), image)), 400, "malformed-multipart"
    yield "a filename with a C1 control", form((named.replace(b"a.png", b"\xc2\x9b"), image)), 400, "malformed-multipart"
    yield "a filename of 1025 bytes", form((named.replace(b"a.png", b"x" * 1025), image)), 400, "malformed-multipart"
    yield "a filename that is not UTF-8", form((named.replace(b"a.png", b"\xff\xfe"), image)), 200, None
    yield "a parameter of marks", form((named, image), (b'Content-Disposition: form-data; name="keep"', "e\u0301".encode() * 9000)), 400, None
    yield "an unknown parameter of marks", form((named, image), (b'Content-Disposition: form-data; name="' + "\u0301".encode() * 3000 + b'"', b"1")), 400, "unknown-parameter"


def level_cases():
    """Lists of levels in JSON."""
    image = base64.b64encode(png()).decode()

    def body(keep):
        return f'{{"inputs": [{{"b64": "{image}"}}], "keep": {keep}}}'.encode()

    yield "three", body("[1, 4, 1.6e1]"), 200, None
    yield "as many as there may be", body(str([1] * 64)), 200, None
    yield "one more", body(str([1] * 65)), 413, "too-many-items"
    yield "2000", body(str([1] * 2000)), 413, "too-many-items"
    yield "many bytes", body(str([1] * 90_000)), 400, "bad-parameter"
    yield "a huge number", body("[1, " + "9" * 15 + "]"), 400, "bad-parameter"
    yield "a number of many digits", body("[1, " + "9" * 3000 + "]"), 400, "malformed-json"
    yield "a huge exponent", body("[1e999999999]"), 400, "bad-parameter"
    for keep in ("[]", "[-1]", "[1.5]", '"[1"', '"1,,2"', '"1,\\u0000"', '"' + "," * 4000 + '"'):
        yield keep[:20], body(keep), 400, "bad-parameter"
    for keep in ("[[1]]", '["1"]', "[null]", "[true]", "[{}]"):
        yield keep, body(keep), 400, "malformed-json"


def mixture_cases(shape):
    """Two latents in one image: values that overflow only together, and half a mixture."""
    target = "/decode?mix=low:9&normalize=false"

    def two(*files):
        inputs = [{"b64": base64.b64encode(file).decode()} for file in files]
        return json.dumps({"inputs": inputs, "on_error": "skip"}).encode()

    count = shape[0] * shape[1] * shape[2]
    high, low = (npy((1, *shape), data=struct.pack("<f", value) * count) for value in (3e38, -3e38))
    zeros = npy((1, *shape))
    yield "two that overflow", two(high, high), 422, "tensor-nonfinite", target
    yield "opposites that overflow", two(high, low), 422, "tensor-nonfinite", target
    yield "one that overflows", two(zeros, high), 422, "tensor-nonfinite", target
    yield "a contribution that overflows", two(high), 422, "tensor-nonfinite", "/decode?keep_from=0&keep_to=4&normalize=false"
    yield "half a mixture", two(zeros, b"?"), 415, "unsupported-media", target
    yield "a batch of two", npy((2, *shape)), 200, None, target
    yield "a batch of three", npy((3, *shape)), 400, "bad-parameter", target


def heads_of_parts_are_plain():
    """An id cannot break out of the header of its part."""
    image = base64.b64encode(png()).decode()
    ids = ['a"; x="b', "a\\", "é", "日本"]
    body = json.dumps({"inputs": [{"id": text, "b64": image} for text in ids]}).encode()
    connection = post_with_accept(body, "multipart/mixed")
    status, kind, content = connection
    assert status == 200 and kind.startswith("multipart/mixed"), (status, kind, content[:300])
    heads = [line for line in content.split(b"\r\n") if line.startswith(b"Content-Disposition")]
    assert heads == [
        b'Content-Disposition: inline; name="a_; x=_b"',
        b'Content-Disposition: inline; name="a_"',
        b'Content-Disposition: inline; name="_"',
        b'Content-Disposition: inline; name="__"',
    ], heads


def post_with_accept(body, accept):
    import http.client

    from counts import address

    connection = http.client.HTTPConnection(*address(), timeout=20)
    connection.request("POST", "/decode", body, {"Content-Type": "application/json", "Accept": accept})
    response = connection.getresponse()
    result = response.status, response.getheader("Content-Type"), response.read()
    connection.close()
    return result


def main():
    counts = Counts("bodies")
    shape = json.loads(post_get("/info")[2])["latent_shape"]
    for name, body, status, slug in array_cases(shape):
        counts.case(f"array: {name}", check, body, status, slug)
    for name, body, status, slug in json_cases():
        counts.case(f"JSON: {name}", check, body, status, slug, "/encode", "application/json")
    for name, body, status, slug in form_cases():
        counts.case(f"form: {name}", check, body, status, slug, "/encode", FORM)
    for name, body, status, slug in level_cases():
        counts.case(f"levels: {name}", check, body, status, slug, "/decode", "application/json")
    for name, body, status, slug, target in mixture_cases(shape):
        counts.case(f"mixture: {name}", check, body, status, slug, target)
    counts.case("damaged arrays", damaged_arrays, shape)
    counts.case("heads of parts are plain", heads_of_parts_are_plain)
    counts.case("the server stays small", the_server_stays_small)
    counts.finish()


if __name__ == "__main__":
    main()
