"""Progress on a terminal: one line that is written over, with the time that is left."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from tts.inference.events import Event, Key

TERMINAL_EVERY_S = 0.5
# What is done sooner needs no progress.
PATIENCE_S = 2.0


class StatusLine:
    """A line that is written over on a terminal, and now and then written anew elsewhere.

    Args:
        stream: where to show it; None shows nothing.
        file_every_s: where that is no terminal; None shows nothing there.
    """

    def __init__(self, stream: TextIO | None, file_every_s: float | None) -> None:
        self.terminal = stream is not None and stream.isatty()
        self.stream = stream if self.terminal or file_every_s is not None else None
        self.every_s = TERMINAL_EVERY_S if self.terminal else file_every_s or 0.0
        self.shown, self.width = 0.0, 0

    def show(self, line: Callable[[], str], last: bool = False) -> None:
        """Show the line if it is time to, or for the last time."""
        now = time.monotonic()
        if self.stream is None or not (last or now - self.shown >= self.every_s):
            return
        first, self.shown = not self.shown, now
        if not self.terminal and first and not last:
            return  # a short run needs no line but its last
        text, start = line(), "\r" if self.terminal else ""
        end = "\n" if last or not self.terminal else ""
        self.stream.write(f"{start}{text:<{self.width}}{end}")
        self.stream.flush()
        self.width = len(text)

    def clear(self) -> None:
        """Take the line away."""
        if self.stream is not None and self.width:
            self.stream.write(f"\r{'':<{self.width}}\r")
            self.stream.flush()
            self.width = 0


class SpeechProgress:
    """What a terminal shows of a text that takes long to speak; nothing where there is none."""

    def __init__(self, stream: TextIO) -> None:
        self.status, self.begun = StatusLine(stream, None), time.monotonic()
        self.sizes: list[int] = []
        self.frames = 0
        # Of pieces that are through: symbols and frames.
        self.through: dict[Key, tuple[int, int]] = {}

    def __enter__(self) -> SpeechProgress:
        return self

    def __exit__(self, *_: object) -> None:
        self.status.clear()

    def see(self, event: Event) -> None:
        """Take note of an event of `tts.inference.events`, and show what has changed."""
        from tts.inference.events import FramesMade, PieceDone, TextBegun

        if isinstance(event, TextBegun):
            self.sizes = [piece.size for piece in event.pieces]
        elif isinstance(event, FramesMade):
            self.frames += event.frames
        elif isinstance(event, PieceDone):
            self.through[event.key] = (event.piece.size, event.codes.shape[1])
        if time.monotonic() - self.begun > PATIENCE_S:
            self.status.show(self.line)

    def line(self) -> str:
        """For people."""
        left = "?" if self.left_s is None else clock(self.left_s)
        return f"speaking: {len(self.through)} of {len(self.sizes)} pieces, {left} left"

    @property
    def left_s(self) -> float | None:
        """Time that the rest will take, by the pieces that are through; None before the first."""
        sizes = sum(size for size, _ in self.through.values())
        frames = sum(count for _, count in self.through.values())
        if not (sizes and frames):
            return None
        expected = max(self.frames, frames * sum(self.sizes) / sizes)
        return (time.monotonic() - self.begun) * (expected / self.frames - 1)


def clock(seconds: float) -> str:
    """Hours, minutes, seconds."""
    whole = round(seconds)
    return f"{whole // 3600}:{whole // 60 % 60:02d}:{whole % 60:02d}"
