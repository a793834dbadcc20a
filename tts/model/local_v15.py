"""MOSS-TTS-Local-Transformer-v1.5 (`moss_tts_local`): Qwen3 outside, a GPT block inside a frame."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from torch import Tensor, nn
from torch.nn import functional as F

from tokenizer.strict import ConfigError, strict
from tokenizer.weights import Names
from tts.model.config import LanguageConfig, RowConfig
from tts.model.gpt import GptConfig, GptStack
from tts.model.lm import FrameModel, language_stack
from tts.model.nano import tied_heads, tied_values
from tts.model.transformer import DecoderStack

TEXT_HEADS = ("binary", "full_vocab")


@dataclass(frozen=True, kw_only=True)
class LocalV15Config(RowConfig):
    """`config.json` of v1.5; keys that are not known are ignored, because no such file was seen."""

    language_config: LanguageConfig
    gpt2_config: GptConfig
    local_transformer_layers: int
    local_text_head_mode: str = "binary"

    fixed_codebooks: ClassVar[str] = "it was trained with all of its codebooks"
    layers: ClassVar[str] = "transformer.layers."

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.local_text_head_mode not in TEXT_HEADS:
            raise ConfigError(
                f"config: local_text_head_mode={self.local_text_head_mode!r} is unknown; use one "
                f"of {', '.join(TEXT_HEADS)}"
            )
        if self.gpt2_config.n_embd != self.language_config.hidden_size:
            raise ConfigError(
                f"config: n_embd={self.gpt2_config.n_embd} of gpt2_config must equal hidden_size="
                f"{self.language_config.hidden_size}"
            )

    @classmethod
    def from_dict(cls, raw: Mapping[str, Any]) -> LocalV15Config:
        """Build from the JSON object; ConfigError where a key is missing or a value unsupported."""
        data = tied_values(raw)
        language = data.get("qwen3_config") or data.get("language_config")
        data["language_config"] = LanguageConfig.from_dict(language, ignore_unknown=True)
        data["gpt2_config"] = gpt = GptConfig.from_dict(data.get("gpt2_config"))
        data.setdefault("local_transformer_layers", gpt.n_layer)
        return strict(cls, data, "config", ignore_unknown=True)


class LocalV15Model(FrameModel):
    """The latent's depth output tells both whether to go on and codebook 0; text is no input."""

    config: LocalV15Config
    depth_from = 1

    def __init__(self, config: LocalV15Config) -> None:
        super().__init__(config)
        language, hidden = config.language_config, config.language_config.hidden_size
        self.transformer = language_stack(language)
        self.transformer.add_module("embed_tokens", nn.Embedding(language.vocab_size, hidden))
        self.audio_embeddings = nn.ModuleList(
            nn.Embedding(config.audio_vocab_size, hidden) for _ in range(config.n_vq)
        )
        self.local_transformer = GptStack(config.gpt2_config, config.local_transformer_layers)
        self.text_ids = (config.audio_assistant_gen_slot_token_id, config.audio_end_token_id)
        unused = {"local_transformer.wte.weight"}
        self.binary = config.local_text_head_mode == "binary"
        if self.binary:
            self.local_text_lm_head = nn.Linear(hidden, 2, bias=False)
        else:
            unused.add("local_text_lm_head.weight")
        self.names = Names(
            unused=frozenset(unused),
            tied={"text_lm_head.weight": "transformer.embed_tokens.weight", **tied_heads(config)},
        )

    @property
    def temporal_stack(self) -> DecoderStack:
        return self.transformer

    @property
    def depth_stack(self) -> GptStack:
        return self.local_transformer

    def table(self, channel: int) -> Tensor:
        if channel == 0:
            return self.transformer.embed_tokens.weight  # type: ignore[return-value]
        return self.audio_embeddings[channel - 1].weight  # type: ignore[return-value]

    def head_weight(self, channel: int) -> Tensor:
        binary = channel == 0 and self.binary
        return self.local_text_lm_head.weight if binary else self.table(channel)

    def channel_logits(self, depth_output: Tensor, channel: int) -> Tensor:
        """See `FrameModel.channel_logits`; of text, go on or stop where the head is binary."""
        return F.linear(depth_output, self.head_weight(channel)).float()
