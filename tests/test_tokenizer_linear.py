"""Packed products: the same numbers as `F.linear`, and the same bits in every batch."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch
from torch.nn import functional as F

import tokenizer.linear
from tokenizer.linear import batch_invariant_rows, half_is_enough, packed

has_half = pytest.mark.skipif(
    "fbgemm" not in torch.backends.quantized.supported_engines, reason="no float16 kernels here"
)


def tensor(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


@pytest.fixture(params=[1, 2])
def threads(request) -> Iterator[int]:
    before = torch.get_num_threads()
    torch.set_num_threads(request.param)
    yield request.param
    torch.set_num_threads(before)


@pytest.mark.parametrize("shape", [(5, 3), (64, 40), (300, 200)])
@pytest.mark.parametrize("half", [True, False])
def test_equals_linear(shape, half):
    weight = tensor(*shape)
    weight = weight.half().float() if half else weight
    x = tensor(2, 7, shape[1], seed=1)
    expected = F.linear(x, weight)
    assert torch.allclose(packed(weight)(x), expected, atol=1e-5, rtol=1e-5)
    strided = x[:, ::2]
    assert torch.allclose(packed(weight)(strided), expected[:, ::2], atol=1e-5, rtol=1e-5)


@has_half
def test_both_kernels_and_all_batches_give_the_same_bits(threads, monkeypatch):
    weight = tensor(300, 200).half().float()
    x = tensor(48, 200, seed=1)
    whole = packed(weight)(x[: batch_invariant_rows(40)])
    for rows in (1, 2, 3, 7, 14, 16, 32):
        assert rows <= batch_invariant_rows(rows) < rows + 4
        assert torch.equal(packed(weight)(x[: batch_invariant_rows(rows)])[:rows], whole[:rows])
    monkeypatch.setattr(tokenizer.linear, "PARALLEL_FROM", 1)
    assert torch.equal(packed(weight)(x[: len(whole)]), whole)
    monkeypatch.setattr(tokenizer.linear, "LARGE", 1)
    assert torch.equal(packed(weight)(x[: len(whole)]), whole)


@pytest.mark.parametrize("half", [True, False])
@pytest.mark.parametrize("rows", [1, 3, 16])
@pytest.mark.parametrize("parallel_from", [1, 10**9])
def test_a_result_can_be_written_in_place(half, rows, parallel_from, monkeypatch):
    monkeypatch.setattr(tokenizer.linear, "PARALLEL_FROM", parallel_from)
    weight = tensor(40, 24)
    multiply = packed(weight.half().float() if half else weight)
    x, result = tensor(rows, 24, seed=1), torch.full((rows, 40), torch.nan)
    multiply.into(x, result)
    assert torch.equal(result, multiply(x))
    assert multiply.outputs == 40


@has_half
def test_float16_is_used_only_where_it_holds_the_weight():
    weight = tensor(20, 20)
    assert not half_is_enough(weight)
    assert half_is_enough(weight.half().float())
    assert half_is_enough(weight.bfloat16().float())
    assert not half_is_enough(weight.half().float() * 1e6), "beyond the range of float16"
    assert not half_is_enough(weight.bfloat16()), "bfloat16 stays what the user asked for"
    assert half_is_enough(torch.zeros(3, 3))


def test_bfloat16_rows():
    weight, x = tensor(20, 10).bfloat16(), tensor(3, 10, seed=1).bfloat16()
    assert packed(weight)(x).dtype == torch.bfloat16


def test_later_changes_do_not_matter():
    weight, x = tensor(20, 10).half().float(), tensor(3, 10, seed=1)
    multiply = packed(weight)
    before = multiply(x)
    if half_is_enough(weight):
        weight.zero_()
        assert torch.equal(multiply(x), before)
