"""Matrix products with weights that stay: the layout that is fastest where they run.

Measured on 2 cores with AMX, 768 x 4608, one row and eight rows, in microseconds: bfloat16 as stored 237 and 259, packed by oneDNN
155 and 167; float32 as stored 253 and 743, transposed 212 and 499.
"""

from typing import Protocol

import torch
import torch.nn.functional as F
from torch import Tensor


class Linear(Protocol):
    def __call__(self, inputs: Tensor) -> Tensor:
        """[rows, in] to [rows, out]. The result is new memory."""
        ...


class PlainLinear:
    """Weights as stored."""

    def __init__(self, weight: Tensor, bias: Tensor | None) -> None:
        self._weight = weight
        self._bias = bias

    def __call__(self, inputs: Tensor) -> Tensor:
        return F.linear(inputs, self._weight, self._bias)


class TransposedLinear:
    """Weights as [in, out]: what MKL multiplies a few float32 rows with fastest."""

    def __init__(self, weight: Tensor, bias: Tensor | None) -> None:
        self._weight = weight.t().contiguous()
        self._bias = bias

    def __call__(self, inputs: Tensor) -> Tensor:
        if self._bias is None:
            return torch.mm(inputs, self._weight)
        return torch.addmm(self._bias, inputs, self._weight)


class PackedLinear:
    """Weights in the blocked layout that oneDNN picks for bfloat16 on this CPU."""

    def __init__(self, weight: Tensor, bias: Tensor | None) -> None:
        self._weight = torch.ops.mkldnn._reorder_linear_weight(weight.contiguous(), None)
        self._bias = bias
        self._multiply = torch.ops.mkldnn._linear_pointwise.default

    def __call__(self, inputs: Tensor) -> Tensor:
        product: Tensor = self._multiply(inputs, self._weight, self._bias, "none", [], "")
        return product


def make_linear(weight: Tensor, bias: Tensor | None = None) -> Linear:
    """`weight` is [out, in]."""
    if weight.device.type != "cpu":
        return PlainLinear(weight, bias)
    if weight.dtype == torch.float32:
        return TransposedLinear(weight, bias)
    return PackedLinear(weight, bias) if can_pack() else PlainLinear(weight, bias)


def can_pack() -> bool:
    """Whether this build of torch can pack."""
    return bool(torch._C._has_mkldnn and hasattr(torch.ops.mkldnn, "_reorder_linear_weight") and multiplies_bfloat16())


def multiplies_bfloat16() -> bool:
    """Whether this CPU has instructions for it; others go through float32 and are slower than with that at once."""
    names = ("_is_amx_tile_supported", "_is_avx512_bf16_supported")
    return any(bool(getattr(torch.cpu, name)()) for name in names if hasattr(torch.cpu, name))
