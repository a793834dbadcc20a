"""Cut long text into pieces that can be spoken one at a time.

Cuts fall at the ends of sentences and lines; a sentence over the limit is cut at clause marks, then
before clause words, then at spaces or between words, into pieces of about the same length. Inline
markup such as `[银行](yin2 hang2)` or `[pause 0.6s]`, addresses and numbers are never cut.
"""

import re
from bisect import bisect_right
from math import ceil

from frontend.lines import strip_layout, unwrap
from frontend.split_data import (
    ABBREVIATIONS,
    BESIDE_DIGITS,
    CLAUSE_WORDS,
    CLAUSE_WORDS_ZH,
    LETTER_BEFORE,
    NEVER_END,
    STARTERS,
)

_MARKUP = r"\[[^\[\]\n]*\](?:\([^()\n]*\))?"
_ADDRESS = (
    r"(?:https?://|ftp://|www\.)[A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=%]*[A-Za-z0-9/]|"
    r"(?<![A-Za-z0-9.@])(?:[A-Za-z0-9\-]+\.)+(?:com|org|net|edu|gov|io|cn|co|uk|ai|dev|app|me|tv)"
    r"/[A-Za-z0-9\-._~:/?#&=%+]*[A-Za-z0-9/]|"
    r"[A-Za-z0-9._%+\-]+@[A-Za-z0-9\-]+(?:\.[A-Za-z0-9\-]+)+"
)
_WHOLE = re.compile(f"{_MARKUP}|{_ADDRESS}")
_CLOSERS = "\"'”’）)】》」』]"
_SENTENCE_END = re.compile(rf"(?:[。！？!?…]+|\.+)[{re.escape(_CLOSERS)}]*|\n\s*\n|\n")
_CLAUSE_END = re.compile(r"[,;:，；：、—–]+[”’\"')）]*\s*")
_CLAUSE_WORD = re.compile(rf"\s+(?=(?:{CLAUSE_WORDS})\s)", re.IGNORECASE)
_CLAUSE_WORD_ZH = re.compile(rf"(?<=[\u3400-\u9fff])(?=(?:{CLAUSE_WORDS_ZH})[\u3400-\u9fff])")
_SPACE = re.compile(r"\s+")
_LAST_TOKEN = re.compile(r"[A-Za-z]+(?:\.[A-Za-z]+)*$")
_LIST_NUMBER = re.compile(r"(?:^|\n)[ \t]*[(（]?(?:\d{1,3}|[A-Za-z]|[ivx]{1,5})$")
_NEXT_WORD = re.compile(r"[\"'“‘(\[]*([A-Za-z']+)")
_LETTER_BEFORE = re.compile(LETTER_BEFORE, re.IGNORECASE)
_LETTERS = re.compile(r"[A-Za-z\u00c0-\u024f]{2,}")
_HAN = re.compile("[\u3400-\u9fff]")
_SPOKEN = re.compile(r"[0-9A-Za-z]")


def _protected(text: str) -> tuple[list[int], list[int]]:
    spans = [match.span() for match in _WHOLE.finditer(text)]
    return [start for start, _ in spans], [end for _, end in spans]


def _inside(position: int, spans: tuple[list[int], list[int]]) -> bool:
    starts, ends = spans
    index = bisect_right(starts, position) - 1
    return index >= 0 and starts[index] < position < ends[index]


def _starts_sentence(rest: str) -> bool:
    """Whether a text begins as sentences do: with one of the usual first words."""
    if re.match(r"No\.?\s?\d|[A-Z]\.\s", rest):
        return False
    match = _NEXT_WORD.match(rest)
    return match is not None and match[1][0].isupper() and match[1].lower() in STARTERS


def _abbreviation_ends(token: str, written: str, rest: str, head: str) -> bool:
    """Whether the full stop of an abbreviation also ends the sentence.

    Args:
        token: in lower case, with its inner full stops.
        written: as it stands.
        rest: what follows, without leading space.
        head: what comes before the token.
    """
    first = rest.lstrip("\"'“‘([")[:1]
    if token in NEVER_END or not (first.isupper() or _HAN.match(first)):
        return token in {"no", "nos"} and not (first.isdigit() or first.islower())
    if token in {"no", "nos"}:
        return True
    if "." in token or token in {"jr", "sr", "inc", "ltd", "co", "corp", "etc", "al"}:
        return _starts_sentence(rest)
    if token in BESIDE_DIGITS and not re.search(r"\d\s?$", head) and not written[0].isupper():
        return True
    return _starts_sentence(rest)


