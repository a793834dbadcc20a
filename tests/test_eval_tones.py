"""Pitch and timbre along the alignment, on sounds whose pitch is known."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from eval.__main__ import main
from eval.audio import AudioError, write_wav
from eval.commands.tones import MODEL, OTHER, RATE, CopySource, Featured, measure, tabulate
from eval.metrics.prosody import (
    Comparison,
    align,
    centred,
    compare,
    correlation,
    features,
    mel_cepstra,
    pitch,
    pooled_correlation,
)
from eval.systems.sources import Line, Speech, load_model, speaking_files
from eval.systems.teachers import TEACHERS

RATE_HZ = 16000


def _voice(hz: np.ndarray, noise: float = 0.0) -> np.ndarray:
    """A buzz (N,) whose pitch follows `hz` (N,), louder around 500 Hz, between short silences."""
    phase = np.cumsum(hz) / RATE_HZ
    wav = sum(np.cos(2 * np.pi * k * phase) / (1 + abs(k * hz - 500) / 300) for k in range(1, 20))
    wav = wav + noise * np.random.default_rng(0).standard_normal(hz.size)
    return np.pad(0.3 * wav / np.abs(wav).max(), 1600).astype(np.float32)


def _contour(*points: float, seconds: float = 1.0) -> np.ndarray:
    size = round(seconds * RATE_HZ)
    return np.interp(np.linspace(0, 1, size), np.linspace(0, 1, len(points)), points)


@pytest.mark.parametrize("hz", [80.0, 140.0, 320.0])
@pytest.mark.parametrize("noise", [0.0, 0.3])
def test_pitch_of_a_buzz(hz: float, noise: float):
    found = pitch(_voice(np.full(RATE_HZ, hz), noise))
    assert found.shape == (1 + (RATE_HZ + 3200) // 160,)
    inside = found[15:105]
    assert np.isfinite(inside).mean() > 0.95
    assert np.nanmedian(inside) == pytest.approx(hz, rel=0.02)
    # Silence has none.
    assert np.isnan(found[:5]).all()


def test_noise_is_unvoiced():
    noise = 0.1 * np.random.default_rng(1).standard_normal(RATE_HZ).astype(np.float32)
    assert np.isfinite(pitch(noise)).mean() < 0.1


def test_a_sound_equals_itself_whatever_its_level():
    wav = _voice(_contour(120, 200, 90))
    mine, quiet = features(wav, RATE_HZ), features(wav / 10, RATE_HZ)
    same = compare(mine, quiet)
    assert same.distance_db == pytest.approx(0.0, abs=1e-3)
    assert correlation(same.moments) == pytest.approx(1.0)
    assert same.agreeing == same.steps


def test_distance_is_in_decibels():
    """A known cepstral difference d in c1 is 10 / ln 10 x sqrt(2) x d."""
    first = features(_voice(_contour(120, 120)), RATE_HZ)
    second = type(first)(first.cepstra + np.eye(13)[0] * 0.5, first.pitch)
    # Aligned with itself moved by a constant, the diagonal may be left; it cannot be farther.
    assert compare(first, second).distance_db <= 10 / np.log(10) * 2**0.5 * 0.5 + 1e-9
    # log|H| = c0 + c1 cos: c1 of a spectrum that falls is positive, of one that rises negative.
    low = mel_cepstra(_voice(_contour(120, 120)))
    assert low.shape[1] == 13
    assert np.median(low[20:100, 0]) > 0.1


def test_the_same_tune_slower_correlates_and_another_does_not():
    rising, falling = _contour(110, 190), _contour(190, 110)
    truth = features(_voice(rising), RATE_HZ)
    slower = features(_voice(_contour(115, 195, seconds=1.2)), RATE_HZ)
    other = features(_voice(falling), RATE_HZ)
    assert correlation(compare(truth, slower).moments) > 0.95
    assert correlation(compare(truth, other).moments) < 0.2
    path = align(truth.cepstra, slower.cepstra)
    assert path[0].tolist() == [0, 0]
    assert path[-1].tolist() == [len(truth.cepstra) - 1, len(slower.cepstra) - 1]
    assert (np.diff(path, axis=0) >= 0).all()


def test_pooling_voices_does_not_make_correlation():
    """Two flat voices, a high and a low one: shifted to one mean, nothing is left to correlate."""
    rng = np.random.default_rng(0)

    def flat(level: float) -> list[Comparison]:
        x, y = level + 0.01 * rng.standard_normal((2, 400))
        a, b, c, d, e = (float(v) for v in (x.sum(), y.sum(), x @ x, y @ y, x @ y))
        return [Comparison(400, a, b, c, d, e, 400, 400, 400, 1.0)]

    voices = [flat(4.5), flat(5.5)]
    assert correlation(np.stack([v[0].moments for v in voices]).sum(axis=0)) > 0.99
    shifted = np.concatenate([centred(v) for v in voices])
    assert abs(correlation(shifted.sum(axis=0))) < 0.1
    found = pooled_correlation(shifted, [1, 2])
    assert found is not None
    assert found.low <= found.estimate <= found.high


def test_correlation_of_sums_is_numpys():
    rng = np.random.default_rng(3)
    x = rng.standard_normal(50) * 0.1 + 5
    y = x + rng.standard_normal(50) * 0.1
    sums = np.array([50, x.sum(), y.sum(), (x * x).sum(), (y * y).sum(), (x * y).sum()])
    assert correlation(sums) == pytest.approx(np.corrcoef(x, y)[0, 1])
    assert np.isnan(correlation(np.array([2, 9, 9, 41, 41, 41.0])))
    assert np.isnan(correlation(np.array([3, 15, 15, 75, 75, 75.0])))


def test_silence_and_stubs_cannot_be_compared():
    for wav in (np.zeros(RATE_HZ, np.float32), np.full(100, 0.5, np.float32)):
        with pytest.raises(AudioError, match="too short"):
            features(wav, RATE_HZ)


@dataclass(frozen=True)
class Tunes:
    """Says a buzz whose contour is the text's numbers; the seed adds noise, 9 says nothing."""

    gain: float = 1.0

    def say(self, line: Line) -> Speech:
        if line.seed == 9:
            raise AudioError("hoarse")
        contour = _contour(*map(float, line.text.split()), seconds=0.6)
        return Speech(np.float32(self.gain) * _voice(contour, line.seed / 10), RATE_HZ)

    def identity(self, line: Line) -> dict[str, Any] | None:
        return {"text": line.text, "seed": line.seed}


