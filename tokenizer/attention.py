"""Causal attention with a sliding window, rotary positions, and the memory of past steps."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

# Longest block of queries that is worked through at once: with it masks and scores stay small.
BLOCK = 512
# Largest mask worth remembering, in entries.
SMALL_MASK = 2**17
# Steps whose rotations are made at once.
ROTATIONS = 1024


@dataclass(eq=False)
class KvBuffer:
    """Room for keys and values to come: (2, B, H, capacity, head_dim), `used` steps of it."""

    store: Tensor
    used: int

    def can_take(self, first: int, steps: int) -> bool:
        """Whether new steps may be written from `first` on.

        Another chunk may have gone on from the same window already: then its steps stand there.
        """
        usable = torch.is_inference_mode_enabled() or not self.store.is_inference()
        return usable and self.used == first and first + steps <= self.store.shape[3]


class KvWindow(NamedTuple):
    """Rotated keys, and values, of the last steps: (B, H, <context, head_dim) each.

    A window is a value: what it shows never changes. It is kept as a place in what it is a part
    of, because a view costs as much as a small product.

    source: keys and values, (B, H, ..., head_dim) each; first, last: the window's steps in it.
    buffer: what the source is the store of, where there is room to go on behind the window.
    """

    source: Tensor | tuple[Tensor, Tensor]
    first: int
    last: int
    buffer: KvBuffer | None = None

    @property
    def keys(self) -> Tensor:
        return self.source[0].narrow(2, self.first, self.last - self.first)

    @property
    def values(self) -> Tensor:
        return self.source[1].narrow(2, self.first, self.last - self.first)


class StageState(NamedTuple):
    """What a stage must remember between chunks: one window a layer, and its clock."""

    windows: tuple[KvWindow, ...]
    position: int


def extend(
    past: KvWindow | None, kv: Tensor | tuple[Tensor, Tensor], context: int
) -> tuple[Tensor, Tensor, KvWindow]:
    """Put new steps behind the past ones.

    Args:
        past: what the previous chunk left; None at the beginning.
        kv: new keys and values, (B, H, T, head_dim) each.
        context: window in steps, at least 1.

    Returns:
        All keys and values that the new steps may look at, (B, H, P + T, head_dim) each; and
        the window that the next chunk needs.
    """
    k, v = (kv[0], kv[1]) if isinstance(kv, tuple) else kv.unbind(0)
    steps = k.shape[2]
    if torch.is_grad_enabled() or steps >= context:
        if past is not None:
            k, v = torch.cat([past.keys, k], dim=2), torch.cat([past.values, v], dim=2)
        keep = max(0, k.shape[2] - context + 1)
        return k, v, KvWindow((k, v), keep, k.shape[2])
    kept = 0 if past is None else past.last - past.first
    buffer, first = (None, 0) if past is None else (past.buffer, past.first)
    if buffer is None or not buffer.can_take(first + kept, steps):
        shape = (2, *k.shape[:2], 2 * (context + steps), k.shape[3])
        buffer, first = KvBuffer(k.new_empty(shape), 0), 0
        if past is not None:
            buffer.store[0, :, :, :kept], buffer.store[1, :, :, :kept] = past.keys, past.values
    last = first + kept + steps
    new = buffer.store.narrow(3, last - steps, steps)
    if isinstance(kv, tuple):
        new[0], new[1] = kv
    else:
        new.copy_(kv)
    buffer.used = last
    keys, values = buffer.store.narrow(3, first, last - first).unbind(0)
    window = KvWindow(buffer.store, max(first, last - context + 1), last, buffer)
    return keys, values, window


def rotations(
    start: int, length: int, head_dim: int, max_period: float, device: torch.device
) -> Tensor:
    """Unit complex numbers e^{i t max_period^(-2i/head_dim)}: complex64 (length, head_dim / 2).

    Angles are products in float64, because after an hour of sound float32 is off by several
    degrees.
    """
    block, offset = divmod(start, ROTATIONS)
    if offset + length <= ROTATIONS:
        return _block_of_rotations(block, head_dim, max_period, device)[offset : offset + length]
    return _rotations(start, length, head_dim, max_period, device)


def _rotations(
    start: int, length: int, head_dim: int, max_period: float, device: torch.device
) -> Tensor:
    # Without inference mode, so that a training that comes later can use what is remembered.
    with torch.inference_mode(False):
        index = torch.arange(0, head_dim, 2, dtype=torch.float32)
        frequency = (max_period ** (-index / head_dim)).double()
        angle = torch.arange(start, start + length, dtype=torch.float64)[:, None] * frequency
        return torch.polar(torch.ones_like(angle), angle).to(device, torch.complex64)


@lru_cache(maxsize=64)
def _block_of_rotations(
    block: int, head_dim: int, max_period: float, device: torch.device
) -> Tensor:
    """A stream asks for a few steps at a time, and one stage after another for the same."""
    return _rotations(block * ROTATIONS, ROTATIONS, head_dim, max_period, device)


def rotate(x: Tensor, rotation: Tensor) -> Tensor:
    """Rotary embedding over interleaved pairs (2i, 2i+1), in float32; x is (..., head_dim)."""
    pairs = torch.view_as_complex(x.float().view(*x.shape[:-1], -1, 2))
    return torch.view_as_real(pairs * rotation).view(x.shape).to(x.dtype)


def windowed_attention(q: Tensor, k: Tensor, v: Tensor, context: int) -> Tensor:
    """Causal attention in which a query sees the last `context` keys, itself included.

    The keys may begin before the queries (k and v hold past steps too): the last query and
    the last key are the same step. Works through the queries in blocks, so that time and memory
    are linear in their number.

    Args:
        q: (B, H, T, head_dim).
        k, v: (B, H, P + T, head_dim), P past steps first.
        context: window in steps, at least 1.

    Returns:
        (B, H, T, head_dim).
    """
    steps, past = q.shape[2], k.shape[2] - q.shape[2]
    if past == 0 and steps <= context:
        return F.scaled_dot_product_attention(q, k, v, is_causal=True)
    block = min(max(context, 64), BLOCK)
    outputs = []
    for first in range(0, steps, block):
        last = min(first + block, steps)
        oldest = max(0, past + first - context + 1)
        seen = slice(oldest, past + last)
        mask = _mask(last - first, past + last - oldest, context, q.dtype, q.device)
        outputs.append(
            F.scaled_dot_product_attention(
                q[:, :, first:last], k[:, :, seen], v[:, :, seen], attn_mask=mask
            )
        )
    return torch.cat(outputs, dim=2) if len(outputs) > 1 else outputs[0]


def _mask(
    queries: int, keys: int, context: int, dtype: torch.dtype, device: torch.device
) -> Tensor | None:
    """What to add to the scores of the last `queries` of `keys` steps; None where all is seen."""
    if queries == 1 and keys <= context:
        return None
    most = context + queries - 1
    if queries * most > SMALL_MASK:
        return _wide_mask(queries, keys, context, dtype, device)
    # Who sees whom is the same seen from the end, however many steps there are.
    return _small_mask(queries, most, context, dtype, device).narrow(1, most - keys, keys)


def _wide_mask(
    queries: int, keys: int, context: int, dtype: torch.dtype, device: torch.device
) -> Tensor:
    with torch.inference_mode(False):
        query_time = torch.arange(keys - queries, keys, device=device)[:, None]
        age = query_time - torch.arange(keys, device=device)
        hidden = (age < 0) | (age >= context)
        zeros = torch.zeros(hidden.shape, dtype=dtype, device=device)
        return zeros.masked_fill(hidden, -torch.inf)


# Those of a stream's chunks come again and again.
_small_mask = lru_cache(maxsize=64)(_wide_mask)
