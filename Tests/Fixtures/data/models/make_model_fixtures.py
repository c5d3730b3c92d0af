#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Three small models with random weights and what they compute, in numpy and double precision.

    python3 Tests/Fixtures/data/models/make_model_fixtures.py

`fft-bands`: a SigLIP2 encoder, the first edition's FFT bands by a schedule of ring widths, one mixing layer, the
denoiser, a transformer decoder with LayerScale on another grid than the latent's, and a head with a layer.
`all-layers`: every kind of layer that a uae-lite configuration can list, in its trunk and in its decoder.
`packing`: a latent that an embedding and the image's DCT coefficients share, with a decoder that draws the missing.
"""

import json
import math
import pathlib
import sys

import numpy as np

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[3] / "tools"))
import safetensors_files  # noqa: E402

erf = np.vectorize(math.erf)


def gelu(x):
    return 0.5 * x * (1 + erf(x / math.sqrt(2)))


ACTIVATIONS = {
    "none": lambda x: x,
    "relu": lambda x: np.maximum(x, 0),
    "relu6": lambda x: np.clip(x, 0, 6),
    "silu": lambda x: x / (1 + np.exp(-x)),
    "gelu": gelu,
}


class Weights:
    """Random tensors, remembered under the names that ask for them."""

    def __init__(self, seed):
        self.random, self.tensors = np.random.default_rng(seed), {}

    def __call__(self, name, *shape, scale=None, around=0.0):
        if name in self.tensors:  # A second use of the same layer.
            return self.tensors[name].astype(np.float64)
        scale = scale or 1 / math.sqrt(np.prod(shape[1:]) if len(shape) > 1 else 16)
        values = (around + scale * self.random.standard_normal(shape)).astype(np.float32)
        self.tensors[name] = values
        return values.astype(np.float64)


def pad(x, before_y, after_y, before_x, after_x):
    return np.pad(x, ((0, 0), (before_y, after_y), (before_x, after_x)))


def convolve(x, weight, bias, layer, groups=False):
    """x [C,H,W], weight [O,C,k,k] (or [C,1,k,k] with a kernel for each channel)."""
    k, s = layer["kernel"], layer.get("stride", 1)
    kind = layer.get("padding", "same")
    if kind == "same":
        total = [max((math.ceil(n / s) - 1) * s + k - n, 0) for n in x.shape[1:]]
        x = pad(x, total[0] // 2, total[0] - total[0] // 2, total[1] // 2, total[1] - total[1] // 2)
    elif kind == "symmetric":
        x = pad(x, k // 2, k // 2, k // 2, k // 2)
    height, width = ((n - k) // s + 1 for n in x.shape[1:])
    out = np.zeros((weight.shape[0], height, width))
    for y in range(k):
        for z in range(k):
            window = x[:, y : y + height * s : s, z : z + width * s : s][:, :height, :width]
            if groups:
                out += weight[:, 0, y, z, None, None] * window
            else:
                out += np.einsum("oc,chw->ohw", weight[:, :, y, z], window)
    if bias is not None:
        out += bias[:, None, None]
    return ACTIVATIONS[layer.get("activation", "none")](out)


def run_layers(w, prefix, layers, x):
    for index, layer in enumerate(layers):
        name, kind, channels = f"{prefix}.{index}", layer["kind"], x.shape[0]
        if kind in ("convolution", "depthwise"):
            groups = kind == "depthwise"
            outputs = channels if groups else layer["outputs"]
            weight = w(f"{name}.weight", outputs, 1 if groups else channels, layer["kernel"], layer["kernel"])
            bias = w(f"{name}.bias", outputs) if layer.get("bias", True) else None
            x = convolve(x, weight, bias, layer, groups)
        elif kind == "layer_norm":
            weight, bias = w(f"{name}.weight", channels, around=1), w(f"{name}.bias", channels)
            x = norm(x.T, weight, bias, layer["epsilon"]).T
        elif kind == "scale":
            x = x * w(f"{name}.weight", channels, around=1)[:, None, None]
        elif kind == "residual":
            x = x + run_layers(w, f"{name}.layers", layer["layers"], x)
        elif kind == "upsample":
            x = x.repeat(layer["factor"], 1).repeat(layer["factor"], 2)
        elif kind == "pixel_shuffle":
            f = layer["factor"]
            c, h, v = channels // (f * f), x.shape[1], x.shape[2]
            x = x.reshape(c, f, f, h, v).transpose(0, 3, 1, 4, 2).reshape(c, h * f, v * f)
        elif kind == "pixel_unshuffle":
            f = layer["factor"]
            h, v = x.shape[1] // f, x.shape[2] // f
            x = x.reshape(channels, h, f, v, f).transpose(0, 2, 4, 1, 3).reshape(channels * f * f, h, v)
    return x


def norm(x, weight, bias, epsilon):
    centred = x - x.mean(-1, keepdims=True)
    return centred / np.sqrt((centred**2).mean(-1, keepdims=True) + epsilon) * weight + bias


def gelu_tanh(x):
    return 0.5 * x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))


def dct_matrix(n):
    k, x = np.mgrid[:n, :n]
    return np.sqrt(np.where(k == 0, 1, 2) / n) * np.cos(np.pi * (x + 0.5) * k / n)


DECODER_BLOCK = {
    "norm1": "layernorm_before", "qkv": "attention.attention.{}", "out": "attention.output.dense",
    "norm2": "layernorm_after", "fc1": "intermediate.dense", "fc2": "output.dense",
}
SIGLIP2_BLOCK = {
    "norm1": "layer_norm1", "qkv": "self_attn.{}_proj", "out": "self_attn.out_proj",
    "norm2": "layer_norm2", "fc1": "mlp.fc1", "fc2": "mlp.fc2",
}


def run_blocks(w, prefix, names, sizes, activation, x):
    """Pre-norm transformer blocks on x [tokens, width], with LayerScale where sizes say so."""
    width, heads = sizes["width"], sizes["head_count"]
    for index in range(sizes["depth"]):
        name = f"{prefix}.{index}."

        def linear(part, value, outputs):
            return value @ w(f"{name}{part}.weight", outputs, value.shape[1]).T + w(f"{name}{part}.bias", outputs)

        def affine(part, value):
            weight, bias = w(f"{name}{part}.weight", width, around=1), w(f"{name}{part}.bias", width)
            return norm(value, weight, bias, sizes["layer_norm_epsilon"])

        parts = ("query", "key", "value") if names is DECODER_BLOCK else ("q", "k", "v")
        normed = affine(names["norm1"], x)
        q, k, v = (
            linear(names["qkv"].format(part), normed, width).reshape(len(x), heads, -1).transpose(1, 0, 2)
            for part in parts
        )
        scores = np.exp(q @ k.transpose(0, 2, 1) / math.sqrt(q.shape[2]))
        mixed = (scores / scores.sum(-1, keepdims=True) @ v).transpose(1, 0, 2).reshape(len(x), width)
        scales = [1, 1]
        if sizes.get("layer_scale"):
            scales = [w(f"{name}layer_scale{i}.lambda1", width, around=1) for i in (1, 2)]
        x = x + scales[0] * linear(names["out"], mixed, width)
        hidden = activation(linear(names["fc1"], affine(names["norm2"], x), sizes["mlp_width"]))
        x = x + scales[1] * linear(names["fc2"], hidden, width)
    return x


def siglip2_encoder(w, x, sizes):
    """x [3,H,H] -> [width, grid, grid]."""
    width, patch = sizes["width"], sizes["patch_side"]
    e = "encoder.model."
    weight, bias = w(e + "embeddings.patch_embedding.weight", width, 3, patch, patch), w(
        e + "embeddings.patch_embedding.bias", width
    )
    z = convolve(x, weight, bias, {"kernel": patch, "stride": patch, "padding": "none"})
    grid = z.shape[1]
    tokens = z.reshape(width, -1).T + w(e + "embeddings.position_embedding.weight", grid * grid, width, scale=0.5)
    tokens = run_blocks(w, e + "encoder.layers", SIGLIP2_BLOCK, sizes, gelu_tanh, tokens)
    return norm(tokens, 1, 0, sizes["layer_norm_epsilon"]).T.reshape(width, grid, grid)


def transformer_decoder(w, z, sizes, patch_count):
    """z [C,h,h] -> [grid², patch_count]; the published decoder, with LayerScale where sizes say so."""
    channels, side = z.shape[:2]
    width, grid = sizes["width"], sizes["grid_side"]
    d = "decoder."
    tokens = z.reshape(channels, -1).T @ w(d + "decoder_embed.weight", width, channels).T
    tokens = tokens + w(d + "decoder_embed.bias", width)
    if side != grid:
        source = np.maximum((np.arange(grid) + 0.5) * side / grid - 0.5, 0)
        low = source.astype(int)
        matrix = np.zeros((grid, side))
        for row, (at, first) in enumerate(zip(source, low)):
            matrix[row, first] += 1 - (at - first)
            matrix[row, min(first + 1, side - 1)] += at - first
        tokens = np.einsum("yi,xj,ijc->yxc", matrix, matrix, tokens.reshape(side, side, width)).reshape(-1, width)
    positions = w(d + "decoder_pos_embed", 1, grid * grid + 1, width, scale=0.5)[0]
    x = np.concatenate([w(d + "trainable_cls_token", 1, 1, width)[0], tokens]) + positions
    x = run_blocks(w, d + "decoder_layers", DECODER_BLOCK, sizes, gelu, x)
    weight, bias = w(d + "decoder_norm.weight", width, around=1), w(d + "decoder_norm.bias", width)
    x = norm(x, weight, bias, sizes["layer_norm_epsilon"])[1:]
    return x @ w(d + "decoder_pred.weight", patch_count, width).T + w(d + "decoder_pred.bias", patch_count)


def unpatchify(patches, grid, patch):
    x = patches.reshape(grid, grid, patch, patch, 3)
    return x.transpose(4, 0, 2, 1, 3).reshape(3, grid * patch, grid * patch)


def ring_bands(z, radii):
    """The first edition's residual split: hard rings that include both edges, each band taken out of what is left."""
    side = z.shape[1]
    rho = np.hypot(*np.meshgrid(*[np.fft.fftfreq(side) * side] * 2, indexing="ij"))
    rest, bands = z, []
    for low, high in zip(radii, radii[1:]):
        bands.append(np.fft.ifft2(np.fft.fft2(rest) * ((rho >= low) & (rho <= high))).real)
        rest = rest - bands[-1]
    return bands


