"""Times of words and sentences as files: SRT, WebVTT, JSON."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tts.inference.joining import TimedSpan

# Kinds of files, which are their endings too.
KINDS = ("srt", "vtt", "json")
# Two lines of a screen.
MAX_CUE_CHARS = 84


def times_file(kind: str, words: Sequence[TimedSpan], sentences: Sequence[TimedSpan]) -> bytes:
    """A file of one of `KINDS`.

    Args:
        kind: 'srt' has a cue for each sentence, and cuts long ones between words; 'vtt' also says
            when each word of a cue begins; 'json' has both lists.
        words: of the text; may be empty.
        sentences: of the text.
    """
    return {"srt": _srt, "vtt": _vtt, "json": _json}[kind](words, sentences)


def times_object(words: Sequence[TimedSpan], sentences: Sequence[TimedSpan]) -> dict[str, Any]:
    """As JSON has them; from and to are places in the text."""

    def rows(name: str, spoken: Sequence[TimedSpan]) -> list[dict[str, Any]]:
        return [
            {
                name: one.text,
                "start": round(one.start_s, 3),
                "end": round(one.end_s, 3),
                "from": one.at[0],
                "to": one.at[1],
            }
            for one in spoken
        ]

    return {"words": rows("word", words), "sentences": rows("text", sentences)}


def _json(words: Sequence[TimedSpan], sentences: Sequence[TimedSpan]) -> bytes:
    return (json.dumps(times_object(words, sentences), ensure_ascii=False) + "\n").encode()


def _srt(words: Sequence[TimedSpan], sentences: Sequence[TimedSpan]) -> bytes:
    blocks = [
        f"{number}\n{_clock(cue.start_s, ',')} --> {_clock(cue.end_s, ',')}\n{cue.text}\n"
        for number, (cue, _) in enumerate(cues(words, sentences), start=1)
    ]
    return "\n".join(blocks).encode("utf-8")


def _vtt(words: Sequence[TimedSpan], sentences: Sequence[TimedSpan]) -> bytes:
    blocks = ["WEBVTT\n"]
    for cue, own in cues(words, sentences):
        text = _marked(cue, own, lambda word: f"<{_clock(word.start_s, '.')}>")
        blocks.append(f"{_clock(cue.start_s, '.')} --> {_clock(cue.end_s, '.')}\n{text}\n")
    return "\n".join(blocks).encode("utf-8")


def cues(
    words: Sequence[TimedSpan], sentences: Sequence[TimedSpan]
) -> list[tuple[TimedSpan, Sequence[TimedSpan]]]:
    """What is shown together, with its words; a long sentence is cut between words."""
    found: list[tuple[TimedSpan, Sequence[TimedSpan]]] = []
    for sentence in sentences:
        first, last = sentence.at
        own = [word for word in words if first <= word.at[0] < last]
        text = " ".join(sentence.text.split())
        if len(text) <= MAX_CUE_CHARS or not own or last - first != len(sentence.text):
            found.append((sentence._replace(text=text), own))
            continue
        starts = _cuts(own, -(-len(text) // MAX_CUE_CHARS))
        for begin, end in zip(starts, [*starts[1:], len(own)], strict=True):
            a = own[begin].at[0] if begin else first
            b = own[end].at[0] if end < len(own) else last
            part = " ".join(sentence.text[a - first : b - first].split())
            stop = own[end - 1].end_s if end < len(own) else sentence.end_s
            start = own[begin].start_s if begin else sentence.start_s
            found.append(
                (sentence._replace(text=part, start_s=start, end_s=stop, at=(a, b)), own[begin:end])
            )
    return found


def _cuts(words: Sequence[TimedSpan], parts: int) -> list[int]:
    """Where parts of about the same length begin."""
    length = words[-1].at[1] - words[0].at[0]
    starts = [0]
    for number in range(1, parts):
        wanted = words[0].at[0] + number * length / parts
        nearest = min(range(len(words)), key=lambda i: abs(words[i].at[0] - wanted))
        if nearest > starts[-1]:
            starts.append(nearest)
    return starts


def _marked(cue: TimedSpan, words: Sequence[TimedSpan], mark: Callable[[TimedSpan], str]) -> str:
    """The text of a cue with a mark before each word but the first."""
    parts, cursor = [], 0
    for number, word in enumerate(words):
        at = cue.text.find(word.text, cursor)
        if at < 0:
            continue
        parts += [_escaped(cue.text[cursor:at]), mark(word) if number else ""]
        parts.append(_escaped(word.text))
        cursor = at + len(word.text)
    return "".join([*parts, _escaped(cue.text[cursor:])])


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _clock(seconds: float, point: str) -> str:
    ms = round(1000 * seconds)
    return (
        f"{ms // 3_600_000:02d}:{ms // 60_000 % 60:02d}:{ms // 1000 % 60:02d}{point}{ms % 1000:03d}"
    )
