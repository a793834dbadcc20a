"""SSML, the part of it that a voice here can follow, into a `Script`.

Followed: speak, p, s, break, say-as, phoneme, sub, prosody rate, voice name, xml:lang, lang.
Named in a note and left out: emphasis, mark, bookmark, desc, meta, metadata, lexicon, pitch, volume
and the like, which change no word. Refused: everything else, for its content would be lost or
misread.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final
from xml.parsers import expat

from frontend.markup import MAX_PAUSE_S, parse_pause, parse_pronunciation
from frontend.script import Break, Passage, Script, read_script
from frontend.types import MarkupError

MAX_DEPTH: Final = 64
#: Of `break strength`.
_STRENGTHS: Final = {
    **{"none": 0.0, "x-weak": 0.1, "weak": 0.2, "medium": 0.4, "strong": 0.8, "x-strong": 1.2}
}
_RATES: Final = {
    **{"x-slow": 0.6, "slow": 0.8, "medium": 1.0, "default": 1.0, "fast": 1.25, "x-fast": 1.6}
}
_SLOWEST, _FASTEST = 0.25, 4.0
_KNOWN: Final = frozenset(
    ["speak", "p", "s", "break", "say-as", "phoneme", "sub", "prosody", "voice", "lang"]
)
_IGNORED: Final = frozenset(["emphasis", "mark", "bookmark", "w", "token"])
_SILENT: Final = frozenset(["desc", "meta", "metadata", "lexicon"])
_MONTHS: Final = (
    *("January", "February", "March", "April", "May", "June", "July", "August"),
    *("September", "October", "November", "December"),
)
_BRACKETS: Final = str.maketrans("[]()", "    ")


def read_ssml(text: str) -> Script:
    """Read a document.

    Args:
        text: SSML, `<speak>` around it.

    Returns:
        The script; its text is what is spoken, in the front end's own markup.

    Raises:
        MarkupError: no well-formed XML, a document type or entity, or something that cannot be
            followed; the message names it and its line.
    """
    parser = expat.ParserCreate()
    reader = _Reader(lambda: parser.CurrentLineNumber)
    parser.StartElementHandler = reader.start
    parser.EndElementHandler = reader.end
    parser.CharacterDataHandler = reader.say
    parser.StartDoctypeDeclHandler = reader.refuse_doctype
    parser.EntityDeclHandler = reader.refuse_doctype
    parser.ProcessingInstructionHandler = reader.refuse_instruction
    parser.buffer_text = True
    try:
        parser.Parse(text.strip().encode("utf-8", "surrogatepass"), True)
    except expat.ExpatError as error:
        raise MarkupError(
            f"no well-formed SSML: {expat.errors.messages[error.code]} (line {error.lineno}, "
            f"column {error.offset + 1}); mend it"
        ) from None
    return reader.script()


@dataclass(frozen=True, slots=True)
class _Manner:
    """How the text inside an element is spoken."""

    element: str
    voice: str = ""
    speed: float = 1.0
    lang: str = ""
    silent: bool = False
    # What is made of the text inside once the element ends; None leaves it.
    rewrite: Callable[[str], str] | None = None


class _Reader:
    """Takes what the parser finds and builds passages."""

    def __init__(self, line: Callable[[], int]) -> None:
        self._line = line
        self._open: list[_Manner] = []
        self._captured: list[str] | None = None
        self._parts: list[str] = []  # of the passage under way
        self._passages: list[Passage] = []
        self._text, self._length = [""], 0
        self._before: Break = ""
        self._pause: float | None = None
        self._notes: dict[str, None] = {}

    def script(self) -> Script:
        return Script(
            "".join(self._text), tuple(self._passages), self._pause or 0.0, tuple(self._notes)
        )

    # ------------------------------------------------------------ what the parser calls

    def start(self, name: str, attributes: dict[str, str]) -> None:
        element = name.rpartition(":")[2] if name.startswith("ssml:") else name
        if not self._open and element != "speak":
            raise self._error(f"the document begins with <{name}>; put <speak> around it")
        if self._open and element == "speak":
            raise self._error("<speak> inside <speak>; one is enough")
        if len(self._open) >= MAX_DEPTH:
            raise self._error(f"more than {MAX_DEPTH} elements inside each other; use fewer")
        if self._captured is not None:
            outer = self._open[-1].element
            raise self._error(
                f"<{name}> inside <{outer}>, which holds plain text only; take it out"
            )
        outer = self._open[-1] if self._open else _Manner("")
        self._open.append(self._manner(element, attributes, outer))
        if self._open[-1].rewrite is not None:
            self._captured = []

    def end(self, name: str) -> None:
        manner = self._open.pop()
        if self._captured is not None and manner.rewrite is not None:
            inside, self._captured = "".join(self._captured), None
            try:
                said = manner.rewrite(" ".join(inside.split()))
            except ValueError as error:
                raise self._error(f"<{name}>: {error}") from None
            self.say(said, manner)
        if manner.element in ("p", "s", "voice", "prosody", "lang", "speak"):
            self._flush(manner)
        if manner.element == "p":
            self._before = "paragraph"
        elif manner.element == "voice":
            self._before = self._before or "speaker"

    def say(self, text: str, manner: _Manner | None = None) -> None:
        manner = manner or self._open[-1]
        if any(outer.silent for outer in (*self._open, manner)):
            return
        if self._captured is not None:
            self._captured.append(text)
        else:
            self._parts.append(text)

    def refuse_doctype(self, *_: object) -> None:
        raise self._error("a document type or entity; SSML needs none, take it out")

    def refuse_instruction(self, target: str, _: str) -> None:
        raise self._error(f"a processing instruction <?{target}?>; take it out")

    # ------------------------------------------------------------ elements

    def _manner(self, element: str, given: Mapping[str, str], outer: _Manner) -> _Manner:
        attributes = {name.rpartition(":")[2]: value for name, value in given.items()}
        if element in _IGNORED or element in _SILENT:
            self._note(f"<{element}>")
            silent = element in _SILENT
            return _Manner(element, outer.voice, outer.speed, outer.lang, silent)
        if element not in _KNOWN:
            raise self._error(f"<{element}> is not followed here; see docs/control.md")
        try:
            return self._followed(element, attributes, outer)
        except ValueError as error:
            raise self._error(f"<{element}>: {error}") from None

    def _followed(self, element: str, given: Mapping[str, str], outer: _Manner) -> _Manner:
        voice, speed, lang, rewrite = outer.voice, outer.speed, outer.lang, None
        if element in ("speak", "p", "s", "voice", "lang") and "lang" in given:
            lang = _language(given["lang"])
        if element in ("p", "s", "voice", "prosody", "lang"):
            self._flush(outer)
        if element == "p":
            self._before = "paragraph"
        elif element == "voice":
            voice = _needed(given, "name").strip()
            self._before = self._before or "speaker"
        elif element == "prosody":
            for name in sorted(set(given) - {"rate"}):
                self._note(f"prosody {name}")
            speed *= parse_rate(given.get("rate", "medium"))
            if not _SLOWEST <= speed <= _FASTEST:
                raise ValueError(f"rate comes to {speed:g}; use {_SLOWEST:g} to {_FASTEST:g}")
        elif element == "break":
            self._flush(outer)
            self._pause = (self._pause or 0.0) + parse_break(given)
        elif element == "phoneme":
            rewrite = _phoneme(given)
        elif element == "say-as":
            rewrite = _say_as(given, lang)
        elif element == "sub":
            alias = _needed(given, "alias")
            rewrite = lambda _: alias  # noqa: E731
        return _Manner(element, voice, speed, lang, False, rewrite)

    # ------------------------------------------------------------ results

    def _flush(self, manner: _Manner) -> None:
        """End the passage under way, which was spoken in this manner."""
        text = "".join(self._parts)
        self._parts = []
        if not text.strip():
            return
        previous = self._passages[-1] if self._passages else None
        before = self._before
        if before == "speaker" and previous is not None and previous.voice == manner.voice:
            before = ""
        at, self._before = self._length, ""
        self._passages.append(
            Passage(text, at, manner.voice, manner.speed, before, self._pause, manner.lang)
        )
        self._pause = None
        self._text.append(text + "\n")
        self._length += len(text) + 1

    def _note(self, what: str) -> None:
        self._notes[f"SSML: {what} is left out of account"] = None

    def _error(self, reason: str) -> MarkupError:
        return MarkupError(f"SSML, line {self._line()}: {reason}")


# ---------------------------------------------------------------- values of attributes


def _needed(given: Mapping[str, str], name: str) -> str:
    value = given.get(name, "")
    if not value.strip():
        raise ValueError(f"{name} is missing; give it")
    return value


def _language(value: str) -> str:
    lang = value.strip().lower().partition("-")[0]
    if lang not in ("en", "zh"):
        raise ValueError(f"xml:lang is {value!r}; use en or zh")
    return lang


def parse_break(given: Mapping[str, str]) -> float:
    """Seconds of a break; time comes before strength.

    Raises:
        ValueError: it is no length, or beyond the limit.
    """
    if "time" in given:
        value = given["time"].strip()
        if not re.fullmatch(r"\+?(?:\d+(?:\.\d+)?|\.\d+)(?:ms|s)", value):
            raise ValueError(f"time is {value!r}; write 600ms or 0.6s")
        if not float(re.sub("[^0-9.]", "", value)):
            return 0.0
        return parse_pause(value.lstrip("+"))
    strength = given.get("strength", "medium").strip()
    if strength not in _STRENGTHS:
        raise ValueError(f"strength is {strength!r}; use one of {', '.join(_STRENGTHS)}")
    return min(_STRENGTHS[strength], MAX_PAUSE_S)


def parse_rate(value: str) -> float:
    """A rate such as "slow", "80%", "+10%" or "0.8" as a factor.

    Raises:
        ValueError: it is none of them.
    """
    value = value.strip()
    if value in _RATES:
        return _RATES[value]
    match = re.fullmatch(r"([+-]?)(\d+(?:\.\d+)?|\.\d+)(%?)", value)
    if match is None or (match[1] and not match[3]):
        raise ValueError(f"rate is {value!r}; use {', '.join(_RATES)}, 80%, +10% or 0.8")
    number = float(match[2]) / (100 if match[3] else 1)
    if match[1]:
        return 1 + number if match[1] == "+" else 1 - number
    return number


def _phoneme(given: Mapping[str, str]) -> Callable[[str], str]:
    alphabet, said = given.get("alphabet", "ipa").lower(), _needed(given, "ph").strip()
    if alphabet not in ("ipa", "x-arpabet", "x-pinyin"):
        raise ValueError(f"alphabet is {alphabet!r}; use ipa, x-arpabet or x-pinyin")
    if "(" in said or ")" in said:
        raise ValueError(f"ph is {said!r}; leave out parentheses")
    kind = "zh" if alphabet == "x-pinyin" else "en"
    if alphabet == "ipa" and re.search("[A-Z0-9]", said):
        raise ValueError(f"ph is {said!r}, which is no IPA; name its alphabet")
    if parse_pronunciation(said)[1] != kind:
        raise ValueError(f"ph is {said!r}, which is not {alphabet}")
    return lambda text: f"[{text.translate(_BRACKETS).strip() or said}]({said})"


def _say_as(given: Mapping[str, str], lang: str) -> Callable[[str], str]:
    kind = _needed(given, "interpret-as").strip().lower()
    form = given.get("format", "").strip().lower()
    if kind in ("characters", "spell-out", "verbatim"):
        return _characters
    if kind in ("digits", "number:digits"):
        return _digits
    if kind == "date":
        return lambda text: say_date(text, form or ("ymd" if lang == "zh" else "mdy"), lang)
    if kind == "ordinal":
        return _ordinal
    if kind in ("cardinal", "number", "telephone", "time", "currency", "unit", "fraction"):
        return lambda text: text  # as the front end reads them anyway
    raise ValueError(
        f"interpret-as is {kind!r}; use characters, digits, date, cardinal, ordinal, telephone, "
        "time, currency, unit or fraction"
    )


def _characters(text: str) -> str:
    if not any(char.isalnum() for char in text):
        raise ValueError(f"no letter or digit in {text!r}")
    # Commas keep letters apart: A, B is no word.
    return ", ".join(char.upper() for char in text if char.isalnum())


def _digits(text: str) -> str:
    digits = re.sub(r"[\s.-]", "", text)
    if not digits.isdecimal():
        raise ValueError(f"{text!r} is not made of digits")
    return ", ".join(digits)


def _ordinal(text: str) -> str:
    if not text.isdecimal():
        raise ValueError(f"{text!r} is no whole number")
    number = int(text)
    ending = {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{'th' if number % 100 in (11, 12, 13) else ending}"


def say_date(text: str, form: str, lang: str = "en") -> str:
    """Write a date such as 03/05/2024 so that it is read as one.

    Args:
        text: numbers apart by "/", "-", "." or spaces, in the order of `form`.
        form: of the letters y, m and d, such as "mdy", "dm" or "y".
        lang: 'zh' writes it in Chinese.

    Raises:
        ValueError: they do not fit, or there is no such day or month.
    """
    if not re.fullmatch("[ymd]{1,3}", form) or len(set(form)) != len(form):
        raise ValueError(f"format is {form!r}; use letters of y, m and d, such as mdy")
    numbers = re.findall(r"\d+", text)
    if len(numbers) != len(form):
        raise ValueError(f"{text!r} is no date of the form {form}")
    parts = dict(zip(form, map(int, numbers), strict=True))
    year, month, day = (parts.get(letter) for letter in "ymd")
    if month is not None and not 1 <= month <= 12:
        raise ValueError(f"month is {month}; use 1 to 12")
    if day is not None and not 1 <= day <= 31:
        raise ValueError(f"day is {day}; use 1 to 31")
    if lang == "zh":
        named = ((year, "年"), (month, "月"), (day, "日"))
        return "".join(f"{number}{unit}" for number, unit in named if number is not None)
    name = "" if month is None else _MONTHS[month - 1]
    if day is not None:
        name = f"{name} {_ordinal(str(day))}".strip()
    return ", ".join(part for part in (name, "" if year is None else str(year)) if part)


def read_text(
    text: str,
    ssml: bool | None = None,
    cast: Mapping[str, str] | None = None,
    keep_pauses: bool = False,
) -> Script:
    """Read a text, SSML or plain.

    Args:
        text: as typed.
        ssml: whether it is SSML; None tells by its beginning, `<speak>`.
        cast, keep_pauses: of a plain text, see `read_script`.

    Raises:
        MarkupError: it cannot be read.
    """
    if ssml or (ssml is None and re.match(r"\s*(?:<\?xml[^>]*\?>\s*)?<speak\b", text)):
        return read_ssml(text)
    return read_script(text, cast, keep_pauses)
