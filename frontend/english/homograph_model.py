"""A linear classifier for English words with two pronunciations.

Each reading of a word has weights for what stands around it: words, their classes (a lexicon of
one class a word, endings for the rest) and words anywhere near. Readings that differ by part of
speech also share weights, so that a verb rarely met is known by the company verbs keep. Trained by
`build_homographs.py`.
"""

import gzip
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from frontend.english.homograph_topics import topic_features
from frontend.english.tagger import (
    BEGIN,
    CLASSES,
    END,
    hash_name,
    load_weights,
    tag_scores,
    usual_class,
)

_DATA = Path(__file__).parents[1] / "data"
NUM_BUCKETS: Final = 1 << 20
#: Marks that end the context of a word.
ENDS: Final = frozenset(".?!;:…")
_HELPERS: Final = {
    **dict.fromkeys(
        [
            "will",
            "would",
            "can",
            "could",
            "shall",
            "should",
            "may",
            "might",
            "must",
            "to",
            "let",
            "lets",
            "let's",
        ],
        "M",
    ),
    **dict.fromkeys(
        [
            "can't",
            "won't",
            "couldn't",
            "wouldn't",
            "shouldn't",
            "mustn't",
            "cannot",
            "i'll",
            "you'll",
        ],
        "M",
    ),
    **dict.fromkeys(["we'll", "they'll", "he'll", "she'll", "it'll", "gonna", "wanna"], "M"),
    **dict.fromkeys(["do", "does", "did", "don't", "doesn't", "didn't"], "D"),
    **dict.fromkeys(
        [
            "have",
            "has",
            "had",
            "having",
            "haven't",
            "hasn't",
            "hadn't",
            "i've",
            "you've",
            "we've",
            "they've",
        ],
        "H",
    ),
    **dict.fromkeys(
        [
            "is",
            "are",
            "was",
            "were",
            "be",
            "been",
            "being",
            "am",
            "isn't",
            "aren't",
            "wasn't",
            "weren't",
        ],
        "B",
    ),
}
#: How much more the best class of a word scores than the next, in steps of this.
_MARGIN: Final = 24
#: Words this far away still count as being near.
_NEAR: Final = 12


