"""Parts of the decoder layer against torch's own."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

from tts.model.transformer import SHORT, LearningNorm, RmsNorm, attend


@pytest.mark.parametrize("shape", [(5, 8), (2, 3, 4, 8)])
def test_the_norm_that_learns_is_torchs_and_so_are_its_gradients(shape: tuple[int, ...]):
    torch.manual_seed(0)
    x = torch.randn(shape, dtype=torch.float64, requires_grad=True)
    weight = torch.rand(shape[-1], dtype=torch.float64, requires_grad=True)
    given = torch.randn(shape, dtype=torch.float64)
    ours = LearningNorm.apply(x, weight, 1e-3)
    theirs = F.rms_norm(x, weight.shape, weight, 1e-3)
    torch.testing.assert_close(ours, theirs)
    for a, b in zip(
        torch.autograd.grad(ours, (x, weight), given),  # type: ignore[arg-type]
        torch.autograd.grad(theirs, (x, weight), given),
        strict=True,
    ):
        torch.testing.assert_close(a, b)


def test_a_norm_is_the_same_with_and_without_gradients():
    torch.manual_seed(0)
    norm, x = RmsNorm(16, 1e-6), torch.randn(3, 16)
    with torch.no_grad():
        expected = norm(x)
    torch.testing.assert_close(norm(x), expected)


@pytest.mark.parametrize("steps", [SHORT, SHORT + 1])
@pytest.mark.parametrize("masked", [False, True])
def test_attention_is_the_same_with_and_without_gradients(steps: int, masked: bool):
    torch.manual_seed(0)
    q, k, v = torch.randn(2, 4, steps, 8), *torch.randn(2, 2, 2, steps, 8)
    mask = torch.ones(steps, steps, dtype=torch.bool).tril() if masked else None
    with torch.no_grad():
        expected = attend(q, k, v, mask)
    q.requires_grad_()
    found = attend(q, k, v, mask)
    torch.testing.assert_close(found, expected)
    found.sum().backward()
    assert q.grad is not None
    assert q.grad.isfinite().all()
