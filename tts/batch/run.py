"""A batch run from beginning to end."""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

from tts.batch.ledger import Entry, read_ledgers, stale_paths
from tts.batch.listings import make_listings
from tts.batch.manifest import Manifest, read_manifest
from tts.batch.plan import (
    Item,
    Plan,
    Settings,
    check_items,
    is_intact,
    make_items,
    make_plan,
    share,
    with_voices,
)
from tts.batch.progress import Progress
from tts.batch.rows import Defaults, Fault
from tts.batch.sources import Digests, revision, voice_digest
from tts.batch.store import STATE, Store
from tts.folders import codec_folder_of, listener_folder, model_folder_of
from tts.model.registry import read_config, type_of

DIGESTS = "digests.json"
ALL_WELL, UNUSABLE, SOME_FAILED, ROWS_SKIPPED, INTERRUPTED = 0, 2, 3, 4, 130
# Names in the summary; the ledger has them all.
MAX_REASONS = 1000


@dataclass(frozen=True)
class Job:
    """What the user asks for.

    Attributes:
        manifest, output: paths.
        defaults: for what rows do not say.
        model, codec, device: as `Synthesizer.load` takes them.
        dtype: of the language model, 'float32' or 'bfloat16'.
        kind: of the manifest; None goes by its ending.
        skip_bad: go on without bad rows.
        retry_failed: try again what failed for good.
        verify: read finished outputs instead of trusting size and time.
        batch_size: sentences spoken at once.
        num_writers: threads that write.
        listings: kinds of lists to write.
        listener: who reads back what was said, where rows ask for it.
    """

    manifest: Path
    output: Path
    defaults: Defaults
    model: str = "embedded"
    codec: str | None = None
    device: str = "cpu"
    dtype: str = "float32"
    kind: str | None = None
    skip_bad: bool = False
    retry_failed: bool = False
    verify: bool = False
    batch_size: int = 16
    num_writers: int = 2
    listings: tuple[str, ...] = ("ljspeech",)
    listener: str = "embedded"


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


class BadRowsError(ValueError):
    """A manifest with bad rows; `faults` has them all."""

    def __init__(self, manifest: Path, faults: list[Fault], good: int) -> None:
        self.faults = faults
        bad = len({fault.line for fault in faults})
        super().__init__(
            f"{manifest}: {bad} bad rows beside {good} good ones, nothing was done; mend them, "
            "or go on without them by --skip-bad"
        )


class Engine(Protocol):
    """Who does the work of a plan: this process, or a cluster."""

    def work(self, run: Run, todo: list[Item], settled: Callable[[Entry | None], None]) -> None:
        """Do items until all are settled or `run.stopped()`.

        `settled` is called with each entry once the ledger has it, and with None now and then
        while there is nothing to tell.
        """
        ...


@dataclass
class Run:
    """A run under way.

    Attributes:
        job, settings: what to do.
        digests: contents of files.
        worker: which part is ours.
        store: where outputs go.
        stop: set when the user wants it to end.
    """

    job: Job
    settings: Settings
    digests: Digests
    worker: Worker
    store: Store
    stop: threading.Event

    def stopped(self) -> bool:
        return self.stop.is_set()


Say = Callable[[str], None]


def run_batch(
    job: Job, settings: Settings, engine: Engine, worker: Worker, progress: Progress, say: Say
) -> tuple[int, dict[str, Any]]:
    """Do what a manifest asks for, as far as it is not done.

    Args:
        job: what to do.
        settings: its `model` and `codec` are filled in here.
        engine: does the work.
        worker: which part is ours.
        progress: shown meanwhile.
        say: takes remarks for the user, a line each.

    Returns:
        Exit code, and the summary that was written.

    Raises:
        BadRowsError: the manifest has bad rows, and nothing was done.
        ManifestError, SourceError, CheckpointError: manifest or model cannot be used.
        PlaceError: the output folder cannot be used; what is done stays done.
    """
    model, codec = model_folder_of(job.model), codec_folder_of(job.model, job.codec)
    config = read_config(model / "config.json")
    of_type = type_of(config)
    if job.defaults.voice is not None:
        voice_digest(job.defaults.voice)  # an unknown one would make every row bad
    manifest = read_manifest(job.manifest, job.defaults, job.kind)
    digests = Digests(job.output / STATE / DIGESTS)
    named = f"{revision(model, digests)}-{job.dtype}"
    settings = replace(
        settings,
        model=named,
        codec=revision(codec, digests),
        sampling=of_type.sampling,
        prompt_rule=of_type.prompt,
        listener=_listener_revision(job, manifest, digests),
    )
    rows = manifest.rows if config.phonemes is None else with_voices(manifest.rows)
    items, faults = make_items(rows, settings, digests)
    faults += manifest.faults + check_items(items, config, codec, settings, digests)
    bad = {fault.line for fault in faults}
    items = [item for item in items if item.row.line not in bad]
    # Bad rows are told before anything is created.
    for fault in sorted(faults):
        say(f"{job.manifest}:{fault.line}: {fault.reason}")
    if faults and not (job.skip_bad and items):
        raise BadRowsError(job.manifest, faults, len(items))
    store = Store(job.output, worker.rank)
    try:
        if digests.changed:
            store.put(f"{STATE}/{DIGESTS}", digests.as_bytes())
        run = Run(job, settings, digests, worker, store, threading.Event())
        return _run(run, engine, items, len(bad), progress, say)
    finally:
        store.close()


