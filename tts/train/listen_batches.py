"""Batches for a listener: frames to hear."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from tts.train.dataset import Mixture
from tts.train.guide import IGNORED
from tts.train.listen_data import Heard

POOL = 32
ROUND_ROWS = 16


@dataclass(frozen=True)
class Diet:
    """What examples a run sees.

    Attributes:
        batch_frames: in a step.
        shares, balance: see `tts.train.dataset.Mixture`.
        join: chance that an example goes on with another one, and again.
        max_frames: longest example.
        wrong: share of frames whose finer codes are another frame's.
        hidden: share of frames that are left out, in stretches of up to `longest_hidden`.
    """

    batch_frames: int = 1000
    shares: dict[str, float] | None = None
    balance: float = 0.7
    join: float = 0.25
    max_frames: int = 375
    wrong: float = 0.03
    hidden: float = 0.08
    longest_hidden: int = 8


class Speech(NamedTuple):
    """codes: int64 (B, K, T), -1 where an example has none; kept: (B, T), 0 where a frame is
    hidden; lengths: int64 (B,); labels: int64 (B, T), IGNORED past the end; sounds: int64 (all,),
    end to end; counts: int64 (B,), of them; examples: the B of them."""

    codes: Tensor
    kept: Tensor
    lengths: Tensor
    labels: Tensor
    sounds: Tensor
    counts: Tensor
    examples: list[Heard]


def speech_batches(
    examples: Sequence[Heard], diet: Diet, seed: int, first_step: int = 0, augment: bool = True
) -> Iterator[Speech]:
    """Endless batches of similar lengths; what a step sees depends on seed and step alone."""
    usable = [e for e in examples if 0 < len(e.labels) <= diet.max_frames]
    mixture = Mixture(shares=diet.shares or {}, balance=diet.balance)
    chances = mixture.chances(usable)  # type: ignore[arg-type]
    mean = sum(c * len(e.labels) for c, e in zip(chances, usable, strict=True))
    size = max(1, round(POOL * diet.batch_frames / mean))
    kept, number = [], -1
    for step in range(first_step, 10**12):
        if step // POOL != number:
            number = step // POOL
            rng = np.random.default_rng((seed, number))
            drawn = [usable[i] for i in rng.choice(len(usable), size, p=chances)]
            drawn = [_joined(e, usable, diet, rng) for e in drawn]
            kept = _packed(drawn, diet.batch_frames)
            kept = [kept[i] for i in rng.permutation(len(kept))]
        rng = np.random.default_rng((seed, step, 1))
        yield collate(kept[step % POOL % len(kept)], diet if augment else None, rng)


def _joined(example: Heard, others: Sequence[Heard], diet: Diet, rng: np.random.Generator) -> Heard:
    while rng.random() < diet.join:
        other = others[int(rng.integers(len(others)))]
        if len(example.labels) + len(other.labels) > diet.max_frames:
            break
        example = join(example, other)
    return example


def join(first: Heard, second: Heard) -> Heard:
    """One after the other, with the codebooks that both have."""
    books = min(len(first.codes), len(second.codes))
    return replace(
        first,
        id=f"{first.id}+{second.id}",
        codes=np.concatenate([first.codes[:books], second.codes[:books]], axis=1),
        labels=np.concatenate([first.labels, second.labels]),
        sounds=np.concatenate([first.sounds, second.sounds]),
        words=first.words + second.words,
        ends=np.concatenate([first.ends, second.ends + len(first.sounds)]),
    )


def _packed(items: Sequence[Heard], most: int) -> list[list[Heard]]:
    """Batches of similar lengths, each of `most` frames with its padding, or one item."""
    packed: list[list[Heard]] = [[]]
    for item in sorted(items, key=lambda e: len(e.labels)):
        if packed[-1] and (len(packed[-1]) + 1) * len(item.labels) > most:
            packed.append([])
        packed[-1].append(item)
    return packed


def collate(examples: list[Heard], diet: Diet | None, rng: np.random.Generator) -> Speech:
    """Stack examples; disturbed as `diet` says."""
    frames = max(len(e.labels) for e in examples)
    frames += -frames % ROUND_ROWS
    books = max(len(e.codes) for e in examples)
    codes = np.full((len(examples), books, frames), -1)
    labels = np.full((len(examples), frames), IGNORED)
    kept = np.ones((len(examples), frames), dtype=np.float32)
    for i, example in enumerate(examples):
        length = len(example.labels)
        codes[i, : len(example.codes), :length] = example.codes
        labels[i, :length] = example.labels
        if diet is not None:
            _disturb(codes[i, :, :length], kept[i, :length], diet, rng)
    return Speech(
        torch.from_numpy(codes),
        torch.from_numpy(kept),
        torch.tensor([len(e.labels) for e in examples]),
        torch.from_numpy(labels),
        torch.from_numpy(np.concatenate([e.sounds for e in examples])),
        torch.tensor([len(e.sounds) for e in examples]),
        examples,
    )


def _disturb(codes: np.ndarray, kept: np.ndarray, diet: Diet, rng: np.random.Generator) -> None:
    """Give some frames others' finer codes, and hide some; in place."""
    books, frames = codes.shape
    for t in np.flatnonzero(rng.random(frames) < diet.wrong):
        first = rng.integers(0, books)
        codes[first:, t] = codes[first:, rng.integers(frames)]
    for _ in range(rng.poisson(frames * diet.hidden * 2 / (1 + diet.longest_hidden))):
        first = rng.integers(frames)
        kept[first : first + rng.integers(1, diet.longest_hidden + 1)] = 0
