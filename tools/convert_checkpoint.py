#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Turns a published Unified Autoencoder into a model folder for `uae`.

    python3 tools/convert_checkpoint.py SOURCE MODEL_DIR [--name NAME] [--revision TEXT] [--head FILE --labels FILE]

SOURCE holds what the authors publish: config.yaml, encoder/ and decoder/ (Hugging Face configurations), the
checkpoint as .safetensors or .pt (its tensors bare or under "ema"), and normalisation statistics where config.yaml
names them. encoder/ may be absent for the three published encoders, decoder/ for ViTXL. MODEL_DIR gets config.json,
model.safetensors and, where there are any, stats.safetensors, head.safetensors and labels.txt, as
docs/model-folder.md describes them.
"""

import argparse
import hashlib
import json
import pathlib
import shutil
import sys

import yaml

import safetensors_files

FAMILIES = {"Dinov2withNorm": "dinov2", "CLIPwNorm": "clip", "SigLIP2wNorm": "siglip2"}

IMAGENET = {"image_mean": [0.485, 0.456, 0.406], "image_std": [0.229, 0.224, 0.225]}
OPENAI = {
    "image_mean": [0.48145466, 0.4578275, 0.40821073],
    "image_std": [0.26862954, 0.26130258, 0.27577711],
}
HALF = {"image_mean": [0.5, 0.5, 0.5], "image_std": [0.5, 0.5, 0.5]}

# The published encoders' Hugging Face configurations, as far as they count here.
PUBLISHED_ENCODERS = {
    "facebook/dinov2-with-registers-base": (
        {"hidden_size": 768, "num_hidden_layers": 12, "num_attention_heads": 12, "mlp_ratio": 4, "patch_size": 14,
         "num_register_tokens": 4, "layer_norm_eps": 1e-6},
        IMAGENET,
    ),
    "openai/clip-vit-large-patch14": (
        {"hidden_size": 1024, "num_hidden_layers": 24, "num_attention_heads": 16, "intermediate_size": 4096,
         "patch_size": 14, "layer_norm_eps": 1e-5},
        OPENAI,
    ),
    "google/siglip2-base-patch16-256": (
        {"vision_config": {"hidden_size": 768, "num_hidden_layers": 12, "num_attention_heads": 12,
                           "intermediate_size": 3072, "patch_size": 16, "layer_norm_eps": 1e-6}},
        HALF,
    ),
}
PUBLISHED_DECODERS = {
    "ViTXL": {"decoder_hidden_size": 1152, "decoder_num_hidden_layers": 28, "decoder_num_attention_heads": 16,
              "decoder_intermediate_size": 4096, "layer_norm_eps": 1e-12, "patch_size": 16},
}

# What a Hugging Face configuration may leave out because it is the library's default.
DEFAULTS = {
    "dinov2": {"patch_size": 14, "layer_norm_eps": 1e-6, "mlp_ratio": 4, "num_register_tokens": 4,
               "hidden_act": "gelu"},
    "clip": {"patch_size": 32, "layer_norm_eps": 1e-5, "hidden_act": "quick_gelu"},
    "siglip2": {"patch_size": 16, "layer_norm_eps": 1e-6, "hidden_act": "gelu_pytorch_tanh", "hidden_size": 768,
                "num_hidden_layers": 12, "num_attention_heads": 12, "intermediate_size": 3072},
}


class Missing(Exception):
    """Something that the source lacks, said in one sentence."""


def need(mapping, key, where):
    if key not in mapping:
        raise Missing(f"{where} lacks {key!r}.")
    return mapping[key]


def read_json(path):
    if not path.is_file():
        raise Missing(f"{path} is missing.")
    try:
        return json.loads(path.read_text())
    except ValueError as error:
        raise Missing(f"{path} is not JSON: {error}.") from error


def read_parameters(source):
    path = source / "config.yaml"
    if not path.is_file():
        raise Missing(f"{path} is missing.")
    stage = need(yaml.safe_load(path.read_text()) or {}, "stage_1", path)
    return stage, need(stage, "params", f"{path}: stage_1")


def encoder_configuration(source, parameters):
    """The encoder's Hugging Face configuration and its preprocessor's, from the folder or from its public name."""
    extra = parameters.get("encoder_params") or {}
    names = [parameters.get("encoder_config_path"), extra.get("dinov2_path"), extra.get("model_name")]
    names = [name for name in names if name]
    for name in names + ["encoder"]:
        folder = source / name
        if (folder / "config.json").is_file():
            return read_json(folder / "config.json"), read_json(folder / "preprocessor_config.json"), str(folder)
    for name in names:
        if name in PUBLISHED_ENCODERS:
            return *PUBLISHED_ENCODERS[name], name
    known = ", ".join(PUBLISHED_ENCODERS)
    raise Missing(f"{source / 'encoder' / 'config.json'} is missing and config.yaml names none of {known}.")


def decoder_configuration(source, parameters):
    name = parameters.get("decoder_config_path") or "decoder"
    for folder in (source / name, source / "decoder"):
        if (folder / "config.json").is_file():
            return read_json(folder / "config.json"), str(folder)
    short = pathlib.PurePath(name).name
    if short in PUBLISHED_DECODERS:
        return PUBLISHED_DECODERS[short], short
    raise Missing(f"{source / name / 'config.json'} is missing and {short!r} is not a published decoder.")


def encoder_section(family, configuration, preprocessor, input_side, where):
    values = DEFAULTS[family] | configuration.get("vision_config", configuration)
    expected = DEFAULTS[family]["hidden_act"]
    if values.get("hidden_act", expected) != expected:
        raise Missing(f"{where}: hidden_act is {values['hidden_act']!r}, a {family} encoder needs {expected!r}.")
    if values.get("use_swiglu_ffn"):
        raise Missing(f"{where}: use_swiglu_ffn is not supported.")
    width = need(values, "hidden_size", where)
    mlp = int(width * values["mlp_ratio"]) if family == "dinov2" else need(values, "intermediate_size", where)
    section = {
        "family": family,
        "input_side": input_side,
        "mean": need(preprocessor, "image_mean", f"{where}'s preprocessor"),
        "std": need(preprocessor, "image_std", f"{where}'s preprocessor"),
        "patch_side": values["patch_size"],
        "width": width,
        "depth": need(values, "num_hidden_layers", where),
        "head_count": need(values, "num_attention_heads", where),
        "mlp_width": mlp,
        "layer_norm_epsilon": values["layer_norm_eps"],
    }
    if family == "dinov2":
        section["register_count"] = values["num_register_tokens"]
    return section


def decoder_section(configuration, positions, encoder, where):
    """The decoder's sizes; its grid is read off the stored position embedding."""
    grid = round((positions - 1) ** 0.5)
    if grid * grid != positions - 1:
        raise Missing(f"decoder.decoder_pos_embed has {positions} rows, which is no square grid and a class token.")
    patch = need(configuration, "patch_size", where)
    return {
        "output_side": grid * patch,
        "patch_side": patch,
        "mean": encoder["mean"],
        "std": encoder["std"],
        "transformer": {
            "grid_side": grid,
            "width": need(configuration, "decoder_hidden_size", where),
            "depth": need(configuration, "decoder_num_hidden_layers", where),
            "head_count": need(configuration, "decoder_num_attention_heads", where),
            "mlp_width": need(configuration, "decoder_intermediate_size", where),
            "layer_norm_epsilon": need(configuration, "layer_norm_eps", where),
        },
    }


