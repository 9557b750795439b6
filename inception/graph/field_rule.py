"""What every rule of `field_rules` and `window_rules` is made with."""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any

from .calls import Call, values_of
from .cells import Cells, joined, unknown

Rule = Callable[..., Any]


RULES: dict[str, Rule] = {}


# Operations whose output cells depend on the same cells of their inputs, beside those that PyTorch tags so.
CELL_BY_CELL = {
    "clone", "alias", "detach", "_to_copy", "lift_fresh", "contiguous", "native_dropout", "dropout", "bernoulli",
    "expand", "expand_as", "broadcast_to", "where", "masked_fill", "copy_", "copy", "positive", "_conj", "real", "imag",
    "addcmul", "addcdiv", "lerp", "nan_to_num", "logit", "rsub", "remainder", "floor_divide", "square", "sign",
    "clamp", "clamp_min", "clamp_max", "relu", "relu6", "hardtanh", "hardswish", "hardsigmoid", "leaky_relu", "elu",
    "celu", "selu", "silu", "gelu", "mish", "softplus", "softshrink", "hardshrink", "threshold", "sigmoid", "tanh",
    "_prelu_kernel", "rrelu_with_noise", "rrelu_with_noise_functional", "log_sigmoid_forward",
}  # fmt: skip


# Operations that hand on nothing of their inputs' values.
WITHOUT_VALUES = {"zeros_like", "ones_like", "empty_like", "rand_like", "randn_like", "new_zeros", "new_ones",
                  "new_empty", "new_full", "full_like", "new_empty_strided", "sym_size", "zero_", "fill_"}  # fmt: skip


def rule(*names: str) -> Callable[[Rule], Rule]:
    """Registers the rule of these operations."""

    def register(function: Rule) -> Rule:
        RULES.update(dict.fromkeys(names, function))
        return function

    return register


def cells_of(call: Call) -> list[Cells]:
    return [value.cells for value in values_of(call) if value.cells is not None]


def cell_by_cell(call: Call, *_: Any, **__: Any) -> Cells:
    """Each cell depends on the same cell of all inputs."""
    parts, shape = cells_of(call), call.outs[0].shape
    if len(parts) == 1 and tuple(map(prod, parts[0].dims)) == shape:
        return parts[0]
    return joined(parts, shape)


def unknown_cells(call: Call, reason: str, reads_all: bool = False) -> list[Cells]:
    return [unknown(cells_of(call), out.shape, reason, reads_all) for out in call.outs]


def dims_of(dims: Any, count: int) -> list[int]:
    if dims is None or dims == []:
        return list(range(count))
    return [d % count for d in (dims if isinstance(dims, list | tuple) else [dims])]


def differ_along(cells: Cells, dim: int) -> bool:
    span = cells.span(dim)
    return any(
        any(t.strides[i] for i in span) or any(w[0] in span for w in t.within) or t.loose.intersection(span)
        for terms in cells.axes
        for t in terms
    )
