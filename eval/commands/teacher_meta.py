"""A meta file in the Seed-TTS form from plain sentences, spoken by a teacher."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from eval.audio import write_wav
from eval.cache import write_text
from eval.commands.intelligibility import SENTENCES
from eval.report import progress, read_sentences
from eval.systems.teachers import Teacher, find_teacher

# About 3 s; in none of the lists of sentences.
PROMPT_TEXT = "The old clock in the hall has stopped again this evening."


def build_meta(teacher: Teacher, sentences: Sequence[str], folder: Path) -> Path:
    """Write prompt and true recordings and meta.lst, five fields a line.

    Args:
        teacher: speaks the prompt and every sentence.
        sentences: one item each; none may hold a "|".
        folder: made if need be.

    Returns:
        Path of the meta file; it is written last.

    Raises:
        ValueError: the teacher is absent or fails, or a sentence holds a "|".
    """
    bad = [sentence for sentence in sentences if "|" in sentence]
    if bad:
        raise ValueError(f"sentence {bad[0]!r} holds a '|', which separates the fields")
    name = teacher.name.replace(":", "-")  # a file system may not like colons
    prompt = Path("prompt-wavs") / f"{name}.wav"
    write_wav(folder / prompt, *teacher.say(PROMPT_TEXT))
    lines = []
    for number, sentence in enumerate(progress(list(sentences), teacher.name), 1):
        utt = f"{name}-{number:03d}"
        wav = Path("wavs") / f"{utt}.wav"
        write_wav(folder / wav, *teacher.say(sentence))
        lines.append(f"{utt}|{PROMPT_TEXT}|{prompt.as_posix()}|{sentence}|{wav.as_posix()}\n")
    meta = folder / "meta.lst"
    write_text(meta, "".join(lines))
    return meta


def main(argv: Sequence[str]) -> int:
    """`python -m eval teacher-meta`."""
    parser = argparse.ArgumentParser(
        prog="python -m eval teacher-meta",
        description="Make a meta file whose true recordings a teacher speaks.",
    )
    parser.add_argument("out", type=Path, help="folder for meta.lst and the recordings")
    parser.add_argument("--teacher", default="hibari", help="hibari or kokoro:NAME")
    parser.add_argument("--teachers", type=Path, help="folder (scripts/fetch_teachers.py)")
    parser.add_argument("--sentences", type=Path, default=SENTENCES["en"], help="one per line")
    args = parser.parse_args(argv)
    teacher = find_teacher(args.teacher, args.teachers)
    meta = build_meta(teacher, read_sentences(args.sentences), args.out)
    sys.stdout.write(f"{meta}\n")
    return 0
