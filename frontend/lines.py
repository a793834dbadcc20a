"""Which line breaks end something, and which only wrap a line.

Text from PDF files, mails and subtitles is wrapped: a line break in the middle of a sentence is a
space. Headings, list items, verses and addresses are lines of their own.
"""

import re
from itertools import pairwise
from typing import Final

_SRT: Final = re.compile(
    r"^[ \t]*(?:\d{1,5}[ \t]*\n[ \t]*)?(?:\d{1,2}:)?\d{1,2}:\d{2}[,.]\d{2,3}[ \t]*-->[ \t]*"
    r"(?:\d{1,2}:)?\d{1,2}:\d{2}[,.]\d{2,3}[^\n]*$",
    re.M,
)
_TABLE_RULE: Final = re.compile(
    r"^[ \t]*\|?[ \t]*:?-{2,}:?[ \t]*(?:\|[ \t]*:?-{2,}:?[ \t]*)*\|?[ \t]*$", re.M
)
_WORD: Final = re.compile(r"\S+")
#: Signs that JSON does not write in this way: of a Windows path, or of a formula.
_NO_JSON: Final = re.compile(r"\b[A-Za-z]:\\|\\[^nrt\"/]|^\\[nrt][a-z]")
_TERMINAL: Final = re.compile(r"[.!?。！？…:：;；][\"'”’）)】」』]*\s*$")
#: An address after an address is a line of its own, as below a mail.
_ADDRESS_START: Final = re.compile(r"\s*(?:www\.|https?://|[\w.+-]+@[\w-]+\.)")
_ADDRESS_END: Final = re.compile(r"(?:www\.|://|@)[^\s@]*\.[^\s@]*\s*$")
_COMMA: Final = re.compile(r"[,，、]\s*$")
_ITEM: Final = re.compile(
    r"\s*(?:[-*+•·▪◦–—#>|]|\d{1,3}[.)、:：]|[(（][\da-zA-Z一二三四五六七八九十]{1,3}[)）]|[a-zA-Z]{1,3}[)]|[A-Z][.]\s|"
    r"[一二三四五六七八九十]{1,3}、|[A-Z][a-z]*:|♪|```)"
)
#: English words that no line of its own ends with.
_OPEN_ENDS: Final = frozenset(
    [
        "a",
        "an",
        "the",
        "of",
        "to",
        "in",
        "on",
        "at",
        "for",
        "from",
        "with",
        "by",
        "and",
        "or",
        "but",
        "nor",
        "as",
        "than",
        "that",
        "which",
        "who",
        "whose",
        "is",
        "are",
        "was",
        "were",
        "be",
        "been",
        "has",
        "have",
        "had",
        "will",
        "would",
        "can",
        "could",
        "should",
        "may",
        "might",
        "must",
        "my",
        "your",
        "his",
        "her",
        "its",
        "our",
        "their",
        "this",
        "these",
        "those",
        "into",
        "onto",
        "over",
        "under",
        "between",
        "very",
        "more",
        "most",
        "less",
        "not",
        "no",
        "if",
        "when",
        "while",
        "because",
        "about",
        "after",
        "before",
        "during",
        "without",
        "within",
        "through",
        "across",
        "against",
    ]
)
_LAST_WORD: Final = re.compile(r"([A-Za-z']+)[\"'”’)]*\s*$")
_HAN_END: Final = re.compile(r"[\u3400-\u9fff]\s*$")
_HAN_START: Final = re.compile(r"\s*[\u3400-\u9fff]")
#: A line this long was broken by its width rather than by its writer.
_WRAPPED: Final = 45
_WRAPPED_HAN: Final = 9


def _unescape(match: re.Match[str]) -> str:
    """Line breaks and tabs of text that was quoted as JSON and pasted."""
    word = match[0]
    if "\\" not in word or _NO_JSON.search(word):
        return word
    return re.sub(r"(?:\\r)?\\n|\\r", "\n", word).replace("\\t", " ")


def strip_layout(text: str) -> str:
    """Remove what nobody reads: time lines of subtitles, rules of tables, escapes of JSON."""
    if "\\" in text:
        text = _WORD.sub(_unescape, text)
    if "-->" in text:
        text = _SRT.sub("\n", text)
    if "--" in text and "\n" in text:
        text = _TABLE_RULE.sub("", text)
    return text


def _joins(above: str, below: str, ended: bool, longest: int) -> bool:
    """Whether a line goes on in the next one.

    Args:
        above: the line.
        below: the next one.
        ended: the paragraph ends with a mark, as prose does.
        longest: length of the paragraph's longest line.
    """
    if _TERMINAL.search(above) or _ITEM.match(below):
        return False
    last = _LAST_WORD.search(above)
    opened = last is not None and last[1].lower() in _OPEN_ENDS
    alone = _ADDRESS_END.search(above) or (len(above) < _WRAPPED and not opened)
    if alone and _ADDRESS_START.match(below):
        return False
    start = below.lstrip()[:1]
    if _HAN_END.search(above) and _HAN_START.match(below):
        return ended and len(above.strip()) >= max(_WRAPPED_HAN, 0.6 * longest)
    if _COMMA.search(above):
        return start.islower() or (ended and len(above) >= 0.6 * longest)
    if start.islower():
        return True
    if opened:
        return True
    return ended and len(above) >= max(_WRAPPED, 0.7 * longest)


def unwrap(text: str) -> str:
    """Replace the line breaks that only wrap a line.

    Args:
        text: any text; line breaks are "\\n".

    Returns:
        The text with a space in place of such a line break, or nothing between Han characters;
        the other line breaks stay.
    """
    if "\n" not in text:
        return text
    paragraphs = re.split(r"(\n[^\S\n]*\n\s*)", text)
    return "".join(_unwrap_paragraph(part) if "\n" in part.strip() else part for part in paragraphs)


def _unwrap_paragraph(text: str) -> str:
    lines = text.split("\n")
    ended = _TERMINAL.search(text) is not None
    longest = max(map(len, lines))
    joined = lines[0]
    for above, below in pairwise(lines):
        if not above.strip() or not below.strip() or not _joins(above, below, ended, longest):
            joined += "\n" + below
        elif _HAN_END.search(above) and _HAN_START.match(below):
            joined = joined.rstrip() + below.lstrip()
        else:
            joined = f"{joined.rstrip()} {below.lstrip()}"
    return joined
