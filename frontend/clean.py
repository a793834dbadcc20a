"""Character level: one canonical form for signs, before any rule reads words.

Quotation marks, brackets, emoji, control characters and Markdown leftovers go; full-width forms
become half-width; dashes, ellipses and Chinese marks become the canonical punctuation.
"""

import re
import unicodedata
from typing import Final

#: Stand-ins for inline markup: survive every rule, count as a word.
PLACEHOLDER_FIRST: Final = 0xE000
PLACEHOLDER_LAST: Final = 0xF8FF
PLACEHOLDER: Final = "\ue000-\uf8ff"

HAN: Final = "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\u3007\U00020000-\U000323af"

_FRACTIONS: Final = {
    **{"½": "1/2", "⅓": "1/3", "⅔": "2/3", "¼": "1/4", "¾": "3/4", "⅕": "1/5", "⅖": "2/5"},
    **{"⅗": "3/5", "⅘": "4/5", "⅙": "1/6", "⅚": "5/6", "⅛": "1/8", "⅜": "3/8", "⅝": "5/8"},
    **{"⅞": "7/8", "⅐": "1/7", "⅑": "1/9", "⅒": "1/10"},
}
_SUPERSCRIPTS: Final = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹", "0123456789")

_SIGNS: Final = str.maketrans(
    {
        **dict.fromkeys("’‘‛＇ʼ′`´", "'"),
        **dict.fromkeys("“”„‟″＂", '"'),
        # A space keeps numbers on both sides of a wide mark apart: 1,998 is not 1，998.
        **dict.fromkeys("、﹐，", ", "),
        **dict.fromkeys("。｡", ". "),
        **{"．": ".", "？": "? ", "！": "! ", "；": "; "},
        **dict.fromkeys("‐‑‒−﹣－", "-"),
        **dict.fromkeys("–", "–"),
        **dict.fromkeys("—―⸺⸻", "—"),
        **dict.fromkeys("∼〜～˜", "~"),
        **dict.fromkeys("￥¥", "¥"),
        **dict.fromkeys("×✕✖⨯", "×"),
        **dict.fromkeys("⋯…", "…"),
        **dict.fromkeys("「」『』《》〈〉«»‹›【】〖〗〔〕﹁﹂﹃﹄", '"'),
        **dict.fromkeys("℃", "°C"),
        **dict.fromkeys("℉", "°F"),
        **dict.fromkeys("º˚", "°"),
        **dict.fromkeys("・‧•∙⋅", "·"),
    }
)
_MARKDOWN: Final = (
    (re.compile(r"^[ \t]{0,3}```.*$|^[ \t]*(?:[-*_][ \t]*){3,}$", re.M), " "),
    (re.compile(r"^[ \t]{0,3}#{1,6}[ \t]+", re.M), ""),
    (re.compile(r"^[ \t]{0,3}>[ \t]?", re.M), ""),
    (re.compile(r"^[ \t]*[-*+][ \t]+(?=\S)", re.M), ""),
    (re.compile(r"!?\[([^\[\]\n]*)\]\((?:https?:|/|#|\.)[^()\s]*\)"), r"\1"),
    (re.compile(r"\*\*(?=\S)([^*\n]+?)\*\*|(?<!\w)__(?=\S)([^_\n]+?)__(?!\w)"), r"\1\2"),
    (re.compile(r"(?<![\w*])\*(?=[^\s*])([^*\n]*?[^\s*])\*(?![\w*])"), r"\1"),
    (re.compile(r"(?<![\w_])_(?=[^\s_])([^_\n]*?[^\s_])_(?![\w_])"), r"\1"),
    (re.compile(r"~~(?=\S)([^~\n]+?)~~"), r"\1"),
    (re.compile(r"`+([^`\n]+)`+"), r"\1"),
    (re.compile(r"</?[A-Za-z][A-Za-z0-9]*(?:\s[^<>\n]{0,200})?/?>"), " "),
)
_ENTITIES: Final = {"&amp;": "&", "&lt;": "<", "&gt;": ">", "&quot;": '"', "&nbsp;": " "}
_ENTITY: Final = re.compile("|".join(_ENTITIES))
_ASCII_ONLY: Final = re.compile(r"[\x20-\x7e]*")
#: An empty line ends a sentence even without a mark; a single line break is only a wrap.
_LINE_END: Final = re.compile(r"([^\s.,;:!?。，；：！？…])[^\S\n]*\n\s*\n\s*")
_LIST_NUMBER: Final = re.compile(r"^[ \t]*(\d{1,2})[.)、][ \t]+(?=\S)", re.M)


