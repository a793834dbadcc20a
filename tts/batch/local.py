"""The work of a plan in this process: render, write, keep the ledger."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from itertools import count

from tts.batch.ledger import Entry, Ledger, ledger_name
from tts.batch.plan import Item
from tts.batch.prompts import PromptVoices
from tts.batch.render import ItemRenderer
from tts.batch.run import Job, Run
from tts.batch.writer import Writer
from tts.synthesizer import Synthesizer
from tts.threads import speaking_threads

# Items after which freed memory is handed back to the system.
TIDY_EVERY = 250


class LocalEngine:
    """See `tts.batch.run.Engine`."""

    def work(self, run: Run, todo: list[Item], settled: Callable[[Entry | None], None]) -> None:
        """Do items; see `tts.batch.run.Engine.work`.

        Raises:
            PlaceError: the output folder cannot be written any more.
        """
        job = run.job
        synthesizer = load_synthesizer(job, run.worker.device(job.device))
        renderer = make_renderer(synthesizer, run)
        ledger = Ledger(run.store.folder / ledger_name(run.worker.rank))
        rate = synthesizer.sample_rate
        writer = Writer(run.store, ledger, run.settings, rate, job.num_writers)

        def tell() -> None:
            for entry in writer.take_settled():
                settled(entry)

        def stopped() -> bool:
            settled(None)
            return run.stopped() or writer.error is not None

        try:
            with speaking_threads(synthesizer.model, decoding_beside=True):
                numbered = zip(count(1), renderer.render(todo, stopped), strict=False)
                for number, (item, outcome) in numbered:
                    writer.submit(item, outcome)
                    tell()
                    if number % TIDY_EVERY == 0:
                        give_back_memory()
        finally:
            try:
                writer.close()
            finally:
                tell()
                ledger.close()


def give_back_memory() -> None:
    """Hand memory that is free back to the system, where the C library can.

    Tensors of ever new lengths, made by one thread and freed by another, leave holes, and a long
    run would seem to grow.
    """
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)


def load_synthesizer(job: Job, device: str) -> Synthesizer:
    """The model of a job on a device."""
    import torch

    synthesizer = Synthesizer.load(job.model, job.codec, device, getattr(torch, job.dtype))
    synthesizer.listener = job.listener
    return synthesizer


def make_renderer(synthesizer: Synthesizer, run: Run) -> ItemRenderer:
    """A renderer with the prompts of the run's folder."""
    if run.settings.listener:
        synthesizer.load_listener()
    prompts = PromptVoices(synthesizer, run.settings.codec, run.store, run.digests)
    return ItemRenderer(synthesizer, run.settings, prompts, run.job.batch_size)
