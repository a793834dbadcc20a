"""Batches for the language model: prompt of the same speaker, text, frames to predict."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from tts.config import TtsConfig
from tts.prompt import audio_rows, prompt_rows, text_rows
from tts.train.prepare import Example

POOL_BATCHES = 32


class Batch(NamedTuple):
    """rows: int64 (B, T, 1 + K), padded on the right. source: bool (B, T), rows whose latent
    predicts a frame: the last row of the prompt and every frame; the label of a source row is
    the row after it. real: bool, over the sources in order, False where the label is the end."""

    rows: Tensor
    source: Tensor
    real: Tensor

    def labels(self) -> Tensor:
        """int64 (N, 1 + K), one row per source."""
        following = torch.roll(self.rows, -1, dims=1)
        return following[self.source]


def example_rows(example: Example, voice: np.ndarray, config: TtsConfig) -> tuple[Tensor, int]:
    """All rows of one example, the end row last; and how many of them are prompt."""
    phonemes = config.phonemes
    assert phonemes is not None
    phase = np.arange(len(example.symbols)) % phonemes.phases
    ids = torch.from_numpy(phonemes.first_id + example.symbols * phonemes.phases + phase)
    prompt = prompt_rows(ids, torch.from_numpy(voice.astype(np.int64)), config)
    places = torch.from_numpy(example.places)
    frames = audio_rows(ids[places], torch.from_numpy(example.codes.astype(np.int64)), config)
    end = text_rows(torch.tensor([config.audio_end_token_id]), config)
    return torch.cat([prompt, frames, end]), len(prompt)


def collate(rows: list[Tensor], prompts: list[int], config: TtsConfig) -> Batch:
    """Stack examples of unequal length."""
    steps = max(len(r) for r in rows)
    stacked = torch.full((len(rows), steps, 1 + config.n_vq), config.audio_pad_code)
    stacked[:, :, 0] = config.pad_token_id
    source = torch.zeros(len(rows), steps, dtype=torch.bool)
    real = []
    for i, (r, prompt) in enumerate(zip(rows, prompts, strict=True)):
        stacked[i, : len(r)] = r
        source[i, prompt - 1 : len(r) - 1] = True
        real.append(torch.arange(len(r) - prompt) < len(r) - prompt - 1)
    return Batch(stacked, source, torch.cat(real))


class Prompts:
    """Reference codes for an example: a random stretch of another utterance of its speaker."""

    def __init__(self, examples: list[Example], min_frames: int, max_frames: int) -> None:
        self.min_frames, self.max_frames = min_frames, max_frames
        self.by_speaker: dict[str, list[Example]] = {}
        for example in examples:
            self.by_speaker.setdefault(example.speaker, []).append(example)

    def draw(self, example: Example, rng: np.random.Generator) -> np.ndarray:
        """uint16 (K, P)."""
        own = self.by_speaker[example.speaker]
        other = own[rng.integers(len(own))]
        for _ in range(8):
            if other.id != example.id and other.codes.shape[1] >= self.min_frames:
                break
            other = own[rng.integers(len(own))]
        length = int(rng.integers(self.min_frames, self.max_frames + 1))
        first = int(rng.integers(0, max(1, other.codes.shape[1] - length + 1)))
        return other.codes[:, first : first + length]


def batches(
    examples: list[Example],
    prompts: Prompts,
    config: TtsConfig,
    batch_size: int,
    seed: int,
    first_step: int = 0,
    max_frames: int | None = None,
) -> Iterator[Batch]:
    """Endless batches of similar lengths; what a step sees depends on seed and step alone.

    Args:
        max_frames: longer examples are left out for now (short ones first).
    """
    chosen = [e for e in examples if max_frames is None or len(e.places) <= max_frames]
    pool = POOL_BATCHES * batch_size
    step = first_step
    while True:
        number, inside = divmod(step, POOL_BATCHES)
        rng = np.random.default_rng((seed, number))
        picked = rng.choice(len(chosen), min(pool, len(chosen)), replace=False)
        picked = sorted(picked, key=lambda i: len(chosen[i].places) + len(chosen[i].symbols))
        order = rng.permutation(max(1, len(picked) // batch_size))
        slot = int(order[inside % len(order)]) * batch_size
        rng = np.random.default_rng((seed, number, inside))
        own = [chosen[i] for i in picked[slot : slot + batch_size]]
        built = [example_rows(e, prompts.draw(e, rng), config) for e in own]
        yield collate([r for r, _ in built], [p for _, p in built], config)
        step += 1
