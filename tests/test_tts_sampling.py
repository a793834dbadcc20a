"""Sampling functions against hand-worked cases."""

from __future__ import annotations

import pytest
import torch

from tts.inference.sampling import UNIFORM_LIMIT, draw, penalize_repetition, sample
from tts.model.config import ChannelSampling

INF = float("inf")
LOGITS = torch.tensor([0.1, 0.6, 0.0, 0.3]).log()
# 0, ..., and the largest number that `draw` gives
NUMBERS = torch.cat([torch.arange(0, 1, 1e-3), torch.tensor([UNIFORM_LIMIT * (1 - 2.0**-24)])])


def shares(settings: ChannelSampling, logits: torch.Tensor = LOGITS) -> list[float]:
    """How often each id is chosen by numbers that cover [0, 1) evenly."""
    chosen = sample(logits.expand(len(NUMBERS), -1), settings, NUMBERS)
    counts = torch.bincount(chosen, minlength=len(logits))
    return [round(c, 2) for c in (counts / len(NUMBERS)).tolist()]


def test_penalty_divides_positive_and_multiplies_negative():
    logits = torch.tensor([[2.0, -2.0, 2.0]])
    seen = torch.tensor([[True, True, False]])
    assert penalize_repetition(logits, seen, 2.0).tolist() == [[1.0, -4.0, 2.0]]


def test_shares_are_the_probabilities():
    assert shares(ChannelSampling()) == [0.1, 0.6, 0.0, 0.3]


@pytest.mark.parametrize(
    ("k", "expected"),
    [(1, [0, 1, 0, 0]), (2, [0, 0.67, 0, 0.33]), (3, [0.1, 0.6, 0, 0.3]), (9, [0.1, 0.6, 0, 0.3])],
)
def test_top_k(k, expected):
    assert shares(ChannelSampling(top_k=k)) == expected


@pytest.mark.parametrize(
    ("p", "expected"),
    [
        (0.95, [0.1, 0.6, 0, 0.3]),
        (0.8, [0, 0.67, 0, 0.33]),
        (0.5, [0, 1, 0, 0]),
        (1e-6, [0, 1, 0, 0]),
    ],
)
def test_top_p_keeps_the_smallest_set_that_reaches_p(p, expected):
    assert shares(ChannelSampling(top_p=p)) == expected
    assert shares(ChannelSampling(top_p=p, top_k=3)) == expected


def test_top_p_counts_what_top_k_left():
    # Of .6 and .3 the first alone is .67 of the sum.
    assert shares(ChannelSampling(top_k=2, top_p=0.65)) == [0, 1, 0, 0]


def test_temperature_sharpens_and_flattens():
    cold, hot = shares(ChannelSampling(temperature=0.3)), shares(ChannelSampling(temperature=5.0))
    assert cold[1] > 0.85
    assert hot[1] < 0.4
    assert hot[2] == 0, "what is not allowed stays so"


def test_zero_temperature_is_greedy_after_the_penalty():
    logits = torch.tensor([[1.0, 1.1]])
    settings = ChannelSampling(temperature=0, repetition_penalty=5.0)
    seen = torch.tensor([[False, True]])
    assert sample(logits, settings, torch.zeros(1), seen).tolist() == [0]
    assert sample(logits, settings, torch.zeros(1)).tolist() == [1]


def test_penalty_reaches_the_choice():
    logits = torch.tensor([[4.0, 3.0]])
    settings = ChannelSampling(repetition_penalty=2.0, top_k=1)
    seen = torch.tensor([[True, False]])
    assert sample(logits, settings, torch.zeros(1), seen).tolist() == [1]


def test_extreme_numbers_never_choose_what_is_forbidden():
    generator = torch.Generator().manual_seed(0)
    for _ in range(50):
        logits = torch.randn(1, 40, generator=generator) * 5
        logits[:, [0, 1, 38, 39]] = -INF
        for settings in (
            ChannelSampling(),
            ChannelSampling(top_p=0.9),
            ChannelSampling(top_k=39),
            ChannelSampling(top_k=39, top_p=0.99, temperature=5.0),
        ):
            chosen = sample(logits.expand(2, -1), settings, NUMBERS[[0, -1]])
            assert (logits[0, chosen] > -INF).all()


def test_an_item_draws_from_its_own_generator():
    def generators():
        return [torch.Generator().manual_seed(i) for i in range(3)]

    together, reversed_ = draw(generators(), 5), draw(generators()[::-1], 5)
    assert torch.equal(together, reversed_.flip(0))
    assert torch.equal(draw(generators()[1:2], 5)[0], together[1])
    assert together.unique().numel() == 15


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
