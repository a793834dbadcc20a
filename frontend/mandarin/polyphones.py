"""Readings of Chinese characters that have several.

Each candidate reading gets a linear score from four witnesses: the recurrent network, how often
the reading occurs, three lists of words (pypinyin's own, `data/zh_phrases.txt.gz` and our
`data/zh_readings.txt`, whose words also decide), and the characters and words around it. The
weights were trained on the CPP data set and marked everyday sentences by `build_polyphones.py`.
"""

import gzip
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from frontend.mandarin.polyphone_features import (
    MAX_PHRASE,
    PhraseLookup,
    buckets,
    cut_features,
    dictionary_features,
    neighbour_features,
    phrase_matches,
    pypinyin_phrase,
)
from frontend.mandarin.polyphone_net import UNKNOWN_ROW, NetWeights, score_readings
from frontend.mandarin.words import cut, is_whole

_DATA = Path(__file__).parents[1] / "data"
#: Sentences are read in windows, so that time stays linear and memory small.
_WINDOW: Final = 256
_LOWEST: Final = -15.0
#: Network and prior, then seven features for each of three lists of words.
NUM_DENSE: Final = 23
#: Each sentence is read by itself, so that a text says no more and no less than its sentences.
_SENTENCE: Final = re.compile(r"[^。！？!?…；;\n]+")
_END_MARKS: Final = re.compile(r"[\s。．.！!？?；;：:，,、…—“”\"'‘’()（）《》「」『』-]+$")


class Phrases:
    """The phrases of `data/zh_phrases.txt.gz`; their readings are parsed when asked for.

    Args:
        text: per line a phrase, then `offset` and reading of each of its polyphones.
    """

    def __init__(self, text: str) -> None:
        lines = (line.partition(" ") for line in text.split("\n"))
        self._lines = {phrase: rest for phrase, _, rest in lines}
        self._parsed: dict[str, dict[int, str]] = {}

    def get(self, phrase: str) -> dict[int, str] | None:
        """The readings of a phrase as {offset: reading}; None when it is not there."""
        rest = self._lines.get(phrase)
        if rest is None:
            return None
        parsed = self._parsed.get(phrase)
        if parsed is None:
            parsed = {int(entry[0]): entry[1:] for entry in rest.split(" ")}
            self._parsed[phrase] = parsed
        return parsed


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
        phrases: a list of phrases with the readings of their polyphones.
    """

    net: NetWeights
    rows: Mapping[str, int]
    candidates: Mapping[str, tuple[tuple[str, int], ...]]
    priors: Mapping[str, tuple[float, ...]]
    dense: Any
    sparse: Any
    phrases: Phrases


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


def _load_phrases() -> Phrases:
    return Phrases(gzip.decompress((_DATA / "zh_phrases.txt.gz").read_bytes()).decode())


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
    """Reading of one character by `data/zh_readings.txt`, longest word first; "" if not there.

    A word that the cut of the sentence takes apart says nothing: 长发 in 成长|发展.
    """
    known = certain_readings()
    pieces = cut(text)
    for length in range(min(MAX_PHRASE, len(text)), 1, -1):
        for start in range(max(0, index - length + 1), min(index, len(text) - length) + 1):
            entry = known.get(text[start : start + length])
            whole = entry is not None and is_whole(start, start + length, pieces)
            if entry is not None and index - start in entry and whole:
                return entry[index - start]
    return ""


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


def canonical(text: str) -> str:
    """Give a sentence the same end however it is written, so that a full stop changes nothing."""
    return _END_MARKS.sub("", text) + "。"


def feature_names(text: str, positions: Sequence[int]) -> list[list[str]]:
    """Name the hashed features of some positions of a canonical text, in their order."""
    pieces = cut(text)
    holder = [number for number, piece in enumerate(pieces) for _ in piece.text]
    return [
        neighbour_features(text, index)
        + cut_features(pieces, holder[index], index - pieces[holder[index]].start)
        for index in positions
    ]


def readings(text: str) -> dict[int, str]:
    """Choose the reading of every polyphone in a sentence.

    Args:
        text: simplified Chinese, punctuation and other scripts allowed.

    Returns:
        Index of the character to syllable, such as {3: "hang2"}; only characters that have
        several readings are in it.
    """
    chosen: dict[int, str] = {}
    for match in _SENTENCE.finditer(text):
        start = match.start()
        said = _read_sentence(canonical(match[0]))
        chosen.update({start + index: reading for index, reading in said.items()})
    return chosen


def _read_sentence(text: str) -> dict[int, str]:
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
    named = feature_names(text, wanted)
    for index, scores, names in zip(wanted, all_scores, named, strict=True):
        char = text[index]
        candidates = model.candidates[char]
        log_probs = candidate_log_probs(scores, [column for _, column in candidates])
        dense = dense_features(text, index, model, log_probs, list(model.priors[char]))
        totals = np.array(dense, np.float32) @ model.dense
        rows_of_buckets = buckets(char, [reading for reading, _ in candidates], names)
        totals += model.sparse[rows_of_buckets].sum(axis=1)
        chosen[index] = certain_reading(text, index) or candidates[int(totals.argmax())][0]
    return chosen
