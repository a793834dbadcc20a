"""Speaking a text as a job: what happens on the way, as events."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from tts.inference.events import AudioChunk, Event, PieceDone, TextTimed
from tts.inference.prompt_builders import Piece
from tts.inference.synthesis import check_rows
from tts.serve.worker import PAUSE, TICK, Steps
from tts.synthesizer import SpeechOptions, Synthesizer


@dataclass(frozen=True)
class Started:
    """The job has begun to compute: what it will say."""

    pieces: tuple[Piece, ...]


@dataclass(frozen=True)
class Sound:
    """Some sound is ready.

    Attributes:
        wav: float32 (N,) in [-1, 1], or (N, channels).
        piece: index of the piece that it belongs to.
        frames: codec frames made so far, by all pieces.
        gap: whether this is the silence before a piece.
    """

    wav: np.ndarray
    piece: int
    frames: int
    gap: bool = False


@dataclass(frozen=True)
class PieceSent:
    """A piece is through; `finished_by` is 'eos', 'budget' (cut off at its limit) or 'empty'."""

    piece: int
    frames: int
    finished_by: str


@dataclass(frozen=True)
class TextSpoken:
    """The whole text is through.

    Attributes:
        seconds: of audio. compute_s: time spent on it. ttfa_ms: from the first work on it to its
            first sound, without the time in line.
        checks: of pieces that were read back, see `tts.inference.synthesis.check_rows`.
    """

    seconds: float
    compute_s: float
    ttfa_ms: float
    frames: int
    seed: int
    finished_by: str
    checks: tuple[dict[str, Any], ...] = ()

    @property
    def rtf(self) -> float:
        """Computing time over audio time."""
        return self.compute_s / max(self.seconds, 1e-9)


def speak(synthesizer: Synthesizer, text: str, options: SpeechOptions) -> Steps:
    """Speak a text in steps: yields Started, Sound, TextTimed and PieceSent, at last TextSpoken.

    Between two pieces it yields PAUSE, after each frame TICK. The sounds joined are what
    `synthesizer.stream` yields, sample for sample.

    Raises:
        EmptyTextError, VoiceError, ValueError: as `Synthesizer.stream` does.
    """
    pieces = synthesizer.pieces(text, options)
    yield Started(tuple(pieces))
    frames, samples, finished, ttfa_ms = 0, 0, "eos", 0.0
    checks: dict[int, list[dict[str, Any]]] = {}
    timed = _Timed(synthesizer.speak(pieces, options))
    for event in timed:
        if isinstance(event, AudioChunk):
            frames += event.frames
            if len(event.wav):
                samples += len(event.wav)
                ttfa_ms = ttfa_ms or 1000 * timed.compute_s
                yield Sound(event.wav, _number(event), frames, event.is_gap)
        elif isinstance(event, TextTimed):
            yield event
        elif isinstance(event, PieceDone):
            by = event.finished_by if event.codes.shape[1] else "empty"
            finished = by if by != "eos" else finished
            checks[_number(event)] = check_rows(event)
            yield PieceSent(_number(event), frames, by)
            yield PAUSE
        else:
            yield TICK
    seconds = samples / synthesizer.sample_rate
    told = tuple(row for number in sorted(checks) for row in checks[number])
    yield TextSpoken(seconds, timed.compute_s, ttfa_ms, frames, options.seed, finished, told)


def _number(event: AudioChunk | PieceDone) -> int:
    assert isinstance(event.key, int)
    return event.key


class _Timed:
    """Times only the work on this job, not the turns of others in between."""

    def __init__(self, events: Iterator[Event]) -> None:
        self.events, self.compute_s = events, 0.0

    def __iter__(self) -> Iterator[Event]:
        while True:
            begun = time.monotonic()
            event = next(self.events, None)
            self.compute_s += time.monotonic() - begun
            if event is None:
                return
            yield event
