"""How results leave the program: Markdown tables, JSON files, a progress line."""

from __future__ import annotations

import json
import math
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

T = TypeVar("T")


def markdown_table(header: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """A pipe table; floats get three decimals, None and NaN a dash."""
    lines = ["| " + " | ".join(header) + " |", "|" + "---|" * len(header)]
    lines += ["| " + " | ".join(_cell(value) for value in row) + " |" for row in rows]
    return "\n".join(lines)


def _cell(value: object) -> str:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return "-"
    return f"{value:.3f}" if isinstance(value, float) else str(value).replace("|", "\\|")


def json_line(data: Mapping[str, Any]) -> str:
    """One line of strict JSON: NaN and infinity raise ValueError, so they must be None."""
    return json.dumps(data, ensure_ascii=False, allow_nan=False)


def write_json(path: Path, data: Mapping[str, Any]) -> None:
    """Write `data` indented; the folder is made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps(data, ensure_ascii=False, allow_nan=False, indent=2)
    path.write_text(text + "\n", encoding="utf-8")


def write_json_lines(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write one JSON object per line; the folder is made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json_line(row) + "\n" for row in rows), encoding="utf-8")


def progress(items: Sequence[T], label: str) -> Iterator[T]:
    """Yield `items` and say on standard error how many are done; on a terminal also what is left.

    A log file gets one line at the end, a terminal one line that is overwritten.
    """
    start = time.monotonic()
    for done, item in enumerate(items):
        if sys.stderr.isatty():
            left_s = (time.monotonic() - start) / max(done, 1) * (len(items) - done)
            left = f", {left_s:.0f} s left" if done else ""
            sys.stderr.write(f"\r\x1b[K{label}: {done}/{len(items)}{left}")
            sys.stderr.flush()
        yield item
    back = "\r\x1b[K" if sys.stderr.isatty() else ""
    took_s = time.monotonic() - start
    sys.stderr.write(f"{back}{label}: {len(items)}/{len(items)} in {took_s:.0f} s\n")


def read_sentences(path: Path) -> list[str]:
    """The non-empty lines of a UTF-8 text file; ValueError if there are none."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"cannot read sentences from {path}: {error}") from error
    sentences = [line.strip() for line in lines if line.strip()]
    if not sentences:
        raise ValueError(f"{path} holds no sentence; write one per line")
    return sentences
