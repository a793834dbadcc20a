"""The listener: the language model's layers turned around, codes in, what is said out.

    codes of a frame --sum of embeddings--> layers --> sounds (CTC) and when they begin

It sees a piece of sound whole, or in chunks where it comes bit by bit; each of its layers first
takes in the two frames beside each one. `tts.listen.writing` makes words of sounds, so text is tied
to what was heard: where no sound was heard nothing can be written, and every word has a time.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tts.listen.config import ListenerConfig, StackConfig
from tts.model.transformer import (
    Attention,
    DecoderLayer,
    DecoderStack,
    RmsNorm,
    apply_rope,
    attend,
    rope_angles,
)

# Of each layer: keys, values, and the last row that a frame has beside it.
Past = list[tuple[Tensor, Tensor, Tensor]]


class Hearing(NamedTuple):
    """What is heard in frames: logits (B, T, 1 + sounds), of CTC, 0 being its blank; and of the
    sound that has begun by the end of each frame, 0 being none."""

    sounds: Tensor
    labels: Tensor


class HearingLayer(DecoderLayer):
    """A layer in which each frame takes in the two beside it before it looks further.

    Attention learns in thousands of steps that what is near matters most; this says so.
    """

    def __init__(self, sizes: StackConfig, eps: float) -> None:
        super().__init__(sizes.dim, sizes.ffn, sizes.heads, sizes.heads, sizes.head_dim, eps)
        self.beside_layernorm = RmsNorm(sizes.dim, eps)
        self.beside_proj = nn.Linear(3 * sizes.dim, sizes.dim, bias=False)

    def beside(self, x: Tensor, before: Tensor | None, follows: Tensor) -> tuple[Tensor, Tensor]:
        """Add to each frame what it makes of its neighbours.

        Args:
            x: (B, T, dim).
            before: (B, 1, dim), what this gave for the frames before; None at the beginning.
            follows: bool (B or 1, T), whether a frame may see the next one.

        Returns:
            (B, T, dim), and (B, 1, dim) for the frames that follow.
        """
        normed = self.beside_layernorm(x)
        before = torch.zeros_like(normed[:, :1]) if before is None else before
        left = torch.cat([before, normed[:, :-1]], dim=1)
        right = torch.roll(normed, -1, dims=1) * follows[..., None]
        taken = self.beside_proj(torch.cat([left, normed, right], dim=-1))
        return x + F.silu(taken), normed[:, -1:]

    def forward(
        self, x: Tensor, angles: tuple[Tensor, Tensor] | None, mask: Tensor | None
    ) -> Tensor:
        assert mask is not None
        # The next frame is on the diagonal above that of the mask; the last frame has none.
        follows = F.pad(mask[:, 0].diagonal(1, dim1=1, dim2=2), (0, 1))
        return super().forward(self.beside(x, None, follows)[0], angles, mask)


class Listener(nn.Module):
    """See the head of this file."""

    def __init__(self, config: ListenerConfig) -> None:
        super().__init__()
        self.config = config
        sizes, sounds = config.hearing, 1 + len(config.sounds)
        self.codes = nn.Embedding(config.num_codebooks * config.codebook_size, sizes.dim)
        layers = [HearingLayer(sizes, config.rms_norm_eps) for _ in range(sizes.layers)]
        norm = RmsNorm(sizes.dim, config.rms_norm_eps)
        self.hearing = DecoderStack([*layers], norm, config.rope_theta)
        self.sound_head = nn.Linear(sizes.dim, sounds)
        self.label_head = nn.Linear(sizes.dim, sounds)

    def embed_codes(self, codes: Tensor) -> Tensor:
        """int64 (B, k, T), any k up to `num_codebooks`, -1 where there is none -> (B, T, dim)."""
        first = torch.arange(codes.shape[1], device=codes.device) * self.config.codebook_size
        values = self.codes(codes.clamp_min(0) + first[:, None])
        return (values * (codes >= 0)[..., None]).sum(1)

    def hear(self, codes: Tensor, lengths: Tensor | None = None, chunk: int = 0) -> Hearing:
        """Read codes.

        Args:
            codes: int64 (B, k, T).
            lengths: int64 (B,), frames of each item; None means all of them.
            chunk: a frame sees all before it and those of its own chunk of so many frames; 0 lets
                it see everything.
        """
        mask = hearing_mask(codes.shape[2], lengths, chunk).to(codes.device)
        return self.heads(self.hearing(self.embed_codes(codes), mask))

    def heads(self, hidden: Tensor) -> Hearing:
        """Of outputs of the hearing stack."""
        return Hearing(self.sound_head(hidden), self.label_head(hidden))


def hearing_mask(frames: int, lengths: Tensor | None, chunk: int) -> Tensor:
    """bool (B or 1, 1, T, T), True where a frame may look."""
    time = torch.arange(frames)
    inside = torch.ones(1, 1, 1, frames, dtype=torch.bool)
    if lengths is not None:
        inside = (time < lengths.cpu()[:, None])[:, None, None]
        inside = inside | (time == 0)  # a row must see something
    ends = (time // chunk + 1) * chunk if chunk else torch.full_like(time, frames)
    return inside & (time < ends[:, None])


def extend(stack: DecoderStack, x: Tensor, past: Past | None) -> tuple[Tensor, Past]:
    """Run frames that follow others, and see all of each other: (1, t, dim) -> (1, t, dim), and all
    keys and values so far.

    Args:
        past: of the frames before.
    """
    before = past[0][0].shape[2] if past else 0
    rows, kept = x.shape[1], []
    mask = torch.ones(rows, before + rows, dtype=torch.bool, device=x.device)
    follows = torch.arange(rows, device=x.device)[None] < rows - 1
    first = stack.layers[0].self_attn
    assert isinstance(first, Attention)
    assert stack.rope_theta is not None
    positions = torch.arange(before, before + rows, device=x.device)
    angles = rope_angles(positions, first.head_dim, stack.rope_theta)
    for number, layer in enumerate(stack.layers):
        assert isinstance(layer, HearingLayer)
        x, last = layer.beside(x, past[number][2] if past else None, follows)
        attention, normed = layer.self_attn, layer.input_layernorm(x)
        heads = (-1, attention.head_dim)
        q = attention.q_norm(attention.q_proj(normed).unflatten(-1, heads)).transpose(1, 2)
        k = attention.k_norm(attention.k_proj(normed).unflatten(-1, heads)).transpose(1, 2)
        v = attention.v_proj(normed).unflatten(-1, heads).transpose(1, 2)
        q, k = apply_rope(q, angles), apply_rope(k, angles)
        if past:
            k, v = torch.cat([past[number][0], k], dim=2), torch.cat([past[number][1], v], dim=2)
        kept.append((k, v, last))
        x = x + attention.o_proj(attend(q, k, v, mask).transpose(1, 2).flatten(2))
        x = x + layer.mlp(layer.post_attention_layernorm(x))
    return stack.norm(x), kept
