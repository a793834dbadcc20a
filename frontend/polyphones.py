"""Readings of Chinese characters that have several.

Each candidate reading gets a linear score from four witnesses: the recurrent network, how often
the reading occurs, three lists of words (pypinyin's own, `data/zh_phrases.txt.gz` and our
`data/zh_readings.txt`, whose words also decide), and the neighbouring characters. The weights
were trained on the CPP data set by `build_polyphones.py`.
"""

import gzip
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from frontend.polyphone_net import UNKNOWN_ROW, NetWeights, score_readings

_DATA = Path(__file__).with_name("data")
NUM_BUCKETS: Final = 1 << 18
#: Longest phrase that is looked up.
MAX_PHRASE: Final = 5
#: Sentences are read in windows, so that time stays linear and memory small.
_WINDOW: Final = 256
_LOWEST: Final = -15.0
#: Network and prior, then seven features for each of three lists of words.
NUM_DENSE: Final = 23

PhraseLookup = Callable[[str], Mapping[int, str] | None]


@dataclass(frozen=True)
class PolyphoneModel:
    """Everything `readings` needs.

    Attributes:
        net: the recurrent network.
        rows: character to embedding row.
        candidates: character to its readings, each with its output column or -1.
        priors: character to log prior of each candidate, in the same order.
        dense: float32 (NUM_DENSE,) weights of the dense features.
        sparse: float32 (NUM_BUCKETS,) weights of hashed neighbour features.
        phrases: phrase to the readings of its polyphones as {offset: reading}.
    """

    net: NetWeights
    rows: Mapping[str, int]
    candidates: Mapping[str, tuple[tuple[str, int], ...]]
    priors: Mapping[str, tuple[float, ...]]
    dense: Any
    sparse: Any
    phrases: Mapping[str, Mapping[int, str]]


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


def bucket(char: str, reading: str, feature: str) -> int:
    """Hash a (character, reading, feature) triple to [0, NUM_BUCKETS)."""
    return zlib.crc32(f"{char}|{reading}|{feature}".encode()) % NUM_BUCKETS


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


@lru_cache(maxsize=1)
def load_model(path: Path = _DATA / "polyphones.npz") -> PolyphoneModel:
    """Load a model, by default the shipped one."""
    import numpy as np

    with np.load(path) as archive:
        arrays = {name: archive[name] for name in archive.files}
    net = NetWeights(
        arrays["embedding"].astype(np.float32),
        _direction(arrays, "forward"),
        _direction(arrays, "backward"),
        (arrays["hidden_w"].astype(np.float32), arrays["hidden_b"].astype(np.float32)),
        (arrays["output_w"].astype(np.float32), arrays["output_b"].astype(np.float32)),
    )
    rows = {char: row for row, char in enumerate(str(arrays["chars"]), start=3)}
    candidates: dict[str, tuple[tuple[str, int], ...]] = {}
    priors: dict[str, tuple[float, ...]] = {}
    for line in str(arrays["candidates"]).split("\n"):
        char, *entries = line.split(" ")
        parts = [entry.split(",") for entry in entries]
        candidates[char] = tuple((name, int(column)) for name, column, _ in parts)
        priors[char] = tuple(float(prior) for _, _, prior in parts)
    dense, sparse = arrays["dense"].astype(np.float32), arrays["sparse"].astype(np.float32)
    return PolyphoneModel(net, rows, candidates, priors, dense, sparse, _load_phrases())


def _direction(arrays: dict[str, Any], name: str) -> tuple[Any, Any, Any]:
    import numpy as np

    w_input, w_hidden, bias = (arrays[f"{name}_{part}"].astype(np.float32) for part in "xhb")
    return w_input, w_hidden, bias


def _load_phrases() -> dict[str, dict[int, str]]:
    """Read `phrase offset:reading ...` lines."""
    with gzip.open(_DATA / "zh_phrases.txt.gz", "rt", encoding="utf-8") as lines:
        return parse_phrases(lines.read())


def parse_phrases(text: str) -> dict[str, dict[int, str]]:
    """Parse the phrase file: per line a phrase, then `offset` and reading of each polyphone."""
    phrases: dict[str, dict[int, str]] = {}
    for line in text.splitlines():
        phrase, *entries = line.split(" ")
        phrases[phrase] = {int(entry[0]): entry[1:] for entry in entries}
    return phrases


