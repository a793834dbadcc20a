"""The one loop from pieces of text to sound: speak, decode, judge, try again.

Everything that speaks is a consumer of its events: a finished text, a stream, a file that grows,
the server, a batch. A `PieceLoop` keeps up to `batch_size` pieces in the engine; whichever ends
leaves, and the next one takes its place at once. A piece's codes depend on its own request alone,
so that neither batch size nor order changes them.

What has gone wrong is told by `tts.inference.guard`, and said again with another seed,
`Guard.retries` times at most. A piece of which something was heard already is not said again.
Where a listener reads the pieces back the best attempt counts, else the last.
"""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np
import torch
from torch import Tensor

from tokenizer.layout import samples_of, silence
from tokenizer.model import CatTokenizer, CodecState
from tts.inference.engine import ItemStep, Request, Session
from tts.inference.events import (
    AudioChunk,
    Event,
    FramesMade,
    Key,
    PieceBegun,
    PieceDone,
    Retried,
)
from tts.inference.guard import Guard

if TYPE_CHECKING:
    from tts.inference.prompt_builders import Piece
    from tts.listen.check import Check
    from tts.model.config import SamplingConfig
    from tts.model.registry import Pace
    from tts.model.weights import PreparedModel

# From one attempt at a piece to the next.
RESEED = 1_000_003
# Chunks of a stream grow up to this length.
LONGEST_CHUNK_S = 0.64

SoundMode = Literal["live", "chunks", "whole", "none"]


@dataclass(eq=False)
class _Speaking:
    """A piece on its way.

    frames: codes (k,) of this attempt, those of a forced prompt included; reached: the symbol
    that each has reached; decoded: how many of them went out as chunks; chunk: size of the next.
    """

    key: Key
    piece: Piece
    frames: list[Tensor] = field(default_factory=list)
    reached: list[int] = field(default_factory=list)
    decoded: int = 0
    chunk: int = 1
    codec: CodecState | None = None
    attempts: int = 1
    compute_s: float = 0.0
    best: _Attempt | None = None

    @property
    def forced(self) -> int:
        """Frames that repeat the prompt and are not part of the speech."""
        request = self.piece.request
        return 0 if request.forced is None else request.forced.shape[1]

    def codes(self) -> Tensor:
        """int64 (k, T), what was spoken so far."""
        return _stacked(self.frames[self.forced :], self.piece.num_codebooks)

    def places(self) -> list[int]:
        """Of the frames of `codes`, within the text of the piece; [] without a monologue."""
        if self.piece.request.monologue is None:
            return []
        before = self.piece.request.monologue.limit or 0
        return [max(0, place - before) for place in self.reached[self.forced :]]

    def again(self, best: _Attempt) -> _Speaking:
        """The next attempt; `best` is that of those so far."""
        request = replace(self.piece.request, seed=self.piece.request.seed + RESEED)
        piece = self.piece._replace(request=request)
        own = _Speaking(self.key, piece, attempts=self.attempts + 1, compute_s=self.compute_s)
        own.best = best
        return own


class _Judged(NamedTuple):
    """badness: 0 where all is well; without a listener's word nothing is worse than another."""

    codes: Tensor
    wav: np.ndarray
    complaint: str | None
    compute_s: float
    check: Check | None
    badness: float


class _Attempt(NamedTuple):
    one: _Speaking
    finished_by: str
    judged: _Judged


