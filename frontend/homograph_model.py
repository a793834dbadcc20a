"""A linear classifier for English words with two pronunciations.

Each reading of a word has weights for what stands around it: words, their classes (a lexicon of
one class a word, endings for the rest) and words anywhere near. Readings that differ by part of
speech also share weights, so that a verb rarely met is known by the company verbs keep. Trained by
`build_homographs.py`.
"""

import gzip
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

_DATA = Path(__file__).with_name("data")
NUM_BUCKETS: Final = 1 << 18
#: Words this far away still count as being near.
_NEAR: Final = 10
_BEGIN, _END = "<s>", "</s>"
_EDGES: Final = {_BEGIN: "<", _END: ">", ",": ",", "-": "-"}


@lru_cache(maxsize=1)
def _tags() -> dict[str, str]:
    """Word to class; only those whose class its ending does not tell."""
    tags: dict[str, str] = {}
    for line in gzip.decompress((_DATA / "en_tags.txt.gz").read_bytes()).decode().split("\n"):
        kind, _, words = line.partition(" ")
        tags.update(dict.fromkeys(words.split(" "), kind))
    return tags


def guess_class(word: str) -> str:
    """Class of a word by its ending: r adverb, g -ing, d -ed, s plural, a adjective, n noun."""
    if word.endswith("ly"):
        return "r"
    if word.endswith("ing"):
        return "g"
    if word.endswith("ed"):
        return "d"
    if word.endswith("s") and not word.endswith(("ss", "us", "is")):
        return "$" if word.endswith("'s") else "s"
    return "a" if word.endswith(("ous", "ful", "ive", "able", "ible", "ical", "less")) else "n"


@lru_cache(maxsize=16384)
def word_class(word: str) -> str:
    """Class of a lower-case word, or of a mark or edge."""
    return _EDGES.get(word) or _tags().get(word) or guess_class(word)


def features(words: Sequence[str], index: int) -> list[str]:
    """Name what stands around a word.

    Args:
        words: a sentence in its own case; commas may stand among them as words.
        index: of the word in question.
    """
    first, last = max(0, index - _NEAR), index + _NEAR + 1
    lower = [_BEGIN, _BEGIN, _BEGIN, *(word.lower() for word in words[first:last]), _END, _END, _END]
    at = index - first + 3
    kinds = [word_class(word) for word in lower[at - 3 : at + 4]]
    l3, l2, l1, own, r1, r2, r3 = lower[at - 3 : at + 4]
    k3, k2, k1, _, m1, m2, m3 = kinds
    shape = "C" if words[index][0].isupper() else "c"
    if len(words[index]) > 1 and words[index].isupper():
        shape = "U"
    named = [
        "b", f"S{shape}{'<' if l1 == _BEGIN else ''}", f"S{shape}{k1}{m1}",
        f"-1{l1}", f"+1{r1}", f"-2{l2}", f"+2{r2}", f"-3{l3}", f"+3{r3}",
        f"--{l2} {l1}", f"++{r1} {r2}", f"-+{l1} {r1}", f"---{l3} {l2} {l1}",
        f"k-1{k1}", f"k+1{m1}", f"k-2{k2}{k1}", f"k+2{m1}{m2}", f"k-+{k1}{m1}",
        f"k-3{k3}{k2}{k1}", f"k+3{m1}{m2}{m3}", f"k5{k2}{k1}{m1}{m2}", f"k4{k2}{k1}{m1}",
        f"k6{k1}{m1}{m2}", f"x{l1}{m1}", f"y{k1}{r1}", f"x2{l2}{k1}", f"y2{m1}{r2}",
        f"e-{l1[-3:]}", f"e+{r1[-3:]}", f"e-+{l1[-2:]}{r1[-2:]}", f"z{l2}{k1}{m1}",
    ]  # fmt: skip
    if l1[:1].isalpha() and index:
        named.append(f"C-{words[index - 1][0].isupper()}")
    if r1[:1].isalpha():
        named.append(f"C+{words[index + 1][0].isupper()}")
    near = {*lower[3 : at], *lower[at + 1 : -3]}
    named += [f"n{word}" for word in near]
    named += [f"m{word[:5]}" for word in near if len(word) > 5]
    return named


@lru_cache(maxsize=65536)
def _hash(text: str) -> int:
    return zlib.crc32(text.encode())


@lru_cache(maxsize=2048)
def _salt(owner: str) -> int:
    return zlib.crc32(owner.encode()) * 2654435761 % (1 << 32)


def bucket_rows(owners: Sequence[str], names: Sequence[str]) -> list[list[int]]:
    """Hash features to [0, NUM_BUCKETS): a row for each owner of weights."""
    hashes = [_hash(name) for name in names]
    return [
        [((value ^ salt) * 0x9E3779B1 >> 7) % NUM_BUCKETS for value in hashes]
        for salt in map(_salt, owners)
    ]


@dataclass(frozen=True)
class HomographModel:
    """Readings of each word, and the weights.

    Attributes:
        readings: word to (name of its own weights, name of shared weights or "", phonemes) of
            each reading.
        weights: float32 (NUM_BUCKETS,).
    """

    readings: dict[str, tuple[tuple[str, str, str], ...]]
    weights: Any


def scores(model: HomographModel, words: Sequence[str], index: int) -> list[float]:
    """Score each reading of `words[index]`, in the model's order."""
    names = features(words, index)
    totals: list[float] = []
    for own, shared, _ in model.readings[words[index].lower()]:
        rows = bucket_rows((own, shared) if shared else (own,), names)
        totals.append(float(sum(model.weights[row].sum() for row in rows)))
    return totals


@lru_cache(maxsize=1)
def load_model(path: Path = _DATA / "homographs.npz") -> HomographModel:
    """Load a model, by default the shipped one."""
    import numpy as np

    with np.load(path) as archive:
        table = str(archive["readings"])
        places, values = archive["places"], archive["values"]
        scale = float(archive["scale"])
    weights = np.zeros(NUM_BUCKETS, np.float32)
    weights[places] = values.astype(np.float32) * scale
    readings: dict[str, tuple[tuple[str, str, str], ...]] = {}
    for line in table.split("\n"):
        word, *entries = line.split("|")
        parts = (entry.split(":") for entry in entries)
        readings[word] = tuple((own, shared, said) for own, shared, said in parts)
    return HomographModel(readings, weights)
