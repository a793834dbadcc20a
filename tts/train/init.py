"""How a new language model starts."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from tts.model.lm import TtsModel


def initialize(model: TtsModel) -> None:
    """Small normals; embeddings of a symbol's phases start close to each other."""
    for name, weight in model.named_parameters():
        if weight.ndim == 2:
            deep = "o_proj" in name or "down_proj" in name
            nn.init.normal_(weight, std=0.02 if "embedding" in name else weight.shape[1] ** -0.5)
            if deep:
                with torch.no_grad():
                    weight.mul_(0.5)
    phonemes = model.config.phonemes
    if phonemes is None:
        return
    table = model.model.embedding_list[0].weight
    assert isinstance(table, Tensor)
    symbols = torch.randn(len(phonemes.symbols), 1, table.shape[1]) * 0.02
    phases = torch.randn(1, phonemes.phases, table.shape[1]) * 0.02
    with torch.no_grad():
        table[phonemes.first_id :] = (symbols + phases).flatten(0, 1)
