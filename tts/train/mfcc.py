"""Features of speech for alignment: mel cepstra, normalised by speaker."""

import functools
from collections.abc import Sequence

import numpy as np

SAMPLE_RATE_HZ = 16000
HOP_MS = 10
_HOP_SAMPLES = SAMPLE_RATE_HZ * HOP_MS // 1000
_WINDOW_SAMPLES = 320
_FFT_SAMPLES = 512
_NUM_MELS = 32
_NUM_CEPSTRA = 13
_POWER_FLOOR = 1e-4  # of a 320-sample window's power spectrum: about -80 dBFS


@functools.cache
def _mel_filters() -> np.ndarray:
    """Return triangular mel filters, float32 (num_bins, num_mels), 60 Hz to 7600 Hz."""
    low, high = (2595 * np.log10(1 + hz / 700) for hz in (60.0, 7600.0))
    corners = 700 * (10 ** (np.linspace(low, high, _NUM_MELS + 2) / 2595) - 1)
    bins = np.fft.rfftfreq(_FFT_SAMPLES, 1 / SAMPLE_RATE_HZ)[:, None]
    left, centre, right = corners[:-2], corners[1:-1], corners[2:]
    rise, fall = (bins - left) / (centre - left), (right - bins) / (right - centre)
    return np.maximum(0, np.minimum(rise, fall)).astype(np.float32)


@functools.cache
def _cosines() -> np.ndarray:
    """Return the matrix of a DCT-II, float32 (num_mels, num_cepstra)."""
    angle = np.pi / _NUM_MELS * (np.arange(_NUM_MELS)[:, None] + 0.5) * np.arange(_NUM_CEPSTRA)
    return (np.cos(angle) * np.sqrt(2 / _NUM_MELS)).astype(np.float32)


def mfcc(wav: np.ndarray) -> np.ndarray:
    """Compute 13 mel cepstra and their slopes every 10 ms.

    Args:
        wav: float (num_samples,) at 16 kHz in [-1, 1].

    Returns:
        float32 (num_samples // 160, 26).

    Raises:
        ValueError: not one-dimensional, or under 30 ms long.
    """
    wav = np.asarray(wav, dtype=np.float32)
    if wav.ndim != 1 or len(wav) < 3 * _HOP_SAMPLES:
        raise ValueError(f"wav has shape {wav.shape}: give one channel of at least 30 ms at 16 kHz")
    num_frames = len(wav) // _HOP_SAMPLES
    # frame t is centred on the middle of its own 10 ms
    margin = (_WINDOW_SAMPLES - _HOP_SAMPLES) // 2
    padded = np.pad(np.diff(wav, prepend=wav[:1]) + 0.03 * wav, (margin, margin))
    windows = np.lib.stride_tricks.sliding_window_view(padded, _WINDOW_SAMPLES)
    windows = windows[::_HOP_SAMPLES][:num_frames] * np.hanning(_WINDOW_SAMPLES)
    power = np.square(np.abs(np.fft.rfft(windows, _FFT_SAMPLES))).astype(np.float32)
    cepstra = np.log(power @ _mel_filters() + _POWER_FLOOR) @ _cosines()
    edge = np.pad(cepstra, ((2, 2), (0, 0)), mode="edge")
    slope = (2 * (edge[4:] - edge[:-4]) + edge[3:-1] - edge[1:-3]) / 10
    return np.concatenate([cepstra, slope], axis=1).astype(np.float32)


def normalise_by_speaker(
    features: Sequence[np.ndarray], speakers: Sequence[str]
) -> list[np.ndarray]:
    """Give every speaker's features zero mean and unit variance.

    Args:
        features: float32 (num_frames, num_features) each.
        speakers: a name for each utterance.

    Returns:
        Arrays of the same shapes.

    Raises:
        ValueError: the two lists differ in length.
    """
    if len(features) != len(speakers):
        raise ValueError(f"{len(features)} features, {len(speakers)} speakers: give one for each")
    scale = {}
    for speaker in set(speakers):
        own = [f for f, name in zip(features, speakers, strict=True) if name == speaker]
        count = sum(len(f) for f in own)
        mean = sum(f.sum(axis=0, dtype=np.float64) for f in own) / count
        square = sum(np.square(f - mean).sum(axis=0) for f in own) / count
        scale[speaker] = (np.float32(mean), np.float32(1 / np.sqrt(square + 1e-8)))
    return [
        (f - scale[name][0]) * scale[name][1] for f, name in zip(features, speakers, strict=True)
    ]
