"""Prompts of the published checkpoints that read a chat, and what all published ones share."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from frontend.clean import HAN_CHARACTER
from frontend.split import split_sentences
from tokenizer.hub import CheckpointError
from tts.inference.engine import Request
from tts.inference.prompt import audio_rows, text_rows
from tts.inference.prompt_builders import (
    SPARE_S,
    Piece,
    SpeechOptions,
    empty_text,
    transcript_of,
)
from tts.model.config import PUBLISHED_SAMPLING, RowConfig, SamplingConfig
from tts.model.delay import DelayConfig, delayed
from tts.voices import Voice

# They keep their voice and pace over much longer texts than the embedded model.
MAX_CHARS = 600
# A Chinese character is a syllable, a letter a fraction of one.
SECONDS_PER_HAN, SECONDS_PER_LETTER = 0.6, 0.24
LANGUAGES = {"en": "English", "zh": "Chinese"}
_AUDIO = "<|audio|>"


def check_options(voice: Voice | None, options: SpeechOptions) -> None:
    """ValueError for options that exclude each other or are out of range."""
    if options.duration is not None and options.duration < 1:
        raise ValueError(f"duration is {options.duration} frames; use 1 or more")
    if options.continuation and voice is None:
        raise ValueError("continuation needs a voice with a transcript to go on from")


def parts_of(text: str, options: SpeechOptions) -> list[str]:
    """What of a text is spoken at once; [] where nothing can be."""
    parts = split_sentences(text, options.max_chars or MAX_CHARS)
    return [part for part in parts if any(c.isalnum() for c in part)]


def max_frames(text: str, options: SpeechOptions, frame_rate: float) -> int:
    """Budget of a piece: twice the wanted length, or what nobody takes longer than to say it."""
    if options.duration is not None:
        return 2 * options.duration + round(SPARE_S * frame_rate)
    han = len(HAN_CHARACTER.findall(text))
    seconds = SECONDS_PER_HAN * han + SECONDS_PER_LETTER * (len(text) - han)
    return round((SPARE_S + seconds) * frame_rate)


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
        check_options(voice, options)
        parts = parts_of(text, options)
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
        budget = max_frames(text, options, self.frame_rate)
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
    tight = HAN_CHARACTER.match(transcript[-1]) or transcript[-1] in "。，！？；：、…"
    return transcript + text if tight else f"{transcript} {text}"
