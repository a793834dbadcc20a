"""A finished text: its events collected into one sound with its codes, times and figures."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from tokenizer.layout import silence
from tts.inference.events import AudioChunk, Event, Key, PieceDone, Retried, TextTimed
from tts.inference.joining import TimedSpan

if TYPE_CHECKING:
    from tokenizer.model import CatTokenizer
    from tts.inference.prompt_builders import Piece


@dataclass(frozen=True)
class Synthesis:
    """A finished call.

    Attributes:
        wav: float32 (N,) in [-1, 1] at `sample_rate` Hz, or (N, channels).
        codes: int64 (k, T), all pieces joined.
        seconds: of audio. compute_s, ttfa_ms: time spent, and until the first chunk was ready.
        finished_by: 'eos', or 'budget' if a piece was cut off by its frame budget.
        retries: pieces that were spoken a second time with another seed.
        notes: what the front end dropped or guessed, for the user to read.
        words, sentences: when each is heard; no words of a model without a monologue.
        checks: of each piece that was read back, as `check_rows` has them.
    """

    wav: np.ndarray
    sample_rate: int
    codes: Tensor
    seconds: float
    compute_s: float
    ttfa_ms: float
    seed: int
    finished_by: str
    retries: int = 0
    notes: tuple[str, ...] = ()
    words: tuple[TimedSpan, ...] = ()
    sentences: tuple[TimedSpan, ...] = ()
    checks: tuple[dict[str, Any], ...] = ()

    @property
    def frames(self) -> int:
        return self.codes.shape[1]

    @property
    def rtf(self) -> float:
        """Computing time over audio time."""
        return self.compute_s / max(self.seconds, 1e-9)


class Collector:
    """What has come of a text so far.

    Args:
        begun: when its speaking began, by `time.monotonic`.
        pieces: how many there are.
        heard: gets each chunk as it comes; what it got cannot be taken back.
    """

    def __init__(
        self, begun: float, pieces: int, heard: Callable[[np.ndarray], object] | None
    ) -> None:
        self.begun, self.heard = begun, heard
        self.first, self.retries = 0.0, 0
        self.wavs: list[list[np.ndarray]] = [[] for _ in range(pieces)]
        self.timed: list[list[TextTimed]] = [[] for _ in range(pieces)]
        self.done: dict[Key, PieceDone] = {}

    def take(self, event: Event) -> None:
        """Take note of one event."""
        if isinstance(event, Retried):
            self.retries += 1
            if self.heard is None:
                self.wavs[_index(event.key)].clear()
                self.timed[_index(event.key)].clear()
        elif isinstance(event, PieceDone):
            self.done[event.key] = event
        elif isinstance(event, TextTimed):
            self.timed[_index(event.key)].append(event)
        elif isinstance(event, AudioChunk) and len(event.wav):
            self.first = self.first or time.monotonic()
            self.wavs[_index(event.key)].append(event.wav)
            if self.heard is not None:
                self.heard(event.wav)

    def synthesis(self, pieces: Sequence[Piece], seed: int, codec: CatTokenizer) -> Synthesis:
        """All of it, once every piece is done."""
        ends = [self.done[number] for number in range(len(pieces))]
        nothing = silence(0, codec.channels)
        wav = np.concatenate([nothing, *(part for own in self.wavs for part in own)])
        times = [event for own in self.timed for event in own]
        return Synthesis(
            wav=wav,
            sample_rate=codec.sample_rate,
            codes=torch.cat([end.codes for end in ends], dim=1),
            seconds=len(wav) / codec.sample_rate,
            compute_s=time.monotonic() - self.begun,
            ttfa_ms=1000 * (self.first - self.begun) if self.first else 0.0,
            seed=seed,
            finished_by="eos" if all(e.finished_by == "eos" for e in ends) else "budget",
            retries=self.retries,
            notes=_notes(pieces, ends),
            words=tuple(word for event in times for word in event.words),
            sentences=tuple(event.sentence for event in times if event.sentence),
            checks=tuple(row for end in ends for row in check_rows(end)),
        )


def _notes(pieces: Sequence[Piece], ends: Sequence[PieceDone]) -> tuple[str, ...]:
    """Remarks of the front end, and pieces that stayed wrong; `finished_by` tells of runaways."""
    notes = [note for piece in pieces for note in piece.notes]
    for end in ends:
        if end.complaint and end.finished_by == "eos":
            notes.append(f"{end.piece.text[:40]!r} came out wrong ({end.complaint})")
    return tuple(dict.fromkeys(notes))


def check_rows(end: PieceDone) -> list[dict[str, Any]]:
    """What was heard of a piece that was read back, for people and programs; [] of others."""
    if end.check is None:
        return []
    row = {
        "text": end.piece.text,
        "sounds": end.check.sounds,
        "errors": end.check.errors,
        "missing": round(end.check.missing, 2),
        "inserted": round(end.check.inserted, 2),
        "attempts": end.attempts,
    }
    return [row | ({"complaint": end.complaint} if end.complaint else {})]


def _index(key: Key) -> int:
    assert isinstance(key, int)
    return key
