"""Folders of recordings with their texts, in the layouts that such corpora come in."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from frontend.clean import HAN_CHARACTER
from tokenizer.audio import ENDINGS
from tts.train.corpus import read_corpus


@dataclass(frozen=True)
class Recording:
    """A recording and what is said in it; `language` is 'en' or 'zh'."""

    id: str
    speaker: str
    language: str
    text: str
    path: Path


def read_recordings(folder: Path) -> list[Recording]:
    """Read a folder.

    Known are LibriSpeech's layout (`*.trans.txt` of `ID TEXT` beside `ID.flac`), AISHELL's (one
    `*transcript*.txt` or `trans.txt` of `ID TEXT`, recordings anywhere below) and `metadata.csv`
    as `tts.train.corpus.read_corpus` has it.

    Raises:
        ValueError: it is none of them, a recording is missing, or there is nothing in it.
    """
    if not folder.is_dir():
        raise ValueError(f"{folder} is no folder; give one with recordings and their texts")
    if (folder / "metadata.csv").is_file():
        found = [
            Recording(u.id, u.speaker, u.language, u.text, u.path) for u in read_corpus(folder)
        ]
    else:
        found = list(_listed(folder))
    if not found:
        raise ValueError(
            f"{folder} holds no texts; give a folder with metadata.csv, with *.trans.txt "
            "(LibriSpeech), or with a *transcript*.txt or trans.txt (AISHELL)"
        )
    return found


def _listed(folder: Path) -> Iterator[Recording]:
    lists = sorted(folder.rglob("*.trans.txt"))
    lists = lists or sorted({*folder.rglob("*transcript*.txt"), *folder.rglob("trans.txt")})
    sounds = {path.stem: path for path in folder.rglob("*") if path.suffix in ENDINGS}
    for file in lists:
        for number, line in enumerate(file.read_text("utf-8-sig").splitlines(), start=1):
            name, _, text = line.strip().replace("\t", " ").partition(" ")
            if not text.strip():
                continue
            # AISHELL's list has texts of recordings that were never published.
            if name not in sounds:
                if file.name.endswith(".trans.txt"):
                    raise ValueError(f"{file} line {number}: no recording {name}; add it")
                continue
            language = "zh" if HAN_CHARACTER.search(text) else "en"
            yield Recording(name, _speaker(name, sounds[name]), language, text, sounds[name])


def _speaker(name: str, path: Path) -> str:
    """The folder of AISHELL's speakers, the first number of LibriSpeech's names."""
    return path.parent.name if path.parent.name.startswith("S") else name.split("-")[0]
