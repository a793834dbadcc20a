"""The progress of a run, as one line that is written over, or now and then where it cannot be."""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass, field
from typing import TextIO

from tts.batch.ledger import Entry
from tts.cli.progress import StatusLine, clock

FILE_EVERY_S = 30.0


@dataclass
class Progress:
    """Counts and times of a run.

    Attributes:
        total: items to do in this run.
        letters: of all of them; what is left of these gives the time left.
        stream: where to show it; None shows nothing.
    """

    total: int
    letters: int
    stream: TextIO | None = None
    done: int = 0
    failed: int = 0
    audio_s: float = 0.0
    letters_done: int = 0
    begun: float = field(default_factory=time.monotonic)
    cpu_begun: float = field(default_factory=time.process_time)

    def __post_init__(self) -> None:
        self.status = StatusLine(self.stream, FILE_EVERY_S)

    def add(self, entry: Entry, letters: int) -> None:
        """Count an item."""
        self.done += entry.done
        self.failed += not entry.done
        self.audio_s += entry.seconds
        self.letters_done += letters

    def begin(self) -> None:
        """Count time from now on."""
        self.begun, self.cpu_begun = time.monotonic(), time.process_time()

    @property
    def cpu_s(self) -> float:
        """Processor time of this process, all threads together."""
        return time.process_time() - self.cpu_begun

    @property
    def wall_s(self) -> float:
        return time.monotonic() - self.begun

    @property
    def rtf(self) -> float:
        """Time spent over audio made; 0 before the first item."""
        return self.wall_s / self.audio_s if self.audio_s else 0.0

    @property
    def left_s(self) -> float | None:
        """Time that the rest will take; None before the first item."""
        if not self.letters_done:
            return None
        return self.wall_s * (self.letters - self.letters_done) / self.letters_done

    def line(self) -> str:
        """For people."""
        left = "?" if self.left_s is None else clock(self.left_s)
        return (
            f"{self.done + self.failed}/{self.total} items, {self.audio_s / 3600:.3f} h of speech, "
            f"RTF {self.rtf:.3f}, {left} left, {self.failed} failed"
        )

    def show(self, last: bool = False) -> None:
        """Show the line if it is time to, or for the last time."""
        self.status.show(self.line, last)


def standard_error(quiet: bool) -> TextIO | None:
    """Where progress goes."""
    return None if quiet else sys.stderr
