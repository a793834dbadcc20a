"""Speaking a text as a job: what happens on the way, as events."""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np

import frontend
from frontend.split import split_sentences
from tts.serve.stretch import Stretcher
from tts.serve.worker import PAUSE, Steps
from tts.synthesizer import AudioChunk, SpeechOptions, Synthesizer


@dataclass(frozen=True)
class Piece:
    """A part of the text that is spoken at one go, usually a sentence."""

    text: str
    num_symbols: int


@dataclass(frozen=True)
class Started:
    """The job has begun to compute: what it will say."""

    pieces: tuple[Piece, ...]


@dataclass(frozen=True)
class Sound:
    """Some sound is ready.

    Attributes:
        wav: float32 (N,) in [-1, 1].
        piece: index of the piece that it belongs to.
        frames: codec frames made so far, by all pieces.
        gap: whether this is the silence before a piece.
    """

    wav: np.ndarray
    piece: int
    frames: int
    gap: bool = False


@dataclass(frozen=True)
class PieceDone:
    """A piece is through; `finished_by` is 'eos', 'budget' (cut off at its limit) or 'empty'."""

    piece: int
    frames: int
    finished_by: str


@dataclass(frozen=True)
class Spoken:
    """The whole text is through.

    Attributes:
        seconds: of audio. compute_s: time spent on it. ttfa_ms: from the first work on it to its
            first sound, without the time in line.
    """

    seconds: float
    compute_s: float
    ttfa_ms: float
    frames: int
    seed: int
    finished_by: str

    @property
    def rtf(self) -> float:
        """Computing time over audio time."""
        return self.compute_s / max(self.seconds, 1e-9)


def plan(text: str, lang: str, max_chars: int) -> tuple[Piece, ...]:
    """Cut a text into the pieces that `Synthesizer.stream` speaks.

    Raises:
        EmptyTextError: nothing in `text` can be spoken.
        ValueError: wrong markup, or an unknown language.
    """
    pieces = []
    for part in split_sentences(text, max_chars):
        try:
            pieces.append(Piece(part, len(frontend.phonemize(part, lang).symbols)))
        except frontend.EmptyTextError:
            continue  # a lone bracket, say
    if not pieces:
        raise frontend.EmptyTextError(
            f"nothing to say in {text[:40]!r}; give at least one letter, digit or character"
        )
    return tuple(pieces)


def speak(synthesizer: Synthesizer, text: str, options: SpeechOptions, speed: float = 1.0) -> Steps:
    """Speak a text in steps: yields Started, Sound and PieceDone in turn, at last Spoken.

    Between two pieces it yields PAUSE. At speed 1 the sounds joined are what
    `synthesizer.stream` yields, sample for sample.

    Raises:
        EmptyTextError, VoiceError, ValueError: as `Synthesizer.stream` does.
    """
    yield Started(plan(text, options.lang, options.max_chars))
    stream = synthesizer.stream(text, options)
    clock, piece, frames, samples, finished = _Clock(), 0, 0, 0, "eos"
    stretcher: Stretcher | None = None
    while (chunk := clock.next(stream)) is not None:
        frames += chunk.frames
        clock.piece_frames += chunk.frames
        gap = chunk.finished_by is None and chunk.frames == 0
        wav = chunk.wav
        if speed != 1.0 and not gap:
            stretcher = stretcher or Stretcher(synthesizer.sample_rate, speed)
            wav = stretcher.push(wav)
            if chunk.finished_by is not None:
                wav, stretcher = np.concatenate([wav, stretcher.finish()]), None
        if len(wav):
            samples += len(wav)
            clock.heard()
            yield Sound(wav, piece, frames, gap)
        if chunk.finished_by is not None:
            by = chunk.finished_by if clock.piece_frames else "empty"
            finished = by if by != "eos" else finished
            yield PieceDone(piece, frames, by)
            piece, clock.piece_frames = piece + 1, 0
            yield PAUSE
    seconds = samples / synthesizer.sample_rate
    yield Spoken(seconds, clock.compute_s, clock.ttfa_ms, frames, options.seed, finished)


class _Clock:
    """Times only the work on this job, not the turns of others in between."""

    def __init__(self) -> None:
        self.compute_s, self.ttfa_ms, self.piece_frames = 0.0, 0.0, 0

    def next(self, stream) -> AudioChunk | None:
        begun = time.monotonic()
        chunk = next(stream, None)
        self.compute_s += time.monotonic() - begun
        return chunk

    def heard(self) -> None:
        self.ttfa_ms = self.ttfa_ms or 1000 * self.compute_s
