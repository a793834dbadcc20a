import json
import math
from pathlib import Path

import numpy as np
import pytest

from eval.__main__ import main
from eval.audio import AudioError, write_wav
from eval.commands.codec import codec_table, find_audio, reconstruct, table_markdown
from eval.metrics.codec_metrics import (
    METRICS,
    codec_metrics,
    mel_distance,
    mel_filters,
    stft_distance,
)
from tiny import NUM_CODEBOOKS, save_tiny, speech_like, tiny_codec


def test_a_wav_equals_itself():
    wav = speech_like(2.0)
    metrics = codec_metrics(wav, wav.copy(), 24000)
    assert tuple(metrics) == METRICS
    assert metrics["sim"] == pytest.approx(1.0, abs=1e-5)
    assert metrics["stoi"] == pytest.approx(1.0, abs=1e-3)
    assert metrics["pesq_nb"] is not None
    assert metrics["pesq_nb"] > 4.4
    assert metrics["pesq_wb"] is not None
    assert metrics["pesq_wb"] > 4.4
    assert metrics["mel_distance"] == metrics["stft_distance"] == 0.0


def test_more_noise_is_worse():
    wav = speech_like(2.0)
    noise = np.random.default_rng(1).standard_normal(wav.size).astype(np.float32)
    little, much = (codec_metrics(wav, wav + gain * noise, 24000) for gain in (0.003, 0.1))
    for metric in ("stoi", "pesq_nb", "pesq_wb"):
        assert (little[metric] or 0) > (much[metric] or 0), metric
    for metric in ("mel_distance", "stft_distance"):
        assert (little[metric] or 0) < (much[metric] or 0), metric


def test_half_the_level_is_the_log_of_two():
    # A loud noise: every bin is far above the floor.
    wav = np.random.default_rng(0).uniform(-0.9, 0.9, 24000).astype(np.float32)
    assert mel_distance(wav, wav / 2, 24000) == pytest.approx(math.log10(2), rel=1e-4)
    assert stft_distance(wav, wav / 2) == pytest.approx(math.log10(2), rel=1e-4)


def test_mel_filters_cover_the_band():
    filters = mel_filters(24000, 1024, 80)
    assert filters.shape == (80, 513)
    assert (filters.max(axis=1) > 0).all()
    assert filters.max() <= 1.0
    # Slaney's scale: 1 kHz is mel 15, so the filter around it is no. 15 / (top mel / 81).
    top = 15 + math.log(12) / (math.log(6.4) / 27)
    assert abs(int(filters[:, round(1000 / (24000 / 1024))].argmax()) + 1 - 15 * 81 / top) <= 1


def test_undefined_metrics_are_none():
    silence = np.zeros(24000, np.float32)
    metrics = codec_metrics(silence, silence, 24000)
    assert [metrics[m] for m in METRICS[:4]] == [None] * 4
    assert metrics["mel_distance"] == 0.0
    short = codec_metrics(speech_like(0.2), speech_like(0.2), 24000)
    assert short["stoi"] is None
    assert codec_metrics(speech_like(1.0), silence, 24000)["pesq_wb"] is None


def test_lengths():
    wav = speech_like(1.0)
    with pytest.raises(AudioError, match="same utterance"):
        codec_metrics(wav, wav[:12000], 24000)
    with pytest.raises(AudioError, match="same utterance"):
        codec_metrics(wav[:0], wav, 24000)


def test_table_of_a_real_codec():
    codec, wav = tiny_codec(), speech_like(1.3, 44100)
    original, decoded = reconstruct(codec, wav, 44100, [1, NUM_CODEBOOKS])
    assert original.size == round(1.3 * 24000)
    assert {k: v.shape for k, v in decoded.items()} == dict.fromkeys((1, 4), original.shape)
    assert not np.array_equal(decoded[1], decoded[NUM_CODEBOOKS])


