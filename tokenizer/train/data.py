"""Audio for the tokenizer: any folders of sound files, packed once into one int16 array."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import soundfile
import soxr
import torch
from torch import Tensor

from tokenizer.audio import ENDINGS
from tokenizer.train.recipe import Recipe

PEAK = 32767.0
LABEL_S = 0.01
UNLABELLED = -1
# About the level of the recordings: recordings of people and of loud synthesizers differ as much.
LOWEST_GAIN_DB, HIGHEST_GAIN_DB = -9.0, 7.0


@dataclass(frozen=True)
class PackedAudio:
    """Recordings end to end.

    Attributes:
        samples: int16.
        starts: the first sample of each recording.
        folders: first sample and name of each folder's part, in order.
        labels: int16, one for every `LABEL_S` of `samples`, UNLABELLED where nothing is known;
            None without labels.
    """

    samples: np.ndarray
    starts: np.ndarray
    sample_rate: int
    folders: tuple[tuple[int, str], ...] = ((0, ""),)
    labels: np.ndarray | None = None

    @property
    def num_labels(self) -> int:
        """One more than the highest label; 0 without labels."""
        return 0 if self.labels is None else int(self.labels.max()) + 1

    @property
    def seconds(self) -> float:
        return len(self.samples) / self.sample_rate


def audio_files(folders: list[Path]) -> list[Path]:
    """All sound files below the folders, sorted. ValueError if there is none."""
    files = sorted(
        f for folder in folders for f in folder.rglob("*") if f.suffix.lower() in ENDINGS
    )
    if not files:
        raise ValueError(f"no audio ({', '.join(ENDINGS)}) below {folders}")
    return files


def read_mono(path: Path, sample_rate: int) -> np.ndarray:
    """float32 (N,) at `sample_rate`."""
    wav, rate = soundfile.read(path, dtype="float32", always_2d=True)
    mono = wav.mean(axis=1)
    return soxr.resample(mono, rate, sample_rate) if rate != sample_rate else mono


def pack(files: list[Path], sample_rate: int, cache: Path) -> PackedAudio:
    """Read and join the files; kept in `cache`.npy / .json while the list stays the same."""
    listing = [str(f) for f in files]
    index, data = cache.with_suffix(".json"), cache.with_suffix(".npy")
    if index.is_file():
        stored = json.loads(index.read_text())
        if stored["files"] == listing and stored["sample_rate"] == sample_rate:
            return _packed(np.load(data, mmap_mode="r"), stored["starts"], files, sample_rate)
    cache.parent.mkdir(parents=True, exist_ok=True)
    starts, total = [], 0
    raw = cache.with_suffix(".raw")
    with raw.open("wb") as out:
        for file in files:
            wav = np.clip(np.round(read_mono(file, sample_rate) * PEAK), -PEAK, PEAK)
            starts.append(total)
            total += len(wav)
            out.write(wav.astype(np.int16).tobytes())
    np.save(data, np.memmap(raw, np.int16, "r"))
    raw.unlink()
    index.write_text(json.dumps({"files": listing, "starts": starts, "sample_rate": sample_rate}))
    return _packed(np.load(data, mmap_mode="r"), starts, files, sample_rate)


def _packed(
    samples: np.ndarray, starts: list[int], files: list[Path], sample_rate: int
) -> PackedAudio:
    folders: list[tuple[int, str]] = []
    for start, file in zip(starts, files, strict=True):
        name = (
            file.parent.parent.name if file.parent.name in ("audio", "wavs") else file.parent.name
        )
        if not folders or folders[-1][1] != name:
            folders.append((start, name))
    return PackedAudio(samples, np.array(starts), sample_rate, tuple(folders))


def label(audio: PackedAudio, files: list[Path], table: Path) -> PackedAudio:
    """Say what sounds when.

    Args:
        files: what `audio` was packed from, in order.
        table: .npz with `ids` (file stems), `num_labels` and `labels`: for every recording one
            integer each `LABEL_S`, end to end. Any kind of label does; for speech it is the
            phoneme. Recordings that it does not name stay unlabelled.
    """
    data = np.load(table)
    by_id = dict(
        zip(
            data["ids"].tolist(),
            np.split(data["labels"], data["num_labels"].cumsum()[:-1]),
            strict=True,
        )
    )
    step = round(LABEL_S * audio.sample_rate)
    labels = np.full(len(audio.samples) // step + 2, UNLABELLED, np.int16)
    for file, start in zip(files, audio.starts, strict=True):
        own = by_id.get(file.stem)
        if own is not None:
            first = round(start / step)
            labels[first : first + len(own)] = own[: len(labels) - first]
    return replace(audio, labels=labels)


def segments(
    audio: PackedAudio,
    batch_size: int,
    num_samples: int,
    seed: int,
    first_step: int = 0,
    recipe: Recipe | None = None,
) -> Iterator[tuple[Tensor, Tensor]]:
    """Endless random segments with a random gain, some with noise.

    Yields float32 (B, 1, num_samples) and int64 (B, num_samples / step) labels.

    The batch of a step depends on seed and step alone, so a resumed run goes on exactly.
    A segment may run from one recording into the next: the tokenizer must live with that.

    Args:
        recipe: says which folder is heard how often, and how often there is noise.
    """
    recipe = recipe or Recipe()
    lows, highs, shares = _parts(audio, num_samples, recipe.shares)
    step = first_step
    while True:
        rng = np.random.default_rng((seed, step))
        part = rng.choice(len(shares), batch_size, p=shares)
        first = rng.integers(lows[part], highs[part])
        wav = (
            np.stack([audio.samples[i : i + num_samples] for i in first]).astype(np.float32) / PEAK
        )
        gain = 10 ** (rng.uniform(LOWEST_GAIN_DB, HIGHEST_GAIN_DB, (batch_size, 1)) / 20)
        peak = np.abs(wav).max(axis=1, keepdims=True) + 1e-6
        wav *= np.minimum(gain, 1.0 / peak).astype(np.float32)
        for item in wav:
            if rng.random() < recipe.noise_share:
                level = 10 ** (rng.uniform(*recipe.noise_db) / 20)
                item += level * rng.standard_normal(num_samples, np.float32)
        yield torch.from_numpy(wav)[:, None], _labels(audio, first, num_samples)
        step += 1


def _parts(
    audio: PackedAudio, num_samples: int, shares: dict[str, float]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """First and last beginning of a segment in each folder's part, and the part's share."""
    begins = np.array([begin for begin, _ in audio.folders])
    ends = np.append(begins[1:], len(audio.samples))
    last = len(audio.samples) - num_samples
    if last < 0:
        raise ValueError(
            f"{audio.seconds:.2f} s of audio are shorter than one segment: give more, or a smaller "
            "segment_s"
        )
    # a folder shorter than a segment is heard with what follows it, the last with what precedes it
    lows = np.minimum(begins, last)
    highs = np.clip(ends - num_samples + 1, lows + 1, last + 1)
    names = [name for _, name in audio.folders]
    if unknown := sorted(set(shares) - set(names)):
        raise ValueError(f"shares: no folder {', '.join(unknown)} among {', '.join(names)}")
    lengths = (ends - begins).astype(np.float64)
    named = np.array([name in shares for name in names])
    result = np.zeros(len(names))
    for name, share in shares.items():
        own = np.array([n == name for n in names])
        result[own] = share * lengths[own] / lengths[own].sum()
    if not named.all():
        rest = max(0.0, 1 - sum(shares.values()))
        result[~named] = rest * lengths[~named] / lengths[~named].sum()
    return lows, highs, result / result.sum()


def _labels(audio: PackedAudio, first: np.ndarray, num_samples: int) -> Tensor:
    step = round(LABEL_S * audio.sample_rate)
    shape = (len(first), num_samples // step)
    if audio.labels is None:
        return torch.full(shape, UNLABELLED)
    index = np.round(first / step).astype(np.int64)[:, None] + np.arange(shape[1])
    return torch.from_numpy(audio.labels[index].astype(np.int64))
