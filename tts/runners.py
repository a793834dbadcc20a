"""How the two transformers are driven: the fast way, and its slow twin.

A runner keeps what it must remember of each item under the item's ticket, a number that the
engine gives out. Items come and go at any time; none of them notices the others.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import torch
from torch import Tensor
from torch.nn import functional as F

from tokenizer.linear import even_rows
from tts.config import TtsConfig
from tts.fast import Attend, FastStack, fast_weights
from tts.graphs import Choose, FrameGraphs
from tts.model import TtsModel
from tts.steps import DepthSteps, Steps


class Runner(Protocol):
    """What the engine asks for."""

    def admit(self, ticket: int, rows: Tensor, capacity: int) -> Tensor:
        """Read a prompt (T, 1 + K) of an item that will have `capacity` rows: (1, hidden)."""
        ...

    def step(self, tickets: Sequence[int], rows: Tensor) -> Tensor:
        """Read one more row of these items: (B, 1 + k) -> latents (B, hidden)."""
        ...

    def frame(self, latents: Tensor, choose: Choose) -> Tensor:
        """Choose all channels of one frame: (B, hidden) -> int64 (B, 1 + k)."""
        ...

    def release(self, ticket: int) -> None:
        """Forget an item."""
        ...

    @property
    def graphs(self) -> FrameGraphs | None:
        """A way to run whole frames that are sampled alike at once; None where there is none."""
        ...


class CachedRunner:
    """Every row and every channel is computed once."""

    def __init__(self, model: TtsModel, num_codebooks: int) -> None:
        self.weights = fast_weights(model)
        self.num_codebooks = num_codebooks
        self.device, self.dtype = model.device, model.dtype
        self.slots: dict[int, TemporalCache] = {}
        # By batch size.
        self.depth_caches: dict[int, DepthCache] = {}
        self.depth_steps: dict[int, DepthSteps] = {}
        self.temporal_steps: dict[int, TemporalSteps] = {}
        plain = self.device.type == "cpu" and self.dtype == torch.float32
        self.in_place = plain and not (self.weights.temporal.spread or self.weights.depth.spread)
        self.rotations = self.weights.temporal.rotations(0, self.device)
        self.graphs: FrameGraphs | None = None
        if self.device.type == "cuda":
            # Capturing takes seconds: once for all the runners of a model.
            known = self.weights.graphs
            self.graphs = known.setdefault(num_codebooks, FrameGraphs(self.frame))

    def admit(self, ticket: int, rows: Tensor, capacity: int) -> Tensor:
        w = self.weights
        if capacity > len(self.rotations):
            self.rotations = w.temporal.rotations(2 * capacity, self.device)
        slot = TemporalCache(w.temporal, capacity, self.dtype)
        x = w.embed(rows.to(self.device), self.num_codebooks)
        x = w.temporal(x, slot.read_prompt, self.rotations[: len(x)])
        slot.length = len(x)
        self.slots[ticket] = slot
        return x[-1:]

    def step(self, tickets: Sequence[int], rows: Tensor) -> Tensor:
        slots = [self.slots[t] for t in tickets]
        x = self.weights.embed(rows.to(self.device), self.num_codebooks)
        rotation = self.rotations[[s.length for s in slots]]
        if self.in_place:
            steps = self.temporal_steps.get(len(slots))
            if steps is None:
                steps = TemporalSteps(self.weights.temporal, len(slots))
                self.temporal_steps[len(slots)] = steps
            x = steps(x, slots, rotation)
        else:
            x = self.weights.temporal(x, _each(slots), rotation)
        for slot in slots:
            slot.length += 1
        return x

    def frame(self, latents: Tensor, choose: Choose) -> Tensor:
        w, batch = self.weights, len(latents)
        if self.in_place:
            if batch not in self.depth_steps:
                self.depth_steps[batch] = DepthSteps(w, batch, self.num_codebooks)
            return self.depth_steps[batch].frame(latents, choose)
        if batch not in self.depth_caches:
            steps = self.num_codebooks + 1
            cache = DepthCache(w.depth, batch, steps, self.device, self.dtype)
            self.depth_caches[batch] = cache
        cache, x, tokens = self.depth_caches[batch], latents, []
        for channel in range(self.num_codebooks + 1):
            if channel:
                x = F.embedding(tokens[-1], w.tables[channel - 1])
            y = w.depth(w.depth_input(x), cache.at(channel))
            tokens.append(choose(channel, w.heads[channel](y)))
        return torch.stack(tokens, dim=1)

    def release(self, ticket: int) -> None:
        del self.slots[ticket]


class TemporalCache:
    """Keys and values of one item, allocated once for all the rows it may have."""

    def __init__(self, stack: FastStack, capacity: int, dtype: torch.dtype) -> None:
        shape = (2, stack.num_kv_heads, capacity, stack.head_dim)
        self.layers = [
            torch.empty(shape, device=layer.device, dtype=dtype) for layer in stack.layers
        ]
        self.num_kv_heads = stack.num_kv_heads
        self.length = 0

    def read_prompt(self, layer: int, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        """`Attend` over a prompt, causal."""
        keys, values = self.layers[layer]
        q, k, v = (x.transpose(0, 1) for x in (q, k, v))
        keys[:, : k.shape[1]], values[:, : k.shape[1]] = k, v
        y = F.scaled_dot_product_attention(
            q[None], k[None], v[None], is_causal=True, enable_gqa=True
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


def _each(slots: list[TemporalCache]) -> Attend:
    """Items one by one: each at its own length, and with the bits it would have alone."""

    def attend(layer: int, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        rows = q.unflatten(1, (k.shape[1], -1)).split(1)
        kv = torch.stack([k, v], dim=1).unbind()
        parts = zip(slots, rows, kv, strict=True)
        return torch.cat([slot.read_step(layer, *part) for slot, *part in parts]).flatten(1)

    return attend


class TemporalSteps:
    """The temporal transformer for B rows, each of an item of its own, in place."""

    def __init__(self, stack: FastStack, batch: int) -> None:
        rows = even_rows(batch)
        self.batch, self.unused = batch, rows - batch
        self.steps = steps = Steps(stack, rows)
        self.gains = [layer.head_norm.gain for layer in stack.layers]
        self.pairs = torch.view_as_complex(steps.qk.unflatten(2, (-1, 2)))
        self.queries = steps.q.unflatten(1, (stack.num_kv_heads, -1)).split(1)
        self.kv = steps.kv.unbind()
        self.mixed = torch.zeros(rows, *self.queries[0].shape[1:])
        self.places = self.mixed.split(1)
        self.flat = self.mixed.flatten(1)

    def __call__(self, x: Tensor, slots: list[TemporalCache], rotation: Tensor) -> Tensor:
        """(B, hidden) -> (B, hidden), a copy; rotation complex64 (B, 1, head_dim / 2)."""
        if self.unused:
            x = F.pad(x, (0, 0, 0, self.unused))
            rotation = torch.cat([rotation, rotation[:1].expand(self.unused, -1, -1)])
        items = list(zip(slots, self.queries, self.kv, self.places, strict=False))

        def mix(layer: int) -> Tensor:
            self.steps.qk.mul_(self.gains[layer])
            self.pairs.mul_(rotation)
            for slot, q, kv, place in items:
                place.copy_(slot.read_step(layer, q, kv))
            return self.flat

        return self.steps(x, mix)[: self.batch].clone()


class DepthCache:
    """Keys and values inside one frame; the views that its steps need are made once."""

    def __init__(
        self,
        stack: FastStack,
        batch: int,
        steps: int,
        device: torch.device,
        dtype: torch.dtype,
    ) -> None:
        self.grouped = (batch, stack.num_kv_heads, -1, stack.head_dim)
        shape = (len(stack.layers), 2, batch, stack.num_kv_heads, steps, stack.head_dim)
        store = torch.empty(shape, device=device, dtype=dtype)
        self.views = [
            [
                (*pair.select(3, step).unbind(), *pair.narrow(3, 0, step + 1).unbind())
                for pair in store.unbind()
            ]
            for step in range(steps)
        ]

    def at(self, step: int) -> Attend:
        """`Attend` of one row per item to this frame's channels so far and itself."""
        views, grouped = self.views[step], self.grouped

        def attend(layer: int, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
            key, value, keys, values = views[layer]
            key.copy_(k)
            value.copy_(v)
            y = F.scaled_dot_product_attention(q.reshape(grouped), keys, values)
            return y.reshape(grouped[0], -1)

        return attend


class UncachedRunner:
    """The slow twin: nothing is remembered but the rows, and all is computed anew each time."""

    def __init__(self, model: TtsModel, num_codebooks: int) -> None:
        self.model, self.num_codebooks = model, num_codebooks
        self.rows: dict[int, Tensor] = {}
        self.graphs = None

    def admit(self, ticket: int, rows: Tensor, capacity: int) -> Tensor:
        self.rows[ticket] = rows
        return self._latents([ticket])

    def step(self, tickets: Sequence[int], rows: Tensor) -> Tensor:
        unused = self.model.config.n_vq - self.num_codebooks
        for ticket, row in zip(tickets, F.pad(rows.cpu(), (0, unused)), strict=True):
            self.rows[ticket] = torch.cat([self.rows[ticket], row[None]])
        return self._latents(tickets)

    def _latents(self, tickets: Sequence[int]) -> Tensor:
        padded, valid = pad_left([self.rows[t] for t in tickets], self.model.config)
        device = self.model.device
        embedded = self.model.embed(padded.to(device), self.num_codebooks)
        return self.model.temporal(embedded, prompt_mask(valid.to(device)))[:, -1]

    def frame(self, latents: Tensor, choose: Choose) -> Tensor:
        tokens = torch.zeros((len(latents), 0), dtype=torch.int64, device=latents.device)
        for channel in range(self.num_codebooks + 1):
            parts = [self.model.model.embedding_list[c](tokens[:, c]) for c in range(channel)]
            y = self.model.depth(self.model.depth_input(torch.stack([latents, *parts], dim=1)))
            logits = self.model.channel_logits(y[:, -1], channel)
            # The last row of an audio channel is the pad code, which is never chosen.
            token = choose(channel, logits[:, :-1] if channel else logits)
            tokens = torch.cat([tokens, token[:, None]], dim=1)
        return tokens

    def release(self, ticket: int) -> None:
        del self.rows[ticket]


def prompt_mask(valid: Tensor) -> Tensor:
    """Causal mask that also hides padding: bool (B, T) -> bool (B, 1, T, T).

    A padded query sees itself, so that no row of the softmax is empty.
    """
    steps = valid.shape[1]
    causal = torch.ones(steps, steps, dtype=torch.bool, device=valid.device).tril()
    itself = torch.eye(steps, dtype=torch.bool, device=valid.device)
    return ((causal & valid[:, None, :]) | itself)[:, None]


def pad_left(rows: list[Tensor], config: TtsConfig) -> tuple[Tensor, Tensor]:
    """Stack prompts of unequal length: -> rows (B, T, 1 + K), valid bool (B, T)."""
    steps = max(len(r) for r in rows)
    padded = torch.full((len(rows), steps, 1 + config.n_vq), config.audio_pad_code)
    padded[:, :, 0] = config.pad_token_id
    valid = torch.zeros(len(rows), steps, dtype=torch.bool)
    for i, r in enumerate(rows):
        padded[i, steps - len(r) :] = r
        valid[i, steps - len(r) :] = True
    return padded, valid
