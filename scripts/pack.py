"""Make corpora small enough to send to a GPU: `python scripts/pack.py MADE PACKED`.

MADE is what `scripts/train.py` made. PACKED gets its corpora with Opus in place of FLAC, speakers
in turn until the size is reached, aligned and labelled, because that is slow and needs no GPU.
There `python scripts/train.py DATA PACKED --recipe recipes/gpu/voice.toml` runs all stages in at
most 14 minutes; run again, it goes on where it stopped.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import soundfile
from train import RECIPES, REPOSITORY, Plan

from tokenizer.cli import run_guarded
from tokenizer.train.data import read_mono
from tts.train.build import READINGS, read_readings
from tts.train.corpus import HEADER, Utterance, read_corpus, table_row
from tts.train.natural import SAMPLE_RATE_HZ
from tts.train.prepare import aligned_corpora

# About 24 kbit/s, which a speech codec at 2 kbit/s does not hear.
COMPRESSION = 0.93
# The files' own limits: alignments and tables are a tenth of the audio.
AUDIO_SHARE = 0.9


def by_turns(corpora: dict[str, list[Utterance]]) -> Iterator[tuple[str, Utterance]]:
    """Corpus and utterance: one of every speaker, then a second of each, in an order by id."""
    speakers: dict[tuple[str, str], list[Utterance]] = {}
    for name, utterances in corpora.items():
        for u in sorted(utterances, key=lambda u: hashlib.sha1(u.id.encode()).hexdigest()):
            speakers.setdefault((name, u.speaker), []).append(u)
    turn = 0
    while speakers:
        for key in list(speakers):
            if turn < len(speakers[key]):
                yield key[0], speakers[key][turn]
            else:
                del speakers[key]
        turn += 1


def write_opus(path: Path, wav: np.ndarray) -> int:
    """Write float32 (N,) at 24 kHz; returns the bytes of the file."""
    soundfile.write(
        path, wav, SAMPLE_RATE_HZ, format="OGG", subtype="OPUS", compression_level=COMPRESSION
    )
    return path.stat().st_size


def pack(folders: list[Path], out: Path, max_bytes: int) -> dict[str, float]:
    """Write the packed corpora to `out`/corpora; returns hours by name.

    Raises:
        ValueError: `out` has corpora already, or a folder is no corpus.
    """
    if (out / "corpora").exists():
        raise ValueError(f"{out / 'corpora'} exists: give another folder or remove it")
    corpora = {folder.name: read_corpus(folder) for folder in folders}
    readings = {folder.name: read_readings(folder) for folder in folders}
    taken: dict[str, list[Utterance]] = {name: [] for name in corpora}
    for name in corpora:
        (out / "corpora" / name / "audio").mkdir(parents=True)
    size = 0
    for name, u in by_turns(corpora):
        if size >= max_bytes * AUDIO_SHARE:
            break
        path = out / "corpora" / name / "audio" / f"{u.id}.opus"
        size += write_opus(path, read_mono(u.path, SAMPLE_RATE_HZ))
        taken[name].append(u)
    for name, utterances in taken.items():
        _write_tables(out / "corpora" / name, utterances, readings[name])
        (out / f"{name}.done").touch()
    return {name: sum(u.seconds for u in own) / 3600 for name, own in taken.items()}


def _write_tables(
    folder: Path, utterances: list[Utterance], readings: dict[str, tuple[str, ...]]
) -> None:
    rows = [f"{HEADER}\n", *(table_row(u) for u in utterances)]
    (folder / "metadata.csv").write_text("".join(rows), encoding="utf-8")
    said = [f"{u.id}\t{' '.join(readings[u.id])}\n" for u in utterances if u.id in readings]
    if said:
        (folder / READINGS).write_text("".join(said), encoding="utf-8")


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("made", type=Path, help="folder of scripts/train.py")
    parser.add_argument("packed", type=Path, help="new folder")
    parser.add_argument("--megabytes", type=float, default=60, help="largest size of the result")
    parser.add_argument("--recipe", type=Path, default=RECIPES / "gpu" / "voice.toml")
    args = parser.parse_args(argv)
    recipe = tomllib.loads(args.recipe.read_text("utf-8"))
    made, packed = (Plan(recipe, Path(), folder, Path()) for folder in (args.made, args.packed))
    folders = made.folders(recipe["stages"]["lm"]["corpora"])
    hours = pack([Path(f) for f in folders], args.packed, round(args.megabytes * 1e6))
    print(json.dumps({name: round(value, 3) for name, value in hours.items()}))
    aligned_corpora([Path(f) for f in packed.folders(recipe["stages"]["lm"]["corpora"])], 0.0)
    for step in packed.steps():
        if step.name == "labels":
            command = [sys.executable, "-m", *step.command]
            subprocess.run(command, cwd=REPOSITORY, check=True)
    return 0


if __name__ == "__main__":
    sys.exit(run_guarded("pack.py", main))