def strip_markdown(text: str) -> str:
    """Remove Markdown and HTML syntax, keeping what a reader would see."""
    for pattern, replacement in _MARKDOWN:
        text = pattern.sub(replacement, text)
    if "&" in text:
        text = _ENTITY.sub(lambda match: _ENTITIES[match[0]], text)
    return _LIST_NUMBER.sub(r"\1, ", text)


def _compose(char: str) -> str:
    """Compatibility form of one character, except where that would lose meaning."""
    if char in _FRACTIONS:
        return _FRACTIONS[char]
    if char.isdecimal():
        return str(unicodedata.decimal(char))
    if unicodedata.category(char) == "No":
        # Circled digits such as ➄ have a value but no compatibility form.
        plain = unicodedata.normalize("NFKC", char)
        value = unicodedata.numeric(char, 0.5)
        return str(int(value)) if plain == char and value == int(value) else plain
    return unicodedata.normalize("NFKC", char)


def _fold(text: str) -> str:
    """Fold compatibility characters; fractions and powers keep apart from the digits before."""
    text = re.sub(r"(?<=\d)([½⅓⅔¼¾⅕⅖⅗⅘⅙⅚⅛⅜⅝⅞⅐⅑⅒])", r" \1", text)
    text = re.sub(
        r"(?<=[\w)])(⁻?)([⁰¹²³⁴⁵⁶⁷⁸⁹]+)",
        lambda match: f"^{'-' if match[1] else ''}{match[2].translate(_SUPERSCRIPTS)}",
        text,
    )
    text = "".join(char if char.isascii() else _compose(char) for char in text)
    return unicodedata.normalize("NFC", text)


def _is_dropped(char: str) -> bool:
    """Emoji, dingbats, joiners, control and unassigned characters, lone marks."""
    category = unicodedata.category(char)
    if category in {"Cc", "Cf", "Cs", "Cn"}:
        return True
    return category == "So" and char not in "°"


def clean(text: str) -> tuple[str, tuple[str, ...]]:
    """Bring the characters of a text to canonical form.

    Args:
        text: any Unicode string; placeholder characters are kept.

    Returns:
        The text and the dropped characters, each once, in order of appearance.
    """
    text = _LINE_END.sub(r"\1. ", strip_markdown(text))
    if _ASCII_ONLY.fullmatch(text):
        return _tidy(text), ()
    text = _fold(text.translate(_SIGNS)).translate(_SIGNS)
    dropped: dict[str, None] = {}
    kept: list[str] = []
    for char in text:
        if char.isascii() or char.isalnum() or PLACEHOLDER_FIRST <= ord(char) <= PLACEHOLDER_LAST:
            kept.append(char if char >= " " else " ")
        elif char.isspace():
            kept.append(" ")
        elif _is_dropped(char):
            if unicodedata.category(char) == "So":
                dropped[char] = None
            # A joiner or variation selector glues, an emoji separates.
            kept.append(" " if unicodedata.category(char) == "So" else "")
        else:
            kept.append(char)
    return _tidy("".join(kept)), tuple(dropped)


_TIDY: Final = (
    (re.compile(r"[ \x00-\x1f\x7f]+"), " "),
    (re.compile(r"\.{3,}|…+|\. \. \.|\.\.(?!\w)"), "…"),
    (re.compile(r"\s*(?:——+|—|--+(?=\s|\w|$))\s*"), " — "),
    (re.compile(r" {2,}"), " "),
)


def _tidy(text: str) -> str:
    for pattern, replacement in _TIDY:
        text = pattern.sub(replacement, text)
    return text.strip()
