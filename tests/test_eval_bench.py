"""The benchmark runs on tiny configs, counts right, and ends with one JSON object."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
import torch

from eval.commands.bench import main
from eval.commands.bench_lm import arithmetic, endless, frame_products, random_model
from tiny import save_tiny, tiny_codec_config, tiny_published_config
from tts.model.lm import TtsModel


@pytest.fixture
def config(tmp_path):
    file = tmp_path / "config.json"
    file.write_text(json.dumps(tiny_published_config().to_dict()))
    return str(file)


def last_line(capsys) -> dict:
    return json.loads(capsys.readouterr().out.splitlines()[-1])


def test_random_config(config, tmp_path, capsys):
    codec = tmp_path / "codec.json"
    codec.write_text(json.dumps(tiny_codec_config().to_dict()))
    arguments = ["--random", "--config", config, "--codec-config", str(codec)]
    assert main([*arguments, "--frames", "2", "--repeats", "1", "--batch", "1", "3"]) == 0
    found = last_line(capsys)
    assert [(r["batch"], r["codebooks"]) for r in found["lm"]] == [(1, 4), (3, 4)]
    assert all(r["frames_per_s"] > 0 and r["first_frame_ms"] > 0 for r in found["lm"])
    assert found["codec"]["stream_80ms_over_whole"] > 0
    assert found["peak_memory_mb"] > 10


def test_roofline(config, capsys):
    arguments = ["--roofline", "--config", config, "--frames", "3", "--codebooks", "2"]
    assert main(arguments) == 0
    rows = last_line(capsys)["roofline"]
    assert [r["batch"] for r in rows] == [1, 16]
    for row in rows:
        assert row["efficiency"] == pytest.approx(row["bare_ms"] / row["frame_ms"], abs=2e-3)
        assert row["uncached_frames_per_s"] > 0
        assert row["times_uncached"] == pytest.approx(
            row["frames_per_s"] / row["uncached_frames_per_s"], rel=2e-2
        )


def test_every_product_of_a_frame_is_counted():
    """All weights but the norms and the embeddings, as often as a frame multiplies by them."""
    model = random_model(tiny_published_config(), "cpu", torch.float32, half=True)
    assert isinstance(model, TtsModel)
    temporal = sum(p.numel() for p in model.model.language_model.parameters() if p.ndim == 2)
    inner = sum(p.numel() for p in model.local_transformer.parameters() if p.ndim == 2)
    inner += sum(p.numel() for p in model.speech_embedding_to_local_mlp.parameters())
    outer = [
        *model.local_to_speech_embedding_mlps[:3].parameters(),
        *model.lm_heads[:3].parameters(),
    ]
    expected = temporal + 3 * inner + sum(p.numel() for p in outer)
    products = frame_products(model, 2)
    assert sum(w.numel() for w in products) == expected
    assert arithmetic(products, 4)["gflop"] == round(8 * expected / 1e9, 3)


def test_items_that_would_end_speak_on():
    """A model that wants to end at once is measured all the same, with every item."""
    model = random_model(tiny_published_config(), "cpu", torch.float32, half=True)
    model.lm_heads[0].weight.zero_()  # type: ignore[operator]
    model.config = replace(model.config, audio_end_token_id=0)
    session = endless(model, 2, 3, 5)
    for _ in range(5):
        assert [s.codes is not None for s in session.step()] == [True] * 3


def test_long_sound(tmp_path, capsys):
    _, codec = save_tiny(tmp_path)
    assert main(["--long", "0.01", "--codec", str(codec)]) == 0
    row = last_line(capsys)["long"][0]
    assert row["minutes"] == 0.01
    assert row["encode_s"] >= 0
