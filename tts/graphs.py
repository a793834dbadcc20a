"""One CUDA graph for all channels of a frame, sampling included: no launch costs, no waiting.

Written for NVIDIA GPUs and not run on one yet: `pytest -m gpu` compares it with the plain way,
and `sh docs/gpu_bench.sh` measures it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from tts.config import SamplingConfig
from tts.sampling import sample

# (channel, logits (B, V)) -> int64 (B,)
Choose = Callable[[int, Tensor], Tensor]
Frame = Callable[[Tensor, Choose], Tensor]


class _Captured(NamedTuple):
    """A graph and the tensors that it reads and writes, always the same ones."""

    graph: torch.cuda.CUDAGraph
    latents: Tensor
    uniform: Tensor
    seen: Tensor | None
    tokens: Tensor


class FrameGraphs:
    """Graphs by batch size and sampling; each is captured when it is first asked for."""

    def __init__(self, frame: Frame) -> None:
        """Args:
        frame: runs all channels of a frame on tensors whose place never changes, but for those
            that `choose` reads.
        """
        self.frame = frame
        self.captured: dict[tuple, _Captured] = {}

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
        if key not in self.captured:
            self.captured[key] = self._capture(latents, sampling, uniform, seen)
        known = self.captured[key]
        known.latents.copy_(latents)
        known.uniform.copy_(uniform)
        if seen is not None and known.seen is not None:
            known.seen.copy_(seen)
        known.graph.replay()
        return known.tokens.clone()

    def _capture(
        self, latents: Tensor, sampling: SamplingConfig, uniform: Tensor, seen: Tensor | None
    ) -> _Captured:
        latents, uniform = latents.clone(), uniform.clone()
        seen = None if seen is None else seen.clone()

        def choose(channel: int, logits: Tensor) -> Tensor:
            if channel == 0:
                return sample(logits, sampling.text, uniform[:, 0])
            shown = None if seen is None else seen[:, channel - 1]
            return sample(logits, sampling.audio, uniform[:, channel], shown)

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
