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
from typing import TypeVar
from weakref import WeakKeyDictionary

import torch
from torch import Tensor, nn
from torch.nn import functional as F

M = TypeVar("M", bound=nn.Module)
T = TypeVar("T")

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


def packed(weight: Tensor) -> Linear:
    """What multiplies by a weight (out, in).

    The weight's values are read now; changing it later changes nothing.
    """
    weight = weight.detach()
    if half_is_enough(weight):
        return _half(weight.float().contiguous())
    weight = weight.contiguous()
    return Linear(
        len(weight),
        lambda x: F.linear(x, weight),
        lambda x, result: result.copy_(F.linear(x, weight)),
    )


def half_is_enough(weight: Tensor) -> bool:
    """Whether this machine has float16 kernels and float16 holds the weight's values."""
    if weight.device.type != "cpu" or weight.dtype == torch.bfloat16:
        return False
    if "fbgemm" not in torch.backends.quantized.supported_engines:
        return False
    error = (weight.half().float() - weight).abs().max()
    return bool(error <= TOLERANCE * weight.abs().max())


def _half(weight: Tensor) -> Linear:
    """Float16 weights, float32 rows and sums; the two kernels give the same bits."""
    outputs, inputs = weight.shape
    shared = torch.ops.quantized.linear_prepack_fp16(weight, None)
    many = torch.ops.quantized.linear_dynamic_fp16.default
    one = None if weight.numel() >= LARGE else _single_threaded(weight)
    if one is None:
        return Linear(
            outputs, lambda x: many(x, shared), lambda x, result: result.copy_(many(x, shared))
        )
    call, layout = one
    rows_for_two = -(-PARALLEL_FROM // (outputs * inputs)) * inputs
    threads = torch.get_num_threads

    def multiply(x: Tensor) -> Tensor:
        if x.numel() >= rows_for_two and threads() > 1:
            return many(x, shared)
        return call(x, layout, None)

    def into(x: Tensor, result: Tensor) -> None:
        if x.numel() >= rows_for_two and threads() > 1:
            result.copy_(many(x, shared))
        else:
            call(x, layout, None, result)

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
def even_rows(rows: int) -> int:
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


def for_inference(module: nn.Module, x: Tensor) -> bool:
    """Whether a module may use prepared weights: no gradient, no training, no autocast."""
    autocast = torch.is_autocast_enabled(x.device.type)
    return not (torch.is_grad_enabled() or module.training or autocast)


class _Watched:
    """The parameters of a module, and whether they are still what they were."""

    def __init__(self, module: nn.Module) -> None:
        # Looked up in their modules' own dictionaries: walking through the modules would take
        # longer than what the prepared weights save.
        found = [
            (parameters, name, value)
            for parameters in (m._parameters for m in module.modules())
            for name, value in parameters.items()
            if value is not None
        ]
        self.places = [(*entry, entry[2].data_ptr()) for entry in found]
        # Tensors made in inference mode keep no count of their changes.
        self.versions = [(p, p._version) for _, _, p in found if not p.is_inference()]

    def unchanged(self) -> bool:
        """Whether all parameters are the same objects, in the same place, not written to."""
        for parameters, name, value, place in self.places:
            if parameters.get(name) is not value or value.data_ptr() != place:
                return False
        return all(value._version == version for value, version in self.versions)


_PREPARED: WeakKeyDictionary[nn.Module, dict[str, tuple[_Watched, object]]] = WeakKeyDictionary()


def prepared(module: M, build: Callable[[M], T], check: bool = True, kind: str = "") -> T:
    """What `build` makes of a module's weights: made on the first call, and after a change.

    It is kept as long as the module lives, beside it and not in it, so that the module can be
    copied, saved and trained as if nothing were there. `build` must not keep the module itself.

    Args:
        module: whose weights.
        build: a function of the module, the same one in all calls for a module and kind.
        check: look for changes, which takes a quarter of a microsecond a parameter.
        kind: tells apart different things made of one module.
    """
    kinds = _PREPARED.setdefault(module, {})
    known = kinds.get(kind)
    if known is None or (check and not known[0].unchanged()):
        with torch.inference_mode():
            known = (_Watched(module), build(module))
        kinds[kind] = known
    return known[1]  # type: ignore[return-value]
