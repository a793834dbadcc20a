"""The output folder: files that appear whole or not at all, nothing stray, one run at a time."""

from __future__ import annotations

import errno
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from tokenizer.files import OutputError

STATE = ".cat-tts"
# What is wrong with the place and not with one item: no other file would fare better.
_HOPELESS = {
    errno.ENOSPC,
    errno.EDQUOT,
    errno.EROFS,
    errno.EACCES,
    errno.EPERM,
    errno.EIO,
    errno.EFBIG,
    errno.ENOTDIR,
    errno.ENOENT,
}


class PlaceError(OutputError):
    """The output folder cannot be used (any more): full, read-only, gone, or in use."""


class Store:
    """An output folder in use by one process of a run.

    Args:
        folder: made if need be.
        rank: of the process, whose place is free once it has ended; or a name that no other
            process ever has, of which nothing stays.

    Raises:
        PlaceError: the folder cannot be written, or another run is at work in it.
    """

    def __init__(self, folder: Path, rank: int | str = 0) -> None:
        self.folder, self.rank = folder, rank
        self.state = folder / STATE
        self.temporary = self.state / f"tmp-{rank}"
        self.made: set[Path] = set()
        try:
            self.state.mkdir(parents=True, exist_ok=True)
            self.lock = _lock(self.state / f"lock-{rank}", folder)
            self._sweep()
            shutil.rmtree(self.temporary, ignore_errors=True)
            self.temporary.mkdir()
        except OSError as error:
            raise _place_error(folder, error) from error

    def _sweep(self) -> None:
        """Remove what killed processes left; theirs are the places whose lock is free."""
        for place in self.state.glob("tmp-*"):
            rank = place.name.removeprefix("tmp-")
            if rank == str(self.rank):
                continue
            try:
                _lock(self.state / f"lock-{rank}", self.folder).close()
            except PlaceError:
                continue
            shutil.rmtree(place, ignore_errors=True)
            if not rank.isdigit():
                (self.state / f"lock-{rank}").unlink(missing_ok=True)

    def put(self, name: str, data: bytes) -> int:
        """Write a file below the folder: to a temporary name, to the disk, then in its place.

        Returns:
            Its time of change, in ns.

        Raises:
            PlaceError: nothing can be written here.
            OutputError: this one cannot be written.
        """
        path = self.folder / name
        temporary = self.temporary / secrets.token_hex(8)
        try:
            if path.parent not in self.made:
                path.parent.mkdir(parents=True, exist_ok=True)
                self.made.add(path.parent)
            with temporary.open("xb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
                changed = os.fstat(file.fileno()).st_mtime_ns
            temporary.replace(path)
            _sync_folder(path.parent)
            return changed
        except OSError as error:
            temporary.unlink(missing_ok=True)
            raise _place_error(path, error) from error

    def remove(self, name: str) -> None:
        """Delete a file below the folder if it is there."""
        try:
            (self.folder / name).unlink(missing_ok=True)
        except OSError as error:
            raise _place_error(self.folder / name, error) from error

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Hold a lock that the processes of a run share, waiting for it."""
        with (self.state / "turn").open("ab") as file:
            with suppress(ImportError, OSError):
                import fcntl

                fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def close(self) -> None:
        """Leave nothing temporary, also of actors that died, and let others in."""
        self._sweep()
        shutil.rmtree(self.temporary, ignore_errors=True)
        if isinstance(self.rank, str):
            (self.state / f"lock-{self.rank}").unlink(missing_ok=True)
        self.lock.close()


def _place_error(path: Path, error: OSError) -> OutputError:
    kind = PlaceError if error.errno in _HOPELESS else OutputError
    why = error.strerror or str(error)
    return kind(f"cannot write {path}: {why}; check the folder and the free space")


def _sync_folder(folder: Path) -> None:
    """Wait until the disk knows the names in a folder."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _lock(path: Path, folder: Path) -> IO[bytes]:
    """Hold a lock until the file is closed or the process ends, however it ends.

    Raises:
        PlaceError: another process holds it.
    """
    file = path.open("ab")
    try:
        import fcntl

        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except ImportError:
        pass  # Windows: there nothing keeps a second run out
    except BlockingIOError:
        file.close()
        raise PlaceError(
            f"another run is at work in {folder}; wait for it, or give another folder"
        ) from None
    except OSError:
        pass  # a network folder without locks
    return file
