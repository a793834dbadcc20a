"""Text to sound: the one place that joins front end, language model and codec."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

import frontend
from frontend.split import split_sentences
from tokenizer.checkpoint import load_codec
from tokenizer.model import CatTokenizer, CodecState
from tts.checkpoint import load_model
from tts.config import ChannelSampling, SamplingConfig
from tts.engine import Frame, Request, generate
from tts.model import TtsModel
from tts.prompt import Monologue, prompt_rows, text_ids
from tts.voices import Voice, check_voice, load_voice

# By the recogniser's error rate on ten development sentences: .56 for voice rms, against .58
# greedy and .84 with temperatures .5 and .6.
EMBEDDED_SAMPLING = SamplingConfig(
    text=ChannelSampling(temperature=0.3), audio=ChannelSampling(temperature=0.3, top_k=50)
)
MAX_CHARS = 160
# Nothing speaks slower than this; with a symbol every 80 ms or so it is three times too much.
FRAMES_PER_SYMBOL, SPARE_FRAMES = 3, 25
RESEED = 1_000_003
GAP_S = 0.12


@dataclass(frozen=True)
class SpeechOptions:
    """What one call wants.

    Attributes:
        voice: name of a voice, or a `Voice`; None means the model's default.
        lang: 'auto', 'en' or 'zh'.
        seed: same text, options and seed give the same samples.
        num_codebooks: codebooks to generate, 1..K; None means all.
        sampling: None means what suits the model.
        max_chars: longest piece that a text is split into.
        continuation: go on speaking where the voice's recording ends (its transcript must be
            known), instead of taking it as a reference only.
    """

    voice: str | Voice | None = None
    lang: str = "auto"
    seed: int = 0
    num_codebooks: int | None = None
    sampling: SamplingConfig | None = None
    max_chars: int = MAX_CHARS
    continuation: bool = False


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

    @property
    def frames(self) -> int:
        return self.codes.shape[1]

    @property
    def rtf(self) -> float:
        """Computing time over audio time."""
        return self.compute_s / max(self.seconds, 1e-9)


@dataclass
class Synthesizer:
    """A model with its codec, ready to speak. Stateless between calls."""

    model: TtsModel
    codec: CatTokenizer
    name: str = "embedded"

    def __post_init__(self) -> None:
        config, codec = self.model.config, self.codec
        if config.phonemes is None:
            raise ValueError(
                f"model {self.name!r} reads no phonemes; only models with a `phonemes` entry in "
                "config.json can be spoken with so far"
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
        cls, model: str | Path = "embedded", codec: str | Path | None = None, device: str = "cpu"
    ) -> Synthesizer:
        """Load a model.

        Args:
            model: 'embedded' or a folder.
            codec: 'embedded' or a folder; None means MODEL/codec if there is one, else embedded.
            device: torch device, such as 'cpu' or 'cuda'.

        Raises:
            CheckpointError, ConfigError: something is missing, damaged or does not match.
        """
        own = Path(model) / "codec"
        codec = codec or (own if own.is_dir() else "embedded")
        return cls(load_model(model, device), load_codec(codec, device), str(model))

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
        for number, piece in enumerate(self.requests(text, options)):
            if number:
                wavs.append(self._gap().wav)
            chunks, first_s = self._collect(piece, options)
            first = first or first_s
            if _failed(chunks):
                retries += 1
                chunks, _ = self._collect(replace(piece, seed=piece.seed + RESEED), options)
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
        )

    def requests(self, text: str, options: SpeechOptions) -> list[Request]:
        """What the engine will be asked for: one request per piece of text.

        Raises:
            EmptyTextError: nothing in `text` can be spoken.
            ValueError: an option is out of range.
        """
        voice = self.voice(options.voice)
        pieces = split_sentences(text, options.max_chars)
        spoken = [u for u in (_phonemize(p, options.lang) for p in pieces) if u is not None]
        if not spoken:
            raise frontend.EmptyTextError(
                f"nothing to say in {text[:40]!r}; give at least one letter, digit or character"
            )
        return [
            self._request(utterance.symbols, voice, replace(options, seed=options.seed + i))
            for i, utterance in enumerate(spoken)
        ]

    def _request(self, symbols: tuple[str, ...], voice: Voice, options: SpeechOptions) -> Request:
        config = self.model.config
        assert config.phonemes is not None
        codes = voice.codes[: self._used(options)]
        forced, limit = None, None
        if options.continuation:
            if not voice.transcript:
                raise ValueError(
                    f"voice {voice.name!r} has no transcript; continuation needs its words"
                )
            lang = voice.lang if voice.lang in ("en", "zh") else "auto"
            before = frontend.phonemize(voice.transcript, lang).symbols
            symbols, limit, forced = before + symbols, len(before), codes
        ids = text_ids(symbols, config.phonemes)
        spoken = 0 if forced is None else forced.shape[1]
        budget = SPARE_FRAMES + FRAMES_PER_SYMBOL * (len(ids) - (limit or 0))
        return Request(
            rows=prompt_rows(ids, codes, config),
            seed=options.seed,
            max_frames=spoken + budget,
            monologue=Monologue(ids, config.audio_end_token_id, limit=limit),
            forced=forced,
        )

    def _collect(self, request: Request, options: SpeechOptions) -> tuple[list[AudioChunk], float]:
        """All chunks of a piece, and when the first one was ready."""
        stream = self._speak(request, options)
        first = next(stream)
        ready = time.monotonic()
        return [first, *stream], ready

    def _speak(self, request: Request, options: SpeechOptions) -> Iterator[AudioChunk]:
        """One piece: frames are decoded in chunks of 1, 2, 4, then 8."""
        state: CodecState | None = None
        waiting: list[Tensor] = []
        count, size = 0, 1
        used = self._used(options)
        sampling = options.sampling or EMBEDDED_SAMPLING
        frames: Iterator[Frame] = generate(self.model, [request], sampling, used)
        if request.forced is not None:  # the codec needs its context, the listener does not
            _, state = self._decode(list(request.forced.unbind(1)), None)
            count = sum(1 for _ in islice(frames, request.forced.shape[1]))
        for frame in frames:
            waiting.append(frame.codes[0])
            count += 1
            if len(waiting) == size:
                chunk, state = self._decode(waiting, state)
                yield AudioChunk(chunk, torch.stack(waiting, dim=1).cpu(), None)
                waiting, size = [], min(2 * size, 8)
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


def _phonemize(piece: str, lang: str) -> frontend.Utterance | None:
    """None for a piece with nothing to say in it, such as a lone bracket."""
    try:
        return frontend.phonemize(piece, lang)
    except frontend.EmptyTextError:
        return None


def _failed(chunks: list[AudioChunk]) -> bool:
    return chunks[-1].finished_by != "eos" or not any(c.frames for c in chunks)
