"""Manifests: CSV, TSV, JSON lines, a seed-tts meta.lst, or one sentence a line."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from tts.batch.rows import COLUMNS, Defaults, Fault, Row, parse_row

KINDS = ("csv", "tsv", "jsonl", "lst", "txt")
_ENDINGS = {
    ".csv": "csv",
    ".tsv": "tsv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".lst": "lst",
    ".txt": "txt",
}
# A line of the manifest: its values, or what is wrong with it.
Record = Mapping[str, object] | str


class ManifestError(ValueError):
    """A manifest that cannot be used at all."""


@dataclass(frozen=True)
class Manifest:
    """A manifest that was read: its good rows, in order, and the faults of the others."""

    rows: list[Row]
    faults: list[Fault]


def read_manifest(path: str | Path, defaults: Defaults, kind: str | None = None) -> Manifest:
    """Read and check a whole manifest.

    Args:
        path: of a UTF-8 file.
        defaults: for what rows do not say.
        kind: one of `KINDS`; None goes by the ending.

    Returns:
        Rows and faults; a row with a fault is left out.

    Raises:
        ManifestError: the file cannot be read, its kind is not known, its header is unusable,
            or it holds no row at all.
    """
    path = Path(path)
    kind = kind or _ENDINGS.get(path.suffix.lower())
    if kind is None:
        raise ManifestError(
            f"{path}: cannot tell its kind by the ending; use {', '.join(_ENDINGS)} "
            f"or give --manifest-format"
        )
    rows: list[Row] = []
    faults: list[Fault] = []
    names: dict[str, tuple[str, int]] = {}
    try:
        # Bytes that are not UTF-8 must not hide the faults of other lines.
        with path.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as file:
            for line, record in _records(file, kind, path):
                row, wrong = _row(record, line, defaults)
                if row is not None:
                    wrong = _same_name(row, names)
                faults += wrong
                if row is not None and not wrong:
                    rows.append(row)
    except OSError as error:
        raise ManifestError(f"cannot read {path}: {error.strerror or error}") from error
    if not rows and not faults:
        raise ManifestError(f"{path} holds no rows; give at least one")
    return Manifest(rows, faults)


def _row(record: Record, line: int, defaults: Defaults) -> tuple[Row | None, list[Fault]]:
    if isinstance(record, str):
        return None, [Fault(line, record)]
    told = (value for value in record.values() if isinstance(value, str))
    if any("\udc80" <= c <= "\udcff" for value in told for c in value):
        return None, [Fault(line, "the row is not UTF-8; save the manifest as UTF-8")]
    return parse_row(record, line, defaults)


def _same_name(row: Row, names: dict[str, tuple[str, int]]) -> list[Fault]:
    """A fault if another row has this id; some file systems do not tell cases apart."""
    taken = names.setdefault(row.id.casefold(), (row.id, row.line))
    if taken[1] == row.line:
        return []
    if taken[0] == row.id:
        return [Fault(row.line, f"id {row.id!r} is that of line {taken[1]} too; rename one")]
    reason = f"id {row.id!r} and {taken[0]!r} of line {taken[1]} differ by case only; rename one"
    return [Fault(row.line, reason)]


def _records(file: TextIO, kind: str, path: Path) -> Iterator[tuple[int, Record]]:
    """Line number and values, or what is wrong, of each row."""
    if kind in ("csv", "tsv"):
        return _table(file, "," if kind == "csv" else "\t", path)
    read = {"jsonl": _json_line, "lst": _meta_line, "txt": _plain_line}[kind]
    lines = ((number, line.strip("\r\n")) for number, line in enumerate(file, start=1))
    return ((number, read(line, number)) for number, line in lines if line.strip())


def _table(file: TextIO, delimiter: str, path: Path) -> Iterator[tuple[int, Record]]:
    reader = csv.reader(file, delimiter=delimiter, strict=True)
    try:
        header = [name.strip() for name in next(reader, [])]
    except csv.Error as error:
        raise ManifestError(f"{path}: the header cannot be read ({error})") from error
    _check_header(header, path)
    while True:
        line = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield line, f'cannot be read ({error}); mind the quotes, "" is one inside a cell'
            continue
        if not any(cell.strip() for cell in cells):
            continue
        if len(cells) != len(header):
            why = "quote cells that hold the separator"
            yield line, f"{len(cells)} cells, the header has {len(header)}; {why}"
            continue
        record: dict[str, object] = dict(zip(header, cells, strict=True))
        yield line, _numbered({k: v for k, v in record.items() if not _private(k)}, line)


def _check_header(header: list[str], path: Path) -> None:
    unknown = [name for name in header if name not in COLUMNS and not _private(name)]
    if unknown:
        raise ManifestError(
            f"{path}: unknown column {', '.join(map(repr, unknown))}; columns: "
            f"{', '.join(COLUMNS)}; put '_' before the name of one that is to be passed over"
        )
    twice = sorted({name for name in header if header.count(name) > 1})
    if twice:
        raise ManifestError(f"{path}: column {', '.join(map(repr, twice))} stands there twice")
    if "text" not in header:
        raise ManifestError(f"{path}: no column 'text' in the first line; it names the columns")


def _private(name: str) -> bool:
    return name.startswith("_")


def _numbered(record: dict[str, object], line: int) -> dict[str, object]:
    """Where there is no column of ids the line number is the id."""
    return record if "id" in record else {"id": f"{line:07d}", **record}


def _json_line(line: str, number: int) -> Record:
    repeated: list[str] = []

    def build(pairs: list[tuple[str, object]]) -> dict[str, object]:
        keys = [key for key, _ in pairs]
        repeated.extend(sorted({key for key in keys if keys.count(key) > 1}))
        return dict(pairs)

    try:
        value = json.loads(line, object_pairs_hook=build)
    except (ValueError, RecursionError) as error:
        reason = getattr(error, "msg", None) or "nested too deeply"
        return f"is not JSON ({reason}); give one object a line"
    if not isinstance(value, dict):
        return f'is a JSON {type(value).__name__}, not an object; write {{"id": …, "text": …}}'
    if repeated:
        return f"key {', '.join(map(repr, repeated))} stands there twice"
    unknown = [key for key in value if key not in COLUMNS and not _private(key)]
    if unknown:
        return f"unknown key {', '.join(map(repr, unknown))}; keys: {', '.join(COLUMNS)}"
    return _numbered({k: v for k, v in value.items() if not _private(k)}, number)


def _meta_line(line: str, number: int) -> Record:
    """utt|text, utt|text|prompt, utt|prompt text|prompt|text, or that and the true recording."""
    cells = [cell.strip() for cell in line.split("|")]
    if len(cells) == 2:
        return {"id": cells[0], "text": cells[1]}
    if len(cells) == 3:
        return {"id": cells[0].removesuffix(".wav"), "text": cells[1], "prompt_wav": cells[2]}
    if len(cells) in (4, 5):
        names = ("id", "prompt_text", "prompt_wav", "text")
        return {**dict(zip(names, cells, strict=False)), "id": cells[0].removesuffix(".wav")}
    return f"{len(cells)} fields between '|', must be 2, 3, 4 or 5"


def _plain_line(line: str, number: int) -> Record:
    return {"id": f"{number:07d}", "text": line}
