"""What frequent operations return, said without PyTorch, which loads its compiler for that, two seconds long.

A rule leaves to PyTorch what it does not know, and arguments that do not fit, of which PyTorch says what is wrong.
"""

import math
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from .calls import form_of

Form = tuple[tuple[int, ...], tuple[int, ...], torch.dtype]  # shape, strides and dtype, as `calls.form_of` has them


def form_of_output(name: str, args: Sequence[Any]) -> Form | list[Form] | None:
    """The form of what an operation of this name returns for arguments on the meta device; None where no rule says."""
    rule = RULES.get(name)
    return rule(*args) if rule else None


def _contiguous(shape: Sequence[int], dtype: torch.dtype) -> Form:
    return tuple(shape), tuple(math.prod(shape[i + 1 :]) for i in range(len(shape))), dtype


# Windows
def _convolution(
    x: Tensor,
    weight: Tensor,
    _bias: Tensor | None,
    stride: list[int],
    padding: list[int],
    dilation: list[int],
    transposed: bool,
    _output_padding: list[int],
    groups: int,
) -> Form | None:
    rank = x.dim() - 2
    if transposed or rank < 1 or weight.dim() != x.dim() or weight.shape[1] * groups != x.shape[1]:
        return None
    grid = _grid(x.shape[2:], weight.shape[2:], stride, padding, dilation)
    return _contiguous([x.shape[0], weight.shape[0], *grid], x.dtype) if grid and x.dtype == weight.dtype else None


def _max_pool(
    x: Tensor, kernel: list[int], stride: Any = (), padding: Any = (0,), dilation: Any = (1,), ceil: bool = False
) -> list[Form] | None:
    out = _pool(x, kernel, stride, padding, dilation, ceil)
    return out and [out, (*out[:2], torch.int64)]


def _avg_pool(
    x: Tensor,
    kernel: list[int],
    stride: Any = (),
    padding: Any = (0,),
    ceil: bool = False,
    _pads_count: bool = True,
    divisor: int | None = None,
) -> Form | None:
    return None if divisor == 0 else _pool(x, kernel, stride, padding, (1,), ceil)


def _pool(x: Tensor, kernel: Any, stride: Any, padding: Any, dilation: Any, ceil: bool) -> Form | None:
    if x.dim() != 4 or ceil or not x.is_contiguous() or 2 * max(padding) > min(kernel):
        return None
    grid = _grid(x.shape[2:], kernel, stride or kernel, padding, dilation)
    return _contiguous([*x.shape[:2], *grid], x.dtype) if grid else None


def _grid(sizes: Sequence[int], *window: Sequence[int]) -> list[int]:
    """Places of a window of (kernel, stride, padding, dilation) along each dimension; nothing where it does not fit.

    One number stands for all dimensions.
    """
    each = [list(numbers) * (len(sizes) if len(numbers) == 1 else 1) for numbers in window]
    kernel, stride, padding, dilation = each
    if {*map(len, each)} != {len(sizes)} or min(*sizes, *kernel, *stride, *dilation) < 1 or min(padding) < 0:
        return []
    places = zip(sizes, kernel, stride, padding, dilation, strict=True)
    grid = [(n + 2 * p - d * (k - 1) - 1) // s + 1 for n, k, s, p, d in places]
    return grid if min(grid) > 0 else []


# One number after the other
def _same(x: Tensor) -> Form:
    return form_of(x if x.is_contiguous() else torch.empty_like(x))  # which takes much longer


def _batch_norm(x: Tensor, *_others: Any) -> list[Form]:
    """It also returns the statistics of a batch, which nobody reads."""
    return [_same(x), ((0,), (1,), x.dtype), ((0,), (1,), x.dtype)]


def _pointwise(x: Tensor, *others: Any) -> Form | None:
    """For floats, with numbers and with tensors of the same shape, which may be one row or column said many times."""
    if not (x.is_floating_point() and x.dim() and x.is_contiguous()):
        return None
    for other in others:
        if isinstance(other, Tensor):
            usual = other.is_contiguous() or 0 in other.stride()
            if not usual or (other.shape, other.dtype) != (x.shape, x.dtype):
                return None
        elif type(other) not in (int, float):
            return None
    return _same(x)


# Several numbers into one
def _concatenation(tensors: Sequence[Tensor], dim: int = 0) -> Form | None:
    first = tensors[0]
    rank = first.dim()
    if rank < 2 or not -rank <= dim < rank or not all(x.is_contiguous() for x in tensors):
        return None
    if len({(x.dtype, x.dim(), *(n for i, n in enumerate(x.shape) if i != dim % rank)) for x in tensors}) > 1:
        return None
    shape = list(first.shape)
    shape[dim] = sum(x.shape[dim] for x in tensors)
    return _contiguous(shape, first.dtype)


def _product(a: Tensor, b: Tensor) -> Form | None:
    fits = a.dim() == b.dim() == 2 and a.shape[1] == b.shape[0] and a.dtype == b.dtype
    return _contiguous([a.shape[0], b.shape[1]], a.dtype) if fits else None


def _product_and_bias(bias: Tensor, a: Tensor, b: Tensor) -> Form | None:
    return _product(a, b) if bias.shape == b.shape[1:] and bias.dtype == a.dtype else None


def _mean(x: Tensor, dims: Sequence[int] | None = None, keepdim: bool = False) -> Form | None:
    if not dims or not x.is_contiguous() or not x.is_floating_point() or 0 in x.shape:
        return None
    gone = {dim % x.dim() for dim in dims if -x.dim() <= dim < x.dim()}
    shape = [1 if i in gone else n for i, n in enumerate(x.shape) if keepdim or i not in gone]
    return _contiguous(shape, x.dtype) if len(gone) == len(dims) else None


def _norm(x: Tensor, _order: float = 2, dims: Sequence[int] | None = None, keepdim: bool = False) -> Form | None:
    return _mean(x, dims, keepdim)


RULES: dict[str, Callable[..., Form | list[Form] | None]] = {
    "add": _pointwise,
    "addmm": _product_and_bias,
    "avg_pool2d": _avg_pool,
    "cat": _concatenation,
    "clamp_min": _pointwise,
    "convolution": _convolution,
    "div": _pointwise,
    "linalg_vector_norm": _norm,
    "max_pool2d_with_indices": _max_pool,
    "mean": _mean,
    "mm": _product,
    "mul": _pointwise,
    "native_batch_norm": _batch_norm,
    "relu": _same,
}
