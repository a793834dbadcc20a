"""What one row of a manifest says, checked value by value.

Only the standard library and `tts.model.config` are imported: a manifest is judged before torch is.
"""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from tts.control import check_speed
from tts.model.config import MAX_SEED, SAMPLING, ChannelSampling
from tts.subtitles import KINDS

LANGS = ("auto", "en", "zh")
FORMATS = ("wav", "flac", "mp3", "opus", "ogg")
MAX_TEXT_CHARS = 20_000
# File systems allow 255 bytes; the ending and a temporary name need some.
MAX_ID_BYTES = 200
ID_RULE = (
    f'an id names a file: 1 to {MAX_ID_BYTES} bytes of UTF-8, no space, none of / \\ : * ? " < > | '
    "and no dot in front"
)
COLUMNS = (
    "id",
    "text",
    "voice",
    "prompt_wav",
    "prompt_text",
    "lang",
    "seed",
    "format",
    "num_codebooks",
    "speed",
    "times",
    "check",
    *SAMPLING,
)
_INTEGERS = ("seed", "num_codebooks", "top_k")


class Fault(NamedTuple):
    """What is wrong with a row: line (1-based) of the manifest, and why with a remedy."""

    line: int
    reason: str


@dataclass(frozen=True, slots=True)
class Defaults:
    """What holds where a row says nothing; see `Row`. `folder` is where relative paths start."""

    folder: Path
    voice: str | None = None
    lang: str = "auto"
    seed: int = 0
    format: str = "wav"
    num_codebooks: int | None = None
    sampling: tuple[tuple[str, float], ...] = ()
    speed: float = 1.0
    times: tuple[str, ...] = ()
    ssml: bool | None = None
    check: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    """One item to be spoken.

    Attributes:
        line: of the manifest, 1-based.
        id: name of the output without its ending; unique, also where case does not count.
        text: what to say.
        voice: name of a voice; None means the default, or `prompt_wav`.
        prompt_wav: absolute path of a recording to speak like, or None.
        prompt_text: what is said in the recording; empty if not known.
        lang: 'auto', 'en' or 'zh'.
        seed: of its random numbers.
        format: ending of the sound file, without the dot.
        num_codebooks: codebooks to generate; None means all.
        sampling: (name, value) of what differs from the model's own sampling, sorted.
        speed: 1 is as the model speaks by itself.
        times: kinds of `tts.subtitles.KINDS` to write beside the sound.
        check: read back what was said.
    """

    line: int
    id: str
    text: str
    voice: str | None = None
    prompt_wav: str | None = None
    prompt_text: str = ""
    lang: str = "auto"
    seed: int = 0
    format: str = "wav"
    num_codebooks: int | None = None
    sampling: tuple[tuple[str, float], ...] = ()
    speed: float = 1.0
    times: tuple[str, ...] = ()
    check: bool = False


def parse_row(
    record: Mapping[str, object], line: int, defaults: Defaults
) -> tuple[Row | None, list[Fault]]:
    """A row from its raw values; the row is None if there is a fault.

    Args:
        record: column -> text, or number where the manifest is JSON; None and "" mean that the
            row says nothing.
        line: where it stands.
        defaults: for what it does not say.
    """
    reasons: list[str] = []
    told = {key: value for key, value in record.items() if value is not None and value != ""}

    def take(name: str, read: Callable[[object, str], Any], default: Any) -> Any:
        if name not in told:
            return default
        try:
            return read(told[name], name)
        except ValueError as error:
            reasons.append(str(error))
            return default

    values = {name: take(name, _text, "") for name in ("id", "text", "prompt_text")}
    if not reasons:
        reasons += _id_faults(str(values["id"])) + _text_faults(str(values["text"]), defaults.ssml)
    sampling = dict(defaults.sampling)
    for name in SAMPLING:
        read = _integer if name in _INTEGERS else _number
        value = take(name, read, None)
        if isinstance(value, int | float):
            reasons += check_sampling(name, value)
            sampling[name] = value
    voice = take("voice", _text, None)
    prompt = take("prompt_wav", _text, None)
    if voice is not None and prompt is not None:
        reasons.append("there is both voice and prompt_wav; give one of them")
    if values["prompt_text"] and prompt is None:
        reasons.append("prompt_text says what is in a recording; give prompt_wav too")
    lang = take("lang", _choice(LANGS), defaults.lang)
    form = take("format", _choice(FORMATS), defaults.format)
    seed = take("seed", _within(0, MAX_SEED), defaults.seed)
    books = take("num_codebooks", _within(1, 64), defaults.num_codebooks)
    speed = take("speed", _speed, defaults.speed)
    times = take("times", _times, defaults.times)
    check = take("check", _yes, defaults.check)
    if reasons:
        return None, [Fault(line, reason) for reason in reasons]
    row = Row(
        line=line,
        id=str(values["id"]),
        text=str(values["text"]).strip(),
        voice=_maybe(voice) if prompt is not None else _maybe(voice) or defaults.voice,
        prompt_wav=None if prompt is None else str((defaults.folder / str(prompt)).absolute()),
        prompt_text=str(values["prompt_text"]).strip(),
        lang=str(lang),
        seed=_int(seed) or 0,
        format=str(form),
        num_codebooks=_int(books),
        sampling=tuple(sorted(sampling.items())),
        speed=speed,
        times=times,
        check=check,
    )
    return row, []


