"""Sampling functions against hand-worked cases."""

from __future__ import annotations

import pytest
import torch

from tts.config import ChannelSampling
from tts.sampling import keep_top_k, keep_top_p, penalize_repetition, sample

INF = float("inf")


def test_penalty_divides_positive_and_multiplies_negative():
    logits = torch.tensor([[2.0, -2.0, 2.0]])
    seen = torch.tensor([[True, True, False]])
    assert penalize_repetition(logits, seen, 2.0).tolist() == [[1.0, -4.0, 2.0]]


@pytest.mark.parametrize(
    ("k", "kept"), [(0, [1, 1, 1, 1]), (1, [0, 0, 0, 1]), (2, [0, 1, 0, 1]), (9, [1, 1, 1, 1])]
)
def test_top_k(k, kept):
    logits = torch.tensor([[0.1, 0.7, 0.2, 0.9]])
    assert (keep_top_k(logits, k) > -INF).int().tolist() == [kept]


@pytest.mark.parametrize(
    ("p", "kept"), [(1.0, [1, 1, 1]), (0.95, [1, 1, 1]), (0.8, [1, 1, 0]), (0.5, [1, 0, 0])]
)
def test_top_p_keeps_the_smallest_set_that_reaches_p(p, kept):
    logits = torch.tensor([[0.6, 0.3, 0.1]]).log()
    assert (keep_top_p(logits, p) > -INF).int().tolist() == [kept]


def test_top_p_always_keeps_one():
    assert (keep_top_p(torch.zeros(1, 4), 1e-6) > -INF).sum() == 1


def generators(count, seed=0):
    return [torch.Generator().manual_seed(seed + i) for i in range(count)]


def test_gumbel_max_follows_the_distribution():
    probabilities = torch.tensor([0.5, 0.3, 0.2])
    logits = probabilities.log().expand(4000, 3)
    chosen = sample(logits, ChannelSampling(), generators(4000))
    shares = torch.bincount(chosen, minlength=3) / 4000
    assert torch.allclose(shares, probabilities, atol=0.03)


def test_temperature_sharpens():
    logits = torch.tensor([0.5, 0.3, 0.2]).log().expand(2000, 3)
    cold = sample(logits, ChannelSampling(temperature=0.3), generators(2000))
    assert (cold == 0).float().mean() > 0.8


def test_zero_temperature_is_greedy_and_ignores_the_penalty():
    logits = torch.tensor([[1.0, 1.1]])
    settings = ChannelSampling(temperature=0, repetition_penalty=5.0)
    seen = torch.tensor([[False, True]])
    assert sample(logits, settings, generators(1), seen).tolist() == [1]


def test_forbidden_tokens_are_never_chosen():
    logits = torch.tensor([[-INF, 0.0, -INF]]).expand(200, 3)
    chosen = sample(logits, ChannelSampling(temperature=5.0), generators(200))
    assert (chosen == 1).all()


@pytest.mark.parametrize(
    "bad",
    [
        {"temperature": -1},
        {"temperature": 9},
        {"top_p": 0},
        {"top_k": -1},
        {"repetition_penalty": 0},
    ],
)
def test_settings_out_of_range(bad):
    with pytest.raises(ValueError, match=next(iter(bad))):
        ChannelSampling(**bad)
