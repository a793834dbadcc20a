"""The work of a plan on a Ray cluster: an actor for each GPU or core, fed in small portions.

Actors write outputs to the shared folder themselves; the ledger is kept by the process that was
started. An actor that is lost takes with it only what it had not reported: its items are given
to others, and as outputs appear whole or not at all and are always the same, nothing is harmed.
"""

from __future__ import annotations

import logging
import os
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from threading import Event
from typing import Any
from uuid import uuid4

from tts.batch.ledger import Entry, Ledger, ledger_name
from tts.batch.plan import Item, Settings
from tts.batch.run import DIGESTS, Job, Run, Worker
from tts.batch.sources import Digests
from tts.batch.store import STATE, Store

# Portions keep a batch full for a while, and are small near the end, so that all end together.
BATCHES_IN_PORTION = 8
# An actor that dies this often dies of the items, or of the machine.
MAX_LOSSES_PER_WORKER = 5
LOOK_EVERY_S = 0.5


class ClusterError(ValueError):
    """Ray is missing, or the cluster cannot do the work."""


@dataclass
class _Actor:
    """An actor, and the portion that it is at work on."""

    handle: Any
    results: Any = None
    portion: dict[str, Item] = field(default_factory=dict)


class RayEngine:
    """See `tts.batch.run.Engine`.

    Args:
        address: of a cluster; None starts one on this machine for the time of the run.
        num_workers: actors; 0 means one per GPU for cuda, else one per core.
    """

    def __init__(self, address: str | None = None, num_workers: int = 0) -> None:
        self.address, self.num_workers = address, num_workers
        self.losses = 0

    def work(self, run: Run, todo: list[Item], settled: Callable[[Entry | None], None]) -> None:
        """Do items; see `tts.batch.run.Engine.work`.

        Raises:
            ClusterError: Ray is not installed, there is no such cluster, or actors keep dying.
            PlaceError: the output folder cannot be written any more.
        """
        ray = _import_ray()
        _connect(ray, self.address)
        ledger = Ledger(run.store.folder / ledger_name(run.worker.rank))
        try:
            self._work(ray, run, deque(todo), ledger, settled)
        finally:
            ledger.close()
            ray.shutdown()

    def _work(
        self,
        ray: Any,
        run: Run,
        todo: deque[Item],
        ledger: Ledger,
        settled: Callable[[Entry | None], None],
    ) -> None:
        wanted = min(self.num_workers or _room(ray, run.job.device), len(todo))
        actors = [self._start(ray, run) for _ in range(wanted)]
        while not run.stopped():
            for actor in actors:
                if actor.results is None and todo:
                    _feed(actor, todo, run.job.batch_size, wanted)
            busy = [actor for actor in actors if actor.results is not None]
            if not busy:
                for closing in [actor.handle.close.remote() for actor in actors]:
                    with suppress(ray.exceptions.RayActorError):
                        ray.get(closing)
                return
            ready, _ = ray.wait([a.results for a in busy], timeout=LOOK_EVERY_S)
            for actor in (a for a in busy if any(a.results is r for r in ready)):
                try:
                    entry: Entry = ray.get(next(actor.results))
                except StopIteration:
                    actor.results = None
                    todo.extendleft(actor.portion.values())
                    continue
                except ray.exceptions.RayActorError as error:
                    todo.extendleft(actor.portion.values())
                    actors[actors.index(actor)] = self._replace(ray, run, wanted, error)
                    continue
                ledger.append([entry])
                actor.portion.pop(entry.id, None)
                settled(entry)
            settled(None)

    def _start(self, ray: Any, run: Run) -> _Actor:
        gpus = 1 if run.job.device.startswith("cuda") else 0
        remote = ray.remote(num_cpus=1, num_gpus=gpus, max_restarts=0)(RayWorker)
        return _Actor(remote.remote(run.job, run.settings))

    def _replace(self, ray: Any, run: Run, wanted: int, error: Exception) -> _Actor:
        self.losses += 1
        if self.losses > MAX_LOSSES_PER_WORKER * wanted:
            raise ClusterError(
                f"{self.losses} Ray actors died ({str(error).splitlines()[0]}); look into Ray's "
                "logs, then start the same command again to go on"
            ) from error
        return self._start(ray, run)


class RayWorker:
    """What runs in an actor: a renderer and threads that write.

    Args:
        job, settings: of the run.
    """

    def __init__(self, job: Job, settings: Settings) -> None:
        from tts.batch.local import load_synthesizer, make_renderer

        synthesizer = load_synthesizer(job, job.device)
        self.settings, self.rate = settings, synthesizer.sample_rate
        self.store = Store(job.output, f"ray-{uuid4().hex}")
        digests = Digests(job.output / STATE / DIGESTS)
        run = Run(job, settings, digests, Worker(), self.store, Event())
        self.renderer = make_renderer(synthesizer, run)
        self.pool = ThreadPoolExecutor(job.num_writers)

    def render(self, items: list[Item]) -> Iterator[Entry]:
        """Speak and write items; yields what the ledger shall say of each."""
        from tts.batch.writer import write_outcome

        waiting: deque[Future[Entry]] = deque()
        for item, outcome in self.renderer.render(items, lambda: False):
            task = (self.store, item, outcome, self.settings, self.rate)
            waiting.append(self.pool.submit(write_outcome, *task))
            while waiting and waiting[0].done():
                yield waiting.popleft().result()
        for future in waiting:
            yield future.result()

    def close(self) -> None:
        """Leave nothing behind."""
        self.pool.shutdown()
        self.store.close()


def _feed(actor: _Actor, todo: deque[Item], batch_size: int, num_actors: int) -> None:
    """Give an actor the next portion."""
    size = min(BATCHES_IN_PORTION * batch_size, -(-len(todo) // (2 * num_actors)))
    items = [todo.popleft() for _ in range(min(max(size, 1), len(todo)))]
    actor.portion = {item.row.id: item for item in items}
    actor.results = actor.handle.render.options(num_returns="streaming").remote(items)


def _import_ray() -> Any:
    try:
        import ray  # pyright: ignore[reportMissingImports]
        import ray.exceptions  # pyright: ignore[reportMissingImports]
    except ImportError as error:
        raise ClusterError(
            "Ray is not installed; `pip install cat-tts[ray]`, or use --engine local"
        ) from error
    return ray


def _connect(ray: Any, address: str | None) -> None:
    # Ray reports usage to its makers unless it is told not to.
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    # A busy machine needs more than the half minute that Ray allows itself to start.
    os.environ.setdefault("RAY_raylet_start_wait_time_s", "180")
    try:
        ray.init(
            address=address,
            include_dashboard=None if address else False,
            log_to_driver=False,
            logging_level=logging.ERROR,
        )
    except Exception as error:  # Ray raises it bare where a start takes too long
        where = f"no Ray cluster at {address}" if address else "Ray cannot be started"
        raise ClusterError(f"{where} ({str(error).splitlines()[0]})") from error


def _room(ray: Any, device: str) -> int:
    kind = "GPU" if device.startswith("cuda") else "CPU"
    room = int(ray.cluster_resources().get(kind, 0))
    if not room:
        raise ClusterError(f"the Ray cluster has no {kind}; give another --device or --workers")
    return room
