"""From what the hearing stack says of frames to sounds, with their places and certainties."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor


class Sounds(NamedTuple):
    """What was heard.

    Attributes:
        numbers: int64 (L,), see `tts.listen.sounds`.
        frames: int64 (L,), where each was surest.
        certainty: (L,), 0 to 1.
    """

    numbers: Tensor
    frames: Tensor
    certainty: Tensor


def spell(logits: Tensor) -> Sounds:
    """The sounds of frames (T, 1 + sounds), CTC's way: runs of the same, blanks between."""
    chances = logits.float().softmax(-1)
    best = chances.argmax(-1)
    heard = best != 0
    begins = heard.clone()
    begins[1:] &= best[1:] != best[:-1]
    starts = begins.nonzero()[:, 0]
    if not len(starts):
        none = best[:0]
        return Sounds(none, none, chances[:0, 0])
    run = (begins.cumsum(0) - 1)[heard]
    peak = chances[heard].amax(-1)
    certainty = torch.zeros(len(starts), device=peak.device).scatter_reduce_(0, run, peak, "amax")
    surest = (peak == certainty[run]).nonzero()[:, 0]
    frames = torch.full_like(starts, len(best))
    frames.scatter_reduce_(0, run[surest], heard.nonzero()[:, 0][surest], "amin")
    return Sounds(best[starts], frames, certainty)
