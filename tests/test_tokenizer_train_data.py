"""What the tokenizer hears in training: segments of folders, gains, noise, labels."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from tiny import SAMPLE_RATE, speech_like
from tokenizer.train.data import (
    HIGHEST_GAIN_DB,
    LOWEST_GAIN_DB,
    PEAK,
    UNLABELLED,
    PackedAudio,
    audio_files,
    label,
    pack,
    segments,
)
from tokenizer.train.recipe import Recipe


def corpus(folder: Path, count: int = 3) -> Path:
    folder.mkdir(exist_ok=True)
    for i in range(count):
        soundfile.write(folder / f"clip{i}.wav", speech_like(2.0, seed=i), SAMPLE_RATE)
    return folder


def constants(seconds: dict[str, float], level: float = 0.1) -> PackedAudio:
    """Folders of one constant each, `level`, 2 * `level` and so on, at 8 kHz."""
    parts = [
        np.full(round(s * 8000), PEAK * level * (i + 1)) for i, s in enumerate(seconds.values())
    ]
    begins = np.cumsum([0, *(len(p) for p in parts)])[:-1].tolist()
    samples = np.concatenate(parts).astype(np.int16)
    folders = tuple(zip(begins, seconds, strict=True))
    return PackedAudio(samples, np.array(begins), 8000, folders)


def heard(audio: PackedAudio, shares: dict[str, float]) -> tuple[float, ...]:
    """Share of the segments that begin in each folder; labels tell which."""
    begins = [begin for begin, _ in audio.folders]
    labels = np.searchsorted(begins, np.arange(0, len(audio.samples), 80), "right") - 1
    audio = replace(audio, labels=labels.astype(np.int16))
    _, places = next(segments(audio, 4000, 80, seed=0, recipe=Recipe(shares=shares)))
    return tuple(float((places[:, 0] == i).float().mean()) for i in range(len(begins)))


def test_segments_repeat_after_a_resume_and_stay_in_range(tmp_path):
    audio = pack(audio_files([corpus(tmp_path / "sounds")]), SAMPLE_RATE, tmp_path / "cache")
    running = segments(audio, 2, 1920, seed=3)
    third = [next(running) for _ in range(3)][2][0]
    assert torch.equal(third, next(segments(audio, 2, 1920, seed=3, first_step=2))[0])
    assert third.abs().max() <= 1.0
    again = pack(audio_files([tmp_path / "sounds"]), SAMPLE_RATE, tmp_path / "cache")
    assert np.array_equal(audio.samples, again.samples)


def test_gains_cover_their_range_and_full_scale_is_never_passed():
    soft, loud = constants({"a": 1.0}, 0.01), constants({"a": 1.0}, 0.9)
    levels = next(segments(soft, 2000, 80, seed=0))[0][:, 0, 0] / 0.01
    gains = 20 * levels.log10()
    assert gains.min() == pytest.approx(LOWEST_GAIN_DB, abs=0.2)
    assert gains.max() == pytest.approx(HIGHEST_GAIN_DB, abs=0.2)
    assert next(segments(loud, 2000, 80, seed=0))[0].max() <= 1.0


def shares_near(*shares: float):
    return pytest.approx(shares, abs=0.03)


def test_a_folder_is_heard_as_often_as_its_share_says():
    audio = constants({"short": 0.3, "long": 2.4, "other": 0.6})
    assert heard(audio, {}) == shares_near(0.3 / 3.3, 2.4 / 3.3, 0.6 / 3.3)
    # those that are not named share the rest by their lengths
    assert heard(audio, {"short": 0.8}) == shares_near(0.8, 0.2 * 0.8, 0.2 * 0.2)
    assert heard(audio, {"long": 0.0})[1] == 0
    # all named: the shares are in proportion
    assert heard(audio, {"short": 0.1, "long": 0.1, "other": 0.2}) == shares_near(0.25, 0.25, 0.5)


def test_parts_of_one_name_have_its_share_together():
    audio = constants({"a": 0.5, "b": 1.0, "c": 1.5})
    begins = [begin for begin, _ in audio.folders]
    audio = replace(audio, folders=tuple(zip(begins, "aba", strict=True)))
    assert heard(audio, {"a": 0.4}) == shares_near(0.1, 0.6, 0.3)


def test_a_folder_that_is_not_there_is_an_error():
    audio = constants({"people": 1.0, "teacher": 1.0})
    recipe = Recipe(shares={"techer": 0.5})
    with pytest.raises(ValueError, match="no folder techer among people, teacher"):
        next(segments(audio, 1, 80, seed=0, recipe=recipe))


def test_short_folders_and_short_audio():
    """A last folder shorter than a segment is heard; audio shorter than one is an error."""
    audio = constants({"long": 1.0, "tiny": 0.05})
    wav, _ = next(segments(audio, 64, 800, seed=0, recipe=Recipe(shares={"tiny": 1.0})))
    assert wav.shape == (64, 1, 800)
    assert (wav[:, 0, -1] / wav[:, 0, 0] > 1.9).all()  # ends inside the last folder
    with pytest.raises(ValueError, match=r"1\.05 s of audio are shorter than one segment"):
        next(segments(audio, 1, 9000, seed=0))


def test_folders_are_named_by_what_holds_their_audio(tmp_path):
    for name in ("one/audio", "two/wavs", "three"):
        (tmp_path / name).mkdir(parents=True)
        soundfile.write(tmp_path / name / f"{name[:3]}.wav", np.full(800, 0.1), 8000)
    files = audio_files([tmp_path / name for name in ("one", "two", "three")])
    audio = pack(files, 8000, tmp_path / "cache")
    assert [(b, n) for b, n in audio.folders] == [(0, "one"), (800, "three"), (1600, "two")]
    again = pack(files, 8000, tmp_path / "cache")
    assert again.folders == audio.folders


def test_noise_comes_at_its_share_and_levels():
    audio = constants({"a": 1.0})
    recipe = Recipe(noise_share=0.3, noise_db=(-50.0, -30.0))
    wav, _ = next(segments(audio, 2000, 400, seed=0, recipe=recipe))
    level = 20 * (wav[:, 0].std(dim=1) + 1e-9).log10()
    noisy = level > -100
    assert noisy.float().mean() == pytest.approx(0.3, abs=0.04)
    assert level[noisy].min() == pytest.approx(-50, abs=1.5)
    assert level[noisy].max() == pytest.approx(-30, abs=1.5)
    clean, _ = next(segments(audio, 2000, 400, seed=0, recipe=Recipe()))
    assert torch.equal(clean[~noisy], wav[~noisy])


def test_labels_follow_the_sound(tmp_path):
    """Each clip's label is loudness: a segment's labels must be those of its own samples."""
    step = SAMPLE_RATE // 100
    names = ("quiet", "loud", "unknown")
    for name, level in zip(names, (0.1, 0.8, 0.4), strict=True):
        soundfile.write(tmp_path / f"{name}.wav", np.full(SAMPLE_RATE, level), SAMPLE_RATE)
    table = tmp_path / "labels.npz"
    labels = np.repeat(np.array([3, 7], np.int16), 100)
    np.savez(table, ids=np.array(names[:2]), num_labels=np.array([100, 100]), labels=labels)
    files = audio_files([tmp_path])
    audio = label(pack(files, SAMPLE_RATE, tmp_path / "cache"), files, table)
    whole = audio.samples[: len(audio.samples) // step * step].reshape(-1, step)[:, step // 2]
    expected = np.select([whole < 0.2 * 32767, whole > 0.6 * 32767], [3, 7], UNLABELLED)
    assert audio.labels is not None
    assert np.array_equal(audio.labels[: len(expected)], expected)
    wav, own = next(segments(audio, 16, 20 * step, seed=0))
    ratio = wav[:, 0, step // 2 :: step] / wav[:, 0, :1]
    changes = (ratio[:, 1:] - ratio[:, :-1]).abs() > 0.05
    assert ((own[:, 1:] != own[:, :-1]) == changes).float().mean() > 0.95


def test_no_audio_is_a_clear_error(tmp_path):
    with pytest.raises(ValueError, match="no audio"):
        audio_files([tmp_path])