def frequency_section(parameters):
    given = parameters.get("frequency_config") or {}
    if given.get("freq_transform", "dct") != "dct":
        raise Missing(f"config.yaml: freq_transform is {given['freq_transform']!r}, only 'dct' has published weights.")
    split = given.get("band_split") or {}
    section = {
        "transform": "dct",
        "order": given.get("freq_order", "zigzag"),
        "cutoff": split.get("cutoff_mode", "reorder_1d"),
        "mode": split.get("mode", "low"),
    }
    if split.get("enabled", False):
        section["count"] = need(split, "count", "config.yaml: band_split")
    return section


def find_checkpoint(source, stage):
    """The file that config.yaml names, else the only one in the folder that could be meant."""
    named = stage.get("ckpt")
    if named and (source / named).is_file():
        return source / named
    statistics = stage["params"].get("normalization_stat_path")
    found = [
        path for path in sorted(source.iterdir())
        if path.suffix in (".pt", ".pth", ".safetensors") and path.name != statistics
    ]
    if len(found) != 1:
        raise Missing(f"config.yaml's checkpoint {str(named)!r} is missing from {source}.")
    return found[0]


def write_weights(checkpoint, target):
    """Writes the checkpoint as safetensors; a safetensors file is copied as it is."""
    if checkpoint.suffix == ".safetensors":
        shutil.copyfile(checkpoint, target)
        return
    state = load_torch(checkpoint)
    state = state.get("ema", state)
    if all(name.startswith("module.") for name in state):
        state = {name.removeprefix("module."): value for name, value in state.items()}
    safetensors_files.write(target, [of_torch(name, value) for name, value in state.items() if hasattr(value, "shape")])


def write_statistics(source, name, target):
    """Normalisation statistics, the tensors `mean` and `var`."""
    path = source / name
    if not path.is_file():
        raise Missing(f"{path} (config.yaml's normalization_stat_path) is missing.")
    if path.suffix == ".safetensors":
        names = safetensors_files.read_header(path)[0]
    else:
        statistics = load_torch(path)
        names = statistics.keys()
    for key in ("mean", "var"):
        if key not in names:
            raise Missing(f"{path} lacks the tensor {key!r}.")
    if path.suffix == ".safetensors":
        shutil.copyfile(path, target)
    else:
        safetensors_files.write(target, [of_torch(key, statistics[key].float()) for key in ("mean", "var")])


