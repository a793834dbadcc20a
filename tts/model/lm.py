"""CAT-TTS: a temporal transformer over frames, a depth transformer inside each frame.

Forward passes only; loops, sampling and prompts live elsewhere. Rows are (B, T, 1 + K):
channel 0 text, channels 1..K audio. Parameter names are those of the published files. `FrameModel`
is what all types of models have in common, `TtsModel` the first of them.
"""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor, nn

from tokenizer.weights import Names
from tts.model.config import LanguageConfig, RowConfig, TtsConfig
from tts.model.gpt import GptStack
from tts.model.transformer import DecoderLayer, DecoderStack, RmsNorm, SwiGlu

Stack = DecoderStack | GptStack


class FrameModel(nn.Module):
    """Rows in, logits of every channel out.

    The depth transformer reads the latent of a row, then the tokens of its channels from
    `depth_from` on. Channel c is told from its output after the tokens before c.

    Attributes:
        names: how the parameters are called in files.
        text_ids: what the choices of the text channel mean; None where any id may be chosen.
    """

    depth_from: ClassVar[int] = 0

    def __init__(self, config: RowConfig) -> None:
        super().__init__()
        self.config = config
        self.names = Names()
        self.text_ids: tuple[int, ...] | None = None

    @property
    def device(self) -> torch.device:
        return self.table(0).device

    @property
    def dtype(self) -> torch.dtype:
        return self.table(0).dtype

    @property
    def temporal_stack(self) -> Stack:
        raise NotImplementedError

    @property
    def depth_stack(self) -> Stack | None:
        """None where all channels are told from the latent."""
        raise NotImplementedError

    def table(self, channel: int) -> Tensor:
        """Embeddings of a channel's ids; where it has no row for the pad code that adds nothing."""
        raise NotImplementedError

    def channel_logits(self, depth_output: Tensor, channel: int) -> Tensor:
        """Logits of one channel from the depth output at its position: (..., local) -> (..., V)."""
        raise NotImplementedError

    def head_weight(self, channel: int) -> Tensor:
        """The last matrix before the logits of a channel; here the embeddings, which are tied."""
        return self.table(channel)

    def head(self, channel: int) -> Tensor:
        """Rows of `head_weight` that generating chooses among."""
        weight = self.head_weight(channel)
        if channel:
            return weight[: self.config.audio_vocab_size]
        if self.text_ids is not None and len(weight) > len(self.text_ids):
            return weight[list(self.text_ids)]
        return weight

    def token_embedding(self, channel: int, ids: Tensor) -> Tensor:
        """int64 (...) -> (..., hidden)."""
        table = self.table(channel)
        if not channel or len(table) > self.config.audio_pad_code:
            return nn.functional.embedding(ids, table)
        known = ids < len(table)
        return nn.functional.embedding(ids * known, table) * known[..., None]

    def embed(self, rows: Tensor, num_codebooks: int) -> Tensor:
        """Sum the channels' embeddings: int64 (B, T, >= 1 + num_codebooks) -> (B, T, hidden)."""
        x = self.token_embedding(0, rows[..., 0])
        for channel in range(1, num_codebooks + 1):
            x = x + self.token_embedding(channel, rows[..., channel])
        return x

    def temporal(self, embedded: Tensor, mask: Tensor | None = None) -> Tensor:
        """Temporal transformer: (B, T, hidden) -> (B, T, hidden), one latent per row."""
        return self.temporal_stack(embedded, mask)

    def depth_input(self, embedded: Tensor) -> Tensor:
        """Bring latents or token embeddings to the depth transformer: (..., hidden) -> local."""
        return embedded

    def depth(self, x: Tensor) -> Tensor:
        """Depth transformer: (N, C, local) -> (N, C, local)."""
        assert self.depth_stack is not None
        return self.depth_stack(x)

    def _depth_of(self, hidden: Tensor, tokens: Tensor) -> Tensor:
        """Depth outputs of frames (N, >= channels) so far: (N, hidden) -> (N, C, local)."""
        if self.depth_stack is None:
            return hidden[:, None].expand(-1, tokens.shape[1] + 1, -1)
        parts = [self.token_embedding(c, tokens[:, c]) for c in range(tokens.shape[1])]
        x = torch.stack([hidden, *parts[self.depth_from :]], dim=1)
        return self.depth(self.depth_input(x))

    def frame_logits(self, hidden: Tensor, labels: Tensor, num_codebooks: int) -> list[Tensor]:
        """All channels' logits of frames whose tokens are known (training, uncached reference).

        Args:
            hidden: (N, hidden), temporal latents.
            labels: int64 (N, >= num_codebooks), the frames' tokens, text first; the last
                codebook's is not read.

        Returns:
            1 + num_codebooks tensors, (N, vocabulary of the channel).
        """
        x = self._depth_of(hidden, labels[:, :num_codebooks])
        shift = 0 if self.depth_stack is None else self.depth_from
        channels = range(num_codebooks + 1)
        return [self.channel_logits(x[:, max(c - shift, 0)], c) for c in channels]

    def next_logits(self, hidden: Tensor, tokens: Tensor) -> Tensor:
        """What may come after the first c channels of a frame.

        Args:
            hidden: (N, hidden), temporal latents.
            tokens: int64 (N, c).

        Returns:
            (N, V), without the pad code; of the text channel, the choices of `text_ids`.
        """
        channel = tokens.shape[1]
        logits = self.channel_logits(self._depth_of(hidden, tokens)[:, -1], channel)
        if channel:
            return logits[:, : self.config.audio_vocab_size]
        if self.text_ids is not None and logits.shape[1] > len(self.text_ids):
            return logits[:, list(self.text_ids)]
        return logits


