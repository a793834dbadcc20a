"""Mono float32 audio for the metrics: read, write, check, resample."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import soundfile
import soxr

from tokenizer.files import replacing

AUDIO_SUFFIXES = (".wav", ".flac", ".ogg", ".opus", ".mp3")
# Below this peak (-60 dBFS) nothing audible was said.
SILENCE_PEAK = 1e-3


class AudioError(ValueError):
    """Audio that cannot be read or measured."""


def check_mono(wav: np.ndarray, sample_rate: int) -> np.ndarray:
    """`wav` as a contiguous float32 (N,) of finite values.

    Raises:
        AudioError: not one-dimensional, not finite, or sample_rate is not positive.
    """
    if sample_rate <= 0:
        raise AudioError(f"sample_rate is {sample_rate}, must be a positive number of Hz")
    if wav.ndim != 1:
        raise AudioError(f"wav has shape {wav.shape}, must be mono (N,); average the channels")
    wav = np.ascontiguousarray(wav, dtype=np.float32)
    if not np.isfinite(wav).all():
        bad = int((~np.isfinite(wav)).sum())
        raise AudioError(f"wav holds {bad} values that are NaN or infinite")
    return wav


def peak(wav: np.ndarray) -> float:
    """Largest absolute value; 0.0 for an empty wav."""
    return float(np.abs(wav).max()) if wav.size else 0.0


def resample(wav: np.ndarray, sample_rate: int, target_rate: int) -> np.ndarray:
    """float32 (N,) at `sample_rate` Hz to float32 (about N * target / sample,) at `target_rate`."""
    wav = check_mono(wav, sample_rate)
    if sample_rate == target_rate or wav.size == 0:
        return wav
    return np.asarray(soxr.resample(wav, sample_rate, target_rate, quality="HQ"), np.float32)


def read_wav(path: str | Path) -> tuple[np.ndarray, int]:
    """Read any format that libsndfile knows; channels are averaged.

    Returns:
        float32 (N,) and the sample rate in Hz.

    Raises:
        AudioError: the file is missing or unreadable.
    """
    try:
        data, rate = soundfile.read(str(path), dtype="float32", always_2d=True)
    except (OSError, RuntimeError) as error:
        raise AudioError(f"cannot read audio file {path}: {error}") from error
    return check_mono(data.mean(axis=1), rate), int(rate)


def write_wav(path: str | Path, wav: np.ndarray, sample_rate: int) -> None:
    """Write float32 (N,) as a 16-bit wav file, clipped to [-1, 1]; folders are made.

    The file appears whole or not at all.
    """
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    clipped = np.clip(check_mono(wav, sample_rate), -1.0, 1.0)
    with replacing(path) as temporary:
        soundfile.write(str(temporary), clipped, sample_rate, subtype="PCM_16", format="WAV")
