"""What a benchmark compares: recordings, the codec's copy of them, a model, another's files.

A system speaks a list of jobs and yields each as it is ready, in any order, so that the model can
speak many of them together.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from eval.audio import AudioError, read_wav, resample
from eval.cache import file_digest, key_of, weights_digest
from eval.extras import installed_version
from eval.systems.meta import MetaItem
from eval.systems.sources import Speech
from tokenizer.layout import samples_of, to_channels, wav_of

if TYPE_CHECKING:
    from torch import Tensor

    from tokenizer.model import CatTokenizer
    from tts.inference.events import PieceDone
    from tts.inference.prompt_builders import Piece, SpeechOptions
    from tts.model.config import RowConfig
    from tts.synthesizer import Synthesizer
    from tts.voices import Voice

MODES = ("clone", "continuation")


@dataclass(frozen=True)
class Job:
    """One output: an item of the meta file, said by a system with a seed."""

    system: str
    item: MetaItem
    seed: int = 0

    @property
    def place(self) -> Path:
        """Relative path of its files, without suffix."""
        return Path(self.system) / f"seed{self.seed}" / self.item.utt


@dataclass(frozen=True)
class NoSpeech:
    """Why a job has no speech."""

    reason: str


class System(Protocol):
    """One row of the report, or several if it has several seeds."""

    @property
    def key(self) -> str:
        """Name of its folder."""
        ...

    @property
    def label(self) -> str:
        """Name in the report."""
        ...

    @property
    def kind(self) -> str:
        """ "recording", "resynthesis", "model" or "files"."""
        ...

    @property
    def seeds(self) -> Sequence[int]: ...

    def recording(self, item: MetaItem) -> Path | None:
        """The file that holds the item's speech already; None if the system has to speak."""
        ...

    def settings(self, item: MetaItem) -> Mapping[str, Any]:
        """All that its speech depends on besides the seed, as JSON values; loads no weights.

        Raises:
            ValueError, OSError: the item cannot be said, for example because its prompt is
                missing.
        """
        ...

    def speak(self, jobs: Sequence[Job]) -> Iterator[tuple[Job, Speech | NoSpeech]]:
        """Each job once, in any order, as soon as it is ready."""
        ...


@dataclass(frozen=True)
class FileSystem:
    """Speech that is there already: true recordings, or a folder that another system made."""

    key: str
    label: str
    kind: str
    locate: Callable[[MetaItem], Path | None]
    seeds: Sequence[int] = (0,)

    def recording(self, item: MetaItem) -> Path | None:
        """See `System.recording`."""
        return self.locate(item)

    def settings(self, item: MetaItem) -> Mapping[str, Any]:
        """See `System.settings`."""
        raise AudioError(f"no recording for {item.utt!r}")

    def speak(self, jobs: Sequence[Job]) -> Iterator[tuple[Job, Speech | NoSpeech]]:
        """See `System.speak`; only jobs without a file come here."""
        for job in jobs:
            yield job, NoSpeech("the meta file names no recording")


def truth_system() -> FileSystem:
    """The recordings that the meta file names."""
    return FileSystem("truth", "ground truth", "recording", lambda item: item.truth_wav)


def folder_system(folder: Path) -> FileSystem:
    """DIR/UTT.wav, made by any other system; ValueError if `folder` is none."""
    if not folder.is_dir():
        raise ValueError(f"{folder} is not a folder; give one that holds UTT.wav files")
    return FileSystem("wavs", f"files of {folder.name}", "files", lambda i: folder / f"{i.utt}.wav")


