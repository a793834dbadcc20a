"""The engine for a fixed batch: all requests enter at once, and it runs until all have ended."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from tts.inference.engine import Request, Session
from tts.inference.runner import Runner
from tts.model.config import SamplingConfig
from tts.model.lm import FrameModel
from tts.model.weights import PreparedModel


class Frame(NamedTuple):
    """One frame of every item of a fixed batch.

    text: int64 (B,), the text channel; codes: int64 (B, k); active: bool (B,), False once an
    item has ended (its values are then 0).
    """

    text: Tensor
    codes: Tensor
    active: Tensor


class Generated(NamedTuple):
    """A finished item: codes int64 (k, T); text int64 (T,); finished_by 'eos' or 'budget'."""

    codes: Tensor
    text: Tensor
    finished_by: str


def generate(
    model: FrameModel | PreparedModel,
    requests: Sequence[Request],
    sampling: SamplingConfig,
    num_codebooks: int,
    runner: Runner | None = None,
) -> Iterator[Frame]:
    """Speak: yields one `Frame` for all items at a time, until every item has ended.

    Args:
        model: best one that is prepared; else that is done here.
        requests: at least one; items do not influence each other.
        sampling: temperatures and the like.
        num_codebooks: k, codebooks to generate, 1..K.
        runner: how to drive the model; None means with caches.

    Raises:
        ValueError: no request, an empty budget, or k out of range.
    """
    if not requests:
        raise ValueError("no request; give at least one")
    session = Session(model, sampling, num_codebooks, runner)
    place = {session.admit(request): i for i, request in enumerate(requests)}
    while session:
        text = torch.zeros(len(requests), dtype=torch.int64)
        codes = torch.zeros((len(requests), num_codebooks), dtype=torch.int64)
        active = torch.zeros(len(requests), dtype=torch.bool)
        for spoken in session.step():
            if spoken.codes is not None:
                i = place[spoken.ticket]
                text[i], codes[i], active[i] = spoken.text, spoken.codes, True
        if active.any():
            yield Frame(text, codes, active)


def collect(frames: Iterator[Frame], requests: Sequence[Request]) -> list[Generated]:
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
                torch.stack(codes, dim=1) if codes else empty.view(1, 0),
                torch.stack(text) if text else empty,
                by,
            )
        )
    return results
