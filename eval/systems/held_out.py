"""Which recordings there are, and which of them no training may hear.

That is decided by their ids alone, so that all agree.
"""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from eval.audio import AUDIO_SUFFIXES

LIST_SUFFIXES = (".txt", ".lst")
COLUMNS = ("id", "speaker", "seconds", "text")


@dataclass(frozen=True)
class Recording:
    """A row of metadata.csv."""

    id: str
    speaker: str
    seconds: float
    text: str
    path: Path


def held_out(stem: str) -> bool:
    """Whether a recording is for validation only; the very rule that training goes by."""
    from tokenizer.train.data import held_out as rule

    return rule(stem)


def held_out_speaker(speaker: str) -> bool:
    """Whether none of a speaker's recordings is for training; the very rule that it goes by."""
    from tokenizer.train.data import held_out_speaker as rule

    return rule(speaker)


def find_audio(
    paths: Sequence[Path], limit: int | None = None, only_held_out: bool = False
) -> list[Path]:
    """The audio files that `paths` mean.

    Args:
        paths: files as given; folders, searched (sorted) for audio; lists (.txt, .lst) with a
            path per line, relative to the list's folder.
        limit: at most so many, evenly spread; None means all.
        only_held_out: leave out what training may have heard, see `held_out`.

    Raises:
        ValueError: a list cannot be read, limit is below 1, or nothing is held out.
    """
    if limit is not None and limit < 1:
        raise ValueError(f"limit is {limit}, must be at least 1")
    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            found += sorted(p for p in path.rglob("*") if p.suffix.lower() in AUDIO_SUFFIXES)
        elif path.suffix.lower() in LIST_SUFFIXES:
            try:
                lines = path.read_text(encoding="utf-8-sig").splitlines()
            except (OSError, UnicodeDecodeError) as error:
                raise ValueError(f"cannot read the list of files {path}: {error}") from error
            found += [path.parent / line.strip() for line in lines if line.strip()]
        else:
            found.append(path)
    if only_held_out and found:
        kept = [path for path in found if held_out(path.stem)]
        if not kept:
            raise ValueError(f"none of {len(found)} files is held out; leave out --held-out")
        found = kept
    if limit is not None and limit < len(found):
        found = [found[i * len(found) // limit] for i in range(limit)]
    return found


def read_recordings(folder: Path) -> list[Recording]:
    """The rows of FOLDER/metadata.csv (`id|speaker|gender|language|seconds|text`).

    Raises:
        ValueError: no such file, a column is missing, or an id has no file in FOLDER/audio.
    """
    table = folder / "metadata.csv"
    try:
        with table.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.DictReader(file, delimiter="|", quoting=csv.QUOTE_NONE))
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"cannot read {table}: {error}; give a folder with it") from error
    lacking = [column for column in COLUMNS if not rows or rows[0].get(column) is None]
    if lacking:
        raise ValueError(f"{table} lacks {', '.join(lacking)}; its first line names the columns")
    files = {p.stem: p for p in (folder / "audio").glob("*") if p.suffix in AUDIO_SUFFIXES}
    found = []
    for number, row in enumerate(rows, 2):
        if row["id"] not in files:
            raise ValueError(f"{table}, line {number}: no sound file {folder}/audio/{row['id']}.*")
        try:
            seconds = float(row["seconds"])
        except (TypeError, ValueError) as error:
            raise ValueError(f"{table}, line {number}: seconds is {row['seconds']!r}") from error
        found.append(Recording(row["id"], row["speaker"], seconds, row["text"], files[row["id"]]))
    return found


def unseen_speakers(recordings: Sequence[Recording], count: int) -> list[str]:
    """The first `count` held-out speakers of these recordings, in the order of their hashes.

    Raises:
        ValueError: there are fewer.
    """
    speakers = {r.speaker for r in recordings if held_out_speaker(r.speaker)}
    ordered = sorted(speakers, key=lambda s: hashlib.sha1(s.encode()).hexdigest())
    if count < 2 or count > len(ordered):
        raise ValueError(
            f"count is {count}; this corpus has {len(ordered)} held-out speakers, and at least 2 "
            "are needed to tell apart"
        )
    return ordered[:count]
