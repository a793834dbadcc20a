"""From sounds to text: the writing stack, one row after another, always its likeliest piece."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from tts.listen.model import Listener, extend
from tts.listen.sounds import NOTHING
from tts.listen.vocabulary import LISTEN

# Pieces that may be written after one sound, and how many more at the end.
MOST_AT_ONCE, MOST_AT_END = 8, 12


class Written(NamedTuple):
    """A piece of text, and how many sounds had been heard when its word was over."""

    piece: int
    sounds: int


@torch.inference_mode()
def write(model: Listener, weights: Tensor) -> list[Written]:
    """The text of sounds.

    Args:
        weights: (L, 1 + sounds), see `tts.listen.spelling.Sounds`.

    Returns:
        Pieces in order; none where nothing was heard.
    """
    if not len(weights):
        return []
    delay, written, past = model.config.delay, [], None
    rows = model.embed_sounds(ended(weights)[None])
    for number in range(1, rows.shape[1] + 1):
        last = number == rows.shape[1]
        row = rows[:, number - 1 : number]
        hidden, past = extend(model.writing, row, past, causal=True)
        for _ in range(MOST_AT_ONCE + MOST_AT_END * last):
            piece = int(model.piece_logits(hidden[0, -1]).argmax())
            if piece == LISTEN:
                break
            written.append(Written(piece, len(weights) if last else max(number - delay, 0)))
            text = row + model.text.weight[piece]
            hidden, past = extend(model.writing, text, past, causal=True)
    return written


def ended(weights: Tensor) -> Tensor:
    """Sounds (L, 1 + sounds) and a last row that says that no more will come."""
    end = torch.zeros_like(weights[:1])
    end[:, NOTHING] = 1
    return torch.cat([weights, end])
