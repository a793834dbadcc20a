"""From a text to what the engine is asked for: the two ways in which models read.

The embedded model reads phonemes of `frontend`; published ones read the ids of their own text
tokenizer inside a prompt template.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from itertools import zip_longest
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import torch
from torch import Tensor

import frontend
from frontend.clean import HAN
from frontend.split import split_sentences
from frontend.symbols import joined, readable
from frontend.written import WrittenWord, written_words
from tokenizer.hub import CheckpointError
from tts.control import PARAGRAPH_PAUSE_S, SENTENCE_PAUSE_S
from tts.inference.engine import Request
from tts.inference.prompt import Monologue, audio_rows, prompt_rows, text_ids, text_rows
from tts.model.config import (
    EMBEDDED_SAMPLING,
    PUBLISHED_SAMPLING,
    PhonemeConfig,
    RowConfig,
    SamplingConfig,
    TtsConfig,
)
from tts.model.delay import DelayConfig, delayed
from tts.voices import Voice

MAX_CHARS = 160
# Published models keep their voice and pace over much longer texts.
PUBLISHED_MAX_CHARS = 600
# Nothing speaks slower than this; with a symbol every 80 ms or so it is three times too much.
SECONDS_PER_SYMBOL, SPARE_S = 0.24, 2.0
# The longest that the monologue may stay on one symbol.
MAX_STAY_S = 1.2
# A Chinese character is a syllable, a letter a fraction of one.
SECONDS_PER_HAN, SECONDS_PER_LETTER = 0.6, 0.24
LANGUAGES = {"en": "English", "zh": "Chinese"}

_HAN = re.compile(f"[{HAN}]")
_AUDIO = "<|audio|>"


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


class Piece(NamedTuple):
    """A stretch of text that is spoken at once.

    text: as the user wrote it. request: what the engine is asked for. size: symbols or tokens of
    the text. num_codebooks: k, to generate. notes: remarks for the user to read. words: places of
    its written words and their symbols; none where the model tells no places. voice: who speaks.
    at: its place in the whole text. before_s, after_s: silence around it. stretch: how much
    faster than the model says it.
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
            pieces.append(Piece(part, request, len(symbols), used, u.notes, words, stretch=stretch))
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


def load_text_tokenizer(folder: Path) -> Any:
    """The text tokenizer beside a published checkpoint; runs no code of the checkpoint's.

    Raises:
        CheckpointError: its files are missing or damaged.
    """
    from transformers import AutoTokenizer
    from transformers.utils import logging

    # It warns of model types that it does not know, and only its tokenizer is wanted here.
    before = logging.get_verbosity()
    logging.set_verbosity_error()
    try:
        return AutoTokenizer.from_pretrained(
            str(folder), trust_remote_code=False, local_files_only=True
        )
    except (OSError, ValueError, KeyError) as error:
        raise CheckpointError(
            f"the text tokenizer in {folder} cannot be loaded ({error}); fetch tokenizer.json and "
            "tokenizer_config.json of the checkpoint again"
        ) from error
    finally:
        logging.set_verbosity(before)


