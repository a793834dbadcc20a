"""Character level: one canonical form for signs, before any rule reads words.

Quotation marks, brackets, emoji, control characters and Markdown leftovers go; full-width forms
become half-width; dashes, ellipses and Chinese marks become the canonical punctuation.
"""

import re
import unicodedata
from html import unescape
from typing import Final

from frontend.lines import strip_layout, unwrap

#: Stand-ins for inline markup: survive every rule, count as a word.
PLACEHOLDER_FIRST: Final = 0xE000
PLACEHOLDER_LAST: Final = 0xF8FF
PLACEHOLDER: Final = "\ue000-\uf8ff"

HAN: Final = "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\u3007\U00020000-\U000323af"
HAN_CHARACTER: Final = re.compile(f"[{HAN}]")

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
    (re.compile(r"==(?=[^\s=])([^=\n]+?)=="), r"\1"),
    # Cells of a table, fields of a signature.
    (re.compile(r"^[ \t]*\|[ \t]*|[ \t]*\|[ \t]*$", re.M), ""),
    (re.compile(r"(?<=[^\s|])[ \t]+\|+[ \t]+(?=[^\s|])"), ", "),
    (re.compile(r"`+([^`\n]+)`+"), r"\1"),
    (re.compile(r"</?[A-Za-z][A-Za-z0-9]*(?:\s[^<>\n]{0,200})?/?>"), " "),
)
_ENTITY: Final = re.compile(r"&(?:#\d{1,7}|#[xX][0-9A-Fa-f]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")
#: Smileys typed in letters and signs, hearts.
_SMILEY: Final = re.compile(
    r"(?:(?<=\s)|^)(?:[:;=8][-'^]?[)(DPpOo/|\\*\]\[]|<3+|</3|\^_*\^|[xX]D)(?=\s|$|[.,!?])"
)
_ASCII_ONLY: Final = re.compile(r"[\x20-\x7e]*")
#: A line that does not go on in the next one ends a sentence even without a mark.
_LINE_END: Final = re.compile(r"([^\s.,;:!?。，；：！？、…])[^\S\n]*\n\s*")
_LIST_NUMBER: Final = re.compile(
    r"^[ \t]*(?:(\d{1,3})[.、]|[(（]?(\d{1,2})[)）][.、]?)(?:[ "
    r"\t]+|(?=[^\s\d.,]))(?=\S)(?!\d{3}[- ])",
    re.M,
)
_LIST_LETTER: Final = re.compile(r"^[ \t]*(?:\(([a-z]{1,4})\)|([a-z]{1,4})\))[ \t]+(?=\S)", re.M)
_ROMAN_ITEMS: Final = {
    "i": "1",
    "ii": "2",
    "iii": "3",
    "iv": "4",
    "vi": "6",
    "vii": "7",
    "viii": "8",
    "ix": "9",
}


def _list_letter(match: re.Match[str]) -> str:
    mark = match[1] or match[2]
    if mark in _ROMAN_ITEMS:
        return f"{_ROMAN_ITEMS[mark]}, "
    return f"{mark.upper()}, " if len(mark) == 1 else match[0]


def strip_markdown(text: str) -> str:
    """Remove Markdown and HTML syntax, keeping what a reader would see."""
    for pattern, replacement in _MARKDOWN:
        text = pattern.sub(replacement, text)
    if "&" in text:
        text = _ENTITY.sub(lambda match: unescape(match[0]).replace("\xa0", " "), text)
    return _LIST_LETTER.sub(
        _list_letter, _LIST_NUMBER.sub(lambda match: f"{match[1] or match[2]}, ", text)
    )


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


#: Stands for an emoji until its neighbours are known.
_EMOJI: Final = "\x01"
_EMOJI_RUN: Final = re.compile(rf"\s*{_EMOJI}[\s{_EMOJI}]*")
#: Before these an emoji or bracket stands inside a phrase.
_GOES_ON: Final = frozenset("的了吗吧呢着过地得")


def _emoji_pause(match: re.Match[str]) -> str:
    """An emoji between clauses is a pause; beside a mark or at an edge it is nothing."""
    before = match.string[match.start() - 1 : match.start()]
    after = match.string[match.end() : match.end() + 1]
    spoken = before.isalnum() and (after.isalnum() or after in "([\"'")
    return ", " if spoken and after and after not in _GOES_ON else " "


_HAN_GAP: Final = re.compile(rf"(?<=[{HAN}])[ \t\u3000]+(?=[{HAN}0-9])")
_HAN_RUN: Final = re.compile(rf"[{HAN}0-9A-Za-z]+")
_WAVE_RANGE: Final = re.compile(
    r"(?<=[一二三四五六七八九十日天月号点年末初旬时分])[~～〜](?=周|星期|礼拜|[一二三四五六七八九十两上下早晚中今明现次凌])"
)
_WAVE_END: Final = re.compile(
    rf"(?<=[{HAN}])[~～〜]+[ \t]*(?=[{HAN}A-Za-z])|(?<=[{HAN}])[~～〜]+[ \t]+(?=\S)"
)
#: As many characters on both sides of a space make it a pause.
_CLAUSE: Final = 4