def preprocess(pixels, mean, std):
    x = pixels.transpose(2, 0, 1) / 255
    return (x - np.array(mean)[:, None, None]) / np.array(std)[:, None, None]


def save(name, configuration, weights, expected):
    folder = HERE / name
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(configuration, indent=1) + "\n")
    tensors = [safetensors_files.of_array(key, value) for key, value in sorted(weights.tensors.items())]
    safetensors_files.write(folder / "model.safetensors", tensors)
    tensors = [
        safetensors_files.of_array(key, value if value.dtype == np.uint8 else value.astype(np.float32))
        for key, value in expected.items()
    ]
    safetensors_files.write(folder / "expected.safetensors", tensors)


def fft_model():
    w = Weights(6)
    pixels = w.random.integers(0, 256, (32, 32, 3), dtype=np.uint8)
    mean, std, channels, grid, width = [0.4, 0.5, 0.6], [0.2, 0.3, 0.25], 6, 8, 5
    encoder = {"patch_side": 4, "width": channels, "depth": 2, "head_count": 2, "mlp_width": 10,
               "layer_norm_epsilon": 1e-6}
    decoder = {"grid_side": 10, "width": 8, "depth": 2, "head_count": 2, "mlp_width": 12, "layer_norm_epsilon": 1e-6,
               "layer_scale": True}
    head = [{"kind": "convolution", "outputs": 7, "kernel": 3, "activation": "gelu"}]
    # A schedule that decreases gives the widths of the rings: radii 0, 2, 2.5, 4 in an 8 x 8 grid, edges that cells meet.
    schedule, radii = [8.0, 2.0, 6.0], [0, 2, 2.5, 4]
    z = siglip2_encoder(w, preprocess(pixels, mean, std), encoder)
    split = ring_bands(z, radii)
    symmetric = {"kernel": 3, "padding": "symmetric"}
    mixing = w("freq_modulator.band_transform.layers.0.weight", 3, 3, scale=0.6)
    name = "freq_modulator.denoiser."
    first = w(name + "0.weight", width, 3 * channels, 3, 3), w(name + "0.bias", width)
    second = w(name + "2.weight", channels, width, 3, 3), w(name + "2.bias", channels)

    def encode(kept):
        bands = [band if index < kept else 0 * band for index, band in enumerate(split)]
        mixed = np.einsum("ij,jchw->ichw", mixing, np.stack(bands))
        change = convolve(np.concatenate(mixed), *first, symmetric | {"activation": "silu"})
        return mixed, mixed.sum(0) + convolve(change, *second, symmetric)

    mixed, latent = encode(3)
    recon = unpatchify(transformer_decoder(w, latent, decoder, 27), 10, 3) * np.array(std)[:, None, None] + np.array(mean)[:, None, None]
    features = run_layers(w, "head", head, latent).mean((1, 2))
    logits = w("head.fc.weight", 4, 7) @ features + w("head.fc.bias", 4)
    configuration = {
        "format": "uae-model/1", "name": "fft-bands", "revision": "1",
        "image_side": 32, "channels": channels, "grid_side": grid,
        "encoder": {"family": "siglip2", "mean": mean, "std": std} | encoder,
        "decoder": {"output_side": 30, "patch_side": 3, "mean": mean, "std": std, "transformer": decoder},
        "frequency": {"transform": "fft", "schedule": schedule, "mixing_layers": 1, "denoiser_width": width},
        "head": {"classes": 4, "layers": head, "weight": "head.fc.weight", "bias": "head.fc.bias"},
    }
    save("fft-bands", configuration, w, {
        "pixels": pixels, "latent.pre_frequency": z, "latent": latent, "latent.ratio0.5": encode(2)[1],
        "latent.ratio0": encode(1)[1], "energy.bands": (mixed**2).mean((1, 2, 3)), "recon": recon, "logits": logits,
    })


