"""Predicted opinion scores: optional, with a clear word where they cannot be had."""

import json
import os
import sys
from pathlib import Path

import numpy as np
import pytest

from eval.__main__ import main
from eval.audio import AudioError, read_wav, write_wav
from eval.extras import MissingExtraError
from eval.metrics.mos import DistillMosRater, DnsmosRater, load_rater, rater_identity
from tiny import save_tiny, speech_like

AUDIO = Path(__file__).parent / "eval_audio"
JUDGES = os.environ.get("CAT_TTS_JUDGES", "")


def test_without_the_package_it_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(MissingExtraError, match=r"pip install -e '\.\[mos\]'"):
        DnsmosRater()


def test_unknown_rater():
    for function in (load_rater, rater_identity):
        with pytest.raises(ValueError, match="use dnsmos"):
            function("utmos")


def test_noise_is_rated_lower():
    pytest.importorskip("onnxruntime")
    pytest.importorskip("speechmos")
    rater = load_rater()
    # Twice this is just over the 9 s that one look takes.
    wav = speech_like(4.6, 24000)
    noise = np.random.default_rng(0).standard_normal(wav.size).astype(np.float32)
    clean, noisy = rater.rate(wav, 24000), rater.rate(wav + 0.1 * noise, 24000)
    assert set(clean) == {"overall", "signal", "background"}
    assert clean["background"] > noisy["background"]
    with pytest.raises(AudioError, match="empty"):
        rater.rate(wav[:0], 24000)
    assert all(1 <= value <= 5 for value in clean.values())


def test_distillmos_without_the_package_says_how_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setitem(sys.modules, "distillmos", None)
    monkeypatch.setattr(sys, "path", list(sys.path))
    for folder in (None, tmp_path):
        with pytest.raises(MissingExtraError, match=r"distillmos does not load .*\.\[judges\]"):
            DistillMosRater(folder)
    with pytest.raises(ValueError, match="distillmos:FOLDER"):
        load_rater("utmos")
    assert "torchaudio" not in sys.modules or sys.modules["torchaudio"].__file__


PACKAGE = """
import torch, torchaudio

class ConvTransformerSQAModel(torch.nn.Module):
    def forward(self, wav):
        assert wav.dtype == torch.float32 and wav.ndim == 2 and torch.is_inference_mode_enabled()
        return wav.abs().max(dim=1).values * 4
"""


@pytest.fixture
def judge(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A rater of a folder that gives four times the peak."""
    (tmp_path / "judge/distillmos").mkdir(parents=True)
    (tmp_path / "judge/distillmos/__init__.py").write_text(PACKAGE)
    monkeypatch.delitem(sys.modules, "distillmos", raising=False)
    monkeypatch.setattr(sys, "path", list(sys.path))
    load_rater.cache_clear()
    return f"distillmos:{tmp_path / 'judge'}"


def test_command_rates_folders_lists_and_meta_files(judge: str, tmp_path: Path, capsys):
    data = tmp_path / "data"
    for folder, level in (("a", 0.25), ("b", 0.5), ("b", 0.75)):
        wav = np.full(16000, level, np.float32)
        write_wav(data / folder / f"{level}.wav", wav, 16000)
    (data / "meta.lst").write_text("u|Yes.|a/0.25.wav|No.|b/0.5.wav\nv|Yes.|a/0.25.wav|No.\n")
    rated = {}
    for name in (".", "a", "meta.lst"):
        argv = ["mos", str(data / name), "--raters", judge, "--out", str(tmp_path / "out")]
        assert main(argv) == 0
        result = json.loads(capsys.readouterr().out.splitlines()[-1])
        rated[name] = {
            Path(group["folder"]).name: round(group["distillmos"]["estimate"], 2)
            for group in result["groups"]
        }
    assert rated["."] == {"a": 1.0, "b": 2.5, "all": 2.0}
    assert rated["a"] == {"a": 1.0}
    assert rated["meta.lst"] == {"a": 1.0, "b": 2.0, "all": 1.5}
    assert main(["mos", str(data / "none"), "--raters", judge]) == 2
    assert "no sound file" in capsys.readouterr().err


def test_copies_of_the_codec_are_judged_beside_the_original(judge: str, tmp_path: Path, capsys):
    _, codec = save_tiny(tmp_path)
    wav, rate = read_wav(AUDIO / "rms-birds.ogg")
    write_wav(tmp_path / "corpus/audio/u1.wav", wav, rate)
    (tmp_path / "corpus/metadata.csv").write_text(
        "id|speaker|gender|language|seconds|text\nu1|a|m|en|1|Nobody said so.\n"
    )
    write_wav(tmp_path / "loose/u2.wav", wav, rate)
    options = ["--model", str(codec), "--num-codebooks", "1", "4", "--opus"]
    options += ["--mos", judge, "--listener", "pocketsphinx"]
    rows = {}
    for name in ("corpus", "loose"):
        assert main(["codec", str(tmp_path / name), *options]) == 0
        out = capsys.readouterr().out
        assert "| DistillMOS | WER/CER |" in out
        found = json.loads(out.splitlines()[-1])["rows"]
        rows[name] = {row["system"]: row["metrics"] for row in found}
        assert list(rows[name]) == ["original", "K = 1", "K = 4"]
        assert rows[name]["original"]["distillmos"] == pytest.approx(4 * np.abs(wav).max(), rel=0.1)
        assert rows[name]["K = 1"]["distillmos"] != rows[name]["K = 4"]["distillmos"]
    # Against metadata.csv, and against what is heard in the original.
    assert rows["corpus"]["original"]["wer"] >= 1
    assert rows["loose"]["original"]["wer"] == 0 < rows["loose"]["K = 1"]["wer"]


def test_distillmos_comes_from_a_folder_and_needs_no_torchaudio(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """A package of the same names: how it is found and asked is tested, not what it says."""
    (tmp_path / "distillmos").mkdir()
    (tmp_path / "distillmos/__init__.py").write_text(PACKAGE)
    monkeypatch.delitem(sys.modules, "distillmos", raising=False)
    monkeypatch.setattr(sys, "path", list(sys.path))
    before = sys.modules.get("torchaudio")
    try:
        rater = DistillMosRater(tmp_path)
    finally:
        sys.modules.pop("distillmos", None)
    assert sys.modules.get("torchaudio") is before
    wav = 0.5 * np.ones(24000, np.float32)
    assert rater.rate(wav, 24000) == {"overall": pytest.approx(2.0, abs=0.5)}
    with pytest.raises(AudioError, match="empty"):
        rater.rate(wav[:0], 24000)
    with pytest.raises(AudioError, match="mono"):
        rater.rate(np.zeros((2, 100), np.float32), 24000)


def test_raters_are_named_for_the_report():
    assert rater_identity("dnsmos").startswith("DNSMOS P.835 (speechmos ")
    assert rater_identity("distillmos").startswith("DistillMOS ")
    assert rater_identity("distillmos:some/folder") == "DistillMOS"


@pytest.mark.skipif(not JUDGES, reason="CAT_TTS_JUDGES names no folder of judges")
def test_distillmos_rates_noise_lower():
    folder = Path(JUDGES) / "distillmos"
    if not folder.is_dir():
        pytest.skip(f"{folder} is not there")
    rater = load_rater(f"distillmos:{folder}")
    wav, rate = read_wav(AUDIO / "rms-birds.ogg")
    noise = np.random.default_rng(0).standard_normal(wav.size).astype(np.float32)
    clean, noisy = (rater.rate(x, rate)["overall"] for x in (wav, wav + 0.03 * noise))
    assert 0.5 < noisy < clean - 0.5 < 5.0
