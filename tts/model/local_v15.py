"""MOSS-TTS-Local-Transformer-v1.5 (`moss_tts_local`): Qwen3 outside, a GPT block inside a frame."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from torch import Tensor, nn
from torch.nn import functional as F

from tokenizer.strict import ConfigError, strict
from tts.model.config import LanguageConfig, RowConfig
from tts.model.gpt import GptConfig
from tts.model.lm import language_stack
from tts.model.tied import TiedModel, tied_values

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


class LocalV15Model(TiedModel):
    """The latent's depth output tells both whether to go on and codebook 0; text is no input."""

    config: LocalV15Config
    depth_from = 1

    text_table = "embed_tokens"

    def __init__(self, config: LocalV15Config) -> None:
        language, hidden = config.language_config, config.language_config.hidden_size
        binary = config.local_text_head_mode == "binary"
        super().__init__(
            config,
            language_stack(language),
            (language.vocab_size, hidden),
            (config.gpt2_config, config.local_transformer_layers),
            frozenset() if binary else frozenset({"local_text_lm_head.weight"}),
        )
        self.binary = binary
        if self.binary:
            self.local_text_lm_head = nn.Linear(hidden, 2, bias=False)

    def head_weight(self, channel: int) -> Tensor:
        binary = channel == 0 and self.binary
        return self.local_text_lm_head.weight if binary else self.table(channel)

    def channel_logits(self, depth_output: Tensor, channel: int) -> Tensor:
        """See `FrameModel.channel_logits`; of text, go on or stop where the head is binary."""
        return F.linear(depth_output, self.head_weight(channel)).float()