@lru_cache(maxsize=1)
def certain_readings() -> dict[str, dict[int, str]]:
    """Read `data/zh_readings.txt`: word to the readings of its polyphones as {offset: reading}."""
    words: dict[str, dict[int, str]] = {}
    for line in (_DATA / "zh_readings.txt").read_text(encoding="utf-8").splitlines():
        if line.startswith("#"):
            continue
        char, reading, *entries = line.split()
        for word in entries:
            marked = words.setdefault(word, {})
            marked.update({offset: reading for offset, c in enumerate(word) if c == char})
    return words


@lru_cache(maxsize=1)
def _listed_characters() -> frozenset[str]:
    return frozenset(
        word[offset] for word, marked in certain_readings().items() for offset in marked
    )


def certain_reading(text: str, index: int) -> str:
    """Reading of one character by `data/zh_readings.txt`, longest word first; "" if not there."""
    matches = phrase_matches(text, index, certain_readings().get)
    return matches[0][1] if matches else ""


def word_features(
    text: str, index: int, names: Sequence[str], phrases: PhraseLookup
) -> list[list[float]]:
    """What the three lists of words say about each candidate: 21 features per candidate.

    Args:
        text: the sentence.
        index: position of the polyphone.
        names: its candidate readings.
        phrases: look-up in `data/zh_phrases.txt.gz`.
    """
    found = [
        phrase_matches(text, index, look_up)
        for look_up in (pypinyin_phrase, phrases, certain_readings().get)
    ]
    return [
        [value for matches in found for value in dictionary_features(name, matches)]
        for name in names
    ]


def dense_features(
    text: str, index: int, model: PolyphoneModel, log_probs: list[float], priors: list[float]
) -> list[list[float]]:
    """Dense features of every candidate at a position, NUM_DENSE each."""
    names = [name for name, _ in model.candidates[text[index]]]
    said = word_features(text, index, names, model.phrases.get)
    return [
        [max(log_prob, _LOWEST), prior, *values]
        for log_prob, prior, values in zip(log_probs, priors, said, strict=True)
    ]


def candidate_log_probs(scores: Any, columns: list[int]) -> list[float]:
    """Log probabilities among the candidates; one without a column gets the lowest value."""
    import numpy as np

    values = np.array([scores[column] if column >= 0 else _LOWEST for column in columns])
    shifted = values - values.max()
    return list(shifted - np.log(np.exp(shifted).sum()))


def readings(text: str) -> dict[int, str]:
    """Choose the reading of every polyphone in a sentence.

    Args:
        text: simplified Chinese, punctuation and other scripts allowed.

    Returns:
        Index of the character to syllable, such as {3: "hang2"}; only characters that have
        several readings are in it.
    """
    model = load_model()
    chosen: dict[int, str] = {}
    for start in range(0, len(text), _WINDOW):
        # Windows overlap by a few characters on either side for context.
        first, last = max(0, start - 16), min(len(text), start + _WINDOW + 16)
        piece = text[first:last]
        wanted = [
            index
            for index in range(start - first, min(len(text), start + _WINDOW) - first)
            if piece[index] in model.candidates
        ]
        if wanted:
            for index, reading in _read_piece(piece, wanted, model).items():
                chosen[first + index] = reading
    for index, char in enumerate(text):
        # The list also knows characters that the network has one reading for.
        if index not in chosen and char in _listed_characters():
            reading = certain_reading(text, index)
            if reading:
                chosen[index] = reading
    return chosen


def _read_piece(text: str, wanted: list[int], model: PolyphoneModel) -> dict[int, str]:
    import numpy as np

    rows = [model.rows.get(char, UNKNOWN_ROW) for char in text]
    all_scores = score_readings(model.net, rows, wanted)
    chosen: dict[int, str] = {}
    for index, scores in zip(wanted, all_scores, strict=True):
        char = text[index]
        candidates = model.candidates[char]
        log_probs = candidate_log_probs(scores, [column for _, column in candidates])
        dense = dense_features(text, index, model, log_probs, list(model.priors[char]))
        totals = np.array(dense, np.float32) @ model.dense
        names = neighbour_features(text, index)
        for number, (reading, _) in enumerate(candidates):
            buckets = [bucket(char, reading, name) for name in names]
            totals[number] += model.sparse[buckets].sum()
        chosen[index] = certain_reading(text, index) or candidates[int(totals.argmax())][0]
    return chosen
