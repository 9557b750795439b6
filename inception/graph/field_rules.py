"""Which cells of its inputs each operation of PyTorch reads; what `cells` calculates with.

An operation without a rule here makes cells of which we do not know, and the reason names it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from math import floor, prod
from typing import Any

from . import cells as c
from .cells import Cells
from .record import OVERWRITE, Call, Step, Value, kind

Rule = Callable[..., Any]
RULES: dict[str, Rule] = {}
# Operations whose output cells depend on the same cells of their inputs, beside those that PyTorch tags so.
CELL_BY_CELL = {
    "clone", "alias", "detach", "_to_copy", "lift_fresh", "contiguous", "native_dropout", "_prelu_kernel", "bernoulli",
    "expand", "expand_as", "broadcast_to", "where", "masked_fill", "masked_fill_", "fill_", "zero_", "copy_", "copy",
    "dropout", "rrelu_with_noise", "rrelu_with_noise_functional", "_conj", "real", "imag", "view_as_real_copy", "positive",
    "_safe_copy", "addcmul", "addcdiv", "lerp", "nan_to_num", "logit", "angle", "rsub", "_make_dep_token", "fill",
    "view_dtype", "log_sigmoid_forward", "hardtanh", "hardswish", "hardsigmoid", "leaky_relu", "elu", "celu", "selu",
    "silu", "gelu", "mish", "softplus", "softshrink", "hardshrink", "threshold", "threshold_backward", "relu", "relu6",
    "sigmoid", "tanh", "clamp", "clamp_min", "clamp_max", "square", "sign", "remainder", "floor_divide",
}  # fmt: skip
# Operations that hand on nothing of their inputs' values.
WITHOUT_VALUES = {"zeros_like", "ones_like", "empty_like", "rand_like", "randn_like", "new_zeros", "new_ones",
                  "new_empty", "new_full", "full_like", "new_empty_strided", "sym_size", "zero_", "fill_"}  # fmt: skip


def follow(call: Call) -> None:
    """Gives every output of a call its cells."""
    data = [value for value in _values(call) if value.data]
    if not any(value.cells is not None for value in data):
        return
    if call.func is OVERWRITE:
        found: Any = _overwritten(call)
    else:
        what = kind(call.func)
        if what.name in WITHOUT_VALUES:
            return
        rule = RULES.get(what.name)
        if rule is None and what.name.endswith("_"):
            rule = RULES.get(what.name[:-1])
        name = what.name.rstrip("_")
        if rule is not None:
            found = rule(call, *call.args, **call.kwargs)
        elif what.pointwise or what.name in CELL_BY_CELL or name in CELL_BY_CELL:
            found = _cell_by_cell(call)
        else:
            found = _unknown(call, f"it is not known which cells {what.name} reads")
    if not isinstance(found, list):
        found = [found] * len(call.outs)
    for out, cells in zip(call.outs, found, strict=False):
        out.cells = cells


def rule(*names: str) -> Callable[[Rule], Rule]:
    """Registers the rule of these operations."""

    def register(function: Rule) -> Rule:
        RULES.update(dict.fromkeys(names, function))
        return function

    return register


def _values(call: Call) -> Iterable[Value]:
    for arg in (*call.args, *call.kwargs.values()):
        if isinstance(arg, Value):
            yield arg
        elif isinstance(arg, list):
            yield from (each for each in arg if isinstance(each, Value))


def _cells(call: Call) -> list[Cells]:
    return [value.cells for value in _values(call) if value.cells is not None]


def _cell_by_cell(call: Call) -> Cells:
    return c.joined(_cells(call), call.outs[0].shape)


def _unknown(call: Call, reason: str, reads_all: bool = False) -> list[Cells]:
    return [c.unknown(_cells(call), out.shape, reason, reads_all) for out in call.outs]


def _overwritten(call: Call) -> Cells:
    return c.unknown(_cells(call), call.outs[0].shape, "parts of it were written in place")


def _dims(dims: Any, count: int) -> list[int]:
    if dims is None or dims == []:
        return list(range(count))
    return [d % count for d in (dims if isinstance(dims, list | tuple) else [dims])]


# Everything along some dimensions
@rule("mean", "sum", "amax", "amin", "prod", "logsumexp", "linalg_vector_norm", "std", "var", "var_mean", "std_mean",
      "max", "min", "argmax", "argmin", "any", "all", "norm", "median", "nansum", "aminmax", "mode", "count_nonzero",
      "std_correction")  # fmt: skip
def _reduce(call: Call, x: Value, *args: Any, **kwargs: Any) -> Any:
    if len(args) == 1 and isinstance(args[0], Value):  # the larger of two tensors
        return _cell_by_cell(call)
    rest = list(args)
    if call.name in ("linalg_vector_norm", "norm"):
        rest = rest[1:]
    dims = kwargs.get("dim", rest[0] if rest and not isinstance(rest[0], bool) else None)
    keep = len(call.outs[0].shape) == len(x.shape)
    return c.reduced(x.cells, _dims(dims, len(x.shape)), keep) if x.cells.dims else x.cells


@rule("_softmax", "_log_softmax", "_safe_softmax", "softmax", "log_softmax")
def _softmax(call: Call, x: Value, dim: int, *_: Any, **__: Any) -> Cells:
    return _and_all_along(x.cells, [dim], x.shape)


def _and_all_along(cells: Cells, dims: Iterable[int], shape: Sequence[int]) -> Cells:
    """Each cell depends on itself and on all along some dimensions."""
    everything = c.reduced(cells, dims, keep=True)
    still = [[t._replace(strides=tuple(0 if n == 1 else s for s, n in zip(t.strides, everything.lengths, strict=True)))
              for t in terms] for terms in everything.axes]  # fmt: skip
    return c.joined([cells, everything._replace(axes=tuple(map(tuple, still)))], shape)


@rule("cumsum", "cumprod", "logcumsumexp", "sort", "topk", "cummax", "cummin", "argsort")
def _along(call: Call, x: Value, *args: Any, **kwargs: Any) -> list[Cells]:
    return _unknown(call, f"{call.name} mixes cells of a dimension", True)


@rule("native_layer_norm", "_fused_rms_norm", "rms_norm")
def _layer_norm(call: Call, x: Value, normalized: list[int], *_: Any, **__: Any) -> Any:
    count = len(x.shape)
    return _and_all_along(x.cells, range(count - len(normalized), count), x.shape)


@rule("native_group_norm")
def _group_norm(call: Call, x: Value, *args: Any, **_: Any) -> Cells:
    groups = args[5]
    if groups == 1 or not _differ_along(x.cells, 1):
        return _and_all_along(x.cells, range(1, len(x.shape)), x.shape)
    grouped = (x.shape[0], groups, x.shape[1] // groups, *x.shape[2:])
    cells = c.reshaped(x.cells, grouped)
    return c.reshaped(_and_all_along(cells, range(2, len(grouped)), grouped), x.shape)


def _differ_along(cells: Cells, dim: int) -> bool:
    span = cells.span(dim)
    return any(
        any(t.strides[i] for i in span) or any(w[0] in span for w in t.within) or t.loose.intersection(span)
        for terms in cells.axes
        for t in terms
    )


@rule("native_batch_norm", "_native_batch_norm_legit_no_training", "_native_batch_norm_legit", "cudnn_batch_norm",
      "_batch_norm_no_update", "_batch_norm_with_update", "_native_batch_norm_legit_functional", "batch_norm")  # fmt: skip
def _batch_norm(call: Call, x: Value, *args: Any, **_: Any) -> Any:
    """With running statistics each number on its own, as in use; the statistics of a batch come from all its cells."""
    running = args[2] if len(args) > 2 else None
    if isinstance(running, Value):
        return x.cells
    return _and_all_along(x.cells, [d for d in range(len(x.shape)) if d != 1], x.shape)


# Windows
def _each(value: Any, count: int) -> list[int]:
    values = list(value) if isinstance(value, list | tuple) else [value]
    return values * count if len(values) == 1 else values


def _swept(
    cells: Cells, first: int, out: Sequence[int], kernel: Any, stride: Any, pad: Any, dilation: Any, what: str
) -> Cells:
    """Windows along the last dimensions, from `first` on."""
    count = len(out) - first
    stride = _each(stride, count) if stride else _each(kernel, count)
    kernel, pad, dilation = _each(kernel, count), _each(pad, count), _each(dilation, count)
    for i in range(count):
        if (kernel[i], stride[i], pad[i]) == (1, 1, 0):
            continue
        k, d, p = kernel[i], dilation[i], pad[i]
        reach = [d * tap - p for tap in (range(k) if k > 1 else (0,))]
        cells = c.swept(cells, first + i, out[first + i], 1, stride[i], lambda _t, r=reach: r, what)
    return cells


@rule("convolution", "_convolution", "convolution_overrideable", "conv1d", "conv2d", "conv3d")
def _convolution(call: Call, x: Value, weight: Value, bias: Any, stride: Any, padding: Any, dilation: Any,
                 transposed: bool, out_padding: Any, groups: int, *_: Any) -> Cells:  # fmt: skip
    if x.cells is None:
        return c.unknown(_cells(call), call.outs[0].shape, "its kernel depends on the picture", True)
    out, count = call.outs[0].shape, len(x.shape) - 2
    if not transposed and weight.cells is None:
        if groups == 1 and x.mixed is None:
            x.mixed = _channels_mixed(x.cells, x.shape[1], out[1], 1) if _differ_along(x.cells, 1) else x.cells
        mixed = x.mixed if groups == 1 else x.cells
        plain = c.plain_window(mixed, out, weight.shape[2:], stride, padding, dilation)
        if plain is not None:
            return plain
    cells = _channels_mixed(x.cells, x.shape[1], out[1], groups)
    kernel = weight.shape[2:]
    if not transposed:
        cells = _swept(cells, 2, out, kernel, stride, padding, dilation, "a convolution")
    else:
        stride, padding, dilation = _each(stride, count), _each(padding, count), _each(dilation, count)
        for i in range(count):
            s, p, d, k = stride[i], padding[i], dilation[i], kernel[i]

            def reads(t: int, s: int = s, p: int = p, d: int = d, k: int = k) -> list[int]:
                return [(t + p - d * tap) // s for tap in range(k) if (t + p - d * tap) % s == 0]

            cells = c.swept(cells, 2 + i, out[2 + i], s, 1, reads, "a transposed convolution")
    if weight.cells is not None:
        return c.joined([cells, c.unknown([weight.cells], out, "its kernel depends on the picture", True)], out)
    return cells


def _channels_mixed(cells: Cells, ins: int, outs: int, groups: int) -> Cells:
    """Every output channel reads all input channels of its group."""
    before = cells.dims[0]
    if groups == 1 or not _differ_along(cells, 1):
        bare = c.reduced(cells, [1])
        start = len(before)
        sources = [*range(start), None, *range(start, len(bare.lengths))]
        return c.rearranged(bare, (before, (outs,), *bare.dims[1:]), sources)
    spatial = tuple(map(prod, cells.dims[2:]))
    n = prod(before)
    grouped = c.reduced(c.reshaped(cells, (n, groups, ins // groups, *spatial)), [2])
    start = sum(map(len, grouped.dims[:2]))
    sources = [*range(start), None, *range(start, len(grouped.lengths))]
    channel = (*grouped.dims[1], outs // groups)
    return c.rearranged(grouped, (grouped.dims[0], channel, *grouped.dims[2:]), sources)


@rule("max_pool2d_with_indices", "max_pool3d_with_indices", "max_pool1d", "max_pool2d", "max_pool3d")
def _max_pool(
    call: Call, x: Value, kernel: Any, stride: Any = (), padding: Any = 0, dilation: Any = 1, *_: Any
) -> Cells:
    out = call.outs[0].shape
    first = len(out) - (3 if "3d" in call.name else 2 if "2d" in call.name else 1)
    return _swept(x.cells, first, out, kernel, stride, padding, dilation, "a pool")


@rule("avg_pool2d", "avg_pool3d", "avg_pool1d")
def _avg_pool(call: Call, x: Value, kernel: Any, stride: Any = (), padding: Any = 0, *_: Any, **__: Any) -> Cells:
    out = call.outs[0].shape
    first = len(out) - (3 if "3d" in call.name else 2 if "2d" in call.name else 1)
    return _swept(x.cells, first, out, kernel, stride, padding, 1, "a pool")


@rule(
    "_adaptive_avg_pool2d", "_adaptive_avg_pool3d", "adaptive_max_pool2d", "adaptive_max_pool3d", "adaptive_avg_pool1d"
)
def _adaptive(call: Call, x: Value, size: Sequence[int], *_: Any) -> Cells:
    cells, out = x.cells, call.outs[0].shape
    for d in range(len(out) - len(size), len(out)):
        n, m = x.shape[d], out[d]
        if n % m == 0:
            cells = c.swept(cells, d, m, 1, n // m, lambda _t, k=n // m: range(k), "a pool")
        elif m % n == 0:
            cells = c.swept(cells, d, m, m // n, 1, lambda _t: (0,), "a pool")
        else:
            cells = c.loosened(cells, d, m, "the windows of the pool differ in width", True)
    return cells


@rule("im2col")
def _unfolded(call: Call, x: Value, kernel: Any, dilation: Any, padding: Any, stride: Any) -> Cells:
    return _unknown(call, "unfolded windows stand beside each other", True)[0]


@rule("unfold")
def _sliding(call: Call, x: Value, dim: int, size: int, step: int) -> Cells:
    dim %= len(x.shape)
    cells = c.merged(x.cells)
    if len(cells.dims[dim]) != 1:
        return _unknown(call, "unfolded windows stand beside each other", True)[0]
    place, n = cells.span(dim).start, len(cells.lengths)
    dims = (*cells.dims[:dim], (call.outs[0].shape[dim],), *cells.dims[dim + 1 :], (size,))
    bare = c.rearranged(cells, dims, [*range(n), None])
    if any(w[0] == place for terms in cells.axes for t in terms for w in t.within):
        return _unknown(call, "unfolded windows stand beside each other", True)[0]
    axes = tuple(
        tuple(
            t._replace(
                strides=(*t.strides[:place], t.strides[place] * step, *t.strides[place + 1 : n], t.strides[place])
            )
            for t in terms
        )
        for terms in bare.axes
    )
    return bare._replace(axes=axes)


# Growing and shrinking the grid
@rule("upsample_nearest1d", "upsample_nearest2d", "upsample_nearest3d", "_upsample_nearest_exact1d",
      "_upsample_nearest_exact2d", "_upsample_nearest_exact3d")  # fmt: skip
def _nearest(call: Call, x: Value, *_: Any, **__: Any) -> Cells:
    exact = "exact" in call.name
    cells, out = x.cells, call.outs[0].shape
    for d in range(2, len(out)):
        n, m = x.shape[d], out[d]
        if m % n == 0:
            cells = c.swept(cells, d, m, m // n, 1, lambda _t: (0,), "upsampling")
        elif n % m == 0:
            cells = c.swept(cells, d, m, 1, n // m, lambda _t, r=n // m: (r // 2 if exact else 0,), "resizing")
        else:
            cells = c.loosened(cells, d, m, "resized by a factor that is no whole number")
    return cells


@rule("upsample_linear1d", "upsample_bilinear2d", "upsample_trilinear3d", "upsample_bicubic2d")
def _interpolated(call: Call, x: Value, size: Any, corners: bool, *_: Any, **__: Any) -> Cells:
    cells, out = x.cells, call.outs[0].shape
    cubic = "cubic" in call.name
    for d in range(2, len(out)):
        n, m = x.shape[d], out[d]
        if n == m:
            continue
        if corners or (m % n and n % m):
            cells = c.loosened(cells, d, m, "interpolated by a factor that is no whole number", True)
            continue
        period, advance = (m // n, 1) if m % n == 0 else (1, n // m)

        def reads(t: int, ratio: float = n / m) -> list[int]:
            at = (t + 0.5) * ratio - 0.5
            low = floor(at + 1e-9)
            if abs(at - low) < 1e-9:
                return [low]
            return [low - 1, low, low + 1, low + 2] if cubic else [low, low + 1]

        cells = c.swept(cells, d, m, period, advance, reads, "interpolation")
    return cells


@rule("pixel_shuffle")
def _pixel_shuffle(call: Call, x: Value, factor: int) -> Cells:
    *front, channels, height, width = x.shape
    wide = c.reshaped(x.cells, (*front, channels // factor**2, factor, factor, height, width))
    n = len(front)
    mixed = c.permuted(wide, (*range(n), n, n + 3, n + 1, n + 4, n + 2))
    return c.reshaped(mixed, call.outs[0].shape)


@rule("pixel_unshuffle")
def _pixel_unshuffle(call: Call, x: Value, factor: int) -> Cells:
    *front, channels, height, width = x.shape
    wide = c.reshaped(x.cells, (*front, channels, height // factor, factor, width // factor, factor))
    n = len(front)
    mixed = c.permuted(wide, (*range(n), n, n + 2, n + 4, n + 1, n + 3))
    return c.reshaped(mixed, call.outs[0].shape)


@rule("channel_shuffle", "native_channel_shuffle")
def _channel_shuffle(call: Call, x: Value, groups: int) -> Cells:
    n, channels, *grid = x.shape
    wide = c.reshaped(x.cells, (n, groups, channels // groups, *grid))
    order = (0, 2, 1, *range(3, len(wide.dims)))
    return c.reshaped(c.permuted(wide, order), x.shape)


@rule("constant_pad_nd", "reflection_pad1d", "reflection_pad2d", "reflection_pad3d", "replication_pad1d",
      "replication_pad2d", "replication_pad3d")  # fmt: skip
def _pad(call: Call, x: Value, pad: Sequence[int], *_: Any) -> Cells:
    """Cells of the padding go on as the grid does. Those of mirrored cells do so too, as in a padded convolution."""
    cells, out = x.cells, call.outs[0].shape
    for i, (before, after) in enumerate(zip(pad[::2], pad[1::2], strict=True)):
        d = len(out) - 1 - i
        if before or after:
            if _stands_still(cells, d):
                cells = c.taken(cells, d, 0, 1, 1) if x.shape[d] > 1 else cells
                shape = [*map(prod, cells.dims)]
                shape[d] = out[d]
                cells = c.repeated(cells, shape)
            else:
                cells = c.swept(cells, d, out[d], 1, 1, lambda _t, b=before: (-b,), "padding")
    return cells


def _stands_still(cells: Cells, dim: int) -> bool:
    return not _differ_along(cells, dim)


# The same cells in another order
@rule("view", "_unsafe_view", "reshape", "_reshape_alias", "view_copy", "_reshape_copy", "unflatten", "flatten")
def _view(call: Call, x: Value, *_: Any, **__: Any) -> Cells:
    return c.reshaped(x.cells, call.outs[0].shape)


@rule("unsqueeze", "squeeze")
def _squeeze(call: Call, x: Value, *dims: Any, **__: Any) -> Cells:
    if call.name == "unsqueeze":
        d = dims[0] % (len(x.shape) + 1)
        start = sum(map(len, x.cells.dims[:d]))
        n = len(x.cells.lengths)
        sources = [*range(start), None, *range(start, n)]
        return c.rearranged(x.cells, (*x.cells.dims[:d], (1,), *x.cells.dims[d:]), sources)
    gone = [d for d in _dims(dims[0] if dims else None, len(x.shape)) if x.shape[d] == 1]
    return c.reduced(x.cells, gone)


@rule("as_strided", "as_strided_")
def _as_strided(call: Call, x: Value, size: Sequence[int], *_: Any, **__: Any) -> Any:
    """PyTorch writes the strides of one picture's channels anew behind some pools."""
    if tuple(size) == x.shape and sum(n > 1 for n in x.shape) <= 1:
        return x.cells
    return _unknown(call, "it reads memory in an order of its own")


