"""Rules for the characters of daily speech whose reading their grammar decides.

Where a rule speaks it decides, before scorer and word lists: they know written prose, in which 得
as must, 只 as a measure word or 教 as a verb are rare. A rule is a pattern whose first group is the
character; the first that matches wins. `rule_readings` also reads 得, 地 and 着 by the classes of
the words beside them, and reads characters such as 吧 or 没 with their usual reading outside the
words listed for the rare one.
"""

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Final

from frontend.mandarin.polyphone_features import pypinyin_phrase
from frontend.mandarin.rare_words import RARE_WORDS, USUAL
from frontend.mandarin.rule_data import PATTERNS
from frontend.mandarin.words import Piece, cut, is_whole

#: The characters that a pattern reads: those alone in its groups.
_TARGETS: Final = re.compile("\\(\\[?([\u3400-\u9fff])\\]?\\)")
_RULES: Final = tuple(
    (reading, pattern, "".join(set(_TARGETS.findall(pattern)))) for reading, pattern in PATTERNS
)
#: Classes of words that can be a subject before 得 "must"; r pronoun, n noun, N and P names.
_SUBJECTS: Final = frozenset("rnNPt")
#: After 得 "must" come verbs, adverbs and prepositions.
_AFTER_MUST: Final = frozenset("vdplr")
_HAN: Final = re.compile("[\u3400-\u9fff]")
#: Objects of 得 "get", and what makes 得 a part of such a verb.
_GOT: Final = re.compile(
    "[到了知出分奖病票名胜逞手救罪益志奖过以主体当宠势意奔体力名]|第|[一二三四五六七八九十几两百千0-9满零多]|"
    "冠军|亚军|感冒|癌|流感|重病|大病|抑郁|满分|高分|便宜|天独厚|心应手|不偿失|寸进尺"
)
_MUST_BEFORE: Final = frozenset("就还都也总非必真可又才定要能大准肯怕恐全先再却便该许")
#: A verb of one character before 得 makes it a complement: 跑得快.
_DEGREE_AFTER: Final = re.compile("[很太真更最多好快慢高低早晚远近漂清不比像这那怎非特挺要越]")


@lru_cache(maxsize=1024)
def _compiled(pattern: str) -> re.Pattern[str]:
    # Only those whose character is met: compiling all takes longer than reading a page.
    return re.compile(pattern)


def _by_patterns(text: str) -> Iterator[tuple[int, str]]:
    for reading, pattern, targets in _RULES:
        if not any(char in text for char in targets):
            continue
        for match in _compiled(pattern).finditer(text):
            group = match.lastindex
            if group is not None:
                yield match.start(group), reading


def _must(text: str, pieces: tuple[Piece, ...], number: int) -> str:
    """Reading of a lone 得: dei3 must, de2 get, de5 before a complement; "" when unsure."""
    start = pieces[number].start
    after = text[start + 1 : start + 5]
    before = pieces[number - 1] if number else None
    following = pieces[number + 1] if number + 1 < len(pieces) else None
    if following is None or following.kind == "w":
        return ""
    if before is None or before.kind == "w":
        return "de2" if _GOT.match(after) else ""
    if before.text in _MUST_BEFORE or (before.kind == "d" and before.text not in "不只很没未"):
        return "de2" if _GOT.match(after) else "dei3"
    if before.kind in {"r", "N", "P", "t"} or before.text[-1] == "们":
        if _DEGREE_AFTER.match(after) and before.kind != "r":
            return ""
        return "de2" if _GOT.match(after) else "dei3"
    person = before.text[-1] in "们人家员生子者友妈爸师"
    verbal = following.kind == "p" or (person and following.kind in {"v", "d"})
    if before.kind == "n" and verbal:
        return "" if _DEGREE_AFTER.match(after) or _GOT.match(after) else "dei3"
    return ""


def _adverb_mark(text: str, pieces: tuple[Piece, ...], number: int) -> str:
    """de5 for a lone 地 between an adverb and its verb, else ""."""
    if not number or number + 1 >= len(pieces):
        return ""
    before, following = pieces[number - 1], pieces[number + 1]
    if following.kind in "wyemnNPqt" or following.text[0] in "上下里面球是有的和与":
        return ""
    if (len(before.text) > 1 and before.kind in "adizlvxo") or len(before.text) == 4:
        return "de5"
    start = before.start
    if pypinyin_phrase(text[max(0, pieces[number].start - 4) : pieces[number].start]) is not None:
        # 东张西望地: a set phrase of four.
        return "de5"
    doubled = start > 0 and text[start - 1] == before.text
    # 一步一步地, 一拐一拐地: what is said twice is an adverb.
    twice = re.search(r"(.{1,3})\1$", text[: pieces[number].start])
    if doubled or twice:
        return "de5"
    return "de5" if following.kind in "vd" and before.kind in "adz" else ""


def _by_words(text: str, pieces: tuple[Piece, ...]) -> Iterator[tuple[int, str]]:
    for number, piece in enumerate(pieces):
        if piece.text == "得":
            reading = _must(text, pieces, number)
        elif piece.text == "地":
            reading = _adverb_mark(text, pieces, number)
        else:
            continue
        if reading:
            yield piece.start, reading


@lru_cache(maxsize=1)
def _rare() -> dict[str, tuple[tuple[str, int, str], ...]]:
    """Character to (word, offset in it, reading) of the words with its rare reading."""
    table: dict[str, list[tuple[str, int, str]]] = {}
    for char, reading, words in RARE_WORDS:
        for word in words.split():
            entries = ((word, offset, reading) for offset, c in enumerate(word) if c == char)
            table.setdefault(char, []).extend(entries)
    longest = {char: sorted(found, key=lambda e: -len(e[0])) for char, found in table.items()}
    return {char: tuple(found) for char, found in longest.items()}


def _rare_reading(text: str, index: int, pieces: tuple[Piece, ...]) -> str:
    for word, offset, reading in _rare().get(text[index], ()):
        start = index - offset
        here = start >= 0 and text.startswith(word, start)
        if here and is_whole(start, start + len(word), pieces):
            return reading
    return ""


def rule_readings(text: str) -> dict[int, str]:
    """Read the characters about which a rule is sure.

    Args:
        text: one or more sentences, simplified, with Chinese marks.

    Returns:
        Index to syllable.
    """
    said: dict[int, str] = {}
    if not _HAN.search(text):
        return said
    pieces = cut(text)
    for index, reading in _by_patterns(text):
        said.setdefault(index, reading)
    rare = _rare()
    for index, char in enumerate(text):
        if index not in said and char in rare:
            general = char == "将" and text[index + 1 : index + 2] == "军"
            reading = "" if general else _rare_reading(text, index, pieces)
            reading = reading or USUAL.get(char, "")
            if reading:
                said[index] = reading
        elif char in USUAL:
            said.setdefault(index, USUAL[char])
    for index, reading in _by_words(text, pieces):
        said.setdefault(index, reading)
    return said