def _row(kind: str, system: str, bps: float, seconds: float, value: float | None) -> dict:
    k = int(system.split()[-1]) if system.startswith("K") else None
    head = {"kind": kind, "system": system, "num_codebooks": k, "bitrate_bps": bps}
    return {**head, "seconds": seconds, **dict.fromkeys(METRICS, value)}


def test_table_groups_by_kind_and_system():
    rows = [
        _row("music", "K = 1", 62.5, 1.0, 7.0),
        _row("speech", "K = 1", 62.5, 1.0, 1.0),
        _row("speech", "Opus 6 kbit/s", 6000.0, 1.0, None),
        _row("speech", "K = 1", 62.5, 3.0, 2.0),
        _row("speech", "Opus 6 kbit/s", 6400.0, 3.0, 5.0),
    ]
    table = codec_table(rows)
    assert [(r.kind, r.system, r.num_items) for r in table] == [
        ("speech", "K = 1", 2),
        ("speech", "Opus 6 kbit/s", 2),
        ("music", "K = 1", 1),
    ]
    assert [r.metrics["stoi"] for r in table] == [1.5, 5.0, 7.0]
    assert [r.counts["stoi"] for r in table] == [2, 1, 1]
    # The bitrate is that of all the audio: three parts of 6400 and one of 6000.
    assert [r.bitrate_bps for r in table] == [62.5, 6300.0, 62.5]
    text = table_markdown(table, "an encoder")
    assert "5.000 (n=1)" in text
    assert "2 speech, 1 music" in text


def test_sound_and_music_have_no_speech_metrics():
    wav = speech_like(1.0)
    metrics = codec_metrics(wav, wav * 0.9, 24000, is_speech=False)
    assert [metrics[m] for m in METRICS[:4]] == [None] * 4
    assert metrics["mel_distance"] == pytest.approx(-math.log10(0.9), rel=0.2)


def test_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    _, codec = save_tiny(tmp_path)
    for name in ("a", "b", "hum"):
        write_wav(tmp_path / "wavs" / f"{name}.wav", speech_like(1.0, seed=len(name)), 24000)
    (tmp_path / "speech.txt").write_text("wavs/a.wav\nwavs/b.wav\n")
    out = tmp_path / "out"
    argv = ["codec", str(tmp_path / "speech.txt"), "--sound", str(tmp_path / "wavs" / "hum.wav")]
    argv += ["--model", str(codec), "--out", str(out)]
    full = [*argv, "--num-codebooks", "1", "4", "--save-wavs", "--opus", "8"]
    assert main(full) == 0
    text = capsys.readouterr().out
    result = json.loads(text.splitlines()[-1])
    assert [(r["kind"], r["num_codebooks"]) for r in result["rows"]] == [
        *(("speech", k) for k in (1, 4, None)),
        *(("sound", k) for k in (1, 4, None)),
    ]
    assert result["num_items"] == 3
    assert [round(r["bitrate_bps"]) for r in result["rows"][:2]] == [62, 250]
    assert 7900 < result["rows"][2]["bitrate_bps"] < 8300
    assert (out / "table.md").read_text() in text
    assert len((out / "items.jsonl").read_text().splitlines()) == 9
    assert (out / "wavs" / "k4" / "b.wav").is_file()
    assert (out / "wavs" / "opus8" / "b.wav").is_file()
    # The second time everything is taken from the cache.
    before = {p: p.stat().st_mtime_ns for p in out.rglob("*") if p.is_file()}
    assert main(full) == 0
    assert capsys.readouterr().out == text
    assert {p: p.stat().st_mtime_ns for p in out.rglob("*") if p.is_file()} == before
    assert main([*argv, "--num-codebooks", "5"]) == 2
    assert "this codec has 1..4" in capsys.readouterr().err


def test_find_audio_spreads_the_limit(tmp_path: Path):
    for i in range(6):
        write_wav(tmp_path / f"{i}.wav", np.zeros(10, np.float32), 24000)
    (tmp_path / "notes.txt").write_text("no audio")
    assert [p.stem for p in find_audio([tmp_path], 3)] == ["0", "2", "4"]
    assert len(find_audio([tmp_path])) == 6
