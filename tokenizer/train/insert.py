"""New codebooks between those of a trained quantizer, which keep their vectors.

The first codebooks of a tokenizer say what a language model can tell from a text; if the next ones
say what it cannot, the phase for example, which goes its own way from frame to frame, then others
belong before them. What the first ones say stays the same, so whoever knows them still does.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from tokenizer.quantizer import Codebook, ResidualQuantizer, pointwise
from tokenizer.train.quantize import left_over, seed_codebook


@torch.no_grad()
def insert_codebooks(
    quantizer: ResidualQuantizer, after: int, count: int, latents: Tensor, seed: int = 0
) -> None:
    """Put `count` new codebooks behind the first `after` ones; as many of the last ones leave.

    Each begins with the directions in which the residuals of the ones before it vary most.

    Args:
        latents: float32 (B, T, input_dim) of speech, more than a few thousand frames.

    Raises:
        ValueError: there are too few codebooks.
    """
    total = len(quantizer.quantizers)
    if not 0 < after <= after + count <= total:
        raise ValueError(
            f"{count} new codebooks after {after} of {total}: use at least 1 and at most {total} "
            "in all"
        )
    old = list(quantizer.quantizers)
    residual = pointwise(quantizer.input_proj, latents.float())
    for level in old[:after]:
        assert isinstance(level, Codebook)
        residual = left_over(level, residual)
    new = []
    for number in range(count):
        level = Codebook(quantizer.config).to(residual.device)
        directions = _principal(residual, quantizer.config.codebook_dim)
        level.in_proj.weight = directions[:, :, None]
        level.out_proj.weight = directions.t()[:, :, None].clone()
        for projection in (level.in_proj, level.out_proj):
            nn.init.zeros_(projection.bias)  # type: ignore[arg-type]
        seed_codebook(level, level.project(residual), seed + number)
        residual = left_over(level, residual)
        new.append(level)
    quantizer.quantizers = nn.ModuleList([*old[:after], *new, *old[after : total - count]])


def _principal(x: Tensor, count: int) -> Tensor:
    """Unit directions (count, D) in which the vectors (B, T, D) vary most."""
    flat = x.flatten(0, 1)
    covariance = torch.cov(flat.t())
    return torch.linalg.eigh(covariance).eigenvectors[:, -count:].flip(1).t().contiguous()
