"""When each sound begins: Viterbi over what the hearing stack says of frames."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from tts.listen.sounds import NOTHING

# Sounds that may begin within one frame.
MOST_STEPS = 3


def begins(logits: Tensor, numbers: np.ndarray) -> np.ndarray:
    """The frame in which each sound begins.

    Args:
        logits: (T, 1 + sounds), of the sound that has begun by the end of each frame.
        numbers: int64 (L,), the sounds, in order.

    Returns:
        int64 (L,), not decreasing.
    """
    states = np.concatenate([[NOTHING], numbers])
    scores = logits.float().log_softmax(-1)[:, torch.from_numpy(states)].cpu().numpy()
    total = np.full(len(states), -np.inf)
    total[: 1 + MOST_STEPS] = scores[0, : 1 + MOST_STEPS]
    steps = np.zeros(scores.shape, dtype=np.int8)
    for t in range(1, len(scores)):
        shifted = np.full((1 + MOST_STEPS, len(states)), -np.inf)
        for step in range(min(1 + MOST_STEPS, len(states))):
            shifted[step, step:] = total[: len(states) - step]
        steps[t] = shifted.argmax(0)
        total = shifted.max(0) + scores[t]
    found, state = np.zeros(len(states), dtype=np.int64), len(states) - 1
    if not np.isfinite(total[state]):  # more sounds than frames can hold
        return np.linspace(0, len(scores) - 1, len(numbers)).astype(np.int64)
    for t in range(len(scores) - 1, 0, -1):
        step = int(steps[t, state])
        found[state - step + 1 : state + 1] = t
        state -= step
    return found[1:]
