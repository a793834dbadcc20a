"""Where the speech under test comes from: a model, a teacher program, or a folder of files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np

from eval.audio import AUDIO_SUFFIXES, AudioError, read_wav
from eval.teachers import Teacher

if TYPE_CHECKING:
    from tts.synthesizer import Synthesizer


@dataclass(frozen=True)
class Line:
    """One thing to say: text, its 1-based number in the list, the voice, the seed."""

    text: str
    number: int
    voice: str
    seed: int


@dataclass(frozen=True)
class Speech:
    """What came back: float32 (N,) at `sample_rate` Hz; how generation ended, if known."""

    wav: np.ndarray
    sample_rate: int
    finished_by: str | None = None

    @property
    def seconds(self) -> float:
        return self.wav.size / self.sample_rate


class Source(Protocol):
    """Anything that says a line."""

    def say(self, line: Line) -> Speech:
        """Speak; ValueError (AudioError among them) if this line has no speech."""
        ...


@dataclass(frozen=True)
class ModelSource:
    """A loaded `tts.synthesizer.Synthesizer`."""

    synthesizer: Synthesizer

    def say(self, line: Line) -> Speech:
        """See `Source.say`."""
        from tts.synthesizer import SpeechOptions

        options = SpeechOptions(voice=line.voice, seed=line.seed)
        out = self.synthesizer.synthesize(line.text, options)
        return Speech(out.wav, out.sample_rate, out.finished_by)

    def prompt(self, voice: str) -> Speech:
        """The voice's prompt as the model knows it: its codes, decoded."""
        codes = self.synthesizer.voice(voice).codes
        wav = self.synthesizer.codec.decode(codes[None])[0, 0]
        return Speech(wav.clamp(-1, 1).cpu().numpy(), self.synthesizer.sample_rate)


def open_model(model: str, voices: Sequence[str], device: str) -> tuple[ModelSource, list[str]]:
    """Load a model and settle its voices.

    Args:
        model: "embedded" or a folder.
        voices: names; empty means every English voice there is.
        device: torch device.

    Raises:
        ValueError: the model cannot be loaded, or a voice is unknown, or there is none.
    """
    from tts.synthesizer import Synthesizer
    from tts.voices import list_voices

    source = ModelSource(Synthesizer.load(model, device=device))
    names = list(voices) or [voice.name for voice in list_voices() if voice.lang == "en"]
    if not names:
        raise ValueError("no English voice is installed; add one with `cat-tts voice add NAME WAV`")
    for name in names:
        source.synthesizer.voice(name)
    return source, names


@dataclass(frozen=True)
class TeacherSource:
    """A teacher program; voice and seed do not matter to it."""

    teacher: Teacher

    def say(self, line: Line) -> Speech:
        """See `Source.say`."""
        return Speech(*self.teacher.say(line.text))


@dataclass(frozen=True)
class FolderSource:
    """Files made earlier: ROOT/VOICE/seedS/NNN.wav or ROOT/VOICE/NNN.wav, NNN the line's number."""

    root: Path

    def say(self, line: Line) -> Speech:
        """See `Source.say`."""
        folders = (self.root / line.voice / f"seed{line.seed}", self.root / line.voice)
        path = _first_audio(folders, f"{line.number:03d}")
        if path is None:
            raise AudioError(f"no file {folders[0]}/{line.number:03d}.wav, nor one level higher")
        return Speech(*read_wav(path))

    def prompt(self, voice: str) -> Speech:
        """ROOT/VOICE.wav; AudioError if it is missing."""
        path = _first_audio((self.root,), voice)
        if path is None:
            raise AudioError(f"no prompt {self.root / voice}.wav")
        return Speech(*read_wav(path))

    def voices(self) -> list[str]:
        """Sub-folders of ROOT; ValueError if there are none."""
        if not self.root.is_dir():
            raise ValueError(f"{self.root} is not a folder")
        names = sorted(p.name for p in self.root.iterdir() if p.is_dir())
        if not names:
            raise ValueError(f"{self.root} holds no folder; put the files in {self.root}/VOICE/")
        return names


def save_path(root: Path, line: Line) -> Path:
    """Where a spoken line is kept, so that `FolderSource` finds it again."""
    return root / line.voice / f"seed{line.seed}" / f"{line.number:03d}.wav"


def _first_audio(folders: Sequence[Path], stem: str) -> Path | None:
    candidates = (folder / f"{stem}{suffix}" for folder in folders for suffix in AUDIO_SUFFIXES)
    return next((path for path in candidates if path.is_file()), None)