@dataclass(frozen=True)
class ModelHandle:
    """A model by name, loaded when something has to be spoken; shared by the systems.

    Attributes:
        name: "embedded" or a folder.
        device: torch device.
    """

    name: str
    device: str = "cpu"
    codes: dict[Path, tuple[Tensor, int]] = field(default_factory=dict)

    @cached_property
    def folders(self) -> tuple[Path, Path]:
        """Folders of model and codec; CheckpointError if there is no such model."""
        from tts.folders import codec_folder_of, model_folder_of

        return model_folder_of(self.name), codec_folder_of(self.name, None)

    @cached_property
    def config(self) -> RowConfig:
        """Of the language model; no weights are loaded for it."""
        from tts.model.registry import read_config

        return read_config(self.folders[0] / "config.json")

    @cached_property
    def identity(self) -> dict[str, str]:
        """Hashes of the weights and the version of the program that speaks."""
        model, codec = (weights_digest(folder) for folder in self.folders)
        return {"model": model, "codec": codec, "program": installed_version("cat-tts")}

    @cached_property
    def synthesizer(self) -> Synthesizer:
        """The loaded model."""
        from tts.synthesizer import Synthesizer

        return Synthesizer.load(self.name, device=self.device)

    def encode(self, path: Path) -> tuple[Tensor, int]:
        """int64 (1, K, T) codes of a recording and its samples at the codec's rate; kept."""
        import torch

        if path not in self.codes:
            codec = self.synthesizer.codec
            wav, rate = read_wav(path)
            wav = resample(wav, rate, codec.sample_rate)
            with torch.inference_mode():
                codes = codec.encode(wav_of(wav, codec.channels).to(self.device))
            self.codes[path] = codes.cpu(), wav.size
        return self.codes[path]


@dataclass(frozen=True)
class ResynthesisSystem:
    """The codec's copy of the true recordings with the first codebooks: a model's ceiling."""

    handle: ModelHandle
    num_codebooks: int
    kind: str = "resynthesis"
    seeds: Sequence[int] = (0,)

    @property
    def key(self) -> str:
        return f"resynthesis-k{self.num_codebooks}"

    @property
    def label(self) -> str:
        return f"codec resynthesis, K = {self.num_codebooks}"

    def recording(self, item: MetaItem) -> Path | None:
        """See `System.recording`."""
        return None

    def settings(self, item: MetaItem) -> Mapping[str, Any]:
        """See `System.settings`."""
        if item.truth_wav is None:
            raise AudioError("the meta file names no recording")
        codec = self.handle.identity["codec"]
        return {"codec": codec, "k": self.num_codebooks, "wav": file_digest(item.truth_wav)}

    def speak(self, jobs: Sequence[Job]) -> Iterator[tuple[Job, Speech | NoSpeech]]:
        """See `System.speak`."""
        import torch

        codec = self.handle.synthesizer.codec
        for job in jobs:
            assert job.item.truth_wav is not None
            try:
                codes, size = self.handle.encode(job.item.truth_wav)
            except ValueError as error:
                yield job, NoSpeech(str(error))
                continue
            with torch.inference_mode():
                wav = codec.decode(codes[:, : self.num_codebooks].to(self.handle.device))
            audio = to_channels(samples_of(wav[..., :size].clamp(-1, 1)), 1)
            yield job, Speech(audio, codec.sample_rate)


