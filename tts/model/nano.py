"""MOSS-TTS-Nano (`moss_tts_nano`): both transformers of GPT blocks, embeddings tied to heads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from torch import Tensor, nn
from torch.nn import functional as F

from tokenizer.strict import ConfigError, strict
from tokenizer.weights import Names
from tts.model.config import RowConfig
from tts.model.gpt import GptConfig, GptStack
from tts.model.lm import FrameModel

# Their name here -> other names of the same in published files.
ALIASES = {
    "audio_pad_code": "audio_pad_token_id",
    "audio_assistant_gen_slot_token_id": "audio_assistant_slot_token_id",
    "sampling_rate": "audio_tokenizer_sample_rate",
}


def tied_values(raw: Mapping[str, Any]) -> dict[str, Any]:
    """The keys of a config that newer types share, by our names.

    Raises:
        ConfigError: codebooks differ in size, or two names of a value disagree.
    """
    data = dict(raw)
    for name, alias in ALIASES.items():
        if alias in data and data.setdefault(name, data[alias]) != data[alias]:
            raise ConfigError(f"config: {alias}={data[alias]} contradicts {name}={data[name]}")
    sizes = set(data.get("audio_codebook_sizes") or [data.get("audio_vocab_size")])
    if sizes != {data.get("audio_vocab_size")}:
        raise ConfigError(
            f"config: audio_codebook_sizes {sorted(map(str, sizes))} are not all audio_vocab_size="
            f"{data.get('audio_vocab_size')}, which is not supported"
        )
    data.setdefault("sampling_rate", 48000)
    return data


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


class NanoModel(FrameModel):
    """The text id chosen is the depth transformer's second input; text is a choice of two."""

    config: NanoConfig

    def __init__(self, config: NanoConfig) -> None:
        super().__init__(config)
        gpt = config.gpt2_config
        self.transformer = GptStack(gpt)
        self.transformer.add_module("wte", nn.Embedding(gpt.vocab_size, gpt.n_embd))
        self.audio_embeddings = nn.ModuleList(
            nn.Embedding(config.audio_vocab_size, gpt.n_embd) for _ in range(config.n_vq)
        )
        self.local_transformer = GptStack(gpt, config.local_transformer_layers)
        self.text_ids = (config.audio_assistant_gen_slot_token_id, config.audio_end_token_id)
        self.names = Names(
            unused=frozenset({"local_transformer.wte.weight"}),
            tied={"text_lm_head.weight": "transformer.wte.weight", **tied_heads(config)},
        )

    @property
    def temporal_stack(self) -> GptStack:
        return self.transformer

    @property
    def depth_stack(self) -> GptStack:
        return self.local_transformer

    def table(self, channel: int) -> Tensor:
        if channel == 0:
            return self.transformer.wte.weight  # type: ignore[return-value]
        return self.audio_embeddings[channel - 1].weight  # type: ignore[return-value]

    def channel_logits(self, depth_output: Tensor, channel: int) -> Tensor:
        """See `FrameModel.channel_logits`; text over the whole vocabulary."""
        return F.linear(depth_output, self.table(channel)).float()


def tied_heads(config: RowConfig) -> dict[str, str]:
    """Names of the audio heads -> of the embeddings that they are copies of."""
    return {
        f"audio_lm_heads.{k}.weight": f"audio_embeddings.{k}.weight" for k in range(config.n_vq)
    }
