"""Mono float32 audio for the metrics: checked, and written with its folders."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tokenizer.audio import SILENCE_PEAK, AudioError, write_audio
from tokenizer.audio import read_sound as read_wav
from tokenizer.audio import resample as resample_checked

__all__ = [
    "SILENCE_PEAK",
    "AudioError",
    "check_mono",
    "no_speech",
    "peak",
    "read_wav",
    "resample",
    "write_wav",
]

# Shorter than any word: such a sound counts as empty.
MIN_SECONDS = 0.1


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


def no_speech(wav: np.ndarray, sample_rate: int) -> str | None:
    """'empty' or 'silent' for a sound in which nothing can be said, else None."""
    if wav.size < MIN_SECONDS * sample_rate:
        return "empty"
    return "silent" if peak(wav) < SILENCE_PEAK else None


def resample(wav: np.ndarray, sample_rate: int, target_rate: int) -> np.ndarray:
    """`tokenizer.audio.resample` of a checked sound."""
    return resample_checked(check_mono(wav, sample_rate), sample_rate, target_rate)


def write_wav(path: str | Path, wav: np.ndarray, sample_rate: int) -> None:
    """Write float32 (N,) as a 16-bit wav file, clipped to [-1, 1]; folders are made."""
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    write_audio(path, check_mono(wav, sample_rate), sample_rate)
