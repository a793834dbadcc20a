"""Inline markup: how a user says how something is pronounced.

    [银行](yin2 hang2)          pinyin with tone numbers (5 neutral, v or ü, r for erhua)
    [minute](M AY0 N UW1 T)     ARPAbet with stress digits on vowels
    [OpenMOSS](oʊpən mɔs)       IPA
    [pause 0.6s]                silence, also [pause] (0.4 s) and [pause 300ms]
    ni3 hao3                    plain pinyin words in running text

Each becomes one placeholder character, which survives normalisation, and an `Override`.
"""

import re
from dataclasses import dataclass
from typing import Final

from frontend.clean import PLACEHOLDER, PLACEHOLDER_FIRST, PLACEHOLDER_LAST
from frontend.english.ipa import ipa_to_arpabet
from frontend.mandarin.pinyin import syllable_symbols
from frontend.symbols import ARPABET, PAUSE, PAUSE_UNIT_S
from frontend.types import MarkupError, Word

MAX_PAUSE_S: Final = 10.0
_DEFAULT_PAUSE_S: Final = 0.4
_MAX_OVERRIDES: Final = PLACEHOLDER_LAST - PLACEHOLDER_FIRST
_LINK: Final = re.compile(r"(?<!!)\[(?P<text>[^\[\]\n]*)\]\((?P<said>[^()\n]*)\)")
PAUSE_MARK: Final = re.compile(r"\[\s*pause\b\s*(?P<length>[^\]\n]*)\]", re.IGNORECASE)
_LENGTH: Final = re.compile(r"(?P<number>\d+(?:\.\d+)?|\.\d+)\s*(?P<unit>ms|s)?", re.IGNORECASE)
_URL: Final = re.compile(r"^(?:https?:|mailto:|/|\.|#|www\.)|\.\w{2,4}(?:/|$)")
_PINYIN_TOKEN: Final = re.compile(r"(?<![\w'.\-/@#])[a-zü]{1,7}:?[a-z]{0,2}[1-5](?![\w'\-/@]|\.\w)")
_ARPABET: Final = frozenset(ARPABET)
_ARPABET_BARE: Final = frozenset(symbol[:-1] for symbol in ARPABET if symbol[-1].isdigit())


@dataclass(frozen=True, slots=True)
class Marked:
    """Text with placeholders and the words that they stand for.

    Attributes:
        text: the text, one placeholder character per override.
        overrides: placeholder character to word.
    """

    text: str
    overrides: dict[str, Word]


def place_of(text: str, position: int) -> str:
    """Point at a position: line, column and the text around it."""
    line = text.count("\n", 0, position) + 1
    column = position - (text.rfind("\n", 0, position) + 1) + 1
    excerpt = text[max(0, position - 5) : position + 25].replace("\n", " ")
    return f"line {line}, column {column}, near {excerpt!r}"


def parse_pronunciation(said: str) -> tuple[tuple[str, ...], str]:
    """Read a pronunciation in pinyin, ARPAbet or IPA.

    Args:
        said: such as "yin2 hang2", "M AY0 N UW1 T" or "oʊpən mɔs".

    Returns:
        Symbols and their language, "zh" or "en".

    Raises:
        ValueError: it is none of the three; the message names the part that is wrong.
    """
    parts = said.split()
    if not parts:
        raise ValueError(
            "the pronunciation is empty: write pinyin, ARPAbet or IPA in the parentheses"
        )
    if all(re.fullmatch(r"[a-zA-Zü:ÜV]+[0-9]", part) and part != part.upper() for part in parts):
        return _parse_pinyin(parts), "zh"
    if all(re.fullmatch(r"[A-Z]{1,2}\d?", part) for part in parts):
        return _parse_arpabet(parts), "en"
    return ipa_to_arpabet(said), "en"


def _parse_pinyin(parts: list[str]) -> tuple[str, ...]:
    symbols: tuple[str, ...] = ()
    for part in parts:
        syllable = syllable_symbols(part)
        if syllable is None:
            raise ValueError(f"{part!r} is no pinyin syllable with a tone from 1 to 5")
        symbols += syllable
    return symbols


def _parse_arpabet(parts: list[str]) -> tuple[str, ...]:
    symbols: list[str] = []
    for part in parts:
        if part in _ARPABET_BARE:
            raise ValueError(
                f"{part!r} is a vowel without stress: write {part}0, {part}1 or {part}2"
            )
        if part not in _ARPABET:
            raise ValueError(f"{part!r} is no ARPAbet symbol: use those of the CMU dictionary")
        symbols.append(part)
    return tuple(symbols)


