"""Results kept by content: what was computed once from the same input is never computed again."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from tokenizer.files import replacing

_BLOCK = 1 << 20


def key_of(settings: Mapping[str, Any]) -> str:
    """Hex digest of settings (JSON values); the order of the names does not matter."""
    text = json.dumps(settings, sort_keys=True, ensure_ascii=False, allow_nan=False)
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def file_digest(path: Path) -> str:
    """SHA-256 of a file, hex; OSError if it cannot be read."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()


@lru_cache(maxsize=64)
def weights_digest(path: Path) -> str:
    """SHA-256 of a file, or over names and contents of a folder's files (not below it, no .md).

    Raises:
        ValueError: there is nothing at `path`.
    """
    if path.is_file():
        return file_digest(path)
    inside = sorted(path.iterdir()) if path.is_dir() else []
    files = [p for p in inside if p.is_file() and p.suffix != ".md"]
    if not files:
        raise ValueError(f"{path} holds no file; give a model's file or folder")
    return key_of({file.name: file_digest(file) for file in files})


def write_text(path: Path, text: str) -> bool:
    """Put `text` at `path` whole or not at all; False if it was there already.

    Raises:
        OutputError: the place cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    data = text.encode("utf-8")
    if path.is_file() and path.read_bytes() == data:
        return False
    with replacing(path) as temporary:
        temporary.write_bytes(data)
    return True


def read_record(path: Path) -> dict[str, Any] | None:
    """The JSON object at `path`; None if it is missing or damaged, so that it is made anew."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return data if isinstance(data, dict) else None


def write_record(path: Path, data: Mapping[str, Any]) -> None:
    """Write a JSON object atomically; NaN and infinity raise ValueError."""
    write_text(path, json.dumps(data, ensure_ascii=False, allow_nan=False) + "\n")


def user_cache() -> Path:
    """Where results that outlive a run are kept: $XDG_CACHE_HOME/cat-tts/eval."""
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(home) / "cat-tts" / "eval"


def kept(
    folder: Path | None,
    settings: Mapping[str, Any] | None,
    compute: Callable[[], dict[str, Any]],
    again: bool = False,
) -> dict[str, Any]:
    """A result from `folder`, or computed and put there.

    Args:
        folder: one JSON file per result; None keeps none.
        settings: all that the result depends on; None if that is not known, then nothing is kept.
        compute: makes the result; what it raises is not kept.
        again: compute it even if it is there, for what else that leaves behind.
    """
    if folder is None or settings is None:
        return compute()
    place = folder / f"{key_of(settings)}.json"
    found = None if again else read_record(place)
    if found is None:
        found = compute()
        write_record(place, found)
    return found
