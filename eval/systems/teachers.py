"""The synthesizers whose speech the embedded model learned from, to be judged beside it."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from eval.audio import AudioError, read_wav, resample
from eval.cache import file_digest

TIMEOUT_S = 60
# espeak-ng's speed, words a minute, in the corpus that the model learned from.
ESPEAK_WPM = 165
# Where `scripts/fetch_teachers.py` put the natural ones, if no folder is given.
TEACHERS_FOLDER = "CAT_TTS_TEACHERS"


class Teacher(Protocol):
    """Anybody who speaks a text.

    name: for reports. lang: "en" or "zh". installed: whether it can speak here. remedy: what to
    do if not.
    """

    @property
    def name(self) -> str: ...
    @property
    def lang(self) -> str: ...
    @property
    def installed(self) -> bool: ...
    @property
    def remedy(self) -> str: ...

    def say(self, text: str) -> tuple[np.ndarray, int]:
        """Speak `text`, in the teacher's language.

        Returns:
            float32 (N,) and the sample rate in Hz.

        Raises:
            AudioError: it cannot speak, or not this.
        """
        ...

    def identity(self, text: str) -> dict[str, Any] | None:
        """All that the sound depends on; None if that is not known."""
        ...


@dataclass(frozen=True)
class Program:
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

    @property
    def remedy(self) -> str:
        """How to get it."""
        return f"{self.command[0]} is not installed (Debian package {self.package})"

    def identity(self, text: str) -> dict[str, Any] | None:
        """The program's file, and its arguments."""
        program = shutil.which(self.command[0])
        if program is None:
            return None
        arguments = self.arguments(text, Path("wav"))
        return {"program": file_digest(Path(program)), "arguments": arguments, "size": self.size}

    def arguments(self, text: str, wav: Path) -> list[str]:
        """The command that writes `text` to `wav`, before it is played slower."""
        options = self.speed_options if self.size != 1 else ()
        command = (self.command[0], *options, *self.command[1:])
        # A leading space keeps a text such as "-h" from being read as an option.
        fill = {"{text}": " " + text, "{wav}": str(wav), "{wpm}": f"{ESPEAK_WPM * self.size:.0f}"}
        stretch = f"{1 / self.size:.3f}"
        return [fill.get(part) or part.replace("{stretch}", stretch) for part in command]

    def say(self, text: str) -> tuple[np.ndarray, int]:
        """Speak `text`.

        See `Teacher.say`.
        """
        if not self.installed:
            raise AudioError(f"{self.name}: {self.remedy}")
        with tempfile.TemporaryDirectory() as folder:
            wav = Path(folder) / "teacher.wav"
            command = self.arguments(text, wav)
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


@dataclass(frozen=True)
class NaturalTeacher:
    """A voice of hibari or Kokoro, see `tts.train.natural`.

    Attributes:
        name: e.g. "hibari" or "kokoro:af_heart".
        folder: made by `scripts/fetch_teachers.py`.
    """

    name: str
    folder: Path

    @property
    def lang(self) -> str:
        """By its name, as Kokoro's voices have it."""
        return "zh" if self.name.startswith("kokoro:z") else "en"

    @property
    def installed(self) -> bool:
        """Whether the folder holds what it needs."""
        return (self.folder / "kokoro/model.onnx").is_file()

    @property
    def remedy(self) -> str:
        """How to get it."""
        return (
            f"no teachers in {self.folder}; run `python scripts/fetch_teachers.py DIR` and give "
            f"--teachers DIR, or set {TEACHERS_FOLDER}"
        )

    def say(self, text: str) -> tuple[np.ndarray, int]:
        """See `Teacher.say`."""
        from frontend import phonemize
        from tts.train.natural import SAMPLE_RATE_HZ

        if not self.installed:
            raise AudioError(f"{self.name}: {self.remedy}")
        voice = _voices(self.folder).voice(self.name)
        try:
            wav = voice.speak(phonemize(text, self.lang).words, 1.0, seed=0)
        except ValueError as error:
            raise AudioError(f"{self.name} cannot say {text!r}: {error}") from error
        return np.asarray(wav, np.float32), SAMPLE_RATE_HZ

    def identity(self, text: str) -> dict[str, Any] | None:
        """The voice, what it reads, and the model's size."""
        from frontend import phonemize

        model = self.folder / "kokoro/model.onnx"
        if not self.installed:
            return None
        symbols = list(phonemize(text, self.lang).symbols)
        size = model.stat().st_size
        return {"natural": self.name, "symbols": symbols, "model": size}


@lru_cache(maxsize=2)
def _voices(folder: Path) -> Any:
    from tts.train.natural import Teachers

    return Teachers(folder)


def _flite(voice: str, name: str = "", size: float = 1.0) -> Program:
    command = ("flite", "-voice", voice, "-t", "{text}", "-o", "{wav}")
    stretch = ("--setf", "duration_stretch={stretch}")
    return Program(f"flite-{name or voice}", command, "flite", "en", size, stretch)


def _pico(lang: str) -> Program:
    command = ("pico2wave", "-l", lang, "-w", "{wav}", "{text}")
    return Program(f"pico-{lang}", command, "libttspico-utils (non-free)")


def _espeak(name: str, voice: str, size: float = 1.0, pitch: int = 50) -> Program:
    manner = ("-v", voice, "-p", str(pitch), "-s", "{wpm}")
    command = ("espeak-ng", *manner, "-w", "{wav}", "{text}")
    return Program(name, command, "espeak-ng", "zh", size)


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


def teacher_of(voice: str) -> Program | None:
    """The program that a voice's name points to, or None."""
    if voice in TEACHERS:
        return TEACHERS[voice]
    name = voice.lower()
    hints = [hint for hint in _HINTS if hint in name]
    return TEACHERS[_HINTS[max(hints, key=len)]] if hints else None


def is_natural(name: str) -> bool:
    """Whether a name is that of a natural teacher."""
    return name.partition("@")[0] == "hibari" or name.startswith("kokoro:")


def find_teacher(name: str, folder: Path | None = None) -> Teacher:
    """Teacher by name.

    Args:
        folder: of the natural ones; None means what CAT_TTS_TEACHERS says, or `teachers`.

    Raises:
        ValueError: there is none of that name.
    """
    if is_natural(name):
        return NaturalTeacher(name, folder or Path(os.environ.get(TEACHERS_FOLDER, "teachers")))
    if name not in TEACHERS:
        raise ValueError(
            f"unknown teacher {name!r}; use hibari, kokoro:NAME or one of {', '.join(TEACHERS)}"
        )
    return TEACHERS[name]
