"""The CUDA graph of a frame chooses what the plain way chooses."""

from __future__ import annotations

import pytest
import torch

from generating import collect, generate
from tiny import CODEBOOK_SIZE, NUM_CODEBOOKS, tiny_model, tiny_published_config
from tts.inference.cached import CachedRunner
from tts.inference.engine import Request
from tts.inference.graphs import FrameGraphs
from tts.model.config import ChannelSampling, SamplingConfig
from tts.model.weights import prepare

SAMPLING = SamplingConfig(
    text=ChannelSampling(temperature=1.5, top_k=50),
    audio=ChannelSampling(top_p=0.95, top_k=20, repetition_penalty=1.1),
)


@pytest.mark.gpu
@pytest.mark.parametrize("batch", [1, 3])
def test_graph_equals_plain(batch):
    if not torch.cuda.is_available():
        pytest.skip("no CUDA device")
    config = tiny_published_config()
    model = tiny_model(config=config).cuda()
    generator = torch.Generator().manual_seed(0)
    rows = torch.randint(8, CODEBOOK_SIZE, (batch, 9, 1 + NUM_CODEBOOKS), generator=generator)
    requests = [Request(r, seed, 20) for seed, r in enumerate(rows)]
    weights = prepare(model)
    runner = CachedRunner(weights, NUM_CODEBOOKS)
    assert runner.graphs is not None
    fast = collect(generate(model, requests, SAMPLING, NUM_CODEBOOKS, runner), requests)
    plain = CachedRunner(weights, NUM_CODEBOOKS)
    plain.graphs = None
    slow = collect(generate(model, requests, SAMPLING, NUM_CODEBOOKS, plain), requests)
    for one, other in zip(fast, slow, strict=True):
        assert torch.equal(one.codes, other.codes)
        assert torch.equal(one.text, other.text)
    assert not runner.graphs.given_up
    assert len(runner.graphs.captured) == 1


class _Wrong:
    """A graph that replays something else."""

    def replay(self, latents, uniform, seen):
        return torch.full((len(latents), 1 + NUM_CODEBOOKS), 99)


def refuse(*_):
    raise RuntimeError("operation not permitted when stream is capturing")


@pytest.mark.parametrize("capture", [lambda *_: _Wrong(), refuse], ids=["differs", "refused"])
def test_a_graph_that_fails_or_differs_is_never_used(capture, monkeypatch):
    """One warning, and the frames step by step; no GPU is needed to see it."""
    weights = prepare(tiny_model(config=tiny_published_config()))
    plain = CachedRunner(weights, NUM_CODEBOOKS)
    plain.in_place = False
    requests = [Request(torch.randint(8, CODEBOOK_SIZE, (9, 1 + NUM_CODEBOOKS)), 1, 12)]
    expected = collect(generate(weights, requests, SAMPLING, NUM_CODEBOOKS, plain), requests)
    runner = CachedRunner(weights, NUM_CODEBOOKS)
    runner.in_place, runner.graphs = False, FrameGraphs(runner.elsewhere.frame)
    monkeypatch.setattr(runner.graphs, "capture", capture)
    with pytest.warns(RuntimeWarning, match="CUDA graph cannot be used") as told:
        found = collect(generate(weights, requests, SAMPLING, NUM_CODEBOOKS, runner), requests)
    assert len(told) == 1
    assert torch.equal(found[0].codes, expected[0].codes)
    assert runner.graphs.given_up
