"""A tokenizer at another sample rate keeps its codes and its sound."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
import soxr
import torch

from tiny import SAMPLE_RATE, speech_like, tiny_codec, tiny_codec_config, tiny_stereo_config
from tokenizer.checkpoint import load_codec, save_codec
from tokenizer.config import PatchConfig
from tokenizer.model import CatTokenizer
from tokenizer.train.__main__ import main
from tokenizer.train.data import PackedAudio, audio_files, pack
from tokenizer.train.rate import at_rate, config_at

NEW_RATE = 16000


@pytest.fixture
def speech(tmp_path: Path) -> Path:
    folder = tmp_path / "speech"
    folder.mkdir()
    for seed in range(6):
        wav = np.convolve(speech_like(5.0, seed=seed), np.ones(8) / 8, "same")  # as weak above
        soundfile.write(folder / f"{seed}.wav", wav, SAMPLE_RATE)
    return folder


def packed(folder: Path, out: Path, sample_rate: int) -> PackedAudio:
    return pack(audio_files([folder]), sample_rate, out / "audio")


def test_codes_and_sound_stay(speech: Path, tmp_path: Path):
    codec = tiny_codec()
    moved = at_rate(codec, packed(speech, tmp_path, NEW_RATE))
    moved.eval().requires_grad_(False).prepare()
    assert (moved.sample_rate, moved.frame_rate) == (NEW_RATE, codec.frame_rate)
    wav = soundfile.read(speech / "0.wav", dtype="float32")[0]
    same = soxr.resample(wav, SAMPLE_RATE, NEW_RATE)
    mine = codec.encode(torch.from_numpy(wav)[None, None])
    its = moved.encode(torch.from_numpy(same)[None, None])
    assert (mine == its).float().mean() > 0.9
    mine, its = (c.decode(mine)[0, 0].numpy() for c in (codec, moved))
    # noise of a random decoder has energy above what the new rate can hold
    mine = soxr.resample(mine, SAMPLE_RATE, NEW_RATE)[: len(its)]
    assert np.corrcoef(mine, its[: len(mine)])[0, 1] > 0.7


def test_a_stage_starts_from_a_tokenizer_of_another_rate(speech: Path, tmp_path: Path):
    save_codec(tiny_codec(), tmp_path / "old")
    recipe = tmp_path / "wave.toml"
    recipe.write_text('stage = "wave"\nfreeze_encoder = true\nsegment_s = 0.96\n', "utf-8")
    command = [str(speech), "--recipe", str(recipe), "--out", str(tmp_path / "run")]
    command += ["--init", str(tmp_path / "old"), "--sample-rate", str(NEW_RATE)]
    assert main([*command, "--budget-minutes", "5", "--max-steps", "1"]) == 0
    trained = load_codec(tmp_path / "run")
    assert trained.sample_rate == NEW_RATE
    moved = at_rate(load_codec(tmp_path / "old"), packed(speech, tmp_path, NEW_RATE))
    for name, weight in moved.encoder.state_dict().items():
        torch.testing.assert_close(trained.encoder.state_dict()[name], weight)


def test_what_cannot_be_moved_is_refused(speech: Path, tmp_path: Path):
    with pytest.raises(ValueError, match="240 samples at 24000 Hz is no whole number of samples"):
        config_at(tiny_codec_config(), 22050)
    with pytest.raises(ValueError, match="2 channels"):
        config_at(tiny_stereo_config(), NEW_RATE)
    config = tiny_codec_config()
    odd = replace(
        config, encoder_kwargs=(PatchConfig(120), config.encoder_kwargs[1], PatchConfig(16))
    )
    with pytest.raises(ValueError, match="other patches"):
        config_at(odd, NEW_RATE)
    assert isinstance(CatTokenizer(config_at(config, NEW_RATE)), CatTokenizer)
