"""Who says what, how fast, and the pauses between: what a text asks for beside its words.

    [pause 0.6s]        silence, exactly so long
    [voice heart]       another voice from here on; [voice] goes back to the first
    ALICE: Good day.    a line of a play, where `cast` knows the name

Paragraphs and headings are told apart, because they are followed by a longer pause.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final, Literal

from frontend.markup import PAUSE_MARK, parse_pause, place_of
from frontend.types import MarkupError

Break = Literal["", "speaker", "paragraph"]
#: The name of whoever speaks what no one in a play says.
NARRATOR: Final = "narrator"
VOICE_MARK: Final = re.compile(r"\[\s*voice(?P<voice>[ \t]+[\w-]+|)[ \t]*\](?!\()", re.IGNORECASE)
_MARK: Final = re.compile(rf"{PAUSE_MARK.pattern}(?!\()|{VOICE_MARK.pattern}", re.IGNORECASE)
_BLANK: Final = re.compile(r"\n[^\S\n]*\n\s*")
_HEADING: Final = re.compile(r"^[ \t]{0,3}#{1,6}[ \t]+(?P<title>\S.*)$", re.M)
_SPEAKER: Final = re.compile(r"^[ \t]*(?P<name>[^\W\d_][\w .'’-]{0,39}?)[ \t]*[:：][ \t]*", re.M)


@dataclass(frozen=True, slots=True)
class Passage:
    """A stretch of text that one voice speaks at one speed.

    Attributes:
        text: with the inline markup of `frontend.markup`, pauses excepted.
        at: where it begins in `Script.text`.
        voice: as named in the text; "" is whoever speaks the rest.
        speed: in addition to the speed of the whole.
        before: what parts it from the passage before.
        pause_s: silence before it, exactly; None where `before` decides.
        lang: 'en' or 'zh' where the text says so, else "".
    """

    text: str
    at: int
    voice: str = ""
    speed: float = 1.0
    before: Break = ""
    pause_s: float | None = None
    lang: str = ""


@dataclass(frozen=True, slots=True)
class Script:
    """A text as passages.

    Attributes:
        text: what the places of passages mean.
        passages: in order.
        after_s: silence behind the last one.
        notes: what was ignored, for the user to read.
    """

    text: str
    passages: tuple[Passage, ...]
    after_s: float = 0.0
    notes: tuple[str, ...] = ()


def read_script(
    text: str, cast: Mapping[str, str] | None = None, keep_pauses: bool = False
) -> Script:
    """Read the marks of a plain text.

    Args:
        text: as typed.
        cast: names of a play to voices; lines `NAME: text` are then spoken by them, up to a blank
            line; `narrator` speaks the rest.
        keep_pauses: leave `[pause 1s]` to the model.

    Raises:
        MarkupError: a mark cannot be read; the message points at it.
    """
    voices = {_folded(name): voice for name, voice in (cast or {}).items()}
    passages: list[Passage] = []
    pause: float | None = None
    named: str | None = None  # by [voice …], up to the next line of a play
    for start, stop, new_paragraph in _paragraphs(text):
        for first, last, speaker, by_name in _lines(text, start, stop, voices):
            named = None if by_name else named
            before: Break = "paragraph" if new_paragraph else "speaker"
            new_paragraph = False
            for mark, begin, end in _marks(text, first, last, VOICE_MARK if keep_pauses else _MARK):
                if mark is not None and mark["voice"] is not None:
                    name = mark["voice"].strip()
                    named = voices.get(_folded(name), name) or None
                    before = before or "speaker"
                elif mark is not None:
                    pause = (pause or 0.0) + _pause_s(text, mark)
                if text[begin:end].strip():
                    passages.append(
                        Passage(text[begin:end], begin, named or speaker, 1.0, before, pause)
                    )
                    pause, before = None, ""
    passages = [
        replace(p, before="")
        if p.before == "speaker" and i and passages[i - 1].voice == p.voice
        else p
        for i, p in enumerate(passages)
    ]
    return Script(text, tuple(passages), pause or 0.0)


def _pause_s(text: str, mark: re.Match[str]) -> float:
    try:
        return parse_pause(mark["length"])
    except ValueError as error:
        raise MarkupError(f"{error} ({place_of(text, mark.start())})") from None


def _folded(name: str) -> str:
    return " ".join(name.casefold().split())


def _paragraphs(text: str) -> Iterator[tuple[int, int, bool]]:
    """Where each begins and ends, and whether a paragraph or heading ends before it."""
    start = 0
    cuts = [match.span() for match in _BLANK.finditer(text)]
    for match in _HEADING.finditer(text):
        cuts += [(match.start(), match.start("title")), (match.end(), match.end())]
    for begin, end in sorted(cuts):
        if begin >= start:
            if text[start:begin].strip():
                yield start, begin, True
            start = end
    if text[start:].strip():
        yield start, len(text), True


def _lines(
    text: str, start: int, stop: int, voices: Mapping[str, str]
) -> Iterator[tuple[int, int, str, bool]]:
    """Stretches of a paragraph, who speaks them, and whether a name says so."""
    speaker, begin, by_name = voices.get(NARRATOR, ""), start, False
    for match in _SPEAKER.finditer(text, start, stop) if voices else ():
        if (name := _folded(match["name"])) in voices:
            if text[begin : match.start()].strip():
                yield begin, match.start(), speaker, by_name
            speaker, begin, by_name = voices[name], match.end(), True
    yield begin, stop, speaker, by_name


def _marks(
    text: str, start: int, stop: int, marks: re.Pattern[str]
) -> Iterator[tuple[re.Match[str] | None, int, int]]:
    """Each mark with the text that follows it; the first has none."""
    mark = None
    for match in marks.finditer(text, start, stop):
        yield mark, start, match.start()
        mark, start = match, match.end()
    yield mark, start, stop
