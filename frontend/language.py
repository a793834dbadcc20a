"""Which language reads which characters.

Han characters are Mandarin, Latin letters are English. Digits and signs have no script: they go
to the language around them, so "GPT-4很好" reads its 4 in Mandarin and "the 5 best" in English.
"""

import re
from dataclasses import dataclass

from frontend.clean import HAN

_HAN = re.compile(f"[{HAN}]")
_LATIN_WORD = re.compile(r"[A-Za-z\u00c0-\u024f]+")
_PIECE = re.compile(
    rf"(?P<han>[{HAN}]+)|(?P<latin>[A-Za-z\u00c0-\u024f][A-Za-z\u00c0-\u024f'&.@/_-]*(?<![.,\-/&_@]))"
    rf"|(?P<number>[0-9]+)|(?P<other>[^{HAN}A-Za-z\u00c0-\u024f0-9]+)"
)
#: Latin letters that belong to the number before them, whatever the script.
_UNIT = re.compile(
    r"(?:km/h|m/s|km|cm|mm|nm|kg|mg|ml|mL|GHz|MHz|kHz|Hz|kWh|mAh|kW|MW|GB|MB|KB|TB|dB|°?C|fps|px|"
    r"[mgtLVWKMGDhsxX]|ms|min)(?:\^[23])?(?![A-Za-z])"
)
#: How many pieces a digit looks around itself, which keeps the time linear.
_REACH = 12
#: Marks across which a digit does not look for its language.
_BARRIER = re.compile(r"[,.;:!?…](?:\s|$)|\n|\s—\s")
_ROMAN = re.compile(r"[IVX]{1,5}")
_CURRENCY_CODE = re.compile(r"(?:US|HK|NT|RMB|CNY|USD|EUR|GBP|JPY|No\.?)$")


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of text read by one language's rules; `lang` is "en" or "zh"."""

    lang: str
    text: str


def main_language(text: str) -> str:
    """Return the language that dominates: "zh" unless Latin words outnumber Han characters.

    Units and codes in capitals belong to both languages and do not count.
    """
    han = len(_HAN.findall(text))
    if not han:
        return "en"
    words = [
        word for word in _LATIN_WORD.findall(text) if not (_UNIT.fullmatch(word) or word.isupper())
    ]
    return "zh" if han >= len(words) else "en"


def _neighbour(pieces: list[tuple[str, str]], index: int, step: int) -> str:
    """The script next to a number: "han", "latin", or "" when a mark or the edge comes first."""
    position = index + step
    while 0 <= position < len(pieces) and abs(position - index) <= _REACH:
        kind, _ = pieces[position]
        if kind == "latin" and step == 1 and _is_unit_at(pieces, position):
            position += step
            continue
        if kind in ("han", "latin"):
            return kind
        if kind == "other" and _ends_clause(pieces, position):
            return ""
        position += step
    return ""


def _is_unit_at(pieces: list[tuple[str, str]], position: int) -> bool:
    return (
        _UNIT.fullmatch(pieces[position][1]) is not None and _number_before(pieces, position) >= 0
    )


def _clause_language(pieces: list[tuple[str, str]], index: int) -> str:
    """Language of the clause of a number when all its words are of one: "en", "zh" or ""."""
    han = latin = 0
    for step in (1, -1):
        position = index + step
        near = range(max(0, index - 3 * _REACH), min(len(pieces), index + 3 * _REACH + 1))
        while position in near and not _ends_clause(pieces, position):
            kind, text = pieces[position]
            han += kind == "han"
            plain = kind == "latin" and len(text) > 1 and not text.isupper()
            latin += plain and not _is_unit_at(pieces, position)
            position += step
    if latin >= 2 and not han:
        return "en"
    return "zh" if han and not latin else ""


def _ends_clause(pieces: list[tuple[str, str]], position: int) -> bool:
    kind, text = pieces[position]
    if kind != "other" or not _BARRIER.search(text):
        return False
    # 4,150 and 3.5 go on.
    joined = text in {",", ".", ":"} and position + 1 < len(pieces)
    return not (joined and pieces[position + 1][0] == "number")


def _number_language(pieces: list[tuple[str, str]], index: int, matrix: str) -> str:
    clause = _clause_language(pieces, index)
    if clause:
        return clause
    after = _neighbour(pieces, index, 1)
    before = _neighbour(pieces, index, -1)
    if after == before == "latin":
        return "en" if matrix == "en" else _latin_run_language(pieces, index)
    if "han" in (after, before) and "latin" in (after, before):
        return matrix if matrix == "zh" or after == "latin" else "zh"
    if after or before:
        return "zh" if "han" in (after, before) else matrix
    return matrix