@dataclass(frozen=True)
class ModelSystem:
    """The model, many utterances at once.

    Attributes:
        mode: "clone" (the prompt is a reference) or "continuation" (speak on where it ends).
        voice: for items without a prompt recording; None means the model's default.
    """

    handle: ModelHandle
    mode: str
    num_codebooks: int
    lang: str
    seeds: Sequence[int] = (0,)
    voice: str | None = None
    kind: str = "model"

    @property
    def key(self) -> str:
        return f"{self.mode}-k{self.num_codebooks}"

    @property
    def label(self) -> str:
        return f"{self.mode}, K = {self.num_codebooks}"

    def recording(self, item: MetaItem) -> Path | None:
        """See `System.recording`."""
        return None

    def settings(self, item: MetaItem) -> Mapping[str, Any]:
        """See `System.settings`."""
        from tts.model.registry import type_of

        if self.mode == "continuation" and not (item.prompt_text and item.prompt_wav):
            raise AudioError("continuation needs a prompt and its words; the meta file lacks them")
        prompt = file_digest(item.prompt_wav) if item.prompt_wav else self._voice_digest(item.text)
        return {
            **self.handle.identity,
            "mode": self.mode,
            "k": self.num_codebooks,
            "lang": self.lang,
            "text": item.text,
            "prompt": prompt,
            "prompt_text": item.prompt_text,
            "sampling": repr(type_of(self.handle.config).sampling),
        }

    def _voice_digest(self, text: str) -> str:
        from tts.voices import load_voice

        if self.voice is None and self.handle.config.phonemes is None:
            return "no voice"
        return key_of({"voice": load_voice(self.voice, text).codes.tolist()})

    def speak(self, jobs: Sequence[Job]) -> Iterator[tuple[Job, Speech | NoSpeech]]:
        """See `System.speak`; the same samples as of each job alone."""
        from tts.inference.events import PieceDone
        from tts.inference.speaking import PieceLoop
        from tts.synthesizer import BATCH

        synthesizer = self.handle.synthesizer
        begun: dict[Job, _Begun] = {}
        refused: deque[tuple[Job, NoSpeech]] = deque()

        def pieces() -> Iterator[tuple[tuple[Job, int], Piece]]:
            for job in jobs:
                try:
                    options, notes = self._options(job)
                    own = synthesizer.pieces(job.item.text, options)
                except ValueError as error:
                    refused.append((job, NoSpeech(str(error))))
                    continue
                begun[job] = _Begun(own, notes)
                yield from (((job, number), piece) for number, piece in enumerate(own))

        sampling = synthesizer.prompt_builder.sampling
        loop = PieceLoop(
            *(synthesizer.model, synthesizer.codec, sampling, synthesizer.guard, BATCH),
            sound="chunks",
            held=True,
        )
        for event in loop.run(pieces()):
            while refused:
                yield refused.popleft()
            if isinstance(event, PieceDone):
                assert isinstance(event.key, tuple)
                job, number = event.key
                begun[job].done[number] = event
                if len(begun[job].done) == len(begun[job].pieces):
                    yield job, begun.pop(job).speech(synthesizer.codec)
        yield from refused

    def _options(self, job: Job) -> tuple[SpeechOptions, tuple[str, ...]]:
        """What a job asks for, and what was done to its prompt."""
        from tts.synthesizer import SpeechOptions

        voice, notes = self.voice, ()
        if job.item.prompt_wav:
            voice, notes = prompt_voice(self.handle.synthesizer, job.item, self.mode)
        options = SpeechOptions(
            voice=voice,
            lang=self.lang,
            seed=job.seed,
            num_codebooks=self.num_codebooks,
            continuation=self.mode == "continuation",
        )
        return options, notes


@dataclass(frozen=True)
class _Begun:
    """A job on its way: its pieces, remarks on its prompt, and what is done."""

    pieces: Sequence[Piece]
    notes: tuple[str, ...]
    done: dict[int, PieceDone] = field(default_factory=dict)

    def speech(self, codec: CatTokenizer) -> Speech:
        """All pieces, joined as a synthesizer does."""
        from tts.inference.joining import join

        ends = [self.done[number] for number in range(len(self.pieces))]
        sounds = [(end.wav, end.places) for end in ends]
        whole = join(self.pieces, sounds, codec)
        finished_by = "eos" if all(end.finished_by == "eos" for end in ends) else "budget"
        return Speech(to_channels(whole.wav, 1), codec.sample_rate, finished_by, self.notes)


def prompt_voice(
    synthesizer: Synthesizer, item: MetaItem, mode: str
) -> tuple[Voice, tuple[str, ...]]:
    """The item's prompt recording as a voice, the same as `cat-tts say --prompt-wav` makes.

    For continuation all of it is kept, because the words must match the sound.

    Returns:
        The voice, and remarks on a recording of which the model cannot use all.

    Raises:
        ValueError: the recording is missing, silent, too short or too long.
    """
    assert item.prompt_wav is not None
    whole, encoder = mode == "continuation", synthesizer.prompt_encoder
    return encoder.voice_of(item.prompt_wav, item.utt, item.prompt_text, keep_whole=whole)