def _between_clauses(text: str) -> str:
    """Write a comma for a space or wave between two Chinese clauses."""
    text = _WAVE_END.sub(", ", _WAVE_RANGE.sub("到", text))

    def pause(match: re.Match[str]) -> str:
        before = _HAN_RUN.findall(match.string[max(0, match.start() - 12) : match.start()])
        after = _HAN_RUN.match(match.string, match.end(), match.end() + 12)
        long = before and after and min(len(before[-1]), len(after[0])) >= _CLAUSE
        return ", " if long else match[0]

    return _HAN_GAP.sub(pause, text)


_BRACKETS: Final = re.compile(
    r"[ \t]*(?P<open>[(\[])(?P<inside>[^()\[\]\n]*)[)\]](?P<space>[ \t]*)"
)
_NUMBER_NAMES: Final = {
    **{"one": "1", "two": "2", "three": "3", "four": "4", "five": "5", "six": "6", "seven": "7"},
    **{"eight": "8", "nine": "9", "ten": "10", "eleven": "11", "twelve": "12"},
}


def pause_at_brackets(text: str) -> str:
    """Write commas for brackets inside a sentence, as a reader would pause there."""
    return _BRACKETS.sub(_bracket, text) if "(" in text or "[" in text else text


def _bracket(match: re.Match[str]) -> str:
    text, inside = match.string, match["inside"].strip(" \t,")
    before = text[match.start() - 1 : match.start()] if match.start() else ""
    after = text[match.end() : match.end() + 1]
    glued = bool(before) and match[0][0] in "(["
    if not inside:
        return " "
    # Area codes, and terms of a formula.
    if re.fullmatch(r"\+?\d{2,4}", inside) and after.isdigit():
        return match[0]
    if (after and after in "^*/=+×÷√²³") or (before and before in "^*/=+-×÷√±"):
        return match[0]
    if glued and before.isascii() and before.isalnum() and re.search(r"[-+*/^=]", inside):
        return match[0]
    plural = glued and before.isascii() and before.isalnum() and match["open"] == "("
    if plural and len(inside) < 4:
        return f" {inside}{match['space'] or ' '}"
    if plural and not match["space"]:
        return f", {inside}, "
    word = re.search(r"([A-Za-z]+)$", text[: match.start()][-12:])
    if word and _NUMBER_NAMES.get(word[1].lower()) == inside:
        return " "
    if match["open"] == "[" and inside.isdigit():
        return f" {inside} "
    short = not before and re.fullmatch(rf"[{HAN}]{{1,2}}", inside)
    opens = ", " if before and (before.isalnum() or before in "%°'\"") else " "
    goes_on = after.isalnum() or (bool(after) and after in "$¥€£\"'")
    closes = ", " if goes_on and after not in _GOES_ON and not short else match["space"]
    closes = (
        closes
        if after.isspace() or not after or closes
        else ""
        if after in ".,;:!?。，；：！？"
        else " "
    )
    if after in _GOES_ON and after:
        opens = closes = "" if opens == ", " and len(inside) < 5 else opens
    return f"{opens}{inside}{closes}"


def clean(text: str) -> tuple[str, tuple[str, ...]]:
    """Bring the characters of a text to canonical form.

    Args:
        text: any Unicode string; placeholder characters are kept.

    Returns:
        The text and the dropped characters, each once, in order of appearance.
    """
    text = strip_markdown(unwrap(strip_layout(text)))
    text = _LINE_END.sub(r"\1. ", _SMILEY.sub(" ", text))
    if _ASCII_ONLY.fullmatch(text):
        return _tidy(pause_at_brackets(text)), ()
    text = _between_clauses(text)
    text = _fold(text.translate(_SIGNS)).translate(_SIGNS)
    dropped: dict[str, None] = {}
    kept: list[str] = []
    for char in text:
        if char.isascii() or char.isalnum() or PLACEHOLDER_FIRST <= ord(char) <= PLACEHOLDER_LAST:
            kept.append(char if char >= " " else " ")
        elif char.isspace():
            kept.append(" ")
        elif "\ufe00" <= char <= "\ufe0f":
            continue
        elif char in "❤♥":
            # "I ❤ you": a word rather than a pause.
            dropped[char] = None
            kept.append(" ")
        elif _is_dropped(char):
            if unicodedata.category(char) == "So":
                dropped[char] = None
            # A joiner or variation selector glues, an emoji separates.
            kept.append(_EMOJI if unicodedata.category(char) == "So" else "")
        else:
            kept.append(char)
    text = _EMOJI_RUN.sub(_emoji_pause, "".join(kept))
    return _tidy(pause_at_brackets(text)), tuple(dropped)


_TIDY: Final = (
    (re.compile(r"[ \x00-\x1f\x7f]+"), " "),
    # Time:14:30 and 时间:14:30 have a colon of their own.
    (re.compile(r"(?<=[^\W\d]):(?=\d{1,2}:\d\d)"), ": "),
    (re.compile(r"\.{3,}|…+|\. \. \.|\.\.(?!\w)"), "…"),
    (re.compile(r"\s*(?:——+|—|--+(?=\s|\w|$))\s*"), " — "),
    (re.compile(r">=|=>(?==)"), "≥"),
    (re.compile(r"<="), "≤"),
    (re.compile(r"!="), "≠"),
    (re.compile(r" {2,}"), " "),
)


def _tidy(text: str) -> str:
    for pattern, replacement in _TIDY:
        text = pattern.sub(replacement, text)
    return text.strip()
