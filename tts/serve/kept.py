"""What the page may fetch later: results and prompts, in memory, for a while."""

from __future__ import annotations

import secrets
import threading
import time
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar

import numpy as np


class Sized(Protocol):
    """Something that knows how much memory it takes."""

    @property
    def nbytes(self) -> int: ...


S = TypeVar("S", bound=Sized)


class TtlCache(Generic[S]):
    """Things under names that cannot be guessed; the oldest go when room or time is over."""

    def __init__(self, max_bytes: int, max_age_s: float) -> None:
        self._max_bytes, self._max_age_s = max_bytes, max_age_s
        self._things: OrderedDict[str, tuple[float, S]] = OrderedDict()
        self._lock = threading.Lock()

    def put(self, thing: S) -> str:
        """Keep a thing and return its name."""
        name = secrets.token_urlsafe(16)
        with self._lock:
            self._things[name] = (time.monotonic(), thing)
            self._tidy()
        return name

    def get(self, name: str) -> S | None:
        """The thing of that name; None if there is none, or no more."""
        with self._lock:
            self._tidy()
            found = self._things.get(name)
            return found[1] if found else None

    @property
    def nbytes(self) -> int:
        with self._lock:
            return sum(thing.nbytes for _, thing in self._things.values())

    def _tidy(self) -> None:
        limit = time.monotonic() - self._max_age_s
        total = sum(thing.nbytes for _, thing in self._things.values())
        for name, (since, thing) in list(self._things.items()):
            if since >= limit and total <= self._max_bytes:
                break
            total -= thing.nbytes
            del self._things[name]


@dataclass
class KeptPiece:
    """One spoken piece: int16, (N,) or (N, channels), and the silence before it."""

    text: str
    gap: np.ndarray
    samples: np.ndarray
    finished_by: str
    seed: int


@dataclass
class KeptResult:
    """A finished text as the page may download it, piece by piece replaceable."""

    sample_rate: int
    pieces: list[KeptPiece] = field(default_factory=list)

    @property
    def nbytes(self) -> int:
        return sum(piece.gap.nbytes + piece.samples.nbytes for piece in self.pieces)

    def joined(self) -> np.ndarray:
        """int16, all pieces with the silences between them."""
        parts = [part for piece in self.pieces for part in (piece.gap, piece.samples)]
        return np.concatenate(parts) if parts else np.zeros(0, "<i2")
