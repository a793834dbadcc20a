"""Pitch and timbre of two renderings of one sentence, compared along the path that aligns them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from eval.audio import AudioError, check_mono, peak, resample
from eval.extras import require
from eval.metrics.stats import Interval
from tokenizer.audio import trim_silence

RATE_HZ = 16000
HOP_SAMPLES = 160  # 10 ms
PITCH_FRAME, CEPSTRUM_FRAME = 1024, 512
LOWEST_HZ, HIGHEST_HZ = 60.0, 500.0
RESOLUTION_SEMITONES = 0.2
NUM_MELS, NUM_CEPSTRA = 80, 13
# Mels are cut off so far below the loudest one, that the distance is not one of background noise.
FLOOR_DB = 60.0
SHORTEST_S = 0.1


@dataclass(frozen=True)
class Features:
    """What is compared, a row per 10 ms.

    cepstra: float64 (T, 13), c1 to c13. pitch: float64 (T,) Hz, NaN where unvoiced.
    """

    cepstra: np.ndarray
    pitch: np.ndarray


@dataclass(frozen=True)
class Comparison:
    """Sums over the frames of one aligned pair, so that pairs can be pooled.

    Attributes:
        voiced: path steps where both are voiced; x, y, xx, yy, xy: sums over them of the log F0
            of both, squares and products.
        first_voiced: path steps where the first one is voiced.
        agreeing: steps where both are voiced or both are not.
        steps: length of the path.
        distance_db: mean mel-cepstral distance along it.
    """

    voiced: int
    x: float
    y: float
    xx: float
    yy: float
    xy: float
    first_voiced: int
    agreeing: int
    steps: int
    distance_db: float

    @property
    def moments(self) -> np.ndarray:
        """float64 (6,): voiced, x, y, xx, yy, xy."""
        return np.array([self.voiced, self.x, self.y, self.xx, self.yy, self.xy])


def pitch(wav: np.ndarray) -> np.ndarray:
    """Fundamental frequency by probabilistic YIN (librosa), whose Viterbi search decides voicing.

    Plain YIN behind a gate of periodicity takes some octave errors for voiced frames, and a few of
    them decide a correlation: for two rates of one synthesizer it came out between .90 and .99.

    Args:
        wav: float32 (N,) at 16 kHz, N >= 1.

    Returns:
        float64 (1 + N // 160,) in Hz, from 60 to 500, in fifths of a semitone; NaN where unvoiced.
    """
    found, _, _ = require("librosa").pyin(
        wav,
        fmin=LOWEST_HZ,
        fmax=HIGHEST_HZ,
        sr=RATE_HZ,
        frame_length=PITCH_FRAME,
        hop_length=HOP_SAMPLES,
        resolution=RESOLUTION_SEMITONES,
    )
    return found.astype(np.float64)


def mel_cepstra(wav: np.ndarray) -> np.ndarray:
    """Mel-cepstra c1 to c13 in log|H| = c0 + sum(c_m cos(m w)), level left out with c0.

    Args:
        wav: float32 (N,) at 16 kHz, not silent.

    Returns:
        float64 (1 + N // 160, 13).
    """
    librosa, fft = require("librosa"), require("scipy.fft", "scipy")
    mels = librosa.feature.melspectrogram(
        y=wav,
        sr=RATE_HZ,
        n_fft=2 * CEPSTRUM_FRAME,
        win_length=CEPSTRUM_FRAME,
        hop_length=HOP_SAMPLES,
        n_mels=NUM_MELS,
        power=1.0,
        pad_mode="constant",
    ).T.astype(np.float64)
    logs = np.log(np.maximum(mels, mels.max() * 10 ** (-FLOOR_DB / 20)))
    return fft.dct(logs, type=2, axis=1)[:, 1 : NUM_CEPSTRA + 1] / NUM_MELS


def features(wav: np.ndarray, sample_rate: int) -> Features:
    """Pitch and cepstra of one utterance, silence at its ends left out.

    Args:
        wav: float (N,), mono, in [-1, 1].
        sample_rate: in Hz.

    Raises:
        AudioError: not mono, silent, or with less than 0.1 s of sound.
        MissingExtraError: librosa or scipy is not installed.
    """
    wav = trim_silence(check_mono(wav, sample_rate), sample_rate)
    if wav.size < SHORTEST_S * sample_rate:
        raise AudioError(
            f"{wav.size / sample_rate:.2f} s of sound are too short to compare; "
            f"at least {SHORTEST_S} s are needed"
        )
    # One level for all, so that the level itself cannot matter anywhere.
    wav = resample(wav / peak(wav), sample_rate, RATE_HZ)
    return Features(mel_cepstra(wav), pitch(wav))


def align(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Dynamic time warping, Euclidean, steps (1, 1), (1, 0), (0, 1).

    Args:
        first, second: (T, D) and (U, D).

    Returns:
        int64 (P, 2), rows of both, from (0, 0) to (T - 1, U - 1).
    """
    dtw = require("librosa.sequence", "librosa").dtw
    _, path = dtw(first.T, second.T, metric="euclidean")
    return np.asarray(path[::-1])


def compare(first: Features, second: Features) -> Comparison:
    """Compare two renderings of a sentence along their alignment."""
    path = align(first.cepstra, second.cepstra)
    here, there = first.cepstra[path[:, 0]], second.cepstra[path[:, 1]]
    distance = 10 / math.log(10) * np.sqrt(2 * ((here - there) ** 2).sum(axis=1))
    x, y = np.log(first.pitch[path[:, 0]]), np.log(second.pitch[path[:, 1]])
    sounding = np.isfinite(x), np.isfinite(y)
    both = sounding[0] & sounding[1]
    x, y = x[both], y[both]
    return Comparison(
        voiced=int(both.sum()),
        x=float(x.sum()),
        y=float(y.sum()),
        xx=float((x * x).sum()),
        yy=float((y * y).sum()),
        xy=float((x * y).sum()),
        first_voiced=int(sounding[0].sum()),
        agreeing=int((sounding[0] == sounding[1]).sum()),
        steps=len(path),
        distance_db=float(distance.mean()),
    )


def correlation(moments: np.ndarray) -> np.ndarray:
    """Pearson's r of summed moments.

    Args:
        moments: (..., 6) as `Comparison.moments`.

    Returns:
        (...) in [-1, 1]; NaN where one side does not vary or less than 3 frames are voiced.
    """
    n, x, y, xx, yy, xy = np.moveaxis(np.asarray(moments, np.float64), -1, 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        spread = (xx - x * x / n) * (yy - y * y / n)
        # Sums of squares of one value differ by rounding alone.
        r = np.where(spread > 1e-12 * (1 + xx * yy), (xy - x * y / n) / np.sqrt(spread), np.nan)
    return np.where(n >= 3, np.clip(r, -1.0, 1.0), np.nan)


def centred(comparisons: Sequence[Comparison]) -> np.ndarray:
    """Moments (N, 6) of one voice, both sides shifted by their mean over all its frames.

    So voices can be pooled without a high voice and a low one making the correlation.
    """
    moments = np.stack([c.moments for c in comparisons])
    n, x, y, xx, yy, xy = moments.T
    total = max(n.sum(), 1.0)
    a, b = x.sum() / total, y.sum() / total
    return np.stack(
        [
            *(n, x - n * a, y - n * b),
            *(xx - 2 * a * x + n * a * a, yy - 2 * b * y + n * b * b),
            xy - a * y - b * x + n * a * b,
        ],
        axis=1,
    )


def pooled_correlation(
    moments: np.ndarray, groups: Sequence[int], num_resamples: int = 2000, seed: int = 0
) -> Interval | None:
    """Correlation over all frames, its interval by drawing sentences.

    Args:
        moments: (N, 6). groups: (N,) sentence of each.

    Returns:
        None where it is not defined.
    """
    order = {label: i for i, label in enumerate(dict.fromkeys(groups))}
    sums = np.zeros((len(order), 6))
    np.add.at(sums, [order[label] for label in groups], moments)
    estimate = float(correlation(sums.sum(axis=0)))
    draws = np.random.default_rng(seed).integers(0, len(order), (num_resamples, len(order)))
    drawn = correlation(sums[draws].sum(axis=1))
    drawn = drawn[np.isfinite(drawn)]
    if not math.isfinite(estimate) or not drawn.size:
        return None
    low, high = np.quantile(drawn, [0.025, 0.975])
    return Interval(estimate, float(low), float(high), 0.95)