def zigzag(n):
    """Flat indices of an n x n grid, lowest frequency first, in the service's order."""
    places = [(u, v) for u in range(n) for v in range(n)]
    places.sort(key=lambda place: (sum(place), place[0] if sum(place) % 2 == 0 else -place[0]))
    return [u * n + v for u, v in places]


def packing_model():
    trunk = [
        {"kind": "convolution", "outputs": 8, "kernel": 3, "stride": 2, "activation": "relu"},
        {"kind": "convolution", "outputs": 6, "kernel": 1},
    ]
    drawing = [
        {"kind": "pixel_unshuffle", "factor": 2},
        {"kind": "convolution", "outputs": 8, "kernel": 3, "activation": "relu", "bias": False},
        {"kind": "residual", "layers": [
            {"kind": "convolution", "outputs": 6, "kernel": 2, "stride": 2, "activation": "relu", "bias": False},
            {"kind": "convolution", "outputs": 32, "kernel": 1, "bias": False},
            {"kind": "pixel_shuffle", "factor": 2},
        ]},
        {"kind": "convolution", "outputs": 12, "kernel": 3, "bias": False},
        {"kind": "pixel_shuffle", "factor": 2},
    ]
    lite_model("packing", 8, 6, trunk, drawing)


def all_layers_model():
    trunk = [
        {"kind": "convolution", "outputs": 8, "kernel": 3, "stride": 2, "padding": "symmetric", "activation": "silu"},
        {"kind": "depthwise", "kernel": 5, "stride": 2, "activation": "gelu"},
        {"kind": "residual", "layers": [
            {"kind": "depthwise", "kernel": 7, "padding": "symmetric"},
            {"kind": "layer_norm", "epsilon": 1e-6},
            {"kind": "convolution", "outputs": 16, "kernel": 1, "activation": "gelu"},
            {"kind": "convolution", "outputs": 8, "kernel": 1},
            {"kind": "scale"},
        ]},
        {"kind": "residual", "layers": [{"kind": "convolution", "outputs": 8, "kernel": 3, "activation": "relu6"}]},
        {"kind": "convolution", "outputs": 10, "kernel": 4, "stride": 4, "padding": "none", "bias": False},
    ]
    drawing = [
        {"kind": "convolution", "outputs": 6, "kernel": 4, "stride": 4, "padding": "none", "bias": False},
        {"kind": "upsample", "factor": 2},
        {"kind": "convolution", "outputs": 12, "kernel": 3, "padding": "symmetric", "activation": "silu"},
        {"kind": "pixel_shuffle", "factor": 2},
    ]
    lite_model("all-layers", 7, 10, trunk, drawing)


