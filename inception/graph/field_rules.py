"""Which cells of its inputs each operation of PyTorch reads; what `cells` calculates with.

An operation without a rule makes cells of which we do not know, and the reason names it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache
from math import prod
from typing import Any

from torch.nn.modules.padding import _CircularPadNd

from ..words import N_, Filled
from .calls import OVERWRITE, Call, Step, Value, kind, values_of
from .cell_shapes import concatenated, plain_concatenation, reshaped, selected, taken
from .cells import Cells, around, constant, joined, loosened, permuted, rearranged, reduced, repeated, unknown
from .field_rule import (
    CELL_BY_CELL,
    RULES,
    WITHOUT_VALUES,
    Rule,
    cell_by_cell,
    cells_of,
    differ_along,
    dims_of,
    rule,
    unknown_cells,
)
from .window_rules import each_of


def follow(call: Call) -> None:
    """Gives every output of a call its cells."""
    data = [value for value in values_of(call) if value.data]
    if not any(value.cells is not None for value in data):
        return
    rule = _rule_of(call.func)
    if rule is None:
        return
    found = rule(call, *call.args, **call.kwargs)
    if not isinstance(found, list):
        found = [found] * len(call.outs)
    for out, cells in zip(call.outs, found, strict=False):
        out.cells = cells


@cache
def _rule_of(func: Any) -> Rule | None:
    """None for an operation that hands on nothing of its inputs' values."""
    if func is OVERWRITE:
        return _overwritten
    what = kind(func)
    if what.name in WITHOUT_VALUES:
        return None
    found = RULES.get(what.name) or (RULES.get(what.name[:-1]) if what.name.endswith("_") else None)
    if found is not None:
        return found
    if what.pointwise or {what.name, what.name.rstrip("_")} & CELL_BY_CELL:
        return cell_by_cell
    return _not_known


def _not_known(call: Call, *_: Any, **__: Any) -> list[Cells]:
    return unknown_cells(call, Filled(N_("it is not known which cells {name} reads"), name=call.name))


def _overwritten(call: Call, *_: Any, **__: Any) -> Cells:
    return unknown(cells_of(call), call.outs[0].shape, N_("parts of it were written in place"))


def mix_everything(step: Step) -> None:
    """Every output of a step depends on all that it reads, as that of a recurrent layer does on its whole sequence."""
    parts = [value.cells for value in step.reads if value.cells is not None]
    if parts:
        for out in (value for call in step.calls for value in call.outs if value.data):
            out.cells = unknown(parts, out.shape, N_("a recurrent layer reads one step after the other"), True)


def wrapped(step: Step) -> list[Call]:
    """The calls of a step that are to be followed. Those of circular padding are followed here, together.

    PyTorch has no operation for it: it makes a larger tensor and copies parts of the smaller one into it.
    """
    module, calls = step.module, step.calls
    circular = getattr(module, "padding_mode", "") == "circular" or isinstance(module, _CircularPadNd)
    if not (circular or (module is None and step.name == "pad")) or not step.args or step.args[0].cells is None:
        return calls
    last = max((i for i, call in enumerate(calls) if call.func is OVERWRITE or kind(call.func).mutates), default=None)
    if last is None:
        return calls
    cells, shape = step.args[0].cells, step.args[0].shape
    rest = calls[last + 1 :]
    larger = next((value for call in rest for value in values_of(call) if value.data), None) or step.outs[0]
    for d, (n, m) in enumerate(zip(shape, larger.shape, strict=True)):
        if n != m:
            cells = loosened(cells, d, m, N_("the padding goes round to the other side of the picture"), m > n)
    for value in (larger, *(out for call in calls[: last + 1] for out in call.outs)):
        if value.shape == larger.shape:
            value.cells = cells
    return rest


# Everything along some dimensions
@rule("mean", "sum", "amax", "amin", "prod", "logsumexp", "linalg_vector_norm", "std", "var", "var_mean", "std_mean",
      "max", "min", "argmax", "argmin", "any", "all", "norm", "median", "nansum", "aminmax", "mode", "count_nonzero",
      "std_correction")  # fmt: skip
def _reduce(call: Call, x: Value, *args: Any, **kwargs: Any) -> Any:
    if len(args) == 1 and isinstance(args[0], Value):  # the larger of two tensors
        return cell_by_cell(call)
    rest = list(args)
    if call.name in ("linalg_vector_norm", "norm"):
        rest = rest[1:]
    dims = kwargs.get("dim", rest[0] if rest and not isinstance(rest[0], bool) else None)
    keep = len(call.outs[0].shape) == len(x.shape)
    return reduced(x.cells, dims_of(dims, len(x.shape)), keep) if x.cells.dims else x.cells


