"""Written words and the sounds in them, by the front end."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from frontend import phonemize
from frontend.symbols import to_ids
from frontend.types import Word
from tts.listen.sounds import IS_TONE, NOTHING, OF_SYMBOL, sounds_of


def read_text(text: str, language: str = "auto") -> tuple[np.ndarray, tuple[str, ...], np.ndarray]:
    """The symbols of a text as positions in `SYMBOLS`, its words, and the sounds by their ends.

    Raises:
        EmptyTextError: nothing in it can be spoken.
    """
    utterance = phonemize(text, language)
    words, ends, number = [], [], 0
    for word in utterance.words:
        for part, size in _parts(word):
            number += size
            words.append(part)
            ends.append(number)
    symbols = np.array(to_ids(utterance.symbols))
    assert number == len(sounds_of(symbols)[0])
    return symbols, tuple(words), np.array(ends)


def _parts(word: Word) -> Iterator[tuple[str, int]]:
    """A word's text with its number of sounds; one of several Chinese characters in parts."""
    numbers = OF_SYMBOL[to_ids(word.symbols)] if word.symbols else np.zeros(0, dtype=np.int64)
    numbers = numbers[numbers != NOTHING]
    if word.lang != "zh":
        yield (f" {word.text}" if word.lang else word.text), len(numbers)
        return
    tones = np.flatnonzero(IS_TONE[numbers]) + 1
    if len(tones) == len(word.text) > 1:
        sizes = np.diff([0, *tones[:-1], len(numbers)])
        yield from zip(word.text, sizes.tolist(), strict=True)
    else:
        yield word.text, len(numbers)