def _latin_run_language(pieces: list[tuple[str, str]], index: int) -> str:
    """Inside Mandarin, a long English stretch keeps its numbers, a short name does not."""
    words = 0
    for step in (1, -1):
        position = index + step
        near = range(max(0, index - _REACH), min(len(pieces), index + _REACH + 1))
        while position in near and pieces[position][0] != "han":
            kind, text = pieces[position]
            words += kind == "latin" and len(text) > 2
            position += step
    return "en" if words >= 4 else "zh"


def split_languages(text: str, lang: str = "auto") -> list[Span]:
    """Cut text into spans for the rules of one language each.

    Args:
        text: cleaned text.
        lang: "en" or "zh" claims digits and signs for that language; "auto" decides by context.

    Returns:
        Spans whose texts join to `text`; neighbours differ in language.
    """
    matrix = main_language(text) if lang == "auto" else lang
    if not _HAN.search(text) and lang != "zh":
        return [Span("en", text)] if text else []
    pieces = [(match.lastgroup or "", match[0]) for match in _PIECE.finditer(text)]
    labels: list[str] = []
    for index, (kind, _) in enumerate(pieces):
        if kind == "han":
            labels.append("zh")
        elif kind == "number":
            labels.append(_number_language(pieces, index, matrix) if lang == "auto" else lang)
        elif kind == "latin":
            labels.append("en")
        else:
            labels.append("")
    _attach(pieces, labels, matrix)
    spans: list[Span] = []
    for label, (_, piece) in zip(labels, pieces, strict=True):
        if spans and spans[-1].lang == label:
            spans[-1] = Span(label, spans[-1].text + piece)
        else:
            spans.append(Span(label, piece))
    return spans


def _attach(pieces: list[tuple[str, str]], labels: list[str], matrix: str) -> None:
    """Give units, codes and signs the language of the number or word they stand at."""
    for index, (kind, piece) in enumerate(pieces):
        if kind != "latin" or labels[index] == "zh":
            continue
        counted = index > 0 and pieces[index - 1][0] == "number"
        if _ROMAN.fullmatch(piece) and index + 1 < len(pieces) and not counted:
            if pieces[index + 1][1][0] in "期型级类章节世卷部号":
                labels[index] = "zh"
            continue
        if matrix == "zh" and _in_formula(pieces, index):
            labels[index] = "zh"
            continue
        before = _number_before(pieces, index)
        glued_before = index > 0 and pieces[index - 1][0] == "number"
        if before >= 0 and labels[before] == "zh" and (_UNIT.fullmatch(piece) or glued_before):
            labels[index] = "zh"
        after = _number_after(pieces, index)
        if after >= 0 and labels[after] == "zh" and _is_code(pieces, index, after):
            labels[index] = "zh"
    for index, label in enumerate(labels):
        if not label:
            following = next((item for item in labels[index + 1 :] if item), "")
            previous = labels[index - 1] if index else ""
            opens = bool(re.search(r"[$¥€£#@+(\-–°√±∑∫]\s*$", pieces[index][1]))
            choice = (following if opens else previous) or following or previous
            labels[index] = choice or matrix


def _in_formula(pieces: list[tuple[str, str]], index: int) -> bool:
    """Whether a few letters stand beside an operator: y=ax^2+bx+c is read with the Chinese."""
    if len(pieces[index][1]) > 3 or not pieces[index][1].islower():
        return False
    before = pieces[index - 1][1] if index else ""
    after = pieces[index + 1][1] if index + 1 < len(pieces) else ""
    return before[-1:] in set("=+×÷*^") or after.lstrip()[:1] in set("=+×÷^")


def _number_before(pieces: list[tuple[str, str]], index: int) -> int:
    position = index - 1
    if position >= 0 and pieces[position][0] == "other" and not pieces[position][1].strip(" °"):
        position -= 1
    return position if position >= 0 and pieces[position][0] == "number" else -1


def _number_after(pieces: list[tuple[str, str]], index: int) -> int:
    position = index + 1
    if position < len(pieces) and pieces[position][1] in {"-", " ", "$", "."}:
        position += 1
    return position if position < len(pieces) and pieces[position][0] == "number" else -1


def _is_code(pieces: list[tuple[str, str]], index: int, after: int) -> bool:
    joined = after == index + 1 or pieces[index + 1][1] == "-"
    return joined or _CURRENCY_CODE.search(pieces[index][1]) is not None
