"""Frames elsewhere than in place on a CPU: step by step, and on NVIDIA GPUs as one CUDA graph.

A graph holds all channels of a frame, sampling included: no launch costs, no waiting. Before it is
used for the first time it is compared with the frame step by step. `pytest -m gpu` compares whole
texts, `sh docs/gpu_bench.sh` measures.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from tts.inference.sampling import Choose, sample
from tts.model.config import SamplingConfig
from tts.model.weights import Attend, FastStack, PreparedModel

Frame = Callable[[Tensor, Choose], Tensor]
# Batch size, sampling, and whether no codes are penalised.
Key = tuple[int, SamplingConfig, bool]


class DepthFrames:
    """The depth transformer, channel by channel, for any device and dtype."""

    def __init__(self, weights: PreparedModel, num_codebooks: int) -> None:
        self.weights, self.num_codebooks = weights, num_codebooks
        # By batch size; their place never changes.
        self.caches: dict[int, DepthCache] = {}

    def frame(self, latents: Tensor, choose: Choose) -> Tensor:
        """Choose all channels: (B, hidden) -> int64 (B, 1 + k)."""
        w, batch, y, place = self.weights, len(latents), latents, 0
        tokens: list[Tensor] = []
        for channel in range(self.num_codebooks + 1):
            if w.depth is not None and w.at_new_place(channel):
                x = F.embedding(tokens[-1], w.tables[channel - 1]) if channel else latents
                x = x if w.depth_input is None else w.depth_input(x)
                turned = None if w.depth_rotations is None else w.depth_rotations[place]
                y = w.depth(x, self._cache(w.depth, batch).at(place), turned)
                place += 1
            tokens.append(w.token(channel, choose(channel, w.heads[channel](y))))
        return torch.stack(tokens, dim=1)

    def _cache(self, depth: FastStack, batch: int) -> DepthCache:
        if batch not in self.caches:
            w = self.weights
            self.caches[batch] = DepthCache(depth, batch, self.num_codebooks + 1, w.device, w.dtype)
        return self.caches[batch]


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


class _Captured(NamedTuple):
    """A graph and the tensors that it reads and writes, always the same ones."""

    graph: torch.cuda.CUDAGraph
    latents: Tensor
    uniform: Tensor
    seen: Tensor | None
    tokens: Tensor

    def replay(self, latents: Tensor, uniform: Tensor, seen: Tensor | None) -> Tensor:
        """Another frame of the same size."""
        self.latents.copy_(latents)
        self.uniform.copy_(uniform)
        if seen is not None and self.seen is not None:
            self.seen.copy_(seen)
        self.graph.replay()
        return self.tokens.clone()


class FrameGraphs:
    """Graphs by batch size and sampling; each is captured when it is first asked for."""

    def __init__(self, frame: Frame) -> None:
        """Args:
        frame: runs all channels of a frame on tensors whose place never changes, but for those
            that `choose` reads.
        """
        self.frame = frame
        self.captured: dict[Key, _Captured] = {}
        # Set where a graph failed or chose something else: from then on all goes step by step.
        self.given_up = False

    def run(
        self, latents: Tensor, sampling: SamplingConfig, uniform: Tensor, seen: Tensor | None
    ) -> Tensor:
        """Choose all channels of a frame.

        Args:
            latents: (B, hidden).
            sampling: of all items.
            uniform: float32 (B, 1 + k), random numbers.
            seen: bool (B, k, V), codes that are penalised, or None.

        Returns:
            int64 (B, 1 + k).
        """
        key = (len(latents), sampling, seen is None)
        if not self.given_up and key not in self.captured:
            return self._first(key, latents, sampling, uniform, seen)
        if self.given_up:
            return self.frame(latents, _choosing(sampling, uniform, seen))
        return self.captured[key].replay(latents, uniform, seen)

    def _first(
        self,
        key: Key,
        latents: Tensor,
        sampling: SamplingConfig,
        uniform: Tensor,
        seen: Tensor | None,
    ) -> Tensor:
        """A frame step by step, and by a new graph, which is kept if it chooses the same."""
        expected = self.frame(latents, _choosing(sampling, uniform, seen))
        try:
            made = self.capture(latents, sampling, uniform, seen)
            same = torch.equal(made.replay(latents, uniform, seen), expected)
            if same:
                self.captured[key] = made
                return expected
            problem = "it chose other tokens"
        except RuntimeError as error:
            problem = " ".join(str(error).split())
        self.given_up = True
        warnings.warn(
            f"a CUDA graph cannot be used here ({problem}); frames are computed step by step, "
            "which gives the same and is slower",
            RuntimeWarning,
            stacklevel=2,
        )
        return expected

    def capture(
        self, latents: Tensor, sampling: SamplingConfig, uniform: Tensor, seen: Tensor | None
    ) -> _Captured:
        """A graph of a frame of this batch size and sampling; RuntimeError where CUDA refuses."""
        latents, uniform = latents.clone(), uniform.clone()
        seen = None if seen is None else seen.clone()
        choose = _choosing(sampling, uniform, seen)
        # Libraries set themselves up in their first calls, which a graph cannot hold.
        stream = torch.cuda.Stream()
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            for _ in range(3):
                self.frame(latents, choose)
        torch.cuda.current_stream().wait_stream(stream)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            tokens = self.frame(latents, choose)
        return _Captured(graph, latents, uniform, seen, tokens)


def _choosing(sampling: SamplingConfig, uniform: Tensor, seen: Tensor | None) -> Choose:
    def choose(channel: int, logits: Tensor) -> Tensor:
        if channel == 0:
            return sample(logits, sampling.text, uniform[:, 0])
        shown = None if seen is None else seen[:, channel - 1]
        return sample(logits, sampling.audio, uniform[:, channel], shown)

    return choose
