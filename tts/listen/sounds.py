"""What is heard: the front end's symbols without language tags and pauses, with common marks only.

A sound is an index of `SOUNDS`; 0 stands for none of them.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from rapidfuzz.distance import Levenshtein

from frontend.symbols import (
    COMMON_MARKS,
    LANGUAGE_TAGS,
    PAUSE,
    PUNCTUATION,
    SYMBOLS,
    ZH_TONES,
)

SOUNDS = tuple(
    s
    for s in SYMBOLS
    if s in COMMON_MARKS or s not in (*LANGUAGE_TAGS.values(), PAUSE, *PUNCTUATION)
)
NOTHING = 0
_NUMBER = {sound: number for number, sound in enumerate(SOUNDS, start=1)}
_RARE = {mark: "," for mark in PUNCTUATION if mark not in COMMON_MARKS}
#: Sound of each entry of `SYMBOLS`, NOTHING where it has none.
OF_SYMBOL = np.array([_NUMBER.get(_RARE.get(s, s), NOTHING) for s in SYMBOLS])
#: Whether each sound is a mark, by number.
IS_MARK = np.array([True, *(s in COMMON_MARKS for s in SOUNDS)])
#: Whether each sound is Mandarin's, by number.
IS_MANDARIN = np.array([False, *(s.startswith("zh_") for s in SOUNDS)])
IS_TONE = np.array([False, *(s in ZH_TONES for s in SOUNDS)])
#: Sounds that differ by stress alone have one number here.
UNSTRESSED = np.array([0, *(_NUMBER.get(s[:-1] + "0", _NUMBER[s]) for s in SOUNDS)])


def sounds_of(symbols: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The sounds of positions in `SYMBOLS` (L,), and how many there are before each position:
    int64 (M,) and (L + 1,)."""
    numbers = OF_SYMBOL[symbols]
    kept = numbers != NOTHING
    return numbers[kept], np.concatenate([[0], kept.cumsum()])


def spoken(sounds: np.ndarray) -> np.ndarray:
    """Indices of those that are no marks."""
    return np.flatnonzero(~IS_MARK[sounds])


def plain(sounds: np.ndarray) -> np.ndarray:
    """Sounds (L,) without marks and stress: int64 (M,)."""
    return UNSTRESSED[sounds[spoken(sounds)]]


def carried(places: np.ndarray, source: Sequence[int], target: Sequence[int]) -> np.ndarray:
    """Where places in one sequence of sounds are in another one of the same speech.

    Args:
        places: int64 (N,), numbers of sounds before each place, 0 to len(source).

    Returns:
        int64 (N,), 0 to len(target).
    """
    where = np.zeros(len(source) + 1, dtype=np.int64)
    for step in Levenshtein.opcodes(list(source), list(target)):
        size = step.src_end - step.src_start + 1
        near = np.linspace(step.dest_start, step.dest_end, size).round()
        where[step.src_start : step.src_end + 1] = near
    return where[places]
