"""Work split over the processes of `accelerate launch`: by index, so that nothing depends on it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar

T = TypeVar("T")
# The slowest process may be hours behind; the default of half an hour would end the run.
WAIT = timedelta(days=7)


@dataclass(frozen=True)
class Shard:
    """This process among `count`.

    Attributes:
        index: 0 .. count - 1; 0 writes the report.
        local_index: among the processes of this machine; picks the accelerator.
    """

    index: int = 0
    count: int = 1
    local_index: int = 0

    def __post_init__(self) -> None:
        if not 0 <= self.index < self.count:
            raise ValueError(f"shard {self.index} of {self.count}; the index must be below it")

    @property
    def is_main(self) -> bool:
        return self.index == 0

    def take(self, items: Sequence[T]) -> list[T]:
        """This process's part: every count-th item, so that all get short and long ones."""
        return list(items[self.index :: self.count])

    def device(self, name: str) -> str:
        """ "cuda" with this process's number; any other name as it is."""
        return f"cuda:{self.local_index}" if name == "cuda" and self.count > 1 else name

    def wait(self) -> None:
        """Return once every process has come here."""
        if self.count > 1:
            _accelerate_state().wait_for_everyone()


def this_shard() -> Shard:
    """The place that `accelerate launch` (or torchrun) gave this process; 0 of 1 without it."""
    count = int(os.environ.get("WORLD_SIZE", "1"))
    if count <= 1:
        return Shard()
    shard = Shard(int(os.environ["RANK"]), count, int(os.environ.get("LOCAL_RANK", "0")))
    _accelerate_state()
    return shard


def _accelerate_state():
    from accelerate import PartialState

    # Only barriers are needed, which gloo does on any machine.
    return PartialState(cpu=True, timeout=WAIT)
