"""The engine's caches: every row and every channel is computed once.

A `CachedRunner` keeps what it must remember of each item under the item's ticket, a number that
the engine gives out. Items come and go at any time; none of them notices the others.

On a CPU a frame is thousands of operations on a few kilobytes each. Making results and views for
them would take longer than the matrix products, which wait for memory; so `Steps` makes all of
that once a batch size, and a layer is left with eighteen small operations. A row of the result
does not depend on the rows beside it, bit for bit. Elsewhere `tts.inference.graphs` runs frames.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from tokenizer.linear import batch_invariant_rows
from tts.inference.graphs import DepthFrames, FrameGraphs
from tts.inference.sampling import Choose
from tts.inference.temporal_cache import TemporalCache, prefix_length
from tts.model.weights import (
    Attend,
    FastGptMlp,
    FastHead,
    FastLayer,
    FastLayerNorm,
    FastNorm,
    FastStack,
    FastSwiGlu,
    PreparedModel,
)

# The index of a layer -> what its attention gives, (B, H * d); it reads the buffers of `Steps`.
Mix = Callable[[int], Tensor]


class CachedRunner:
    """See `tts.inference.runner.Runner`."""

    def __init__(self, weights: PreparedModel, num_codebooks: int) -> None:
        self.weights, self.num_codebooks = weights, num_codebooks
        self.device, self.dtype = weights.device, weights.dtype
        self.caches: dict[int, TemporalCache] = {}
        # By batch size.
        self.depth_steps: dict[int, DepthSteps] = {}
        self.temporal_steps: dict[int, TemporalSteps] = {}
        plain = self.device.type == "cpu" and self.dtype == torch.float32
        spread = any(s is not None and s.spread for s in (weights.temporal, weights.depth))
        self.in_place = plain and not spread
        self.rotations = weights.temporal.rotations(0, self.device)
        self.elsewhere = DepthFrames(weights, num_codebooks)
        self.graphs: FrameGraphs | None = None
        if self.device.type == "cuda" and weights.depth is not None:
            made = FrameGraphs(self.elsewhere.frame)
            self.graphs = weights.graphs.setdefault(num_codebooks, made)

    def admit(self, ticket: int, rows: Tensor, capacity: int) -> Tensor:
        w = self.weights
        if capacity > len(self.rotations):
            self.rotations = w.temporal.rotations(2 * capacity, self.device)
        cache = TemporalCache(w.temporal, capacity, self.dtype)
        length = prefix_length(rows, w.config.audio_pad_code)
        if length:
            self._begin(cache, rows[:length])
        x = self._read(cache, rows[length:])
        self.caches[ticket] = cache
        return x[-1:]

    def _begin(self, cache: TemporalCache, rows: Tensor) -> None:
        """Begin with what a voice's prompt is remembered as, and remember it if it is new.

        The rest of the prompt is read behind it either way, so nothing that is said depends on
        who spoke before.
        """
        prefixes = self.weights.prefixes
        known = prefixes.get(self.num_codebooks)
        if known is None or not torch.equal(known.rows, rows):
            self._read(cache, rows)
            prefixes[self.num_codebooks] = cache.prefix(rows)
        else:
            cache.begin(known)

    def _read(self, cache: TemporalCache, rows: Tensor) -> Tensor:
        """Read rows of a prompt behind those that `cache` holds: (T, 1 + K) -> (T, hidden)."""
        end = cache.length + len(rows)
        x = self._embed(rows.to(self.device))
        x = self.weights.temporal(x, cache.read_prompt, self.rotations[cache.length : end])
        cache.length = end
        return x

    def step(self, tickets: Sequence[int], rows: Tensor) -> Tensor:
        caches = [self.caches[t] for t in tickets]
        x = self._embed(rows.to(self.device))
        rotation = self.rotations[[cache.length for cache in caches]]
        if self.in_place:
            steps = self.temporal_steps.get(len(caches))
            if steps is None:
                steps = TemporalSteps(self.weights.temporal, len(caches))
                self.temporal_steps[len(caches)] = steps
            x = steps(x, caches, rotation)
        else:
            x = self.weights.temporal(x, _each(caches), rotation)
        for cache in caches:
            cache.length += 1
        return x

    def frame(self, latents: Tensor, choose: Choose) -> Tensor:
        batch = len(latents)
        if not self.in_place or self.weights.depth is None:
            return self.elsewhere.frame(latents, choose)
        if batch not in self.depth_steps:
            self.depth_steps[batch] = DepthSteps(self.weights, batch, self.num_codebooks)
        return self.depth_steps[batch].frame(latents, choose)

    def release(self, ticket: int) -> None:
        del self.caches[ticket]

    def _embed(self, rows: Tensor) -> Tensor:
        """Sum of the channels' embeddings: int64 (N, >= 1 + k) -> (N, hidden)."""
        tables = self.weights.tables
        used = self.weights.config.embedded_codebooks(self.num_codebooks)
        first, *rest = rows[:, : used + 1].unbind(1)
        x = F.embedding(first, tables[0])
        for ids, table in zip(rest, tables[1:], strict=False):
            x += torch.index_select(table, 0, ids)
        return x


