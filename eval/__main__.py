"""`python -m eval COMMAND …`: one command per module, imported only when it is called."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence

from tokenizer.cli import one_line

# command -> (module with `main(argv) -> int`, one line of help)
COMMANDS = {
    "intelligibility": (
        "eval.commands.intelligibility",
        "WER of the voices beside their teachers'",
    ),
    "mixed": ("eval.commands.mixed", "English and Mandarin in one sentence, each part by itself"),
    "voices": ("eval.commands.voices", "does a prompt change the voice: nearest prompt by speaker"),
    "sounds": ("eval.commands.sounds", "sounds and music made by rule, for the codec table"),
    "codec": ("eval.commands.codec", "STOI, PESQ, SIM and distances by number of codebooks"),
    "mos": ("eval.commands.mos", "predicted opinion scores of sound files: DistillMOS and DNSMOS"),
    "wer": ("eval.metrics.wer", "WER/CER of a text file of transcripts, Seed-TTS rules"),
    "asr": ("eval.commands.asr", "how well codes are understood: WER and CER of a listener by K"),
    "check": ("eval.commands.check", "speech that checks itself: what is found, what is mended"),
    "bench": ("eval.commands.bench", "speed and memory"),
    "seed-tts": ("eval.commands.seed_tts", "the Seed-TTS benchmark: WER, SIM, report; resumable"),
    "teacher-meta": ("eval.commands.teacher_meta", "a Seed-TTS meta file from plain sentences"),
}
# command that is no more -> what replaced it
GONE = {
    "tones": "`eval intelligibility --lang zh --listener whisper:FOLDER` hears Mandarin",
    "prompts": "it is `python scripts/choose_prompts.py`",
    "samples": "it is `python scripts/samples.py`",
}


def usage() -> str:
    """Help text: every command on a line."""
    lines = [f"  {name:16} {text}" for name, (_, text) in COMMANDS.items()]
    return "usage: python -m eval COMMAND [--help] …\n\n" + "\n".join(lines) + "\n"


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        argv: command and its arguments; None takes the process's own.

    Returns:
        The exit code: 0, or 2 for bad input, after one line on standard error.
    """
    argv = list(sys.argv[1:] if argv is None else argv)
    if not argv or argv[0] in ("-h", "--help"):
        sys.stdout.write(usage())
        return 0 if argv else 2
    if argv[0] not in COMMANDS:
        remedy = GONE.get(argv[0], f"use one of {list(COMMANDS)}")
        sys.stderr.write(f"error: unknown command {argv[0]!r}; {remedy}\n")
        return 2
    try:
        return importlib.import_module(COMMANDS[argv[0]][0]).main(argv[1:])
    except (ValueError, OSError, ImportError) as error:
        sys.stderr.write(f"error: {one_line(error)}\n")
        return 2


if __name__ == "__main__":
    sys.exit(main())
