"""From an item to the sentences that the engine speaks, and from their frames to its sound.

Everything here concerns one item alone, so that its result cannot depend on its neighbours.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace

import numpy as np
import torch
from torch import Tensor

from tokenizer.audio import AudioError
from tokenizer.packing import code_bits
from tts.batch.guard import asked_pause_s, code_complaint, sound_complaint
from tts.batch.plan import Item, Settings
from tts.batch.prompts import Prompts
from tts.batch.sources import SourceError
from tts.engine import Request
from tts.synthesizer import GAP_S, RESEED, SpeechOptions, Synthesizer
from tts.voices import Voice, VoiceError


@dataclass(frozen=True, eq=False)
class Rendered:
    """A finished item.

    Attributes:
        codes: int64 (k, T), all pieces joined.
        wav: float32 (N,) in [-1, 1]; None where only codes are wanted.
        seconds: of speech.
        pieces: text, start and end in seconds of each sentence.
        retries: pieces that were spoken again with another seed.
        compute_s: time spent; an item of a batch is charged its share of a step.
        code_bits: that a code takes.
    """

    codes: Tensor
    wav: np.ndarray | None
    seconds: float
    pieces: tuple[tuple[str, float, float], ...]
    retries: int
    compute_s: float
    code_bits: int


@dataclass(frozen=True)
class Failure:
    """An item that cannot be done.

    Attributes:
        reason: why.
        lasting: trying again would be of no use.
        retries: pieces that were spoken again with another seed.
    """

    reason: str
    lasting: bool
    retries: int = 0


Outcome = Rendered | Failure


@dataclass(frozen=True)
class Heard:
    """What came of a piece.

    Attributes:
        codes: int64 (k, T).
        wav: float32 (N,) where sound is wanted, else None.
        complaint: what is wrong with it; None where all is well.
        compute_s: time spent on finding out.
    """

    codes: Tensor
    wav: np.ndarray | None
    complaint: str | None
    compute_s: float


@dataclass(eq=False)
class Piece:
    """A sentence on its way.

    Attributes:
        work: the item it belongs to.
        text: of the sentence.
        request: what the engine is asked for; its seed changes from attempt to attempt.
        frames: codes (k,) spoken so far, those of a continued prompt included.
        attempt: counts up from 0.
        codes: int64 (k, T), once it has ended well.
        wav: float32 (N,), once it has ended well and sound is wanted.
    """

    work: Work
    text: str
    request: Request
    frames: list[Tensor] = field(default_factory=list)
    attempt: int = 0
    codes: Tensor | None = None
    wav: np.ndarray | None = None


@dataclass(eq=False)
class Work:
    """An item on its way; `given_up` once a piece of it has failed for good."""

    item: Item
    num_codebooks: int
    pieces: list[Piece] = field(default_factory=list)
    retries: int = 0
    compute_s: float = 0.0
    given_up: bool = False


class Workshop:
    """Opens items, judges their pieces, puts them together."""

    def __init__(self, synthesizer: Synthesizer, settings: Settings, prompts: Prompts) -> None:
        self.synthesizer, self.settings, self.prompts = synthesizer, settings, prompts
        self.voices: dict[str | None, Voice] = {}

    def open(self, item: Item) -> Work | Failure:
        """An item's pieces; its prompt is encoded if it was not before.

        Raises:
            OutputError: the codes of its prompt cannot be kept.
        """
        row = item.row
        begun = time.monotonic()
        try:
            voice = self.prompts.voice(item) if row.prompt_wav else self._named_voice(row.voice)
        except (SourceError, AudioError, VoiceError) as error:
            return Failure(str(error), lasting=False)
        options = SpeechOptions(
            voice=voice,
            lang=row.lang,
            seed=row.seed,
            num_codebooks=row.num_codebooks,
            sampling=self.synthesizer.text_side.sampling.having(dict(row.sampling)),
            continuation=bool(row.prompt_wav and voice and voice.transcript),
        )
        try:
            parts = self.synthesizer.pieces(row.text, options)
        except ValueError as error:
            return Failure(str(error), lasting=True)
        work = Work(item, row.num_codebooks or self.synthesizer.num_codebooks)
        for part in parts:
            request = replace(part.request, sampling=options.sampling)
            work.pieces.append(Piece(work, part.text, request))
        work.compute_s = time.monotonic() - begun
        return work

    def _named_voice(self, name: str | None) -> Voice | None:
        """Read and checked once; there are few. None where no voice is named nor needed."""
        if name is None and not self.synthesizer.text_side.needs_voice:
            return None
        if name not in self.voices:
            self.voices[name] = self.synthesizer.voice(name)
        return self.voices[name]

    def hear(self, piece: Piece, finished_by: str) -> Heard:
        """Decode a piece that has ended, and listen to it.

        Changes nothing, and may run on a thread of its own.
        """
        begun = time.monotonic()
        settings, codec = self.settings, self.synthesizer.codec
        forced = piece.request.forced
        before = 0 if forced is None else forced.shape[1]
        spoken = piece.frames[before:]
        empty = torch.zeros((piece.work.num_codebooks, 0), dtype=torch.int64)
        codes = torch.stack(spoken, dim=1).cpu() if spoken else empty
        pause = asked_pause_s(piece.text)
        longest = settings.max_repeat_s and settings.max_repeat_s + pause
        complaint, wav = code_complaint(codes, finished_by, codec.frame_rate, longest), None
        if complaint is None and not settings.codes_only:
            wav = self._decode(codes, piece.request)
            longest = settings.max_silence_s and settings.max_silence_s + pause
            complaint = sound_complaint(wav, codec.sample_rate, longest)
        return Heard(codes, wav, complaint, time.monotonic() - begun)

    def judge(self, piece: Piece, heard: Heard) -> Outcome | None:
        """Decide how the item of a piece that was heard goes on.

        Returns:
            The item's result if this settles it. None otherwise: then either `piece.codes` is
            set, or the piece is to be spoken again as `piece.request` now says.
        """
        work = piece.work
        work.compute_s += heard.compute_s
        if heard.complaint is None:
            piece.codes, piece.wav = heard.codes, heard.wav
            if any(other.codes is None for other in work.pieces):
                return None
            joined = self._join(work)
            # Pieces and work hold each other; left to the garbage collector, their sounds would
            # stay for thousands of items.
            work.pieces.clear()
            return joined
        if piece.attempt < self.settings.retries:
            piece.attempt += 1
            work.retries += 1
            piece.frames = []
            piece.request = replace(piece.request, seed=piece.request.seed + RESEED)
            return None
        work.given_up = True
        number = work.pieces.index(piece) + 1
        where = f"sentence {number} of {len(work.pieces)}: " if len(work.pieces) > 1 else ""
        work.pieces.clear()
        return Failure(
            f"{where}{heard.complaint} ({piece.attempt + 1} attempts)", True, work.retries
        )

    @torch.inference_mode()
    def _decode(self, codes: Tensor, request: Request) -> np.ndarray:
        """float32 (N,); decoded alone, so that no neighbour changes a bit of it."""
        codec = self.synthesizer.codec
        context = request.context if request.forced is None else request.forced
        before = 0
        if context is not None:  # the codec needs it, the listener does not
            before = context.shape[1]
            codes = torch.cat([context[: len(codes)].cpu(), codes], dim=1)
        wav = codec.decode(codes[None])[0, 0, before * codec.frame_size :]
        return wav.float().clamp(-1, 1).cpu().numpy()

    def _join(self, work: Work) -> Rendered:
        """All pieces, with pauses between them."""
        codec = self.synthesizer.codec
        rate, position = codec.sample_rate, 0
        gap = np.zeros(round(GAP_S * rate), np.float32)
        wavs: list[np.ndarray] = []
        times = []
        for number, piece in enumerate(work.pieces):
            assert piece.codes is not None
            if number:
                wavs.append(gap)
                position += len(gap)
            end = position + piece.codes.shape[1] * codec.frame_size
            times.append((piece.text, position / rate, end / rate))
            position = end
            if piece.wav is not None:
                wavs.append(piece.wav)
        return Rendered(
            codes=torch.cat([p.codes for p in work.pieces if p.codes is not None], dim=1),
            wav=None if self.settings.codes_only else np.concatenate(wavs),
            seconds=position / rate,
            pieces=tuple(times),
            retries=work.retries,
            compute_s=work.compute_s,
            code_bits=code_bits(codec.codebook_size),
        )
