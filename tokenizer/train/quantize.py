"""The residual quantizer while it learns: straight-through codes, losses, codebook care."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from tokenizer.quantizer import Codebook, ResidualQuantizer, pointwise


@dataclass
class Quantized:
    """latents (B, T, output_dim) with a straight-through gradient; scalar losses;
    codes int64 (B, K, T); projected, the vectors each codebook searched for."""

    latents: Tensor
    commitment: Tensor
    codebook: Tensor
    codes: Tensor
    projected: list[Tensor]


def quantize(quantizer: ResidualQuantizer, latents: Tensor, num_codebooks: Tensor) -> Quantized:
    """Quantize for training, each item with its own number of codebooks (quantizer dropout).

    Args:
        latents: (B, T, input_dim).
        num_codebooks: int64 (B,), codebooks that item b may use; 0 passes it unquantized.
    """
    with torch.autocast(latents.device.type, enabled=False):
        x = pointwise(quantizer.input_proj, latents.float())
        residual, total = x, torch.zeros_like(x)
        commitment = codebook = torch.zeros((), device=x.device)
        codes, projected = [], []
        for k, level in enumerate(quantizer.quantizers):
            assert isinstance(level, Codebook)
            active = (num_codebooks > k).to(x.device)[:, None, None]
            z = level.project(residual)
            index = level.nearest(z)
            entry = level.codebook(index)
            commitment = commitment + ((z - entry.detach()).square() * active).mean()
            codebook = codebook + ((entry - z.detach()).square() * active).mean()
            value = pointwise(level.out_proj, z + (entry - z).detach())
            total = total + value * active
            residual = residual - value
            codes.append(index)
            projected.append(z.detach())
        passed = (num_codebooks == 0).to(x.device)[:, None, None]
        total = torch.where(passed, x, total)
        out = pointwise(quantizer.output_proj, total)
    return Quantized(out, commitment, codebook, torch.stack(codes, 1), projected)


class CodebookKeeper:
    """Counts how often entries are used and moves the idle ones to where the data is.

    Left alone, codebooks collapse to a few entries; this is what prevents it.
    """

    def __init__(self, quantizer: ResidualQuantizer, decay: float = 0.98) -> None:
        config = quantizer.config
        self.decay = decay
        self.usage = torch.ones(config.num_quantizers, config.codebook_size)

    def state_dict(self) -> dict[str, Tensor]:
        return {"usage": self.usage}

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        self.usage = state["usage"]

    def update(self, codes: Tensor) -> None:
        """Count the codes (B, K, T) of one step."""
        size = self.usage.shape[1]
        counts = torch.stack(
            [torch.bincount(c, minlength=size) for c in codes.transpose(0, 1).flatten(1).cpu()]
        )
        self.usage = self.usage * self.decay + counts * (1 - self.decay)

    @torch.no_grad()
    def revive(
        self,
        quantizer: ResidualQuantizer,
        projected: list[Tensor],
        share: float,
        learning: slice = slice(None),
    ) -> int:
        """Move entries used less than `share` of an even share to vectors of this batch.

        Args:
            learning: the codebooks that may change.

        Returns:
            How many were moved.
        """
        moved = 0
        levels = list(zip(quantizer.quantizers, self.usage, projected, strict=True))
        for level, usage, z in levels[learning]:
            assert isinstance(level, Codebook)
            idle = (usage < share * usage.mean()).nonzero().flatten()
            pool = z.flatten(0, 1)
            pick = torch.randperm(len(pool))[: len(idle)]
            idle = idle[: len(pick)]
            noise = torch.randn(len(pick), pool.shape[1]) * 0.02 * pool.std().cpu()
            entries = pool[pick] + noise.to(pool.device)
            level.codebook.weight[idle.to(pool.device)] = entries
            usage[idle] = usage.mean()
            moved += len(idle)
        return moved

    def used(self) -> list[int]:
        """Entries of each codebook in use of late."""
        return (self.usage > 0.02 * self.usage.mean(1, keepdim=True)).sum(1).tolist()


@torch.no_grad()
def seed_codebooks(quantizer: ResidualQuantizer, latents: Tensor, seed: int = 0) -> None:
    """Start every codebook from k-means over residuals of real latents (B, T, input_dim)."""
    residual = pointwise(quantizer.input_proj, latents.float())
    for k, level in enumerate(quantizer.quantizers):
        assert isinstance(level, Codebook)
        seed_codebook(level, level.project(residual), seed + k)
        residual = left_over(level, residual)


def left_over(level: Codebook, residual: Tensor) -> Tensor:
    """What one codebook leaves of (B, T, rvq_dim) to the next one."""
    return residual - level.lookup(level.nearest(level.project(residual)))


@torch.no_grad()
def seed_codebook(level: Codebook, projected: Tensor, seed: int = 0) -> None:
    """Start one codebook from k-means over the vectors (B, T, codebook_dim) it will search with."""
    generator = torch.Generator().manual_seed(seed)
    z = projected.flatten(0, 1)
    size = level.codebook.num_embeddings
    centres = z[torch.randint(len(z), (size,), generator=generator)].clone()
    for _ in range(5):
        a, b = (F.normalize(v, dim=-1) if level.normalized else v for v in (z, centres))
        nearest = torch.cdist(a, b).argmin(1)
        sums = torch.zeros_like(centres).index_add_(0, nearest, z)
        counts = torch.bincount(nearest, minlength=size)[:, None]
        centres = torch.where(counts > 0, sums / counts.clamp_min(1), centres)
    level.codebook.weight.copy_(centres)