def _each(caches: list[TemporalCache]) -> Attend:
    """Items one by one: each at its own length, and with the bits it would have alone."""

    def attend(layer: int, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        rows = q.unflatten(1, (k.shape[1], -1)).split(1)
        kv = torch.stack([k, v], dim=1).unbind()
        parts = zip(caches, rows, kv, strict=True)
        return torch.cat([cache.read_step(layer, *part) for cache, *part in parts]).flatten(1)

    return attend


class Rows:
    """Rows that are normalised again and again: x (B, dim), to be written to.

    Behind each row stands sqrt(n eps), so that the norm of both is what `FastNorm` divides by.
    """

    def __init__(self, batch: int, norm: FastNorm) -> None:
        size = len(norm.gain)
        self._wide = torch.zeros(batch, size + 1)
        self._wide[:, size] = norm.shift
        self._length = torch.empty(batch, 1)
        self._normed = torch.empty(batch, size)
        self.x = self._wide.narrow(1, 0, size)

    def norm(self, norm: FastNorm) -> Tensor:
        """`FastNorm` of the rows (B, dim), valid until the next call."""
        torch.linalg.vector_norm(self._wide, 2, -1, True, out=self._length)
        torch.div(self.x, self._length, out=self._normed)
        return self._normed.mul_(norm.gain)


class LayerRows:
    """As `Rows`, for `FastLayerNorm`."""

    def __init__(self, batch: int, norm: FastLayerNorm) -> None:
        self.x = torch.zeros(batch, len(norm.gain))

    def norm(self, norm: FastLayerNorm) -> Tensor:
        return norm(self.x)


class Gated:
    """`FastSwiGlu` of one size."""

    def __init__(self, batch: int, mlp: FastSwiGlu) -> None:
        self._both = torch.zeros(batch, mlp.gate_up.outputs)
        self._gate, self._up = self._both.chunk(2, dim=-1)
        self._hidden = torch.empty(self._up.shape)

    def __call__(self, mlp: FastSwiGlu, x: Tensor) -> Tensor:
        mlp.gate_up.into(x, self._both)
        F.silu(self._gate, inplace=True)
        torch.mul(self._gate, self._up, out=self._hidden)
        return mlp.down(self._hidden)


def _rows(batch: int, norm: FastNorm | FastLayerNorm) -> Any:
    return Rows(batch, norm) if isinstance(norm, FastNorm) else LayerRows(batch, norm)


def _mlp(batch: int, mlp: FastSwiGlu | FastGptMlp) -> Any:
    if isinstance(mlp, FastSwiGlu):
        return Gated(batch, mlp)
    return FastGptMlp.__call__


class Steps:
    """`FastStack` for B rows; how they look at each other is up to `mix`.

    When `mix` is called, the buffers hold the layer's queries and keys, where they have norms
    divided by them but not yet multiplied by their gains, and its values:

        qk: (B, H + H_kv, d); q, kv: (B, H, d) and (B, 2, H_kv, d), parts of the same.
    """

    def __init__(self, stack: FastStack, batch: int) -> None:
        first = stack.layers[0]
        heads, kv, size = first.num_heads, first.num_kv_heads, first.head_dim
        self._layers, self._last = stack.layers, stack.norm
        self._rows = _rows(batch, stack.norm)
        self._gated = _mlp(batch, first.mlp)
        self._qkv = torch.empty(batch, (heads + 2 * kv) * size)
        self._lengths = torch.empty(batch, heads + kv, 1)
        by_head = self._qkv.view(batch, -1, size)
        self.qk, self.q = by_head.narrow(1, 0, heads + kv), by_head.narrow(1, 0, heads)
        self.kv = by_head.narrow(1, heads, 2 * kv).view(batch, 2, kv, size)

    def __call__(self, x: Tensor, mix: Mix) -> Tensor:
        """(B, dim) -> (B, dim), valid until the next call."""
        rows, gated, qkv, qk, lengths = self._rows, self._gated, self._qkv, self.qk, self._lengths
        x = rows.x.copy_(x)
        for index, layer in enumerate(self._layers):
            layer.qkv.into(rows.norm(layer.norm1), qkv)
            if layer.head_norm is not None:
                torch.linalg.vector_norm(qk, 2, -1, True, out=lengths)
                qk.div_(lengths.hypot_(layer.head_norm.shift))
            x.add_(layer.out(mix(index)))
            x.add_(gated(layer.mlp, rows.norm(layer.norm2)))
        return rows.norm(self._last)


class TemporalSteps:
    """The temporal transformer for B rows, each of an item of its own, in place."""

    def __init__(self, stack: FastStack, batch: int) -> None:
        rows = batch_invariant_rows(batch)
        self.batch, self.unused = batch, rows - batch
        self.steps = steps = Steps(stack, rows)
        norms = [layer.head_norm for layer in stack.layers]
        self.gains = [None if norm is None else norm.gain for norm in norms]
        self.pairs = torch.view_as_complex(steps.qk.unflatten(2, (-1, 2)))
        self.queries = steps.q.unflatten(1, (stack.num_kv_heads, -1)).split(1)
        self.kv = steps.kv.unbind()
        self.mixed = torch.zeros(rows, *self.queries[0].shape[1:])
        self.places = self.mixed.split(1)
        self.flat = self.mixed.flatten(1)

    def __call__(self, x: Tensor, caches: list[TemporalCache], rotation: Tensor) -> Tensor:
        """(B, hidden) -> (B, hidden), a copy; rotation complex64 (B, 1, head_dim / 2)."""
        if self.unused:
            x = F.pad(x, (0, 0, 0, self.unused))
            rotation = torch.cat([rotation, rotation[:1].expand(self.unused, -1, -1)])
        items = list(zip(caches, self.queries, self.kv, self.places, strict=False))

        def mix(layer: int) -> Tensor:
            gain = self.gains[layer]
            if gain is not None:
                self.steps.qk.mul_(gain)
            self.pairs.mul_(rotation)
            for cache, q, kv, place in items:
                place.copy_(cache.read_step(layer, q, kv))
            return self.flat

        return self.steps(x, mix)[: self.batch].clone()


class DepthSteps:
    """All passes of the depth transformer in one frame of B items."""

    def __init__(self, weights: PreparedModel, batch: int, num_codebooks: int) -> None:
        assert weights.depth is not None
        self._weights, self._num_codebooks, self._batch = weights, num_codebooks, batch
        # Padding rows at the end, where products need them to give every row its own bits.
        batch = batch_invariant_rows(batch)
        self._steps = Steps(weights.depth, batch)
        self._input = None if weights.depth_input is None else Gated(batch, weights.depth_input)
        self._inputs = torch.zeros(batch, weights.tables[0].shape[1])
        self._embedded = self._inputs.narrow(0, 0, self._batch)
        head = weights.heads[0]
        self._output = None if head.mlp is None else Gated(batch, head.mlp)
        self._rows = None if head.norm is None else Rows(batch, head.norm)
        first = weights.depth.layers[0]
        heads, kv, size = first.num_heads, first.num_kv_heads, first.head_dim
        self._gains = [_query_gain(layer) for layer in weights.depth.layers]
        self._pairs = torch.view_as_complex(self._steps.qk.unflatten(2, (-1, 2)))
        passes, count = num_codebooks + 1 - weights.depth_from, len(weights.depth.layers)
        # The query heads that share a key head go in as queries of one head.
        self._q = torch.empty(batch, heads, size)
        self._queries = self._q.view(batch * kv, -1, size)
        self._mixed = torch.empty(batch, heads * size)
        self._outputs = self._mixed.view(self._queries.shape)
        store = torch.zeros(count, 2, batch, kv, passes, size)
        weights_of = torch.empty(2, batch * heads * passes)
        self._views = []
        for last in range(passes):
            new = store.select(4, last).transpose(1, 2).unbind()
            seen = store.narrow(4, 0, last + 1).flatten(2, 3)
            keys, values = seen[:, 0].transpose(2, 3).unbind(), seen[:, 1].unbind()
            shape = (batch * kv, heads // kv, last + 1)
            size_of = batch * heads * (last + 1)
            scores, shares = (w[:size_of].view(shape) for w in weights_of)
            self._views.append((list(zip(new, keys, values, strict=True)), scores, shares))

    def frame(self, latents: Tensor, choose: Choose) -> Tensor:
        """Choose all channels: (B, hidden) -> int64 (B, 1 + k)."""
        w, tokens, place, y = self._weights, [], 0, latents
        self._embedded.copy_(latents)
        for channel in range(self._num_codebooks + 1):
            if channel and w.at_new_place(channel):
                table = w.tables[channel - 1]
                torch.index_select(table, 0, tokens[-1], out=self._embedded)
            if w.at_new_place(channel):
                x = self._inputs
                if self._input is not None and w.depth_input is not None:
                    x = self._input(w.depth_input, x)
                y = self._steps(x, self._mix(place))
                place += 1
            logits = self._logits(w.heads[channel], y)[: self._batch]
            tokens.append(w.token(channel, choose(channel, logits)))
        return torch.stack(tokens, dim=1)

    def _logits(self, head: FastHead, y: Tensor) -> Tensor:
        if self._output is None or self._rows is None or head.mlp is None or head.norm is None:
            return head.head(y)
        self._rows.x.copy_(self._output(head.mlp, y))
        return head.head(self._rows.norm(head.norm))

    def _mix(self, place: int) -> Mix:
        """Attention of one row per item to this frame's places so far and itself."""
        views, scores, shares = self._views[place]
        steps, gains, queries, q = self._steps, self._gains, self._queries, self._q
        turned = self._weights.depth_rotations
        rotation = None if turned is None or not place else turned[place]

        def mix(layer: int) -> Tensor:
            new, keys, values = views[layer]
            if rotation is not None:
                self._pairs.mul_(rotation)
            torch.mul(steps.q, gains[layer], out=q)
            new.copy_(steps.kv)
            torch.bmm(queries, keys, out=scores)
            torch.softmax(scores, -1, out=shares)
            torch.bmm(shares, values, out=self._outputs)
            return self._mixed

        return mix


def _query_gain(layer: FastLayer) -> Tensor:
    """What to multiply the queries of a layer by.

    Of a query and a key that are multiplied by their gains, and scaled, only the product matters:
    the query takes it all.
    """
    scale = layer.head_dim**-0.5
    if layer.head_norm is None:
        return torch.tensor(scale)
    heads, gain = layer.num_heads, layer.head_norm.gain
    return gain[:heads] * gain[heads:].repeat_interleave(heads // layer.num_kv_heads, dim=0) * scale
