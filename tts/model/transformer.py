"""The decoder layer that both transformers are made of (Qwen3's): pre-norm, GQA, SwiGLU."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

SHORT = 32  # steps


class RmsNorm(nn.Module):
    """Root-mean-square norm, computed in float32."""

    def __init__(self, dim: int, eps: float) -> None:
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(dim))

    def forward(self, x: Tensor) -> Tensor:
        weight = self.weight.float()
        if torch.is_grad_enabled() and x.device.type == "cpu":
            return LearningNorm.apply(x.float(), weight, self.eps).to(x.dtype)  # type: ignore
        return F.rms_norm(x.float(), weight.shape, weight, self.eps).to(x.dtype)


class LearningNorm(torch.autograd.Function):
    """`F.rms_norm` with a backward pass of its own.

    On a CPU there is no fused one, and what autograd makes of its parts takes twice as long: a
    tenth of a training step.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, eps: float) -> Tensor:
        """x (..., D), weight (D,) -> (..., D)."""
        square = torch.linalg.vector_norm(x, dim=-1, keepdim=True).square_()
        scale = square.div_(x.shape[-1]).add_(eps).rsqrt_()
        normed = x * scale
        ctx.save_for_backward(normed, scale, weight)
        return normed * weight

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, Tensor, None]:
        (grad,) = grads
        normed, scale, weight = ctx.saved_tensors
        product = (grad * normed).flatten(0, -2)
        along = (product @ weight).view_as(scale).div_(-len(weight))
        return torch.addcmul(grad * weight, normed, along).mul_(scale), product.sum(0), None


class SwiGlu(nn.Module):
    """down(silu(gate(x)) * up(x))."""

    def __init__(self, inputs: int, hidden: int, outputs: int) -> None:
        super().__init__()
        self.gate_proj = nn.Linear(inputs, hidden, bias=False)
        self.up_proj = nn.Linear(inputs, hidden, bias=False)
        self.down_proj = nn.Linear(hidden, outputs, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return self.down_proj(F.silu(self.gate_proj(x)) * self.up_proj(x))


def rope_angles(positions: Tensor, head_dim: int, theta: float) -> tuple[Tensor, Tensor]:
    """cos and sin for half-split rotary embedding: positions (T,) -> each float32 (T, head_dim)."""
    index = torch.arange(0, head_dim, 2, device=positions.device, dtype=torch.float32)
    angle = positions.float()[:, None] * theta ** (-index / head_dim)
    angle = torch.cat([angle, angle], dim=-1)
    return angle.cos(), angle.sin()


def apply_rope(x: Tensor, angles: tuple[Tensor, Tensor]) -> Tensor:
    """Rotate (B, H, T, head_dim), pairing dimension i with i + head_dim / 2."""
    cos, sin = angles
    low, high = x.float().chunk(2, dim=-1)
    return (x.float() * cos + torch.cat([-high, low], dim=-1) * sin).to(x.dtype)


def attend(q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None) -> Tensor:
    """Attention of (B, H, T, head_dim) queries over (B, H_kv, S, head_dim) keys and values.

    Without a mask it is causal where T > 1, and sees all keys where T = 1.
    """
    causal = mask is None and q.shape[2] > 1
    short = q.shape[2] <= SHORT and q.device.type == "cpu"
    if not (short and torch.is_grad_enabled()):
        gqa = q.shape[1] != k.shape[1]
        return F.scaled_dot_product_attention(
            q, k, v, attn_mask=mask, is_causal=causal, enable_gqa=gqa
        )
    # On a CPU the fused kernel's backward pass over many short sequences (256 x 9 steps, say)
    # takes fourteen times as long as these three lines; over 128 steps and more, half as long.
    k, v = (x.repeat_interleave(q.shape[1] // x.shape[1], dim=1) for x in (k, v))
    scores = q @ k.transpose(-1, -2) * q.shape[-1] ** -0.5
    if causal:
        mask = torch.ones(scores.shape[-2:], dtype=torch.bool, device=q.device).tril()
    if mask is not None:
        scores = scores.masked_fill(~mask, -torch.inf)
    return scores.softmax(dim=-1).to(v.dtype) @ v


class Attention(nn.Module):
    """Grouped-query attention with RMS-normalised queries and keys."""

    def __init__(self, dim: int, num_heads: int, num_kv_heads: int, head_dim: int, eps: float):
        super().__init__()
        self.head_dim = head_dim
        self.q_proj = nn.Linear(dim, num_heads * head_dim, bias=False)
        self.k_proj = nn.Linear(dim, num_kv_heads * head_dim, bias=False)
        self.v_proj = nn.Linear(dim, num_kv_heads * head_dim, bias=False)
        self.o_proj = nn.Linear(num_heads * head_dim, dim, bias=False)
        self.q_norm = RmsNorm(head_dim, eps)
        self.k_norm = RmsNorm(head_dim, eps)

    def forward(
        self, x: Tensor, angles: tuple[Tensor, Tensor] | None, mask: Tensor | None
    ) -> Tensor:
        """x (B, T, dim) -> (B, T, dim); see `DecoderStack.forward` for the mask."""
        heads = (-1, self.head_dim)
        q = self.q_norm(self.q_proj(x).unflatten(-1, heads)).transpose(1, 2)
        k = self.k_norm(self.k_proj(x).unflatten(-1, heads)).transpose(1, 2)
        v = self.v_proj(x).unflatten(-1, heads).transpose(1, 2)
        if angles is not None:
            q, k = apply_rope(q, angles), apply_rope(k, angles)
        y = attend(q, k, v, mask)
        return self.o_proj(y.transpose(1, 2).flatten(2))


class DecoderLayer(nn.Module):
    def __init__(
        self, dim: int, ffn: int, num_heads: int, num_kv_heads: int, head_dim: int, eps: float
    ) -> None:
        super().__init__()
        self.input_layernorm = RmsNorm(dim, eps)
        self.self_attn = Attention(dim, num_heads, num_kv_heads, head_dim, eps)
        self.post_attention_layernorm = RmsNorm(dim, eps)
        self.mlp = SwiGlu(dim, ffn, dim)

    def forward(
        self, x: Tensor, angles: tuple[Tensor, Tensor] | None, mask: Tensor | None
    ) -> Tensor:
        x = x + self.self_attn(self.input_layernorm(x), angles, mask)
        return x + self.mlp(self.post_attention_layernorm(x))


class DecoderStack(nn.Module):
    """Layers and a final norm; rotary positions only where `rope_theta` is given."""

    def __init__(self, layers: list[DecoderLayer], norm: RmsNorm, rope_theta: float | None) -> None:
        super().__init__()
        self.layers = nn.ModuleList(layers)
        self.norm = norm
        self.rope_theta = rope_theta

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """Run over whole sequences.

        Args:
            x: (B, T, dim).
            mask: bool, broadcastable to (B, H, T, T), True where a query may look; None means
                causal.

        Returns:
            (B, T, dim) after the final norm.
        """
        angles = None
        if self.rope_theta is not None:
            attention = self.layers[0].self_attn
            assert isinstance(attention, Attention)
            positions = torch.arange(x.shape[1], device=x.device)
            angles = rope_angles(positions, attention.head_dim, self.rope_theta)
        for layer in self.layers:
            x = layer(x, angles, mask)
        return self.norm(x)
