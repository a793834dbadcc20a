"""Predicted opinion scores of sound files."""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from eval.audio import AudioError, read_wav
from eval.cache import file_digest, write_text
from eval.metrics.mos import load_rater, rater_identity
from eval.metrics.stats import mean_interval
from eval.report import json_line, markdown_table, write_results
from eval.systems.held_out import find_audio
from eval.systems.judging import opinions
from eval.systems.meta import read_meta
from eval.systems.stages import by_content

RATERS = ("dnsmos", "distillmos")


def find_sounds(paths: Sequence[Path], limit: int | None = None) -> list[Path]:
    """The sounds that `paths` mean: as `find_audio`, and of a Seed-TTS meta file its recordings.

    Raises:
        ValueError: a list cannot be read, or there is no sound.
    """
    found: list[Path] = []
    for path in paths:
        if path.suffix == ".lst" and path.is_file() and b"|" in path.read_bytes():
            items = read_meta(path)
            wavs = [item.truth_wav or item.prompt_wav for item in items]
            found += dict.fromkeys(wav for wav in wavs if wav is not None)
        else:
            found.append(path)
    files = find_audio(found, limit)
    missing = [file for file in files if not file.is_file()]
    if missing or not files:
        raise AudioError(f"no sound file {missing[0] if missing else 'in what was given'}")
    return files


def rate_files(files: Sequence[Path], raters: Sequence[str], folder: Path) -> list[dict[str, Any]]:
    """One dict a file: path and its scores; kept in `folder` by content."""
    digests = {path: file_digest(path) for path in files}
    wanted = {digest: path for path, digest in digests.items()}
    settings = {"raters": [rater_identity(name) for name in raters]}

    def compute(path: Path) -> dict[str, Any]:
        return {"scores": opinions(raters, *read_wav(path))}

    found, _ = by_content(wanted, settings, folder, compute, "rate")
    return [{"path": str(path), **found[digest]["scores"]} for path, digest in digests.items()]


def summarize(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Mean of every score with its interval: folder by folder, and all together if several."""
    folders = sorted({str(Path(row["path"]).parent) for row in rows})
    groups = {f: [row for row in rows if str(Path(row["path"]).parent) == f] for f in folders}
    if len(folders) > 1:
        groups["all"] = list(rows)
    return [
        {
            "folder": folder,
            "num_files": len(group),
            **{
                name: asdict(mean_interval([row[name] for row in group]))
                for name in rows[0]
                if name != "path"
            },
        }
        for folder, group in groups.items()
    ]


def main(argv: Sequence[str]) -> int:
    """`python -m eval mos`."""
    parser = argparse.ArgumentParser(
        prog="python -m eval mos",
        description="Predicted opinion scores, 1 to 5, of sound files: by DistillMOS, which hears "
        "what synthesis does to a voice, beside DNSMOS, which hears noise.",
    )
    parser.add_argument(
        "paths", nargs="+", type=Path, help="a sound, a folder, a list of files, or a meta.lst"
    )
    parser.add_argument(
        "--raters",
        nargs="+",
        default=RATERS,
        metavar="NAME",
        help="dnsmos, distillmos, or distillmos:FOLDER (default: both)",
    )
    parser.add_argument("--limit", type=int, help="at most this many files, evenly spread")
    parser.add_argument("--out", type=Path, help="folder for table.md, summary.json, items.jsonl")
    args = parser.parse_args(argv)
    files = find_sounds(args.paths, args.limit)
    for name in args.raters:
        load_rater(name)
    with tempfile.TemporaryDirectory() as temporary:
        folder = args.out / "cache" / "mos" if args.out else Path(temporary)
        rows = rate_files(files, args.raters, folder)
    groups = summarize(rows)
    names = [name for name in rows[0] if name != "path"]
    body = [
        (
            *(group["folder"], group["num_files"]),
            *("{estimate:.2f} [{low:.2f}, {high:.2f}]".format(**group[name]) for name in names),
        )
        for group in groups
    ]
    table = markdown_table(("folder", "files", *names), body)
    raters = [rater_identity(name) for name in args.raters]
    result = {"command": "mos", "raters": raters, "num_files": len(rows), "groups": groups}
    if args.out:
        write_results(args.out / "items.jsonl", rows, result)
        write_text(args.out / "table.md", table + "\n")
    sys.stdout.write(f"{table}\n{json_line(result)}\n")
    return 0
