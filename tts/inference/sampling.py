"""From logits to ids: pure functions of tensors, with one random number per choice.

Nothing here waits for the device, so a whole frame can run, or be captured, without a stop.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from tts.model.config import ChannelSampling

# (channel, logits (B, V)) -> int64 (B,)
Choose = Callable[[int, Tensor], Tensor]
# Uniform numbers stay below 1 by more than float32 loses when a sum of probabilities is scaled.
UNIFORM_LIMIT = 1 - 2.0**-20


def penalize_repetition(logits: Tensor, seen: Tensor, penalty: float) -> Tensor:
    """Make tokens that were seen less likely: positive logits / penalty, negative x penalty.

    Args:
        logits: (B, V).
        seen: bool (B, V).
        penalty: 1 changes nothing, above 1 discourages.
    """
    # The lesser of the two quotients, or the greater where the penalty encourages.
    choose = torch.minimum if penalty >= 1 else torch.maximum
    return torch.where(seen, choose(logits / penalty, logits * penalty), logits)


def cumulate(logits: Tensor, settings: ChannelSampling) -> tuple[Tensor, Tensor | None]:
    """Cumulative probabilities after temperature, top-k and top-p.

    Args:
        logits: float (B, V); -inf marks what is not allowed.
        settings: temperature above 0.

    Returns:
        float (B, n), not normalised: entry i has the probability (c[i] - c[i-1]) / c[n-1]; and
        int64 (B, n), the ids of the entries, or None where entries are ids.
    """
    ids = None
    if 0 < settings.top_k < logits.shape[-1]:
        logits, ids = logits.topk(settings.top_k, dim=-1)
    elif settings.top_p < 1:
        logits, ids = logits.sort(dim=-1, descending=True)
    if settings.temperature != 1:
        logits = logits / settings.temperature
    probabilities = logits.softmax(dim=-1)
    total = probabilities.cumsum(dim=-1)
    if settings.top_p < 1:
        # The smallest set that reaches top_p: an entry stays if those before it do not. Behind
        # the last that stays the sum rises no more.
        outside = total - probabilities >= settings.top_p
        total = total.masked_fill(outside, 0).cummax(dim=-1).values
    return total, ids


def sample(
    logits: Tensor, settings: ChannelSampling, uniform: Tensor, seen: Tensor | None = None
) -> Tensor:
    """Choose one token per item: penalty, temperature, top-k, top-p, then the inverse CDF.

    An item's choice depends on its own row and number alone.

    Args:
        logits: float (B, V); -inf marks what is not allowed.
        settings: temperature 0 is greedy and applies none of the others but the penalty.
        uniform: float (B,), one random number an item in [0, UNIFORM_LIMIT).
        seen: bool (B, V), tokens the penalty applies to.

    Returns:
        int64 (B,).
    """
    if seen is not None and settings.repetition_penalty != 1:
        logits = penalize_repetition(logits, seen, settings.repetition_penalty)
    if settings.temperature == 0:
        return logits.argmax(dim=-1)
    total, ids = cumulate(logits, settings)
    # The first entry whose sum lies above the number; entries without probability never do so
    # first.
    wanted = total.select(1, -1).mul(uniform).unsqueeze(1)
    entry = torch.searchsorted(total, wanted, right=True)
    return (entry if ids is None else ids.gather(-1, entry))[:, 0]


def sample_each(
    settings: list[ChannelSampling], logits: Tensor, uniform: Tensor, seen: Tensor | None
) -> Tensor:
    """`sample`, each item by its own settings; items that share them go together."""
    if settings.count(settings[0]) == len(settings):
        return sample(logits, settings[0], uniform, seen)
    chosen = torch.empty(len(settings), dtype=torch.int64, device=logits.device)
    for kind in set(settings):
        own = torch.tensor([s == kind for s in settings], device=logits.device)
        shown = None if seen is None else seen[own]
        chosen[own] = sample(logits[own], kind, uniform[own], shown)
    return chosen


def guide(logits: Tensor, guided: Tensor, scale: Tensor) -> Tensor:
    """Away from what an item would say if it did not know its text (classifier-free guidance).

    Args:
        logits: (B + S, V), those of B items, then those of S unconditional branches.
        guided: int64 (S,), their items. scale: (S, 1), 1 leaves an item as it is.

    Returns:
        (B, V).
    """
    own = logits[: len(logits) - len(guided)].clone()
    cond, uncond = own[guided], logits[len(own) :]
    # what is not allowed is -inf in both
    own[guided] = torch.where(cond.isinf(), cond, uncond + scale * (cond - uncond))
    return own


def draw(generators: list[torch.Generator], count: int) -> Tensor:
    """Uniform numbers for one frame, each item from its own generator: float32 (B, count)."""
    numbers = [torch.rand(count, generator=generator) for generator in generators]
    return torch.stack(numbers).mul_(UNIFORM_LIMIT)
