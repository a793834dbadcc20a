"""Cut long text into pieces that can be spoken one at a time.

Cuts fall at the ends of sentences; a sentence over the limit is cut at clause marks, then at
spaces, then between characters, into pieces of about the same length. Inline markup such as
`[银行](yin2 hang2)` or `[pause 0.6s]` is never cut.
"""

import re
from bisect import bisect_right
from math import ceil

from frontend.wordlist import words

_MARKUP = re.compile(r"\[[^\[\]\n]*\](?:\([^()\n]*\))?")
_CLOSERS = "\"'”’）)】》」』]"
_SENTENCE_END = re.compile(rf"(?:[。！？!?…]+|\.+)[{re.escape(_CLOSERS)}]*|\n\s*\n|\n")
_CLAUSE_END = re.compile(r"[,;:，；：、—–]+[”’\"')）]*\s*")
_SPACE = re.compile(r"\s+")
_ABBREVIATIONS = frozenset(
    words(
        "mr mrs ms dr prof rev hon st mt ft jr sr sgt capt lt col gen gov sen rep pres no vs "
        "etc eg ie approx dept est inc ltd co corp fig vol ch pp ed eds jan feb mar apr jun jul "
        "aug sep sept oct nov dec mon tue tues wed thu thur thurs fri sat sun ave blvd rd u.s "
        "u.k a.m p.m e.g i.e ph.d cf al"
    )
)
# These often end a sentence too, so a capital letter after them decides for a cut.
_MAY_END = frozenset(words("etc inc ltd co corp jr sr a.m p.m u.s u.k ph.d al"))
_LAST_TOKEN = re.compile(r"[A-Za-z]+(?:\.[A-Za-z]+)*$")


def _protected(text: str) -> tuple[list[int], list[int]]:
    spans = [match.span() for match in _MARKUP.finditer(text)]
    return [start for start, _ in spans], [end for _, end in spans]


def _inside(position: int, spans: tuple[list[int], list[int]]) -> bool:
    starts, ends = spans
    index = bisect_right(starts, position) - 1
    return index >= 0 and starts[index] < position < ends[index]


def _is_sentence_end(text: str, match: re.Match[str]) -> bool:
    """Say whether a run of full stops ends a sentence."""
    if match[0][0] != ".":
        return True
    end = match.end()
    if end < len(text) and not text[end].isspace():
        # "3.5", "example.com", "U.S.", but not "结束.下一句".
        return (
            "\u4e00" <= text[end] <= "\u9fff"
            and not text[match.start() - 1 : match.start()].isdigit()
        )
    rest = text[end:].lstrip()
    if not rest:
        return True
    before = _LAST_TOKEN.search(text, max(0, match.start() - 12), match.start())
    if before is None:
        return True
    token = before[0].lower()
    if token in _ABBREVIATIONS:
        return token in _MAY_END and rest[0].isupper()
    # A single capital is an initial ("J. Smith") unless it is the pronoun.
    return not (len(token) == 1 and before[0].isupper() and token != "i")


def _sentences(text: str) -> list[str]:
    spans = _protected(text)
    pieces: list[str] = []
    start = 0
    for match in _SENTENCE_END.finditer(text):
        if _inside(match.start(), spans) or not _is_sentence_end(text, match):
            continue
        pieces.append(text[start : match.end()])
        start = match.end()
    pieces.append(text[start:])
    return [piece.strip() for piece in pieces if piece.strip()]


def _cut_points(text: str, pattern: re.Pattern[str]) -> list[int]:
    """Positions after each match of `pattern` where a cut does not break markup or numbers."""
    spans = _protected(text)
    points: list[int] = []
    for match in pattern.finditer(text):
        end = match.end()
        between_digits = (
            match.start() > 0
            and end < len(text)
            and text[match.start() - 1].isdigit()
            and text[end].isdigit()
        )
        if 0 < end < len(text) and not between_digits and not _inside(end, spans):
            points.append(end)
    return points


def _break_long(text: str, max_chars: int) -> list[str]:
    """Cut one sentence into balanced pieces of at most `max_chars`."""
    pieces: list[str] = []
    start = 0
    while len(text) - start > max_chars:
        # Only what may matter is looked at, so that the time stays linear.
        window = text[start : start + 2 * max_chars + 400]
        remaining = len(text) - start
        target = remaining / -(-remaining // max_chars)
        cut = _best_cut(window, max_chars, target)
        pieces.append(text[start : start + cut].strip())
        start += cut
    pieces.append(text[start:].strip())
    return [piece for piece in pieces if piece]


def _best_cut(text: str, max_chars: int, target: float) -> int:
    """Position of the cut nearest to `target`: at a clause mark, else a space, else anywhere."""
    for pattern in (_CLAUSE_END, _SPACE):
        points = [
            point
            for point in _cut_points(text, pattern)
            if max_chars // 4 <= len(text[:point].rstrip())
            and len(text[:point].rstrip()) <= max_chars
        ]
        if points:
            return min(points, key=lambda point: abs(point - target))
    return _hard_cut(text, max_chars, target)


def _hard_cut(text: str, max_chars: int, target: float) -> int:
    """Cut where no mark or space helps; move past markup that is in the way."""
    spans = _protected(text)
    cut = min(max_chars, ceil(target))
    if _inside(cut, spans):
        index = bisect_right(spans[0], cut) - 1
        cut = spans[0][index] or spans[1][index]
    return max(1, min(cut, len(text)))


def split_sentences(text: str, max_chars: int) -> list[str]:
    """Split text into sentences of at most `max_chars` characters.

    Sentences are not merged. Nothing but white space at the cuts is lost. A piece exceeds the
    limit only when a single piece of inline markup does.

    Args:
        text: any text, English, Mandarin or mixed, with or without markup.
        max_chars: longest piece in characters, at least 8.

    Returns:
        The pieces in order; empty when `text` is blank.

    Raises:
        ValueError: `max_chars` is below 8.
    """
    if max_chars < 8:
        raise ValueError(f"max_chars is {max_chars}, the least is 8: give a larger limit")
    pieces: list[str] = []
    for sentence in _sentences(text):
        pieces.extend(_break_long(sentence, max_chars))
    return pieces
