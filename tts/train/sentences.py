"""Sentences for a corpus: prose cut into short pieces, mixed with everyday sentences."""

import itertools
import random
import re
from collections.abc import Iterator
from pathlib import Path

from tts.train.everyday import everyday, word_keys

_ENGLISH_MARK = re.compile(r"[,;:.?!]+|\s--?\s|--")
_ENGLISH_WORD = re.compile(r"[A-Za-z]+(?:['-][A-Za-z]+)*'?")
_ABBREVIATION = {"mr": "mister", "mrs": "missus", "dr": "doctor", "messrs": "messieurs"}
_JOINTS = (
    "and but or so because that which who when while if though although as until unless where "
    "before after than for with from into by to of in on at"
)
_CONJUNCTION = frozenset(_JOINTS.split())
HAN = re.compile(r"[\u4e00-\u9fff]")
_HAN_ONLY = re.compile(r"[\u4e00-\u9fff]+")
_HAN_MARK = re.compile(r"([，。；、！？：,;!?])")


def pieces(sentence: str, rng: random.Random) -> list[str]:
    """Cut prose into short spoken pieces.

    English is cut at punctuation, then before conjunctions, into 3 to 14 words; Mandarin at its
    punctuation into 3 to 16 characters. Pieces with digits or other signs are left out.

    Args:
        sentence: a line of English or Mandarin text; Han characters make it Mandarin.
        rng: decides how long the pieces get.

    Returns:
        Pieces that end in `.`, `?`, `!` or `,` (or their Chinese forms), in order, perhaps none.
    """
    return _mandarin_pieces(sentence) if HAN.search(sentence) else _english_pieces(sentence, rng)


def _english_pieces(sentence: str, rng: random.Random) -> list[str]:
    sentence = sentence.replace('"', "")
    for short, full in _ABBREVIATION.items():
        sentence = re.sub(rf"\b{short}\.", full, sentence, flags=re.IGNORECASE)
    clauses: list[tuple[list[str], str]] = []  # words, and the mark after them
    start = 0
    for match in itertools.chain(_ENGLISH_MARK.finditer(sentence), [None]):
        text = sentence[start : match.start() if match else len(sentence)]
        mark = match[0].strip()[:1] if match else ""
        start = match.end() if match else start
        if words := text.split():
            clauses.extend(_split_long(words, mark if mark in "?!." and mark else ","))
    clauses = _merge_short(clauses, rng)
    return [
        " ".join(words) + mark
        for words, mark in clauses
        if 3 <= len(words) <= 14 and _is_plain(words)
    ]


def _is_plain(words: list[str]) -> bool:
    """Say whether words have only letters, and none is an initial (`j.`, `a. m.`) cut loose."""
    bare = [word.rstrip(",") for word in words]
    initials = any(len(word) == 1 and word.lower() not in "aio" for word in bare)
    return all(map(_ENGLISH_WORD.fullmatch, bare)) and not initials and bare[-1] != "a"


def _split_long(words: list[str], mark: str) -> list[tuple[list[str], str]]:
    """Halve a clause of over 14 words before the most central conjunction or preposition."""
    if len(words) <= 14:
        return [(words, mark)]
    cuts = [i for i in range(3, len(words) - 2) if words[i].lower() in _CONJUNCTION]
    if not cuts:
        return []
    cut = min(cuts, key=lambda i: abs(2 * i - len(words)))
    return _split_long(words[:cut], ",") + _split_long(words[cut:], mark)


def _merge_short(
    clauses: list[tuple[list[str], str]], rng: random.Random
) -> list[tuple[list[str], str]]:
    """Join clauses at commas up to a random length, so that pieces hold pauses too."""
    merged: list[tuple[list[str], str]] = []
    limit = 0
    for words, mark in clauses:
        if merged and merged[-1][1] == "," and len(merged[-1][0]) + len(words) <= limit:
            before = merged[-1][0]
            merged[-1] = ([*before[:-1], before[-1] + ",", *words], mark)
        else:
            merged.append((words, mark))
            limit = rng.randint(4, 14)
    return merged


def _mandarin_pieces(sentence: str) -> list[str]:
    parts = _HAN_MARK.split(sentence.strip() + "。")
    found = []
    for text, mark in zip(parts[::2], parts[1::2], strict=False):
        if 3 <= len(text) <= 16 and _HAN_ONLY.fullmatch(text):
            found.append(text + (mark if mark in "。！？" else "，"))
    return found


def sentences(
    files: list[Path], language: str, everyday_share: float, seed: int, left_out: set[str]
) -> Iterator[str]:
    """Yield distinct sentences of one language in a shuffled, reproducible order.

    Args:
        files: text files, a sentence a line; lines of the other language are skipped.
        language: `en` or `zh`.
        everyday_share: share of English sentences drawn from templates, in [0, 1].
        seed: of the order and the templates.
        left_out: sentences never to yield, as `sentence_key` gives them.

    Raises:
        ValueError: the files hold no usable sentence.
    """
    rng = random.Random(f"{seed} {language}")
    lines = [line for file in files for line in file.read_text("utf-8").splitlines()]
    lines = [line for line in lines if bool(HAN.search(line)) == (language == "zh")]
    prose = [piece for line in lines for piece in pieces(line, rng)]
    everyday_share = everyday_share if language == "en" else 0.0
    if not prose and everyday_share < 1:
        raise ValueError(f"no {language} sentence in {files}: add a --text file of that language")
    rng.shuffle(prose)
    seen = set(left_out)
    pool = iter(prose)
    while True:
        if rng.random() < everyday_share:
            sentence = everyday(rng)
        elif (sentence := next(pool, "")) == "":
            return
        if (key := sentence_key(sentence)) not in seen:
            seen.add(key)
            yield sentence


def sentence_key(sentence: str) -> str:
    """Return what two sentences must share to count as the same: words, not case or marks."""
    return " ".join(word_keys(sentence))