@rule("permute")
def _permute(call: Call, x: Value, order: Sequence[int]) -> Cells:
    return c.permuted(x.cells, [d % len(x.shape) for d in order])


@rule("transpose")
def _transpose(call: Call, x: Value, a: int, b: int) -> Cells:
    order = list(range(len(x.shape)))
    order[a], order[b] = order[b], order[a]
    return c.permuted(x.cells, order)


@rule("t", "numpy_T", "adjoint", "mT")
def _t(call: Call, x: Value) -> Cells:
    return c.permuted(x.cells, list(reversed(range(len(x.shape)))))


@rule("slice")
def _slice(call: Call, x: Value, dim: int = 0, start: Any = None, end: Any = None, step: int = 1) -> Cells:
    first = min(max(start + x.shape[dim] if (start or 0) < 0 else start or 0, 0), x.shape[dim])
    return c.taken(x.cells, dim % len(x.shape), first, step, call.outs[0].shape[dim])


@rule("narrow")
def _narrow(call: Call, x: Value, dim: int, start: int, length: int) -> Cells:
    return c.taken(x.cells, dim % len(x.shape), start % max(1, x.shape[dim]), 1, length)


@rule("select")
def _select(call: Call, x: Value, dim: int, at: int) -> Cells:
    return c.selected(x.cells, dim % len(x.shape), at % x.shape[dim])


