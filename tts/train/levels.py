"""One level and tight ends for every recording of a corpus."""

from __future__ import annotations

import numpy as np

LEVEL_DBFS = -23.0
PEAK_LIMIT = 0.95
MARGIN_MS = 80
_BLOCK_MS = 10
_SILENCE_DB = -42.0  # below the loudest block; a weak final [f] stays inside the 80 ms margin


def trim(wav: np.ndarray, sample_rate: int) -> np.ndarray:
    """Cut leading and trailing silence down to at most 80 ms.

    Args:
        wav: float32 (num_samples,).

    Returns:
        A slice of `wav`; empty where it holds no sound.
    """
    block = sample_rate * _BLOCK_MS // 1000
    blocks = wav[: len(wav) // block * block].reshape(-1, block)
    loudness = np.sqrt(np.mean(np.square(blocks), axis=1)) if len(blocks) else np.zeros(1)
    if loudness.max() < 1e-4:
        return wav[:0]
    loud = np.flatnonzero(loudness > max(loudness.max() * 10 ** (_SILENCE_DB / 20), 1e-4))
    margin = sample_rate * MARGIN_MS // 1000
    return wav[max(0, loud[0] * block - margin) : (loud[-1] + 1) * block + margin]


def level(wav: np.ndarray) -> np.ndarray:
    """Scale to -23 dBFS RMS, or less where the peak would pass 0.95.

    Args:
        wav: float32 (num_samples,), not silent.

    Returns:
        float32 (num_samples,) in [-0.95, 0.95].
    """
    rms = float(np.sqrt(np.mean(np.square(wav))))
    peak = float(np.abs(wav).max())
    gain = min(10 ** (LEVEL_DBFS / 20) / rms, PEAK_LIMIT / peak)
    return (wav * gain).astype(np.float32)
