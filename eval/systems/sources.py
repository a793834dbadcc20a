"""Where the speech under test comes from: a model, a teacher, or a folder of files."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from eval.audio import AudioError, read_wav
from eval.cache import file_digest, key_of, weights_digest
from eval.systems.teachers import Teacher
from tokenizer.audio import ENDINGS
from tokenizer.layout import samples_of, to_channels

if TYPE_CHECKING:
    from torch import Tensor

    from tts.inference.synthesis import Synthesis
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
    """What came back: float32 (N,) at `sample_rate` Hz; how generation ended, if known; remarks
    on its prompt."""

    wav: np.ndarray
    sample_rate: int
    finished_by: str | None = None
    notes: tuple[str, ...] = ()

    @property
    def seconds(self) -> float:
        return self.wav.size / self.sample_rate


class Source(Protocol):
    """Anything that says a line."""

    def say(self, line: Line) -> Speech:
        """Speak; ValueError (AudioError among them) if this line has no speech."""
        ...

    def identity(self, line: Line) -> dict[str, Any] | None:
        """All that the sound depends on, for `eval.cache.kept`; None if that is not known."""
        ...


@dataclass(frozen=True)
class ModelSource:
    """A loaded `tts.synthesizer.Synthesizer`.

    digests: of model, codec and program; empty if they are not from files.
    """

    synthesizer: Synthesizer
    digests: tuple[str, ...] = ()

    def speak(self, line: Line) -> Synthesis:
        """All that the model tells of a line: codes and times too."""
        from tts.synthesizer import SpeechOptions

        options = SpeechOptions(voice=line.voice, seed=line.seed)
        return self.synthesizer.synthesize(line.text, options)

    def say(self, line: Line) -> Speech:
        """See `Source.say`."""
        out = self.speak(line)
        return Speech(to_channels(out.wav, 1), out.sample_rate, out.finished_by)

    def identity(self, line: Line) -> dict[str, Any] | None:
        """See `Source.identity`: weights, and what the engine is asked for."""
        from tts.synthesizer import SpeechOptions

        if not self.digests:
            return None
        options = SpeechOptions(voice=line.voice, seed=line.seed)
        requests = self.synthesizer.requests(line.text, options)
        asked = [
            {
                "rows": r.rows.tolist(),
                "seed": r.seed,
                "frames": r.max_frames,
                "by": repr(r.sampling),
            }
            for r in requests
        ]
        return {"digests": list(self.digests), "text": line.text, "asked": key_of({"all": asked})}

    def prompt(self, voice: str) -> Speech:
        """The voice's prompt as the model knows it: its codes, decoded."""
        return self.sound(self.synthesizer.voice(voice).codes)

    def sound(self, codes: Tensor) -> Speech:
        """Codes (k, T), decoded."""
        wav = samples_of(self.synthesizer.codec.decode(codes[None]).clamp(-1, 1))
        return Speech(to_channels(wav, 1), self.synthesizer.sample_rate)


def speaking_files() -> list[Path]:
    """The code and data that turn a request into sound: a change of them makes other sounds."""
    import frontend
    import tokenizer
    import tts

    speaking, models, texts = (Path(str(p.__file__)).parent for p in (tts, tokenizer, frontend))
    data = (file for file in (texts / "data").iterdir() if file.is_file())
    rooms = (speaking, speaking / "model", speaking / "inference", models)
    own = (file for room in rooms for file in room.glob("*.py"))
    return [*own, *(f for f in texts.rglob("*.py") if f.parent.name != "build"), *data]


def program_digest() -> str:
    """Hash of the program that speaks, wherever it stands."""
    import tts

    root = Path(str(tts.__file__)).parents[1]
    return key_of({os.path.relpath(f, root): file_digest(f) for f in speaking_files()})


def load_model(model: str, device: str = "cpu") -> ModelSource:
    """Load a model: "embedded" or a folder; ValueError if it cannot be loaded."""
    from tts.folders import codec_folder_of, model_folder_of
    from tts.synthesizer import Synthesizer

    synthesizer = Synthesizer.load(model, device=device)
    codec = codec_folder_of(model, None)
    digests = (weights_digest(model_folder_of(model)), weights_digest(codec), program_digest())
    return ModelSource(synthesizer, digests)


def open_model(
    model: str, voices: Sequence[str], device: str, lang: str | None = "en"
) -> tuple[ModelSource, list[str]]:
    """Load a model and settle its voices.

    Args:
        model: "embedded" or a folder.
        voices: names; empty means every voice of the language there is.
        device: torch device.
        lang: "en" or "zh"; None means all of both.

    Raises:
        ValueError: the model cannot be loaded, or a voice is unknown, or there is none.
    """
    from tts.voices import list_voices

    source = load_model(model, device)
    names = list(voices) or [v.name for v in list_voices() if lang in (None, v.lang)]
    if not names:
        what = {"en": "English ", "zh": "Mandarin "}.get(lang or "", "")
        raise ValueError(f"no {what}voice is installed; add one with `cat-tts voice add NAME WAV`")
    for name in names:
        source.synthesizer.voice(name)
    return source, names


@dataclass(frozen=True)
class TeacherSource:
    """A teacher; voice and seed do not matter to it."""

    teacher: Teacher

    def say(self, line: Line) -> Speech:
        """See `Source.say`."""
        return Speech(*self.teacher.say(line.text))

    def identity(self, line: Line) -> dict[str, Any] | None:
        """See `Source.identity`."""
        return self.teacher.identity(line.text)


@dataclass(frozen=True)
class FolderSource:
    """Files made earlier: ROOT/VOICE/seedS/NNN.wav or ROOT/VOICE/NNN.wav, NNN the line's number."""

    root: Path

    def say(self, line: Line) -> Speech:
        """See `Source.say`."""
        path = self._path(line)
        if path is None:
            place = save_path(self.root, line)
            raise AudioError(f"no file {place}, nor one level higher")
        return Speech(*read_wav(path))

    def identity(self, line: Line) -> dict[str, Any] | None:
        """See `Source.identity`: the file."""
        path = self._path(line)
        return {"file": file_digest(path), "text": line.text} if path else None

    def _path(self, line: Line) -> Path | None:
        folders = (self.root / line.voice / f"seed{line.seed}", self.root / line.voice)
        return _first_audio(folders, f"{line.number:03d}")

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
    candidates = (folder / f"{stem}{suffix}" for folder in folders for suffix in ENDINGS)
    return next((path for path in candidates if path.is_file()), None)
