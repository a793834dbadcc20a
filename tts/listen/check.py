"""Whether codes say what they were meant to say, read back without making their sound."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import NamedTuple

import numpy as np
import torch
from rapidfuzz.distance import Levenshtein
from torch import Tensor

from frontend.symbols import to_ids
from tts.listen.config import CheckConfig
from tts.listen.model import Listener
from tts.listen.sounds import plain, sounds_of, spoken
from tts.listen.spelling import spell

# What a sound inside a stretch counts: one that is wrong there does not end it at once.
RIGHT, OTHER = -1.0, -0.25


class Check(NamedTuple):
    """How codes compare with the symbols that they should say; marks and stress do not count.

    Attributes:
        sounds: of the text.
        errors: sounds left out, said beside, or taken for others.
        missing, inserted: scores of the worst stretch of the text that is not there, and of what is
            there and not in the text: about the number of its sounds.
        frames: where that is, [from, to); of what is missing, where it should be.
    """

    sounds: int
    errors: int
    missing: float
    inserted: float
    frames: tuple[int, int] = (0, 0)

    @property
    def rate(self) -> float:
        """Errors a sound."""
        return self.errors / max(1, self.sounds)

    def worst(self, limits: CheckConfig) -> float:
        """The worse of the two scores in shares of its limit: from 1 on a piece is wrong."""
        return max(self.missing / limits.missing, self.inserted / limits.inserted)

    def complaint(self, limits: CheckConfig, frame_rate: float) -> str | None:
        """What is wrong, or None."""
        if self.worst(limits) < 1:
            return None
        lost = self.missing / limits.missing >= self.inserted / limits.inserted
        what = f"{self.missing:.0f} sounds of the text are missing"
        if not lost:
            what = f"{self.inserted:.0f} sounds are said that are not in the text"
        return f"other words: about {what}, at {self.frames[0] / frame_rate:.1f} s"


def check(codes: Tensor, symbols: Sequence[str], listener: Listener) -> Check:
    """Listen to codes and compare.

    Args:
        codes: int64 (k, T), of the listener's tokenizer; of more codebooks than it reads the first.
        symbols: entries of `frontend.symbols.SYMBOLS`, see `frontend.types.Utterance`.
    """
    ids = np.array(to_ids(tuple(symbols)), dtype=np.int64)
    return check_sounds(codes, sounds_of(ids)[0], listener)


def check_sounds(codes: Tensor, sounds: np.ndarray, listener: Listener) -> Check:
    """As `check`, with the sounds (L,) that should be heard, see `tts.listen.sounds`."""
    meant = plain(sounds)
    if not codes.shape[1]:
        return Check(len(meant), len(meant), float(len(meant)), 0.0)
    used = codes[None, : listener.config.num_codebooks].to(listener.codes.weight.device)
    with torch.inference_mode():
        heard = spell(listener.hear(used).sounds[0])
    numbers = heard.numbers.cpu().numpy()
    frames = heard.frames.cpu().numpy()[spoken(numbers)]
    return compare(meant, plain(numbers), frames, codes.shape[1])


class Stretch(NamedTuple):
    """Elements [first, last) that are missing or inserted; score: about how many."""

    score: float
    first: int
    last: int


class Difference(NamedTuple):
    """Two sequences: how many elements differ, the worst stretch of the first that is missing in
    the second and of the second that is not in the first, and beside which element of the second
    each of the first stands (L,)."""

    errors: int
    missing: Stretch
    inserted: Stretch
    beside: np.ndarray


def differ(meant: Sequence[Hashable], heard: Sequence[Hashable]) -> Difference:
    """Align what was meant with what was heard."""
    missing, inserted = np.full(len(meant), OTHER), np.full(len(heard), OTHER)
    beside = np.zeros(len(meant), dtype=np.int64)
    errors = 0
    for step in Levenshtein.opcodes(meant, heard):
        a, b, c, d = step.src_start, step.src_end, step.dest_start, step.dest_end
        kind = step.tag
        beside[a:b] = np.linspace(c, d, b - a, endpoint=False) if kind != "delete" else c
        errors += max(b - a, d - c) * (kind != "equal")
        if kind == "equal":
            missing[a:b] = inserted[c:d] = RIGHT
        elif kind == "delete":
            missing[a:b] = 1.0
        elif kind == "insert":
            inserted[c:d] = 1.0
    return Difference(errors, _worst(missing), _worst(inserted), beside)


def compare(meant: np.ndarray, heard: np.ndarray, frames: np.ndarray, length: int) -> Check:
    """Align sounds (L,) that were meant with those heard (M,) in `frames` (M,) of `length`."""
    found = differ(meant.tolist(), heard.tolist())
    lost, extra, beside = found.missing, found.inserted, found.beside
    edges = np.concatenate([frames, [length]])
    if lost.score >= extra.score:
        places = (beside[lost.first], beside[lost.last - 1]) if lost.last else (0, 0)
        where = int(edges[places[0]]), int(edges[places[1]])
    else:
        where = int(edges[extra.first]), int(edges[extra.last])
    return Check(len(meant), found.errors, lost.score, extra.score, where)


def _worst(scores: np.ndarray) -> Stretch:
    """The stretch of the highest sum; zeros where none is positive."""
    best, total, first = Stretch(0.0, 0, 0), 0.0, 0
    for number, score in enumerate(scores.tolist()):
        if total <= 0:
            total, first = 0.0, number
        total += score
        if total > best.score:
            best = Stretch(total, first, number + 1)
    return best
