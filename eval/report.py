"""How results leave the program: Markdown tables, JSON files, a progress line."""

from __future__ import annotations

import json
import math
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from eval.cache import write_text

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


def write_json_lines(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write one JSON object per line; the folder is made."""
    write_text(path, "".join(json_line(row) + "\n" for row in rows))


def write_results(
    lines: Path,
    rows: Sequence[Mapping[str, Any]],
    summary: Mapping[str, Any],
    name: str = "summary.json",
) -> None:
    """Write one JSON object a row, and what they come to, indented, as `name` beside it.

    The folder is made.
    """
    write_json_lines(lines, rows)
    text = json.dumps(summary, ensure_ascii=False, allow_nan=False, indent=2)
    write_text(lines.with_name(name), text + "\n")


class Progress:
    """Says on standard error how many of `total` are done and about how long the rest takes.

    On a terminal one line that is overwritten; in a log file a line a minute and one at the end;
    nothing at all when there is nothing to do.
    """

    LOG_EVERY_S = 60.0

    def __init__(self, total: int, label: str) -> None:
        self.total, self.label, self.done = total, label, 0
        self._begun = self._said = time.monotonic()

    def __enter__(self) -> Progress:
        self._say()
        return self

    def step(self) -> None:
        """One more is done."""
        self.done += 1
        self._say()

    def _say(self) -> None:
        now = time.monotonic()
        terminal = sys.stderr.isatty()
        if not self.total or not (terminal or now - self._said >= self.LOG_EVERY_S):
            return
        self._said = now
        left_s = (now - self._begun) / max(self.done, 1) * (self.total - self.done)
        left = f", about {left_s:.0f} s left" if self.done else ""
        text = f"{self.label}: {self.done}/{self.total}{left}"
        sys.stderr.write(f"\r\x1b[K{text}" if terminal else text + "\n")
        sys.stderr.flush()

    def __exit__(self, *_: object) -> None:
        if not self.total:
            return
        back = "\r\x1b[K" if sys.stderr.isatty() else ""
        took_s = time.monotonic() - self._begun
        sys.stderr.write(f"{back}{self.label}: {self.done}/{self.total} in {took_s:.0f} s\n")
        sys.stderr.flush()


def progress(items: Sequence[T], label: str) -> Iterator[T]:
    """Yield `items`, counted by a `Progress`."""
    with Progress(len(items), label) as shown:
        for item in items:
            yield item
            shown.step()


def read_sentences(path: Path) -> list[str]:
    """The non-empty lines of a UTF-8 text file; ValueError if there are none."""
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"cannot read sentences from {path}: {error}") from error
    sentences = [line.strip() for line in lines if line.strip()]
    if not sentences:
        raise ValueError(f"{path} holds no sentence; write one per line")
    return sentences
