"""Nano's text preparation: cleaned, numbers written out, cut by tokens.

The makers clean a text, have numbers read, and clean it again; our own front end reads them.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from frontend.clean import HAN, HAN_CHARACTER
from frontend.normalize import normalize
from frontend.types import EmptyTextError

# Tokens of a chunk, and the silence after it.
BUDGET_TOKENS = 75
GAP_S, SHORT_GAP_S, SHORT_WORDS = 0.24, 0.40, 4
# Of a clause above the budget, a cut is looked for among so many characters before its end.
LOOK_BACK_CHARS = 24

_CJK = re.compile("[\u3400-\u4dbf\u4e00-\u9fff\u3040-\u30ff\uac00-\ud7af]")
_FOREIGN = re.compile("[\u3040-\u30ff\uac00-\ud7af]")
_ENDS, _CLAUSE_ENDS = ".!?。！？；;", ",，、；;：:"
_CLOSERS = "\"'”’)）]】」』》"
_SENTENCE = re.compile(rf".*?(?:[{_ENDS}]+(?![0-9A-Za-z])[{re.escape(_CLOSERS)}]*|$)\s*", re.DOTALL)
_CLAUSE = re.compile(rf".*?(?:[{_CLAUSE_ENDS}]|$)\s*", re.DOTALL)

# Web and mail addresses, which stay as they are.
_ADDRESS = re.compile(r"(?:https?://|www\.)\S+|\S+@\S+\.\S+")
_STEPS: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern), by)
    for pattern, by in (
        ("[\u200b-\u200f\u2060\ufeff]", ""),
        (r"[\[\]{}【】「」『』]", '"'),
        (r"\s*(?:-+>|=+>|<-+|[→←↔⇒⇐])\s*", "，"),
        (r"\s*(?:-{2,}|[—–]{2,})\s*", "。"),
        (r"\s*…+\s*", "。"),
        (r"_+", " "),
        (r"[ \t\u3000]+", " "),
        (r" +(?=[,.;:!?，。；：！？、])", ""),
        (f"(?<=[{HAN}]) +(?=[{HAN}0-9])|(?<=[0-9]) +(?=[{HAN}])", ""),
        (r"([。，、；：])\1+", r"\1"),
    )
)
_BULLET = re.compile(r"^\s*(?:[-*+•]|#{1,6}|>|\d+[.)])\s+")
# Our front end writes narrow marks; the model knows those of its languages.
_NARROW, _WIDE = re.compile(f"(?<=[{HAN}])([,.;:!?]) *"), str.maketrans(",.;:!?", "，。；：！？")
_QUESTIONS = re.compile("[?!？！]{2,}")


def clean(text: str) -> str:
    """A text without marks that are not spoken, as one line that ends with a mark."""
    lines = [_BULLET.sub("", line).strip() for line in text.splitlines()]
    joined = ""
    for line in filter(None, lines):
        joined += ("" if not joined or joined[-1] in _ENDS else "。") + line
    parts, last = [], 0
    for match in _ADDRESS.finditer(joined):
        parts += [_without_marks(joined[last : match.start()]), match[0]]
        last = match.end()
    cleaned = "".join([*parts, _without_marks(joined[last:])]).strip().rstrip("，,、：:")
    if not cleaned or cleaned[-1] in _ENDS:
        return cleaned
    return cleaned + "。"


def _without_marks(text: str) -> str:
    for pattern, by in _STEPS:
        text = pattern.sub(by, text)
    return _QUESTIONS.sub(_one_of_each, text)


def _one_of_each(match: re.Match[str]) -> str:
    """？ and ！, once each, where they are."""
    wide = match[0].replace("?", "？").replace("!", "！")
    return "".join(dict.fromkeys(wide))


def prepared(text: str, lang: str = "auto") -> str:
    """What is given to the model for a text: cleaned, in English and Mandarin with numbers read.

    Args:
        text: as the user wrote it.
        lang: 'en', 'zh' or 'auto', which goes by the script.
    """
    text = clean(text)
    if lang == "auto":
        lang = _readable(text)
    if not lang:
        return text
    try:
        read = normalize(text, lang)
    except EmptyTextError:
        return text
    return clean(_NARROW.sub(lambda m: m[1].translate(_WIDE), read))


def _readable(text: str) -> str:
    """'zh' or 'en' where our front end reads the script, else ''."""
    if _FOREIGN.search(text):
        return ""
    if HAN_CHARACTER.search(text):
        return "zh"
    letters = [c for c in text if c.isalpha()]
    return "en" if letters and all(c.isascii() for c in letters) else ""


def chunks(text: str, count: Callable[[str], int], budget: int = BUDGET_TOKENS) -> list[str]:
    """Cut a text into stretches of at most so many tokens, at ends of sentences where possible.

    Args:
        text: prepared.
        count: tokens of a text.
        budget: most tokens of a chunk; one alone may have more where it cannot be cut.
    """
    text = " ".join(text.split())
    if not text:
        return []
    if _CJK.search(text):
        text += "" if text[-1] in _ENDS else "。"
    else:
        text = text[0].upper() + text[1:] + ("." if text[-1].isalnum() else "")
    pieces: list[str] = []
    for sentence in _split(_SENTENCE, text):
        if count(sentence) <= budget:
            pieces.append(sentence)
            continue
        for clause in _split(_CLAUSE, sentence):
            pieces += _cut(clause, count, budget)
    return _joined(pieces, count, budget)


def gap_after(chunk: str) -> float:
    """Silence between a chunk and the next, in seconds."""
    return SHORT_GAP_S if len(chunk.split()) <= SHORT_WORDS else GAP_S


def _split(pattern: re.Pattern[str], text: str) -> list[str]:
    return [part for match in pattern.finditer(text) if (part := match[0].strip())]


def _cut(text: str, count: Callable[[str], int], budget: int) -> list[str]:
    """By the longest prefixes within the budget, at a mark or a space if one is near."""
    pieces = []
    while count(text) > budget:
        low, high = 1, len(text)
        while low < high:
            middle = (low + high + 1) // 2
            low, high = (middle, high) if count(text[:middle]) <= budget else (low, middle - 1)
        places = [m.end() for m in re.finditer(rf"[{_CLAUSE_ENDS}\s]", text[:low])]
        near = [place for place in places if place > low - LOOK_BACK_CHARS]
        last = near[-1] if near else low
        pieces.append(text[:last].strip())
        text = text[last:].strip()
    return [piece for piece in (*pieces, text) if piece]


def _joined(pieces: list[str], count: Callable[[str], int], budget: int) -> list[str]:
    """Neighbours together while their tokens fit."""
    sizes = list(map(count, pieces))
    joined: list[str] = []
    used = 0
    for piece, size in zip(pieces, sizes, strict=True):
        if joined and used + size <= budget:
            tight = _CJK.search(joined[-1]) or _CJK.search(piece)
            joined[-1] += piece if tight else f" {piece}"
            used += size
        else:
            joined.append(piece)
            used = size
    return joined
