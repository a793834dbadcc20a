"""Text to sound: the one place that joins front end, language model and codec."""

from __future__ import annotations

import hashlib
import time
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from tokenizer.checkpoint import load_codec
from tokenizer.decoder import DECODER, use_decoder
from tokenizer.model import CatTokenizer, CodecState
from tts.checkpoint import codec_name, load_model, model_folder_of
from tts.config import check_guidance
from tts.engine import Frame, Request, generate
from tts.model import TtsModel
from tts.texts import (
    EMBEDDED_SAMPLING,
    MAX_CHARS,
    PhonemeText,
    Piece,
    PublishedText,
    SpeechOptions,
    TextSide,
    load_text_tokenizer,
)
from tts.voices import Voice, check_voice, load_voice, voice_from_audio

__all__ = [
    "EMBEDDED_SAMPLING",
    "GAP_S",
    "MAX_CHARS",
    "RESEED",
    "AudioChunk",
    "SpeechOptions",
    "Synthesis",
    "Synthesizer",
]

RESEED = 1_000_003
GAP_S = 0.12
# Chunks of sound grow up to this length.
LONGEST_CHUNK_S = 0.64
# Prompts whose codes are kept.
KEPT_PROMPTS = 32


class AudioChunk(NamedTuple):
    """A piece of sound as it becomes ready.

    wav: float32 (N,) in [-1, 1]; codes: int64 (k, t) that it came from; finished_by: None until
    the last chunk of a piece of text, then 'eos' or 'budget'.
    """

    wav: np.ndarray
    codes: Tensor
    finished_by: str | None

    @property
    def frames(self) -> int:
        return self.codes.shape[1]


@dataclass(frozen=True)
class Synthesis:
    """A finished call.

    Attributes:
        wav: float32 (N,) in [-1, 1] at `sample_rate` Hz.
        codes: int64 (k, T), all pieces joined.
        seconds: of audio. compute_s, ttfa_ms: time spent, and until the first chunk was ready.
        finished_by: 'eos', or 'budget' if a piece was cut off by its frame budget.
        retries: pieces that were spoken a second time with another seed.
        notes: what the front end dropped or guessed, for the user to read.
    """

    wav: np.ndarray
    sample_rate: int
    codes: Tensor
    seconds: float
    compute_s: float
    ttfa_ms: float
    seed: int
    finished_by: str
    retries: int = 0
    notes: tuple[str, ...] = ()

    @property
    def frames(self) -> int:
        return self.codes.shape[1]

    @property
    def rtf(self) -> float:
        """Computing time over audio time."""
        return self.compute_s / max(self.seconds, 1e-9)