def check_sampling(name: str, value: float) -> list[str]:
    """Reasons why a sampling value cannot be used; the limits are those of the sampler."""
    try:
        values: dict[str, Any] = {name.removeprefix("text_"): value}
        ChannelSampling(**values)
    except ValueError as error:
        return [str(error).replace("temperature is", f"{name} is")]
    return []


def _id_faults(name: str) -> list[str]:
    shown, size = repr(name[:40]), len(name.encode("utf-8", "replace"))
    wrong = ""
    if not name.strip():
        return [f"id is empty; {ID_RULE}"]
    if size > MAX_ID_BYTES:
        wrong = f"{shown}… has {size} bytes"
    elif any(c.isspace() for c in name):
        wrong = f"{shown} holds a space"
    elif any(c in '/\\:*?"<>|' or unicodedata.category(c)[0] == "C" for c in name):
        wrong = f"{shown} holds a sign that file names cannot"
    elif name.startswith("."):
        wrong = f"{shown} begins with a dot"
    return [f"id {wrong}; {ID_RULE}"] if wrong else []


def _text_faults(text: str, ssml: bool | None) -> list[str]:
    if not text.strip():
        return ["text is empty; say something or drop the row"]
    if len(text) > MAX_TEXT_CHARS:
        return [f"text has {len(text)} characters, the limit is {MAX_TEXT_CHARS}; split it"]
    if any("\ud800" <= c <= "\udfff" for c in text):
        return ["text is not UTF-8; save the manifest as UTF-8"]
    if any(unicodedata.category(c) == "Cc" and c not in "\t\n\r" for c in text):
        return ["text holds control characters; take them out"]
    if not any(unicodedata.category(c)[0] in "LN" for c in text):
        return [f"nothing to say in {text[:40]!r}; give at least one letter, digit or character"]
    if ssml or "[" in text or text.lstrip().startswith("<"):
        from frontend.markup import extract
        from frontend.ssml import read_text

        try:
            for passage in read_text(text, ssml).passages:
                extract(passage.text)
        except ValueError as error:
            return [f"text: {error}"]
    return []


def _text(value: object, name: str) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise ValueError(f"{name} is {value!r}; give text")
    return str(value)


def _integer(value: object, name: str) -> int:
    if not isinstance(value, bool) and isinstance(value, str | int):
        try:
            return int(value)
        except ValueError:
            pass
    raise ValueError(f"{name} is {value!r}; give a whole number")


def _number(value: object, name: str) -> float:
    if not isinstance(value, bool) and isinstance(value, str | int | float):
        try:
            number = float(value)
        except ValueError:
            number = math.nan
        if math.isfinite(number):
            return number
    raise ValueError(f"{name} is {value!r}; give a number")


def _speed(value: object, name: str) -> float:
    return check_speed(_number(value, name))


def _times(value: object, name: str) -> tuple[str, ...]:
    kinds = _text(value, name).replace(",", " ").lower().split()
    for kind in kinds:
        if kind not in KINDS:
            raise ValueError(f"{name} is {value!r}; use some of {', '.join(KINDS)}")
    return tuple(sorted(set(kinds)))


def _yes(value: object, name: str) -> bool:
    known = {"1": True, "yes": True, "true": True, "0": False, "no": False, "false": False}
    told = str(value).strip().lower()
    if told not in known:
        raise ValueError(f"{name} is {value!r}; use yes or no")
    return known[told]


def _within(low: int, high: int) -> Callable[[object, str], int]:
    def read(value: object, name: str) -> int:
        number = _integer(value, name)
        if not low <= number <= high:
            raise ValueError(f"{name} is {number}; use {low} to {high}")
        return number

    return read


def _choice(allowed: tuple[str, ...]) -> Callable[[object, str], str]:
    def read(value: object, name: str) -> str:
        chosen = _text(value, name).strip().lower().lstrip(".")
        if chosen not in allowed:
            raise ValueError(f"{name} is {value!r}; use one of {', '.join(allowed)}")
        return chosen

    return read


def _maybe(value: object) -> str | None:
    return None if value is None else str(value)


def _int(value: object) -> int | None:
    return value if isinstance(value, int) else None
