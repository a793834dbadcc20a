"""Matrix products for inference: the weight is laid out once, then multiplied many times.

A step of an autoregressive model multiplies a few rows by every weight it has, so reading the
weights is what takes the time. Weights that float16 can hold (those of all files stored in half
precision) are kept in float16, in the layout of FBGEMM, on CPUs that have it: half as much to
read. Rows stay float32 and so do the sums, whose order does not depend on the number of rows: a
row's result is the same bit for bit whatever stands beside it.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor
from torch.nn import functional as F

# Multiply-adds from which a second thread pays for the slower entry of the parallel kernel.
PARALLEL_FROM = 1_000_000
# Weights of this many entries are large enough for the parallel kernel alone.
LARGE = 4_000_000
# Float32 sums carry errors of this size, relative to the largest weight, anyway.
TOLERANCE = 1e-6


@dataclass(frozen=True, eq=False)
class Linear:
    """A weight that is laid out.

    Attributes:
        outputs: rows of the weight.
        multiply: (..., in) -> (..., out).
        into: (x (N, in), result (N, out)): writes to the result, which must be contiguous.
    """

    outputs: int
    multiply: Callable[[Tensor], Tensor]
    into: Callable[[Tensor, Tensor], object]

    def __call__(self, x: Tensor) -> Tensor:
        return self.multiply(x)


def packed(weight: Tensor, bias: Tensor | None = None, dtype: torch.dtype | None = None) -> Linear:
    """What multiplies by a weight (out, in), and adds a bias (out,) if there is one.

    The weight's values are read now; changing it later changes nothing.

    Args:
        dtype: to compute in; None means the weight's own.
    """
    weight, dtype = weight.detach(), dtype or weight.dtype
    bias = None if bias is None else bias.detach().to(dtype)
    if weight.dtype != torch.float16:  # which is what it would be packed as
        weight = weight.to(dtype)
    if dtype != torch.bfloat16 and half_is_enough(weight):
        bias = None if bias is None else bias.float().contiguous()
        return _half(weight.float().contiguous(), bias)
    weight = weight.to(dtype).contiguous()
    return Linear(
        len(weight),
        lambda x: F.linear(x, weight, bias),
        lambda x, result: result.copy_(F.linear(x, weight, bias)),
    )


def half_is_enough(weight: Tensor) -> bool:
    """Whether this machine has float16 kernels and float16 holds the weight's values."""
    if weight.device.type != "cpu" or weight.dtype == torch.bfloat16:
        return False
    if "fbgemm" not in torch.backends.quantized.supported_engines:
        return False
    if weight.dtype == torch.float16:
        return True
    error = (weight.half().float() - weight).abs().max()
    return bool(error <= TOLERANCE * weight.abs().max())


def _half(weight: Tensor, bias: Tensor | None) -> Linear:
    """Float16 weights, float32 rows and sums; the two kernels give the same bits."""
    outputs, inputs = weight.shape
    product = torch.ops.quantized.linear_dynamic_fp16.default
    pack = torch.ops.quantized.linear_prepack_fp16.default
    one = None if weight.numel() >= LARGE else _single_threaded(weight)
    if one is None:
        shared = pack(weight, bias)
        return Linear(
            outputs,
            lambda x: product(x, shared),
            lambda x, result: result.copy_(product(x, shared)),
        )
    call, layout = one

    @lru_cache(maxsize=1)
    def for_threads() -> object:
        """The layout for several threads, which takes as much memory again: made when needed.

        One in each place of the rows brings back the weight, to the bit.
        """
        return pack(call(torch.eye(inputs), layout, None).t().contiguous(), bias)

    def many(x: Tensor) -> Tensor:
        return product(x, for_threads())

    rows_for_two = -(-PARALLEL_FROM // (outputs * inputs)) * inputs
    threads = torch.get_num_threads

    def multiply(x: Tensor) -> Tensor:
        if x.numel() >= rows_for_two and threads() > 1:
            return many(x)
        return call(x, layout, bias)

    def into(x: Tensor, result: Tensor) -> None:
        if x.numel() >= rows_for_two and threads() > 1:
            result.copy_(many(x))
        else:
            call(x, layout, bias, result)

    return Linear(outputs, multiply, into)


def _single_threaded(weight: Tensor) -> tuple[Callable[..., Tensor], Tensor] | None:
    """The entry that starts twenty microseconds sooner, and the weight laid out for it.

    None where torch no longer has it, or not yet with a place for the result.
    """
    if not hasattr(torch, "fbgemm_linear_fp16_weight_fp32_activation"):
        return None
    call = torch.fbgemm_linear_fp16_weight_fp32_activation
    with warnings.catch_warnings():
        # It will be removed some day, which the line above is ready for. Torch says so once a
        # process, on packing and on the first product.
        warnings.simplefilter("ignore")
        layout = torch.fbgemm_pack_gemm_matrix_fp16(weight)
        try:
            call(weight[:1], layout, None, weight.new_empty(1, len(weight)))
        except TypeError:
            return None
    return call, layout


@lru_cache(maxsize=256)
def batch_invariant_rows(rows: int) -> int:
    """The next number of rows in which every row gets the bits it gets beside any others.

    Where FBGEMM has AVX2 alone, its kernels for one row and for two, which also take what is left
    of 7 or 14, sum in another order than those for more rows. Which numbers are even is tried out.
    """
    if "fbgemm" not in torch.backends.quantized.supported_engines:
        return rows
    with torch.inference_mode():
        generator = torch.Generator().manual_seed(0)
        weight = torch.randn((48, 200), generator=generator).half().float()
        row = torch.randn((1, 200), generator=generator)
        layout = torch.ops.quantized.linear_prepack_fp16(weight, None)
        multiply = torch.ops.quantized.linear_dynamic_fp16.default
        usual = multiply(row.repeat(12, 1), layout)[:1]
        for count in range(rows, rows + 8):
            if bool((multiply(row.repeat(count, 1), layout) == usual).all()):
                return count
    return rows
