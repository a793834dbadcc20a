"""Strict configs and checkpoints: what does not belong is refused by name."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from goldens import golden
from tiny import tiny_codec, tiny_codec_config, tiny_tts_config
from tokenizer.checkpoint import CheckpointError, load_codec, save_codec
from tokenizer.config import CatConfig, ConfigError
from tokenizer.model import CatTokenizer
from tts.model.config import ConfigError as TtsConfigError
from tts.model.config import TtsConfig


def raw() -> dict:
    return json.loads(json.dumps(tiny_codec_config().to_dict()))


def test_round_trip():
    assert CatConfig.from_dict(raw()) == tiny_codec_config()
    config = tiny_tts_config()
    assert TtsConfig.from_dict(json.loads(json.dumps(config.to_dict()))) == config


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda c: c.update(colour=1), "unknown key colour"),
        (lambda c: c["quantizer_kwargs"].update(spin=1), "unknown key spin"),
        (lambda c: c["encoder_kwargs"][1].update(gating="silu"), "gating='silu'"),
        (lambda c: c["encoder_kwargs"][0].update(module_type="Conv"), "module_type='Conv'"),
        (lambda c: c["encoder_kwargs"][0].update(patch_size=3), "patch sizes"),
        (lambda c: c["quantizer_kwargs"].update(quantizer_type="fsq"), "quantizer_type='fsq'"),
        (lambda c: c.pop("downsample_rate"), "downsample_rate"),
        (lambda c: c.update(sample_rate=1), "contradicts"),
    ],
)
def test_what_is_wrong_is_named(change, message):
    config = raw()
    change(config)
    with pytest.raises(ConfigError, match=message):
        CatConfig.from_dict(config)


def test_unknown_key_of_the_language_model_is_named():
    data = tiny_tts_config().to_dict()
    data["language_config"]["mood"] = 1
    with pytest.raises(TtsConfigError, match="unknown key mood"):
        TtsConfig.from_dict(data)


def test_alias_of_the_sample_rate():
    config = raw()
    config["sample_rate"] = config.pop("sampling_rate")
    assert CatConfig.from_dict(config) == tiny_codec_config()


@pytest.mark.parametrize("text", ["{", "[]", ""])
def test_config_that_is_no_object(tmp_path, text):
    (tmp_path / "config.json").write_text(text)
    with pytest.raises(ConfigError):
        CatConfig.from_file(tmp_path / "config.json")


@pytest.fixture
def folder(tmp_path) -> Path:
    save_codec(tiny_codec(), tmp_path)
    return tmp_path


def test_missing_folder_says_what_a_model_is(tmp_path):
    with pytest.raises(CheckpointError, match=r"config\.json is missing"):
        load_codec(tmp_path / "nothing")


def test_missing_weights(folder):
    (folder / "model.safetensors").unlink()
    with pytest.raises(CheckpointError, match=r"model\.safetensors is missing"):
        load_codec(folder)


def test_truncated_weights(folder):
    file = folder / "model.safetensors"
    file.write_bytes(file.read_bytes()[:-100])
    with pytest.raises(CheckpointError, match="damaged or cut short"):
        load_codec(folder)


def test_renamed_and_reshaped_tensors_are_named(folder):
    tensors = load_file(folder / "model.safetensors")
    name = "encoder.1.input_proj.weight"
    renamed = {("x" if k == name else k): v for k, v in tensors.items()}
    save_file(renamed, folder / "model.safetensors")
    with pytest.raises(CheckpointError, match=r"encoder\.1\.input_proj\.weight.*'x'"):
        load_codec(folder)
    reshaped = dict(tensors)
    reshaped[name] = tensors[name][:, :-1].contiguous()
    save_file(reshaped, folder / "model.safetensors")
    with pytest.raises(CheckpointError, match="has shape"):
        load_codec(folder)


def test_shards_are_joined(folder):
    tensors = load_file(folder / "model.safetensors")
    names = sorted(tensors)
    halves = {"a.safetensors": names[::2], "b.safetensors": names[1::2]}
    for file, part in halves.items():
        save_file({n: tensors[n] for n in part}, folder / file)
    (folder / "model.safetensors").unlink()
    weight_map = {n: f for f, part in halves.items() for n in part}
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": weight_map}))
    loaded = load_codec(folder)
    for name, tensor in tiny_codec().state_dict().items():
        assert torch.equal(loaded.state_dict()[name], tensor)


def test_every_published_name_and_shape_is_accounted_for():
    published = golden("published")
    config = CatConfig.from_file(published / "moss_audio_tokenizer.config.json")
    with torch.device("meta"):
        codec = CatTokenizer(config)
    shapes = json.loads((published / "moss_audio_tokenizer.shapes.json").read_text())
    assert {k: list(v.shape) for k, v in codec.state_dict().items()} == shapes
    assert codec.frame_rate == 12.5