class PieceLoop:
    """Speaks pieces; see the head of this file.

    Args:
        model: the language model.
        codec: its tokenizer.
        sampling: of pieces whose requests bring none.
        guard: what counts as gone wrong, and how often a piece is tried again.
        batch_size: pieces that speak at once.
        sound: 'live' gives each piece's sound in growing chunks as it is spoken (one piece at a
            time); 'chunks' the same samples once the piece has ended, decoded on another thread;
            'whole' decodes all of a piece at once, which is faster and differs by rounding;
            'none' gives codes alone.
        held: chunks are held back until their piece is done, so that it may be said again.
        pace: sizes of chunks that go out at once; None doubles them up to .64 s, as is done where
            they are held, so that they do not depend on the clock.
    """

    def __init__(
        self,
        model: PreparedModel,
        codec: CatTokenizer,
        sampling: SamplingConfig,
        guard: Guard | None = None,
        batch_size: int = 1,
        sound: SoundMode = "live",
        held: bool = False,
        pace: Pace | None = None,
    ) -> None:
        if batch_size < 1:
            raise ValueError(f"batch size is {batch_size}; use 1 or more")
        self.model, self.codec, self.sampling = model, codec, sampling
        self.guard, self.sound, self.held = guard or Guard(), sound, held
        self.batch_size = 1 if sound == "live" else batch_size
        self.pace = None if held or sound != "live" else pace
        # When the first sound went out, and how much since.
        self.first_s: float | None = None
        self.sent_s = 0.0
        self.session: Session | None = None
        self.waiting: deque[_Speaking] = deque()
        self.speaking: dict[int, _Speaking] = {}
        self.ended: deque[tuple[_Speaking, str, Future[_Judged]]] = deque()

    def run(self, pieces: Iterable[tuple[Key, Piece]]) -> Iterator[Event]:
        """Speak pieces and yield what happens, pieces of a batch in any order.

        Args:
            pieces: keys, which events name pieces by, and pieces; taken as there is room.
        """
        coming = iter(pieces)
        decoder = ThreadPoolExecutor(1)
        try:
            while True:
                # 1. Free places are filled: pieces to be said again go first.
                yield from self._fill(coming)
                if not (self.speaking or self.ended):
                    return
                # 2. A frame of every piece; those that end with it are decoded.
                if self.speaking:
                    yield from self._step(decoder)
                # 3. Those that are decoded are judged, in the order in which they ended.
                yield from self._settle()
        finally:
            # Whoever stops listening does not wait for sound that no one will hear.
            decoder.shutdown(wait=False, cancel_futures=True)

    def drop(self, unwanted: Callable[[Key], bool]) -> None:
        """Forget the pieces of these keys, wherever they are."""
        self.waiting = deque(one for one in self.waiting if not unwanted(one.key))
        self.ended = deque(entry for entry in self.ended if not unwanted(entry[0].key))
        for ticket, one in list(self.speaking.items()):
            if unwanted(one.key):
                assert self.session is not None
                self.session.drop(ticket)
                del self.speaking[ticket]

    def _fill(self, coming: Iterator[tuple[Key, Piece]]) -> Iterator[Event]:
        while len(self.speaking) < self.batch_size:
            if not self.waiting:
                if self.sound == "live" and self.ended:
                    return
                key, piece = next(coming, (None, None))
                if piece is None:
                    return
                self.waiting.append(_Speaking(key, piece))
            one = self.waiting[0]
            used = one.piece.num_codebooks
            if self.session is None or self.session.num_codebooks != used:
                if self.speaking:
                    return  # a session speaks one number of codebooks
                self.session = Session(self.model, self.sampling, used)
            self.waiting.popleft()
            begun = time.monotonic()
            self.speaking[self.session.admit(one.piece.request)] = one
            if self.sound == "live":
                one.codec = self._context(one.piece)
                one.chunk = self._next_chunk(one)
            one.compute_s += time.monotonic() - begun
            if one.attempts == 1:
                yield PieceBegun(one.key, one.piece)

    def _step(self, decoder: Executor) -> Iterator[Event]:
        assert self.session is not None
        begun = time.monotonic()
        spoken = self.session.step()
        share = (time.monotonic() - begun) / max(len(spoken), 1)
        for item in spoken:
            one = self.speaking[item.ticket]
            one.compute_s += share
            if item.codes is not None:
                one.frames.append(item.codes)
                one.reached.append(item.place)
            if item.finished_by is not None:
                del self.speaking[item.ticket]
                self.ended.append((one, item.finished_by, self._judging(decoder, one, item)))
            if self.sound == "live" and len(one.frames) - one.forced - one.decoded >= one.chunk:
                yield self._chunk(one, None)
        yield FramesMade(sum(item.codes is not None for item in spoken))

    def _may_retry(self, one: _Speaking) -> bool:
        """What has been heard cannot be taken back."""
        return one.attempts <= self.guard.retries and (self.held or not one.decoded)

    def _judging(self, decoder: Executor, one: _Speaking, item: ItemStep) -> Future[_Judged]:
        """On a thread beside, where there is anything to decode."""
        assert item.finished_by is not None
        if self.sound in ("chunks", "whole"):
            return decoder.submit(self._judge, one, item.finished_by)
        judged: Future[_Judged] = Future()
        judged.set_result(self._judge(one, item.finished_by))
        return judged

    def _settle(self) -> Iterator[Event]:
        wait = not self.speaking or len(self.ended) > self.batch_size
        while self.ended and (wait or self.ended[0][2].done()):
            one, finished_by, future = self.ended.popleft()
            judged, wait = future.result(), False
            one.compute_s += judged.compute_s
            best = _Attempt(one, finished_by, judged)
            if one.best is not None and one.best.judged.badness < judged.badness:
                best = one.best
            if judged.complaint and self._may_retry(one):
                self.waiting.appendleft(one.again(best))
                yield Retried(one.key, judged.complaint)
                continue
            attempts, compute_s = one.attempts, one.compute_s
            one, finished_by, judged = best
            if self.sound == "live":
                yield self._chunk(one, finished_by)
            yield PieceDone(
                one.key,
                one.piece,
                judged.codes,
                judged.wav,
                finished_by,
                judged.complaint,
                attempts,
                compute_s,
                one.places(),
                judged.check,
            )

    def _judge(self, one: _Speaking, finished_by: str) -> _Judged:
        """Decode a piece that has ended, and look for what is wrong with it."""
        begun = time.monotonic()
        codes, wav, text = one.codes(), silence(0, self.codec.channels), one.piece.text
        complaint = self.guard.of_codes(text, codes, finished_by, self.codec.frame_rate)
        if self.sound in ("chunks", "whole") and codes.shape[1]:
            wav = self._decode_all(codes, one.piece)
            if complaint is None:
                complaint = self.guard.of_sound(text, wav, self.codec.sample_rate)
        check, badness = None, math.inf if complaint else 0.0
        if complaint is None:
            check = self.guard.of_words(one.piece.symbols, codes)
        if check is not None:
            assert self.guard.listener is not None
            limits = self.guard.listener.config.check
            complaint = check.complaint(limits, self.codec.frame_rate)
            badness = check.worst(limits)
        return _Judged(codes, wav, complaint, time.monotonic() - begun, check, badness)

    def _chunk(self, one: _Speaking, finished_by: str | None) -> AudioChunk:
        """The frames that have not gone out yet."""
        begun = time.monotonic()
        codes = _stacked(one.frames[one.forced + one.decoded :], one.piece.num_codebooks)
        wav = silence(0, self.codec.channels)
        if codes.shape[1]:
            wav, one.codec = self._decode(codes, one.codec)
        places = one.places()[one.decoded :]
        one.decoded += codes.shape[1]
        if len(wav):
            self.first_s = self.first_s or time.monotonic()
            self.sent_s += len(wav) / self.codec.sample_rate
        one.chunk = self._next_chunk(one)
        one.compute_s += time.monotonic() - begun
        return AudioChunk(wav, codes, finished_by, one.key, places)

    def _next_chunk(self, one: _Speaking) -> int:
        """Frames of the next chunk of a piece."""
        if self.pace is None:
            return larger_chunk(one.chunk, self.codec.frame_rate) if one.decoded else 1
        if self.first_s is None:
            return self.pace.frames(None)
        return self.pace.frames(self.sent_s - (time.monotonic() - self.first_s))

    def _decode_all(self, codes: Tensor, piece: Piece) -> np.ndarray:
        """Samples of int64 (k, T), decoded alone, so that no neighbour changes a bit."""
        if self.sound == "whole":
            context = _context_of(piece.request)
            before = 0 if context is None else context.shape[1]
            if context is not None:
                codes = torch.cat([context[: len(codes)].cpu(), codes], dim=1)
            wav = self.codec.decode(codes[None])[0, :, before * self.codec.frame_size :]
            return samples_of(wav.clamp(-1, 1))
        state, parts, first, size = self._context(piece), [], 0, 1
        while first < codes.shape[1]:
            wav, state = self._decode(codes[:, first : first + size], state)
            parts.append(wav)
            first, size = first + size, larger_chunk(size, self.codec.frame_rate)
        return np.concatenate(parts)

    def _context(self, piece: Piece) -> CodecState | None:
        """What the codec must have heard before a piece; the listener does not hear it."""
        context = _context_of(piece.request)
        return None if context is None else self._decode(context, None)[1]

    @torch.inference_mode()
    def _decode(self, codes: Tensor, state: CodecState | None) -> tuple[np.ndarray, CodecState]:
        wav, state = self.codec.decode_latents(self.codec.dequantize(codes[None]), state)
        return samples_of(wav.clamp(-1, 1)), state


def larger_chunk(size: int, frame_rate: float) -> int:
    """Frames of the chunk after one of `size` frames, where the clock has no say."""
    return min(2 * size, max(1, round(LONGEST_CHUNK_S * frame_rate)))


def _context_of(request: Request) -> Tensor | None:
    return request.context if request.forced is None else request.forced


def _stacked(frames: list[Tensor], num_codebooks: int) -> Tensor:
    if not frames:
        return torch.zeros((num_codebooks, 0), dtype=torch.int64)
    return torch.stack(frames, dim=1).cpu()