def _is_sentence_end(text: str, match: re.Match[str]) -> bool:
    """Say whether a run of full stops ends a sentence."""
    end = match.end()
    rest = text[end : end + 40].lstrip()
    if match[0][0] == "…":
        # "Save As… and choose" goes on.
        return not rest[:1].islower()
    if match[0][0] != ".":
        return not (match[0][0] in "!?" and rest[:1].islower() and match[0][-1] in "\"'”’")
    if end < len(text) and not text[end].isspace():
        # "3.5", "example.com", "U.S.", but not "结束.下一句".
        return (
            "\u4e00" <= text[end] <= "\u9fff"
            and not text[match.start() - 1 : match.start()].isdigit()
        )
    if not rest:
        return True
    if _LIST_NUMBER.search(text, max(0, match.start() - 8), match.start()):
        return False
    if len(match[0].rstrip(_CLOSERS)) > 1:
        return not rest[0].islower()
    before = _LAST_TOKEN.search(text, max(0, match.start() - 16), match.start())
    if before is None:
        return not (rest[0].islower() and text[match.start() - 1 : match.start()].isdigit())
    return _token_ends(text, before, rest)


def _token_ends(text: str, before: re.Match[str], rest: str) -> bool:
    """Whether a full stop after a word of letters ends a sentence."""
    token, head = before[0].lower(), text[max(0, before.start() - 24) : before.start()]
    beside = rest[0].isdigit() or re.search(r"\d\s?$", head) is not None
    listed = token in ABBREVIATIONS and (
        token not in BESIDE_DIGITS or beside or before[0][0].isupper()
    )
    dotted = "." in token and all(len(part) <= 2 for part in token.split("."))
    if listed or dotted:
        if not listed and token not in ABBREVIATIONS and rest[0].isupper():
            return _starts_sentence(rest)
        return _abbreviation_ends(token, before[0], rest, head)
    if len(token) == 1 and before[0].isupper():
        # An initial ("J. Smith"), the pronoun, or a letter ("I got an A. Then").
        if token == "i" and not re.match(r"[A-Z]\.", rest):
            return not re.search(r"\b[A-Z](?:[a-z]+|\.)\s$", head) or _starts_sentence(rest)
        if _starts_sentence(rest) or (_LETTER_BEFORE.search(head) and rest[0].isupper()):
            return True
        return head.rstrip()[-1:].islower() and not rest[0].isupper()
    if len(token) == 1:
        return not rest[0].islower() and not rest[0].isdigit()
    return True


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


def _is_neutral(piece: str) -> bool:
    """Whether a piece has figures but nothing that tells its language: 18。 or A. 3²=6."""
    return bool(_SPOKEN.search(piece)) and not _HAN.search(piece) and not _LETTERS.search(piece)


def _keep_company(pieces: list[str], max_chars: int) -> list[str]:
    """Join pieces without a language of their own to a Chinese neighbour, which lends them its."""
    joined: list[str] = []
    for piece in pieces:
        last = joined[-1] if joined else ""
        fits = len(last) + 1 + len(piece) <= max_chars
        if (last and fits and _is_neutral(piece) and _HAN.search(last)) or (
            last and fits and _is_neutral(last) and _HAN.search(piece)
        ):
            joined[-1] = f"{last}\n{piece}"
        else:
            joined.append(piece)
    return joined


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
    """Position of the cut nearest to `target`: at a clause mark, a clause word, a space, a word."""
    for pattern in (_CLAUSE_END, _CLAUSE_WORD, _CLAUSE_WORD_ZH, _SPACE):
        points = [
            point
            for point in _cut_points(text, pattern)
            if max_chars // 4 <= len(text[:point].rstrip())
            and len(text[:point].rstrip()) <= max_chars
        ]
        if pattern is _CLAUSE_WORD_ZH and points:
            points = _between_words(text, points)
        if points:
            return min(points, key=lambda point: abs(point - target))
    return _hard_cut(text, max_chars, target)


def _word_starts(text: str) -> set[int]:
    """Where words begin, as the Mandarin dictionary sees them."""
    from frontend.mandarin.words import cut

    return {piece.start for piece in cut(text)}


def _between_words(text: str, points: list[int]) -> list[int]:
    starts = _word_starts(text)
    return [point for point in points if point in starts]


def _hard_cut(text: str, max_chars: int, target: float) -> int:
    """Cut where no mark or space helps, between words; move past markup that is in the way."""
    spans = _protected(text)
    markup = {match.start() for match in re.finditer(_MARKUP, text)}
    cut = min(max_chars, ceil(target))
    if _HAN.search(text):
        starts = [
            at for at in _word_starts(text[: max_chars + 8]) if max_chars // 2 <= at <= max_chars
        ]
        cut = min(starts, key=lambda at: abs(at - target), default=cut)
    if _inside(cut, spans):
        index = bisect_right(spans[0], cut) - 1
        whole = spans[1][index] if 0 in markup else cut
        cut = spans[0][index] or whole
    return max(1, min(cut, len(text)))


def split_sentences(text: str, max_chars: int) -> list[str]:
    """Split text into sentences of at most `max_chars` characters.

    Lines that are only wrapped are joined first; time lines of subtitles go. A sentence of figures
    alone stays with a Chinese neighbour, so that it is read in its language. Otherwise sentences
    are not merged, and nothing but white space at the cuts is lost. A piece exceeds the limit
    only when a single piece of inline markup does.

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
    for sentence in _keep_company(_sentences(unwrap(strip_layout(text))), max_chars):
        pieces.extend(_break_long(sentence, max_chars))
    return pieces
