"""The CUDA graph of a frame chooses what the plain way chooses."""

from __future__ import annotations

import pytest
import torch

from tiny import CODEBOOK_SIZE, NUM_CODEBOOKS, tiny_model, tiny_published_config
from tts.config import ChannelSampling, SamplingConfig
from tts.engine import Request, collect, generate
from tts.runners import CachedRunner

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
    runner = CachedRunner(model, NUM_CODEBOOKS)
    assert runner.graphs is not None
    fast = collect(generate(model, requests, SAMPLING, NUM_CODEBOOKS, runner), requests)
    plain = CachedRunner(model, NUM_CODEBOOKS)
    plain.graphs = None
    slow = collect(generate(model, requests, SAMPLING, NUM_CODEBOOKS, plain), requests)
    for one, other in zip(fast, slow, strict=True):
        assert torch.equal(one.codes, other.codes)
        assert torch.equal(one.text, other.text)