@rule("_softmax", "_log_softmax", "_safe_softmax", "softmax", "log_softmax")
def _softmax(call: Call, x: Value, dim: int, *_: Any, **__: Any) -> Cells:
    return _and_all_along(x.cells, [dim], x.shape)


def _and_all_along(cells: Cells, dims: Iterable[int], shape: Sequence[int]) -> Cells:
    """Each cell depends on itself and on all along some dimensions."""
    everything = reduced(cells, dims, keep=True)
    still = [[t._replace(strides=tuple(0 if n == 1 else s for s, n in zip(t.strides, everything.lengths, strict=True)))
              for t in terms] for terms in everything.axes]  # fmt: skip
    return joined([cells, everything._replace(axes=tuple(map(tuple, still)))], shape)


@rule("cumsum", "cumprod", "logcumsumexp", "sort", "topk", "cummax", "cummin", "argsort")
def _along(call: Call, x: Value, *args: Any, **kwargs: Any) -> list[Cells]:
    return unknown_cells(call, Filled(N_("{name} mixes cells of a dimension"), name=call.name), True)


@rule("native_layer_norm", "_fused_rms_norm", "rms_norm")
def _layer_norm(call: Call, x: Value, normalized: list[int], *_: Any, **__: Any) -> Any:
    count = len(x.shape)
    return _and_all_along(x.cells, range(count - len(normalized), count), x.shape)


