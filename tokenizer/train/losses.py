"""Spectral losses: log-mel at several resolutions, STFT magnitude."""

from __future__ import annotations

from functools import lru_cache
from itertools import pairwise

import torch
from torch import Tensor
from torch.nn import functional as F

FLOOR = 1e-5
# For waveforms: 66 dB below full scale. With a lower floor most of the gradient goes into making
# silence more silent than anyone can hear.
AUDIBLE = 5e-4
REPETITION_HZ = 1000
# Lower edges of the bands whose envelopes `modulation_distance` compares; the last has no upper.
MODULATION_BANDS_HZ = (750, 1500, 2500, 4000)
PHASE_TOP_HZ = 2000
# Fifteen bands of a third of an octave, centred on 150 Hz and upwards, as STOI has them.
LOWEST_BAND_HZ = 150
NUM_THIRD_OCTAVES = 15
ENVELOPE_FRAMES = 30


@lru_cache(maxsize=32)
def mel_filters(num_bands: int, n_fft: int, sample_rate: int) -> Tensor:
    """Triangles of the HTK mel scale, unit peak: float32 (num_bands, n_fft / 2 + 1)."""
    top = 2595 * torch.log10(torch.tensor(1 + sample_rate / 2 / 700))
    points = torch.linspace(0, float(top), num_bands + 2)
    edges = 700 * (10 ** (points / 2595) - 1)
    bins = torch.linspace(0, sample_rate / 2, n_fft // 2 + 1)
    rise = (bins - edges[:-2, None]) / (edges[1:-1] - edges[:-2])[:, None]
    fall = (edges[2:, None] - bins) / (edges[2:] - edges[1:-1])[:, None]
    return torch.minimum(rise, fall).clamp_min(0)


@lru_cache(maxsize=32)
def hann(length: int) -> Tensor:
    return torch.hann_window(length)


def magnitude(wav: Tensor, window: int, hop: int) -> Tensor:
    """|STFT| scaled by the window's sum, centred frames: (B, 1, N) -> (B, bins, N / hop + 1)."""
    taper = hann(window).to(wav.device)
    spectrum = torch.stft(
        wav.squeeze(1).float(), window, hop, window=taper, center=True, return_complex=True
    )
    # not abs(): its gradient at zero is not finite
    return (spectrum.real.square() + spectrum.imag.square() + 1e-12).sqrt() / (window / 4)


def log_mel(wav: Tensor, window: int, hop: int, num_bands: int, sample_rate: int) -> Tensor:
    """log10 mel magnitude, floored at 1e-5: (B, 1, N) -> (B, num_bands, N / hop + 1)."""
    filters = mel_filters(num_bands, window, sample_rate).to(wav.device)
    return torch.log10(filters @ magnitude(wav, window, hop) + FLOOR)


def patch_log_mel(
    wav: Tensor, patch: int, sample_rate: int, specs: tuple[tuple[int, int], ...]
) -> Tensor:
    """Log-mel centred on each patch of samples.

    Args:
        wav: (B, 1, T * patch).
        specs: (window in samples, bands) of each resolution.

    Returns:
        (B, T, sum of bands).
    """
    half = patch // 2
    shifted = F.pad(wav, (0, patch))[:, :, half : half + wav.shape[2]]
    mels = [log_mel(shifted, w, patch, bands, sample_rate)[:, :, :-1] for w, bands in specs]
    return torch.cat(mels, dim=1).transpose(1, 2)


def spectral_distances(
    output: Tensor, target: Tensor, windows: tuple[int, ...], sample_rate: int
) -> tuple[Tensor, Tensor]:
    """Two distances between waveforms (B, 1, N), each a mean over STFT windows.

    Returns:
        L1 between log10-mels; and spectral convergence, || |X| - |Y| || / || |Y| ||, which
        looks at what is loud. Scalars.
    """
    mel, convergence = [], []
    for window in windows:
        a, b = (magnitude(x, window, window // 4) for x in (output, target))
        bands = min(80, max(5, window // 12))
        filters = mel_filters(bands, window, sample_rate).to(a.device)
        mel.append(
            (torch.log10(filters @ a + AUDIBLE) - torch.log10(filters @ b + AUDIBLE)).abs().mean()
        )
        norm = b.flatten(1).norm(dim=1) + 1e-3
        convergence.append(((a - b).flatten(1).norm(dim=1) / norm).mean())
    return torch.stack(mel).mean(), torch.stack(convergence).mean()


def repetition_distance(output: Tensor, target: Tensor, patch: int, sample_rate: int) -> Tensor:
    """How much more, or less, `output` repeats itself from patch to patch than `target`. Scalar.

    A decoder that makes `patch` samples at a time gets a spectral envelope right by saying the
    same in every patch, which makes a buzz at the rate of the patches. Above 1 kHz neither the
    bands of a mel nor the loud low harmonics of a voice show it; the autocorrelation does. This is
    the sum over lags of 1 to 6 patches of the squared difference of autocorrelations, of magnitudes
    in place of powers so that all frequencies have a say (Tolonen and Karjalainen 2000), mean over
    frames.

    Args:
        output, target: (B, 1, N).
    """
    window = 8 * patch
    taper = hann(window).to(output.device)
    lags = patch * torch.arange(1, 7, device=output.device)
    own = torch.fft.irfft(torch.fft.rfft(taper, 2 * window).abs().square())
    lowest = round(REPETITION_HZ / sample_rate * 2 * window)

    def repetition(wav: Tensor) -> tuple[Tensor, Tensor]:
        frames = wav.squeeze(1).float().unfold(1, window, window // 4) * taper
        spectrum = torch.fft.rfft(frames, 2 * window)[:, :, lowest:]
        power = spectrum.real.square() + spectrum.imag.square()
        strength = (power + 1e-9).sqrt()
        lagged = torch.fft.irfft(F.pad(strength, (lowest, 0)))
        share = lagged[:, :, lags] / lagged[:, :, :1]
        return share / (own[lags] / own[0]), power.mean(dim=2) / window

    ours, _ = repetition(output)
    theirs, loudness = repetition(target)
    heard = loudness > AUDIBLE**2
    return (ours - theirs).square().sum(dim=2)[heard].sum() / heard.sum().clamp_min(1)


def modulation_distance(output: Tensor, target: Tensor, sample_rate: int) -> Tensor:
    """How differently the two pulsate above 750 Hz, wherever their pulses stand. Scalar.

    A voice sounds clear because its high frequencies come in pulses, one for each period of the
    pitch. Codes that were learnt from mels do not tell where the pulses are, so a decoder that is
    told to match spectrogram cell for cell makes none, and sounds hoarse. This is the mean L1
    distance between depths of modulation from 39 to 461 Hz, which have no phase; cf. the modulation
    spectrum of Dau, Kollmeier and Kohlrausch (1997).

    Args:
        output, target: (B, 1, N).
    """
    ours, _ = modulation_depth(output, sample_rate)
    theirs, level = modulation_depth(target, sample_rate)
    heard = level > 2 * AUDIBLE
    return (ours - theirs).abs().mean(-1)[heard].sum() / heard.sum().clamp_min(1)


def modulation_depth(wav: Tensor, sample_rate: int) -> tuple[Tensor, Tensor]:
    """Spectra of the envelopes of bands, relative to their level.

    Args:
        wav: (B, 1, N).

    Returns:
        (B, bands, frames, 55): modulation at multiples of 7.8 Hz from 39 Hz up, in frames of 64 ms
        that begin every 16 ms; and the level of each (B, bands, frames).
    """
    hop = sample_rate // 1000  # so that an envelope has 1000 values a second
    window = 4 * hop
    taper = hann(window).to(wav.device)
    spectrum = torch.stft(wav.squeeze(1).float(), window, hop, window=taper, return_complex=True)
    power = spectrum.real.square() + spectrum.imag.square()
    edges = [round(hz * window / sample_rate) for hz in MODULATION_BANDS_HZ]
    bands = [power[:, low:high].mean(1) for low, high in pairwise([*edges, power.shape[1]])]
    envelope = (torch.stack(bands, dim=1) + 1e-7).sqrt() / (window / 4)
    frames = envelope.unfold(2, 64, 16) * hann(64).to(wav.device)
    spectrum = torch.fft.rfft(frames, 128)
    strength = (spectrum.real.square() + spectrum.imag.square() + 1e-9).sqrt()[..., 5:60]
    level = frames.sum(-1)
    return strength / (level[..., None] + 1e-2), level / 32


def phase_distance(output: Tensor, target: Tensor, sample_rate: int) -> Tensor:
    """How little two waveforms move together below 2 kHz, where a voice has its harmonics.

    One minus the real part of the coherence of their STFTs in windows of 32 ms, with square roots
    of magnitudes, so that the loudest harmonic is not all: 0 where phases agree, about 1 where they
    have nothing to do with each other. Being quieter does not help, as it would with a distance
    between samples.

    Args:
        output, target: (B, 1, N).

    Returns:
        (B,).
    """
    hop = sample_rate // 125
    window = 4 * hop
    taper = hann(window).to(output.device)
    spectra = [
        torch.stft(wav.squeeze(1).float(), window, hop, window=taper, return_complex=True)
        for wav in (output, target)
    ]
    ours, theirs = (x[:, 1 : round(PHASE_TOP_HZ / sample_rate * window)] for x in spectra)
    own, other = ((x.real.square() + x.imag.square() + 1e-6).sqrt() for x in (ours, theirs))
    together = (ours.real * theirs.real + ours.imag * theirs.imag) / (own * other).sqrt()
    return 1 - together.sum((1, 2)) / (own.sum((1, 2)) * other.sum((1, 2))).sqrt()


@lru_cache(maxsize=32)
def third_octaves(n_fft: int, sample_rate: int) -> Tensor:
    """Which bins are in which band: float32 (15, n_fft / 2 + 1), ones and zeros."""
    centres = LOWEST_BAND_HZ * 2 ** (torch.arange(NUM_THIRD_OCTAVES) / 3)
    bins = torch.linspace(0, sample_rate / 2, n_fft // 2 + 1)
    edge = 2 ** (1 / 6)
    return ((bins >= centres[:, None] / edge) & (bins < centres[:, None] * edge)).float()


def envelope_distance(output: Tensor, target: Tensor, sample_rate: int) -> Tensor:
    """How little the levels in bands of a third of an octave rise and fall together. Scalar.

    One minus the correlation of the envelopes over 384 ms, mean over bands and over stretches in
    which the target is heard, as the measure of intelligibility STOI takes it (Taal, Hendriks,
    Heusdens and Jensen 2011) but for its clipping. Half of its bands are below 1 kHz, where a
    distance of log-mels has few.

    Args:
        output, target: (B, 1, N), at least half a second long.
    """
    window = round(0.0256 * sample_rate)
    n_fft, hop = 1 << (window - 1).bit_length(), window // 2
    taper = hann(window).to(output.device)
    bands = third_octaves(n_fft, sample_rate).to(output.device)

    def envelopes(wav: Tensor) -> Tensor:
        spectrum = torch.stft(
            wav.squeeze(1).float(), n_fft, hop, window, window=taper, return_complex=True
        )
        power = (spectrum.real.square() + spectrum.imag.square()) / (window / 4) ** 2
        return (bands @ power + 1e-10).sqrt().unfold(2, ENVELOPE_FRAMES, ENVELOPE_FRAMES // 6)

    ours, theirs = envelopes(output), envelopes(target)
    heard = theirs.square().mean(-1).sum(1) > (2 * AUDIBLE) ** 2
    ours, theirs = (x - x.mean(-1, keepdim=True) for x in (ours, theirs))
    size = (ours.square().sum(-1) * theirs.square().sum(-1) + 1e-12).sqrt()
    apart = 1 - (ours * theirs).sum(-1) / size
    return apart.mean(1)[heard].sum() / heard.sum().clamp_min(1)
