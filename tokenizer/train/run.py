"""What every training run here shares: progress, schedule, log, curve."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

import torch
from accelerate import Accelerator


@dataclass
class Progress:
    """Where a run stands; saved with every checkpoint."""

    step: int = 0
    elapsed_s: float = 0.0
    seeded: bool = False

    def state_dict(self) -> dict[str, Any]:
        return asdict(self)

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)


def make_accelerator() -> Accelerator:
    """In bf16 where the hardware multiplies bf16, else in float32.

    A CPU without such instructions emulates them, several times slower than float32.
    """
    if torch.cuda.is_available():
        return Accelerator(mixed_precision="bf16")
    known = torch.cpu.get_capabilities()
    native = known.get("avx512_bf16") or known.get("amx_bf16") or known.get("bf16")
    return Accelerator(mixed_precision="bf16" if native else "no", cpu=True)


class Schedule(Protocol):
    """What a recipe says of the learning rate; decay_share is more than 0 and at most 1."""

    @property
    def learning_rate(self) -> float: ...
    @property
    def warmup_steps(self) -> int: ...
    @property
    def decay_share(self) -> float: ...


def learning_rate(schedule: Schedule, step: int, spent: float) -> float:
    """Warm up by steps, hold, then fall linearly over the last part of the time budget.

    Args:
        spent: share of the time budget that is used up, 0 to 1.
    """
    warm = min(1.0, (step + 1) / schedule.warmup_steps)
    decay = min(1.0, (1.0 - min(spent, 1.0)) / schedule.decay_share)
    return schedule.learning_rate * warm * max(decay, 0.02)


@contextmanager
def graceful_stop() -> Iterator[list[int]]:
    """Collects SIGINT and SIGTERM, so that a run can finish its step and save.

    Yields a list that is empty until a signal came.
    """
    caught: list[int] = []
    kinds = (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(kind, lambda number, _: caught.append(number)) for kind in kinds]
    try:
        yield caught
    finally:
        for kind, handler in zip(kinds, before, strict=True):
            signal.signal(kind, handler)


class TrainingLog:
    """JSON lines of running averages, on disk and on the screen."""

    def __init__(self, path: Path, decay: float = 0.95) -> None:
        self.path, self.decay = path, decay
        self.average: dict[str, float] = {}

    def add(self, figures: dict[str, float]) -> None:
        for name, value in figures.items():
            old = self.average.get(name, value)
            self.average[name] = self.decay * old + (1 - self.decay) * value

    def write(self, progress: Progress, **extra: Any) -> None:
        row = {"step": progress.step, "elapsed_s": round(progress.elapsed_s, 1)}
        row |= {k: float(f"{v:.4g}") for k, v in self.average.items()}
        line = json.dumps(row | extra)
        with self.path.open("a", encoding="utf-8") as log:
            log.write(line + "\n")
        print(line, flush=True)
