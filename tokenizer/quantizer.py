"""Residual quantizer: latents <-> codes, always in float32.

Layout is (B, T, D) for latents and (B, K, T) for codes.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.parametrizations import weight_norm

from tokenizer.config import QuantizerConfig


class PointwiseConv(nn.Module):
    """Weight-normalised 1x1 convolution over (B, T, D), or the identity where sizes agree."""

    @staticmethod
    def build(inputs: int, outputs: int) -> nn.Module:
        return nn.Identity() if inputs == outputs else weight_norm(nn.Conv1d(inputs, outputs, 1))


def pointwise(layer: nn.Module, x: Tensor) -> Tensor:
    """Apply a 1x1 convolution (or identity) to channels-last x (B, T, D)."""
    if isinstance(layer, nn.Identity):
        return x
    return F.linear(x, layer.weight.squeeze(-1), layer.bias)  # type: ignore[operator, arg-type]


class Codebook(nn.Module):
    """One level: project, find the nearest entry, project its value back."""

    def __init__(self, config: QuantizerConfig) -> None:
        super().__init__()
        self.normalized = config.normalized
        self.in_proj = PointwiseConv.build(config.rvq_dim, config.codebook_dim)
        self.codebook = nn.Embedding(config.codebook_size, config.codebook_dim)
        self.out_proj = PointwiseConv.build(config.codebook_dim, config.rvq_dim)

    def project(self, residual: Tensor) -> Tensor:
        """(B, T, rvq_dim) -> (B, T, codebook_dim)."""
        return pointwise(self.in_proj, residual)

    def nearest(self, projected: Tensor) -> Tensor:
        """Index of the closest entry: (B, T, codebook_dim) -> int64 (B, T)."""
        entries = self.codebook.weight
        if self.normalized:
            projected, entries = F.normalize(projected, dim=-1), F.normalize(entries, dim=-1)
        flat = projected.flatten(0, -2)
        distance = (
            flat.square().sum(-1, keepdim=True) - 2 * flat @ entries.t() + entries.square().sum(-1)
        )
        return distance.argmin(-1).view(projected.shape[:-1])

    def lookup(self, codes: Tensor) -> Tensor:
        """int64 (B, T) -> (B, T, rvq_dim)."""
        return pointwise(self.out_proj, self.codebook(codes))


class ResidualQuantizer(nn.Module):
    """K codebooks, each quantizing what the coarser ones left over."""

    def __init__(self, config: QuantizerConfig) -> None:
        super().__init__()
        self.config = config
        self.input_proj = PointwiseConv.build(config.input_dim, config.rvq_dim)
        self.quantizers = nn.ModuleList(Codebook(config) for _ in range(config.num_quantizers))
        self.output_proj = PointwiseConv.build(config.rvq_dim, config.output_dim)

    def encode(self, latents: Tensor, num_codebooks: int | None = None) -> Tensor:
        """Quantize.

        Args:
            latents: (B, T, input_dim).
            num_codebooks: K, coarsest first; None means all.

        Returns:
            int64 (B, K, T).
        """
        with torch.autocast(latents.device.type, enabled=False):
            residual = pointwise(self.input_proj, latents.float())
            codes = []
            for level in self.quantizers[: num_codebooks or len(self.quantizers)]:
                assert isinstance(level, Codebook)
                index = level.nearest(level.project(residual))
                residual = residual - level.lookup(index)
                codes.append(index)
            return torch.stack(codes, dim=1)

    def decode(self, codes: Tensor) -> Tensor:
        """Sum the entries: int64 (B, K, T) with K <= num_quantizers -> (B, T, output_dim)."""
        with torch.autocast(codes.device.type, enabled=False):
            total = torch.zeros((), device=codes.device)
            for level, index in zip(self.quantizers, codes.unbind(1), strict=False):
                assert isinstance(level, Codebook)
                total = total + level.lookup(index)
            return pointwise(self.output_proj, total)
