"""Sound files by what training may hear of them."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

from tokenizer.audio import ENDINGS
from tokenizer.train.held_out import held_out, held_out_speaker
from tts.train.corpus import Utterance

LIST_SUFFIXES = (".txt", ".lst")


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
            found += sorted(p for p in path.rglob("*") if p.suffix.lower() in ENDINGS)
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


def unseen_speakers(recordings: Sequence[Utterance], count: int) -> list[str]:
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
