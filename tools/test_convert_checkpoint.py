#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Tests of convert_checkpoint.py on the golden models.

    python3 tools/test_convert_checkpoint.py

The repository keeps each golden model's weights once, in its model folder; here they are put back into the form in
which the authors publish them. The `.pt` cases need torch and are left out, loudly, where it is not installed.
"""

import importlib.util
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

import yaml

import convert_checkpoint
import safetensors_files

GOLDEN = pathlib.Path(__file__).resolve().parent.parent / "Tests" / "Fixtures" / "data" / "golden"
FAMILIES = ("dinov2", "clip", "siglip2")
HAS_TORCH = importlib.util.find_spec("torch") is not None


class ConvertCheckpointTests(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.source = pathlib.Path(folder.name) / "source"
        self.target = pathlib.Path(folder.name) / "model"

    def publish(self, family):
        """The golden model as the authors would publish it."""
        golden = GOLDEN / family
        shutil.copytree(golden, self.source, ignore=shutil.ignore_patterns("model", "expected-*", "*.png", "*.jpg"))
        shutil.copyfile(golden / "model" / "model.safetensors", self.source / "checkpoint.safetensors")
        if (golden / "model" / "stats.safetensors").exists():
            shutil.copyfile(golden / "model" / "stats.safetensors", self.source / "normalization_stats.safetensors")

    def change(self, **parameters):
        """Changes members of config.yaml's params; None removes one."""
        path = self.source / "config.yaml"
        configuration = yaml.safe_load(path.read_text())
        section = configuration["stage_1"]["params"]
        section.update(parameters)
        configuration["stage_1"]["params"] = {key: value for key, value in section.items() if value is not None}
        path.write_text(yaml.safe_dump(configuration))

    def convert(self, **options):
        convert_checkpoint.convert(self.source, self.target, **options)
        return json.loads((self.target / "config.json").read_text())

    def assertMissing(self, pattern):
        with self.assertRaisesRegex(convert_checkpoint.Missing, pattern):
            self.convert()

    def test_golden_models_become_the_model_folders_of_the_repository(self):
        for family in FAMILIES:
            with self.subTest(family):
                shutil.rmtree(self.source, ignore_errors=True)
                shutil.rmtree(self.target, ignore_errors=True)
                self.publish(family)
                self.convert(name=f"golden-{family}", revision="golden")
                wanted = {path.name: path.read_bytes() for path in (GOLDEN / family / "model").iterdir()}
                made = {path.name: path.read_bytes() for path in self.target.iterdir()}
                self.assertEqual(made, wanted)

    def test_published_configurations_are_known_by_name(self):
        sizes = {
            "facebook/dinov2-with-registers-base": ("dinov2", 768, 12, 3072, 14),
            "openai/clip-vit-large-patch14": ("clip", 1024, 24, 4096, 14),
            "google/siglip2-base-patch16-256": ("siglip2", 768, 12, 3072, 16),
        }
        for name, (family, width, depth, mlp, patch) in sizes.items():
            shutil.rmtree(self.source, ignore_errors=True)
            self.publish(family)
            shutil.rmtree(self.source / "encoder")
            self.change(encoder_config_path=name)
            found, preprocessor, where = convert_checkpoint.encoder_configuration(
                self.source, convert_checkpoint.read_parameters(self.source)[1]
            )
            section = convert_checkpoint.encoder_section(family, found, preprocessor, 16 * patch, where)
            self.assertEqual(
                (section["width"], section["depth"], section["mlp_width"], section["patch_side"]),
                (width, depth, mlp, patch),
            )
            # The golden weights are smaller, and that is noticed.
            self.assertMissing("has the shape|lacks")

    def test_the_published_decoder_is_known_by_name(self):
        self.publish("clip")
        shutil.rmtree(self.source / "decoder")
        self.change(decoder_config_path="configs/decoder/ViTXL")
        self.assertMissing(r"decoder.* \[256, 112\], the configuration says \[4096, 1152\]")

    def test_a_head_and_labels_come_along(self):
        self.publish("clip")
        head, labels = self.source / "probe.safetensors", self.source / "names.txt"
        safetensors_files.write(head, [("weight", "F32", (2, 80), bytes(640)), ("bias", "F32", (2,), bytes(8))])
        labels.write_text("cat\ndog\n")
        configuration = self.convert(head=head, labels=labels)
        self.assertEqual(configuration["head"], {"classes": 2, "file": "head.safetensors"})
        self.assertEqual((self.target / "labels.txt").read_text(), "cat\ndog\n")

    def test_what_is_missing_is_said_in_a_sentence(self):
        self.assertMissing("source is not a folder")
        self.publish("dinov2")
        self.change(encoder_cls="ResNet")
        self.assertMissing("encoder_cls is 'ResNet'")
        self.change(encoder_cls=None)
        self.assertMissing("lacks 'encoder_cls'")
        self.change(encoder_cls="Dinov2withNorm", frequency_config={"freq_transform": "fft"})
        self.assertMissing("freq_transform is 'fft'")
        self.change(frequency_config=None, normalization_stat_path="elsewhere.safetensors")
        self.assertMissing("elsewhere.safetensors .* is missing")
        self.change(normalization_stat_path="checkpoint.safetensors")
        self.assertMissing("lacks the tensor 'mean'")
        self.change(normalization_stat_path=None)
        self.convert()
        for name in ("decoder/config.json", "encoder/preprocessor_config.json", "encoder/config.json"):
            (self.source / name).unlink()
            self.assertMissing(f"{name} is missing")
        (self.source / "checkpoint.safetensors").unlink()
        self.assertMissing("missing")
        (self.source / "config.yaml").unlink()
        self.assertMissing("config.yaml is missing")

    def test_another_architecture_is_recognised(self):
        self.publish("siglip2")
        path = self.source / "encoder" / "config.json"
        configuration = json.loads(path.read_text())
        configuration["vision_config"]["num_hidden_layers"] = 4
        path.write_text(json.dumps(configuration))
        self.assertMissing("lacks 'encoder.model.encoder.layers.3")
        configuration["vision_config"]["hidden_act"] = "relu"
        path.write_text(json.dumps(configuration))
        self.assertMissing("hidden_act is 'relu'")

    def test_the_command_line_prints_the_sentence_and_fails(self):
        script = pathlib.Path(convert_checkpoint.__file__)
        run = subprocess.run(
            [sys.executable, script, self.source, self.target], capture_output=True, text=True, check=False
        )
        self.assertEqual(run.returncode, 1)
        self.assertRegex(run.stderr, "^convert_checkpoint: .* is not a folder.\n$")

    @unittest.skipUnless(HAS_TORCH, "torch is not installed")
    def test_torch_checkpoints_bare_and_under_ema_give_the_same_tensors(self):
        import torch

        self.publish("dinov2")
        checkpoint = self.source / "checkpoint.safetensors"
        tensors = safetensors_files.read(checkpoint)
        checkpoint.unlink()
        state = {name: torch.from_numpy(values.copy()) for name, values in tensors.items()}
        state["encoder.encoder.embeddings.mask_token"] = state["encoder.encoder.embeddings.mask_token"].bfloat16()
        statistics = safetensors_files.read(self.source / "normalization_stats.safetensors")
        (self.source / "normalization_stats.safetensors").unlink()
        torch.save(
            {name: torch.from_numpy(values.copy()).double() for name, values in statistics.items()},
            self.source / "stats.pt",
        )
        self.change(normalization_stat_path="stats.pt")
        wrapped = {f"module.{name}": value for name, value in state.items()}
        for saved in (state, {"ema": state, "step": 7}, {"ema": wrapped, "model": {}}):
            torch.save(saved, self.source / "checkpoint.pt")
            self.convert()
            made = safetensors_files.read(self.target / "model.safetensors")
            self.assertEqual(made.keys(), tensors.keys())
            for name, values in tensors.items():
                if name != "encoder.encoder.embeddings.mask_token":
                    self.assertTrue((made[name] == values).all(), name)
            made = safetensors_files.read(self.target / "stats.safetensors")
            self.assertTrue((made["var"] == statistics["var"]).all())


if __name__ == "__main__":
    unittest.main()
