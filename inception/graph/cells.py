"""On which pixels each cell of a tensor can depend, exactly: along each axis of the picture, a box that moves.

A dimension of a tensor runs over one index, or over a product of several as behind a flatten: (H, W) in one dimension
of H * W cells. Along an axis of the picture a cell depends on the pixels from `offset + sum(stride * index)` on, `size`
of them. Slices, reshapes, windows and pixel shuffles only change these numbers. Where parts of a tensor come from
different places, as behind a concatenation, it has one such `Term` for each part.

A tensor whose cells differ in a way that these numbers cannot say has "loose" indexes: the box is then that of all
cells along them together, and becomes exact again where an operation reads them all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import chain
from math import gcd, prod
from typing import Any, NamedTuple

from .receptive_field import ReceptiveField

Factors = tuple[int, ...]
Dims = tuple[Factors, ...]  # the indexes of each dimension, by their lengths, the slowest first
MOST_TERMS = 128  # parts of a tensor that are told apart
NEVER = -1  # a loose index that no operation can make up for


class Term(NamedTuple):
    """A moving box along one axis of the picture. Indexes are counted through all dimensions of the tensor."""

    size: int
    offset: int
    strides: tuple[int, ...]  # of each index
    within: tuple[tuple[int, int, int], ...] = ()  # (index, first, end): the cells that the term holds for, if not all
    loose: frozenset[int] = frozenset()  # indexes along which the cells differ in another way than `strides` says


class Cells(NamedTuple):
    """The boxes of all cells of one tensor."""

    dims: Dims
    axes: tuple[tuple[Term, ...], ...]  # for each axis of the picture; a cell depends on the pixels of all its terms
    picture: tuple[int, ...]  # pixels of each axis
    hull: tuple[tuple[int, int], ...]  # first pixel that a cell depends on, and the one behind the last: no padding
    reason: str = ""  # what made an index loose

    @property
    def lengths(self) -> Factors:
        """Of all indexes."""
        return tuple(chain.from_iterable(self.dims))

    def span(self, dim: int) -> range:
        """The indexes of a dimension."""
        start = sum(map(len, self.dims[:dim]))
        return range(start, start + len(self.dims[dim]))


def picture_cells(shape: Sequence[int]) -> Cells:
    """Those of the picture, (N, C, ...)."""
    dims = tuple((n,) for n in shape)
    axes = [(Term(1, 0, tuple(int(i == axis) for i in range(len(shape)))),) for axis in range(2, len(shape))]
    return Cells(dims, tuple(axes), tuple(shape[2:]), tuple((0, n) for n in shape[2:]))


def constant(shape: Sequence[int], like: Cells) -> Cells:
    """Cells that depend on no pixel."""
    return Cells(tuple((n,) for n in shape), tuple(() for _ in like.axes), like.picture, ())


def extent(term: Term, lengths: Factors) -> tuple[int, int]:
    """First pixel, and the one behind the last, of all cells of a term together."""
    low, high = term.offset, term.offset + term.size
    ranges = {index: (first, end) for index, first, end in term.within}
    for index, stride in enumerate(term.strides):
        if stride:
            first, end = ranges.get(index, (0, lengths[index]))
            low += min(stride * first, stride * (end - 1))
            high += max(stride * first, stride * (end - 1))
    return low, high


def _cleaned(terms: Iterable[Term], lengths: Factors, pixels: int) -> tuple[Term, ...]:
    """The terms without those that others contain, and those that differ in place only as one."""
    merged: dict[tuple[object, ...], Term] = {}
    for term in terms:
        if term.within:
            term = term._replace(within=tuple(w for w in term.within if w[1] > 0 or w[2] < lengths[w[0]]))
        key = (term.strides, term.within, term.loose)
        if (old := merged.get(key)) is not None:
            low, high = min(old.offset, term.offset), max(old.offset + old.size, term.offset + term.size)
            term = term._replace(offset=low, size=high - low)
        merged[key] = term
    found = list(merged.values())
    if len(found) == 1:
        return tuple(found)
    found = _connected(found, lengths)
    if len(found) == 1:
        return tuple(found)

    def clipped(term: Term) -> tuple[int, int]:
        low, high = extent(term, lengths)
        return max(0, low), min(pixels, high)

    for whole in found:
        if not (any(whole.strides) or whole.within or whole.loose):
            low, high = clipped(whole)
            rest = [t for t in found if t is not whole and not (low <= clipped(t)[0] and clipped(t)[1] <= high)]
            if len(rest) < len(found) - 1:
                return _cleaned([whole, *rest], lengths, pixels) if rest else (whole,)
    if len(found) > MOST_TERMS:
        low, high = min(extent(t, lengths)[0] for t in found), max(extent(t, lengths)[1] for t in found)
        return (Term(high - low, low, (0,) * len(lengths), (), frozenset(range(len(lengths)))),)
    return tuple(found)


def _connected(terms: list[Term], lengths: Factors) -> list[Term]:
    """Terms that go on where another ends, as the halves of a tensor put together again, as one."""
    done: list[Term] = []
    for term in sorted(terms, key=lambda t: (t.size, t.offset, t.strides, t.within)):
        last = done[-1] if done else None
        if last and last[:3] == term[:3] and last.loose == term.loose and len(last.within) == len(term.within):
            differ = [(a, b) for a, b in zip(last.within, term.within, strict=True) if a != b]
            if len(differ) == 1 and differ[0][0][0] == differ[0][1][0] and differ[0][0][2] >= differ[0][1][1]:
                (index, first, _), (_, _, end) = differ[0]
                whole = first == 0 and end == lengths[index]
                within = [w for w in last.within if w[0] != index] + ([] if whole else [(index, first, end)])
                done[-1] = last._replace(within=tuple(sorted(within)))
                continue
        done.append(term)
    return done


def _made(dims: Dims, axes: Iterable[Iterable[Term]], parts: Sequence[Cells], reason: str = "") -> Cells:
    """Cells that were made from `parts`."""
    lengths = tuple(chain.from_iterable(dims))
    picture = parts[0].picture
    cleaned, hull = [], []
    for axis, terms in enumerate(map(tuple, axes)):
        low, high = _reach([cells.hull[axis] for cells in parts if cells.hull])
        # A box that does not move is that of many cells together, so it has no padding.
        terms = tuple(t if any(t.strides) else _clipped(t, low, high) for t in terms)
        if len(terms) != 1 or terms[0].within:
            terms = _cleaned(terms, lengths, picture[axis])
        cleaned.append(terms)
        extents = [extent(term, lengths) for term in terms]
        hull.append(
            (max([low, min(e[0] for e in extents)]), min([high, max(e[1] for e in extents)])) if terms else (0, 0)
        )
    loose = any(term.loose for terms in cleaned for term in terms)
    before = reason or next((cells.reason for cells in parts if cells.reason), "")
    return Cells(dims, tuple(cleaned), picture, tuple(hull), before if loose else "")


def _reach(hulls: Sequence[tuple[int, int]]) -> tuple[int, int]:
    hulls = [hull for hull in hulls if hull[0] < hull[1]]
    return (min(low for low, _ in hulls), max(high for _, high in hulls)) if hulls else (0, 0)


def _clipped(term: Term, low: int, high: int) -> Term:
    first, end = max(low, term.offset), min(high, term.offset + term.size)
    return (
        term
        if (first, end - first) == (term.offset, term.size)
        else term._replace(offset=first, size=max(0, end - first))
    )


def _moved(term: Term, sources: Sequence[int | None]) -> Term:
    """The term with new indexes, each of which is an old one or new and without influence."""
    strides = tuple(0 if old is None else term.strides[old] for old in sources)
    if not (term.within or term.loose):
        return Term(term.size, term.offset, strides)
    new_of = {old: new for new, old in enumerate(sources) if old is not None}
    within = tuple(sorted((new_of[i], a, b) for i, a, b in term.within))
    loose = frozenset(new_of.get(i, NEVER) for i in term.loose)
    return Term(term.size, term.offset, strides, within, loose)


def rearranged(cells: Cells, dims: Dims, sources: Sequence[int | None]) -> Cells:
    """Cells with other dimensions, whose indexes are old ones (`sources`) or new ones that repeat everything."""
    return Cells(
        dims,
        tuple(tuple(_moved(t, sources) for t in terms) for terms in cells.axes),
        cells.picture,
        cells.hull,
        cells.reason,
    )


def permuted(cells: Cells, order: Sequence[int]) -> Cells:
    """Cells with their dimensions in another order."""
    return rearranged(cells, tuple(cells.dims[d] for d in order), [i for d in order for i in cells.span(d)])


def unknown(parts: Sequence[Cells], shape: Sequence[int], reason: str, reads_all: bool = False) -> Cells:
    """Cells of which we know only the box of all together; reads_all: and that no input cell was left out of it."""
    dims = tuple((n,) for n in shape)
    loose = frozenset(range(len(dims))) | (frozenset() if reads_all else {NEVER})
    axes = []
    for axis in range(len(parts[0].picture)):
        terms = []
        for cells in parts:
            for term in cells.axes[axis]:
                low, high = extent(term, cells.lengths)
                kept = {NEVER} if NEVER in term.loose else set()
                terms.append(Term(high - low, low, (0,) * len(dims), (), loose | kept))
        axes.append(terms)
    before = next((cells.reason for cells in parts if cells.reason), "")
    return _made(dims, axes, parts, before or reason)


def loosened(cells: Cells, dim: int, length: int, reason: str, reads_all: bool = False) -> Cells:
    """Cells of which we no longer know how they differ along one dimension, which now has `length` cells."""
    span = cells.span(dim)
    sources = [*range(span.start), None, *range(span.stop, len(cells.lengths))]
    lengths = cells.lengths
    dims = (*cells.dims[:dim], (length,), *cells.dims[dim + 1 :])

    def change(term: Term) -> Term:
        moves = any(term.strides[i] for i in span) or any(w[0] in span for w in term.within) or term.loose & {*span}
        term = _swept(term, span, lengths)
        moved = _moved(term, sources)
        if moves:
            moved = moved._replace(loose=moved.loose | {span.start} | (set() if reads_all else {NEVER}))
        return moved

    return _made(dims, [[change(t) for t in terms] for terms in cells.axes], [cells], cells.reason or reason)


def _swept(term: Term, span: Iterable[int], lengths: Factors) -> Term:
    """The box around those of all cells along some indexes."""
    low, size = term.offset, term.size
    strides = list(term.strides)
    ranges = {index: (first, end) for index, first, end in term.within}
    for i in span:
        if stride := strides[i]:
            first, end = ranges.get(i, (0, lengths[i]))
            low += min(stride * first, stride * (end - 1))
            size += abs(stride) * (end - 1 - first)
            strides[i] = 0
    within = tuple(w for w in term.within if w[0] not in span) if term.within else ()
    loose = term.loose.difference(span) if term.loose else term.loose
    return Term(size, low, tuple(strides), within, loose)


def reduced(cells: Cells, over: Iterable[int], keep: bool = False) -> Cells:
    """Each cell depends on all cells along the dimensions `over`, which vanish, or stay with one cell."""
    over = {d % len(cells.dims) for d in over}
    lengths = cells.lengths
    span = [i for d in sorted(over) for i in cells.span(d)]
    dims = tuple((1,) * len(f) if d in over else f for d, f in enumerate(cells.dims) if keep or d not in over)
    sources: list[int | None] = [i for d in range(len(cells.dims)) if keep or d not in over for i in cells.span(d)]

    def change(term: Term) -> Term:
        after = _moved(_swept(term, span, lengths), sources)
        if keep:  # a window over everything moves on by its own size
            steps = {i: term.strides[i] * lengths[i] for i in span}
            return after._replace(
                strides=tuple(
                    steps.get(old or 0, s) if old in steps else s for old, s in zip(sources, after.strides, strict=True)
                )
            )
        return after

    return _made(dims, [[change(t) for t in terms] for terms in cells.axes], [cells])


def repeated(cells: Cells, shape: Sequence[int]) -> Cells:
    """Cells broadcast to a shape: dimensions are added in front, and those of one cell repeat it."""
    more = len(shape) - len(cells.dims)
    dims: list[Factors] = []
    sources: list[int | None] = []
    for d, n in enumerate(shape):
        own = cells.dims[d - more] if d >= more else ()
        if d < more or (n > 1 and prod(own) == 1):
            dims.append((n,))
            sources.append(None)
        else:
            dims.append(own)
            sources.extend(cells.span(d - more))
    if tuple(dims) == cells.dims:
        return cells
    lost = [i for i in range(len(cells.lengths)) if i not in sources]  # their one cell is everywhere
    axes = [[_moved(_swept(t, lost, cells.lengths), sources) for t in terms] for terms in cells.axes]
    return _made(tuple(dims), axes, [cells])


def _refined(candidates: Sequence[Factors]) -> Factors | None:
    """Factors of which every candidate is a product of neighbours; None if there are none."""
    cuts: set[int] = set()
    for factors in candidates:
        product = 1
        for n in reversed(factors):
            product *= n
            cuts.add(product)
    ordered = sorted(cuts - {1})
    result = []
    previous = 1
    for cut in ordered:
        if cut % previous:
            return None
        result.append(cut // previous)
        previous = cut
    return tuple(reversed(result))


def joined(parts: Sequence[Cells], shape: Sequence[int]) -> Cells:
    """Each cell depends on the same cell of all parts, which are broadcast to `shape`."""
    spread = [repeated(cells, shape) for cells in parts]
    dims = spread[0].dims
    if any(cells.dims != dims for cells in spread):
        chosen = []
        for d in range(len(shape)):
            factors = [cells.dims[d] for cells in spread]
            same = all(f == factors[0] for f in factors)
            fine = factors[0] if same else _refined(factors)
            if fine is None:
                spread = [
                    loosened(c, d, shape[d], "its inputs are put together in different ways", True) for c in spread
                ]
                fine = (shape[d],)
            chosen.append(fine)
        dims = tuple(chosen)
        spread = [_regrouped(cells, dims) or unknown([cells], shape, "its inputs differ in form") for cells in spread]
        if any(cells.dims != dims for cells in spread):
            return unknown(parts, shape, "its inputs differ in form", True)
    if len(spread) > 1 and all(cells.axes == spread[0].axes for cells in spread):
        return spread[0]
    axes = [[t for cells in spread for t in cells.axes[a]] for a in range(len(spread[0].picture))]
    return _made(dims, axes, spread)


def _regrouped(cells: Cells, dims: Dims) -> Cells | None:
    """Cells in the same order with the indexes `dims`; None where an old one is no product of new ones."""
    if cells.dims == dims:
        return cells
    target = list(chain.from_iterable(dims))
    terms = [list(axis) for axis in cells.axes]
    lengths = list(cells.lengths)
    place = 0
    for n in target:
        while place < len(lengths) and lengths[place] == 1 and n != 1:
            terms = [[_dropped(t, place) for t in axis] for axis in terms]
            del lengths[place]
        if place >= len(lengths) or (n == 1 and lengths[place] != 1):
            if n != 1:
                return None
            terms = [[_inserted(t, place) for t in axis] for axis in terms]
            lengths.insert(place, 1)
        elif lengths[place] != n:
            if lengths[place] % n:
                return None
            inner = lengths[place] // n
            terms = [[part for t in axis for part in _split(t, place, inner)] for axis in terms]
            lengths[place : place + 1] = [n, inner]
        place += 1
    while len(lengths) > len(target):
        if lengths[-1] != 1:
            return None
        terms = [[_dropped(t, len(lengths) - 1) for t in axis] for axis in terms]
        del lengths[-1]
    return _made(dims, terms, [cells])


def _dropped(term: Term, place: int) -> Term:
    term = _swept(term, [place], (1,) * len(term.strides))
    return _moved(term, [i for i in range(len(term.strides)) if i != place])


def _inserted(term: Term, place: int) -> Term:
    n = len(term.strides)
    return _moved(term, [*range(place), None, *range(place, n)])


def _split(term: Term, place: int, inner: int) -> list[Term]:
    """The term with an index as a slow one and a fast one of `inner` cells."""
    ranges = [w for w in term.within if w[0] == place]
    was_loose = place in term.loose
    bare = _swept_range(term, place)
    stride = term.strides[place]
    n = len(term.strides)
    wide = _moved(bare, [*range(place), None, None, *range(place + 1, n)])
    wide = wide._replace(strides=(*term.strides[:place], stride * inner, stride, *term.strides[place + 1 :]))
    if was_loose:
        wide = wide._replace(loose=wide.loose | {place, place + 1})
    if not ranges:
        return [wide]
    _, first, end = ranges[0]
    boxes: list[tuple[int, int, int, int]] = []
    head, tail = -(-first // inner), end // inner
    if head > tail:
        boxes.append((tail, tail + 1, first % inner, end % inner))
    else:
        if first % inner:
            boxes.append((head - 1, head, first % inner, inner))
        if tail > head:
            boxes.append((head, tail, 0, inner))
        if end % inner:
            boxes.append((tail, tail + 1, 0, end % inner))
    return [
        wide._replace(
            within=tuple(sorted([*wide.within, (place, a, b)] + ([] if (c, d) == (0, inner) else [(place + 1, c, d)])))
        )
        for a, b, c, d in boxes
    ]


def _swept_range(term: Term, place: int) -> Term:
    """The term without what it says of one index, which is about to be replaced."""
    strides = (*term.strides[:place], 0, *term.strides[place + 1 :])
    return Term(term.size, term.offset, strides, tuple(w for w in term.within if w[0] != place), term.loose - {place})


def _contiguous(cells: Cells, slow: int) -> bool:
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
        if (across or place + 1 not in borders) and _contiguous(cells, place):
            n = len(cells.lengths)
            lengths = list(cells.lengths)
            lengths[place : place + 2] = [lengths[place] * lengths[place + 1]]
            axes = []
            for terms in cells.axes:
                changed = []
                for t in terms:
                    moved = _moved(t, [*range(place), place + 1, *range(place + 2, n)])
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
            cells = Cells(tuple(dims), tuple(axes), cells.picture, cells.hull, cells.reason)
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
            found = _regrouped(source, dims)
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
        moved = _moved(_swept(term, span, cells.lengths), sources)
        return moved._replace(loose=moved.loose | fresh) if moves else moved

    return _made(
        dims, [[change(t) for t in terms] for terms in cells.axes], [cells], "a reshape mixes rows and columns"
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
            _regrouped(
                cells, tuple(f if d != dim else tuple(n for n in f if n > 1) or (1,) for d, f in enumerate(cells.dims))
            )
            or cells
        )
    factors, span = cells.dims[dim], cells.span(dim)
    if len(factors) > 1 and all(_contiguous(cells, i) for i in span[:-1]):
        cells = merged(cells)
        factors, span = cells.dims[dim], cells.span(dim)
    if len(factors) == 1:
        new, place, chosen = (count,), span.start, (start, step, count)
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
            return loosened(cells, dim, count, "a slice cuts through rows and columns")
    dims = (*cells.dims[:dim], new, *cells.dims[dim + 1 :])
    cut = prod(new) != size
    axes = []
    for terms in cells.axes:
        kept = [t for term in terms if (t := _indexed(term, place, *chosen)) is not None]
        axes.append([t._replace(loose=t.loose | {NEVER}) if cut and place in t.loose else t for t in kept])
    return _made(dims, axes, [cells])


def _fixed(cells: Cells, dim: int, place: int, at: int) -> Cells:
    """The cells at one value of an index, which vanishes."""
    axes = []
    for terms in cells.axes:
        kept = [t for term in terms if (t := _indexed(term, place, at, 1, 1)) is not None]
        axes.append([_dropped(t._replace(loose=t.loose | {NEVER}) if place in t.loose else t, place) for t in kept])
    local = place - cells.span(dim).start
    factors = cells.dims[dim]
    dims = (*cells.dims[:dim], factors[:local] + factors[local + 1 :], *cells.dims[dim + 1 :])
    return _made(dims, axes, [cells])


def selected(cells: Cells, dim: int, at: int) -> Cells:
    """The cells at one place of a dimension, which vanishes."""
    cells = taken(cells, dim, at, 1, 1)
    span = cells.span(dim)
    sources = [i for i in range(len(cells.lengths)) if i not in span]
    axes = [[_moved(_swept(t, span, cells.lengths), sources) for t in terms] for terms in cells.axes]
    return _made((*cells.dims[:dim], *cells.dims[dim + 1 :]), axes, [cells])


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
    first = parts[0]
    hull = tuple(_reach([p.hull[axis] for p in parts]) for axis in range(count))
    dims = (first.dims[0], (sum(sizes),), *first.dims[2:])
    return Cells(dims, tuple(axes), first.picture, hull)


def concatenated(parts: Sequence[Cells], dim: int, sizes: Sequence[int], shape: Sequence[int]) -> Cells:
    """Parts one behind the other along a dimension."""
    total, start = sum(sizes), 0
    spread = []
    for cells, size in zip(parts, sizes, strict=True):
        cells = merged(cells)
        if len([n for n in cells.dims[dim] if n > 1]) > 1:
            cells = loosened(cells, dim, size, "its rows and columns stand in one dimension, beside others", True)
        target = tuple((size,) if d == dim else f for d, f in enumerate(cells.dims))
        cells = _regrouped(cells, target) or cells
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
        spread.append(Cells(dims, tuple(axes), cells.picture, cells.hull, cells.reason))
        start += size
    return joined(spread, shape)


def swept(
    cells: Cells, dim: int, out: int, period: int, advance: int, reads: Callable[[int], Iterable[int]], what: str
) -> Cells:
    """Cells of a window, or of anything that reads some cells along a dimension and goes on regularly.

    Output cell t, for t below `period`, reads the input cells `reads(t)`, which may lie outside in the padding; the
    cell `period` further reads `advance` further. out: output cells. what: for the reason, where this cannot be said.
    """
    factors = tuple(n for n in cells.dims[dim] if n > 1)
    if len(factors) != len(cells.dims[dim]) and factors:
        cells = _regrouped(cells, (*cells.dims[:dim], factors, *cells.dims[dim + 1 :])) or cells
    if len(cells.dims[dim]) > 1:
        cells = merged(cells)
    factors, span = cells.dims[dim], cells.span(dim)
    inner = factors[-1] if len(factors) == 2 else 1
    repeat = inner // gcd(advance, inner)
    full = period * repeat
    if len(factors) > 2 or out % full or full > 16 or _is_cut(cells, span.start):
        return loosened(cells, dim, out, f"{what} over cells that differ in form", True)
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
    return _made(dims, axes, [cells])


def _is_cut(cells: Cells, place: int) -> bool:
    """Whether a term holds for some cells along an index only, or the cells along it are loose."""
    return any(
        place in t.loose
        or place + 1 in t.loose
        and len(cells.lengths) > place + 1
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
    base = _moved(_swept_range(rest, span.start) if len(span) else rest, sources)
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
    steps = {b[0] - a[0] for (_, a), (_, b) in zip(found, found[1:], strict=False)}
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
    return Cells(((out[0],), *((n,) for n in out[1:])), tuple(axes), cells.picture, tuple(hull))


# What a reader sees
def field_of(cells: Cells) -> tuple[ReceptiveField | None, str]:
    """The one box that fits every cell, and a remark; None and the reason where there is no such box.

    A cell is a place in the grid, with all its channels. Stride 0 says that every cell has the same box.
    """
    if not all(cells.axes) or not cells.axes:
        return None, "it does not depend on the picture"
    if (plain := _plain_field(cells)) is not None:
        return plain, ""
    cells = reduced(cells, _channels(cells), keep=False)
    if _repeats(cells):
        return None, "several cells beside each other depend on the same pixels"
    sizes, strides, offsets = [], [], []
    for terms in cells.axes:
        if len(terms) != 1 or terms[0].within or terms[0].loose:
            reason = cells.reason or "cells beside each other depend on boxes of different form"
            return None, reason
        term = terms[0]
        moving = [(s, n) for s, n in zip(term.strides, cells.lengths, strict=True) if s]
        long = [(s, n) for s, n in moving if n > 1]
        if len(long) > 1:
            for (slow, _), (fast, n) in zip(long, long[1:], strict=False):
                if slow != fast * n:
                    return None, "cells beside each other depend on boxes that do not move on regularly"
        moving = long or moving
        sizes.append(term.size)
        strides.append(moving[-1][0] if moving else 0)
        offsets.append(term.offset)
    field = ReceptiveField(tuple(sizes), tuple(strides), tuple(offsets))
    whole = all(o <= 0 and o + s >= n for o, s, n in zip(offsets, sizes, cells.picture, strict=True))
    still = not any(strides)
    return field, "every cell depends on the whole picture" if whole and still else ""


def _plain_field(cells: Cells) -> ReceptiveField | None:
    """The field of cells of the usual form, (N, C, ...) with one term for each axis, which moves along its dimension."""
    if not len(cells.lengths) == len(cells.dims) == len(cells.axes) + 2:
        return None
    for axis, terms in enumerate(cells.axes):
        term = terms[0]
        if len(terms) != 1 or term.within or term.loose or len(cells.dims[axis + 2]) != 1:
            return None
        if term.strides[axis + 2] <= 0 or term.strides.count(0) != len(cells.axes) + 1:
            return None
    found = [terms[0] for terms in cells.axes]
    strides = tuple(term.strides[axis + 2] for axis, term in enumerate(found))
    return ReceptiveField(tuple(t.size for t in found), strides, tuple(t.offset for t in found))


def _repeats(cells: Cells) -> bool:
    """Whether some cells along a dimension of the grid have the same box as their neighbours."""
    moving = {i for terms in cells.axes for t in terms for i, stride in enumerate(t.strides) if stride}
    still = {i for i, n in enumerate(cells.lengths) if n > 1} - moving
    return any(
        moving.intersection(span) and still.intersection(span) for span in map(cells.span, range(len(cells.dims)))
    )


def _channels(cells: Cells) -> list[int]:
    """The dimensions that are no part of the grid: a cell of the grid has all their numbers."""
    lengths = cells.lengths

    def moves(dim: int) -> bool:
        return any(t.strides[i] and lengths[i] > 1 for terms in cells.axes for t in terms for i in cells.span(dim))

    grid = [d for d in range(len(cells.dims)) if moves(d)]
    others = [d for d in range(len(cells.dims)) if d not in grid]
    # Dimensions of one cell stay: they may say how far the next one would be. So do loose ones, which stay unknown.
    loose = {i for terms in cells.axes for t in terms for i in t.loose}
    channels = [d for d in others if prod(cells.dims[d]) > 1 and not loose.intersection(cells.span(d))]
    if (
        loose
        and len(cells.dims) == len(cells.axes) + 2
        and all(any(t.strides[i] for t in terms for i in cells.span(axis + 2)) for axis, terms in enumerate(cells.axes))
    ):
        channels = list({*channels, 1} - {*grid})  # (N, C, H, W): however the channels differ, a cell has them all
    large = [d for d in range(1, len(cells.dims)) if prod(cells.dims[d]) > 1]
    if len(large) > 1 and all(d in grid for d in large):
        # Each dimension moves: that of pixels folded into channels moves least, beside another on the same axes.
        def step(dim: int) -> int:
            return max(abs(t.strides[i]) for terms in cells.axes for t in terms for i in cells.span(dim))

        for dim in sorted(large, key=step)[:1]:
            axes = [
                a for a, terms in enumerate(cells.axes) if any(t.strides[i] for t in terms for i in cells.span(dim))
            ]
            if all(
                any(
                    abs(t.strides[i]) > step(dim)
                    for t in cells.axes[a]
                    for d in large
                    if d != dim
                    for i in cells.span(d)
                )
                for a in axes
            ):
                channels.append(dim)
    return channels
