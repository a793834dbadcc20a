"""`python -m eval COMMAND …`: one command per module, imported only when it is called."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Sequence

from tokenizer.cli import one_line

# command -> (module with `main(argv) -> int`, one line of help). A command whose module is not
# there yet is neither listed nor callable.
COMMANDS = {
    "intelligibility": (
        "eval.commands.intelligibility",
        "WER of the voices beside their teachers'",
    ),
    "tones": ("eval.commands.tones", "Mandarin: F0 and mel-cepstra beside the teachers'"),
    "voices": ("eval.commands.voices", "does a prompt change the voice: nearest prompt by speaker"),
    "prompts": (
        "eval.commands.prompts",
        "choose each speaker's best prompt on development sentences",
    ),
    "samples": ("eval.commands.samples", "a small sound file of every shipped voice"),
    "sounds": ("eval.commands.sounds", "sounds and music made by rule, for the codec table"),
    "codec": ("eval.commands.codec", "STOI, PESQ, SIM and distances by number of codebooks"),
    "mos": ("eval.commands.mos", "predicted opinion scores of sound files: DistillMOS and DNSMOS"),
    "wer": ("eval.metrics.wer", "WER/CER of a text file of transcripts, Seed-TTS rules"),
    "bench": ("eval.commands.bench", "speed and memory"),
    "seed-tts": ("eval.commands.seed_tts", "the Seed-TTS benchmark: WER, SIM, report; resumable"),
    "teacher-meta": ("eval.commands.teacher_meta", "a Seed-TTS meta file from plain sentences"),
}


def available() -> dict[str, tuple[str, str]]:
    """The commands whose module exists."""
    return {k: v for k, v in COMMANDS.items() if importlib.util.find_spec(v[0]) is not None}


def usage() -> str:
    """Help text: every command on a line."""
    lines = [f"  {name:16} {text}" for name, (_, text) in available().items()]
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
    command = available().get(argv[0])
    if command is None:
        sys.stderr.write(f"error: unknown command {argv[0]!r}; use one of {list(available())}\n")
        return 2
    try:
        return importlib.import_module(command[0]).main(argv[1:])
    except (ValueError, OSError, ImportError) as error:
        sys.stderr.write(f"error: {one_line(error)}\n")
        return 2


if __name__ == "__main__":
    sys.exit(main())
