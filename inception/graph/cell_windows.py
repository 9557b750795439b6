"""Cells of windows that slide over others, and of all else that reads them regularly."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise
from math import gcd
from typing import Any

from ..words import N_
from .cell_shapes import merged
from .cells import Cells, Factors, Term, forgetting, loosened, made, moved_term, regrouped


def swept(
    cells: Cells, dim: int, out: int, period: int, advance: int, reads: Callable[[int], Iterable[int]], reason: str
) -> Cells:
    """Cells of a window, or of anything that reads some cells along a dimension and goes on regularly.

    Output cell t, for t below `period`, reads the input cells `reads(t)`, which may lie outside in the padding; the
    cell `period` further reads `advance` further. out: output cells. reason: why it cannot be said, where cells differ.
    """
    factors = tuple(n for n in cells.dims[dim] if n > 1)
    if len(factors) != len(cells.dims[dim]) and factors:
        cells = regrouped(cells, (*cells.dims[:dim], factors, *cells.dims[dim + 1 :])) or cells
    if len(cells.dims[dim]) > 1:
        cells = merged(cells)
    factors, span = cells.dims[dim], cells.span(dim)
    inner = factors[-1] if len(factors) == 2 else 1
    repeat = inner // gcd(advance, inner)
    full = period * repeat
    if len(factors) > 2 or _is_cut(cells, span.start):
        return loosened(cells, dim, out, reason, True)
    if out % full or full > 16:
        return loosened(cells, dim, out, N_("cells beside each other depend on boxes of different form"), True)
    new: Factors = (out // full, full) if full > 1 else (out,)
    dims = (*cells.dims[:dim], new, *cells.dims[dim + 1 :])
    n = len(cells.lengths)
    sources = [*range(span.start), *[None] * len(new), *range(span.stop, n)]
    taps = [[tap + advance * (t // period) for tap in reads(t % period)] for t in range(full)]
    axes = []
    for terms in cells.axes:
        changed: list[Term] = []
        for term in terms:
            changed += _swept_term(term, span, inner, taps, advance * full // period, sources, len(new))
        axes.append(changed)
    return made(dims, axes, [cells])


def _is_cut(cells: Cells, place: int) -> bool:
    """Whether a term holds for some cells along an index only, or the cells along it are loose."""
    return any(
        place in t.loose
        or (place + 1 in t.loose and len(cells.lengths) > place + 1)
        or any(w[0] == place for w in t.within)
        for terms in cells.axes
        for t in terms
    )


def _swept_term(
    term: Term, span: range, inner: int, taps: list[list[int]], step: int, sources: list[int | None], new: int
) -> list[Term]:
    slow = term.strides[span.start] if len(span) else 0
    fast = term.strides[span.start + 1] if inner > 1 else 0
    allowed = next(((a, b) for i, a, b in term.within if inner > 1 and i == span.start + 1), (0, inner))
    rest = term._replace(within=tuple(w for w in term.within if w[0] not in span))
    base = moved_term(forgetting(rest, span.start) if len(span) else rest, sources)
    boxes: list[tuple[int, int] | None] = []
    for reads in taps:
        places = [
            slow * (tap // inner) + fast * (tap % inner) for tap in reads if allowed[0] <= tap % inner < allowed[1]
        ]
        boxes.append((min(places), max(places)) if places else None)
    stride = slow * step // inner
    place = span.start

    def placed(low: int, high: int, *more: int) -> Term:
        strides = (*base.strides[:place], stride, *more, *base.strides[place + new :])
        return base._replace(offset=term.offset + low, size=term.size + high - low, strides=strides)

    if len(taps) == 1:
        return [placed(*boxes[0])] if boxes[0] else []
    found = [(t, box) for t, box in enumerate(boxes) if box]
    steps = {b[0] - a[0] for (_, a), (_, b) in pairwise(found)}
    if len(found) == len(taps) and len(steps) == 1 and len({b - a for _, (a, b) in found}) == 1:
        return [placed(*found[0][1], *steps)]
    return [
        (whole := placed(*box, 0))._replace(within=tuple(sorted([*whole.within, (place + 1, t, t + 1)])))
        for t, box in found
    ]


def plain_window(
    cells: Cells, out: Sequence[int], kernel: Sequence[int], stride: Any, padding: Any, dilation: Any
) -> Cells | None:
    """What a convolution makes of cells of the usual form, (N, C, ...) with one term for each axis; else None.

    It is what reducing the channels and `swept` give, in a tenth of the time, for nearly all that networks do.
    """
    count = len(out) - 2
    if (
        count != len(cells.axes)
        or not len(cells.lengths) == len(cells.dims) == count + 2
        or len(stride) != count
        or len(padding) != count
    ):
        return None
    axes, hull = [], []
    for axis, terms in enumerate(cells.axes):
        if len(terms) != 1 or len(cells.dims[axis + 2]) != 1:
            return None
        term, place = terms[0], axis + 2
        step = term.strides[place]
        if term.within or term.loose or step <= 0 or term.strides.count(0) != count + 1:
            return None
        size = term.size + step * dilation[axis] * (kernel[axis] - 1)
        strides = (*term.strides[:place], step * stride[axis], *term.strides[place + 1 :])
        offset = term.offset - step * padding[axis]
        axes.append((Term(size, offset, strides),))
        low, high = cells.hull[axis]
        hull.append((max(low, offset), min(high, offset + step * stride[axis] * (out[place] - 1) + size)))
    return cells._replace(dims=tuple((n,) for n in out), axes=tuple(axes), hull=tuple(hull), reason="")
