"""Causal transformer stage with a sliding attention window and an explicit KV state.

Layout inside the tokenizer's transformers is (B, T, D).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tokenizer.attention import KvWindow, StageState, extend, rotate, rotations, windowed_attention
from tokenizer.config import StageConfig


class LayerScale(nn.Module):
    def __init__(self, dim: int, initial: float) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.full((dim,), initial))

    def forward(self, x: Tensor) -> Tensor:
        return x * self.scale


class SelfAttention(nn.Module):
    def __init__(self, dim: int, num_heads: int, context: int) -> None:
        super().__init__()
        self.num_heads = num_heads
        self.context = context
        self.in_projs = nn.ModuleList([nn.Linear(dim, 3 * dim, bias=False)])
        self.out_projs = nn.ModuleList([nn.Linear(dim, dim, bias=False)])

    def forward(
        self, x: Tensor, rotation: Tensor, past: KvWindow | None
    ) -> tuple[Tensor, KvWindow]:
        """x (B, T, D) -> (B, T, D) and the window that the next chunk needs."""
        qkv = self.in_projs[0](x).unflatten(-1, (3, self.num_heads, -1))
        q, k, v = qkv.permute(2, 0, 3, 1, 4)
        q, k = rotate(q, rotation), rotate(k, rotation)
        k, v, window = extend(past, (k, v), self.context)
        y = windowed_attention(q, k, v, self.context)
        return self.out_projs[0](y.transpose(1, 2).flatten(2)), window


class TransformerLayer(nn.Module):
    def __init__(self, config: StageConfig, context: int) -> None:
        super().__init__()
        dim = config.d_model
        self.self_attn = SelfAttention(dim, config.num_heads, context)
        self.norm1 = nn.LayerNorm(dim, eps=1e-5)
        self.norm2 = nn.LayerNorm(dim, eps=1e-5)
        self.linear1 = nn.Linear(dim, config.dim_feedforward, bias=False)
        self.linear2 = nn.Linear(config.dim_feedforward, dim, bias=False)
        self.layer_scale_1 = LayerScale(dim, config.layer_scale)
        self.layer_scale_2 = LayerScale(dim, config.layer_scale)

    def forward(
        self, x: Tensor, rotation: Tensor, past: KvWindow | None
    ) -> tuple[Tensor, KvWindow]:
        attended, window = self.self_attn(self.norm1(x), rotation, past)
        x = x + self.layer_scale_1(attended)
        x = x + self.layer_scale_2(self.linear2(F.gelu(self.linear1(self.norm2(x)))))
        return x, window


class LayerStack(nn.Module):
    def __init__(self, config: StageConfig, context: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(
            TransformerLayer(config, context) for _ in range(config.num_layers)
        )


class TransformerStage(nn.Module):
    """Optional input projection, `num_layers` layers, optional output projection.

    A projection between equal sizes exists where a file has it: `projections` names those.
    """

    def __init__(
        self, config: StageConfig, context: int, projections: frozenset[str] = frozenset()
    ) -> None:
        super().__init__()
        self.config = config
        self.context = context
        self.input_proj, self.output_proj = (
            nn.Identity()
            if inputs == outputs and name not in projections
            else nn.Linear(inputs, outputs, bias=False)
            for name, inputs, outputs in (
                ("input_proj", config.input_dimension, config.d_model),
                ("output_proj", config.d_model, config.output_dimension),
            )
        )
        self.transformer = LayerStack(config, context)

    def forward(self, x: Tensor, state: StageState | None = None) -> tuple[Tensor, StageState]:
        """Process one chunk.

        Args:
            x: (B, T, input_dimension), the next T steps.
            state: what the previous chunk returned; None at the beginning.

        Returns:
            (B, T, output_dimension) and the state for the next chunk.
        """
        hidden, state = self.hidden(x, state)
        return self.output_proj(hidden), state

    def hidden(self, x: Tensor, state: StageState | None = None) -> tuple[Tensor, StageState]:
        """As `forward`, before the output projection: (B, T, d_model)."""
        config = self.config
        position = state.position if state else 0
        head_dim = config.d_model // config.num_heads
        rotation = rotations(position, x.shape[1], head_dim, config.max_period, x.device)
        x = self.input_proj(x)
        windows = []
        for i, layer in enumerate(self.transformer.layers):
            x, window = layer(x, rotation, state.windows[i] if state else None)
            windows.append(window)
        return x, StageState(tuple(windows), position + rotation.shape[0])