def digest(path):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def load_torch(path):
    try:
        import torch
    except ImportError:
        raise Missing(f"{path} needs torch to be read; install it, or give a .safetensors checkpoint.") from None
    return torch.load(path, map_location="cpu", weights_only=True, mmap=True)


def of_torch(name, value):
    """A torch tensor as `safetensors_files.write` takes it; half types stay, all others become float32."""
    import torch

    codes = {torch.float32: "F32", torch.float16: "F16", torch.bfloat16: "BF16"}
    value = value.detach().cpu().contiguous()
    if value.dtype not in codes:
        value = value.float()
    raw = value.view(torch.int16) if value.dtype == torch.bfloat16 else value
    return name, codes[value.dtype], tuple(value.shape), raw.numpy().tobytes()


def needed_tensors(configuration):
    """Names of the tensors without which the model cannot run: one or two of each part, so that a checkpoint of
    another architecture is recognised here; the server checks every tensor and its shape."""
    encoder = configuration["encoder"]
    prefix = {
        "dinov2": "encoder.encoder.encoder.layer.",
        "clip": "encoder.model.vision_model.encoder.layers.",
        "siglip2": "encoder.model.encoder.layers.",
    }[encoder["family"]]
    for index in range(encoder["depth"]):
        yield f"{prefix}{index}.mlp.fc1.weight", [encoder["mlp_width"], encoder["width"]]
    decoder = configuration["decoder"]["transformer"]
    for index in range(decoder["depth"]):
        yield f"decoder.decoder_layers.{index}.intermediate.dense.weight", [decoder["mlp_width"], decoder["width"]]
    yield "decoder.decoder_embed.weight", [decoder["width"], encoder["width"]]


def convert(source, target, name=None, revision=None, head=None, labels=None):
    if not source.is_dir():
        raise Missing(f"{source} is not a folder.")
    stage, parameters = read_parameters(source)
    kind = need(parameters, "encoder_cls", "config.yaml: params")
    if kind not in FAMILIES:
        raise Missing(f"config.yaml: encoder_cls is {kind!r}, which is none of {', '.join(FAMILIES)}.")
    family = FAMILIES[kind]
    if family != "clip" and not (parameters.get("encoder_params") or {}).get("normalize", True):
        raise Missing("config.yaml: encoder_params.normalize is false, which no published model is.")
    huggingface, preprocessor, where = encoder_configuration(source, parameters)
    decoder, decoder_where = decoder_configuration(source, parameters)
    checkpoint = find_checkpoint(source, stage)

    target.mkdir(parents=True, exist_ok=True)
    weights = target / "model.safetensors"
    write_weights(checkpoint, weights)
    header, _ = safetensors_files.read_header(weights)
    positions = need(header, "decoder.decoder_pos_embed", checkpoint.name)["shape"][1]

    section = encoder_section(family, huggingface, preprocessor, parameters.get("encoder_input_size", 224), where)
    decoder = decoder_section(decoder, positions, section, decoder_where)
    configuration = {
        "format": "uae-model/1",
        "name": name or source.resolve().name,
        "revision": revision or digest(weights)[:12],
        "image_side": decoder["output_side"],
        "channels": section["width"],
        "grid_side": section["input_side"] // section["patch_side"],
        "encoder": section,
        "decoder": decoder,
        "frequency": frequency_section(parameters),
    }
    for tensor, shape in needed_tensors(configuration):
        found = need(header, tensor, checkpoint.name)["shape"]
        if found != shape:
            raise Missing(f"{checkpoint.name}: {tensor} has the shape {found}, the configuration says {shape}.")
    statistics = parameters.get("normalization_stat_path")
    if statistics:
        write_statistics(source, statistics, target / "stats.safetensors")
        configuration["normalization"] = {"file": "stats.safetensors", "epsilon": 1e-5}
    if head:
        shutil.copyfile(head, target / "head.safetensors")
        classes = need(safetensors_files.read_header(head)[0], "weight", head)["shape"][0]
        configuration["head"] = {"classes": classes, "file": "head.safetensors"}
    if labels:
        shutil.copyfile(labels, target / "labels.txt")
        configuration["labels"] = "labels.txt"
    (target / "config.json").write_text(json.dumps(configuration, indent=2) + "\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", type=pathlib.Path, metavar="SOURCE")
    parser.add_argument("target", type=pathlib.Path, metavar="MODEL_DIR")
    parser.add_argument("--name", help="the model's name (default: the source folder's)")
    parser.add_argument("--revision", help="the model's revision (default: from the weights' SHA-256)")
    parser.add_argument("--head", type=pathlib.Path, help="a linear probe: safetensors with weight and bias")
    parser.add_argument("--labels", type=pathlib.Path, help="one category name a line")
    arguments = parser.parse_args()
    try:
        convert(**vars(arguments))
    except Missing as error:
        sys.exit(f"convert_checkpoint: {error}")


if __name__ == "__main__":
    main()
