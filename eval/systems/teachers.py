"""The synthesizers whose speech the embedded model learned from, to be judged beside it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from eval.audio import AudioError
from tts.voices import SYNTHETIC

# Where `scripts/fetch_teachers.py` put them, if no folder is given.
TEACHERS_FOLDER = "CAT_TTS_TEACHERS"


class Teacher(Protocol):
    """Anybody who speaks a text.

    name: for reports. installed: whether it can speak here. remedy: what to do if not.
    """

    @property
    def name(self) -> str: ...
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


def is_natural(name: str) -> bool:
    """Whether a name is that of a natural teacher."""
    return name.partition("@")[0] == "hibari" or name.startswith("kokoro:")


def teacher_in(source: str) -> str:
    """Name of the teacher that a voice's file gives as its source; empty where it gives none."""
    name = source.removeprefix(SYNTHETIC)
    return name if is_natural(name) else ""


def find_teacher(name: str, folder: Path | None = None) -> Teacher:
    """Teacher by name.

    Args:
        folder: where they are; None means what CAT_TTS_TEACHERS says, or `teachers`.

    Raises:
        ValueError: there is none of that name.
    """
    if not is_natural(name):
        raise ValueError(f"unknown teacher {name!r}; use hibari or kokoro:NAME")
    return NaturalTeacher(name, folder or Path(os.environ.get(TEACHERS_FOLDER, "teachers")))
