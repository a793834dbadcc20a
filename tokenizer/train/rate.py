"""A tokenizer at another sample rate: the same codes, and a decoder to go on from.

Its network sees a patch of samples through one matrix and makes one by another. A patch of the
other rate lasts as long, so a matrix between the two, fitted by least squares to speech, is all
that changes. Samples beyond the edges of a patch are not seen, of which the first and last ones
would need some: the error is 40 dB below the speech.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import soxr
import torch
from torch import Tensor

from tokenizer.config import CatConfig, PatchConfig, StageConfig
from tokenizer.model import CatTokenizer
from tokenizer.train.data import PEAK, PackedAudio

PIECE_S = 4.0
PIECES = 500
# Of the mean energy of a sample: what least squares take for noise, so that they stay small.
RIDGE = 1e-5
FIRST = "encoder.1.input_proj.weight"


def at_rate(codec: CatTokenizer, audio: PackedAudio, seed: int = 0) -> CatTokenizer:
    """`codec` at the rate of `audio`; its quantizer and all layers are the same.

    Args:
        audio: speech, more than some minutes of it; random pieces are taken.

    Raises:
        ValueError: a patch would not be a whole number of samples, a projection is missing, or
            there are several channels.
    """
    config = config_at(codec.config, audio.sample_rate)
    weights = dict(codec.state_dict())
    last = f"decoder.{len(config.decoder_kwargs) - 2}.output_proj.weight"
    if missing := {FIRST, last} - set(weights):
        raise ValueError(f"it has no {missing.pop()}, which would change the rate")
    forth, back = patch_maps(audio, codec.sample_rate, weights[FIRST].shape[1], seed)
    weights[FIRST] = weights[FIRST] @ forth
    weights[last] = back @ weights[last]
    result = CatTokenizer(config, weights)
    result.load_state_dict(weights)
    return result


def config_at(config: CatConfig, sample_rate: int) -> CatConfig:
    """The config of a tokenizer whose patches last as long at another rate."""
    if config.number_channels > 1:
        raise ValueError(f"a tokenizer of {config.number_channels} channels keeps its sample rate")
    first, second = config.encoder_kwargs[:2]
    before_last, last = config.decoder_kwargs[-2:]
    if first != last:
        raise ValueError(f"encoder and decoder have other patches, {first} and {last}")
    assert isinstance(first, PatchConfig)
    assert isinstance(second, StageConfig)
    assert isinstance(before_last, StageConfig)

    def scaled(size: int) -> int:
        whole, rest = divmod(size * sample_rate, config.sampling_rate)
        if rest:
            raise ValueError(
                f"a patch of {size} samples at {config.sampling_rate} Hz is no whole number of "
                f"samples at {sample_rate} Hz; use another rate"
            )
        return whole

    patch = PatchConfig(scaled(first.patch_size))
    return replace(
        config,
        sampling_rate=sample_rate,
        downsample_rate=scaled(config.downsample_rate),
        encoder_kwargs=(
            patch,
            replace(second, input_dimension=scaled(second.input_dimension)),
            *config.encoder_kwargs[2:],
        ),
        decoder_kwargs=(
            *config.decoder_kwargs[:-2],
            replace(before_last, output_dimension=scaled(before_last.output_dimension)),
            patch,
        ),
    )


def patch_maps(
    audio: PackedAudio, old_rate: int, old_patch: int, seed: int
) -> tuple[Tensor, Tensor]:
    """From a patch at the rate of `audio` to the same at the old one, and back.

    Returns:
        float32 (old patch, new patch) and (new patch, old patch).
    """
    rng = np.random.default_rng(seed)
    size = round(PIECE_S * audio.sample_rate)
    a, b = old_patch * audio.sample_rate // old_rate, old_patch
    own, other, cross = np.zeros((a, a)), np.zeros((b, b)), np.zeros((b, a))
    for first in rng.integers(0, max(1, len(audio.samples) - size + 1), PIECES):
        wav = audio.samples[first : first + size] / PEAK
        energy = np.square(wav).mean()
        if not energy:
            continue
        resampled = soxr.resample(wav, audio.sample_rate, old_rate)
        count = min(len(wav) // a, len(resampled) // b)
        x = wav[: count * a].reshape(count, a) / energy**0.5
        y = resampled[: count * b].reshape(count, b) / energy**0.5
        own, other, cross = own + x.T @ x, other + y.T @ y, cross + y.T @ x
    forth, back = _solve(own, cross), _solve(other, cross.T)
    return torch.from_numpy(forth).float(), torch.from_numpy(back).float()


def _solve(own: np.ndarray, cross: np.ndarray) -> np.ndarray:
    """The matrix M that makes y of x with the least squared error, from sums of xx' and yx'."""
    noise = RIDGE * np.trace(own) / len(own) * np.eye(len(own))
    return np.linalg.solve(own + noise, cross.T).T
