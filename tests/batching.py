"""A tiny model folder and voice on disk, and `cat-tts batch` upon them."""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from tiny import tiny_codec, tiny_model, tiny_voice
from tokenizer.checkpoint import save_codec
from tts.__main__ import main
from tts.folders import HOME_VARIABLE
from tts.model.checkpoint import save_model
from tts.voices import save_voice

ROWS = [{"id": f"i{n}", "text": f"Sentence {n} of some.", "seed": n} for n in range(6)]


def make_home(folder: Path) -> Path:
    """A model folder with its tokenizer inside, and a home with the voice 'tiny'.

    The weights are stored in half precision, as those of real models are: then the engine's
    products do not depend on who else is in the batch, bit for bit.
    """
    save_model(tiny_model(), folder / "model", torch.float16)
    save_codec(tiny_codec(), folder / "model" / "codec")
    home = folder / "home"
    (home / "voices").mkdir(parents=True)
    save_voice(tiny_voice(codec=tiny_codec()), home / "voices")
    return folder


def environment(folder: Path) -> dict[str, str]:
    """For processes that work with `make_home(folder)`."""
    root = str(Path(__file__).parents[1])
    return {**os.environ, HOME_VARIABLE: str(folder / "home"), "PYTHONPATH": root}


def arguments(folder: Path, manifest: Path | str, output: Path | str, *more: str) -> list[str]:
    """`cat-tts` arguments for a batch with the tiny model."""
    model = ["--model", str(folder / "model"), "--voice", "tiny"]
    return ["batch", str(manifest), "-o", str(output), "--quiet", *model, *more]


def write_rows(path: Path, rows: Iterable[Mapping[str, object]]) -> Path:
    """A manifest as JSON lines (.jsonl) or CSV."""
    rows = list(rows)
    if path.suffix == ".jsonl":
        path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
        return path
    names = list(dict.fromkeys(name for row in rows for name in row))
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, names)
        writer.writeheader()
        writer.writerows(rows)
    return path


def contents(folder: Path) -> dict[str, bytes]:
    """Every file of an output folder but those that tell of times and places."""
    passed = ("ledger", "summary")
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and ".cat-tts" not in path.parts and not path.name.startswith(passed)
    }


def ledger_lines(folder: Path) -> list[dict]:
    """All lines of all ledgers."""
    return [
        json.loads(line)
        for path in sorted(folder.glob("ledger*.jsonl"))
        for line in path.read_text(encoding="utf-8").splitlines()
    ]


def strays(folder: Path) -> list[str]:
    """Files that no finished run should leave."""
    known = {"digests.json", "turn"}
    state = folder / ".cat-tts"
    return [
        str(path)
        for path in folder.rglob("*")
        if (path.is_file() and (path.name.endswith(".part") or "tmp-" in str(path.parent)))
        or (path.parent == state and path.name.startswith("tmp-"))
        or (
            path.is_file()
            and path.parent == state
            and path.name not in known
            and not path.name.startswith("lock-")
        )
    ]


@dataclass
class Batch:
    """Runs `cat-tts batch` over rows, in this process."""

    home: Path
    folder: Path
    capsys: Any

    def __call__(
        self, rows: Iterable[Mapping[str, object]], *more: str, output: str | Path = "out"
    ) -> tuple[int, str]:
        """Exit code, and what stderr got."""
        manifest = write_rows(self.folder / "m.jsonl", rows)
        code = main(arguments(self.home, manifest, self.folder / output, *more))
        return code, self.capsys.readouterr().err