@dataclass(frozen=True)
class PublishedPromptBuilder:
    """The published checkpoints' way: a chat of two turns, written as their template says."""

    config: RowConfig
    frame_rate: float
    text_tokenizer: Any
    sampling: SamplingConfig = PUBLISHED_SAMPLING
    needs_voice: bool = False
    continues: bool = True

    def pieces(
        self, text: str, voice: Voice | None, options: SpeechOptions, used: int
    ) -> list[Piece]:
        if options.duration is not None and options.duration < 1:
            raise ValueError(f"duration is {options.duration} frames; use 1 or more")
        if options.continuation and voice is None:
            raise ValueError("continuation needs a voice with a transcript to go on from")
        parts = split_sentences(text, options.max_chars or PUBLISHED_MAX_CHARS)
        parts = [part for part in parts if any(c.isalnum() for c in part)]
        if not parts:
            raise empty_text(text)
        pieces = []
        for number, part in enumerate(parts):
            own = replace(options, seed=options.seed + number)
            request = self._request(part, voice, own, used)
            pieces.append(Piece(part, request, len(self._ids(part)), used, stretch=own.speed))
        return pieces

    def _request(
        self, text: str, voice: Voice | None, options: SpeechOptions, used: int
    ) -> Request:
        codes = None if voice is None else voice.codes[:used]
        continued = codes if options.continuation else None
        budget = round((SPARE_S + longest_s(text)) * self.frame_rate)
        if options.duration is not None:
            budget = 2 * options.duration + round(SPARE_S * self.frame_rate)
        if continued is not None:
            assert voice is not None
            text = joined_text(transcript_of(voice), text)
        reference = None if continued is not None else codes
        rows = self.rows(text, reference, continued, options)
        return Request(rows, options.seed, budget, context=continued)

    def rows(
        self, text: str, reference: Tensor | None, continued: Tensor | None, options: SpeechOptions
    ) -> Tensor:
        """The prompt, up to the row after which the first frame comes.

        Args:
            text: what is spoken, with the transcript of `continued` in front.
            reference: int64 (k, P), codes of the speaker to sound like, or None.
            continued: int64 (k, P), codes of the recording to go on from, or None.
            options: of the call; its language and duration.

        Returns:
            int64 (T, 1 + K).
        """
        c = self.config
        content = instruction(
            text,
            reference is not None,
            options.language or LANGUAGES.get(options.lang),
            options.duration,
        )
        parts = [self._special(c.im_start_token_id)]
        if reference is None:
            parts.append(self._ids("user\n" + content))
        else:
            # The first marker is the template's own; what the user wrote comes after it.
            before, _, after = content.partition(_AUDIO)
            slot = c.audio_user_slot_token_id
            parts += [self._ids("user\n" + before), self._special(c.audio_start_token_id)]
            parts += [self._audio(slot, reference), self._special(c.audio_end_token_id)]
            parts.append(self._ids(after))
        parts += [
            self._special(c.im_end_token_id),
            self._ids("\n"),
            self._special(c.im_start_token_id),
            self._ids("assistant\n"),
        ]
        # Where codebooks are delayed the model opens its audio itself.
        if continued is not None or not isinstance(c, DelayConfig):
            parts.append(self._special(c.audio_start_token_id))
        if continued is not None:
            rows = self._audio(c.audio_assistant_gen_slot_token_id, continued)
            # Of delayed codebooks, those that run out behind the last frame are left to the model.
            parts.append(rows[: continued.shape[1]])
        return torch.cat(parts)

    def _audio(self, slot: int, codes: Tensor) -> Tensor:
        """Rows of frames: int64 (k, T) -> (T, 1 + K), or more rows where codebooks are delayed."""
        if not isinstance(self.config, DelayConfig):
            return audio_rows(slot, codes, self.config)
        rows = delayed(codes, self.config.audio_pad_code)
        return torch.cat([torch.full((len(rows), 1), slot), rows], dim=1)

    def _ids(self, text: str) -> Tensor:
        # Markers in the user's text are text: they must not open a turn.
        ids = self.text_tokenizer.encode(text, add_special_tokens=False, split_special_tokens=True)
        return text_rows(torch.tensor(ids, dtype=torch.int64), self.config)

    def _special(self, token: int) -> Tensor:
        return text_rows(torch.tensor([token]), self.config)


def instruction(text: str, has_reference: bool, language: str | None, frames: int | None) -> str:
    """The user turn of the published prompt; the reference's place is marked by <|audio|>."""
    fields = {
        "Reference(s)": f"[S1]:\n{_AUDIO}" if has_reference else None,
        "Instruction": None,
        "Tokens": frames,
        "Quality": None,
        "Sound Event": None,
        "Ambient Sound": None,
        "Language": language,
    }
    lines = [f"- {name}:\n{value}" for name, value in fields.items()]
    return "\n".join(["<user_inst>", *lines, f"- Text:\n{text}", "</user_inst>"])


def joined_text(transcript: str, text: str) -> str:
    """Words of other scripts than Chinese need a space between them."""
    tight = _HAN.match(transcript[-1]) or transcript[-1] in "。，！？；：、…"
    return transcript + text if tight else f"{transcript} {text}"


def longest_s(text: str) -> float:
    """Seconds that nobody takes longer than to say a text."""
    han = len(_HAN.findall(text))
    return SECONDS_PER_HAN * han + SECONDS_PER_LETTER * (len(text) - han)