def language_stack(c: LanguageConfig) -> DecoderStack:
    """A Qwen3 decoder without its embedding."""
    layers = [
        DecoderLayer(
            c.hidden_size,
            c.intermediate_size,
            c.num_attention_heads,
            c.num_key_value_heads,
            c.head_dim,
            c.rms_norm_eps,
        )
        for _ in range(c.num_hidden_layers)
    ]
    return DecoderStack(layers, RmsNorm(c.hidden_size, c.rms_norm_eps), c.rope_theta)


class Backbone(nn.Module):
    """Embeddings of all channels, and the temporal transformer."""

    def __init__(self, config: TtsConfig) -> None:
        super().__init__()
        c = config.language_config
        rows = [c.vocab_size] + [config.audio_vocab_size + 1] * config.n_vq
        self.embedding_list = nn.ModuleList(nn.Embedding(n, c.hidden_size) for n in rows)
        self.language_model = language_stack(c)


class TtsModel(FrameModel):
    """MOSS-TTS-Local-Transformer (v1), and the embedded model."""

    config: TtsConfig

    def __init__(self, config: TtsConfig) -> None:
        super().__init__(config)
        # Published files carry it; no row is ever looked up in it.
        self.names = Names(unused=frozenset({"model.language_model.embed_tokens.weight"}))
        c = config.language_config
        hidden, local = c.hidden_size, config.local_hidden_size
        ffn = config.additional_mlp_ffn_hidden_size
        channels = 1 + config.n_vq
        self.model = Backbone(config)
        self.speech_embedding_to_local_mlp = SwiGlu(hidden, ffn, local)
        layers = [
            DecoderLayer(
                local,
                config.local_ffn_hidden_size,
                c.num_attention_heads,
                c.num_key_value_heads,
                c.head_dim,
                c.rms_norm_eps,
            )
            for _ in range(config.local_num_layers)
        ]
        self.local_transformer = DecoderStack(layers, RmsNorm(local, c.rms_norm_eps), None)
        self.local_to_speech_embedding_mlps = nn.ModuleList(
            SwiGlu(local, ffn, hidden) for _ in range(channels)
        )
        self.layer_norm_before_lm_heads = nn.ModuleList(
            RmsNorm(hidden, 1e-6) for _ in range(channels)
        )
        sizes = [c.vocab_size] + [config.audio_vocab_size + 1] * config.n_vq
        self.lm_heads = nn.ModuleList(nn.Linear(hidden, size, bias=False) for size in sizes)

    @property
    def temporal_stack(self) -> DecoderStack:
        return self.model.language_model

    @property
    def depth_stack(self) -> DecoderStack:
        return self.local_transformer

    def table(self, channel: int) -> Tensor:
        return self.model.embedding_list[channel].weight  # type: ignore[return-value]

    def head_weight(self, channel: int) -> Tensor:
        return self.lm_heads[channel].weight  # type: ignore[return-value]

    def depth_input(self, embedded: Tensor) -> Tensor:
        """Bring latents or token embeddings to the depth transformer: (..., hidden) -> local."""
        return self.speech_embedding_to_local_mlp(embedded)

    def channel_logits(self, depth_output: Tensor, channel: int) -> Tensor:
        """Logits of one channel from the depth output at its position: (..., local) -> (..., V).

        Audio channels never yield the pad code.
        """
        x = self.local_to_speech_embedding_mlps[channel](depth_output)
        logits = self.lm_heads[channel](self.layer_norm_before_lm_heads[channel](x)).float()
        if channel:
            logits[..., self.config.audio_pad_code] = -torch.inf
        return logits
