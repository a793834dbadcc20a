"""One thread that does all computing, and the jobs that it takes in turn."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import Future
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Any, TypeVar

from tts.serve.fairqueue import Client, FairQueue
from tts.serve.settings import Limits

T = TypeVar("T")
Steps = Generator[Any, None, None]

log = logging.getLogger(__name__)


class Pause:
    """Yielded by a job where another client may have a turn before it goes on."""


class Tick:
    """Yielded by a job where it may be ended; nothing to tell."""


@dataclass(frozen=True)
class JobFailed:
    """A job's last word where it did not end well."""

    error: Exception


class End:
    """A job's last word where it ended well."""


PAUSE, TICK, END = Pause(), Tick(), End()


@dataclass(eq=False)
class Job:
    """Work in steps.

    Attributes:
        client: whose turn it takes.
        start: makes the generator of events; called on the worker's thread.
        sink: gets each event, then END or a JobFailed; called on the worker's thread, and must
            not wait. A cancelled job may end without a last word.
    """

    client: Client
    start: Callable[[], Steps]
    sink: Callable[[Any], None]
    cancelled: threading.Event = field(default_factory=threading.Event)
    steps: Steps | None = None


class Worker:
    """Runs jobs on one thread of its own, so that the model is never used twice at once."""

    def __init__(
        self, limits: Limits, around: AbstractContextManager[object] | None = None
    ) -> None:
        """Start the thread.

        Args:
            limits: of the queue.
            around: entered by the thread before its first job.
        """
        self._around = around or nullcontext()
        self.queue: FairQueue[Job] = FairQueue(limits.waiting, limits.waiting_per_client)
        self._mean_s = 3.0
        self._current: Job | None = None
        self._thread = threading.Thread(target=self._run, name="cat-tts-worker", daemon=True)
        self._thread.start()

    @property
    def busy(self) -> bool:
        """Whether a job is on the thread at this moment."""
        return self._current is not None

    @property
    def waiting(self) -> int:
        return len(self.queue)

    def retry_after_s(self) -> int:
        """A guess at when there will be room: the time that the jobs in line may take, halved."""
        return max(1, min(120, round(self._mean_s * (self.waiting + 1) / 2)))

    def submit(self, job: Job) -> int:
        """Put a job in line and return how many are before it.

        Raises:
            QueueFullError: there is no room.
        """
        return self.queue.put(job.client, job) - 1 + self.busy

    def call(self, client: Client, function: Callable[[], T]) -> Future[T]:
        """Run a function on the worker's thread, in turn.

        Raises:
            QueueFullError: there is no room.
        """
        future: Future[T] = Future()

        def steps() -> Steps:
            # From here on the future cannot be cancelled; it may have been while it waited.
            if future.set_running_or_notify_cancel():
                yield function()

        def sink(event: Any) -> None:
            if isinstance(event, JobFailed):
                if not future.cancelled():
                    future.set_exception(event.error)
            elif not isinstance(event, End):
                future.set_result(event)

        self.submit(Job(client, steps, sink))
        return future

    def cancel(self, job: Job) -> None:
        """End a job: at once where it waits, at its next step where it runs."""
        job.cancelled.set()
        if self.queue.remove(job.client, job) and job.steps is not None:
            job.steps.close()

    def close(self) -> None:
        """Stop the thread after the step that it is doing; those who wait get a JobFailed."""
        for job in self.queue.close():
            _tell_failure(job, RuntimeError("the server is shutting down"))
        if self._current is not None:
            self._current.cancelled.set()
        self._thread.join(timeout=30)

    def _run(self) -> None:
        with self._around:
            self._work()

    def _work(self) -> None:
        while (job := self.queue.get()) is not None:
            self._current = job
            begun = time.monotonic()
            if self._turn(job):
                self._mean_s += 0.2 * (time.monotonic() - begun - self._mean_s)
            self._current = None

    def _turn(self, job: Job) -> bool:
        """Go on with a job until its end or until others want a turn; whether it is through."""
        try:
            job.steps = job.steps or job.start()
            for event in _until(job.steps, job.cancelled):
                if isinstance(event, Pause):
                    if self.waiting:
                        self.queue.put_back(job.client, job)
                        return False
                elif not isinstance(event, Tick):
                    job.sink(event)
            job.sink(END)
        except Exception as error:
            # Whatever goes wrong in one job must not end the thread that serves all others.
            if not isinstance(error, ValueError):
                log.exception("a job failed")
            _tell_failure(job, error)
        return True


def _tell_failure(job: Job, error: Exception) -> None:
    try:
        job.sink(JobFailed(error))
    except Exception:
        log.exception("a listener failed")


def _until(steps: Steps, cancelled: threading.Event) -> Iterator[Any]:
    """The events of `steps`; closes it and ends once it is cancelled."""
    while not cancelled.is_set():
        try:
            yield next(steps)
        except StopIteration:
            return
    steps.close()
