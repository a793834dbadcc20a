"""From items of a batch to results: what each needs is prepared, spoken, checked, put together.

Everything of an item is its own, so that its result cannot depend on its neighbours.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace

import numpy as np
import torch
from torch import Tensor

from tokenizer.audio import AudioError
from tokenizer.packing import code_bits
from tts.batch.plan import Item, Settings
from tts.batch.prompts import PromptVoices
from tts.batch.sources import SourceError
from tts.inference.events import Key, PieceDone
from tts.inference.guard import Guard
from tts.inference.joining import TimedSpan, join
from tts.inference.prompt_builders import Piece
from tts.inference.speaking import PieceLoop
from tts.synthesizer import SpeechOptions, Synthesizer
from tts.voices import Voice, VoiceError


@dataclass(frozen=True, eq=False)
class Rendered:
    """A finished item.

    Attributes:
        codes: int64 (k, T), all pieces joined.
        wav: float32 (N,) in [-1, 1]; None where only codes are wanted.
        seconds: of speech.
        words, sentences: when each is heard; none where only codes are wanted.
        retries: pieces that were spoken again with another seed.
        compute_s: time spent; an item of a batch is charged its share of a step.
        code_bits: that a code takes.
        check, errors: as the ledger has them.
    """

    codes: Tensor
    wav: np.ndarray | None
    seconds: float
    words: tuple[TimedSpan, ...]
    sentences: tuple[TimedSpan, ...]
    retries: int
    compute_s: float
    code_bits: int
    check: float | None = None
    errors: float = 0.0


@dataclass(frozen=True)
class Failed:
    """An item that cannot be done.

    Attributes:
        reason: why.
        lasting: trying again would be useless.
        retries: pieces that were spoken again with another seed.
    """

    reason: str
    lasting: bool
    retries: int = 0


Outcome = Rendered | Failed


@dataclass(eq=False)
class _Work:
    """An item on its way; `given_up` once a piece of it has failed for good."""

    item: Item
    pieces: list[Piece]
    compute_s: float
    done: dict[int, PieceDone] = field(default_factory=dict)
    given_up: bool = False


class ItemRenderer:
    """What a batch run asks for: items in, sounds out.

    Args:
        synthesizer: speaks.
        settings: of the run.
        prompts: voices of prompt recordings.
        batch_size: sentences spoken at once.
    """

    def __init__(
        self,
        synthesizer: Synthesizer,
        settings: Settings,
        prompts: PromptVoices,
        batch_size: int,
    ) -> None:
        self.synthesizer, self.settings, self.prompts = synthesizer, settings, prompts
        self.loop = PieceLoop(
            synthesizer.model,
            synthesizer.codec,
            synthesizer.prompt_builder.sampling,
            Guard(
                settings.retries,
                settings.max_silence_s,
                settings.max_repeat_s,
                synthesizer.guard.listener,
            ),
            batch_size,
            "none" if settings.codes_only else "whole",
        )
        self._voices: dict[str | None, Voice] = {}
        self._works: dict[str, _Work] = {}
        self._failed: deque[tuple[Item, Failed]] = deque()

    def render(
        self, items: Iterable[Item], stopped: Callable[[], bool]
    ) -> Iterator[tuple[Item, Outcome]]:
        """Speak items; yields them as they get ready, in any order.

        Once `stopped` says so it ends after the frame in hand; what is unfinished is dropped.
        """
        for event in self.loop.run(self._pieces(items)):
            while self._failed:
                yield self._failed.popleft()
            if isinstance(event, PieceDone):
                outcome = self._settle(event)
                if outcome is not None:
                    yield outcome
            if stopped():
                return
        yield from self._failed

    def _pieces(self, items: Iterable[Item]) -> Iterator[tuple[Key, Piece]]:
        for item in items:
            work = self.prepare(item)
            if isinstance(work, Failed):
                self._failed.append((item, work))
                continue
            self._works[item.row.id] = work
            for number, piece in enumerate(work.pieces):
                if work.given_up:
                    break
                yield (item.row.id, number), piece

    def prepare(self, item: Item) -> _Work | Failed:
        """An item's pieces; its prompt is encoded if it was not before.

        Raises:
            OutputError: the codes of its prompt cannot be kept.
        """
        row, begun = item.row, time.monotonic()
        try:
            voice = self.prompts.voice(item) if row.prompt_wav else self._named_voice(row.voice)
        except (SourceError, AudioError, VoiceError) as error:
            return Failed(str(error), lasting=False)
        options = SpeechOptions(
            voice=voice,
            lang=row.lang,
            seed=row.seed,
            num_codebooks=row.num_codebooks,
            sampling=self.synthesizer.prompt_builder.sampling.with_overrides(dict(row.sampling)),
            continuation=bool(row.prompt_wav) and self.synthesizer.continues(voice),
            speed=row.speed,
            sentence_pause_s=self.settings.sentence_pause_s,
            paragraph_pause_s=self.settings.paragraph_pause_s,
            cast=dict(self.settings.cast),
            ssml=self.settings.ssml,
            check=row.check,
        )
        try:
            pieces = self.synthesizer.pieces(row.text, options)
        except ValueError as error:
            return Failed(str(error), lasting=True)
        own = [p._replace(request=replace(p.request, sampling=options.sampling)) for p in pieces]
        return _Work(item, own, time.monotonic() - begun)

    def _named_voice(self, name: str | None) -> Voice | None:
        """Read and checked once; there are few. None where no voice is named nor needed."""
        if name is None and not self.synthesizer.prompt_builder.needs_voice:
            return None
        if name not in self._voices:
            self._voices[name] = self.synthesizer.voice(name)
        return self._voices[name]

    def _settle(self, event: PieceDone) -> tuple[Item, Outcome] | None:
        """An item and its result, if this piece settles it."""
        assert isinstance(event.key, tuple)
        name, number = event.key
        work = self._works[name]
        work.done[number] = event
        # What was read back and stayed wrong is kept, the best of it, with its figure.
        good = event.complaint is None or event.check is not None
        if good and len(work.done) < len(work.pieces):
            return None
        del self._works[name]
        if good:
            return work.item, self._joined(work)
        work.given_up = True
        self.loop.drop(lambda key: isinstance(key, tuple) and key[0] == name)
        where = f"sentence {number + 1} of {len(work.pieces)}: " if len(work.pieces) > 1 else ""
        reason = f"{where}{event.complaint} ({event.attempts} attempts)"
        return work.item, Failed(reason, True, _retries(work))

    def _joined(self, work: _Work) -> Rendered:
        """All pieces, with pauses between them."""
        codec = self.synthesizer.codec
        ends = [work.done[number] for number in range(len(work.pieces))]
        codes = torch.cat([end.codes for end in ends], dim=1)
        sounds = [] if self.settings.codes_only else [(end.wav, end.places) for end in ends]
        whole = join(work.pieces, sounds, codec)
        wav = None if self.settings.codes_only else whole.wav
        samples = codes.shape[1] * codec.frame_size if wav is None else len(wav)
        return Rendered(
            codes=codes,
            wav=wav,
            seconds=samples / codec.sample_rate,
            words=whole.words,
            sentences=whole.sentences,
            retries=_retries(work),
            compute_s=work.compute_s + sum(end.compute_s for end in ends),
            code_bits=code_bits(codec.codebook_size),
            **self._heard(ends),
        )

    def _heard(self, ends: list[PieceDone]) -> dict[str, float]:
        """What the ledger says of pieces that were read back."""
        listener, checks = self.loop.guard.listener, [end.check for end in ends if end.check]
        if listener is None or not checks:
            return {}
        errors = sum(check.errors for check in checks) / max(1, sum(c.sounds for c in checks))
        worst = max(check.worst(listener.config.check) for check in checks)
        return {"check": round(worst, 3), "errors": round(errors, 4)}


def _retries(work: _Work) -> int:
    return sum(end.attempts - 1 for end in work.done.values())