@rule("unbind")
def _unbind(call: Call, x: Value, dim: int = 0) -> list[Cells]:
    return [c.selected(x.cells, dim % len(x.shape), at) for at in range(len(call.outs))]


@rule("split", "split_with_sizes", "unsafe_split", "unsafe_split_with_sizes", "chunk", "tensor_split", "unsafe_chunk",
      "split_copy", "split_with_sizes_copy")  # fmt: skip
def _split(call: Call, x: Value, _size: Any, dim: int = 0, **__: Any) -> list[Cells]:
    dim %= len(x.shape)
    found, start = [], 0
    for out in call.outs:
        found.append(c.taken(x.cells, dim, start, 1, out.shape[dim]))
        start += out.shape[dim]
    return found


@rule("flip")
def _flip(call: Call, x: Value, dims: Sequence[int]) -> Cells:
    cells = x.cells
    for d in dims:
        cells = c.taken(cells, d % len(x.shape), x.shape[d] - 1, -1, x.shape[d])
    return cells


@rule("roll")
def _roll(call: Call, x: Value, shifts: Sequence[int], dims: Sequence[int] = ()) -> Cells:
    cells = x.cells
    if not dims:
        return _unknown(call, "rolled over all dimensions together", True)[0]
    for shift, d in zip(_each(shifts, len(dims)), dims, strict=True):
        d, n = d % len(x.shape), x.shape[d]
        if shift % n and _differ_along(cells, d):
            cut = n - shift % n
            parts = [c.taken(cells, d, cut, 1, n - cut), c.taken(cells, d, 0, 1, cut)]
            cells = c.concatenated(parts, d, [n - cut, cut], x.shape)
    return cells


