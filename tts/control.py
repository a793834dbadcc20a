"""Options of speed, pauses and casts, the same in every command that speaks.

Only the standard library is imported here.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Any

MIN_SPEED, MAX_SPEED = 0.25, 4.0
MAX_PAUSE_S = 10.0
SENTENCE_PAUSE_S, PARAGRAPH_PAUSE_S = 0.35, 0.75
MAX_CAST = 100


def add_control(group: Any) -> None:
    """Options of `control_from`."""
    group.add_argument(
        "--speed", type=float, default=1.0, metavar="F", help="0.5 is half as fast, 2 twice"
    )
    group.add_argument(
        "--sentence-pause",
        type=float,
        default=SENTENCE_PAUSE_S,
        metavar="S",
        help=f"seconds of silence between sentences (default {SENTENCE_PAUSE_S})",
    )
    group.add_argument(
        "--paragraph-pause",
        type=float,
        default=PARAGRAPH_PAUSE_S,
        metavar="S",
        help=f"after paragraphs, headings and the speakers of a play (default {PARAGRAPH_PAUSE_S})",
    )
    group.add_argument(
        "--cast",
        metavar="FILE",
        help='who speaks the lines "NAME: text": a TOML file of lines like ALICE = "heart"',
    )
    group.add_argument(
        "--ssml", action="store_true", help="the text is SSML; also where it begins with <speak>"
    )


def add_check(group: Any) -> None:
    """Options of speech that checks itself."""
    group.add_argument(
        "--check",
        action="store_true",
        help="read back what was said; a piece with words left out or said twice is said again",
    )
    add_listener(group)


def add_listener(group: Any) -> None:
    """Who listens."""
    group.add_argument(
        "--listener", default="embedded", metavar="DIR", help="'embedded' or a listener's folder"
    )


def control_from(args: argparse.Namespace) -> dict[str, Any]:
    """What `tts.inference.prompt_builders.SpeechOptions` takes of these options.

    Raises:
        ValueError: a value is out of range, or the cast cannot be read.
    """
    check_speed(args.speed)
    for name in ("sentence_pause", "paragraph_pause"):
        check_pause(getattr(args, name), f"--{name.replace('_', '-')}")
    return {
        "speed": args.speed,
        "sentence_pause_s": args.sentence_pause,
        "paragraph_pause_s": args.paragraph_pause,
        "cast": read_cast(args.cast) if args.cast else {},
        "ssml": args.ssml or None,
    }


def check_speed(speed: float) -> float:
    """The speed, or ValueError."""
    if not MIN_SPEED <= speed <= MAX_SPEED:  # NaN too
        raise ValueError(f"speed is {speed:g}; use {MIN_SPEED:g} to {MAX_SPEED:g}")
    return speed


def check_pause(seconds: float, name: str) -> float:
    """The pause, or ValueError."""
    if not 0 <= seconds <= MAX_PAUSE_S:
        raise ValueError(f"{name} is {seconds:g}; use 0 to {MAX_PAUSE_S:g} seconds")
    return seconds


def read_cast(path: str | Path) -> dict[str, str]:
    """Names of a play and their voices, from a TOML file.

    Raises:
        ValueError: it cannot be read, or is no table of names and voices.
    """
    import tomllib  # here, for `--help` does without

    try:
        with Path(path).open("rb") as file:
            return check_cast(tomllib.load(file), str(path))
    except OSError as error:
        raise ValueError(f"cannot read {path}: {error.strerror or error}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ValueError(
            f'{path} is no TOML ({error}); write lines like ALICE = "heart"'
        ) from error


def check_cast(cast: Mapping[str, Any], source: str) -> dict[str, str]:
    """The cast, or ValueError."""
    if not cast or len(cast) > MAX_CAST:
        raise ValueError(f"{source} has {len(cast)} names; give 1 to {MAX_CAST}")
    for name, voice in cast.items():
        if not isinstance(voice, str) or not voice.strip():
            raise ValueError(f'{source}: {name} is {voice!r}; give a voice, as in {name} = "heart"')
    return dict(cast)