@dataclass
class Synthesizer:
    """A model with its codec, ready to speak. Stateless between calls.

    text_tokenizer: of a published model; None where the model reads phonemes.
    """

    model: TtsModel
    codec: CatTokenizer
    name: str = "embedded"
    text_tokenizer: Any = None
    _prompts: OrderedDict[str, tuple[Voice, tuple[str, ...]]] = field(
        default_factory=OrderedDict, repr=False
    )

    def __post_init__(self) -> None:
        config, codec = self.model.config, self.codec
        self.text_side: TextSide
        if config.phonemes is not None:
            self.text_side = PhonemeText(config, codec.frame_rate)
        elif self.text_tokenizer is not None:
            self.text_side = PublishedText(config, codec.frame_rate, self.text_tokenizer)
        else:
            raise ValueError(
                f"model {self.name!r} has neither a `phonemes` entry in config.json nor a text "
                "tokenizer; load it with Synthesizer.load, from a folder with tokenizer.json"
            )
        fits = config.audio_vocab_size == codec.codebook_size and config.n_vq <= codec.num_codebooks
        if not fits or config.sampling_rate != codec.sample_rate:
            raise ValueError(
                f"model {self.name!r} was trained for {config.n_vq} x {config.audio_vocab_size} "
                f"codes at {config.sampling_rate} Hz, the codec has {codec.num_codebooks} x "
                f"{codec.codebook_size} at {codec.sample_rate} Hz; give the codec it was made for"
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
                models are made for. MODEL/decoder.safetensors takes the place of the decoder
                of the tokenizer for whose codes it was made.
            device: torch device, such as 'cpu' or 'cuda'.
            dtype: of the language model; the codec stays in float32.
            device_map: see `tts.checkpoint.load_model`.

        Raises:
            CheckpointError, ConfigError: something is missing, damaged or does not match.
        """
        folder = model_folder_of(model)
        language_model = load_model(folder, device, dtype, device_map)
        published = language_model.config.phonemes is None
        text_tokenizer = load_text_tokenizer(folder) if published else None
        sound = load_codec(codec_name(model, codec), device)
        if (folder / DECODER).is_file():
            use_decoder(sound, folder / DECODER)
        return cls(language_model, sound, str(model), text_tokenizer)

    @property
    def sample_rate(self) -> int:
        return self.codec.sample_rate

    @property
    def num_codebooks(self) -> int:
        return self.model.config.n_vq

    def voice(self, voice: str | Voice | None) -> Voice:
        """Resolve a name.

        Raises:
            UnknownVoiceError: no such voice; lists those that exist.
            VoiceError: it was made with another tokenizer.
        """
        found = voice if isinstance(voice, Voice) else load_voice(voice)
        check_voice(found, self.codec)
        return found

    def prompt_voice(
        self,
        wav: np.ndarray,
        name: str = "prompt",
        transcript: str = "",
        lang: str | None = None,
        source: str = "",
    ) -> tuple[Voice, tuple[str, ...]]:
        """Make a voice from a recording, as `tts.voices.voice_from_audio` does.

        The last few recordings are remembered by their content and not encoded again.
        """
        digest = hashlib.sha256(np.ascontiguousarray(wav).tobytes())
        digest.update(repr((wav.shape, name, transcript, lang, source)).encode())
        key = digest.hexdigest()
        if key not in self._prompts:
            whole = not isinstance(self.text_side, PhonemeText)
            made = voice_from_audio(self.codec, wav, name, transcript, lang, source, whole=whole)
            self._prompts[key] = made
            while len(self._prompts) > KEPT_PROMPTS:
                self._prompts.popitem(last=False)
        self._prompts.move_to_end(key)
        return self._prompts[key]

    def _used(self, options: SpeechOptions) -> int:
        """Codebooks to generate; ValueError if there are not so many."""
        used = self.num_codebooks if options.num_codebooks is None else options.num_codebooks
        if not 1 <= used <= self.num_codebooks:
            raise ValueError(f"num_codebooks is {used}; this model has 1..{self.num_codebooks}")
        return used

    def stream(self, text: str, options: SpeechOptions | None = None) -> Iterator[AudioChunk]:
        """Speak piece by piece, sound as soon as the codec can make it.

        The chunks joined are the samples that `synthesize` returns for the same seed, unless
        that had to speak a piece again.

        Raises:
            EmptyTextError: nothing in `text` can be spoken.
            ValueError: an option is out of range.
        """
        options = options or SpeechOptions()
        for number, piece in enumerate(self.requests(text, options)):
            if number:
                yield self._gap()
            yield from self._speak(piece, options)

    def synthesize(self, text: str, options: SpeechOptions | None = None) -> Synthesis:
        """Speak all of a text; a piece that runs away or stays empty is said once more.

        Raises:
            EmptyTextError: nothing in `text` can be spoken.
            ValueError: an option is out of range.
        """
        options = options or SpeechOptions()
        begun, first = time.monotonic(), 0.0
        wavs: list[np.ndarray] = []
        codes: list[Tensor] = []
        finished, retries = "eos", 0
        pieces = self.pieces(text, options)
        for number, request in enumerate(piece.request for piece in pieces):
            if number:
                wavs.append(self._gap().wav)
            chunks, first_s = self._collect(request, options)
            first = first or first_s
            if _failed(chunks):
                retries += 1
                chunks, _ = self._collect(replace(request, seed=request.seed + RESEED), options)
            if chunks[-1].finished_by != "eos":
                finished = "budget"
            wavs += [c.wav for c in chunks]
            codes += [c.codes for c in chunks]
        wav = np.concatenate(wavs)
        return Synthesis(
            wav=wav,
            sample_rate=self.sample_rate,
            codes=torch.cat(codes, dim=1),
            seconds=len(wav) / self.sample_rate,
            compute_s=time.monotonic() - begun,
            ttfa_ms=1000 * (first - begun),
            seed=options.seed,
            finished_by=finished,
            retries=retries,
            notes=tuple(dict.fromkeys(note for piece in pieces for note in piece.notes)),
        )

    def pieces(self, text: str, options: SpeechOptions) -> list[Piece]:
        """What the engine will be asked for, with remarks: one piece of text each.

        Raises:
            EmptyTextError: nothing in `text` can be spoken.
            ValueError: an option is out of range.
        """
        side = self.text_side
        check_guidance(options.sampling or side.sampling, self.model.config)
        unnamed = options.voice is None and not side.needs_voice
        voice = None if unnamed else self.voice(options.voice)
        return side.pieces(text, voice, options, self._used(options))

    def requests(self, text: str, options: SpeechOptions) -> list[Request]:
        """The requests of `pieces`."""
        return [piece.request for piece in self.pieces(text, options)]

    def _collect(self, request: Request, options: SpeechOptions) -> tuple[list[AudioChunk], float]:
        """All chunks of a piece, and when the first one was ready."""
        stream = self._speak(request, options)
        first = next(stream)
        ready = time.monotonic()
        return [first, *stream], ready

    def _speak(self, request: Request, options: SpeechOptions) -> Iterator[AudioChunk]:
        """One piece: frames are decoded in chunks of 1, 2, 4 … up to LONGEST_CHUNK_S."""
        state: CodecState | None = None
        waiting: list[Tensor] = []
        count, size = 0, 1
        largest = max(1, round(LONGEST_CHUNK_S * self.codec.frame_rate))
        used = self._used(options)
        sampling = options.sampling or self.text_side.sampling
        frames: Iterator[Frame] = generate(self.model, [request], sampling, used)
        context = request.context if request.forced is None else request.forced
        if context is not None:  # the codec needs it, the listener does not
            _, state = self._decode(list(context.unbind(1)), None)
        if request.forced is not None:
            count = sum(1 for _ in islice(frames, request.forced.shape[1]))
        for frame in frames:
            waiting.append(frame.codes[0])
            count += 1
            if len(waiting) == size:
                chunk, state = self._decode(waiting, state)
                yield AudioChunk(chunk, torch.stack(waiting, dim=1).cpu(), None)
                waiting, size = [], min(2 * size, largest)
        by = "budget" if count >= request.max_frames else "eos"
        if not waiting:
            empty = torch.zeros((used, 0), dtype=torch.int64)
            yield AudioChunk(np.zeros(0, np.float32), empty, by)
            return
        chunk, state = self._decode(waiting, state)
        yield AudioChunk(chunk, torch.stack(waiting, dim=1).cpu(), by)

    @torch.inference_mode()
    def _decode(
        self, frames: list[Tensor], state: CodecState | None
    ) -> tuple[np.ndarray, CodecState]:
        latents = self.codec.quantizer.decode(torch.stack(frames, dim=1)[None])
        wav, state = self.codec.decode_latents(latents.to(self.codec.dtype), state)
        return wav[0, 0].float().clamp(-1, 1).cpu().numpy(), state

    def _gap(self) -> AudioChunk:
        silence = np.zeros(round(GAP_S * self.sample_rate), np.float32)
        return AudioChunk(silence, torch.zeros((self.num_codebooks, 0), dtype=torch.int64), None)


def _failed(chunks: list[AudioChunk]) -> bool:
    return chunks[-1].finished_by != "eos" or not any(c.frames for c in chunks)
