"""The tokenizer's weights as inference wants them: packed, tables looked up, nothing per call.

`tokenizer.transformer` and `tokenizer.quantizer` are the definition, and what training changes;
here is the same arithmetic with `tokenizer.linear`'s products, in few operations. It is made by
`CatTokenizer.prepare`, once.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tokenizer.attention import KvWindow, StageState, extend, rotate, rotations, windowed_attention
from tokenizer.linear import packed
from tokenizer.quantizer import Codebook, ResidualQuantizer
from tokenizer.transformer import TransformerLayer, TransformerStage

Map = Callable[[Tensor], Tensor]


class FastLayer:
    """`TransformerLayer` over (B, T, D)."""

    def __init__(self, layer: TransformerLayer) -> None:
        attention = layer.self_attn
        self.num_heads, self.context = attention.num_heads, attention.context
        self.qkv, self.out = _packed(attention.in_projs[0]), _packed(attention.out_projs[0])
        self.up, self.down = _packed(layer.linear1), _packed(layer.linear2)
        self.norm1, self.norm2 = (_norm(n) for n in (layer.norm1, layer.norm2))
        self.scale1, self.scale2 = layer.layer_scale_1.scale, layer.layer_scale_2.scale

    def __call__(
        self, x: Tensor, rotation: Tensor, past: KvWindow | None
    ) -> tuple[Tensor, KvWindow]:
        batch, steps, dim = x.shape
        # Plain views, because the readable `unflatten` and its like cost as much as a product.
        qkv = self.qkv(self.norm1(x)).view(batch, steps, 3, self.num_heads, -1)
        if qkv.dtype == torch.float32:
            pairs = qkv.view(*qkv.shape[:4], -1, 2).narrow(2, 0, 2)
            torch.view_as_complex(pairs).mul_(rotation)
        else:
            qk = qkv.narrow(2, 0, 2)
            qk.copy_(rotate(qk, rotation))
        q = qkv.select(2, 0).transpose(1, 2)
        kv = qkv.narrow(2, 1, 2).permute(2, 0, 3, 1, 4)
        k, v, window = extend(past, kv, self.context)
        y = windowed_attention(q, k, v, self.context)
        y = y.transpose(1, 2).reshape(batch, steps, dim)
        x = torch.addcmul(x, self.out(y), self.scale1)
        y = self.down(F.gelu(self.up(self.norm2(x))))
        return torch.addcmul(x, y, self.scale2), window


class FastStage:
    """`TransformerStage`."""

    def __init__(self, stage: TransformerStage) -> None:
        config = stage.config
        self.head_dim, self.max_period = config.d_model // config.num_heads, config.max_period
        self.device = next(stage.parameters()).device
        self.input_proj = _packed(stage.input_proj)
        self.layers = [FastLayer(layer) for layer in stage.transformer.layers]  # type: ignore[arg-type]
        self.output_proj = _packed(stage.output_proj)

    def __call__(self, x: Tensor, state: StageState | None) -> tuple[Tensor, StageState]:
        x = x.to(self.device)
        position, steps = state.position if state else 0, x.shape[1]
        rotation = rotations(position, steps, self.head_dim, self.max_period, x.device)
        rotation = rotation[:, None, None]
        x = self.input_proj(x)
        windows = []
        for i, layer in enumerate(self.layers):
            x, window = layer(x, rotation, state.windows[i] if state else None)
            windows.append(window)
        return self.output_proj(x), StageState(tuple(windows), position + steps)


class FastLevel:
    """`Codebook`: the projection in, entries ready to be compared, and what each stands for."""

    def __init__(self, level: Codebook) -> None:
        self.weight, self.bias = _pointwise(level.in_proj)
        self.normalized = level.normalized
        entries = level.codebook.weight
        self.values = entries
        out, bias = _pointwise(level.out_proj)
        if out is not None:
            self.values = F.linear(entries, out, bias)
        if self.normalized:
            entries = F.normalize(entries, dim=-1)
        self.entries, self.squares = entries.t(), entries.square().sum(-1)

    def nearest(self, residual: Tensor) -> Tensor:
        """(N, rvq_dim) -> int64 (N,)."""
        x = residual if self.weight is None else F.linear(residual, self.weight, self.bias)
        if self.normalized:
            x = F.normalize(x, dim=-1)
        distance = x.square().sum(-1, keepdim=True) - 2 * x @ self.entries + self.squares
        return distance.argmin(-1)


class FastQuantizer:
    """`ResidualQuantizer`, in float32."""

    def __init__(self, quantizer: ResidualQuantizer) -> None:
        self.levels = [FastLevel(level) for level in quantizer.quantizers]  # type: ignore[arg-type]
        # All levels' values in one table, so that a frame is looked up and summed at once.
        self.table = torch.cat([level.values for level in self.levels])
        sizes = [len(level.values) for level in self.levels]
        for level, values in zip(self.levels, self.table.split(sizes), strict=True):
            level.values = values
        firsts = [sum(sizes[:i]) for i in range(len(sizes))]
        self.firsts = torch.tensor(firsts, device=self.table.device)
        self.input, self.output = (
            _pointwise(p) for p in (quantizer.input_proj, quantizer.output_proj)
        )

    def encode(self, latents: Tensor, num_codebooks: int) -> Tensor:
        """(B, T, D) -> int64 (B, K, T)."""
        latents = latents.to(self.levels[0].entries.device, torch.float32)
        residual = _project(latents.flatten(0, 1), *self.input)
        codes = []
        for level in self.levels[:num_codebooks]:
            index = level.nearest(residual)
            residual = residual - F.embedding(index, level.values)
            codes.append(index)
        return torch.stack(codes).unflatten(1, latents.shape[:2]).transpose(0, 1).contiguous()

    def decode(self, codes: Tensor) -> Tensor:
        """int64 (B, K, T) -> (B, T, D)."""
        codes = codes.to(self.table.device).transpose(1, 2) + self.firsts[: codes.shape[1]]
        total = F.embedding_bag(codes.flatten(0, 1), self.table, mode="sum")
        total = total.view(*codes.shape[:2], -1)
        return _project(total, *self.output)


def _norm(module: nn.LayerNorm) -> Map:
    shape, weight, bias, eps = module.normalized_shape, module.weight, module.bias, module.eps
    return lambda x: torch.layer_norm(x, shape, weight, bias, eps)


def _pointwise(module: nn.Module) -> tuple[Tensor | None, Tensor | None]:
    """Weight (out, in) and bias of a 1x1 convolution; None for the identity."""
    if isinstance(module, nn.Identity):
        return None, None
    weight, bias = module.weight, module.bias
    assert isinstance(weight, Tensor)
    assert isinstance(bias, Tensor)
    return weight.squeeze(-1), bias


def _project(x: Tensor, weight: Tensor | None, bias: Tensor | None) -> Tensor:
    return x if weight is None else F.linear(x, weight, bias)


def _packed(module: nn.Module) -> Map:
    if isinstance(module, nn.Identity):
        return lambda x: x
    assert isinstance(module.weight, Tensor)
    return packed(module.weight).multiply
