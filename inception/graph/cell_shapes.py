"""Cells of tensors that were reshaped, cut and put together."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from ..words import N_
from .cells import (
    ENDLESS,
    NEVER,
    Cells,
    Dims,
    Factors,
    Term,
    around,
    cut_of,
    joined,
    loosened,
    made,
    mirrors_of,
    moved_term,
    reach_of,
    regrouped,
    without_index,
)


def contiguous(cells: Cells, slow: int) -> bool:
    """Whether an index and the next one run on as one would."""
    fast = cells.lengths[slow + 1]
    return all(
        t.strides[slow] == t.strides[slow + 1] * fast
        and not any(w[0] in (slow, slow + 1) for w in t.within)
        and not (t.loose & {slow, slow + 1})
        for terms in cells.axes
        for t in terms
    )


def merged(cells: Cells, across: bool = False) -> Cells:
    """Cells with as few indexes as say the same; across: also over the borders of dimensions, for a reshape."""
    place = 0
    borders = {cells.span(d).start for d in range(len(cells.dims))}
    while place + 1 < len(cells.lengths):
        if (across or place + 1 not in borders) and contiguous(cells, place):
            n = len(cells.lengths)
            lengths = list(cells.lengths)
            lengths[place : place + 2] = [lengths[place] * lengths[place + 1]]
            axes = []
            for terms in cells.axes:
                changed = []
                for t in terms:
                    moved = moved_term(t, [*range(place), place + 1, *range(place + 2, n)])
                    changed.append(moved)
                axes.append(tuple(changed))
            sizes = [len(f) for f in cells.dims]
            d = next(d for d in range(len(sizes)) if place in cells.span(d))
            if place + 1 in cells.span(d):
                sizes[d] -= 1
            else:
                following = next(e for e in range(d + 1, len(sizes)) if sizes[e])
                sizes[following] -= 1
            dims, at = [], 0
            for size in sizes:
                dims.append(tuple(lengths[at : at + size]))
                at += size
            cells = cells._replace(dims=tuple(dims), axes=tuple(axes))
            borders = {cells.span(d).start for d in range(len(cells.dims))}
        else:
            place += 1
    return cells


def reshaped(cells: Cells, shape: Sequence[int]) -> Cells:
    """The cells in the same order in other dimensions."""
    if tuple(map(prod, cells.dims)) == tuple(shape):
        return cells
    for source in (cells, merged(cells, across=True)):
        dims = _dims_for(list(source.lengths), shape)
        if dims is not None:
            found = regrouped(source, dims)
            if found is not None:
                return found
    return _reshaped_loosely(cells, shape)


def _reshaped_loosely(cells: Cells, shape: Sequence[int]) -> Cells:
    """Dimensions that the shapes share at both ends stay; what lies between is loose."""
    old = tuple(map(prod, cells.dims))
    front = 0
    while front < min(len(old), len(shape)) and old[front] == shape[front]:
        front += 1
    back = 0
    while back < min(len(old), len(shape)) - front and old[-1 - back] == shape[len(shape) - 1 - back]:
        back += 1
    middle = list(range(front, len(old) - back))
    span = [i for d in middle for i in cells.span(d)]
    new = shape[front : len(shape) - back]
    dims = (*cells.dims[:front], *((n,) for n in new), *cells.dims[len(cells.dims) - back :])
    start = sum(map(len, cells.dims[:front]))
    stop = len(cells.lengths) - sum(map(len, cells.dims[len(cells.dims) - back :]))
    sources = [*range(start), *[None] * len(new), *range(stop, len(cells.lengths))]
    fresh = frozenset(range(start, start + len(new)))

    def change(term: Term) -> Term:
        moves = any(term.strides[i] for i in span) or any(w[0] in span for w in term.within) or term.loose & {*span}
        moved = moved_term(around(term, span, cells.lengths), sources)
        return moved._replace(loose=moved.loose | fresh) if moves else moved

    return made(
        dims, [[change(t) for t in terms] for terms in cells.axes], [cells], N_("a reshape mixes rows and columns")
    )


def _dims_for(factors: list[int], shape: Sequence[int]) -> Dims | None:
    dims: list[Factors] = []
    place = 0
    for position, size in enumerate(shape):
        dim: list[int] = []
        left = size
        while left > 1:
            if place >= len(factors):
                return None
            n = factors[place]
            if left % n == 0:
                dim.append(n)
                left //= n
                place += 1
            elif n % left == 0:
                dim.append(left)
                factors[place] = n // left
                left = 1
            else:
                return None
        following = shape[position + 1] if position + 1 < len(shape) else None
        if size == 1 and place < len(factors) and factors[place] == 1:
            dim.append(1)
            place += 1
        elif size > 1 and following != 1:
            while place < len(factors) and factors[place] == 1:
                dim.append(1)
                place += 1
        dims.append(tuple(dim) or (1,))
    return tuple(dims)


def _indexed(term: Term, place: int, start: int, step: int, count: int) -> Term | None:
    """The term of the cells start, start + step, ... along an index; None if it holds for none of them."""
    stride = term.strides[place]
    strides = (*term.strides[:place], stride * step, *term.strides[place + 1 :])
    within = []
    for w in term.within:
        if w[0] != place:
            within.append(w)
            continue
        first = max(0, -(-(w[1] - start) // step)) if step > 0 else 0
        end = min(count, -(-(w[2] - start) // step)) if step > 0 else count
        if step < 0:  # a flip: start is the last cell
            first, end = start - w[2] + 1, start - w[1] + 1
        if end <= first:
            return None
        if (first, end) != (0, count):
            within.append((place, first, end))
    loose = term.loose | {NEVER} if place in term.loose and count * abs(step) != abs(step) * count else term.loose
    return Term(term.size, term.offset + stride * start, strides, tuple(within), loose)


def taken(cells: Cells, dim: int, start: int, step: int, count: int) -> Cells:
    """The cells start, start + step, ... along a dimension, `count` of them."""
    size = prod(cells.dims[dim])
    if (start, step, count) == (0, 1, size):
        return cells
    if len(cells.dims[dim]) > 1:
        cells = (
            regrouped(
                cells, tuple(f if d != dim else tuple(n for n in f if n > 1) or (1,) for d, f in enumerate(cells.dims))
            )
            or cells
        )
    factors, span = cells.dims[dim], cells.span(dim)
    if len(factors) > 1 and all(contiguous(cells, i) for i in span[:-1]):
        cells = merged(cells)
        factors, span = cells.dims[dim], cells.span(dim)
    if len(factors) == 1:
        new: Factors = (count,)
        place, chosen = span.start, (start, step, count)
    else:
        inner = prod(factors[1:])
        if step == 1 and start % inner == 0 and count % inner == 0:
            new, place, chosen = (count // inner, *factors[1:]), span.start, (start // inner, 1, count // inner)
        elif count == 1 or step % inner == 0:  # one place of the fast indexes
            at, rest = start // inner, start % inner
            for i, n in reversed(list(zip(span[1:], factors[1:], strict=True))):
                cells = _fixed(cells, dim, i, rest % n)
                rest //= n
            return taken(cells, dim, at, max(1, step // inner), count)
        else:
            return loosened(cells, dim, count, N_("a slice cuts through rows and columns"))
    dims = (*cells.dims[:dim], new, *cells.dims[dim + 1 :])
    fewer = prod(new) != size
    axes = []
    for terms in cells.axes:
        kept = [t for term in terms if (t := _indexed(term, place, *chosen)) is not None]
        axes.append([t._replace(loose=t.loose | {NEVER}) if fewer and place in t.loose else t for t in kept])
    after = made(dims, axes, [cells])
    first, last = min(start, start + (count - 1) * step), max(start, start + (count - 1) * step)
    # What a step leaves over at the ends is no crop: a picture without end would go on there.
    return after._replace(cut=_cropped(cells, after)) if max(first, size - 1 - last) >= abs(step) else after


def _cropped(before: Cells, after: Cells) -> tuple[tuple[int, int], ...]:
    """What a crop leaves of each axis."""
    cuts = []
    for axis, ((old, old_end), (new, new_end)) in enumerate(zip(before.hull, after.hull, strict=True)):
        low, high = before.cut[axis] if before.cut else (-ENDLESS, ENDLESS)
        cuts.append((new if new > old else low, new_end if new_end < old_end else high))
    return tuple(cuts)


def _fixed(cells: Cells, dim: int, place: int, at: int) -> Cells:
    """The cells at one value of an index, which vanishes."""
    axes = []
    for terms in cells.axes:
        kept = [t for term in terms if (t := _indexed(term, place, at, 1, 1)) is not None]
        axes.append(
            [without_index(t._replace(loose=t.loose | {NEVER}) if place in t.loose else t, place) for t in kept]
        )
    local = place - cells.span(dim).start
    factors = cells.dims[dim]
    dims = (*cells.dims[:dim], factors[:local] + factors[local + 1 :], *cells.dims[dim + 1 :])
    return made(dims, axes, [cells])


def selected(cells: Cells, dim: int, at: int) -> Cells:
    """The cells at one place of a dimension, which vanishes."""
    cells = taken(cells, dim, at, 1, 1)
    span = cells.span(dim)
    sources = [i for i in range(len(cells.lengths)) if i not in span]
    axes = [[moved_term(around(t, span, cells.lengths), sources) for t in terms] for terms in cells.axes]
    return made((*cells.dims[:dim], *cells.dims[dim + 1 :]), axes, [cells])


def plain_concatenation(parts: Sequence[Cells], sizes: Sequence[int]) -> Cells | None:
    """Channels of cells of the usual form, (N, C, ...), one behind the other; None for any other form."""
    axes: list[tuple[Term, ...]] = []
    count = len(parts[0].axes)
    if any(not len(p.lengths) == len(p.dims) == count + 2 or p.dims[2:] != parts[0].dims[2:] for p in parts):
        return None
    for axis in range(count):
        terms: list[Term] = []
        start = 0
        for cells, size in zip(parts, sizes, strict=True):
            for term in cells.axes[axis]:
                others = [w for w in term.within if w[0] != 1]
                if others or term.loose or term.strides[1]:
                    return None
                first, end = next(((a, b) for i, a, b in term.within if i == 1), (0, size))
                last = terms[-1] if terms else None
                if last and last[:3] == term[:3] and last.within[0][2] == start + first:
                    terms[-1] = last._replace(within=((1, last.within[0][1], start + end),))
                else:
                    terms.append(term._replace(within=((1, start + first, start + end),)))
            start += size
        if len(terms) == 1 and terms[0].within == ((1, 0, start),):
            terms = [terms[0]._replace(within=())]
        axes.append(tuple(terms))
    hull = tuple(reach_of([p.hull[axis] for p in parts]) for axis in range(count))
    dims = (parts[0].dims[0], (sum(sizes),), *parts[0].dims[2:])
    return Cells(dims, tuple(axes), parts[0].picture, hull, cut=cut_of(parts), mirrors=mirrors_of(parts))


def concatenated(parts: Sequence[Cells], dim: int, sizes: Sequence[int], shape: Sequence[int]) -> Cells:
    """Parts one behind the other along a dimension."""
    total, start = sum(sizes), 0
    spread = []
    for cells, size in zip(parts, sizes, strict=True):
        cells = merged(cells)
        if len([n for n in cells.dims[dim] if n > 1]) > 1:
            cells = loosened(cells, dim, size, N_("its rows and columns stand in one dimension, beside others"), True)
        target = tuple((size,) if d == dim else f for d, f in enumerate(cells.dims))
        cells = regrouped(cells, target) or cells
        place = cells.span(dim).start
        axes = []
        for terms in cells.axes:
            placed = []
            for t in terms:
                old = next(((a, b) for i, a, b in t.within if i == place), (0, size))
                within = (*(w for w in t.within if w[0] != place), (place, start + old[0], start + old[1]))
                placed.append(t._replace(offset=t.offset - t.strides[place] * start, within=tuple(sorted(within))))
            axes.append(tuple(placed))
        dims = tuple((total,) if d == dim else f for d, f in enumerate(cells.dims))
        spread.append(cells._replace(dims=dims, axes=tuple(axes)))
        start += size
    return joined(spread, shape)
