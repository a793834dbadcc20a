"""What the engine asks of whoever drives a model: `cached.py` or `reference.py`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from torch import Tensor

from tts.inference.graphs import FrameGraphs
from tts.inference.sampling import Choose


class Runner(Protocol):
    """What the engine asks for."""

    def admit(self, ticket: int, rows: Tensor, capacity: int) -> Tensor:
        """Read a prompt (T, 1 + K) of an item that will have `capacity` rows: (1, hidden)."""
        ...

    def step(self, tickets: Sequence[int], rows: Tensor) -> Tensor:
        """Read one more row of these items: (B, 1 + k) -> latents (B, hidden)."""
        ...

    def frame(self, latents: Tensor, choose: Choose) -> Tensor:
        """Choose all channels of one frame: (B, hidden) -> int64 (B, 1 + k)."""
        ...

    def release(self, ticket: int) -> None:
        """Forget an item."""
        ...

    @property
    def graphs(self) -> FrameGraphs | None:
        """A way to run whole frames that are sampled alike at once; None where there is none."""
        ...
