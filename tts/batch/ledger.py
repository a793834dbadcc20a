"""The ledger: one JSON line for each item that was finished or given up, only ever added to.

A line is written once its output is in place, so whatever has a line is done. A process that is
killed while it writes leaves a torn last line, which counts for nothing and is cut off by the
next one that opens the file.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from tokenizer.files import OutputError

NAME = "ledger.jsonl"


@dataclass(frozen=True, slots=True)
class Entry:
    """One line.

    Attributes:
        id, key: of the item; the key names all that its output depends on.
        status: 'done' or 'failed'.
        path: of the output, from the output folder on; empty if it failed.
        bytes, mtime_ns, sha256: of the output.
        seconds, frames: of speech.
        finished_by: 'eos' or 'budget'.
        retries: pieces that were spoken again with another seed.
        reason: why it failed.
        lasting: the failure lies in the row, so that trying again is unusable.
        check: of what was read back the worst stretch of words left out or said twice, as a share
            of what counts as wrong: from 1 on it is. None where that was not asked for.
        errors: of what was read back, as a share of the text's sounds.
        voice, compute_s, at: for people: the voice's name, time spent, time of day.
    """

    id: str
    key: str
    status: str
    path: str = ""
    bytes: int = 0
    mtime_ns: int = 0
    sha256: str = ""
    seconds: float = 0.0
    frames: int = 0
    finished_by: str = ""
    retries: int = 0
    reason: str = ""
    lasting: bool = False
    check: float | None = None
    errors: float = 0.0
    voice: str = ""
    compute_s: float = 0.0
    at: float = 0.0

    @property
    def done(self) -> bool:
        return self.status == "done"


_FIELDS = {field.name for field in fields(Entry)}


def ledger_name(rank: int) -> str:
    """Each worker process writes its own: adding to one file from two is not safe everywhere."""
    return NAME if rank == 0 else f"ledger-{rank:05d}.jsonl"


def read_ledgers(folder: Path) -> dict[str, Entry]:
    """The last entry of each id, over all ledgers of an output folder."""
    last: dict[str, Entry] = {}
    for path in sorted(folder.glob("ledger*.jsonl")):
        for entry in _entries(path):
            other = last.get(entry.id)
            if other is None or other.at <= entry.at:
                last[entry.id] = entry
    return last


def stale_paths(folder: Path, current: dict[str, str]) -> list[str]:
    """Outputs that a later line of the same id has replaced by one of another name.

    Args:
        folder: output folder.
        current: id -> path that it should have now.
    """
    wanted = set(current.values())
    named = {
        entry.path
        for path in sorted(folder.glob("ledger*.jsonl"))
        for entry in _entries(path)
        if entry.path and entry.id in current
    }
    return sorted(path for path in named - wanted if (folder / path).exists())


def _entries(path: Path) -> Iterator[Entry]:
    with path.open("rb") as file:
        for line in file:
            entry = _parse(line)
            if entry is not None:
                yield entry


def _parse(line: bytes) -> Entry | None:
    """None for a line that is torn or says something else."""
    if not line.endswith(b"\n"):
        return None
    try:
        value: Any = json.loads(line)
        known = {key: value[key] for key in value if key in _FIELDS}
        return Entry(**known)
    except (ValueError, TypeError):
        return None


class Ledger:
    """Adds entries to one file; see the module's text.

    Raises:
        OutputError: the place cannot be written.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        with _clear(path):
            self.file = path.open("ab+", buffering=0)
            self._cut_torn_line()

    def _cut_torn_line(self) -> None:
        end = self.file.seek(0, os.SEEK_END)
        position = end
        while position:
            start = max(0, position - 65536)
            self.file.seek(start)
            newline = self.file.read(position - start).rfind(b"\n")
            if newline >= 0:
                position = start + newline + 1
                break
            position = start
        if position < end:
            self.file.truncate(position)
        self.file.seek(0, os.SEEK_END)

    def append(self, entries: Iterable[Entry]) -> None:
        """Add entries and wait until the disk has them; all of one call in one go."""
        lines = "".join(json.dumps(_short(e), ensure_ascii=False) + "\n" for e in entries)
        if not lines:
            return
        data = memoryview(lines.encode("utf-8", "backslashreplace"))
        with _clear(self.path):
            while data:
                data = data[self.file.write(data) :]
            os.fsync(self.file.fileno())

    def close(self) -> None:
        self.file.close()


def _short(entry: Entry) -> dict[str, Any]:
    """Without what says nothing."""
    told = asdict(entry).items()
    return {k: v for k, v in told if v not in ("", 0, None) or (k == "check" and v is not None)}


@contextlib.contextmanager
def _clear(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise OutputError(
            f"cannot write {path}: {error.strerror or error}; check the folder and the free space"
        ) from error
