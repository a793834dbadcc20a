"""What the temporal transformer remembers of one item, and of a voice from item to item."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from tts.model.weights import FastStack


class Prefix(NamedTuple):
    """What a prompt begins with, up to its last frame of sound.

    rows: int64 (P, 1 + K). layers: each layer's keys and values of them, (2, H_kv, P, d).
    """

    rows: Tensor
    layers: tuple[Tensor, ...]


def prefix_length(rows: Tensor, silent: int) -> int:
    """Rows (T, 1 + K) of a prompt up to its last frame of sound, the same from text to text.

    Args:
        silent: the code of a row without sound.

    Returns:
        0 where there is no sound, or nothing behind it.
    """
    sounding = (rows[:, 1] != silent).nonzero()
    length = int(sounding[-1]) + 1 if len(sounding) else 0
    return length if length < len(rows) else 0


class TemporalCache:
    """Keys and values of one item, allocated once for all the rows it may have."""

    def __init__(self, stack: FastStack, capacity: int, dtype: torch.dtype) -> None:
        shape = (2, stack.num_kv_heads, capacity, stack.head_dim)
        self.layers = [
            torch.empty(shape, device=layer.device, dtype=dtype) for layer in stack.layers
        ]
        self.num_kv_heads = stack.num_kv_heads
        self.length = 0

    def prefix(self, rows: Tensor) -> Prefix:
        """A copy of all that is here, to begin other items with; rows: what was read."""
        layers = tuple(layer[:, :, : self.length].clone() for layer in self.layers)
        return Prefix(rows.clone(), layers)

    def begin(self, prefix: Prefix) -> None:
        """Take over what another item has read."""
        self.length = len(prefix.rows)
        for layer, kept in zip(self.layers, prefix.layers, strict=True):
            layer[:, :, : self.length] = kept

    def read_prompt(self, layer: int, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        """`Attend` over the rest of a prompt, behind the rows that are here already; causal."""
        end = self.length + len(q)
        keys, values = self.layers[layer][:, :, :end].unbind()
        q, k, v = (x.transpose(0, 1) for x in (q, k, v))
        keys[:, self.length :], values[:, self.length :] = k, v
        if not self.length:
            y = F.scaled_dot_product_attention(
                q[None], k[None], v[None], is_causal=True, enable_gqa=True
            )
        else:
            seen = torch.ones(q.shape[1], end, dtype=torch.bool, device=q.device)
            y = F.scaled_dot_product_attention(
                q[None], keys[None], values[None], seen.tril(self.length), enable_gqa=True
            )
        return y[0].transpose(0, 1).flatten(1)

    def read_step(self, layer: int, q: Tensor, kv: Tensor) -> Tensor:
        """Attention of one row to everything so far and itself.

        Args:
            layer: index.
            q: (1, H_kv, H / H_kv, d), the query heads that share a key head together.
            kv: (2, H_kv, d), key and value of the row.

        Returns:
            (1, H_kv, H / H_kv, d).
        """
        store = self.layers[layer]
        store.select(2, self.length).copy_(kv)
        keys, values = store.narrow(2, 0, self.length + 1).unsqueeze(1).unbind()
        return F.scaled_dot_product_attention(q, keys, values)