def test_experiment(tmp_path: Path):
    texts = ["100 160 100", "160 100 150", "120 120 180"]
    truth = Featured(Tunes(), {})
    lines = [Line(t, i, "v", 0) for i, t in enumerate(texts, 1)]
    noisy = [Line(x.text, x.number, "v", 1) for x in lines]
    failed = [Line(x.text, x.number, "v", 9) for x in lines[:1]]
    pairs = measure(MODEL, Tunes(), truth, [*noisy, *failed], tmp_path)
    pairs += measure(RATE, Tunes(), truth, lines, tmp_path)
    pairs += measure(OTHER, Tunes(), truth, lines, tmp_path, shift=1)
    assert [p.problem for p in pairs if p.problem] == ["hoarse"]
    table = {f.system: f for f in tabulate(pairs)}
    model, rate, other = table[MODEL], table[RATE], table[OTHER]
    assert (model.num_pairs, model.num_failed) == (4, 1)
    for figures in (model, rate, other):
        assert figures.correlation is not None
        assert figures.distance_db is not None
    assert model.correlation is not None
    assert model.correlation.estimate > 0.9
    assert other.correlation is not None
    assert other.correlation.estimate < 0.6
    assert rate.distance_db is not None
    assert rate.distance_db.estimate == pytest.approx(0.0, abs=1e-6)
    assert json.dumps(pairs[0].row())
    # What was compared is kept: six pairs (the failed one has nothing).
    assert len(list(tmp_path.iterdir())) == 9
    assert measure(RATE, Tunes(), truth, lines, tmp_path) == [p for p in pairs if p.system == RATE]


def test_copies_do_not_depend_on_the_level_of_the_original():
    model, line = load_model("embedded", "cpu"), Line("100 160 100", 1, "v", 0)
    loud, quiet = (CopySource(Tunes(gain), model).say(line).wav for gain in (1.0, 0.125))
    assert np.abs(loud).max() > 0.1
    assert np.array_equal(loud, quiet)


def test_a_cached_sound_depends_on_all_that_made_it():
    root = Path(__file__).parents[1]
    names = {file.relative_to(root).as_posix() for file in speaking_files()}
    made_by = {
        "tts/inference/prompt.py",
        "tts/inference/cached.py",
        "tts/model/config.py",
        "tokenizer/quantizer.py",
    }
    assert made_by | {"frontend/mandarin/sandhi.py", "frontend/data/zh_words.txt.gz"} <= names


def test_command_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    teacher = TEACHERS["espeak-zh"]
    if not teacher.installed:
        pytest.skip("espeak-ng is not installed")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    sentences = tmp_path / "zh.txt"
    sentences.write_text("你吃饭了吗？\n我马上就到。\n", encoding="utf-8")
    for number, text in enumerate(sentences.read_text(encoding="utf-8").splitlines(), 1):
        write_wav(tmp_path / "wavs" / "espeak-zh" / f"{number:03d}.wav", *teacher.say(text))
    argv = ["tones", "--wavs", str(tmp_path / "wavs"), "--sentences", str(sentences)]
    out = tmp_path / "out"
    assert main([*argv, "--out", str(out)]) == 0
    result = json.loads(capsys.readouterr().out.splitlines()[-1])
    found = {f["system"]: f for f in result["figures"]}
    # The teacher's own files are the teacher but for 16 bits.
    assert found[MODEL]["correlation"]["estimate"] > 0.99
    assert found[MODEL]["distance_ratio"]["estimate"] < 0.5
    assert found[OTHER]["correlation"]["estimate"] < found[RATE]["correlation"]["estimate"]
    assert result["correlation_met"] is True
    assert result["distance_met"] is True
    assert len((out / "pairs.jsonl").read_text().splitlines()) == 6
