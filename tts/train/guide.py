"""An auxiliary loss that shows three attention heads where to look.

Without it the model has to discover by itself that the text channel of a frame is found by
looking the last place up in the text and stepping on; that takes thousands of steps. Head 0 of
the first three temporal layers is told:

    layer 0: a text row looks at the text row before it
    layer 1: a frame looks at its own place in the text
    layer 2: a row that predicts a frame looks at that frame's place

The loss is dropped once the way is found; nothing of it remains in the model.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tts.model.lm import TtsModel
from tts.model.transformer import Attention, apply_rope, rope_angles

IGNORED = -100
GUIDED_LAYERS = (0, 1, 2)


class AttentionInputs:
    """Keeps what the guided attention modules read in the last forward pass."""

    def __init__(self, model: TtsModel) -> None:
        self.inputs: dict[int, Tensor] = {}
        for index in GUIDED_LAYERS:
            layer = model.model.language_model.layers[index]
            assert isinstance(layer.self_attn, nn.Module)
            layer.self_attn.register_forward_pre_hook(self._keeper(index))

    def _keeper(self, index: int):
        def keep(_: nn.Module, arguments: tuple) -> None:
            self.inputs[index] = arguments[0]

        return keep


def head_scores(attention: Attention, x: Tensor, theta: float) -> Tensor:
    """Causal scores of head 0: (B, T, dim) -> float32 (B, T, T), -inf in the future."""
    size = attention.head_dim
    q = attention.q_norm(F.linear(x, attention.q_proj.weight[:size]))[:, None]
    k = attention.k_norm(F.linear(x, attention.k_proj.weight[:size]))[:, None]
    angles = rope_angles(torch.arange(x.shape[1], device=x.device), size, theta)
    q, k = apply_rope(q, angles), apply_rope(k, angles)
    scores = (q @ k.transpose(-1, -2))[:, 0].float() * size**-0.5
    future = torch.ones(scores.shape[1:], dtype=torch.bool, device=x.device).triu(1)
    return scores.masked_fill(future, -torch.inf)


def guide_loss(model: TtsModel, kept: AttentionInputs, targets: tuple[Tensor, ...]) -> Tensor:
    """Cross-entropy of the three heads' attention, summed; scalar.

    Args:
        targets: for each guided layer int64 (B, T), the row that each row should look at, or
            IGNORED.
    """
    theta = model.config.language_config.rope_theta
    total = torch.zeros((), device=targets[0].device)
    for index, target in zip(GUIDED_LAYERS, targets, strict=True):
        attention = model.model.language_model.layers[index].self_attn
        assert isinstance(attention, Attention)
        scores = head_scores(attention, kept.inputs[index], theta)
        total = total + F.cross_entropy(
            scores.flatten(0, 1), target.flatten(), ignore_index=IGNORED
        )
    return total
