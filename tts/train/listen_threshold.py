"""From which score on a piece has a clause missing or doubled: measured on development sentences.

Each sentence is taken as it is, with a clause cut out of its codes, and with one said twice.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from itertools import islice
from typing import NamedTuple

import numpy as np
import torch

from tts.listen.check import Check, check_sounds
from tts.listen.config import CheckConfig
from tts.listen.model import Listener
from tts.listen.sounds import spoken
from tts.train.listen_data import Heard

# Words of a clause (Chinese: characters), and the fewest sounds that count as one.
CLAUSE_WORDS, LEAST_SOUNDS = (3, 8), 7


@dataclass(frozen=True)
class Threshold:
    """What was found.

    Attributes:
        limits: see `CheckConfig`.
        sentences: number of them.
        false_alarms: share of good pieces that would be spoken again.
        found_missing, found_doubled: share of spoilt ones that are found.
    """

    limits: CheckConfig
    sentences: int
    false_alarms: float
    found_missing: float
    found_doubled: float

    def to_dict(self) -> dict[str, object]:
        return asdict(self)


class Spoilt(NamedTuple):
    """Checks of a sentence as it is, with a clause cut, with a clause doubled."""

    good: Check
    cut: Check
    doubled: Check


def sound_frames(example: Heard) -> np.ndarray:
    """When each sound has ended: int64 (L,), by its labels."""
    ends, place = np.zeros(len(example.sounds), dtype=np.int64), 0
    for frame, label in enumerate(example.labels):
        for ahead in range(place, min(place + 5, len(example.sounds))):
            if example.sounds[ahead] == label:
                place = ahead
                break
        ends[place] = frame + 1
    return np.maximum.accumulate(ends)


def clause(example: Heard, rng: np.random.Generator) -> tuple[int, int] | None:
    """Frames [from, to) of some of its words; None where it has too few."""
    words = len(example.words)
    size = int(rng.integers(CLAUSE_WORDS[0], CLAUSE_WORDS[1] + 1))
    if words < size + 2:
        return None
    first = int(rng.integers(0, words - size + 1))
    before, after = example.ends[first - 1] if first else 0, example.ends[first + size - 1]
    if len(spoken(example.sounds[before:after])) < LEAST_SOUNDS:
        return None
    ends = sound_frames(example)
    return int(ends[before - 1]) if before else 0, int(ends[after - 1])


def spoil(listener: Listener, example: Heard, rng: np.random.Generator) -> Spoilt | None:
    """Check a sentence and what can go wrong with it; None where it is too short."""
    place = clause(example, rng)
    if place is None or place[1] <= place[0]:
        return None
    first, last = place
    codes = example.codes.astype(np.int64)
    ways = (
        codes,
        np.concatenate([codes[:, :first], codes[:, last:]], axis=1),
        np.concatenate([codes[:, :last], codes[:, first:]], axis=1),
    )
    return Spoilt(*(check_sounds(torch.from_numpy(w), example.sounds, listener) for w in ways))


def spoil_all(
    listener: Listener, examples: Iterable[Heard], seed: int = 0, most: int | None = None
) -> list[Spoilt]:
    """Spoil every example that is long enough, or the first `most` of them.

    Raises:
        ValueError: none is.
    """
    rng = np.random.default_rng(seed)
    drawn = (spoil(listener, e, rng) for e in examples if len(e.labels) and e.words)
    found = list(islice((one for one in drawn if one is not None), most))
    if not found:
        raise ValueError(f"no example has {CLAUSE_WORDS[0] + 2} words; give sentences")
    return found


def judged(found: Sequence[Spoilt], limits: CheckConfig) -> Threshold:
    """What limits find."""

    def wrong(checks: list[Check]) -> float:
        return float(np.mean([c.worst(limits) >= 1 for c in checks]))

    return Threshold(
        limits,
        len(found),
        wrong([one.good for one in found]),
        wrong([one.cut for one in found]),
        wrong([one.doubled for one in found]),
    )


def find_threshold(
    listener: Listener, examples: Sequence[Heard], alarms: float = 0.015, seed: int = 0
) -> Threshold:
    """The lowest limits at which at most a share `alarms` of the good sentences is spoken again.

    Raises:
        ValueError: no sentence is long enough.
    """
    found = spoil_all(listener, examples, seed)
    # Half a sound above what the good ones have; halves of the alarms for each kind.
    good, share = [one.good for one in found], 1 - alarms / 2
    limits = CheckConfig(
        missing=float(np.quantile([c.missing for c in good], share, method="higher")) + 0.5,
        inserted=float(np.quantile([c.inserted for c in good], share, method="higher")) + 0.5,
    )
    return judged(found, limits)
