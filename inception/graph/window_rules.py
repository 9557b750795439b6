"""Rules for windows, and for what makes the grid larger or smaller."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from math import floor, prod
from typing import Any

from ..words import N_
from .calls import Call, Value
from .cell_shapes import merged, reshaped, taken
from .cell_windows import plain_window, swept
from .cells import (
    Cells,
    Mirror,
    joined,
    loosened,
    made,
    over_channels,
    permuted,
    rearranged,
    reduced,
    repeated,
    unknown,
)
from .field_rule import cells_of, differ_along, rule, unknown_cells

# Windows

# Why there is no field, where what a window sweeps over is irregular already.
CONVOLUTION = N_("a convolution over cells that differ in form")
TRANSPOSED = N_("a transposed convolution over cells that differ in form")
POOL = N_("a pool over cells that differ in form")
UPSAMPLING = N_("upsampling over cells that differ in form")
RESIZING = N_("resizing over cells that differ in form")
INTERPOLATION = N_("interpolation over cells that differ in form")
PADDING = N_("padding over cells that differ in form")


def each_of(value: Any, count: int) -> list[int]:
    values = list(value) if isinstance(value, list | tuple) else [value]
    return values * count if len(values) == 1 else values


def _always(reads: list[int]) -> Callable[[int], list[int]]:
    return lambda _: reads


def _swept(
    cells: Cells, first: int, out: Sequence[int], kernel: Any, stride: Any, pad: Any, dilation: Any, reason: str
) -> Cells:
    """Windows along the last dimensions, from `first` on."""
    count = len(out) - first
    stride = each_of(stride, count) if stride else each_of(kernel, count)
    kernel, pad, dilation = each_of(kernel, count), each_of(pad, count), each_of(dilation, count)
    for i in range(count):
        if (kernel[i], stride[i], pad[i]) == (1, 1, 0):
            continue
        k, d, p = kernel[i], dilation[i], pad[i]
        reach = [d * tap - p for tap in (range(k) if k > 1 else (0,))]
        cells = swept(cells, first + i, out[first + i], 1, stride[i], _always(reach), reason)
    return cells


@rule("convolution", "_convolution", "convolution_overrideable", "conv1d", "conv2d", "conv3d")
def _convolution(call: Call, x: Value, weight: Value, bias: Any, stride: Any, padding: Any, dilation: Any,
                 transposed: bool, out_padding: Any, groups: int, *_: Any) -> Cells:  # fmt: skip
    if x.cells is None:
        return unknown(cells_of(call), call.outs[0].shape, N_("its kernel depends on the picture"), True)
    out, count = call.outs[0].shape, len(x.shape) - 2
    if not transposed and weight.cells is None:
        if groups == 1 and x.mixed is None:
            x.mixed = over_channels(x.cells) or _channels_mixed(x.cells, x.shape[1], out[1], 1)
        mixed = x.mixed if groups == 1 else x.cells
        plain = plain_window(mixed, out, weight.shape[2:], stride, padding, dilation)
        if plain is not None:
            return plain
    cells = _channels_mixed(x.cells, x.shape[1], out[1], groups)
    kernel = weight.shape[2:]
    if not transposed:
        cells = _swept(cells, 2, out, kernel, stride, padding, dilation, CONVOLUTION)
    else:
        stride, padding, dilation = each_of(stride, count), each_of(padding, count), each_of(dilation, count)
        for i in range(count):
            s, p, d, k = stride[i], padding[i], dilation[i], kernel[i]

            def reads(t: int, s: int = s, p: int = p, d: int = d, k: int = k) -> list[int]:
                return [(t + p - d * tap) // s for tap in range(k) if (t + p - d * tap) % s == 0]

            cells = swept(cells, 2 + i, out[2 + i], s, 1, reads, TRANSPOSED)
    if weight.cells is not None:
        return joined([cells, unknown([weight.cells], out, N_("its kernel depends on the picture"), True)], out)
    return cells


def _channels_mixed(cells: Cells, ins: int, outs: int, groups: int) -> Cells:
    """Every output channel reads all input channels of its group."""
    before = cells.dims[0]
    if groups == 1 or not differ_along(cells, 1):
        bare = reduced(cells, [1])
        start = len(before)
        sources = [*range(start), None, *range(start, len(bare.lengths))]
        return rearranged(bare, (before, (outs,), *bare.dims[1:]), sources)
    spatial = tuple(map(prod, cells.dims[2:]))
    n = prod(before)
    grouped = reduced(reshaped(cells, (n, groups, ins // groups, *spatial)), [2])
    start = sum(map(len, grouped.dims[:2]))
    sources = [*range(start), None, *range(start, len(grouped.lengths))]
    channel = (*grouped.dims[1], outs // groups)
    return rearranged(grouped, (grouped.dims[0], channel, *grouped.dims[2:]), sources)


@rule("max_pool2d_with_indices", "max_pool3d_with_indices", "max_pool1d", "max_pool2d", "max_pool3d")
def _max_pool(
    call: Call, x: Value, kernel: Any, stride: Any = (), padding: Any = 0, dilation: Any = 1, *_: Any
) -> Cells:
    out = call.outs[0].shape
    first = len(out) - (3 if "3d" in call.name else 2 if "2d" in call.name else 1)
    return _swept(x.cells, first, out, kernel, stride, padding, dilation, POOL)


@rule("avg_pool2d", "avg_pool3d", "avg_pool1d")
def _avg_pool(call: Call, x: Value, kernel: Any, stride: Any = (), padding: Any = 0, *_: Any, **__: Any) -> Cells:
    out = call.outs[0].shape
    first = len(out) - (3 if "3d" in call.name else 2 if "2d" in call.name else 1)
    return _swept(x.cells, first, out, kernel, stride, padding, 1, POOL)


@rule(
    "_adaptive_avg_pool2d", "_adaptive_avg_pool3d", "adaptive_max_pool2d", "adaptive_max_pool3d", "adaptive_avg_pool1d"
)
def _adaptive(call: Call, x: Value, size: Sequence[int], *_: Any) -> Cells:
    cells, out = x.cells, call.outs[0].shape
    for d in range(len(out) - len(size), len(out)):
        n, m = x.shape[d], out[d]
        if n % m == 0:
            cells = swept(cells, d, m, 1, n // m, _always(list(range(n // m))), POOL)
        elif m % n == 0:
            cells = swept(cells, d, m, m // n, 1, _always([0]), POOL)
        else:
            cells = loosened(cells, d, m, N_("the windows of the pool differ in width"), True)
    return cells


@rule("im2col")
def _unfolded(call: Call, x: Value, kernel: Any, dilation: Any, padding: Any, stride: Any) -> Cells:
    """(N, C, H, W) to (N, C * kernel, places): each place has the pixels of its window as channels."""
    cells = merged(x.cells)
    kernel, dilation, padding, stride = (each_of(each, 2) for each in (kernel, dilation, padding, stride))
    if any(len(factors) != 1 for factors in cells.dims) or len(cells.dims) != 4:
        return unknown_cells(call, N_("unfolded windows stand beside each other"), True)[0]
    sides = zip(x.shape[2:], kernel, dilation, padding, stride, strict=True)
    places = tuple((n + 2 * p - d * (k - 1) - 1) // s + 1 for n, k, d, p, s in sides)
    axes = []
    for terms in cells.axes:
        if any(w[0] > 1 for t in terms for w in t.within) or any(t.loose for t in terms):
            return unknown_cells(call, N_("unfolded windows stand beside each other"), True)[0]
        moved = []
        for t in terms:
            n, c, h, w = t.strides
            strides = (n, c, h * dilation[0], w * dilation[1], h * stride[0], w * stride[1])
            moved.append(t._replace(strides=strides, offset=t.offset - h * padding[0] - w * padding[1]))
        axes.append(moved)
    return made(((x.shape[0],), (x.shape[1], *kernel), places), axes, [cells])


@rule("unfold")
def _sliding(call: Call, x: Value, dim: int, size: int, step: int) -> Cells:
    dim %= len(x.shape)
    cells = merged(x.cells)
    if len(cells.dims[dim]) != 1:
        return unknown_cells(call, N_("unfolded windows stand beside each other"), True)[0]
    place, n = cells.span(dim).start, len(cells.lengths)
    dims = (*cells.dims[:dim], (call.outs[0].shape[dim],), *cells.dims[dim + 1 :], (size,))
    bare = rearranged(cells, dims, [*range(n), None])
    if any(w[0] == place for terms in cells.axes for t in terms for w in t.within):
        return unknown_cells(call, N_("unfolded windows stand beside each other"), True)[0]
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
            cells = swept(cells, d, m, m // n, 1, _always([0]), UPSAMPLING)
        elif n % m == 0:
            cells = swept(cells, d, m, 1, n // m, _always([n // m // 2 if exact else 0]), RESIZING)
        else:
            cells = loosened(cells, d, m, N_("resized by a factor that is no whole number"), m > n)
    return cells


@rule("_upsample_bilinear2d_aa", "_upsample_bicubic2d_aa")
def _smoothed(call: Call, x: Value, *_: Any, **__: Any) -> Cells:
    cells, out = x.cells, call.outs[0].shape
    for d in range(2, len(out)):
        if x.shape[d] != out[d]:
            cells = loosened(cells, d, out[d], N_("resized with a window against jagged edges"), True)
    return cells


@rule("upsample_linear1d", "upsample_bilinear2d", "upsample_trilinear3d", "upsample_bicubic2d")
def _interpolated(call: Call, x: Value, size: Any, corners: bool, *_: Any, **__: Any) -> Cells:
    cells, out = x.cells, call.outs[0].shape
    cubic = "cubic" in call.name
    for d in range(2, len(out)):
        n, m = x.shape[d], out[d]
        if n == m:
            continue
        if corners and m > 1 and (n - 1) % (m - 1) == 0:  # on cells of the input, so nothing lies between
            cells = swept(cells, d, m, 1, (n - 1) // (m - 1), _always([-1, 0, 1, 2] if cubic else [0]), INTERPOLATION)
            continue
        if corners or (m % n and n % m):
            cells = loosened(cells, d, m, N_("interpolated by a factor that is no whole number"), True)
            continue
        period, advance = (m // n, 1) if m % n == 0 else (1, n // m)

        def reads(t: int, ratio: float = n / m) -> list[int]:
            at = (t + 0.5) * ratio - 0.5
            low = floor(at + 1e-9)
            if abs(at - low) < 1e-9:
                return [low]
            return [low - 1, low, low + 1, low + 2] if cubic else [low, low + 1]

        cells = swept(cells, d, m, period, advance, reads, INTERPOLATION)
    return cells


@rule("pixel_shuffle")
def _pixel_shuffle(call: Call, x: Value, factor: int) -> Cells:
    *front, channels, height, width = x.shape
    wide = reshaped(x.cells, (*front, channels // factor**2, factor, factor, height, width))
    n = len(front)
    mixed = permuted(wide, (*range(n), n, n + 3, n + 1, n + 4, n + 2))
    return reshaped(mixed, call.outs[0].shape)


@rule("pixel_unshuffle")
def _pixel_unshuffle(call: Call, x: Value, factor: int) -> Cells:
    *front, channels, height, width = x.shape
    wide = reshaped(x.cells, (*front, channels, height // factor, factor, width // factor, factor))
    n = len(front)
    mixed = permuted(wide, (*range(n), n, n + 2, n + 4, n + 1, n + 3))
    return reshaped(mixed, call.outs[0].shape)


@rule("channel_shuffle", "native_channel_shuffle")
def _channel_shuffle(call: Call, x: Value, groups: int) -> Cells:
    n, channels, *grid = x.shape
    wide = reshaped(x.cells, (n, groups, channels // groups, *grid))
    order = (0, 2, 1, *range(3, len(wide.dims)))
    return reshaped(permuted(wide, order), x.shape)


@rule("constant_pad_nd", "reflection_pad1d", "reflection_pad2d", "reflection_pad3d", "replication_pad1d",
      "replication_pad2d", "replication_pad3d")  # fmt: skip
def _pad(call: Call, x: Value, pad: Sequence[int], *_: Any) -> Cells:
    """Cells of the padding go on as the grid does, also where they are filled with cells beside them, as in most padded
    convolutions: `Mirror` then says what a window must cover for that to be right.
    """
    cells, out = x.cells, call.outs[0].shape
    copies = "replication" in call.name
    mirrors = set(cells.mirrors)
    for i, (before, after) in enumerate(zip(pad[::2], pad[1::2], strict=True)):
        d = len(out) - 1 - i
        if min(before, after) < 0:  # which crops
            first, end = max(0, -before), x.shape[d] - max(0, -after)
            cells = taken(cells, d, first, 1, end - first)
            before, after = max(0, before), max(0, after)
        if before or after:
            if _stands_still(cells, d):
                cells = taken(cells, d, 0, 1, 1) if x.shape[d] > 1 else cells
                shape = [*map(prod, cells.dims)]
                shape[d] = out[d]
                cells = repeated(cells, shape)
            else:
                if call.name != "constant_pad_nd":
                    mirrors.update(_mirrors(cells, d, x.shape[d], copies))
                cells = swept(cells, d, out[d], 1, 1, _always([-before]), PADDING)
    return cells._replace(mirrors=frozenset(mirrors))


def _mirrors(cells: Cells, dim: int, count: int, copies: bool) -> Iterator[Mirror]:
    """Those of a grid with as many cells along a dimension, before it gets its padding at both ends."""
    for axis, terms in enumerate(cells.axes):
        for term in terms:
            stride = sum(term.strides[i] for i in cells.span(dim))
            if stride:
                ends = sorted((term.offset, term.offset + stride * (count - 1)))
                yield Mirror(axis, ends[0], term.size, False, copies)
                yield Mirror(axis, ends[1] + term.size, term.size, True, copies)


def _stands_still(cells: Cells, dim: int) -> bool:
    return not differ_along(cells, dim)
