"""Batches for a listener: frames to hear, and rows of sounds and text to write."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple, TypeVar

import numpy as np
import torch
from torch import Tensor

from tts.listen.sounds import IS_MANDARIN, IS_MARK, IS_TONE, NOTHING, SOUNDS, UNSTRESSED, carried
from tts.listen.vocabulary import LISTEN, Vocabulary
from tts.listen.writing import ended
from tts.train.dataset import Mixture
from tts.train.guide import IGNORED
from tts.train.listen_data import Heard

T = TypeVar("T")
POOL = 32
ROUND_ROWS = 16


@dataclass(frozen=True)
class Diet:
    """What examples a run sees.

    Attributes:
        batch_frames, batch_rows: of speech, and of sounds and pieces of text alone, in a step.
        shares, balance: of speech, see `tts.train.dataset.Mixture`.
        mandarin: share of the texts.
        join: chance that an example goes on with another one, and again.
        max_frames: longest example.
        wrong: share of frames whose finer codes are another frame's.
        hidden: share of frames that are left out, in stretches of up to `longest_hidden`.
        mistakes: largest share of the sounds of a text that are misheard.
    """

    batch_frames: int = 1000
    batch_rows: int = 1000
    shares: dict[str, float] | None = None
    balance: float = 0.7
    mandarin: float = 0.4
    join: float = 0.25
    max_frames: int = 375
    wrong: float = 0.03
    hidden: float = 0.08
    longest_hidden: int = 8
    mistakes: float = 0.35


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


class Rows(NamedTuple):
    """For the writing stack: weights (B, L, 1 + sounds); sounds: int64 (B, R), the one each row
    stands behind; pieces: int64 (B, R), -1 in rows of sounds; targets: int64 (B, R), IGNORED past
    the end."""

    weights: Tensor
    sounds: Tensor
    pieces: Tensor
    targets: Tensor


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
            kept = _packed(drawn, lambda e: len(e.labels), diet.batch_frames)
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


def _packed(items: Sequence[T], size: Callable[[T], int], most: int) -> list[list[T]]:
    """Batches of similar sizes, each of `most` frames or rows with its padding, or one item."""
    packed: list[list[T]] = [[]]
    for item in sorted(items, key=size):
        if packed[-1] and (len(packed[-1]) + 1) * size(item) > most:
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


# ------------------------------------------------------------------------------------- writing


def due(ends: np.ndarray, number: int, delay: int) -> np.ndarray:
    """After which row of sounds each word is to be written: int64 (W,), 1 to `number` + 1, which is
    the row of the end."""
    return np.clip(ends + delay, 1, number + 1)


def row_lists(
    example: Heard, ends: np.ndarray, number: int, delay: int, vocabulary: Vocabulary
) -> tuple[list[int], list[int]]:
    """The rows of an example: pieces (-1: the next sound, at last the end), and what is to follow
    each."""
    pieces, targets, word = [], [], 0
    times = due(ends, number, delay)
    for sound in range(1, number + 2):
        pieces.append(-1)
        while word < len(times) and times[word] <= sound:
            new = vocabulary.encode(example.words[word])
            pieces += new
            targets += new
            word += 1
        targets.append(LISTEN)
    return pieces, targets


def collate_rows(
    items: Sequence[tuple[Heard, np.ndarray, Tensor]], delay: int, vocabulary: Vocabulary
) -> Rows | None:
    """Stack what is to be written; None where nobody heard anything.

    Args:
        items: examples, their words' ends among what was heard, and its weights (L, 1 + sounds).
    """
    items = [item for item in items if len(item[2])]
    if not items:
        return None
    lists = [row_lists(e, ends, len(w), delay, vocabulary) for e, ends, w in items]
    most = 1 + max(len(weights) for _, _, weights in items)
    longest = max(len(pieces) for pieces, _ in lists)
    longest += -longest % ROUND_ROWS
    weights = torch.zeros(len(items), most, 1 + len(SOUNDS))
    sounds, pieces = (torch.zeros(len(items), longest, dtype=torch.int64) for _ in range(2))
    targets = torch.full((len(items), longest), IGNORED)
    for i, ((_, _, heard), (own, follow)) in enumerate(zip(items, lists, strict=True)):
        weights[i, : 1 + len(heard)] = ended(heard.float().cpu())
        pieces[i, : len(own)] = torch.tensor(own)
        sounds[i, : len(own)] = (torch.tensor(own) < 0).cumsum(0) - 1
        targets[i, : len(own)] = torch.tensor(follow)
    return Rows(weights, sounds, pieces, targets)


def heard_ends(example: Heard, heard: np.ndarray) -> np.ndarray:
    """Where an example's words end in sounds as they were heard."""
    return carried(example.ends, example.sounds.tolist(), heard.tolist())


