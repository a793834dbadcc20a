"""What happens while a text is spoken; whoever speaks or listens consumes these.

`tts.inference.speaking` yields them for pieces, `Synthesizer.speak` for a text.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from torch import Tensor

from tts.inference.joining import TimedSpan

if TYPE_CHECKING:
    from tts.inference.prompt_builders import Piece
    from tts.listen.check import Check

Key = Hashable


class TextBegun(NamedTuple):
    """A text is about to be spoken, in these pieces."""

    pieces: Sequence[Piece]


class PieceBegun(NamedTuple):
    """The engine has read a piece's prompt."""

    key: Key
    piece: Piece


class FramesMade(NamedTuple):
    """The engine has made a frame of each piece that is speaking, so many in all."""

    frames: int


class AudioChunk(NamedTuple):
    """Some sound as it becomes ready.

    Attributes:
        wav: float32 (N,) in [-1, 1], or (N, channels).
        codes: int64 (k, t) that it came from; none in the silence between two pieces.
        finished_by: None until the last chunk of a piece, then 'eos' or 'budget'.
        key: of the piece.
        places: of its frames: indices of the symbols that they have reached; empty where the
            model has no monologue.
    """

    wav: np.ndarray
    codes: Tensor
    finished_by: str | None
    key: Key = 0
    places: Sequence[int] = ()

    @property
    def frames(self) -> int:
        return self.codes.shape[1]

    @property
    def is_gap(self) -> bool:
        """Whether this is the silence before a piece."""
        return self.finished_by is None and self.frames == 0


class Retried(NamedTuple):
    """An attempt went wrong, and the piece is said again with another seed."""

    key: Key
    complaint: str


class PieceDone(NamedTuple):
    """A piece is through.

    Attributes:
        key: of the piece.
        piece: with the request of the attempt that counts.
        codes: int64 (k, T).
        wav: as in `AudioChunk`; empty where no sound is wanted, or where it went out as chunks.
        finished_by: 'eos', or 'budget' where it was cut off by its frame budget.
        complaint: what is wrong with it after all attempts; None where all is well.
        attempts: how often it was said.
        compute_s: time spent; a piece of a batch is charged its share of a step.
        places: of its frames, as `AudioChunk` has them.
        check: how it compares with its text; None where that was not asked for, or where something
            else is wrong with it.
    """

    key: Key
    piece: Piece
    codes: Tensor
    wav: np.ndarray
    finished_by: str
    complaint: str | None
    attempts: int
    compute_s: float
    places: Sequence[int] = ()
    check: Check | None = None


class TextTimed(NamedTuple):
    """When something of a piece is heard, in the finished sound of its text.

    Attributes:
        words: whose times have become known, in order; none of a model without a monologue.
        sentence: all of the piece, once it is through.
        key: of the piece.
    """

    words: Sequence[TimedSpan]
    sentence: TimedSpan | None
    key: Key


Event = TextBegun | PieceBegun | FramesMade | AudioChunk | Retried | PieceDone | TextTimed