def lite_model(name, seed, features_count, trunk, drawing):
    w = Weights(seed)
    side, grid, channels, embedded = 24, 4, 10, [5, 3, 2]
    pixels = w.random.integers(0, 256, (side, side, 3), dtype=np.uint8)
    seen, shown = ([0.4, 0.5, 0.6], [0.2, 0.3, 0.25]), ([0.5, 0.45, 0.4], [0.25, 0.2, 0.3])
    features = run_layers(w, "encoder.semantic", trunk, preprocess(pixels, *seen)).mean((1, 2))
    count = sum(embedded)
    embedding = w("encoder.embedding.weight", count, features_count) @ features + w("encoder.embedding.bias", count)
    colours = np.linalg.qr(w.random.standard_normal((3, 3)))[0].astype(np.float32)
    slots = channels * grid * grid - count
    # Low ones first, as in a real model, but shuffled a little.
    order = np.argsort(sum(np.mgrid[:3, :side, :side]).ravel() + 8 * w.random.random(3 * side * side))[:slots]
    decay = np.array([[1, -0.5], [0.5, -0.7], [0.2, -0.4]], np.float32)
    w.tensors |= {"packing.colours": colours, "packing.order": order.astype(np.float32), "packing.decay": decay}

    m, n = dct_matrix(side), dct_matrix(grid)
    planes = m @ np.einsum("dc,chw->dhw", colours.astype(np.float64), preprocess(pixels, *shown)) @ m.T
    places = [(channel, k) for k in zigzag(grid) for channel in range(channels)]
    held = [embedded[i // channels] if i // channels < len(embedded) else 0 for i in range(len(places))]
    semantic = [place for i, place in enumerate(places) if i % channels < held[i]]
    pictorial = [place for i, place in enumerate(places) if i % channels >= held[i]]
    spectrum = np.zeros((channels, grid * grid))
    for place, value in zip(semantic, embedding):
        spectrum[place] = value
    for place, index in zip(pictorial, order):
        spectrum[place] = planes.flat[index]
    distance = np.hypot(*np.mgrid[:side, :side])
    deviation = np.exp(decay[:, :1, None].astype(np.float64) + decay[:, 1:, None] * np.log(distance + 2))

    def decode(keep):
        kept = set(zigzag(grid)[:keep])
        found = np.zeros(3 * side * side)
        filled = [index for place, index in zip(pictorial, order) if place[1] in kept]
        found[filled] = planes.flat[filled]
        found = found.reshape(3, side, side)
        drawn = m @ run_layers(w, "decoder.convolutional", drawing, m.T @ (found / deviation) @ m) @ m.T * deviation
        empty = np.ones(3 * side * side, bool)
        empty[filled] = False
        found = np.where(empty.reshape(found.shape), drawn, found)
        picture = np.einsum("dc,dhw->chw", colours.astype(np.float64), m.T @ found @ m)
        return picture * np.array(shown[1])[:, None, None] + np.array(shown[0])[:, None, None]

    whole, cut = decode(grid * grid), decode(5)
    logits = w("head.weight", 4, count) @ embedding + w("head.bias", 4)
    configuration = {
        "format": "uae-model/1", "name": name, "revision": "1",
        "image_side": side, "channels": channels, "grid_side": grid,
        "packing": {"embedding_channels": embedded},
        "encoder": {"family": "uae-lite", "mean": seen[0], "std": seen[1],
                    "semantic": {"channels": features_count, "layers": trunk}},
        "decoder": {"output_side": side, "patch_side": 6, "mean": shown[0], "std": shown[1],
                    "convolutional": {"layers": drawing}},
        "frequency": {"transform": "dct"},
        "head": {"classes": 4, "source": "embedding", "weight": "head.weight", "bias": "head.bias"},
    }
    latent = n.T @ spectrum.reshape(channels, grid, grid) @ n
    save(name, configuration, w, {
        "pixels": pixels, "latent": latent, "recon": whole, "recon.keep5": cut, "logits": logits,
    })


if __name__ == "__main__":
    fft_model()
    all_layers_model()
    packing_model()
