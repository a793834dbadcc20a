"""Rendering: items in, sounds out.

`Renderer` is the seam between a batch run and the model. `SessionRenderer` keeps a batch of
sentences speaking: whichever ends leaves, and the next one takes its place at once.
`SerialRenderer`, its slow twin, says one after the other and must give the same.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from typing import Protocol

from tts.batch.pieces import Failure, Heard, Outcome, Piece, Workshop
from tts.batch.plan import Item
from tts.engine import Session, collect, generate


class Renderer(Protocol):
    """What a batch run asks for."""

    def render(
        self, items: Iterable[Item], stopped: Callable[[], bool]
    ) -> Iterator[tuple[Item, Outcome]]:
        """Speak items; yields them as they get ready, in any order.

        Once `stopped` says so it ends after the frame in hand; what is unfinished is dropped.
        """
        ...


class SerialRenderer:
    """One sentence after the other."""

    def __init__(self, workshop: Workshop) -> None:
        self.workshop = workshop

    def render(
        self, items: Iterable[Item], stopped: Callable[[], bool]
    ) -> Iterator[tuple[Item, Outcome]]:
        model = self.workshop.synthesizer.model
        sampling = self.workshop.synthesizer.text_side.sampling
        for item in items:
            work = self.workshop.open(item)
            if isinstance(work, Failure):
                yield item, work
                continue
            waiting = deque(work.pieces)
            while waiting:
                if stopped():
                    return
                piece = waiting.popleft()
                frames = generate(model, [piece.request], sampling, work.num_codebooks)
                spoken = collect(frames, [piece.request])[0]
                piece.frames = list(spoken.codes.unbind(1)) if len(spoken.text) else []
                heard = self.workshop.hear(piece, spoken.finished_by)
                outcome = self.workshop.judge(piece, heard)
                if outcome is not None:
                    yield item, outcome
                    break
                if piece.codes is None:
                    waiting.appendleft(piece)


class SessionRenderer:
    """Speaks up to `batch_size` sentences at once; what has ended is decoded on another thread."""

    def __init__(self, workshop: Workshop, batch_size: int) -> None:
        if batch_size < 1:
            raise ValueError(f"batch size is {batch_size}; use 1 or more")
        self.workshop, self.batch_size = workshop, batch_size
        self.session: Session | None = None
        self.waiting: deque[Piece] = deque()
        self.speaking: dict[int, Piece] = {}
        self.ended: deque[tuple[Piece, Future[Heard]]] = deque()

    def render(
        self, items: Iterable[Item], stopped: Callable[[], bool]
    ) -> Iterator[tuple[Item, Outcome]]:
        self.session, self.waiting, self.speaking, self.ended = None, deque(), {}, deque()
        with ThreadPoolExecutor(1, "decoder") as decoder:
            try:
                yield from self._render(iter(items), stopped, decoder)
            finally:
                decoder.shutdown(cancel_futures=True)

    def _render(
        self, source: Iterator[Item], stopped: Callable[[], bool], decoder: Executor
    ) -> Iterator[tuple[Item, Outcome]]:
        while not stopped():
            # 1. Sentences enter while there is room; when none waits, the next item is opened.
            while len(self.speaking) < self.batch_size:
                if self.waiting:
                    if not self._admit(self.waiting[0]):
                        break
                    self.waiting.popleft()
                    continue
                item = next(source, None)
                if item is None:
                    break
                opened = self.workshop.open(item)
                if isinstance(opened, Failure):
                    yield item, opened
                else:
                    self.waiting.extend(opened.pieces)
            # 2. All speak one frame; those that have ended go to the decoder.
            if self.speaking:
                for piece, finished_by in self._step():
                    if not piece.work.given_up:
                        heard = decoder.submit(self.workshop.hear, piece, finished_by)
                        self.ended.append((piece, heard))
            elif not self.ended:
                return
            # 3. Those that are decoded are judged, in the order in which they ended.
            wait = not self.speaking or len(self.ended) > self.batch_size
            while self.ended and (wait or self.ended[0][1].done()):
                piece, future = self.ended.popleft()
                heard, wait = future.result(), False
                if piece.work.given_up:
                    continue
                outcome = self.workshop.judge(piece, heard)
                if outcome is not None:
                    yield piece.work.item, outcome
                elif piece.codes is None:
                    self.waiting.appendleft(piece)

    def _admit(self, piece: Piece) -> bool:
        """Let a piece in; False if it has to wait until others are done."""
        work = piece.work
        if work.given_up:
            return True
        if self.session is None or self.session.num_codebooks != work.num_codebooks:
            if self.speaking:
                return False  # a session speaks one number of codebooks
            synthesizer = self.workshop.synthesizer
            sampling = synthesizer.text_side.sampling
            self.session = Session(synthesizer.model, sampling, work.num_codebooks)
        begun = time.monotonic()
        self.speaking[self.session.admit(piece.request)] = piece
        work.compute_s += time.monotonic() - begun
        return True

    def _step(self) -> list[tuple[Piece, str]]:
        """One frame of every piece; those that ended with it, and how."""
        assert self.session is not None
        begun = time.monotonic()
        spoken = self.session.step()
        part = (time.monotonic() - begun) / max(len(spoken), 1)
        ended = []
        for one in spoken:
            piece = self.speaking[one.ticket]
            piece.work.compute_s += part
            if one.codes is not None:
                piece.frames.append(one.codes)
            if one.finished_by is not None:
                del self.speaking[one.ticket]
                ended.append((piece, one.finished_by))
            elif piece.work.given_up:
                # Another sentence of its item has failed for good.
                self.session.drop(one.ticket)
                del self.speaking[one.ticket]
        return ended