def text_batches(
    texts: Sequence[Heard],
    diet: Diet,
    delay: int,
    vocabulary: Vocabulary,
    seed: int,
    first_step: int = 0,
) -> Iterator[Rows]:
    """Endless batches of texts of similar lengths, misheard as a listener does; what a step sees
    depends on seed and step alone."""
    by_language = [[e for e in texts if (e.language == "zh") == zh] for zh in (False, True)]
    kept: list[list[tuple[Heard, np.ndarray, Tensor]]] = []
    number = -1
    for step in range(first_step, 10**12):
        if step // POOL != number:
            number = step // POOL
            rng = np.random.default_rng((seed, number, 2))
            rows, items = 0, []
            while rows < diet.batch_rows * POOL:
                own = by_language[int(rng.random() < diet.mandarin)] or list(texts)
                example = own[int(rng.integers(len(own)))]
                while rng.random() < diet.join:
                    example = join(example, own[int(rng.integers(len(own)))])
                items.append((example, *misheard(example, diet, rng)))
                rows += len(example.sounds) + len(example.words)
            kept = _packed(items, lambda i: len(i[2]) + len(i[0].words), diet.batch_rows)
            kept = [kept[i] for i in rng.permutation(len(kept))]
        batch = collate_rows(kept[step % POOL % len(kept)], delay, vocabulary)
        if batch is not None:
            yield batch


def _groups() -> np.ndarray:
    """Sounds of one number are mistaken for each other."""
    vowels = np.arange(len(UNSTRESSED)) != UNSTRESSED
    vowels |= np.isin(np.arange(len(UNSTRESSED)), UNSTRESSED[vowels])
    return IS_MARK + 2 * IS_MANDARIN + 4 * IS_TONE + 8 * vowels


_MEMBERS = [np.flatnonzero(_groups() == g) for g in _groups()]
_STRESSES = [np.flatnonzero(u == UNSTRESSED) for u in UNSTRESSED]


def misheard(example: Heard, diet: Diet, rng: np.random.Generator) -> tuple[np.ndarray, Tensor]:
    """A text's sounds as a listener might hear them: ends of words among them, and weights."""
    share = diet.mistakes * rng.random() ** 2
    rows: list[tuple[int, int, float]] = []
    before = [0]
    for sound in example.sounds.tolist():
        dice = rng.random()
        other = _other(sound, rng)
        if dice < share * 0.6:  # a wrong one, often with some belief in the right one
            belief = rng.uniform(0, 0.5)
            rows.append((other, sound if rng.random() < 0.7 else other, belief))
        elif dice < share * 0.9:
            pass
        else:
            doubt = rng.uniform(0, 0.5) if rng.random() < share else 0.0
            rows.append((sound, other, doubt))
        if rng.random() < share * 0.1:
            rows.append((int(rng.integers(1, 1 + len(SOUNDS))), other, 0.2))
        before.append(len(rows))
    weights = torch.zeros(len(rows), 1 + len(SOUNDS))
    if rows:
        number = torch.arange(len(rows))
        first, second, belief = (torch.tensor(column) for column in zip(*rows, strict=True))
        weights[number, first] += 1 - belief
        weights[number, second] += belief
    return np.array(before)[example.ends], weights


def _other(sound: int, rng: np.random.Generator) -> int:
    members = _STRESSES[sound] if rng.random() < 0.3 else _MEMBERS[sound]
    found = int(members[rng.integers(len(members))])
    return found if found != NOTHING else sound
