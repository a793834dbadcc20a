"""Causal transformer stage with a sliding attention window and an explicit KV state.

Layout inside the tokenizer's transformers is (B, T, D).
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tokenizer.config import StageConfig


class KvWindow(NamedTuple):
    """Rotated keys, and values, of the last `context - 1` steps: (B, H, <context, head_dim)."""

    keys: Tensor
    values: Tensor


class StageState(NamedTuple):
    """What a stage must remember between chunks: one window a layer, and its clock."""

    windows: tuple[KvWindow, ...]
    position: int


def rotations(start: int, length: int, head_dim: int, max_period: float, device) -> Tensor:
    """Unit complex numbers e^{i t max_period^(-2i/head_dim)}: complex64 (length, head_dim / 2)."""
    index = torch.arange(0, head_dim, 2, device=device, dtype=torch.float32)
    frequency = max_period ** (-index / head_dim)
    time = torch.arange(start, start + length, device=device, dtype=torch.float32)
    angle = time[:, None] * frequency
    return torch.polar(torch.ones_like(angle), angle)


def rotate(x: Tensor, rotation: Tensor) -> Tensor:
    """Rotary embedding over interleaved pairs (2i, 2i+1), in float32; x is (B, H, T, head_dim)."""
    pairs = torch.view_as_complex(x.float().unflatten(-1, (-1, 2)))
    return torch.view_as_real(pairs * rotation).flatten(-2).to(x.dtype)


def windowed_attention(q: Tensor, k: Tensor, v: Tensor, context: int) -> Tensor:
    """Causal attention in which a query sees the last `context` keys, itself included.

    The keys may begin before the queries (k and v hold past steps too): the last query and
    the last key are the same step. Works through the queries in blocks of one window, so that
    time and memory are linear in their number.

    Args:
        q: (B, H, T, head_dim).
        k, v: (B, H, P + T, head_dim), P past steps first.
        context: window in steps, at least 1.

    Returns:
        (B, H, T, head_dim).
    """
    steps, past = q.shape[2], k.shape[2] - q.shape[2]
    if past == 0 and steps <= context:
        if torch.is_grad_enabled() and q.device.type == "cpu":
            return plain_attention(q, k, v)
        return F.scaled_dot_product_attention(q, k, v, is_causal=True)
    block = max(context, 64)
    outputs = []
    for first in range(0, steps, block):
        last = min(first + block, steps)
        oldest = max(0, past + first - context + 1)
        query_time = torch.arange(past + first, past + last, device=q.device)[:, None]
        key_time = torch.arange(oldest, past + last, device=q.device)
        age = query_time - key_time
        mask = (age >= 0) & (age < context)
        keys, values = k[:, :, oldest : past + last], v[:, :, oldest : past + last]
        outputs.append(
            F.scaled_dot_product_attention(q[:, :, first:last], keys, values, attn_mask=mask)
        )
    return torch.cat(outputs, dim=2) if len(outputs) > 1 else outputs[0]


def plain_attention(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """Causal attention in three lines: on a CPU the fused kernel's backward pass is slower."""
    scores = q @ k.transpose(-1, -2) * q.shape[-1] ** -0.5
    future = torch.ones(scores.shape[-2:], dtype=torch.bool, device=q.device).triu(1)
    return scores.masked_fill(future, -torch.inf).softmax(dim=-1).to(v.dtype) @ v


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
        if past is not None:
            k, v = torch.cat([past.keys, k], dim=2), torch.cat([past.values, v], dim=2)
        y = windowed_attention(q, k, v, self.context)
        keep = max(0, k.shape[2] - self.context + 1)
        window = KvWindow(k[:, :, keep:], v[:, :, keep:])
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
    """Optional input projection, `num_layers` layers, optional output projection."""

    def __init__(self, config: StageConfig, context: int) -> None:
        super().__init__()
        self.config = config
        self.context = context
        self.input_proj = _projection(config.input_dimension, config.d_model)
        self.transformer = LayerStack(config, context)
        self.output_proj = _projection(config.d_model, config.output_dimension)

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


def _projection(inputs: int, outputs: int) -> nn.Module:
    return nn.Identity() if inputs == outputs else nn.Linear(inputs, outputs, bias=False)
