"""Mandarin words with their class and frequency, and cutting a sentence into them.

The list is a part of jieba's dictionary (see `build_words.py`). The cut is the one with the
highest product of word frequencies.
"""

import gzip
from bisect import bisect_right
from collections.abc import Sequence
from functools import lru_cache
from math import log
from pathlib import Path
from typing import Final, NamedTuple

_WORDS = Path(__file__).parents[1] / "data" / "zh_words.txt.gz"
LONGEST: Final = 5
#: Ten times the logarithm of all frequencies in jieba's dictionary together.
_TOTAL: Final = round(10 * log(60_101_967))
#: Words from this frequency on (100, as ten times a logarithm) are common ones.
_COMMON: Final = 46
_NUMERALS: Final = frozenset("零〇一二三四五六七八九十百千万亿两几半0123456789")
#: Where jieba's class is that of a rare use.
_CLASSES: Final = {
    **dict.fromkeys("很挺太更最都也还就才又再已曾不没别只正刚将可", "d"),
    **dict.fromkeys("我你他她它您咱谁这那哪", "r"),
    **dict.fromkeys("行干种长调转差难空", "v"),
    **dict.fromkeys("个只条张本件次块位间家头匹把", "q"),
}


class Piece(NamedTuple):
    """A word of a cut: text, class (one letter, see `build_words.py`) and its first index.

    Classes beyond those of the list: m numeral, e letters, w mark, x unknown.
    """

    text: str
    kind: str
    start: int


@lru_cache(maxsize=1)
def table() -> dict[str, tuple[str, int]]:
    """Word to class and ten times the logarithm of its frequency."""
    lines = gzip.decompress(_WORDS.read_bytes()).decode().split("\n")
    words: dict[str, tuple[str, int]] = {}
    for line in lines:
        kind, weight, *entries = line.split(" ")
        words.update(dict.fromkeys(entries, (kind, int(weight))))
    return words


@lru_cache(maxsize=1)
def common() -> frozenset[str]:
    """The common words of two to four characters."""
    return frozenset(
        word for word, (_, weight) in table().items() if weight >= _COMMON and 2 <= len(word) <= 4
    )


def _class_of(word: str, words: dict[str, tuple[str, int]]) -> str:
    if all(char in _NUMERALS for char in word):
        return "m"
    if word in _CLASSES:
        return _CLASSES[word]
    if word in words:
        return words[word][0]
    if word.isascii() and word.isalnum():
        return "e"
    return "x" if "\u3400" <= word[0] <= "\u9fff" else "w"


@lru_cache(maxsize=512)
def cut(text: str) -> tuple[Piece, ...]:
    """Cut a sentence into words.

    Args:
        text: simplified Chinese; what is no Han character stands alone.

    Returns:
        The words in order; their texts join to `text`.
    """
    words = table()
    size = len(text)
    best = [0] * (size + 1)
    length = [1] * size
    for start in range(size - 1, -1, -1):
        score, chosen = -_TOTAL + best[start + 1], 1
        first = words.get(text[start])
        if first is not None:
            score += first[1]
        for span in range(2, min(LONGEST, size - start) + 1):
            found = words.get(text[start : start + span])
            if found is not None and found[1] - _TOTAL + best[start + span] > score:
                score, chosen = found[1] - _TOTAL + best[start + span], span
        best[start], length[start] = score, chosen
    pieces: list[Piece] = []
    start = 0
    while start < size:
        word = text[start : start + length[start]]
        pieces.append(Piece(word, _class_of(word, words), start))
        start += len(word)
    return tuple(pieces)


def is_whole(start: int, end: int, pieces: Sequence[Piece]) -> bool:
    """Whether a stretch is not cut out of a longer word: 长发 in 成长|发展 is."""
    first = max(0, bisect_right(pieces, start, key=lambda piece: piece.start) - 1)
    for number in range(first, len(pieces)):
        piece = pieces[number]
        last = piece.start + len(piece.text)
        if piece.start >= end:
            break
        if len(piece.text) < 2 or last <= start:
            continue
        inside = start <= piece.start and last <= end
        if not inside and not (piece.start <= start and end <= last):
            return False
    return True
