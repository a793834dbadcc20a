"""Prompts that are encoded piece by piece: those of Nano and of v1.5.

A text tokenizer gives other ids for a joined text than for its pieces, so each string of the
makers' template goes to it alone, and only ids are joined.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor

from tokenizer.hub import CheckpointError
from tts.inference import nano_text
from tts.inference.engine import Request
from tts.inference.prompt import audio_rows, text_rows
from tts.inference.prompt_builders import Piece, SpeechOptions, empty_text, transcript_of
from tts.inference.published import LANGUAGES, check_options, joined_text, max_frames, parts_of
from tts.model.config import RowConfig, SamplingConfig
from tts.voices import Voice

FIELDS = ("Instruction", "Tokens", "Quality", "Sound Event", "Ambient Sound", "Language")
# What opens a piece of the template, after Unicode's compatibility forms are folded.
_OPENERS = "<＜﹤"


class TextIds(Protocol):
    """A text tokenizer as prompts use it."""

    def ids(self, text: str) -> list[int]:
        """Ids of a piece of the template."""
        ...

    def spoken(self, text: str) -> list[int]:
        """Ids of what a user wrote, which are never those of control pieces."""
        ...


class SentencePieceIds:
    """Nano's: SentencePiece, whose control pieces match inside a text too."""

    def __init__(self, file: Path) -> None:
        """CheckpointError where the file is missing or damaged."""
        from sentencepiece import SentencePieceProcessor

        if not file.is_file():
            raise CheckpointError(
                f"{file} is missing; fetch it from the model's repository (a download that leaves "
                "out *.model is not complete)"
            )
        try:
            self._processor = SentencePieceProcessor(model_file=str(file))
        except (OSError, RuntimeError) as error:
            raise CheckpointError(f"{file} is damaged ({error}); fetch it again") from error
        count = self._processor.get_piece_size()
        pieces = (self._processor.id_to_piece(i) for i in range(count))
        self._controls = {i for i, piece in enumerate(pieces) if _is_control(piece)}

    def ids(self, text: str) -> list[int]:
        return self._processor.encode(text)

    def spoken(self, text: str) -> list[int]:
        ids = self.ids(text)
        if self._controls.isdisjoint(ids):
            return ids
        # A space behind each opening bracket leaves the words and breaks every control piece.
        return self.ids("".join(f"{c} " if c in _OPENERS else c for c in text))


def _is_control(piece: str) -> bool:
    """`<|im_start|>`, `</user_inst>`, `<pad>` and the like; not bytes, as `<0x0A>`."""
    return len(piece) > 2 and piece[0] == "<" and piece[-1] == ">" and not piece.startswith("<0x")


@dataclass(frozen=True)
class HubIds:
    """A tokenizer of `transformers`; markers are told to be text."""

    tokenizer: Any

    def ids(self, text: str) -> list[int]:
        return self.tokenizer.encode(text, add_special_tokens=False, split_special_tokens=True)

    spoken = ids