def features(words: Sequence[str], index: int, tagger: Any) -> list[str]:
    """Name what stands around a word.

    Args:
        words: a sentence in its own case; commas may stand among them as words.
        index: of the word in question.
        tagger: weights of `tagger.py`.
    """
    first, last = max(0, index - _NEAR), index + _NEAR + 1
    lower = [BEGIN, BEGIN, BEGIN, *(word.lower() for word in words[first:last]), END, END, END]
    at = index - first + 3
    l3, l2, l1, _, r1, r2, r3 = lower[at - 3 : at + 4]
    k3, k2, k1, _, m1, m2, m3 = map(usual_class, lower[at - 3 : at + 4])
    shape = "C" if words[index][0].isupper() else "c"
    if len(words[index]) > 1 and words[index].isupper():
        shape = "U"
    named = [
        "b", f"S{shape}{'<' if l1 == BEGIN else ''}", f"S{shape}{k1}{m1}",
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
    near = {*lower[3:at], *lower[at + 1 : -3]}
    named += [f"n{word}" for word in near]
    named += [f"m{word[:5]}" for word in near if len(word) > 5]
    named += _rule_features(words, index)
    helper = _helper(lower, at)
    named += [f"a{helper}", f"a{helper}{k1}", f"a{helper}{m1}"]
    named += topic_features(words[index].lower(), frozenset(near))
    kinds = {word_kind for word_kind in map(usual_class, near) if word_kind in "dzg"}
    named += [f"j{kind}" for kind in kinds] + [f"J{''.join(sorted(kinds))}"]
    return named + _tag_features(words, index, tagger)


def _rule_features(words: Sequence[str], index: int) -> list[str]:
    """Name what the rules of `homographs.py` would say, and how sure they are."""
    from frontend.english.homographs import choose_by_rule, is_ruled, verb_votes

    word = words[index].lower()
    plain = [item.lower() for item in words]
    votes = sum(vote for _, vote in verb_votes(plain, index))
    named = [f"v{max(-5, min(5, round(votes)))}"]
    if is_ruled(word):
        named.append(f"r{choose_by_rule(plain, index)}")
    return named


def _helper(lower: Sequence[str], at: int) -> str:
    """The nearest auxiliary or "to" in the five words before, by kind; "" across a comma."""
    for word in reversed(lower[max(0, at - 5) : at]):
        if word == ",":
            return ""
        if word in _HELPERS:
            return _HELPERS[word]
    return ""


def _tag(tagger: Any, words: Sequence[str], index: int) -> str:
    own = tag_scores(tagger, words, index)
    return CLASSES[own.index(max(own))]


def _tag_features(words: Sequence[str], index: int, tagger: Any) -> list[str]:
    """Name what the tagger says: of the word itself with how sure it is, and of its neighbours."""
    own = tag_scores(tagger, words, index)
    order = sorted(range(len(own)), key=own.__getitem__, reverse=True)
    best, second = CLASSES[order[0]], CLASSES[order[1]]
    margin = min(9, (own[order[0]] - own[order[1]]) // _MARGIN)
    named = [f"T{best}", f"T{best}{second}", f"T{best}{margin}", f"T{best}{second}{margin}"]
    around = [
        _tag(tagger, words, place) if 0 <= place < len(words) else "|"
        for place in (index - 2, index - 1, index + 1, index + 2)
    ]
    l2, l1, r1, r2 = around
    return [
        *named, f"t-{l1}", f"t+{r1}", f"t--{l2}{l1}", f"t++{r1}{r2}", f"t-+{l1}{r1}",
        f"t3{l2}{l1}{r1}", f"t4{l1}{r1}{r2}", f"t5{l1}{best}{r1}", f"t6{''.join(around)}",
    ]  # fmt: skip


@lru_cache(maxsize=2048)
def _salt(owner: str) -> int:
    return zlib.crc32(owner.encode()) * 2654435761 % (1 << 32)


def bucket_rows(owners: Sequence[str], names: Sequence[str]) -> list[list[int]]:
    """Hash features to [0, NUM_BUCKETS): a row for each owner of weights."""
    hashes = [hash_name(name) for name in names]
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
        weights: NUM_BUCKETS 8-bit integers.
    """

    readings: Mapping[str, tuple[tuple[str, str, str], ...]]
    weights: Sequence[int]


def scores(model: HomographModel, words: Sequence[str], index: int) -> list[int]:
    """Score each reading of `words[index]`, in the model's order."""
    names = features(words, index, load_weights())
    totals: list[int] = []
    for own, shared, _ in model.readings[words[index].lower()]:
        rows = bucket_rows((own, shared) if shared else (own,), names)
        totals.append(sum(model.weights[bucket] for row in rows for bucket in row))
    return totals


def choose(words: Sequence[str], index: int) -> str:
    """Pronounce a word that the model knows.

    Args:
        words: a sentence in its own case; commas may stand among them as words.
        index: of the word.

    Returns:
        Phonemes joined by spaces.
    """
    model = load_model()
    readings = model.readings[words[index].lower()]
    if len(readings) == 1:
        return readings[0][2]
    totals = scores(model, words, index)
    return readings[totals.index(max(totals))][2]


@lru_cache(maxsize=1)
def load_readings() -> dict[str, tuple[tuple[str, str, str], ...]]:
    """The words that the model knows, with their readings; light to load."""
    readings: dict[str, tuple[tuple[str, str, str], ...]] = {}
    for line in (_DATA / "homographs.txt").read_text(encoding="ascii").splitlines():
        word, *entries = line.split("|")
        parts = (entry.split(":") for entry in entries)
        readings[word] = tuple((own, shared, said) for own, shared, said in parts)
    return readings


@lru_cache(maxsize=1)
def load_model() -> HomographModel:
    """Load the shipped model; its weights come after the tagger's."""
    data = memoryview(gzip.decompress((_DATA / "homographs.bin.gz").read_bytes())).cast("b")
    return HomographModel(load_readings(), data[len(data) - NUM_BUCKETS :])
