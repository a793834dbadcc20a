"""Files that appear whole or not at all."""

from __future__ import annotations

import os
import secrets
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path


class OutputError(ValueError):
    """A place that cannot be written; the message says why and what to do."""


def check_folder(path: str | Path) -> None:
    """OutputError unless a file can be created at `path`; leaves nothing behind.

    A file is really created beside it, because permission bits do not tell of read-only disks.
    """
    path = Path(path)
    folder = path.resolve().parent
    if path.is_dir():
        raise OutputError(f"{path} is a folder; give the name of a file")
    if not folder.is_dir():
        what = "is not a folder" if folder.exists() else "does not exist"
        raise OutputError(f"cannot write {path}: {folder} {what}; create the folder first")
    probe = _temporary(path.resolve())
    try:
        probe.touch(exist_ok=False)
        probe.unlink()
    except OSError as error:
        raise OutputError(
            f"cannot write {path}: {error.strerror or error}; choose a folder that you may write to"
        ) from error


@contextmanager
def replacing(path: str | Path) -> Generator[Path, None, None]:
    """Yield a temporary path beside `path`; move it there once the block is done.

    Whatever was at `path` stays untouched until then. If the block fails or is interrupted the
    temporary file is removed.

    Raises:
        OutputError: the file cannot be put in place.
    """
    # A symbolic link stays one: its target is what gets replaced.
    target = Path(path).resolve()
    temporary = _temporary(target)
    try:
        yield temporary
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        temporary.replace(target)
    except OSError as error:
        raise OutputError(
            f"cannot write {path}: {error.strerror or error}; check the folder and the free space"
        ) from error
    finally:
        temporary.unlink(missing_ok=True)


def _temporary(target: Path) -> Path:
    # Names may be 255 bytes long, so the temporary one does not repeat the target's.
    return target.with_name(f".{os.getpid()}-{secrets.token_hex(6)}.part")
