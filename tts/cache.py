"""Key-value caches with static shapes: allocate, write in place, reset."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass
class KvCache:
    """Keys and values of all layers of one transformer.

    Attributes:
        keys, values: (num_layers, B, num_kv_heads, capacity, head_dim).
        length: steps written so far, the same for every item.
    """

    keys: Tensor
    values: Tensor
    length: int = 0

    @property
    def capacity(self) -> int:
        return self.keys.shape[3]

    def write(self, layer: int, keys: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
        """Append (B, num_kv_heads, T, head_dim) and return all steps so far.

        `length` moves on only with `advance`, once every layer has written.
        """
        last = self.length + keys.shape[2]
        if last > self.capacity:
            raise ValueError(f"cache of {self.capacity} steps is full; allocate {last}")
        self.keys[layer, :, :, self.length : last] = keys
        self.values[layer, :, :, self.length : last] = values
        return self.keys[layer, :, :, :last], self.values[layer, :, :, :last]

    def advance(self, steps: int) -> None:
        self.length += steps

    def reset(self) -> None:
        self.length = 0

    def select(self, items: Tensor) -> KvCache:
        """The cache of some items of the batch, in the order given: int64 (b,)."""
        return KvCache(self.keys[:, items], self.values[:, items], self.length)


def allocate(
    num_layers: int,
    batch_size: int,
    num_kv_heads: int,
    capacity: int,
    head_dim: int,
    like: Tensor,
) -> KvCache:
    """An empty cache with dtype and device of `like`."""
    shape = (num_layers, batch_size, num_kv_heads, capacity, head_dim)
    zeros = torch.zeros(shape, dtype=like.dtype, device=like.device)
    return KvCache(zeros, torch.zeros_like(zeros))
