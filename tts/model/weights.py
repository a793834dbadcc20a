"""The model's weights as inference wants them: fused, packed, and called without modules.

`TtsModel` is the definition, and what training changes. `prepare` makes a copy of its weights,
once, in which query, key and value are one product and gate and up another, laid out by
`tokenizer.linear`. What is called thousands of times a second is written in few and plain
operations; a row of the result does not depend on the rows beside it, bit for bit, as long as
the weights fit into float16.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tokenizer.linear import Linear, packed
from tts.model.gpt import ACTIVATIONS, GptBlock, GptMlp
from tts.model.lm import FrameModel, Stack, TtsModel
from tts.model.transformer import Attention, DecoderLayer, DecoderStack, RmsNorm, SwiGlu

# (layer, queries (N, H, d), keys (N, H_kv, d), values (N, H_kv, d)) -> (N, H * d)
Attend = Callable[[int, Tensor, Tensor, Tensor], Tensor]


class FastNorm:
    """`RmsNorm`: x / hypot(|x|, sqrt(n eps)) * (sqrt(n) weight), the same in fewer steps."""

    def __init__(self, weight: Tensor, eps: float) -> None:
        size = weight.shape[-1]
        self.gain = weight.detach().float() * size**0.5
        self.shift = torch.tensor((size * eps) ** 0.5, device=weight.device)

    def __call__(self, x: Tensor) -> Tensor:
        y = x.float()
        y = y.div(torch.linalg.vector_norm(y, dim=-1, keepdim=True).hypot_(self.shift))
        return y.mul_(self.gain).to(x.dtype)


class FastLayerNorm:
    """`nn.LayerNorm`."""

    def __init__(self, module: nn.LayerNorm) -> None:
        self.gain, self.shift = module.weight.detach().float(), module.bias.detach().float()
        self.eps = module.eps

    def __call__(self, x: Tensor) -> Tensor:
        y = torch.layer_norm(x.float(), self.gain.shape, self.gain, self.shift, self.eps)
        return y.to(x.dtype)


class FastGptMlp:
    """`GptMlp`."""

    def __init__(self, module: GptMlp, dtype: torch.dtype) -> None:
        self.activation = ACTIVATIONS[module.activation]
        self.up, self.down = _biased(module.fc_in, dtype), _biased(module.fc_out, dtype)

    def __call__(self, x: Tensor) -> Tensor:
        return self.down(self.activation(self.up(x)))


class FastSwiGlu:
    """`SwiGlu` with gate and up as one product."""

    def __init__(self, module: SwiGlu, dtype: torch.dtype) -> None:
        both = torch.cat([module.gate_proj.weight, module.up_proj.weight])
        self.gate_up = packed(both, dtype=dtype)
        self.down = packed(module.down_proj.weight, dtype=dtype)

    def __call__(self, x: Tensor) -> Tensor:
        gate, up = self.gate_up(x).chunk(2, dim=-1)
        return self.down(F.silu(gate).mul_(up))


class FastLayer:
    """`DecoderLayer` over rows (N, dim)."""

    head_norm: FastNorm | None
    norm1: FastNorm | FastLayerNorm
    norm2: FastNorm | FastLayerNorm
    mlp: FastSwiGlu | FastGptMlp

    def __init__(self, layer: DecoderLayer, rotary: bool, dtype: torch.dtype) -> None:
        attention = layer.self_attn
        assert isinstance(attention, Attention)
        self.head_dim = size = attention.head_dim
        q, k, v = (p.weight for p in (attention.q_proj, attention.k_proj, attention.v_proj))
        self.num_heads, self.num_kv_heads = len(q) // size, len(k) // size
        q_gain, k_gain = attention.q_norm.weight, attention.k_norm.weight
        if rotary:
            q, k, q_gain, k_gain = (_interleaved(w, size) for w in (q, k, q_gain, k_gain))
        gains = [q_gain.expand(self.num_heads, -1), k_gain.expand(self.num_kv_heads, -1)]
        self.head_norm = FastNorm(torch.cat(gains), attention.q_norm.eps)
        self.qkv = packed(torch.cat([q, k, v]), dtype=dtype)
        self.out = packed(attention.o_proj.weight, dtype=dtype)
        self.norm1, self.norm2 = (
            FastNorm(n.weight, n.eps)
            for n in (layer.input_layernorm, layer.post_attention_layernorm)
        )
        self.mlp = FastSwiGlu(layer.mlp, dtype)
        self.device = q.device
        # Multiply-adds of the largest product.
        self.widest = 2 * layer.mlp.gate_proj.weight.numel()

    def __call__(self, x: Tensor, index: int, attend: Attend, rotation: Tensor | None) -> Tensor:
        heads, split = self.num_heads, self.num_heads + self.num_kv_heads
        qkv = self.qkv(self.norm1(x)).view(len(x), -1, self.head_dim)
        qk, v = qkv.split((split, split - heads), 1)
        if self.head_norm is not None:
            qk = self.head_norm(qk)
        if rotation is not None:
            qk = _rotate(qk, rotation)
        q, k = qk.split((heads, split - heads), 1)
        x = x + self.out(attend(index, q, k, v))
        return x + self.mlp(self.norm2(x))


class FastGptLayer(FastLayer):
    """`GptBlock` over rows (N, dim); its heads are in the interleaved order already."""

    def __init__(self, block: GptBlock, dtype: torch.dtype) -> None:
        attention = block.attn
        self.num_heads = self.num_kv_heads = attention.num_heads
        self.head_dim = attention.c_proj.in_features // self.num_heads
        self.head_norm = None
        self.qkv, self.out = _biased(attention.c_attn, dtype), _biased(attention.c_proj, dtype)
        self.norm1, self.norm2 = FastLayerNorm(block.ln_1), FastLayerNorm(block.ln_2)
        self.mlp = FastGptMlp(block.mlp, dtype)
        self.device = block.ln_1.weight.device
        self.widest = block.mlp.fc_in.weight.numel()


class FastStack:
    """A stack over rows; how they look at each other is up to `attend`."""

    def __init__(self, stack: Stack, dtype: torch.dtype) -> None:
        self.theta = stack.rope_theta
        if isinstance(stack, DecoderStack):
            layers = [layer for layer in stack.layers if isinstance(layer, DecoderLayer)]
            self.layers = [FastLayer(layer, self.theta is not None, dtype) for layer in layers]
            norm: nn.Module = stack.norm
        else:
            blocks = [block for block in stack.h if isinstance(block, GptBlock)]
            self.layers = [FastGptLayer(block, dtype) for block in blocks]
            norm = stack.ln_f
        self.norm = _norm(norm)
        self.home = self.norm.gain.device
        self.spread = any(layer.device != self.home for layer in self.layers)
        first = self.layers[0]
        self.num_kv_heads, self.head_dim = first.num_kv_heads, first.head_dim

    def __call__(self, x: Tensor, attend: Attend, rotation: Tensor | None = None) -> Tensor:
        """Rows (N, dim) -> (N, dim); rotation complex64 (N, 1, head_dim / 2) where there is one."""
        for index, layer in enumerate(self.layers):
            if self.spread:
                x = x.to(layer.device)
                rotation = None if rotation is None else rotation.to(layer.device)
            x = layer(x, index, attend, rotation)
        return self.norm(x.to(self.home) if self.spread else x)

    def rotations(self, count: int, device: torch.device) -> Tensor:
        """e^{i t theta^(-2i/d)} of the first `count` positions: complex64 (count, 1, d / 2)."""
        assert self.theta is not None
        index = torch.arange(0, self.head_dim, 2, dtype=torch.float32, device=device)
        frequency = self.theta ** (-index / self.head_dim)
        angle = torch.arange(count, dtype=torch.float32, device=device)[:, None] * frequency
        return torch.polar(torch.ones_like(angle), angle)[:, None]


@dataclass(frozen=True, eq=False)
class FastHead:
    """From a depth output to the logits of one channel; the pad code, the last row, is left out.

    mlp, norm: come before the head in the first type of models only.
    """

    mlp: FastSwiGlu | None
    norm: FastNorm | None
    head: Linear

    def __call__(self, x: Tensor) -> Tensor:
        if self.mlp is not None and self.norm is not None:
            x = self.norm(self.mlp(x))
        return self.head(x).float()


class PreparedModel:
    """All of a `FrameModel` that generating needs, in one dtype.

    Attributes:
        tables: of each channel's embeddings; audio channels have a row for the pad code.
        depth: None where heads read the latent.
        depth_from: see `FrameModel`.
        depth_rotations: of the places in a frame, complex64 (1, 1, head_dim / 2) each; None where
            the depth transformer knows no places.
    """

    def __init__(self, model: FrameModel, dtype: torch.dtype) -> None:
        self.config, self.device, self.dtype = model.config, model.device, dtype
        self.temporal = FastStack(model.temporal_stack, dtype)
        depth = model.depth_stack
        self.depth = None if depth is None else FastStack(depth, dtype)
        self.depth_from = model.depth_from
        self.depth_input, self.depth_rotations = None, None
        if isinstance(model, TtsModel):
            self.depth_input = FastSwiGlu(model.speech_embedding_to_local_mlp, dtype)
        if self.depth is not None and self.depth.theta is not None:
            turned = self.depth.rotations(1 + self.config.n_vq, self.device)
            self.depth_rotations = list(turned.split(1))
        self.tables = [_table(model, c, dtype) for c in range(1 + self.config.n_vq)]
        ids = model.text_ids
        self._text_ids = None if ids is None else torch.tensor(ids, device=self.device)
        # `tts.inference.graphs.FrameGraphs` by number of codebooks: capturing one takes seconds.
        self.graphs: dict[int, Any] = {}
        # `tts.inference.temporal_cache.Prefix` by number of codebooks: the voice that spoke last.
        self.prefixes: dict[int, Any] = {}
        self.heads = [_head(model, c, dtype) for c in range(1 + self.config.n_vq)]

    @property
    def widest(self) -> int:
        """Multiply-adds of the largest product of a layer."""
        return self.temporal.layers[0].widest

    def token(self, channel: int, chosen: Tensor) -> Tensor:
        """Ids of what was chosen from the logits of a channel."""
        return chosen if channel or self._text_ids is None else self._text_ids[chosen]

    def at_new_place(self, channel: int) -> bool:
        """Whether a channel has a place of its own in the depth transformer."""
        return channel == 0 or channel > self.depth_from


@torch.inference_mode()
def prepare(model: FrameModel | PreparedModel, dtype: torch.dtype | None = None) -> PreparedModel:
    """A model's weights as they are now, laid out for inference; later changes do not reach it.

    Args:
        model: one that is prepared already is given back.
        dtype: to compute in; None means the model's own. It may differ from that of the weights,
            so that they can stay in the file that they are mapped from.
    """
    if isinstance(model, PreparedModel):
        return model
    return PreparedModel(model, dtype or model.dtype)


def _rotate(x: Tensor, rotation: Tensor) -> Tensor:
    """Rotary embedding of (N, H, d) in the interleaved order, in float32."""
    pairs = torch.view_as_complex(x.float().view(*x.shape[:-1], -1, 2))
    return torch.view_as_real(pairs * rotation).view(x.shape).to(x.dtype)


def _interleaved(weight: Tensor, size: int) -> Tensor:
    """Bring the partners i and i + size/2 of every head side by side, along the first axis.

    Queries and keys change their order alike, so no product of them changes, and a rotation is
    one complex product.
    """
    half = size // 2
    heads = weight.unflatten(0, (-1, 2, half))
    return heads.transpose(1, 2).flatten(0, 2).contiguous()


def _norm(module: nn.Module) -> FastNorm | FastLayerNorm:
    if isinstance(module, nn.LayerNorm):
        return FastLayerNorm(module)
    assert isinstance(module, RmsNorm)
    return FastNorm(module.weight, module.eps)


def _biased(module: nn.Linear, dtype: torch.dtype) -> Linear:
    return packed(module.weight, module.bias, dtype)


def _table(model: FrameModel, channel: int, dtype: torch.dtype) -> Tensor:
    """Embeddings of a channel; a pad code without a row of its own gets one that adds nothing."""
    table = model.table(channel).detach().to(dtype)
    missing = model.config.audio_pad_code + 1 - len(table) if channel else 0
    return F.pad(table, (0, 0, 0, missing)) if missing > 0 else table


def _head(model: FrameModel, channel: int, dtype: torch.dtype) -> FastHead:
    mlp = norm = None
    if isinstance(model, TtsModel):
        mlp = FastSwiGlu(model.local_to_speech_embedding_mlps[channel], dtype)  # type: ignore[arg-type]
        norm = _norm(model.layer_norm_before_lm_heads[channel])
        assert isinstance(norm, FastNorm)
    return FastHead(mlp, norm, packed(model.head(channel), dtype=dtype))
