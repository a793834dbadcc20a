"""Which part of a run this process is, by what launchers put in its environment."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Worker:
    """rank of world processes; local_rank among those of this machine."""

    rank: int = 0
    world: int = 1
    local_rank: int = 0

    def device(self, wanted: str) -> str:
        """Each process of a machine takes a GPU of its own, unless one was named."""
        return f"cuda:{self.local_rank}" if wanted == "cuda" and self.world > 1 else wanted


def this_worker(environment: Mapping[str, str] = os.environ) -> Worker:
    """By RANK, WORLD_SIZE and LOCAL_RANK, which `accelerate launch` and `torchrun` set.

    Raises:
        ValueError: they make no sense.
    """
    if "RANK" not in environment or "WORLD_SIZE" not in environment:
        return Worker()
    names = ("RANK", "WORLD_SIZE", "LOCAL_RANK")
    try:
        rank, world, local = (int(environment.get(name, "0")) for name in names)
    except ValueError as error:
        raise ValueError(f"RANK, WORLD_SIZE or LOCAL_RANK is no number ({error})") from error
    if not 0 <= rank < world or local < 0:
        raise ValueError(f"RANK is {rank} and WORLD_SIZE {world}; use 0 <= RANK < WORLD_SIZE")
    return Worker(rank, world, local)