@rule("native_group_norm")
def _group_norm(call: Call, x: Value, *args: Any, **_: Any) -> Cells:
    groups = args[5]
    if groups == 1 or not differ_along(x.cells, 1):
        return _and_all_along(x.cells, range(1, len(x.shape)), x.shape)
    grouped = (x.shape[0], groups, x.shape[1] // groups, *x.shape[2:])
    cells = reshaped(x.cells, grouped)
    return reshaped(_and_all_along(cells, range(2, len(grouped)), grouped), x.shape)


@rule("native_batch_norm", "_native_batch_norm_legit_no_training", "_native_batch_norm_legit", "cudnn_batch_norm",
      "_batch_norm_with_update", "_native_batch_norm_legit_functional", "batch_norm")  # fmt: skip
def _batch_norm(call: Call, x: Value, *args: Any, **_: Any) -> Any:
    """With running statistics each number on its own, as in use; the statistics of a batch come from all its cells."""
    running = args[2] if len(args) > 2 else None
    if isinstance(running, Value):
        return x.cells
    return _and_all_along(x.cells, [d for d in range(len(x.shape)) if d != 1], x.shape)


# The same cells in another order
@rule("view", "_unsafe_view", "reshape", "_reshape_alias", "view_copy", "_reshape_copy", "unflatten", "flatten")
def _view(call: Call, x: Value, *_: Any, **__: Any) -> Cells:
    return reshaped(x.cells, call.outs[0].shape)


@rule("unsqueeze", "squeeze")
def _squeeze(call: Call, x: Value, *dims: Any, **__: Any) -> Cells:
    if call.name == "unsqueeze":
        d = dims[0] % (len(x.shape) + 1)
        start = sum(map(len, x.cells.dims[:d]))
        n = len(x.cells.lengths)
        sources = [*range(start), None, *range(start, n)]
        return rearranged(x.cells, (*x.cells.dims[:d], (1,), *x.cells.dims[d:]), sources)
    gone = [d for d in dims_of(dims[0] if dims else None, len(x.shape)) if x.shape[d] == 1]
    return reduced(x.cells, gone)


@rule("as_strided", "as_strided_")
def _as_strided(call: Call, x: Value, size: Sequence[int], *_: Any, **__: Any) -> Any:
    """PyTorch writes the strides of one picture's channels anew behind some pools."""
    if tuple(size) == x.shape and sum(n > 1 for n in x.shape) <= 1:
        return x.cells
    return unknown_cells(call, N_("it reads memory in an order of its own"))


@rule("permute")
def _permute(call: Call, x: Value, order: Sequence[int]) -> Cells:
    return permuted(x.cells, [d % len(x.shape) for d in order])


@rule("transpose")
def _transpose(call: Call, x: Value, a: int, b: int) -> Cells:
    order = list(range(len(x.shape)))
    order[a], order[b] = order[b], order[a]
    return permuted(x.cells, order)


@rule("t", "numpy_T", "adjoint", "mT")
def _t(call: Call, x: Value) -> Cells:
    return permuted(x.cells, list(reversed(range(len(x.shape)))))


@rule("slice")
def _slice(call: Call, x: Value, dim: int = 0, start: Any = None, end: Any = None, step: int = 1) -> Cells:
    first = min(max(start + x.shape[dim] if (start or 0) < 0 else start or 0, 0), x.shape[dim])
    return taken(x.cells, dim % len(x.shape), first, step, call.outs[0].shape[dim])


@rule("narrow")
def _narrow(call: Call, x: Value, dim: int, start: int, length: int) -> Cells:
    return taken(x.cells, dim % len(x.shape), start % max(1, x.shape[dim]), 1, length)


@rule("select")
def _select(call: Call, x: Value, dim: int, at: int) -> Cells:
    return selected(x.cells, dim % len(x.shape), at % x.shape[dim])


@rule("unbind")
def _unbind(call: Call, x: Value, dim: int = 0) -> list[Cells]:
    return [selected(x.cells, dim % len(x.shape), at) for at in range(len(call.outs))]


@rule("split", "split_with_sizes", "unsafe_split", "unsafe_split_with_sizes", "chunk", "tensor_split", "unsafe_chunk",
      "split_copy", "split_with_sizes_copy")  # fmt: skip
def _split(call: Call, x: Value, _size: Any, dim: int = 0, **__: Any) -> list[Cells]:
    dim %= len(x.shape)
    found, start = [], 0
    for out in call.outs:
        found.append(taken(x.cells, dim, start, 1, out.shape[dim]))
        start += out.shape[dim]
    return found


@rule("flip")
def _flip(call: Call, x: Value, dims: Sequence[int]) -> Cells:
    cells = x.cells
    for d in dims:
        cells = taken(cells, d % len(x.shape), x.shape[d] - 1, -1, x.shape[d])
    return cells


@rule("roll")
def _roll(call: Call, x: Value, shifts: Sequence[int], dims: Sequence[int] = ()) -> Cells:
    cells = x.cells
    if not dims:
        return unknown_cells(call, N_("rolled over all dimensions together"), True)[0]
    for shift, d in zip(each_of(shifts, len(dims)), dims, strict=True):
        d, n = d % len(x.shape), x.shape[d]
        if shift % n and differ_along(cells, d):
            cut = n - shift % n
            parts = [taken(cells, d, cut, 1, n - cut), taken(cells, d, 0, 1, cut)]
            cells = concatenated(parts, d, [n - cut, cut], x.shape)
    return cells


@rule("repeat")
def _repeat(call: Call, x: Value, times: Sequence[int]) -> Cells:
    cells = x.cells
    for _ in range(len(times) - len(cells.dims)):
        n = len(cells.lengths)
        cells = rearranged(cells, ((1,), *cells.dims), [None, *range(n)])
    dims, sources = [], []
    for d, many in enumerate(times):
        span = list(cells.span(d))
        dims.append(((many,) if many > 1 else ()) + cells.dims[d])
        sources += ([None] if many > 1 else []) + span
    return rearranged(cells, tuple(dims), sources)


@rule("cat", "concat", "concatenate")
def _cat(call: Call, parts: list[Value], dim: int = 0) -> Cells:
    out = call.outs[0].shape
    dim %= len(out)
    parts = [value for value in parts if value.shape != (0,)]
    like = next(value.cells for value in parts if value.cells is not None)
    cells = [value.cells if value.cells is not None else constant(value.shape, like) for value in parts]
    sizes = [value.shape[dim] for value in parts]
    if dim == 1 and all(value.cells is not None for value in parts):
        plain = plain_concatenation(cells, sizes)
        if plain is not None:
            return plain
    return concatenated(cells, dim, sizes, out)


@rule("stack")
def _stack(call: Call, parts: list[Value], dim: int = 0) -> Cells:
    out = call.outs[0].shape
    dim %= len(out)
    like = next(value.cells for value in parts if value.cells is not None)
    cells = []
    for value in parts:
        one = value.cells if value.cells is not None else constant(value.shape, like)
        start = sum(map(len, one.dims[:dim]))
        sources = [*range(start), None, *range(start, len(one.lengths))]
        cells.append(rearranged(one, (*one.dims[:dim], (1,), *one.dims[dim:]), sources))
    return concatenated(cells, dim, [1] * len(parts), out)


@rule("index", "index_select", "embedding", "gather", "_unsafe_index", "take_along_dim")
def _index(call: Call, x: Value, *args: Any, **_: Any) -> Any:
    """By numbers that we do not know: right where the dimensions that are indexed say nothing of the picture."""
    chosen = args[0] if call.name in ("index", "_unsafe_index") else None
    if x.cells is not None and isinstance(chosen, list):
        used = [d for d, index in enumerate(chosen) if index is not None]
        vectors = all(isinstance(chosen[d], Value) and len(chosen[d].shape) == 1 for d in used)
        if len(used) == 1 and vectors and len(cells_of(call)) == 1:
            return _chosen(call, x, used[0])
    if x.cells is not None and call.name == "index_select" and len(cells_of(call)) == 1:
        return _chosen(call, x, args[0] % len(x.shape))
    return unknown_cells(call, N_("it is indexed by numbers that are not known"))


def _chosen(call: Call, x: Value, dim: int) -> Cells:
    n = call.outs[0].shape[dim]
    return loosened(x.cells, dim, n, N_("it is indexed by numbers that are not known"))


# Products of matrices
def _product(call: Call, a: Value, b: Value, out: Sequence[int]) -> Cells:
    """(..., n, k) with (..., k, m): a cell reads a row of the first and a column of the second."""
    parts = []
    if a.cells is not None:
        parts.append(_without(a.cells, -1, out, len(out) - 1))
    if b.cells is not None:
        parts.append(_without(b.cells, -2, out, len(out) - 2))
    return joined(parts, out)


def _without(cells: Cells, gone: int, out: Sequence[int], new: int) -> Cells:
    """Cells reduced along a dimension, with another dimension that repeats them. Dimensions of one cell go along."""
    gone %= len(cells.dims)
    ones = [i for i in cells.span(gone) if cells.lengths[i] == 1 and any(t.strides[i] for a in cells.axes for t in a)]
    kept = reduced(cells, [gone]) if not ones else cells
    if not ones:
        start = sum(map(len, kept.dims[:new]))
        sources: list[int | None] = [*range(start), None, *range(start, len(kept.lengths))]
        return rearranged(kept, (*kept.dims[:new], (out[new],), *kept.dims[new:]), sources)
    # Of a grid of one cell, flattened: how far the next cell would be is still known.
    others = [i for i in cells.span(gone) if i not in ones]
    axes = tuple(tuple(around(t, others, cells.lengths) for t in terms) for terms in cells.axes)
    swept = cells._replace(axes=axes)
    order = [i for d in range(len(cells.dims)) if d != gone for i in cells.span(d)]
    dims = [f for d, f in enumerate(cells.dims) if d != gone]
    start = sum(map(len, dims[:new]))
    dims.insert(new, (out[new], *(1 for _ in ones)))
    return rearranged(swept, tuple(dims), [*order[:start], None, *ones, *order[start:]])


@rule("mm", "bmm", "matmul", "_int_mm", "_scaled_mm")
def _mm(call: Call, a: Value, b: Value, *_: Any, **__: Any) -> Cells:
    return _product(call, a, b, call.outs[0].shape)


@rule("addmm", "baddbmm")
def _addmm(call: Call, bias: Value, a: Value, b: Value, *_: Any, **__: Any) -> Cells:
    out = call.outs[0].shape
    parts = [_product(call, a, b, out)] if a.cells is not None or b.cells is not None else []
    return joined([*parts, *([bias.cells] if bias.cells is not None else [])], out)


@rule("mv")
def _mv(call: Call, a: Value, b: Value) -> Cells:
    if b.cells is None:
        return reduced(a.cells, [1])
    return unknown_cells(call, N_("a product with a vector of the picture"), True)[0]


@rule("dot", "vdot")
def _dot(call: Call, a: Value, b: Value) -> Cells:
    return joined([reduced(v.cells, [0]) for v in (a, b) if v.cells is not None], ())


@rule("_scaled_dot_product_flash_attention_for_cpu", "_scaled_dot_product_efficient_attention",
      "_scaled_dot_product_flash_attention", "_scaled_dot_product_cudnn_attention")  # fmt: skip
def _attention(call: Call, q: Value, k: Value, v: Value, *_: Any, **__: Any) -> list[Cells]:
    out = call.outs[0].shape
    parts = [_and_kept(q.cells, q.shape)] if q.cells is not None else []
    for value in (k, v):
        if value.cells is not None:
            parts.append(reduced(value.cells, [-1, -2], keep=True))
    return [joined([repeated(p, out) if prod(map(prod, p.dims)) else p for p in parts], out)]


def _and_kept(cells: Cells, shape: Sequence[int]) -> Cells:
    return reduced(cells, [len(shape) - 1], keep=True)


@rule("glu")
def _glu(call: Call, x: Value, dim: int = -1) -> Cells:
    dim %= len(x.shape)
    half = x.shape[dim] // 2
    return joined([taken(x.cells, dim, start, 1, half) for start in (0, half)], call.outs[0].shape)
