"""Row layout of the embedded (phoneme) model, and every special id.

Rows are int64 (T, 1 + K). A prompt is

    audio_start | P voice frames (text: user slot) | audio_end | text ids | im_end | audio_start

and then the model speaks: the text channel of a generated row names the place in the text that
the frame has reached (an *inner monologue*), the audio channels carry its codes.

So that a place is named without ambiguity, every text id carries, besides its symbol, the
index of the symbol in the text modulo `phases`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from tts.model.config import PhonemeConfig, RowConfig, TtsConfig

# In a frame of 40 ms speech moves on by this many symbols at most: of 400 000 frames of the corpus
# ten move by more. A model that may go further sometimes does, and leaves a syllable out.
MAX_ADVANCE = 2
# Of frames to be left out no more are kept in mind: a run of short sounds is not paid for later.
MAX_OWED = 3.0


class UnknownSymbolError(ValueError):
    """The front end yields a symbol that the model was not trained on."""


def text_ids(symbols: tuple[str, ...], phonemes: PhonemeConfig) -> Tensor:
    """Ids of a text: int64 (L,), symbol and phase in one number."""
    table = {symbol: i for i, symbol in enumerate(phonemes.symbols)}
    unknown = sorted({s for s in symbols if s not in table})
    if unknown:
        raise UnknownSymbolError(f"symbols {unknown} are not in this model's inventory")
    index = torch.tensor([table[s] for s in symbols])
    phase = torch.arange(len(symbols)) % phonemes.phases
    return phonemes.first_id + index * phonemes.phases + phase


def text_rows(ids: Tensor, config: RowConfig) -> Tensor:
    """Rows without audio: (L,) -> (L, 1 + K)."""
    pad = torch.full((len(ids), config.n_vq), config.audio_pad_code)
    return torch.cat([ids[:, None], pad], dim=1)


def audio_rows(text: Tensor | int, codes: Tensor, config: RowConfig) -> Tensor:
    """Rows with audio: codes (k, T), k <= K -> (T, 1 + K)."""
    rows = torch.full((codes.shape[1], 1 + config.n_vq), config.unused_code)
    rows[:, 0] = text
    rows[:, 1 : 1 + codes.shape[0]] = codes.t()
    return rows


def prompt_rows(text: Tensor, voice: Tensor, config: TtsConfig) -> Tensor:
    """Everything the model reads before it speaks.

    Args:
        text: int64 (L,), ids from `text_ids`.
        voice: int64 (k, P), codes of the reference recording.

    Returns:
        int64 (P + L + 4, 1 + K).
    """

    def special(*ids: int) -> Tensor:
        return text_rows(torch.tensor(ids), config)

    return torch.cat(
        [
            special(config.audio_start_token_id),
            audio_rows(config.audio_user_slot_token_id, voice, config),
            special(config.audio_end_token_id),
            text_rows(text, config),
            special(config.im_end_token_id, config.audio_start_token_id),
        ]
    )


def without_text(rows: Tensor, config: RowConfig) -> Tensor:
    """The same rows with the text hidden: (T, 1 + K) -> (T, 1 + K).

    The model then goes on from the voice and the frames alone; what it says with the text and
    would not say without it is what the text asks for (`ChannelSampling.guidance`).
    """
    special = torch.tensor(
        [
            config.audio_start_token_id,
            config.audio_user_slot_token_id,
            config.audio_end_token_id,
            config.im_end_token_id,
        ]
    )
    hidden = rows.clone()
    is_text = ~torch.isin(rows[:, 0], special)
    hidden[is_text, 0] = hidden_text_id(config)
    return hidden


def hidden_text_id(config: RowConfig) -> int:
    """What stands in the text channel where the text is hidden."""
    return config.audio_assistant_gen_slot_token_id


@dataclass(frozen=True)
class Monologue:
    """Where in its text an item is; decides what its text channel may say next.

    Attributes:
        ids: int64 (L,), the text's ids.
        end_id: the id that ends the item.
        position: index of the symbol being spoken; -1 before the first frame.
        stay: frames spent on it.
        max_stay: longest stay on one symbol, in frames.
        limit: places from here on are closed until `released` (the transcript of a prompt that
            is being continued); None closes nothing.
        speed: places are left so many times sooner than the model would leave them.
        owed: frames that `speed` has yet to add (below 1) or to take away (above 1).
    """

    ids: Tensor
    end_id: int
    position: int = -1
    stay: int = 0
    max_stay: int = 15
    limit: int | None = None
    speed: float = 1.0
    owed: float = 0.0

    def allowed(self) -> Tensor:
        """Ids that may come next: the place itself, the next few, or the end after the last."""
        if self.limit is not None:
            first = max(0, min(self.position, self.limit - 1))
            return self.ids[first : min(self.position + 1 + MAX_ADVANCE, self.limit)]
        stays = self.position >= 0 and self.stay < self.max_stay
        first = self.position if stays else self.position + 1
        near = self.ids[first : self.position + 1 + MAX_ADVANCE]
        if self.position < len(self.ids) - 1:
            return near
        return torch.cat([near, torch.tensor([self.end_id])])

    def after(self, token: int) -> Monologue:
        """The state once `token`, one of `allowed()`, was said."""
        window = self.ids[max(self.position, 0) : self.position + 1 + MAX_ADVANCE]
        match = (window == token).nonzero()
        if not len(match):
            return self
        position = max(self.position, 0) + int(match[0])
        stay = self.stay + 1 if position == self.position else 1
        return replace(self, position=position, stay=stay)

    def paced(self, token: int) -> tuple[int, Monologue]:
        """What is said in place of `token`, which the model chose, and the state before it.

        Slower, a place that the model would leave is held as long as frames are owed; each frame
        of the model's own choice owes 1 / speed - 1 more. Faster, one where it would stay is left;
        every frame owes speed - 1.
        """
        if self.speed == 1.0 or self.position < 0 or self.limit is not None:
            return token, self
        here = int(self.ids[self.position])
        last = self.position == len(self.ids) - 1
        if self.speed < 1:
            if token != here and self.owed >= 1:
                return here, replace(self, owed=self.owed - 1)
            return token, replace(self, owed=self.owed + 1 / self.speed - 1)
        if token == here and self.owed >= 1 and not last:
            return int(self.ids[self.position + 1]), replace(self, owed=self.owed + self.speed - 2)
        return token, replace(self, owed=min(self.owed + self.speed - 1, MAX_OWED))

    def released(self) -> Monologue:
        """Past the limit: the transcript is spoken, whatever the model believed."""
        if self.limit is None:
            return self
        return replace(self, position=self.limit - 1, stay=1, limit=None)
