"""How a new language model starts, or new codebooks of a known one."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor, nn

from tts.model import TtsModel


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


@torch.no_grad()
def add_codebooks(model: TtsModel, total: int) -> TtsModel:
    """The same model with `total` codebooks: what it knows is kept, and the new channels start as
    a model of their own would, with the gated projection of the last channel that there was.

    Raises:
        ValueError: it has more already.
    """
    before = model.config.n_vq
    if total < before:
        raise ValueError(f"the model has {before} codebooks already, more than {total}")
    larger = TtsModel(replace(model.config, n_vq=total))
    initialize(larger)
    known = model.state_dict()
    for channel in range(before + 1, total + 1):
        for part in ("local_to_speech_embedding_mlps", "layer_norm_before_lm_heads"):
            last = f"{part}.{before}."
            known |= {
                name.replace(last, f"{part}.{channel}."): value
                for name, value in model.state_dict().items()
                if name.startswith(last)
            }
    larger.load_state_dict(known, strict=False)
    return larger