def _listener_revision(job: Job, manifest: Manifest, digests: Digests) -> str:
    """CheckpointError where rows are to be read back and nobody is there to do it."""
    if not any(row.check for row in manifest.rows):
        return ""
    return revision(listener_folder(job.listener), digests)


def _run(
    run: Run, engine: Engine, items: list[Item], num_bad: int, progress: Progress, say: Say
) -> tuple[int, dict[str, Any]]:
    """Plan, work, sum up."""
    folder, job = run.store.folder, run.job
    plan = make_plan(
        items,
        read_ledgers(folder),
        lambda entry: is_intact(folder, entry, job.verify),
        job.retry_failed,
    )
    plan = share(plan, run.worker.rank, run.worker.world)
    say(_describe(plan))
    sizes = {item.row.id: item.size for item in plan.todo}
    progress.total, progress.letters = len(sizes), sum(sizes.values())

    started = False

    def settled(entry: Entry | None) -> None:
        nonlocal started
        if not started:
            progress.begin()  # the model is loaded; its time would spoil the estimate
            started = True
        if entry is not None:
            progress.add(entry, sizes.get(entry.id, 0))
        progress.show()

    if plan.todo:
        with _stopping(run.stop, say):
            engine.work(run, plan.todo, settled)
        progress.show(last=True)
    code, summary = _finish(run, plan, num_bad, progress)
    if run.stopped():
        left = progress.total - progress.done - progress.failed
        say(f"stopped with {left} items to do; start the same command again to go on")
        return INTERRUPTED, summary
    return code, summary


def _describe(plan: Plan) -> str:
    parts = [f"{len(plan.items)} items, {len(plan.done)} done, {len(plan.todo)} to do"]
    if plan.changed:
        parts.append(f"{plan.changed} changed since they were done")
    if plan.lost:
        parts.append(f"{plan.lost} outputs are gone or damaged")
    if plan.failed:
        parts.append(f"{len(plan.failed)} failed before (--retry-failed tries them again)")
    if plan.removed:
        shown = ", ".join(plan.removed[:5]) + (", …" if len(plan.removed) > 5 else "")
        parts.append(f"{len(plan.removed)} in the ledger are not in the manifest: {shown}")
    return "; ".join(parts)


def _finish(run: Run, plan: Plan, num_bad: int, progress: Progress) -> tuple[int, dict[str, Any]]:
    """Lists and summary of all that is there; several processes take turns."""
    folder = run.store.folder
    with run.store.turn():
        ledger = read_ledgers(folder)
        current = {
            item.row.id: item.path
            for item in plan.items
            if (entry := ledger.get(item.row.id)) is not None
            and entry.done
            and entry.key == item.key
        }
        for path in stale_paths(folder, current):
            run.store.remove(path)
        for name, data in make_listings(plan.items, ledger, run.job.listings).items():
            run.store.put(name, data)
        summary = _summary(run, plan, ledger, current, num_bad, progress)
        text = json.dumps(summary, indent=1, ensure_ascii=False) + "\n"
        run.store.put("summary.json", text.encode("utf-8", "backslashreplace"))
    if summary["failed"]:
        return SOME_FAILED, summary
    return (ROWS_SKIPPED if num_bad else ALL_WELL), summary


def _summary(
    run: Run,
    plan: Plan,
    ledger: dict[str, Entry],
    current: dict[str, str],
    num_bad: int,
    progress: Progress,
) -> dict[str, Any]:
    """What a run came to; `run` is this process alone, the rest is the whole folder."""
    mine = {item.row.id: item.key for item in plan.items}
    failed = [
        entry for entry in ledger.values() if not entry.done and mine.get(entry.id) == entry.key
    ]
    reasons = Counter(entry.reason.split(":")[0] for entry in failed)
    return {
        "manifest": str(run.job.manifest),
        "items": len(plan.items),
        "done": len(current),
        "failed": len(failed),
        "left": len(plan.items) - len(current) - len(failed),
        "bad_rows_skipped": num_bad,
        "removed": plan.removed[:MAX_REASONS],
        "audio_hours": round(sum(ledger[name].seconds for name in current) / 3600, 6),
        "retries": sum(ledger[name].retries for name in current),
        "failures": {e.id: e.reason for e in sorted(failed, key=lambda e: e.id)[:MAX_REASONS]},
        "failures_by_kind": dict(reasons.most_common()),
        "model": run.settings.model,
        "codec": run.settings.codec,
        "run": {
            "rank": run.worker.rank,
            "world": run.worker.world,
            "batch_size": run.job.batch_size,
            "done": progress.done,
            "failed": progress.failed,
            "changed": plan.changed,
            "lost": plan.lost,
            "audio_hours": round(progress.audio_s / 3600, 6),
            "wall_s": round(progress.wall_s, 2),
            "cpu_s": round(progress.cpu_s, 2),
            "rtf": round(progress.rtf, 4),
            "at": round(time.time()),
        },
    }


@contextmanager
def _stopping(stop: threading.Event, say: Say) -> Iterator[None]:
    """Ctrl+C and SIGTERM ask the run to end; a second Ctrl+C ends it at once."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def ask(number: int, frame: object) -> None:
        if stop.is_set() and number == signal.SIGINT:
            raise KeyboardInterrupt
        stop.set()
        say("stopping after this frame; what is finished is being written")

    before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