def parse_pause(length: str) -> float:
    """Read the length of a pause such as "0.6s" or "300 ms" in seconds.

    Raises:
        ValueError: it is no length, or not within (0, MAX_PAUSE_S].
    """
    if not length.strip():
        return _DEFAULT_PAUSE_S
    match = _LENGTH.fullmatch(length.strip())
    if match is None:
        raise ValueError(f"{length.strip()!r} is no length of a pause: write [pause 0.6s]")
    seconds = float(match["number"]) / (1000 if (match["unit"] or "s").lower() == "ms" else 1)
    if not 0 < seconds <= MAX_PAUSE_S:
        raise ValueError(f"a pause of {seconds:g} s is outside (0, {MAX_PAUSE_S:g}] s")
    return seconds


def pause_word(text: str, seconds: float) -> Word:
    """A pause as a run of `<pause>`, each of PAUSE_UNIT_S, at least one."""
    return Word(text, "", (PAUSE,) * max(1, int(seconds / PAUSE_UNIT_S + 0.501)), "pause")


class _Collector:
    """Hands out placeholders while the text is scanned."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.overrides: dict[str, Word] = {}

    def add(self, word: Word, position: int) -> str:
        if len(self.overrides) >= _MAX_OVERRIDES:
            raise MarkupError(
                f"more than {_MAX_OVERRIDES} overrides, at {place_of(self.text, position)}: "
                "split the text"
            )
        placeholder = chr(PLACEHOLDER_FIRST + len(self.overrides))
        self.overrides[placeholder] = word
        return placeholder


def _replace_marks(text: str, collector: _Collector) -> str:
    def pause(match: re.Match[str]) -> str:
        try:
            seconds = parse_pause(match["length"])
        except ValueError as error:
            raise MarkupError(f"{error} ({place_of(text, match.start())})") from None
        return collector.add(pause_word(match[0], seconds), match.start())

    def link(match: re.Match[str]) -> str:
        said = match["said"].strip()
        if _URL.search(said):
            return match[0]
        if not match["text"].strip():
            raise MarkupError(f"no text in the brackets ({place_of(text, match.start())})")
        try:
            symbols, language = parse_pronunciation(said)
        except ValueError as error:
            raise MarkupError(f"{error} ({place_of(text, match.start('said'))})") from None
        return collector.add(
            Word(match["text"].strip(), language, symbols, "override"), match.start()
        )

    both = re.compile(f"{PAUSE_MARK.pattern}|{_LINK.pattern}", re.IGNORECASE)
    return both.sub(lambda match: link(match) if match["said"] is not None else pause(match), text)


def _is_pinyin(match: re.Match[str], text: str) -> bool:
    """A pinyin word stands beside another one or beside Chinese; "mp3" and "a4" are none."""
    if syllable_symbols(match[0]) is None:
        return False
    if len(match[0]) >= 5 and match[0] not in {"phase1"}:
        return True
    before = text[: match.start()].rstrip()[-8:]
    after = text[match.end() : match.end() + 10].lstrip()
    if re.search(r"[a-zü]+[1-5]$", before) or re.match(r"[a-zü]+[1-5](?!\w)", after):
        return True
    return len(match[0]) >= 4


def _replace_pinyin(text: str, collector: _Collector) -> str:
    def spoken(match: re.Match[str]) -> str:
        symbols = syllable_symbols(match[0])
        if symbols is None or not _is_pinyin(match, text):
            return match[0]
        return collector.add(Word(match[0], "zh", symbols, "override"), match.start())

    return _PINYIN_TOKEN.sub(spoken, text)


def extract(text: str) -> Marked:
    """Replace all markup by placeholders.

    Args:
        text: as typed; characters of the placeholder range in it are removed.

    Returns:
        The text with placeholders, and their words.

    Raises:
        MarkupError: a pronunciation or a pause cannot be read; the message points at it.
    """
    text = re.sub(f"[{PLACEHOLDER}]", "", text)
    collector = _Collector(text)
    if "[" in text:
        text = _replace_marks(text, collector)
    if re.search(r"[a-zü][1-5]", text):
        text = _replace_pinyin(text, collector)
    return Marked(text, collector.overrides)


def restore(text: str, overrides: dict[str, Word]) -> str:
    """Put the surface text of overrides back in place of their placeholders."""
    return re.sub(f"[{PLACEHOLDER}]", lambda match: overrides[match[0]].text, text)
