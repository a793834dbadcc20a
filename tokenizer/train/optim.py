"""Optimizers of every training run here."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

# Embeddings, codebooks and the projections between stages and vocabularies are no maps between
# hidden spaces; orthogonal updates do not suit them.
PLAIN = ("embedding", "codebook", "head", "input_proj", "output_proj", "quantizer")


def make_optimizers(
    model: nn.Module, kind: str, learning_rate: float, weight_decay: float
) -> list[torch.optim.Optimizer]:
    """AdamW for everything; or Muon for the matrices inside the layers and AdamW for the rest.

    Muon's step is scaled to AdamW's usual size, so that one learning rate serves both.

    Args:
        kind: one of `recipe.OPTIMIZERS`.
    """
    named = [(n, p) for n, p in model.named_parameters() if p.requires_grad]
    inner = [p for n, p in named if p.ndim == 2 and not any(part in n for part in PLAIN)]
    chosen = {id(p) for p in inner} if kind == "muon" else set()
    rest = [p for _, p in named if id(p) not in chosen]
    adamw = torch.optim.AdamW(
        rest, learning_rate, betas=(0.9, 0.98), weight_decay=weight_decay, fused=True
    )
    if not chosen:
        return [adamw]
    muon = torch.optim.Muon(
        inner, learning_rate, weight_decay=weight_decay, adjust_lr_fn="match_rms_adamw"
    )
    return [muon, adamw]


def set_rate(optimizers: list[Any], learning_rate: float) -> None:
    """Set the learning rate of the next step."""
    for optimizer in optimizers:
        for group in optimizer.param_groups:
            group["lr"] = learning_rate