@rule("repeat")
def _repeat(call: Call, x: Value, times: Sequence[int]) -> Cells:
    cells = x.cells
    for _ in range(len(times) - len(cells.dims)):
        n = len(cells.lengths)
        cells = c.rearranged(cells, ((1,), *cells.dims), [None, *range(n)])
    dims, sources = [], []
    for d, many in enumerate(times):
        span = list(cells.span(d))
        dims.append(((many,) if many > 1 else ()) + cells.dims[d])
        sources += ([None] if many > 1 else []) + span
    return c.rearranged(cells, tuple(dims), sources)


@rule("cat", "concat", "concatenate")
def _cat(call: Call, parts: list[Value], dim: int = 0) -> Cells:
    out = call.outs[0].shape
    dim %= len(out)
    parts = [value for value in parts if value.shape != (0,)]
    like = next(value.cells for value in parts if value.cells is not None)
    cells = [value.cells if value.cells is not None else c.constant(value.shape, like) for value in parts]
    sizes = [value.shape[dim] for value in parts]
    if dim == 1 and all(value.cells is not None for value in parts):
        plain = c.plain_concatenation(cells, sizes)
        if plain is not None:
            return plain
    return c.concatenated(cells, dim, sizes, out)


@rule("stack")
def _stack(call: Call, parts: list[Value], dim: int = 0) -> Cells:
    out = call.outs[0].shape
    dim %= len(out)
    like = next(value.cells for value in parts if value.cells is not None)
    cells = []
    for value in parts:
        one = value.cells if value.cells is not None else c.constant(value.shape, like)
        start = sum(map(len, one.dims[:dim]))
        sources = [*range(start), None, *range(start, len(one.lengths))]
        cells.append(c.rearranged(one, (*one.dims[:dim], (1,), *one.dims[dim:]), sources))
    return c.concatenated(cells, dim, [1] * len(parts), out)