@dataclass(frozen=True)
class PiecewisePromptBuilder:
    """See `tts.inference.prompt_builders.PromptBuilder`.

    Attributes:
        nano: whether it is Nano's way: texts are prepared and cut by tokens, no field is filled.
        max_frames: most frames of a piece.
        languages: names that a prompt may hold; empty allows any.
    """

    config: RowConfig
    frame_rate: float
    text: TextIds
    sampling: SamplingConfig
    nano: bool
    max_frames: int
    languages: tuple[str, ...] = ()
    needs_voice: bool = False
    continues: bool = True

    def pieces(
        self, text: str, voice: Voice | None, options: SpeechOptions, used: int
    ) -> list[Piece]:
        self._check(voice, options)
        parts = self._parts(text, options)
        if not parts:
            raise empty_text(text)
        notes: tuple[str, ...] = ()
        if voice is None and len(parts) > 1:
            notes = (
                f"without a voice each of the {len(parts)} pieces may get its own; give one, or a "
                "recording, to keep it",
            )
        pieces = []
        for number, part in enumerate(parts):
            own = replace(options, seed=options.seed + number)
            request, size = self._request(part, voice, own, used), len(self.text.spoken(part))
            gap = nano_text.gap_after(parts[number - 1]) if self.nano and number else 0.0
            pieces.append(Piece(part, request, size, used, notes, before_s=gap, stretch=own.speed))
        return pieces

    def _check(self, voice: Voice | None, options: SpeechOptions) -> None:
        if self.nano:
            for name in ("language", "duration"):
                if getattr(options, name) is not None:
                    raise ValueError(
                        f"{name} is given, and this model takes none: it goes by the text alone"
                    )
        self._language(options)
        check_options(voice, options)

    def _language(self, options: SpeechOptions) -> str | None:
        """The language's name as the model knows it."""
        asked = options.language or LANGUAGES.get(options.lang)
        if asked is None or not self.languages:
            return asked
        for name in self.languages:
            if asked.strip().casefold() in (name.casefold(), name.partition(" (")[0].casefold()):
                return name
        raise ValueError(
            f"language {asked!r} is none that this model knows; use one of "
            f"{', '.join(self.languages)}"
        )

    def _parts(self, text: str, options: SpeechOptions) -> list[str]:
        if not self.nano:
            return parts_of(text, options)
        ready = nano_text.prepared(text, options.lang)
        if not any(c.isalnum() for c in ready):
            return []
        cut = nano_text.chunks(ready, lambda part: len(self.text.spoken(part)))
        return cut if len(cut) > 1 else [ready]

    def _request(
        self, text: str, voice: Voice | None, options: SpeechOptions, used: int
    ) -> Request:
        codes = None if voice is None else voice.codes[:used]
        continued = codes if options.continuation else None
        budget = max_frames(text, options, self.frame_rate)
        if options.duration is None:
            budget = min(self.max_frames, budget)
        if continued is not None:
            assert voice is not None
            before = transcript_of(voice)
            if self.nano:
                before = nano_text.prepared(before, "auto") or before
            text = joined_text(before, text)
        references = [] if codes is None or continued is not None else [codes]
        fields = {
            "Tokens": options.duration,
            "Language": self._language(options),
        }
        rows = self.rows(text, references, continued, {} if self.nano else fields)
        return Request(rows, options.seed, budget, context=continued)

    def rows(
        self,
        text: str,
        references: Sequence[Tensor],
        continued: Tensor | None,
        fields: Mapping[str, str | int | None],
    ) -> Tensor:
        """The prompt, up to the row after which the first frame comes.

        Args:
            text: what is spoken, with the transcript of `continued` in front.
            references: int64 (k, P) each, codes of the speaker to sound like.
            continued: int64 (k, P), codes of the recording to go on from, or None.
            fields: values by the names in `FIELDS`; those that are None, empty or left out read
                'None'.

        Returns:
            int64 (T, 1 + K).
        """
        return torch.cat(list(self._rows(text, references, continued, fields)))

    def _rows(
        self,
        text: str,
        references: Sequence[Tensor],
        continued: Tensor | None,
        fields: Mapping[str, str | int | None],
    ) -> Iterator[Tensor]:
        c = self.config
        yield self._special(c.im_start_token_id)
        yield self._ids("user\n")
        yield self._ids("<user_inst>\n- Reference(s):\n")
        for codes in references:
            yield self._special(c.audio_start_token_id)
            yield audio_rows(c.audio_user_slot_token_id, codes, c)
            yield self._special(c.audio_end_token_id)
        if not references:
            yield self._ids("None")
        values = {name: str(fields.get(name) or "").strip() or "None" for name in FIELDS}
        lines = "".join(f"\n- {name}:\n{value}" for name, value in values.items())
        yield self._ids(f"{lines}\n- Text:\n")
        yield text_rows(torch.tensor(self.text.spoken(text), dtype=torch.int64), c)
        yield self._ids("\n</user_inst>")
        yield self._special(c.im_end_token_id)
        yield self._ids("\n")
        yield self._special(c.im_start_token_id)
        yield self._ids("assistant\n")
        yield self._special(c.audio_start_token_id)
        if continued is not None:
            yield audio_rows(c.audio_assistant_gen_slot_token_id, continued, c)

    def _ids(self, text: str) -> Tensor:
        return text_rows(torch.tensor(self.text.ids(text), dtype=torch.int64), self.config)

    def _special(self, token: int) -> Tensor:
        return text_rows(torch.tensor([token]), self.config)
