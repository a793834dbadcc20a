"""Words with the sounds they stand for, and which words follow each other: what a text is made of.

Learnt by counting, from texts that the front end has read. English words have the space before them
and their case, marks are words, and so is each Chinese character; joined they are the text.
"""

from __future__ import annotations

import math
import zlib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from tokenizer.files import replacing
from tokenizer.hub import CheckpointError

FILE = "lexicon.npz"
#: What stands before the first word.
BEGIN = 0
# Chances that are remembered, so that an hour of speech takes no more memory than a minute.
REMEMBERED = 100_000
# How much of a count goes to words that were never seen there (absolute discounting).
_OF_PAIRS, _OF_TRIPLES = 0.7, 0.8
# What a word counts that was never seen.
_UNSEEN = 0.1


@dataclass(frozen=True, eq=False)
class Lexicon:
    """What was counted.

    Attributes:
        words: by number; number `BEGIN` is none.
        sounds: int16, of all readings, end to end; sizes: uint8, of each; of: int32, its word.
        counts: int32, how often each word was seen.
        pairs, triples: int32 (N, 3) and (N, 4), words that followed each other, and how often.
    """

    words: tuple[str, ...]
    sounds: np.ndarray
    sizes: np.ndarray
    of: np.ndarray
    counts: np.ndarray
    pairs: np.ndarray
    triples: np.ndarray

    @classmethod
    def learn(cls, texts: Iterable[tuple[Sequence[str], np.ndarray, np.ndarray]]) -> Lexicon:
        """Count.

        Args:
            texts: the words of each, the sounds in it, and how many have been heard when each word
                is over. A word without sounds is passed over.
        """
        numbers = {"": BEGIN}
        readings: dict[tuple[int, tuple[int, ...]], None] = {}
        counts, pairs, triples = Counter[int](), Counter[tuple[int, ...]](), Counter()
        for words, sounds, ends in texts:
            first, second, start = BEGIN, BEGIN, 0
            for word, end in zip(words, ends.tolist(), strict=True):
                own = tuple(sounds[start:end].tolist())
                start = end
                if not own:
                    continue
                number = numbers.setdefault(word, len(numbers))
                readings[number, own] = None
                counts[number] += 1
                pairs[second, number] += 1
                triples[first, second, number] += 1
                first, second = second, number
        return cls(
            tuple(numbers),
            np.array([s for _, own in readings for s in own], dtype=np.int16),
            np.array([len(own) for _, own in readings], dtype=np.uint8),
            np.array([word for word, _ in readings], dtype=np.int32),
            np.array([counts[n] for n in range(len(numbers))], dtype=np.int32),
            _table(pairs, 3),
            _table(triples, 4),
        )

    def save(self, path: Path) -> None:
        """Write it whole or not at all."""
        arrays = {name: value for name, value in vars(self).items() if name != "words"}
        with replacing(path) as temporary, temporary.open("wb") as file:
            np.savez_compressed(file, words=np.array("\n".join(self.words)), **arrays)

    @classmethod
    def load(cls, path: Path) -> Lexicon:
        """CheckpointError where there is none, or a damaged one."""
        if not path.is_file():
            raise CheckpointError(f"{path} is missing; a listener needs it to write words")
        try:
            with np.load(path) as data:
                arrays = {name: data[name] for name in data.files}
            return cls(tuple(str(arrays.pop("words")).split("\n")), **arrays)
        except (OSError, ValueError, KeyError, TypeError, BadZipFile, zlib.error) as error:
            raise CheckpointError(f"{path} is damaged ({error}); fetch or copy it again") from error

    def readings(self) -> Iterable[tuple[int, list[int]]]:
        """Each word with each way it is said."""
        ends = self.sizes.astype(np.int64).cumsum()
        parts = np.split(self.sounds, ends[:-1]) if len(ends) else []
        for word, sounds in zip(self.of.tolist(), parts, strict=True):
            yield word, sounds.tolist()


def _table(counts: dict[tuple[int, ...], int], width: int) -> np.ndarray:
    rows = [(*words, n) for words, n in sorted(counts.items())]
    return np.array(rows, dtype=np.int32).reshape(-1, width)


class Chances:
    """How likely a word is after two others: trigrams over bigrams over single words."""

    def __init__(self, lexicon: Lexicon) -> None:
        total = lexicon.counts.sum() + _UNSEEN * len(lexicon.words)
        self._alone = ((lexicon.counts + _UNSEEN) / total).tolist()
        self._pairs, self._triples = _Followers(lexicon.pairs), _Followers(lexicon.triples)
        self._kept: dict[tuple[int, int, int], float] = {}

    def alone(self, word: int) -> float:
        """Natural logarithm of the chance of a word anywhere."""
        return math.log(self._alone[word])

    def after(self, first: int, second: int, word: int) -> float:
        """Natural logarithm of the chance of a word after two others."""
        key = first, second, word
        if (known := self._kept.get(key)) is not None:
            return known
        chance = self._alone[word]
        chance = self._pairs.chance((second,), word, chance, _OF_PAIRS)
        chance = self._triples.chance((first, second), word, chance, _OF_TRIPLES)
        if len(self._kept) >= REMEMBERED:
            self._kept.clear()
        self._kept[key] = math.log(chance)
        return self._kept[key]


class _Followers:
    """What followed some words, and how often; looked up when it is asked for."""

    def __init__(self, table: np.ndarray) -> None:
        self._table = table
        self._keys = _key(*table[:, :-2].astype(np.int64).T)
        self._known: dict[tuple[int, ...], tuple[int, dict[int, int]]] = {}

    def chance(self, context: tuple[int, ...], word: int, less: float, discount: float) -> float:
        """Of a word behind some others, where `less` is its chance in a shorter context."""
        total, own = self._known.get(context) or self._look_up(context)
        if not total:
            return less
        free = discount * len(own) * less
        return (max(own.get(word, 0) - discount, 0) + free) / total

    def _look_up(self, context: tuple[int, ...]) -> tuple[int, dict[int, int]]:
        key = _key(*(np.int64(word) for word in context))
        first, last = np.searchsorted(self._keys, [key, key + 1])
        own = dict(self._table[first:last, -2:].tolist())
        if len(self._known) >= REMEMBERED // 10:
            self._known.clear()
        self._known[context] = sum(own.values()), own
        return self._known[context]


def _key(*words: np.ndarray | np.int64) -> np.ndarray | np.int64:
    """One number for one or two words, in their order."""
    return words[0] if len(words) == 1 else (words[0] << 32) + words[1]