@rule("index", "index_select", "embedding", "gather", "_unsafe_index", "take_along_dim")
def _index(call: Call, x: Value, *args: Any, **_: Any) -> Any:
    """By numbers that we do not know: right where the dimensions that are indexed say nothing of the picture."""
    chosen = args[0] if call.name in ("index", "_unsafe_index") else None
    if x.cells is not None and isinstance(chosen, list):
        used = [d for d, index in enumerate(chosen) if index is not None]
        vectors = all(isinstance(chosen[d], Value) and len(chosen[d].shape) == 1 for d in used)
        if len(used) == 1 and vectors and len(_cells(call)) == 1:
            return _chosen(call, x, used[0])
    if x.cells is not None and call.name == "index_select" and len(_cells(call)) == 1:
        return _chosen(call, x, args[0] % len(x.shape))
    return _unknown(call, "it is indexed by numbers that are not known")


def _chosen(call: Call, x: Value, dim: int) -> Cells:
    n = call.outs[0].shape[dim]
    return c.loosened(x.cells, dim, n, "it is indexed by numbers that are not known")


# Products of matrices
def _product(call: Call, a: Value, b: Value, out: Sequence[int]) -> Cells:
    """(..., n, k) with (..., k, m): a cell reads a row of the first and a column of the second."""
    parts = []
    if a.cells is not None:
        parts.append(_without(a.cells, -1, out, len(out) - 1))
    if b.cells is not None:
        parts.append(_without(b.cells, -2, out, len(out) - 2))
    return c.joined(parts, out)


