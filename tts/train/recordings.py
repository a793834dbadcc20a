"""Recordings of people as a corpus to train on: one sample rate, one level, chosen speakers."""

from __future__ import annotations

import shutil
from collections.abc import Collection, Sequence
from dataclasses import replace
from pathlib import Path

import soundfile

from tokenizer.audio import is_silent
from tokenizer.train.data import read_mono
from tokenizer.train.held_out import held_out_speaker
from tts.train.corpus import HEADER, Utterance, read_corpus, table_row
from tts.train.levels import level
from tts.train.natural import SAMPLE_RATE_HZ


def import_recordings(
    folders: Sequence[Path],
    out: Path,
    only: Collection[str] = (),
    without: Collection[str] = (),
    without_held_out: bool = False,
) -> list[Utterance]:
    """Copy speech folders into one corpus: 24 kHz, mono, at the level of the synthetic voices.

    Silent recordings are left out.

    Args:
        folders: with a metadata.csv each, see `read_corpus`.
        out: folder to write, which must not exist.
        only: speakers to take; empty means all.
        without: speakers to leave out, e.g. those that a test is held with.
        without_held_out: leave out the speakers of `tokenizer.train.held_out` too.

    Raises:
        ValueError: `out` exists, a speaker or an id is not what it should be, or nothing is left.
    """
    if out.exists():
        raise ValueError(f"{out} exists already: give a new folder")
    found = [u for folder in folders for u in read_corpus(folder)]
    known = {u.speaker for u in found}
    if unknown := sorted({*only, *without} - known):
        raise ValueError(f"no recordings of {', '.join(unknown)} in {len(known)} speakers' folders")
    kept = {s for s in known if not (without_held_out and held_out_speaker(s))} - set(without)
    chosen = [u for u in found if u.speaker in kept and (not only or u.speaker in only)]
    if not chosen:
        raise ValueError("no speaker is left to import; ask for fewer to be left out")
    if len({u.id for u in chosen}) < len(chosen):
        raise ValueError("the folders share recordings' ids; import them one by one")
    partial = out.with_name(out.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)
    (partial / "audio").mkdir(parents=True)
    rows = [HEADER + "\n"]
    for utterance in chosen:
        wav = read_mono(utterance.path, SAMPLE_RATE_HZ)
        if is_silent(wav):
            continue
        path = partial / "audio" / f"{utterance.id}.flac"
        soundfile.write(path, level(wav), SAMPLE_RATE_HZ, subtype="PCM_16")
        rows.append(table_row(replace(utterance, seconds=len(wav) / SAMPLE_RATE_HZ)))
    (partial / "metadata.csv").write_text("".join(rows), encoding="utf-8")
    partial.replace(out)
    return read_corpus(out)
