"""What Nano and v1.5 share: GPT blocks inside a frame, tables that are the heads too."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from torch import Tensor, nn

from tokenizer.strict import ConfigError
from tokenizer.weights import Names
from tts.model.config import RowConfig
from tts.model.gpt import GptConfig, GptStack
from tts.model.lm import FrameModel
from tts.model.transformer import DecoderStack

# Their name here -> other names of the same in published files.
ALIASES = {
    "audio_pad_code": "audio_pad_token_id",
    "audio_assistant_gen_slot_token_id": "audio_assistant_slot_token_id",
    "sampling_rate": "audio_tokenizer_sample_rate",
}


class TiedModel(FrameModel):
    """A temporal stack with the text's table inside, tables of the codes, a GPT stack in depth.

    Attributes:
        text_table: how files call the text's table in the temporal stack.
    """

    text_table: ClassVar[str]

    def __init__(
        self,
        config: RowConfig,
        temporal: DecoderStack | GptStack,
        text_shape: tuple[int, int],
        depth: tuple[GptConfig, int],
        unused: frozenset[str] = frozenset(),
    ) -> None:
        """Build the parts that both have.

        Args:
            text_shape: of the text's table: ids and width.
            depth: blocks inside a frame, and how many.
            unused: parameters of files that only this type leaves aside.
        """
        super().__init__(config)
        self.transformer = temporal
        self.transformer.add_module(self.text_table, nn.Embedding(*text_shape))
        self.audio_embeddings = nn.ModuleList(
            nn.Embedding(config.audio_vocab_size, text_shape[1]) for _ in range(config.n_vq)
        )
        self.local_transformer = GptStack(*depth)
        self.text_ids = (config.audio_assistant_gen_slot_token_id, config.audio_end_token_id)
        text = f"transformer.{self.text_table}.weight"
        self.names = Names(
            unused=unused | {"local_transformer.wte.weight"},
            tied={"text_lm_head.weight": text, **_tied_heads(config)},
        )

    @property
    def temporal_stack(self) -> DecoderStack | GptStack:
        return self.transformer

    @property
    def depth_stack(self) -> GptStack:
        return self.local_transformer

    def table(self, channel: int) -> Tensor:
        if channel == 0:
            return getattr(self.transformer, self.text_table).weight
        return self.audio_embeddings[channel - 1].weight  # type: ignore[return-value]


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


def _tied_heads(config: RowConfig) -> dict[str, str]:
    """Names of the audio heads -> of the embeddings that they are copies of."""
    return {
        f"audio_lm_heads.{k}.weight": f"audio_embeddings.{k}.weight" for k in range(config.n_vq)
    }