def _without(cells: Cells, gone: int, out: Sequence[int], new: int) -> Cells:
    """Cells reduced along a dimension, with another dimension that repeats them. Dimensions of one cell go along."""
    gone %= len(cells.dims)
    ones = [i for i in cells.span(gone) if cells.lengths[i] == 1 and any(t.strides[i] for a in cells.axes for t in a)]
    kept = c.reduced(cells, [gone]) if not ones else cells
    if not ones:
        start = sum(map(len, kept.dims[:new]))
        sources: list[int | None] = [*range(start), None, *range(start, len(kept.lengths))]
        return c.rearranged(kept, (*kept.dims[:new], (out[new],), *kept.dims[new:]), sources)
    # Of a grid of one cell, flattened: how far the next cell would be is still known.
    others = [i for i in cells.span(gone) if i not in ones]
    axes = tuple(tuple(c._swept(t, others, cells.lengths) for t in terms) for terms in cells.axes)
    swept = cells._replace(axes=axes)
    order = [i for d in range(len(cells.dims)) if d != gone for i in cells.span(d)]
    dims = [f for d, f in enumerate(cells.dims) if d != gone]
    start = sum(map(len, dims[:new]))
    dims.insert(new, (out[new], *(1 for _ in ones)))
    return c.rearranged(swept, tuple(dims), [*order[:start], None, *ones, *order[start:]])


