"""Spectral losses: log-mel at several resolutions, STFT magnitude."""

from __future__ import annotations

from functools import lru_cache

import torch
from torch import Tensor
from torch.nn import functional as F

FLOOR = 1e-5
# For waveforms: 66 dB below full scale. With a lower floor most of the gradient goes into making
# silence more silent than anyone can hear.
AUDIBLE = 5e-4
PHASE_TOP_HZ = 2000
LOW_BAND_WINDOW_S = 0.032


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


def drawn(total: int, count: int, seed: int) -> list[int]:
    """`count` (or all, where there are fewer) of `total` numbers, drawn from `seed` alone."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randperm(total, generator=generator)[:count].tolist()


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


def low_band_size(sample_rate: int) -> int:
    """How many numbers `low_band` gives for a patch."""
    window = round(LOW_BAND_WINDOW_S * sample_rate)
    return 2 * (round(PHASE_TOP_HZ / sample_rate * window) - 1)


def low_band(wav: Tensor, patch: int, sample_rate: int) -> Tensor:
    """Spectrum below 2 kHz around each patch, with its phases: what a mel leaves out.

    Magnitudes are replaced by their square roots, so that the loudest harmonic is not all.

    Args:
        wav: (B, 1, T * patch).

    Returns:
        (B, T, 2 * bins), real parts, then imaginary ones.
    """
    window = round(LOW_BAND_WINDOW_S * sample_rate)
    taper = hann(window).to(wav.device)
    half = patch // 2
    shifted = F.pad(wav, (0, patch))[:, :, half : half + wav.shape[2]].squeeze(1).float()
    spectrum = torch.stft(shifted, window, patch, window=taper, center=True, return_complex=True)[
        :, 1 : low_band_size(sample_rate) // 2 + 1, :-1
    ] / (window / 4)
    size = (spectrum.real.square() + spectrum.imag.square() + 1e-8).sqrt().sqrt()
    return torch.cat([spectrum.real / size, spectrum.imag / size], dim=1).transpose(1, 2)


def low_band_distance(output: Tensor, target: Tensor) -> Tensor:
    """Energy of the difference of two results of `low_band` over that of the whole batch: (B,).

    1 where nothing is known of the phases, 0 where both agree.
    """
    return (output.float() - target).square().mean((1, 2)) / (target.square().mean() + 1e-6)
