"""Samples as files and players have them, and as the tokenizer does.

Outside of tensors a sound is float32 (N,), or (N, channels) where there are several: joining,
cutting and counting go along the first axis, and its bytes are in the order of sound files.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from torch import Tensor

# Of the loudest channel's power; the mean of eight channels of which one speaks has 1/64.
CANCELLED = 1e-2


def to_channels(samples: np.ndarray, channels: int) -> np.ndarray:
    """float32 (N,) or (N, any) -> (N,) where `channels` is 1, else (N, channels).

    To one channel goes what `mix_down` gives. One channel is copied to all, at its level; of more
    than are wanted the first are taken.
    """
    if channels == 1:
        return samples if samples.ndim == 1 else mix_down(samples)
    wide = samples[:, None] if samples.ndim == 1 else samples
    if wide.shape[1] == 1:
        return np.repeat(wide, channels, axis=1)
    return np.ascontiguousarray(wide[:, :channels])


def mix_down(samples: np.ndarray) -> np.ndarray:
    """One channel of several: float32 (N, channels) -> float32 (N,).

    Their mean; or the loudest of them where they cancel each other out, as those of a microphone
    with its poles swapped do.
    """
    wav = samples.mean(axis=1)
    if samples.shape[1] > 1:
        powers = np.square(samples, dtype=np.float64).mean(axis=0)
        if np.square(wav, dtype=np.float64).mean() < CANCELLED * powers.max():
            wav = samples[:, powers.argmax()]
    return np.ascontiguousarray(wav, dtype=np.float32)


def wav_of(samples: np.ndarray, channels: int) -> Tensor:
    """float32 (N,) or (N, any) -> (1, channels, N), as a tokenizer of these channels takes it."""
    import torch

    wide = to_channels(np.asarray(samples, dtype=np.float32), channels)
    return torch.from_numpy(np.ascontiguousarray(wide)).reshape(len(wide), channels).t()[None]


def samples_of(wav: Tensor) -> np.ndarray:
    """float (channels, N), or (1, channels, N) -> float32 (N,), or (N, channels)."""
    wav = wav.detach().reshape(-1, wav.shape[-1]).float().cpu()
    return wav[0].numpy() if len(wav) == 1 else np.ascontiguousarray(wav.t().numpy())


def silence(count: int, channels: int) -> np.ndarray:
    """`count` samples of nothing: float32 (N,), or (N, channels)."""
    return np.zeros(count if channels == 1 else (count, channels), np.float32)