@rule("mm", "bmm", "matmul", "_int_mm", "_scaled_mm")
def _mm(call: Call, a: Value, b: Value, *_: Any, **__: Any) -> Cells:
    return _product(call, a, b, call.outs[0].shape)


@rule("addmm", "baddbmm")
def _addmm(call: Call, bias: Value, a: Value, b: Value, *_: Any, **__: Any) -> Cells:
    out = call.outs[0].shape
    parts = [_product(call, a, b, out)] if a.cells is not None or b.cells is not None else []
    return c.joined([*parts, *([bias.cells] if bias.cells is not None else [])], out)


@rule("mv")
def _mv(call: Call, a: Value, b: Value) -> Cells:
    if b.cells is None:
        return c.reduced(a.cells, [1])
    return _unknown(call, "a product with a vector of the picture", True)[0]


@rule("dot", "vdot")
def _dot(call: Call, a: Value, b: Value) -> Cells:
    return c.joined([c.reduced(v.cells, [0]) for v in (a, b) if v.cells is not None], ())


@rule("_scaled_dot_product_flash_attention_for_cpu", "_scaled_dot_product_efficient_attention",
      "_scaled_dot_product_flash_attention", "_scaled_dot_product_cudnn_attention")  # fmt: skip
def _attention(call: Call, q: Value, k: Value, v: Value, *_: Any, **__: Any) -> list[Cells]:
    out = call.outs[0].shape
    parts = [_and_kept(q.cells, q.shape)] if q.cells is not None else []
    for value in (k, v):
        if value.cells is not None:
            parts.append(c.reduced(value.cells, [-1, -2], keep=True))
    return [c.joined([c.repeated(p, out) if prod(map(prod, p.dims)) else p for p in parts], out)]


def _and_kept(cells: Cells, shape: Sequence[int]) -> Cells:
    return c.reduced(cells, [len(shape) - 1], keep=True)


@rule("glu")
def _glu(call: Call, x: Value, dim: int = -1) -> Cells:
    dim %= len(x.shape)
    half = x.shape[dim] // 2
    return c.joined([c.taken(x.cells, dim, start, 1, half) for start in (0, half)], call.outs[0].shape)


def mix_everything(step: Step) -> None:
    """Every output of a step depends on all that it reads, as that of a recurrent layer does on its whole sequence."""
    parts = [value.cells for value in step.reads if value.cells is not None]
    if parts:
        for out in (value for call in step.calls for value in call.outs if value.data):
            out.cells = c.unknown(parts, out.shape, "a recurrent layer reads one step after the other", True)
