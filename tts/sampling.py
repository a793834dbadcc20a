"""Pure functions from logits to ids, each item with its own random numbers."""

from __future__ import annotations

import torch
from torch import Tensor

from tts.config import ChannelSampling


def penalize_repetition(logits: Tensor, seen: Tensor, penalty: float) -> Tensor:
    """Make tokens that were seen less likely: positive logits / penalty, negative x penalty.

    Args:
        logits: (B, V).
        seen: bool (B, V).
        penalty: 1 changes nothing, above 1 discourages.
    """
    scaled = torch.where(logits > 0, logits / penalty, logits * penalty)
    return torch.where(seen, scaled, logits)


def keep_top_k(logits: Tensor, k: int) -> Tensor:
    """-inf for all but the k largest of each row; k = 0 or k >= V keeps all."""
    if not 0 < k < logits.shape[-1]:
        return logits
    threshold = logits.topk(k, dim=-1).values[..., -1:]
    return logits.masked_fill(logits < threshold, -torch.inf)


def keep_top_p(logits: Tensor, p: float) -> Tensor:
    """-inf outside the smallest set of tokens whose probability reaches p; always keeps one."""
    if p >= 1:
        return logits
    ordered, index = logits.sort(dim=-1, descending=True)
    probabilities = ordered.softmax(dim=-1)
    before = probabilities.cumsum(dim=-1) - probabilities
    dropped = torch.zeros_like(before, dtype=torch.bool).scatter(-1, index, before >= p)
    return logits.masked_fill(dropped, -torch.inf)


def gumbel(generator: torch.Generator, size: int, device: torch.device) -> Tensor:
    """Gumbel noise (size,) from one item's generator; argmax(logits + noise) samples softmax."""
    uniform = torch.rand(size, generator=generator).clamp_min(1e-20)
    return (-(-uniform.log()).log()).to(device)


def sample(
    logits: Tensor,
    settings: ChannelSampling,
    generators: list[torch.Generator],
    seen: Tensor | None = None,
) -> Tensor:
    """Choose one token per item: penalty, temperature, top-k, top-p, then Gumbel-max.

    Args:
        logits: float (B, V); -inf marks what is not allowed.
        settings: temperature 0 is greedy and applies none of the others.
        generators: one per item, so that an item's choice does not depend on its neighbours.
        seen: bool (B, V), tokens the penalty applies to.

    Returns:
        int64 (B,).
    """
    if settings.temperature == 0:
        return logits.argmax(dim=-1)
    if seen is not None and settings.repetition_penalty != 1:
        logits = penalize_repetition(logits, seen, settings.repetition_penalty)
    logits = keep_top_p(keep_top_k(logits / settings.temperature, settings.top_k), settings.top_p)
    noise = torch.stack([gumbel(g, logits.shape[-1], logits.device) for g in generators])
    return (logits + noise).argmax(dim=-1)
