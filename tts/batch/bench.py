"""Throughput by batch size: `python -m tts.batch.bench MANIFEST --batch-size 1 4 16`.

Each batch size does the whole manifest in a folder of its own; the table gives what one second of
speech costs, and whether all made the same bytes. Loading the model does not count.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import io
import json
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tts.__main__ import main as cat_tts


def measure(manifest: str, batch_size: int, folder: Path, more: Sequence[str]) -> dict:
    """One run: the summary's `run`, and `digest` of all outputs.

    Raises:
        RuntimeError: the run failed.
    """
    arguments = ["batch", manifest, "-o", str(folder), "--batch-size", str(batch_size)]
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        code = cat_tts([*arguments, "--json", "--quiet", *more])
    if code not in (0, 3):
        raise RuntimeError(f"the run ended with exit code {code}")
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.parent.name == "wavs":
            digest.update(path.name.encode() + path.read_bytes())
    return {**json.loads(printed.getvalue())["run"], "digest": digest.hexdigest()}


def table(runs: Sequence[dict]) -> str:
    """Markdown; the first run is what the others are compared with."""
    lines = [
        "| batch | items | speech, s | wall, s | speech / wall | x first "
        "| CPU, s | speech / CPU | x first | same bytes |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    walls, cpus = ([_rate(run, clock) for run in runs] for clock in ("wall_s", "cpu_s"))
    for run, wall, cpu in zip(runs, walls, cpus, strict=True):
        same = "yes" if run["digest"] == runs[0]["digest"] else "NO"
        lines.append(
            f"| {run['batch_size']} | {run['done']} | {3600 * run['audio_hours']:.1f} "
            f"| {run['wall_s']:.1f} | {wall:.2f} | {wall / walls[0]:.2f} "
            f"| {run['cpu_s']:.1f} | {cpu:.2f} | {cpu / cpus[0]:.2f} | {same} |"
        )
    return "\n".join(lines)


def _rate(run: dict, clock: str) -> float:
    """Seconds of speech made in a second of `clock`."""
    return 3600 * run["audio_hours"] / max(run[clock], 1e-9)


def main(argv: Sequence[str] | None = None) -> int:
    """Run all batch sizes and print the table; 1 if their outputs differ."""
    parser = argparse.ArgumentParser(prog="python -m tts.batch.bench", description=__doc__)
    parser.add_argument("manifest")
    parser.add_argument("--batch-size", type=int, nargs="+", default=[1, 4, 16])
    args, more = parser.parse_known_args(argv)
    runs = []
    with tempfile.TemporaryDirectory() as folder:
        for size in args.batch_size:
            runs.append(measure(args.manifest, size, Path(folder) / f"batch-{size}", more))
    print(table(runs))
    return 0 if len({run["digest"] for run in runs}) == 1 else 1


if __name__ == "__main__":
    sys.exit(main())
