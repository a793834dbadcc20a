"""What the command lines share: errors as one line, exit codes, the choice of a device."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable
from typing import Any, NoReturn


class UsageError(ValueError):
    """Arguments that cannot be understood."""


class Parser(argparse.ArgumentParser):
    """Errors as exceptions, so that every error takes the same way out."""

    def error(self, message: str) -> NoReturn:
        if "unrecognized arguments: -" in message:
            message += ' (a text or name that begins with a dash goes last, behind "--")'
        raise UsageError(f"{message}; see {self.prog} --help")


def run_guarded(prog: str, run: Callable[[], int]) -> int:
    """Call `run` and turn what it raises into one line on stderr and an exit code.

    2: bad input (ValueError, OSError). 130: interrupted. 1: anything else, which is a mistake of
    the program; with the environment variable CAT_TTS_DEBUG set its traceback is shown. argparse
    leaves by SystemExit for --help alone.
    """
    try:
        code = run()
        sys.stdout.flush()
        return code
    except BrokenPipeError:
        # The reader of our output went away, as in `... | head -1`; that is its right. What is
        # still buffered goes nowhere, or Python would complain when it ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except (ValueError, OSError) as error:
        print(f"{prog}: error: {one_line(error)}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print(f"{prog}: interrupted", file=sys.stderr)
        return 130
    except MemoryError:
        print(f"{prog}: error: not enough memory; give a shorter input", file=sys.stderr)
        return 1
    except Exception as error:
        if os.environ.get("CAT_TTS_DEBUG"):
            raise
        kind = type(error).__name__
        print(f"{prog}: internal error: {kind}: {one_line(error)}", file=sys.stderr)
        return 1


def one_line(error: BaseException) -> str:
    """The message of an exception, line breaks folded."""
    return " ".join(str(error).split()) or type(error).__name__


def check_device(name: str) -> str:
    """Return `name` if torch can compute there, else ValueError."""
    import torch

    usable = ["cpu"]
    if torch.cuda.is_available():
        usable += ["cuda", *(f"cuda:{i}" for i in range(torch.cuda.device_count()))]
    if torch.backends.mps.is_available():
        usable.append("mps")
    if name not in usable:
        raise ValueError(f"device {name!r} cannot be used here; use one of {', '.join(usable)}")
    return name


def add_verify(commands: Any) -> argparse.ArgumentParser:
    """The command `verify`, as tokenizers and models have it."""
    verify = commands.add_parser("verify", help="compare with what the reference computed")
    verify.add_argument(
        "folder", metavar="FOLDER", help="config.json, model.safetensors and io.safetensors"
    )
    verify.add_argument(
        "--shapes", metavar="FILE", help="compare names and shapes to this JSON list instead"
    )
    return verify
