"""The open synthesizers whose speech the embedded model learned from, as programs."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from eval.audio import AudioError, read_wav, resample

TIMEOUT_S = 60
# espeak-ng's speed, words a minute, in the corpus that the model learned from.
ESPEAK_WPM = 165


@dataclass(frozen=True)
class Teacher:
    """One voice of an installed program.

    Attributes:
        name: e.g. "flite-slt".
        command: argument list; "{text}", "{wav}" and, in a part, "{wpm}" are filled in.
        package: Debian package that brings the program.
        lang: "en" or "zh".
        size: length of the vocal tract relative to the program's own voice; the speech is spoken
            faster and then played slower by it, so pitch falls as it grows and the rate stays.
        speed_options: arguments that follow the program's name where the speed is not its own;
            "{stretch}" is one over the speed.
    """

    name: str
    command: tuple[str, ...]
    package: str
    lang: str = "en"
    size: float = 1.0
    speed_options: tuple[str, ...] = ()

    @property
    def installed(self) -> bool:
        """Whether the program is on PATH."""
        return shutil.which(self.command[0]) is not None

    def arguments(self, text: str, wav: Path, rate: float = 1.0) -> list[str]:
        """The command that writes `text`, at `rate` times the usual speed, to `wav`.

        Raises:
            ValueError: the speed cannot be chosen for this program.
        """
        speed = rate * self.size
        options = self.speed_options if speed != 1 else ()
        command = (self.command[0], *options, *self.command[1:])
        if speed != 1 and not options and "{wpm}" not in command:
            raise ValueError(f"{self.name} has one speed; leave rate at 1 instead of {rate:g}")
        # A leading space keeps a text such as "-h" from being read as an option.
        fill = {"{text}": " " + text, "{wav}": str(wav), "{wpm}": f"{ESPEAK_WPM * speed:.0f}"}
        stretch = f"{1 / speed:.3f}"
        return [fill.get(part) or part.replace("{stretch}", stretch) for part in command]

    def say(self, text: str, rate: float = 1.0) -> tuple[np.ndarray, int]:
        """Speak `text`.

        Args:
            text: in the teacher's language.
            rate: speaking rate relative to the usual one, > 0.

        Returns:
            float32 (N,) and the sample rate in Hz.

        Raises:
            AudioError: the program is absent, fails, or writes no audio.
            ValueError: the program has one speed only, and `rate` is another.
        """
        if not self.installed:
            raise AudioError(
                f"{self.name}: {self.command[0]} is not installed; Debian package {self.package}"
            )
        with tempfile.TemporaryDirectory() as folder:
            wav = Path(folder) / "teacher.wav"
            command = self.arguments(text, wav, rate)
            try:
                done = subprocess.run(command, capture_output=True, timeout=TIMEOUT_S, check=False)
            except subprocess.TimeoutExpired as error:
                raise AudioError(f"{self.name} took more than {TIMEOUT_S} s: {text!r}") from error
            if done.returncode != 0 or not wav.is_file():
                message = done.stderr.decode(errors="replace").strip()
                raise AudioError(f"{self.name} failed on {text!r}: {message or done.returncode}")
            sound, rate_hz = read_wav(wav)
        if self.size != 1:  # played slower, at the rate that the file had
            sound = resample(sound, round(rate_hz / self.size), rate_hz)
        return sound, rate_hz


def _flite(voice: str, name: str = "", size: float = 1.0) -> Teacher:
    command = ("flite", "-voice", voice, "-t", "{text}", "-o", "{wav}")
    stretch = ("--setf", "duration_stretch={stretch}")
    return Teacher(f"flite-{name or voice}", command, "flite", "en", size, stretch)


def _pico(lang: str) -> Teacher:
    command = ("pico2wave", "-l", lang, "-w", "{wav}", "{text}")
    return Teacher(f"pico-{lang}", command, "libttspico-utils (non-free)")


def _espeak(name: str, voice: str, size: float = 1.0, pitch: int = 50) -> Teacher:
    manner = ("-v", voice, "-p", str(pitch), "-s", "{wpm}")
    command = ("espeak-ng", *manner, "-w", "{wav}", "{text}")
    return Teacher(name, command, "espeak-ng", "zh", size)


TEACHERS = {
    teacher.name: teacher
    for teacher in (
        _flite("slt"),
        _flite("rms"),
        _flite("awb"),
        _flite("rms", "rms-deep", 1.14),
        _flite("rms", "rms-light", 0.87),
        _pico("en-US"),
        _pico("en-GB"),
        # Plain `cmn` of espeak-ng 1.51 reads Chinese characters in English.
        _espeak("espeak-zh", "cmn-latn-pinyin"),
        _espeak("espeak-zh-f", "cmn-latn-pinyin+f3"),
        _espeak("espeak-zh-steph", "cmn-latn-pinyin+steph"),
        _espeak("espeak-zh-light", "cmn-latn-pinyin", 0.87, 99),
    )
}

# Parts of voice names and the teacher they point to; the longest match counts, since one part
# may lie inside another.
_HINTS = {
    "slt": "flite-slt",
    "rms": "flite-rms",
    "awb": "flite-awb",
    "pico-gb": "pico-en-GB",
    "pico-us": "pico-en-US",
    "rms-deep": "flite-rms-deep",
    "rms-light": "flite-rms-light",
    "espeak-zh": "espeak-zh",
    "espeak-zh-f": "espeak-zh-f",
    "espeak-zh-steph": "espeak-zh-steph",
    "espeak-zh-light": "espeak-zh-light",
}


def teacher_of(voice: str) -> Teacher | None:
    """The teacher that a voice's name points to, or None."""
    if voice in TEACHERS:
        return TEACHERS[voice]
    name = voice.lower()
    hints = [hint for hint in _HINTS if hint in name]
    return TEACHERS[_HINTS[max(hints, key=len)]] if hints else None


def find_teacher(name: str) -> Teacher:
    """Teacher by name; ValueError if there is none of that name."""
    if name not in TEACHERS:
        raise ValueError(f"unknown teacher {name!r}; use one of {', '.join(TEACHERS)}")
    return TEACHERS[name]
