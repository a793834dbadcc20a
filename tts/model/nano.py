"""MOSS-TTS-Nano (`moss_tts_nano`): both transformers of GPT blocks, embeddings tied to heads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from torch import Tensor
from torch.nn import functional as F

from tokenizer.strict import strict
from tts.model.config import RowConfig
from tts.model.gpt import GptConfig, GptStack
from tts.model.tied import TiedModel, tied_values


@dataclass(frozen=True, kw_only=True)
class NanoConfig(RowConfig):
    """`config.json` of Nano; keys that are not known are ignored, because no such file was seen."""

    gpt2_config: GptConfig
    local_transformer_layers: int = 1

    layers: ClassVar[str] = "transformer.h."

    @classmethod
    def from_dict(cls, raw: Mapping[str, Any]) -> NanoConfig:
        """Build from the JSON object; ConfigError where a key is missing or a value unsupported."""
        data = tied_values(raw)
        data["gpt2_config"] = GptConfig.from_dict(data.get("gpt2_config"))
        return strict(cls, data, "config", ignore_unknown=True)


class NanoModel(TiedModel):
    """The text id chosen is the depth transformer's second input; text is a choice of two."""

    config: NanoConfig

    text_table = "wte"

    def __init__(self, config: NanoConfig) -> None:
        gpt = config.gpt2_config
        shape = (gpt.vocab_size, gpt.n_embd)
        super().__init__(config, GptStack(gpt), shape, (gpt, config.local_transformer_layers))

    def channel_logits(self, depth_output: Tensor, channel: int) -> Tensor:
        """See `FrameModel.channel_logits`; text over the whole vocabulary."""
        return F.linear(depth_output, self.table(channel)).float()
