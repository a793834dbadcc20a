"""What a linear scorer of polyphones looks at: neighbouring characters, words, and lists of words.

Named features are hashed; `polyphones.py` and `build_polyphones.py` share this file.
"""

import zlib
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Final

from frontend.mandarin.words import Piece

NUM_BUCKETS: Final = 1 << 18
#: Longest phrase that is looked up.
MAX_PHRASE: Final = 5

PhraseLookup = Callable[[str], Mapping[int, str] | None]
_EDGE: Final = Piece("$", "w", -1)


def neighbour_features(text: str, index: int) -> list[str]:
    """Name the character n-grams around a position; ^ and $ stand beyond the edges."""
    padded = f"^^^{text[max(0, index - 9) : index]}"
    at = len(padded)
    padded += text[index : index + 10] + "$$$"

    def gram(first: int, last: int) -> str:
        return padded[at + first : at + last + 1]

    spans = ((-1, -1), (1, 1), (-2, -1), (1, 2), (-1, 1), (-2, -2), (2, 2), (1, 3), (-3, -1))
    named = [f"{number}{gram(first, last)}" for number, (first, last) in enumerate(spans)]
    named.append(f"c{_kind(gram(-1, -1))}{_kind(gram(1, 1))}")
    named += [f"p{_kind(gram(-1, -1))}", f"n{_kind(gram(1, 1))}"]
    wide = {*padded[max(0, at - 6) : at - 2], *padded[at + 3 : at + 7]}
    return named + [f"w{char}" for char in sorted(wide)]


def _kind(char: str) -> str:
    """Class of a neighbour: d digit, n number word, l letter, h Han, p mark or edge."""
    if char.isdigit() or char in "一二三四五六七八九十百千万两几数半":
        return "d" if char.isascii() else "n"
    if char.isalpha():
        return "l" if char.isascii() else "h"
    return "p"


def cut_features(pieces: Sequence[Piece], number: int, offset: int) -> list[str]:
    """Name the words around a character, and their classes.

    Args:
        pieces: the words of the sentence.
        number: index of the word that holds the character.
        offset: index of the character in that word.
    """

    def word(step: int) -> Piece:
        return pieces[number + step] if 0 <= number + step < len(pieces) else _EDGE

    own, before, after = word(0), word(-1), word(1)
    before_2, after_2 = word(-2), word(2)
    place = f"{offset}{min(len(own.text), 3)}"
    return [
        f"W{offset}{own.text}",
        f"K{place}{own.kind}",
        f"B{place}{before.text}",
        f"A{place}{after.text}",
        f"b{place}{before.kind}{min(len(before.text), 3)}",
        f"a{place}{after.kind}{min(len(after.text), 3)}",
        f"m{place}{before.kind}{after.kind}",
        f"f{place}{before_2.kind}{before.kind}{after.kind}",
        f"g{place}{before.kind}{after.kind}{after_2.kind}",
        f"h{place}{after.kind}{after_2.kind}",
        f"l{place}{before_2.kind}{before.kind}",
        f"V{place}{after_2.text}",
        f"U{place}{before_2.text}",
        f"z{place}{before.text[-1]}{after.kind}",
        f"y{place}{before.kind}{after.text[:1]}",
    ]


@lru_cache(maxsize=65536)
def _hash(text: str) -> int:
    return zlib.crc32(text.encode())


@lru_cache(maxsize=4096)
def _salt(char: str, reading: str) -> int:
    # Multiplied, so that the readings of a character are far apart in every bit.
    return zlib.crc32(f"{char}|{reading}".encode()) * 2654435761 % (1 << 32)


def buckets(char: str, readings: Sequence[str], names: Sequence[str]) -> list[list[int]]:
    """Hash (character, reading, feature) triples to [0, NUM_BUCKETS): a row for each reading."""
    hashes = [_hash(name) for name in names]
    rows: list[list[int]] = []
    for reading in readings:
        salt = _salt(char, reading)
        rows.append([((value ^ salt) * 0x9E3779B1 >> 7) % NUM_BUCKETS for value in hashes])
    return rows


def phrase_matches(text: str, index: int, look_up: PhraseLookup) -> list[tuple[int, str]]:
    """List (length, reading) of the dictionary phrases that cover a position, longest first."""
    matches: list[tuple[int, str]] = []
    for length in range(min(MAX_PHRASE, len(text)), 1, -1):
        for start in range(max(0, index - length + 1), min(index, len(text) - length) + 1):
            entry = look_up(text[start : start + length])
            if entry is not None and index - start in entry:
                matches.append((length, entry[index - start]))
    return matches


def dictionary_features(reading: str, matches: list[tuple[int, str]]) -> list[float]:
    """Agreement and disagreement by phrase length (2, 3, longer), then the longest's agreement."""
    features: list[float] = []
    for shortest, longest in ((2, 2), (3, 3), (4, MAX_PHRASE)):
        found = [said for length, said in matches if shortest <= length <= longest]
        agrees = reading in found
        features += [float(agrees), float(bool(found) and not agrees)]
    features.append(float(bool(matches) and matches[0][1] == reading))
    return features


@lru_cache(maxsize=32768)
def pypinyin_phrase(phrase: str) -> dict[int, str] | None:
    """Look a phrase up in pypinyin's dictionary: {offset: syllable}, None when it is not there."""
    from pypinyin.constants import PHRASES_DICT

    entry = PHRASES_DICT.get(phrase)
    if entry is None or len(entry) != len(phrase):
        return None
    return {offset: plain_syllable(said[0]) for offset, said in enumerate(entry)}


@lru_cache(maxsize=4096)
def plain_syllable(marked: str) -> str:
    """Turn "háng" into "hang2"; no mark is the neutral tone 5, ü is v."""
    import unicodedata

    tones = {"\u0304": "1", "\u0301": "2", "\u030c": "3", "\u0300": "4"}
    tone = "5"
    letters = ""
    for char in unicodedata.normalize("NFD", marked):
        if char in tones:
            tone = tones[char]
        elif char == "\u0308":
            letters = f"{letters[:-1]}v"
        elif char == "\u0302":
            letters += char
        else:
            letters += char
    return unicodedata.normalize("NFC", letters) + tone
