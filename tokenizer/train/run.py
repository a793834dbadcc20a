"""What every training run here shares: progress, schedule, log, and the loop itself."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, ClassVar, Generic, Protocol, TypeVar

import torch
from accelerate import Accelerator
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from tokenizer.train.optim import make_optimizer, set_rate


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


class RunRecipe(Schedule, Protocol):
    """What a recipe says of the run itself."""

    @property
    def seed(self) -> int: ...
    @property
    def weight_decay(self) -> float: ...
    @property
    def clip(self) -> float: ...
    @property
    def max_steps(self) -> int: ...
    @property
    def save_every_s(self) -> float: ...


R = TypeVar("R", bound=RunRecipe)


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


def process_seed(accelerator: Accelerator, recipe: RunRecipe) -> int:
    """The seed of what this process draws: of several processes each learns from batches of its
    own."""
    return recipe.seed + 7919 * accelerator.process_index


class Average:
    """A running mean of a model's weights: what a fall of the learning rate gives, at any step.

    Args:
        decay: what the mean keeps of itself at each step; 0 means the weights as they are.
    """

    def __init__(self, model: nn.Module, decay: float) -> None:
        self.latest = model
        self.mean = (
            AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(decay)) if decay else None
        )

    @property
    def model(self) -> Any:
        """What is to be written."""
        return self.latest if self.mean is None else self.mean.module

    def update(self) -> None:
        """Take in the weights of a step."""
        if self.mean is not None:
            self.mean.to(next(self.latest.parameters()).device).update_parameters(self.latest)

    def state_dict(self) -> dict[str, Any]:
        return {} if self.mean is None else self.mean.state_dict()

    def load_state_dict(self, state: dict[str, Any]) -> None:
        if self.mean is not None:
            self.mean.load_state_dict(state)


def begin(
    module: nn.Module, recipe: RunRecipe, out: Path, *kept: Any
) -> tuple[Accelerator, nn.Module, Any, Progress]:
    """A run of one module, or what `out` holds of it: accelerator, module, optimizer, progress.

    Args:
        kept: what else has a state that a checkpoint holds.
    """
    accelerator = make_accelerator()
    optimizer = make_optimizer(module, recipe.learning_rate, recipe.weight_decay)
    module, optimizer = accelerator.prepare(module, optimizer)
    progress = Progress()
    accelerator.register_for_checkpointing(progress, *kept)
    resume(accelerator, recipe, out)
    return accelerator, module, optimizer, progress


def resume(accelerator: Accelerator, recipe: Any, out: Path) -> None:
    """Load the state of the run that `out` holds, if it does; write the recipe there."""
    if (out / "state").is_dir():
        accelerator.load_state(str(out / "state"))
    out.mkdir(parents=True, exist_ok=True)
    (out / "recipe.json").write_text(json.dumps(asdict(recipe), indent=2) + "\n")


@dataclass
class TrainingRun(Generic[R]):
    """One run with a time budget, which can be stopped and goes on from its last checkpoint.

    Subclasses say what a step is, what is told beside its figures, and how the model is written.
    """

    log_decay: ClassVar[float] = 0.95

    accelerator: Accelerator
    optimizer: Any
    recipe: R
    out: Path

    def step(self, number: int, spent: float) -> dict[str, float]:
        """Learn from one batch: its number, and the share of the budget that is used up."""
        raise NotImplementedError

    def told(self, number: int, spent: float) -> dict[str, Any]:
        """What else the log has to say after `number` steps."""
        return {}

    def write(self) -> None:
        """Write the model to `out`."""
        raise NotImplementedError

    def descend(self, loss: Tensor, module: nn.Module, params: Iterable[nn.Parameter]) -> float:
        """One step down a loss; the norm of the gradient before it was clipped."""
        module.zero_grad()
        self.accelerator.backward(loss)
        norm: Any = self.accelerator.clip_grad_norm_(params, self.recipe.clip)
        self.optimizer.step()
        return float(norm)

    def loop(self, progress: Progress, budget_s: float) -> None:
        """Train until the budget or the steps are spent, or a signal comes; then save."""
        log = TrainingLog(self.out / "log.jsonl", self.log_decay)
        begun, saved = time.monotonic() - progress.elapsed_s, time.monotonic()
        with graceful_stop() as stopped:
            while (
                progress.elapsed_s < budget_s
                and progress.step < self.recipe.max_steps
                and not stopped
            ):
                spent = progress.elapsed_s / budget_s
                rate = learning_rate(self.recipe, progress.step, spent)
                set_rate(self.optimizer, rate)
                log.add(self.step(progress.step, spent))
                progress.step += 1
                progress.elapsed_s = time.monotonic() - begun
                if progress.step % 50 == 0 and self.accelerator.is_main_process:
                    told = self.told(progress.step, spent)
                    log.write(progress, lr=float(f"{rate:.3g}"), **told)
                if time.monotonic() - saved > self.recipe.save_every_s:
                    self.save()
                    saved = time.monotonic()
            self.save()

    def save(self) -> None:
        """Write everything that resuming needs, and the model itself."""
        self.accelerator.save_state(str(self.out / "state"))
        if self.accelerator.is_main_process:
            self.write()
