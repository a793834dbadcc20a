"""The optimizer of every training run here."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn


def make_optimizer(
    model: nn.Module, learning_rate: float, weight_decay: float
) -> torch.optim.Optimizer:
    """AdamW over all parameters that learn."""
    learning = [p for p in model.parameters() if p.requires_grad]
    return torch.optim.AdamW(
        learning, learning_rate, betas=(0.9, 0.98), weight_decay=weight_decay, fused=True
    )


def set_rate(optimizer: Any, learning_rate: float) -> None:
    """Set the learning rate of the next step."""
    for group in optimizer.param_groups:
        group["lr"] = learning_rate
