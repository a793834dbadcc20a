"""Writing: results into files and the ledger, on threads beside the one that computes."""

from __future__ import annotations

import hashlib
import queue
import threading
import time
from collections.abc import Iterable

from tokenizer.audio import AudioError, encode_sound
from tokenizer.codes import codes_bytes
from tokenizer.files import OutputError
from tts.batch.ledger import Entry, Ledger
from tts.batch.plan import Item, Settings
from tts.batch.render import Failed, Outcome, Rendered
from tts.batch.store import PlaceError, Store
from tts.subtitles import times_file

# Results that wait to be written; more would only fill the memory.
MAX_WAITING = 64


def write_outcome(
    store: Store, item: Item, outcome: Outcome, settings: Settings, sample_rate: int
) -> Entry:
    """Put an item's files in place and return what the ledger shall say.

    Raises:
        PlaceError: nothing can be written.
    """
    if isinstance(outcome, Failed):
        return failed_entry(item, outcome)
    try:
        for kind in item.row.times:
            data = times_file(kind, outcome.words, outcome.sentences)
            store.put(times_path(item, kind), data)
        data = _main_bytes(item, outcome, settings, sample_rate)
        changed = store.put(item.path, data)
    except PlaceError:
        raise
    except (AudioError, OutputError) as error:
        return failed_entry(item, Failed(str(error), lasting=isinstance(error, AudioError)))
    return Entry(
        id=item.row.id,
        key=item.key,
        status="done",
        path=item.path,
        bytes=len(data),
        mtime_ns=changed,
        sha256=hashlib.sha256(data).hexdigest(),
        seconds=round(outcome.seconds, 4),
        frames=outcome.codes.shape[1],
        retries=outcome.retries,
        check=outcome.check,
        errors=outcome.errors,
        voice=item.row.voice or "",
        compute_s=round(outcome.compute_s, 3),
        at=time.time(),
    )


def failed_entry(item: Item, failure: Failed) -> Entry:
    """What the ledger says of an item that cannot be done."""
    return Entry(
        id=item.row.id,
        key=item.key,
        status="failed",
        reason=failure.reason,
        lasting=failure.lasting,
        retries=failure.retries,
        at=time.time(),
    )


def times_path(item: Item, kind: str) -> str:
    """Where an item's times go: beside its sound, but in a folder of their own."""
    _, _, rest = item.path.partition("/")
    return f"{kind}/{rest.rpartition('.')[0]}.{kind}"


def _main_bytes(item: Item, rendered: Rendered, settings: Settings, sample_rate: int) -> bytes:
    if rendered.wav is not None:
        return encode_sound(rendered.wav, sample_rate, item.row.format)
    metadata = {
        "codec": settings.codec,
        "lang": item.row.lang,
        "sample_rate": str(sample_rate),
        "transcript": item.row.text,
    }
    return codes_bytes(rendered.codes, metadata, rendered.code_bits)


class Writer:
    """Threads that write results, and one that keeps the ledger.

    The first error that concerns the whole run is kept and raised by `submit` and `close`.
    """

    def __init__(
        self,
        store: Store,
        ledger: Ledger,
        settings: Settings,
        sample_rate: int,
        num_threads: int = 2,
    ) -> None:
        self.store, self.ledger, self.settings = store, ledger, settings
        self.sample_rate = sample_rate
        self.error: BaseException | None = None
        self.tasks: queue.Queue[tuple[Item, Outcome] | None] = queue.Queue(MAX_WAITING)
        self.entries: queue.Queue[Entry | None] = queue.Queue()
        self.settled: queue.SimpleQueue[Entry] = queue.SimpleQueue()
        self.threads = [
            threading.Thread(target=self._write, name=f"writer-{i}", daemon=True)
            for i in range(num_threads)
        ]
        self.keeper = threading.Thread(target=self._keep, name="ledger", daemon=True)
        for thread in (*self.threads, self.keeper):
            thread.start()

    def submit(self, item: Item, outcome: Outcome) -> None:
        """Hand over a result; waits while too many are in the queue."""
        self._raise()
        self.tasks.put((item, outcome))

    def take_settled(self) -> list[Entry]:
        """Entries that the disk has, since the last call."""
        taken = []
        while True:
            try:
                taken.append(self.settled.get_nowait())
            except queue.Empty:
                return taken

    def close(self) -> None:
        """Wait until everything handed over is on the disk."""
        for _ in self.threads:
            self.tasks.put(None)
        for thread in self.threads:
            thread.join()
        self.entries.put(None)
        self.keeper.join()
        self._raise()

    def _raise(self) -> None:
        if self.error is not None:
            raise self.error

    def _write(self) -> None:
        while (task := self.tasks.get()) is not None:
            if self.error is not None:
                continue  # the queue is emptied, so that no one waits for it
            try:
                self.entries.put(write_outcome(self.store, *task, self.settings, self.sample_rate))
            except Exception as error:
                self.error = error

    def _keep(self) -> None:
        while (entry := self.entries.get()) is not None:
            batch = [entry, *self._more()]
            try:
                self.ledger.append(entry for entry in batch if entry is not None)
            except OutputError as error:
                self.error = error
                return
            for one in batch:
                if one is None:
                    return
                self.settled.put(one)

    def _more(self) -> Iterable[Entry | None]:
        """All entries that wait, so that they share one wait for the disk."""
        while True:
            try:
                yield self.entries.get_nowait()
            except queue.Empty:
                return
