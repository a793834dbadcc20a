"""Text to sound: the one place that joins front end, language model and codec."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from tokenizer.audio import resample
from tokenizer.checkpoint import load_codec
from tokenizer.codes import codec_fingerprint
from tokenizer.layout import samples_of
from tokenizer.model import CatTokenizer
from tts.folders import codec_name, model_folder_of
from tts.inference.engine import Request
from tts.inference.events import (
    AudioChunk,
    Event,
    Key,
    PieceBegun,
    PieceDone,
    Retried,
    TextBegun,
    TextTimed,
)
from tts.inference.guard import Guard
from tts.inference.joining import Joiner
from tts.inference.passages import pieces_of, read_script_of
from tts.inference.prompt_audio import PromptEncoder
from tts.inference.prompt_builders import (
    PhonemePromptBuilder,
    Piece,
    PromptBuilder,
    SpeechOptions,
)
from tts.inference.speaking import PieceLoop
from tts.inference.synthesis import Collector, Synthesis
from tts.model.checkpoint import load_prepared
from tts.model.config import TtsConfig, check_codebooks, check_guidance
from tts.model.registry import ModelType, type_of
from tts.model.weights import PreparedModel
from tts.voices import Voice, VoiceError, check_voice, load_voice

if TYPE_CHECKING:
    from tts.listen.model import Listener
    from tts.listen.transcribe import Ears

# Pieces of one text that speak at once.
BATCH = 16


@dataclass
class Synthesizer:
    """A model with its codec, ready to speak. Stateless between calls.

    model: see `tts.model.weights.prepare`. codec: prepared, as `load_codec` gives it.
    text_tokenizer: of a published model; None where the model reads phonemes.
    guard: when a piece has gone wrong, and how often it is said again.
    listener: 'embedded' or a folder: who reads back what was said, where that is asked for.
    prompt_voice: makes a voice from a recording, as this model wants it; see `PromptEncoder.voice`.
    """

    model: PreparedModel
    codec: CatTokenizer
    name: str = "embedded"
    text_tokenizer: Any = None
    guard: Guard = field(default_factory=Guard)
    listener: str | Path = "embedded"

    def __post_init__(self) -> None:
        config, codec = self.model.config, self.codec
        self.type: ModelType = type_of(config)
        self.prompt_builder: PromptBuilder = self._builder()
        continues = self.prompt_builder.continues
        self.prompt_encoder = PromptEncoder(codec, self.type.prompt, continues)
        self.prompt_voice = self.prompt_encoder.voice
        fits = config.audio_vocab_size == codec.codebook_size and config.n_vq <= codec.num_codebooks
        if not fits or config.sampling_rate != codec.sample_rate:
            raise ValueError(
                f"model {self.name!r} was trained for {config.n_vq} x {config.audio_vocab_size} "
                f"codes at {config.sampling_rate} Hz, the codec has {codec.num_codebooks} x "
                f"{codec.codebook_size} at {codec.sample_rate} Hz; give the codec it was made for"
            )

    def _builder(self) -> PromptBuilder:
        row, config, rate = self.type, self.model.config, self.codec.frame_rate
        if row.text_side == "phonemes":
            assert isinstance(config, TtsConfig)
            return PhonemePromptBuilder(config, rate)
        if self.text_tokenizer is None:
            raise ValueError(
                f"model {self.name!r} has neither a `phonemes` entry in config.json nor a text "
                "tokenizer; load it with Synthesizer.load, from a folder with tokenizer.json"
            )
        if row.text_side == "chat":
            from tts.inference.published import PublishedPromptBuilder

            return PublishedPromptBuilder(config, rate, self.text_tokenizer, row.sampling)
        from tts.inference.piecewise import HubIds, PiecewisePromptBuilder, TextIds

        assert row.max_frames is not None
        nano = row.text_side == "nano"
        text: TextIds = self.text_tokenizer if nano else HubIds(self.text_tokenizer)
        return PiecewisePromptBuilder(
            config, rate, text, row.sampling, nano, row.max_frames, row.languages
        )

    @classmethod
    def load(
        cls,
        model: str | Path = "embedded",
        codec: str | Path | None = None,
        device: str = "cpu",
        dtype: torch.dtype = torch.float32,
        device_map: str | Mapping[str, Any] | None = None,
    ) -> Synthesizer:
        """Load a model.

        Args:
            model: 'embedded', a folder, or a hub id.
            codec: likewise; None means MODEL/codec if there is one, else the one that such
                models are made for.
            device: torch device, such as 'cpu' or 'cuda'.
            dtype: of the language model; the codec stays in float32.
            device_map: see `tts.model.checkpoint.load_model`.

        Raises:
            CheckpointError, ConfigError: something is missing, damaged or does not match.
        """
        folder = model_folder_of(model)
        language_model = load_prepared(folder, device, dtype, device_map)
        side = type_of(language_model.config).text_side
        text_tokenizer: Any = None
        if side == "nano":
            from tts.inference.piecewise import SentencePieceIds

            text_tokenizer = SentencePieceIds(folder / "tokenizer.model")
        elif side != "phonemes":
            from tts.inference.published import load_text_tokenizer

            text_tokenizer = load_text_tokenizer(folder)
        sound = load_codec(codec_name(model, codec), device, sparing=True)
        return cls(language_model, sound, str(model), text_tokenizer)

    @property
    def sample_rate(self) -> int:
        return self.codec.sample_rate

    @property
    def num_codebooks(self) -> int:
        return self.model.config.n_vq

    def voice(self, voice: str | Voice | None, text: str = "") -> Voice:
        """Resolve a name; without one it is the default of the language of `text`.

        A voice that came with the package fits published models too: its codes are decoded and
        taken as a recording.

        Raises:
            UnknownVoiceError: no such voice; lists those that exist.
            VoiceError: it was made with another tokenizer.
        """
        found = voice if isinstance(voice, Voice) else load_voice(voice, text)
        try:
            check_voice(found, self.codec)
        except VoiceError:
            other = found.shipped and not self.prompt_builder.needs_voice
            own = _embedded_codec() if other else None
            if own is None or codec_fingerprint(own) != found.codec:
                raise
            sound = samples_of(own.decode(found.codes[None]).clamp(-1, 1))
            sound = resample(sound, own.sample_rate, self.sample_rate)
            return self.prompt_voice(sound, found.name, found.transcript, found.lang)[0]
        return found

    def continues(self, prompt: Voice | None) -> bool:
        """Whether to go on, where nothing else is asked, where a prompt's recording ends."""
        return self.prompt_builder.continues and prompt is not None and bool(prompt.transcript)

    def _used(self, options: SpeechOptions) -> int:
        """Codebooks to generate; ValueError if there are not so many."""
        used = self.num_codebooks if options.num_codebooks is None else options.num_codebooks
        check_codebooks(used, self.model.config)
        return used

    def pieces(self, text: str, options: SpeechOptions) -> list[Piece]:
        """What the engine will be asked for, with remarks: one piece of text each.

        Raises:
            EmptyTextError: nothing in `text` can be spoken.
            ValueError: an option is out of range.
        """
        side = self.prompt_builder
        check_guidance(options.sampling or side.sampling, self.model.config)
        script = read_script_of(text, options)
        unnamed = options.voice is None and not side.needs_voice
        names = {passage.voice for passage in script.passages} - {""}
        voices: dict[str, Voice | None] = {name: self.voice(name) for name in sorted(names)}
        voices[""] = None if unnamed else self.voice(options.voice, text)
        if options.check:
            self.load_listener()
        return pieces_of(script, side, voices, options, self._used(options))

    def load_listener(self) -> Listener:
        """Who reads back what was said, loaded once.

        Raises:
            CheckpointError: there is none for this tokenizer, or it has no limits to check by.
        """
        if self.guard.listener is None:
            from tts.listen.folder import check_limits

            check_limits(self._listener)
            self.guard = replace(self.guard, listener=self._listener)
        assert self.guard.listener is not None
        return self.guard.listener

    @cached_property
    def _listener(self) -> Listener:
        from tts.listen.folder import load_listener

        return load_listener(self.listener, self.codec, self.codec.device)

    @cached_property
    def ears(self) -> Ears:
        """The listener, and what else it needs to write; CheckpointError where there is none."""
        from tts.listen.folder import load_writer
        from tts.listen.transcribe import Ears

        return Ears(self._listener, load_writer(self.listener), self.codec)

    def requests(self, text: str, options: SpeechOptions) -> list[Request]:
        """The requests of `pieces`."""
        return [piece.request for piece in self.pieces(text, options)]

    def speak(
        self, pieces: Sequence[Piece], options: SpeechOptions, held: bool = False
    ) -> Iterator[Event]:
        """The events of speaking what `pieces` gave for the same options, in order.

        Args:
            held: as `PieceLoop` has it. Where nothing is heard before the end of a piece, the
                pieces of a long text are spoken at once, in any order; the samples are the same.
        """
        # What is to be read back is not heard before.
        together = options.check or (held and len(pieces) > 1)
        loop = PieceLoop(
            self.model,
            self.codec,
            options.sampling or self.prompt_builder.sampling,
            self.guard,
            BATCH,
            "chunks" if together else "live",
            held or options.check,
            self.type.pace,
        )
        yield TextBegun(pieces)
        joiner = Joiner(pieces, self.sample_rate, self.codec.frame_size, self.codec.channels)
        events = loop.run(enumerate(pieces))
        if together:
            yield from self._in_order(joiner, events)
            return
        for event in events:
            if isinstance(event, AudioChunk):
                yield from self._joined(joiner, event)
                continue
            yield event
            if isinstance(event, PieceBegun):
                yield from self._gap(event.key, joiner.begin())
            elif isinstance(event, Retried) and held:
                yield from self._gap(event.key, joiner.again())

    def _in_order(self, joiner: Joiner, events: Iterator[Event]) -> Iterator[Event]:
        """Events of pieces that end in any order, and their sound in the order of the text."""
        waiting: dict[Key, PieceDone] = {}
        for event in events:
            yield event
            if isinstance(event, PieceDone):
                waiting[event.key] = event
            while (end := waiting.pop(joiner.number + 1, None)) is not None:
                yield from self._gap(end.key, joiner.begin())
                chunk = AudioChunk(end.wav, end.codes, end.finished_by, end.key, end.places)
                yield from self._joined(joiner, chunk)

    def _joined(self, joiner: Joiner, chunk: AudioChunk) -> Iterator[Event]:
        """What is ready of a chunk, and what is known by it."""
        wav, words = joiner.push(chunk.wav, chunk.places)
        if chunk.finished_by is not None:
            rest = joiner.finish()
            wav, words = np.concatenate([wav, rest.wav]), words + rest.words
        yield chunk._replace(wav=wav)
        sentence = None if chunk.finished_by is None else joiner.sentence()
        if words or sentence:
            yield TextTimed(words, sentence, chunk.key)

    def stream(self, text: str, options: SpeechOptions | None = None) -> Iterator[AudioChunk]:
        """Speak piece by piece, sound as soon as the codec can make it.

        The chunks joined are the samples that `synthesize` returns for the same seed, unless
        that had to speak a piece again.

        Raises:
            EmptyTextError: nothing in `text` can be spoken.
            ValueError: an option is out of range.
        """
        options = options or SpeechOptions()
        for event in self.speak(self.pieces(text, options), options):
            if isinstance(event, AudioChunk):
                yield event

    def synthesize(
        self,
        text: str,
        options: SpeechOptions | None = None,
        heard: Callable[[np.ndarray], object] | None = None,
        watch: Callable[[Event], object] | None = None,
    ) -> Synthesis:
        """Speak all of a text.

        A piece that goes wrong is said again as `tts.inference.guard.Guard` allows; where `heard`
        is given only as long as nothing of it has been heard.

        Args:
            heard: gets each chunk, float32 (N,) or (N, channels), as soon as it is ready.
            watch: gets every event of `tts.inference.events`.

        Raises:
            EmptyTextError: nothing in `text` can be spoken.
            ValueError: an option is out of range.
        """
        options = options or SpeechOptions()
        begun = time.monotonic()
        pieces = self.pieces(text, options)
        events = self.speak(pieces, options, held=heard is None)
        collected = Collector(begun, len(pieces), heard)
        for event in events:
            if watch is not None:
                watch(event)
            collected.take(event)
        return collected.synthesis(pieces, options.seed, self.codec)

    def _gap(self, key: Key, silence: np.ndarray) -> Iterator[AudioChunk]:
        if len(silence):
            none = torch.zeros((self.num_codebooks, 0), dtype=torch.int64)
            yield AudioChunk(silence, none, None, key)


@lru_cache(maxsize=1)
def _embedded_codec() -> CatTokenizer:
    return load_codec(sparing=True)
