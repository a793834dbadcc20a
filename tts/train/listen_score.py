"""How well a listener hears: error rates while it is trained."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from rapidfuzz.distance import Levenshtein

from tts.listen.model import Listener
from tts.listen.sounds import spoken
from tts.listen.spelling import spell
from tts.train.listen_data import Heard


@torch.no_grad()
def sound_errors(
    model: Listener, examples: Sequence[Heard], num_codebooks: int | None = None
) -> float:
    """Share of wrong sounds, marks aside; examples are heard one by one.

    Args:
        num_codebooks: that are heard; None means all.
    """
    total = errors = 0
    for example in examples:
        codes = torch.from_numpy(example.codes[:num_codebooks].astype(np.int64))[None]
        heard = spell(model.hear(codes).sounds[0]).numbers.numpy()
        said = example.sounds[spoken(example.sounds)].tolist()
        total += len(said)
        errors += Levenshtein.distance(said, heard[spoken(heard)].tolist())
    return errors / max(1, total)
