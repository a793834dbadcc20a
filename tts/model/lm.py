"""CAT-TTS: a temporal transformer over frames, a depth transformer inside each frame.

Forward passes only; loops, sampling and prompts live elsewhere. Rows are (B, T, 1 + K):
channel 0 text, channels 1..K audio. Parameter names are those of the published files.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from tts.model.config import TtsConfig
from tts.model.transformer import DecoderLayer, DecoderStack, RmsNorm, SwiGlu


class Backbone(nn.Module):
    """Embeddings of all channels, and the temporal transformer."""

    def __init__(self, config: TtsConfig) -> None:
        super().__init__()
        c = config.language_config
        rows = [c.vocab_size] + [config.audio_vocab_size + 1] * config.n_vq
        self.embedding_list = nn.ModuleList(nn.Embedding(n, c.hidden_size) for n in rows)
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
        norm = RmsNorm(c.hidden_size, c.rms_norm_eps)
        self.language_model = DecoderStack(layers, norm, c.rope_theta)


class TtsModel(nn.Module):
    """Text and prompt rows in, logits of every channel out."""

    def __init__(self, config: TtsConfig) -> None:
        super().__init__()
        self.config = config
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
    def device(self) -> torch.device:
        return self.lm_heads[0].weight.device  # type: ignore[return-value]

    @property
    def dtype(self) -> torch.dtype:
        return self.lm_heads[0].weight.dtype  # type: ignore[return-value]

    def embed(self, rows: Tensor, num_codebooks: int) -> Tensor:
        """Sum the channels' embeddings: int64 (B, T, >= 1 + num_codebooks) -> (B, T, hidden)."""
        tables = self.model.embedding_list
        x = tables[0](rows[..., 0])
        for k in range(1, num_codebooks + 1):
            x = x + tables[k](rows[..., k])
        return x

    def temporal(self, embedded: Tensor, mask: Tensor | None = None) -> Tensor:
        """Temporal transformer: (B, T, hidden) -> (B, T, hidden), one latent per row."""
        return self.model.language_model(embedded, mask)

    def depth_input(self, embedded: Tensor) -> Tensor:
        """Bring latents or token embeddings to the depth transformer: (..., hidden) -> local."""
        return self.speech_embedding_to_local_mlp(embedded)

    def depth(self, x: Tensor) -> Tensor:
        """Depth transformer: (N, C, local) -> (N, C, local)."""
        return self.local_transformer(x)

    def channel_logits(self, depth_output: Tensor, channel: int) -> Tensor:
        """Logits of one channel from the depth output at its position: (..., local) -> (..., V).

        Audio channels never yield the pad code.
        """
        x = self.local_to_speech_embedding_mlps[channel](depth_output)
        logits = self.lm_heads[channel](self.layer_norm_before_lm_heads[channel](x)).float()
        if channel:
            logits[..., self.config.audio_pad_code] = -torch.inf
        return logits

    def frame_logits(self, hidden: Tensor, labels: Tensor, num_codebooks: int) -> list[Tensor]:
        """All channels' logits of frames whose tokens are known (training, uncached reference).

        Args:
            hidden: (N, hidden), temporal latents.
            labels: int64 (N, >= num_codebooks), the frames' tokens, text first; the last
                codebook's is not read.

        Returns:
            1 + num_codebooks tensors, (N, vocabulary of the channel).
        """
        tables = self.model.embedding_list
        tokens = [tables[c](labels[:, c]) for c in range(num_codebooks)]
        x = self.depth(self.depth_input(torch.stack([hidden, *tokens], dim=1)))
        return [self.channel_logits(x[:, c], c) for c in range(num_codebooks + 1)]
