"""The 8 B models (`moss_tts_delay` without a depth transformer): each codebook a row later.

Codebook k of frame t stands in row t + k. What a row may hold follows from those before it: that is
`DelayState`, and all about it are pure functions.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, NamedTuple

import torch
from torch import Tensor, nn

from tokenizer.strict import strict
from tokenizer.weights import Names
from tts.model.config import LanguageConfig, RowConfig
from tts.model.lm import FrameModel, language_stack
from tts.model.transformer import DecoderStack


@dataclass(frozen=True, kw_only=True)
class DelayConfig(RowConfig):
    """`config.json` of the 8 B models; keys that are not known are ignored."""

    language_config: LanguageConfig
    audio_assistant_delay_slot_token_id: int
    im_end_token_id: int = 151645
    sampling_rate: int = 24000

    fixed_codebooks: ClassVar[str] = "its codebooks are written one after another, and all count"
    layers: ClassVar[str] = "language_model.layers."

    @classmethod
    def from_dict(cls, raw: Mapping[str, Any]) -> DelayConfig:
        """Build from the JSON object; ConfigError where a key is missing or a value unsupported."""
        data = dict(raw)
        data["language_config"] = LanguageConfig.from_dict(data.get("language_config"), True)
        return strict(cls, data, "config", ignore_unknown=True)


class DelayModel(FrameModel):
    """All channels are told from the same latent; there is no depth transformer."""

    config: DelayConfig

    def __init__(self, config: DelayConfig) -> None:
        super().__init__(config)
        language, hidden = config.language_config, config.language_config.hidden_size
        self.language_model = language_stack(language)
        self.language_model.add_module("embed_tokens", nn.Embedding(language.vocab_size, hidden))
        codes = config.audio_vocab_size + 1
        self.emb_ext = nn.ModuleList(nn.Embedding(codes, hidden) for _ in range(config.n_vq))
        sizes = [language.vocab_size] + [codes] * config.n_vq
        self.lm_heads = nn.ModuleList(nn.Linear(hidden, size, bias=False) for size in sizes)
        self.names = Names(unused=frozenset({"lm_heads.weight"}))

    @property
    def temporal_stack(self) -> DecoderStack:
        return self.language_model

    @property
    def depth_stack(self) -> None:
        return None

    def table(self, channel: int) -> Tensor:
        if channel == 0:
            return self.language_model.embed_tokens.weight  # type: ignore[return-value]
        return self.emb_ext[channel - 1].weight  # type: ignore[return-value]

    def head_weight(self, channel: int) -> Tensor:
        return self.lm_heads[channel].weight  # type: ignore[return-value]

    def channel_logits(self, depth_output: Tensor, channel: int) -> Tensor:
        """See `FrameModel.channel_logits`; the pad code is never yielded."""
        logits = self.lm_heads[channel](depth_output).float()
        if channel:
            logits[..., self.config.audio_pad_code] = -torch.inf
        return logits


@dataclass(frozen=True)
class DelayState:
    """What an item has written so far.

    Attributes:
        inside: whether it is between audio_start and audio_end.
        span: rows since audio_start, counting it; 0 outside.
        left: how far the codebooks have run out, 1..n_vq, once the first delay slot came.
        step: rows generated.
    """

    inside: bool = False
    span: int = 0
    left: int | None = None
    step: int = 0


class TextRule(NamedTuple):
    """Ids that the text channel may choose among: `only` where given, and none of `never`."""

    only: tuple[int, ...] = ()
    never: tuple[int, ...] = ()


def state_after_prompt(text: Sequence[int], config: DelayConfig) -> DelayState:
    """The state behind a prompt whose text channel this is: inside where its audio is left open."""
    speaking = (
        config.audio_start_token_id,
        config.audio_assistant_gen_slot_token_id,
        config.audio_assistant_delay_slot_token_id,
    )
    if not text or text[-1] not in speaking or config.audio_start_token_id not in text:
        return DelayState()
    span = list(reversed(text)).index(config.audio_start_token_id) + 1
    return DelayState(inside=True, span=span)


def text_rule(state: DelayState, config: DelayConfig) -> TextRule:
    """What the text channel of the next row may hold."""
    slot = config.audio_assistant_gen_slot_token_id
    delay, end = config.audio_assistant_delay_slot_token_id, config.audio_end_token_id
    if state.left is not None:
        return TextRule(only=(delay if state.left < config.n_vq else end,))
    if state.inside:
        return TextRule(only=(slot, delay) if state.step else (slot,))
    early = (config.im_end_token_id,) if state.step <= config.n_vq else ()
    return TextRule(never=(config.pad_token_id, slot, delay, end, *early))


def spoken_codebooks(state: DelayState, n_vq: int) -> range:
    """Codebooks, from 0, that the next row holds a code of; the others hold the pad code."""
    return range(state.left or 0, min(state.span, n_vq))


def state_after(state: DelayState, text: int, config: DelayConfig) -> DelayState:
    """The state behind a row whose text channel is `text`."""
    delay = config.audio_assistant_delay_slot_token_id
    inside, span, left = state.inside, state.span, state.left
    if text in (config.audio_start_token_id, config.audio_assistant_gen_slot_token_id, delay):
        inside, span = True, span + 1
    elif text == config.audio_end_token_id:
        inside, span = False, 0
    if text == delay and left is None:
        left = 0
    if left is not None:
        left = left + 1 if left < config.n_vq else None
    return replace(state, inside=inside, span=span, left=left, step=state.step + 1)


def delayed(codes: Tensor, pad: int) -> Tensor:
    """Rows of frames: int64 (k, T) -> (T + k - 1, k), each codebook a row later than the last."""
    count, frames = codes.shape
    rows = torch.full((frames + count - 1, count), pad)
    for k in range(count):
        rows[k : k + frames, k] = codes[k]
    return rows


@dataclass(eq=False)
class Undelayed:
    """Puts frames together again, row by row.

    rows: codes (k,) of the rows since audio_start; heard: frames of the prompt, which are known.
    """

    rows: list[Tensor] = field(default_factory=list)
    heard: int = 0

    def push(self, codes: Tensor, state: DelayState) -> Tensor | None:
        """Take the codes (k,) of a row with the state behind it; a frame if one is complete."""
        if not state.inside:
            self.rows, self.heard = [], 0
            return None
        if state.span == 1:
            return None  # audio_start itself
        self.rows.append(codes)
        frame, count = len(self.rows) - len(codes), len(codes)
        if frame < self.heard:
            return None
        return torch.stack([self.rows[frame + k][k] for k in range(count)])
