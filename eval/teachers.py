"""The open synthesizers whose speech the embedded model learned from, as programs."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from eval.audio import AudioError, read_wav

TIMEOUT_S = 60


@dataclass(frozen=True)
class Teacher:
    """One voice of an installed program.

    Attributes:
        name: e.g. "flite-slt".
        command: argument list; "{text}" and "{wav}" are filled in.
        package: Debian package that brings the program.
    """

    name: str
    command: tuple[str, ...]
    package: str

    @property
    def installed(self) -> bool:
        """Whether the program is on PATH."""
        return shutil.which(self.command[0]) is not None

    def say(self, text: str) -> tuple[np.ndarray, int]:
        """Speak `text`.

        Returns:
            float32 (N,) and the sample rate in Hz.

        Raises:
            AudioError: the program is absent, fails, or writes no audio.
        """
        if not self.installed:
            raise AudioError(
                f"{self.name}: {self.command[0]} is not installed; Debian package {self.package}"
            )
        with tempfile.TemporaryDirectory() as folder:
            wav = Path(folder) / "teacher.wav"
            # A leading space keeps a text such as "-h" from being read as an option.
            fill = {"{text}": " " + text, "{wav}": str(wav)}
            command = [fill.get(part, part) for part in self.command]
            try:
                done = subprocess.run(command, capture_output=True, timeout=TIMEOUT_S, check=False)
            except subprocess.TimeoutExpired as error:
                raise AudioError(f"{self.name} took more than {TIMEOUT_S} s: {text!r}") from error
            if done.returncode != 0 or not wav.is_file():
                message = done.stderr.decode(errors="replace").strip()
                raise AudioError(f"{self.name} failed on {text!r}: {message or done.returncode}")
            return read_wav(wav)


def _flite(voice: str) -> Teacher:
    command = ("flite", "-voice", voice, "-t", "{text}", "-o", "{wav}")
    return Teacher(f"flite-{voice}", command, "flite")


def _pico(lang: str) -> Teacher:
    command = ("pico2wave", "-l", lang, "-w", "{wav}", "{text}")
    return Teacher(f"pico-{lang}", command, "libttspico-utils (non-free)")


TEACHERS = {
    teacher.name: teacher
    for teacher in (_flite("slt"), _flite("rms"), _flite("awb"), _pico("en-US"), _pico("en-GB"))
}

# Parts of voice names and the teacher they point to; the first match counts.
_HINTS = {
    "slt": "flite-slt",
    "rms": "flite-rms",
    "awb": "flite-awb",
    "pico-gb": "pico-en-GB",
    "pico-us": "pico-en-US",
}


def teacher_of(voice: str) -> Teacher | None:
    """The teacher that a voice's name points to, or None."""
    if voice in TEACHERS:
        return TEACHERS[voice]
    name = voice.lower()
    return next((TEACHERS[t] for hint, t in _HINTS.items() if hint in name), None)


def find_teacher(name: str) -> Teacher:
    """Teacher by name; ValueError if there is none of that name."""
    if name not in TEACHERS:
        raise ValueError(f"unknown teacher {name!r}; use one of {', '.join(TEACHERS)}")
    return TEACHERS[name]
