"""The autoregressive loop: prompt rows in, frames of codes out.

It knows tensors, not text: the same loop serves phonemes and the published text tokenizer.
`CachedRunner` is the fast path; `UncachedRunner`, its slow twin, recomputes everything and must
give the same tokens.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import torch
from torch import Tensor

from tts.config import SamplingConfig, TtsConfig
from tts.model import TtsModel
from tts.prompt import Monologue
from tts.sampling import sample

Choose = Callable[[int, Tensor], Tensor]


@dataclass(frozen=True)
class Request:
    """One item of a batch.

    Attributes:
        rows: int64 (T, 1 + K), the prompt.
        seed: of its own random numbers.
        max_frames: budget, after which it is stopped.
        monologue: rules its text channel where the model has an inner monologue; None leaves
            the text channel free.
        forced: int64 (k, F), codes that it must speak first (continuation), or None.
    """

    rows: Tensor
    seed: int
    max_frames: int
    monologue: Monologue | None = None
    forced: Tensor | None = None


class Frame(NamedTuple):
    """One frame of every item.

    text: int64 (B,), the text channel; codes: int64 (B, k); active: bool (B,), False once an
    item has ended (its values are then meaningless).
    """

    text: Tensor
    codes: Tensor
    active: Tensor


class Generated(NamedTuple):
    """A finished item: codes int64 (k, T); text int64 (T,); finished_by 'eos' or 'budget'."""

    codes: Tensor
    text: Tensor
    finished_by: str


class Runner(Protocol):
    """How the two transformers are driven."""

    def start(self, rows: Tensor, valid: Tensor) -> Tensor:
        """Read left-padded prompts (B, T, 1 + K), valid bool (B, T) -> latent (B, hidden)."""
        ...

    def step(self, row: Tensor) -> Tensor:
        """Read one more row (B, 1 + K) -> latent (B, hidden)."""
        ...

    def frame(self, latent: Tensor, choose: Choose) -> Tensor:
        """Choose all channels of one frame: (B, hidden) -> int64 (B, 1 + k)."""
        ...


class CachedRunner:
    """Every row and every channel is computed once."""

    def __init__(self, model: TtsModel, num_codebooks: int, capacity: int) -> None:
        self.model, self.num_codebooks, self.capacity = model, num_codebooks, capacity

    def start(self, rows: Tensor, valid: Tensor) -> Tensor:
        batch = len(valid)
        self.cache = self.model.temporal_cache(batch, self.capacity)
        self.depth_cache = self.model.depth_cache(batch)
        self.valid = None if bool(valid.all()) else valid
        embedded = self.model.embed(rows, self.num_codebooks)
        mask = None if self.valid is None else prompt_mask(valid)
        return self.model.temporal(embedded, mask, self.cache)[:, -1]

    def step(self, row: Tensor) -> Tensor:
        mask = None
        if self.valid is not None:
            new = torch.ones_like(self.valid[:, :1])
            self.valid = torch.cat([self.valid, new], dim=1)
            mask = self.valid[:, None, None]
        embedded = self.model.embed(row[:, None], self.num_codebooks)
        return self.model.temporal(embedded, mask, self.cache)[:, -1]

    def frame(self, latent: Tensor, choose: Choose) -> Tensor:
        self.depth_cache.reset()
        tokens: list[Tensor] = []
        x = latent
        for channel in range(self.num_codebooks + 1):
            if channel:
                x = self.model.model.embedding_list[channel - 1](tokens[-1])
            y = self.model.depth(self.model.depth_input(x)[:, None], self.depth_cache)
            tokens.append(choose(channel, self.model.channel_logits(y[:, 0], channel)))
        return torch.stack(tokens, dim=1)


class UncachedRunner:
    """The slow twin: nothing is remembered but the rows."""

    def __init__(self, model: TtsModel, num_codebooks: int) -> None:
        self.model, self.num_codebooks = model, num_codebooks

    def start(self, rows: Tensor, valid: Tensor) -> Tensor:
        self.rows, self.valid = rows, valid
        embedded = self.model.embed(rows, self.num_codebooks)
        return self.model.temporal(embedded, prompt_mask(valid))[:, -1]

    def step(self, row: Tensor) -> Tensor:
        rows = torch.cat([self.rows, row[:, None]], dim=1)
        valid = torch.cat([self.valid, torch.ones_like(self.valid[:, :1])], dim=1)
        return self.start(rows, valid)

    def frame(self, latent: Tensor, choose: Choose) -> Tensor:
        tokens = torch.zeros((len(latent), 0), dtype=torch.int64, device=latent.device)
        for channel in range(self.num_codebooks + 1):
            parts = [self.model.model.embedding_list[c](tokens[:, c]) for c in range(channel)]
            y = self.model.depth(self.model.depth_input(torch.stack([latent, *parts], dim=1)))
            token = choose(channel, self.model.channel_logits(y[:, -1], channel))
            tokens = torch.cat([tokens, token[:, None]], dim=1)
        return tokens


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


@torch.inference_mode()
def generate(
    model: TtsModel,
    requests: list[Request],
    sampling: SamplingConfig,
    num_codebooks: int,
    runner: Runner | None = None,
) -> Iterator[Frame]:
    """Speak: yields one `Frame` for all items at a time, until every item has ended.

    Args:
        model: on its device, in its dtype.
        requests: at least one; items do not influence each other.
        sampling: temperatures and the like.
        num_codebooks: k, codebooks to generate, 1..K.
        runner: how to drive the model; None means with caches.

    Raises:
        ValueError: no request, an empty budget, or k out of range.
    """
    config = model.config
    _check(requests, num_codebooks, config)
    # 1. Prompts, padded on the left, are read at once.
    budget = max(r.max_frames for r in requests)
    longest = max(len(r.rows) for r in requests)
    runner = runner or CachedRunner(model, num_codebooks, longest + budget)
    rows, valid = pad_left([r.rows for r in requests], config)
    latent = runner.start(rows.to(model.device), valid.to(model.device))
    items = _Items(requests, sampling, num_codebooks, model)
    for step in range(budget):
        # 2. The depth transformer chooses text, then codes, coarse to fine.
        tokens = runner.frame(latent, lambda c, logits, step=step: items.choose(c, logits, step))
        active = items.accept(tokens, step)
        if not active.any():
            return
        yield Frame(tokens[:, 0], tokens[:, 1:], active)
        # 3. The finished frame is the next row of the temporal transformer.
        if step + 1 < budget:
            row = torch.zeros(len(requests), 1 + config.n_vq, dtype=torch.int64)
            row[:, : tokens.shape[1]] = tokens.cpu()
            latent = runner.step(row.to(model.device))


def collect(frames: Iterator[Frame], requests: list[Request]) -> list[Generated]:
    """Run `generate` to its end and sort the frames by item."""
    seen = list(frames)
    results = []
    for i, request in enumerate(requests):
        own = [f for f in seen if f.active[i]]
        codes = [f.codes[i] for f in own]
        text = [f.text[i] for f in own]
        by = "budget" if len(own) >= request.max_frames else "eos"
        empty = torch.zeros(0, dtype=torch.int64)
        results.append(
            Generated(
                torch.stack(codes, dim=1).cpu() if codes else empty.view(1, 0),
                torch.stack(text).cpu() if text else empty,
                by,
            )
        )
    return results


class _Items:
    """What the loop remembers of each item besides the caches."""

    def __init__(
        self, requests: list[Request], sampling: SamplingConfig, num_codebooks: int, model: TtsModel
    ) -> None:
        self.requests, self.sampling = requests, sampling
        self.end_id = model.config.audio_end_token_id
        self.generators = [torch.Generator().manual_seed(r.seed) for r in requests]
        self.monologues = [r.monologue for r in requests]
        self.active = torch.ones(len(requests), dtype=torch.bool)
        size = model.config.audio_vocab_size + 1
        shape = (num_codebooks, len(requests), size)
        self.seen = torch.zeros(shape, dtype=torch.bool, device=model.device)

    def choose(self, channel: int, logits: Tensor, step: int) -> Tensor:
        if channel == 0:
            return sample(self._restrict(logits), self.sampling.text, self.generators)
        chosen = sample(logits, self.sampling.audio, self.generators, self.seen[channel - 1])
        for i, request in enumerate(self.requests):
            if request.forced is not None and step < request.forced.shape[1]:
                chosen[i] = request.forced[channel - 1, step]
        return chosen

    def _restrict(self, logits: Tensor) -> Tensor:
        """Leave only what each item's monologue allows."""
        for i, monologue in enumerate(self.monologues):
            if monologue is not None:
                allowed = monologue.allowed().to(logits.device)
                only = torch.full_like(logits[i], -torch.inf)
                only[allowed] = logits[i, allowed]
                logits[i] = only
        return logits

    def accept(self, tokens: Tensor, step: int) -> Tensor:
        """Take note of a frame; bool (B,), which items it belongs to."""
        text = tokens[:, 0].tolist()
        for i, request in enumerate(self.requests):
            monologue = self.monologues[i]
            if monologue is not None:
                monologue = monologue.after(text[i])
                spoken = 0 if request.forced is None else request.forced.shape[1]
                self.monologues[i] = monologue.released() if step + 1 >= spoken else monologue
            if text[i] == self.end_id or step >= request.max_frames:
                self.active[i] = False
        codes = tokens[:, 1:].t()[..., None]
        self.seen.scatter_(2, codes, True)
        return self.active.clone()


def _check(requests: list[Request], num_codebooks: int, config: TtsConfig) -> None:
    if not requests:
        raise ValueError("no request; give at least one")
    if not 1 <= num_codebooks <= config.n_vq:
        raise ValueError(f"num_codebooks is {num_codebooks}; this model has 1..{config.n_vq}")
    if any(r.max_frames < 1 for r in requests):
        raise ValueError("max_frames must be at least 1")
