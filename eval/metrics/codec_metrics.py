"""How well a codec keeps a waveform: similarity, intelligibility, quality, spectral distances."""

from __future__ import annotations

import math
import warnings
from functools import lru_cache

import numpy as np

from eval.audio import SILENCE_PEAK, AudioError, check_mono, peak, resample
from eval.extras import require
from eval.metrics.similarity import SpeakerEncoder, cosine, load_speaker_encoder

PESQ_RATE_HZ = 16000
NUM_MELS = 80
MEL_FFT, MEL_HOP = 1024, 256
STFT_SIZES = (512, 1024, 2048)
LOG_FLOOR = 1e-5
# The first four are about speech; of sound and music they would say nothing.
SPEECH_METRICS = ("sim", "stoi", "pesq_nb", "pesq_wb")
METRICS = (*SPEECH_METRICS, "mel_distance", "stft_distance")


def codec_metrics(
    reference: np.ndarray,
    degraded: np.ndarray,
    sample_rate: int,
    encoder: SpeakerEncoder | None = None,
    is_speech: bool = True,
) -> dict[str, float | None]:
    """Compare a decoded waveform with its original.

    Args:
        reference: float (N,), mono, in [-1, 1].
        degraded: float (M,), aligned with it; M >= N (what a codec padded is cut) or M < N by
            less than 0.1 s (then both are cut to M).
        sample_rate: of both, in Hz.
        encoder: for SIM; None loads resemblyzer once.
        is_speech: measure what is defined for speech only; otherwise those are None.

    Returns:
        sim: speaker cosine in [-1, 1], by the offline stand-in encoder unless one is given.
        stoi: [0, 1], classic (not extended). pesq_nb, pesq_wb: MOS-LQO, about [1, 4.6], at 16 kHz.
        mel_distance: mean |log10 mel difference| (80 Slaney mels, 1024/256 at sample_rate).
        stft_distance: mean over FFTs of 512, 1024, 2048 of the mean |log10 magnitude difference|.
        Higher is better for the first four, lower for the distances. A metric that is not defined
        for the pair (no speech, too short) is None.

    Raises:
        AudioError: not mono, not finite, empty, or lengths do not belong together.
        MissingExtraError: a metric's package is not installed.
    """
    reference, degraded = check_mono(reference, sample_rate), check_mono(degraded, sample_rate)
    if reference.size == 0 or degraded.size < reference.size - 0.1 * sample_rate:
        raise AudioError(
            f"reference has {reference.size} samples and degraded {degraded.size}; "
            "degraded must be the same utterance, not shorter, and neither may be empty"
        )
    size = min(reference.size, degraded.size)
    reference, degraded = reference[:size], degraded[:size]
    found: dict[str, float | None] = dict.fromkeys(SPEECH_METRICS)
    if is_speech:
        found = {
            "sim": _sim(reference, degraded, sample_rate, encoder or load_speaker_encoder()),
            "stoi": _stoi(reference, degraded, sample_rate),
            "pesq_nb": _pesq(reference, degraded, sample_rate, "nb"),
            "pesq_wb": _pesq(reference, degraded, sample_rate, "wb"),
        }
    return {
        **found,
        "mel_distance": mel_distance(reference, degraded, sample_rate),
        "stft_distance": stft_distance(reference, degraded),
    }


def mel_distance(reference: np.ndarray, degraded: np.ndarray, sample_rate: int) -> float:
    """Mean absolute difference of log10 mel magnitudes, >= 0; both (N,), N >= 1."""
    filters = mel_filters(sample_rate, MEL_FFT, NUM_MELS)
    mels = [
        np.log10(np.maximum(_magnitude(wav, MEL_FFT, MEL_HOP) @ filters.T, LOG_FLOOR))
        for wav in (reference, degraded)
    ]
    return float(np.abs(mels[0] - mels[1]).mean())


def stft_distance(reference: np.ndarray, degraded: np.ndarray) -> float:
    """Mean absolute log10 magnitude difference over three resolutions, >= 0; both (N,)."""
    distances = []
    for size in STFT_SIZES:
        logs = [
            np.log10(np.maximum(_magnitude(wav, size, size // 4), LOG_FLOOR))
            for wav in (reference, degraded)
        ]
        distances.append(np.abs(logs[0] - logs[1]).mean())
    return float(np.mean(distances))


def _magnitude(wav: np.ndarray, size: int, hop: int) -> np.ndarray:
    """|STFT| (frames, size // 2 + 1): Hann, centred, scaled so that a full-scale sine is 1."""
    padded = np.pad(wav.astype(np.float64), size // 2)
    frames = np.lib.stride_tricks.sliding_window_view(padded, size)[::hop]
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(size) / size)
    return np.abs(np.fft.rfft(frames * window, axis=1)) * (2 / window.sum())


@lru_cache(maxsize=8)
def mel_filters(sample_rate: int, fft_size: int, num_mels: int) -> np.ndarray:
    """Triangular filters (num_mels, fft_size // 2 + 1) on Slaney's scale, each with peak 1."""
    edges = _mel_to_hz(np.linspace(0.0, _hz_to_mel(sample_rate / 2), num_mels + 2))
    bins = np.fft.rfftfreq(fft_size, 1 / sample_rate)
    rising = (bins - edges[:-2, None]) / (edges[1:-1] - edges[:-2])[:, None]
    falling = (edges[2:, None] - bins) / (edges[2:] - edges[1:-1])[:, None]
    return np.maximum(0.0, np.minimum(rising, falling))


# Slaney's scale: linear below 1 kHz (3 mels per 200 Hz), then 27 mels per factor of 6.4.
_KNEE_HZ, _KNEE_MEL, _STEP = 1000.0, 15.0, math.log(6.4) / 27


def _hz_to_mel(hz: float) -> float:
    return 3 * hz / 200 if hz < _KNEE_HZ else _KNEE_MEL + math.log(hz / _KNEE_HZ) / _STEP


def _mel_to_hz(mel: np.ndarray) -> np.ndarray:
    return np.where(mel < _KNEE_MEL, mel * 200 / 3, _KNEE_HZ * np.exp(_STEP * (mel - _KNEE_MEL)))


def _sim(
    reference: np.ndarray, degraded: np.ndarray, rate: int, encoder: SpeakerEncoder
) -> float | None:
    try:
        return cosine(encoder.embed(reference, rate), encoder.embed(degraded, rate))
    except AudioError:
        return None


def _stoi(reference: np.ndarray, degraded: np.ndarray, rate: int) -> float | None:
    pystoi = require("pystoi")
    if peak(reference) < SILENCE_PEAK:
        return None
    with warnings.catch_warnings():
        # pystoi only warns, and answers 1e-5, when less than 30 frames hold speech.
        warnings.simplefilter("error", RuntimeWarning)
        try:
            value = float(pystoi.stoi(reference, degraded, rate, extended=False))
        except RuntimeWarning:
            return None
    return value if math.isfinite(value) else None


def _pesq(reference: np.ndarray, degraded: np.ndarray, rate: int, mode: str) -> float | None:
    pesq = require("pesq")
    # pesq scales by the peak, so a silent signal would be divided by zero.
    if min(peak(reference), peak(degraded)) < SILENCE_PEAK:
        return None
    ref, deg = (resample(wav, rate, PESQ_RATE_HZ) for wav in (reference, degraded))
    try:
        value = float(pesq.pesq(PESQ_RATE_HZ, ref, deg, mode))
    except pesq.PesqError:
        return None
    return value if math.isfinite(value) else None
