"""From a text to what the engine is asked for: what all models share, and those of phonemes.

Published models read the ids of their own text tokenizer inside a prompt template: in one
(`tts.inference.published`) or piece by piece (`tts.inference.piecewise`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from itertools import zip_longest
from typing import NamedTuple, Protocol

import frontend
from frontend.split import split_sentences
from frontend.symbols import joined, readable
from frontend.written import WrittenWord, written_words
from tts.control import PARAGRAPH_PAUSE_S, SENTENCE_PAUSE_S
from tts.inference.engine import Request
from tts.inference.prompt import Monologue, prompt_rows, text_ids
from tts.model.config import (
    EMBEDDED_SAMPLING,
    PhonemeConfig,
    SamplingConfig,
    TtsConfig,
)
from tts.voices import Voice

MAX_CHARS = 160
# Nothing speaks slower than this; with a symbol every 80 ms or so it is three times too much.
SECONDS_PER_SYMBOL, SPARE_S = 0.24, 2.0
# The longest that the monologue may stay on one symbol.
MAX_STAY_S = 1.2


@dataclass(frozen=True)
class SpeechOptions:
    """What one call wants.

    Attributes:
        voice: name of a voice, or a `Voice`; None means the model's default.
        lang: 'auto', 'en' or 'zh'.
        seed: same text, options and seed give the same samples.
        num_codebooks: codebooks to generate, 1..K; None means all.
        sampling: None means what suits the model.
        max_chars: longest piece that a text is split into; None means what suits the model.
        continuation: go on speaking where the voice's recording ends (its transcript must be
            known), instead of taking it as a reference only.
        language: name of the language, such as 'English', for published models; None leaves it
            to `lang`.
        duration: wanted length in frames of every piece, for published models; None leaves it
            to the model.
        speed: 1 is as the model speaks by itself, 0.25 to 4; pitch stays.
        cast: names of a play to voices, see `frontend.script`.
        ssml: the text is SSML; None tells by its beginning.
        sentence_pause_s, paragraph_pause_s: silence after each.
        check: read back what was said, and say a piece again of which a clause is missing or is
            said twice. Nothing of a piece is heard before.
        own_pauses: leave `[pause 1s]` in the text, to a published model that knows it.
    """

    voice: str | Voice | None = None
    lang: str = "auto"
    seed: int = 0
    num_codebooks: int | None = None
    sampling: SamplingConfig | None = None
    max_chars: int | None = None
    continuation: bool = False
    language: str | None = None
    duration: int | None = None
    speed: float = 1.0
    cast: Mapping[str, str] = field(default_factory=dict)
    ssml: bool | None = None
    sentence_pause_s: float = SENTENCE_PAUSE_S
    paragraph_pause_s: float = PARAGRAPH_PAUSE_S
    own_pauses: bool = False
    check: bool = False


class Piece(NamedTuple):
    """A stretch of text that is spoken at once.

    text: as the user wrote it. request: what the engine is asked for. size: symbols or tokens of
    the text. num_codebooks: k, to generate. notes: remarks for the user to read. words: places of
    its written words and their symbols; none where the model tells no places. voice: who speaks.
    at: its place in the whole text. before_s, after_s: silence around it. stretch: how much
    faster than the model says it. symbols: that should be heard, where they are to be checked.
    """

    text: str
    request: Request
    size: int
    num_codebooks: int
    notes: tuple[str, ...] = ()
    words: tuple[WrittenWord, ...] = ()
    voice: str = ""
    at: tuple[int, int] = (0, 0)
    before_s: float = 0.0
    after_s: float = 0.0
    stretch: float = 1.0
    symbols: tuple[str, ...] = ()


class PromptBuilder(Protocol):
    """How a model reads: its own sampling, whether someone must be named to speak, and whether it
    is better to go on where a recording ends, once its words are known, than to speak like it.
    """

    @property
    def sampling(self) -> SamplingConfig: ...

    @property
    def needs_voice(self) -> bool: ...

    @property
    def continues(self) -> bool: ...

    def pieces(
        self, text: str, voice: Voice | None, options: SpeechOptions, used: int
    ) -> list[Piece]:
        """What to ask the engine for.

        Args:
            text: to be spoken.
            voice: who speaks; None only where none is needed.
            options: of the call.
            used: codebooks in use.

        Raises:
            EmptyTextError: nothing in `text` can be spoken.
            ValueError: an option does not suit the model.
        """
        ...


def empty_text(text: str, notes: tuple[str, ...] = ()) -> frontend.EmptyTextError:
    """The error for a text in which nothing can be spoken; notes say what was left out."""
    why = f" ({'; '.join(notes)})" if notes else ""
    return frontend.EmptyTextError(
        f"nothing to say in {text[:40]!r}{why}; give at least one letter, digit or character",
        notes,
    )


def transcript_of(voice: Voice) -> str:
    """What a voice says; ValueError where that is not known."""
    if not voice.transcript:
        raise ValueError(f"voice {voice.name!r} has no transcript; continuation needs its words")
    return voice.transcript


@dataclass(frozen=True)
class PhonemePromptBuilder:
    """The embedded model's way: normalise, phonemize, one id a symbol, an inner monologue."""

    config: TtsConfig
    frame_rate: float
    sampling: SamplingConfig = EMBEDDED_SAMPLING
    needs_voice: bool = True

    @property
    def continues(self) -> bool:
        return self.config.phonemes is not None and self.config.phonemes.continues

    def pieces(
        self, text: str, voice: Voice | None, options: SpeechOptions, used: int
    ) -> list[Piece]:
        assert voice is not None
        for name in ("language", "duration"):
            if getattr(options, name) is not None:
                raise ValueError(f"{name} is for published models; this one does not read it")
        assert self.config.phonemes is not None
        phonemes = self.config.phonemes
        parts = split_sentences(text, options.max_chars or MAX_CHARS)
        pieces: list[Piece] = []
        unspoken: tuple[str, ...] = ()
        for part, following in zip_longest(parts, parts[1:], fillvalue=""):
            try:
                u = frontend.phonemize(part, options.lang)
            except frontend.EmptyTextError as error:
                unspoken += error.notes
                continue
            # A sentence that was cut in two goes on.
            symbols = readable(u.symbols, "," if following[:1].islower() else ".")
            own = replace(options, seed=options.seed + len(pieces))
            request = self._request(symbols, voice, own, used)
            words = written_words(u, options.lang)
            stretch = own.speed / pace_of(own.speed, phonemes)
            piece = Piece(part, request, len(symbols), used, u.notes, words, stretch=stretch)
            pieces.append(piece._replace(symbols=u.symbols) if options.check else piece)
        if not pieces:
            raise empty_text(text, unspoken)
        pieces[0] = pieces[0]._replace(notes=(*unspoken, *pieces[0].notes))
        return pieces

    def _request(
        self, symbols: tuple[str, ...], voice: Voice, options: SpeechOptions, used: int
    ) -> Request:
        assert self.config.phonemes is not None
        codes = voice.codes[:used]
        context = forced = limit = None
        if options.continuation:
            if self.continues:
                lang = voice.lang if voice.lang in ("en", "zh") else "auto"
                before = readable(frontend.phonemize(transcript_of(voice), lang).symbols)
                whole = joined(before, symbols)
                symbols, limit, forced = whole, len(whole) - len(symbols), codes
            else:
                context = codes
        ids = text_ids(symbols, self.config.phonemes)
        spoken = 0 if forced is None else forced.shape[1]
        pace = pace_of(options.speed, self.config.phonemes)
        budget_s = SPARE_S + SECONDS_PER_SYMBOL * (len(ids) - (limit or 0)) / min(pace, 1)
        stay = round(MAX_STAY_S * self.frame_rate / min(pace, 1))
        monologue = Monologue(
            ids, self.config.audio_end_token_id, max_stay=stay, limit=limit, speed=pace
        )
        return Request(
            rows=prompt_rows(ids, codes, self.config),
            seed=options.seed,
            max_frames=spoken + round(budget_s * self.frame_rate),
            monologue=monologue,
            forced=forced,
            context=context,
        )


def pace_of(speed: float, phonemes: PhonemeConfig) -> float:
    """The part of a speed that the monologue follows; the sound is stretched by the rest."""
    return min(max(speed, phonemes.slowest), phonemes.fastest)
