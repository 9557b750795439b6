"""On which pixels each cell of a tensor can depend, exactly: along each axis of the picture, a box that moves.

A dimension of a tensor runs over one index, or over a product of several as behind a flatten: (H, W) in one dimension
of H * W cells. Along an axis of the picture a cell depends on the pixels from `offset + sum(stride * index)` on, `size`
of them. Slices, reshapes, windows and pixel shuffles only change these numbers. Where parts of a tensor come from
different places, as behind a concatenation, it has one such `Term` for each part.

A tensor whose cells differ in a way that these numbers cannot say has "loose" indexes: the box is then that of all
cells along them together, and becomes exact again where an operation reads them all.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import chain
from math import prod
from typing import NamedTuple

from ..words import N_

Factors = tuple[int, ...]
Dims = tuple[Factors, ...]  # the indexes of each dimension, by their lengths, the slowest first
MOST_TERMS = 128  # parts of a tensor that are told apart
ENDLESS = 2**62  # pixels, on a side where nothing was cropped
NEVER = -1  # a loose index that no operation can make up for


class Term(NamedTuple):
    """A moving box along one axis of the picture. Indexes are counted through all dimensions of the tensor."""

    size: int
    offset: int
    strides: tuple[int, ...]  # of each index
    within: tuple[tuple[int, int, int], ...] = ()  # (index, first, end): the cells that the term holds for, if not all
    loose: frozenset[int] = frozenset()  # indexes along which the cells differ in another way than `strides` says


class Mirror(NamedTuple):
    """Where padding was filled with the cells beside it. Its cells are said to go on as the grid does."""

    axis: int  # of the picture
    edge: int  # first pixel of the first cell; at the end the pixel behind the last cell
    size: int  # of the box of a cell
    at_end: bool
    copies: bool  # each is the last cell again; else they are those before it in reverse order


class Cells(NamedTuple):
    """The boxes of all cells of one tensor."""

    dims: Dims
    axes: tuple[tuple[Term, ...], ...]  # for each axis of the picture; a cell depends on the pixels of all its terms
    picture: tuple[int, ...]  # pixels of each axis
    hull: tuple[tuple[int, int], ...]  # first pixel that a cell depends on, and the one behind the last: no padding
    reason: str = ""  # what made an index loose
    cut: tuple[tuple[int, int], ...] = ()  # what crops left of the hull of each axis; empty where nothing was cropped
    mirrors: frozenset[Mirror] = frozenset()  # of padding that reads the picture

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


def _cleaned(terms: Iterable[Term], lengths: Factors, hull: tuple[int, int]) -> tuple[Term, ...]:
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
        return max(hull[0], low), min(hull[1], high)

    for whole in found:
        if not (any(whole.strides) or whole.within or whole.loose):
            low, high = clipped(whole)
            same = [t for t in found if clipped(t) == (low, high) and any(t.strides) and _has_one_cell(t, lengths)]
            if same:
                return _cleaned([t for t in found if t is not whole], lengths, hull)
            rest = [t for t in found if t is not whole and not (low <= clipped(t)[0] and clipped(t)[1] <= high)]
            if len(rest) < len(found) - 1:
                return _cleaned([whole, *rest], lengths, hull) if rest else (whole,)
    if len(found) > MOST_TERMS:
        low, high = min(extent(t, lengths)[0] for t in found), max(extent(t, lengths)[1] for t in found)
        return (Term(high - low, low, (0,) * len(lengths), (), frozenset(range(len(lengths)))),)
    return tuple(found)


def _has_one_cell(term: Term, lengths: Factors) -> bool:
    """Whether a term moves only along indexes of one cell, where it has nowhere to go."""
    return not (term.within or term.loose) and all(n == 1 for s, n in zip(term.strides, lengths, strict=True) if s)


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


def made(dims: Dims, axes: Iterable[Iterable[Term]], parts: Sequence[Cells], reason: str = "") -> Cells:
    """Cells that were made from `parts`."""
    lengths = tuple(chain.from_iterable(dims))
    picture = parts[0].picture
    cleaned, hull = [], []
    for axis, terms in enumerate(map(tuple, axes)):
        low, high = reach_of([cells.hull[axis] for cells in parts if cells.hull])
        # A box that does not move is that of many cells together, so it has no padding.
        terms = tuple(t if any(t.strides) else _clipped(t, low, high) for t in terms)
        if len(terms) != 1 or terms[0].within:
            terms = _cleaned(terms, lengths, (low, high))
        cleaned.append(terms)
        extents = [extent(term, lengths) for term in terms]
        hull.append(
            (max([low, min(e[0] for e in extents)]), min([high, max(e[1] for e in extents)])) if terms else (0, 0)
        )
    loose = any(term.loose for terms in cleaned for term in terms)
    before = reason or next((cells.reason for cells in parts if cells.reason), "")
    return Cells(dims, tuple(cleaned), picture, tuple(hull), before if loose else "", cut_of(parts), mirrors_of(parts))


def mirrors_of(parts: Sequence[Cells]) -> frozenset[Mirror]:
    """Those of all parts."""
    found = [cells.mirrors for cells in parts if cells.mirrors]
    return frozenset().union(*found) if found else frozenset()


def cut_of(parts: Sequence[Cells]) -> tuple[tuple[int, int], ...]:
    """What crops left of the parts together."""
    cuts = [cells.cut for cells in parts if cells.hull]
    if not cuts or not all(cuts):
        return ()
    return tuple((min(low for low, _ in axis), max(high for _, high in axis)) for axis in zip(*cuts, strict=True))


def reach_of(hulls: Sequence[tuple[int, int]]) -> tuple[int, int]:
    hulls = [hull for hull in hulls if hull[0] < hull[1]]
    return (min(low for low, _ in hulls), max(high for _, high in hulls)) if hulls else (0, 0)


def _clipped(term: Term, low: int, high: int) -> Term:
    first, end = max(low, term.offset), min(high, term.offset + term.size)
    return (
        term
        if (first, end - first) == (term.offset, term.size)
        else term._replace(offset=first, size=max(0, end - first))
    )


def moved_term(term: Term, sources: Sequence[int | None]) -> Term:
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
    axes = tuple(tuple(moved_term(t, sources) for t in terms) for terms in cells.axes)
    return cells._replace(dims=dims, axes=axes)


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
    return made(dims, axes, parts, before or reason)


def loosened(cells: Cells, dim: int, length: int, reason: str, reads_all: bool = False) -> Cells:
    """Cells of which we no longer know how they differ along one dimension, which now has `length` cells."""
    span = cells.span(dim)
    sources = [*range(span.start), None, *range(span.stop, len(cells.lengths))]
    lengths = cells.lengths
    dims = (*cells.dims[:dim], (length,), *cells.dims[dim + 1 :])

    def change(term: Term) -> Term:
        moves = any(term.strides[i] for i in span) or any(w[0] in span for w in term.within) or term.loose & {*span}
        term = around(term, span, lengths)
        moved = moved_term(term, sources)
        if moves:
            moved = moved._replace(loose=moved.loose | {span.start} | (set() if reads_all else {NEVER}))
        return moved

    return made(dims, [[change(t) for t in terms] for terms in cells.axes], [cells], cells.reason or reason)


def around(term: Term, span: Iterable[int], lengths: Factors) -> Term:
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
        after = moved_term(around(term, span, lengths), sources)
        if keep:  # a window over everything moves on by its own size
            steps = {i: term.strides[i] * lengths[i] for i in span}
            return after._replace(
                strides=tuple(
                    steps.get(old or 0, s) if old in steps else s for old, s in zip(sources, after.strides, strict=True)
                )
            )
        return after

    return made(dims, [[change(t) for t in terms] for terms in cells.axes], [cells])


def over_channels(cells: Cells) -> Cells | None:
    """Each cell depends on all channels of its place: for cells of the usual form, (N, C, ...), that differ in nothing
    but the channels that a term holds for, as behind a concatenation; else None.

    It is what `reduced` gives with all channels kept, in a tenth of the time.
    """
    if not len(cells.lengths) == len(cells.dims) == len(cells.axes) + 2:
        return None
    axes = []
    for terms in cells.axes:
        if len(terms) == 1 and not terms[0].within:
            axes.append(terms)
            continue
        strides = terms[0].strides if terms else ()
        if not any(strides) or strides[1]:
            return None
        for term in terms:
            if term.strides != strides or term.loose or any(w[0] != 1 for w in term.within):
                return None
        low, high = min(t.offset for t in terms), max(t.offset + t.size for t in terms)
        axes.append((Term(high - low, low, strides),))
    return cells._replace(axes=tuple(axes))


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
    axes = [[moved_term(around(t, lost, cells.lengths), sources) for t in terms] for terms in cells.axes]
    return made(tuple(dims), axes, [cells])


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
            longest = max(factors, key=len)
            if fine == tuple(n for n in longest if n > 1):
                fine = longest  # indexes of one cell stay: they say how far the next one would be
            if fine is None:
                spread = [
                    loosened(c, d, shape[d], N_("its inputs are put together in different ways"), True) for c in spread
                ]
                fine = (shape[d],)
            chosen.append(fine)
        dims = tuple(chosen)
        spread = [
            regrouped(cells, dims) or unknown([cells], shape, N_("its inputs differ in form")) for cells in spread
        ]
        if any(cells.dims != dims for cells in spread):
            return unknown(parts, shape, N_("its inputs differ in form"), True)
    if len(spread) > 1 and all(cells.axes == spread[0].axes for cells in spread):
        return spread[0]
    axes = [[t for cells in spread for t in cells.axes[a]] for a in range(len(spread[0].picture))]
    return made(dims, axes, spread)


def regrouped(cells: Cells, dims: Dims) -> Cells | None:
    """Cells in the same order with the indexes `dims`; None where an old one is no product of new ones."""
    if cells.dims == dims:
        return cells
    target = list(chain.from_iterable(dims))
    terms = [list(axis) for axis in cells.axes]
    lengths = list(cells.lengths)
    for place, n in enumerate(target):
        while place < len(lengths) and lengths[place] == 1 and n != 1:
            terms = [[without_index(t, place) for t in axis] for axis in terms]
            del lengths[place]
        if place >= len(lengths) or (n == 1 and lengths[place] != 1):
            if n != 1:
                return None
            terms = [[with_index(t, place) for t in axis] for axis in terms]
            lengths.insert(place, 1)
        elif lengths[place] != n:
            if lengths[place] % n:
                return None
            inner = lengths[place] // n
            terms = [[part for t in axis for part in _split(t, place, inner)] for axis in terms]
            lengths[place : place + 1] = [n, inner]
    while len(lengths) > len(target):
        if lengths[-1] != 1:
            return None
        terms = [[without_index(t, len(lengths) - 1) for t in axis] for axis in terms]
        del lengths[-1]
    return made(dims, terms, [cells])


def without_index(term: Term, place: int) -> Term:
    term = around(term, [place], (1,) * len(term.strides))
    return moved_term(term, [i for i in range(len(term.strides)) if i != place])


def with_index(term: Term, place: int) -> Term:
    n = len(term.strides)
    return moved_term(term, [*range(place), None, *range(place, n)])


def _split(term: Term, place: int, inner: int) -> list[Term]:
    """The term with an index as a slow one and a fast one of `inner` cells."""
    ranges = [w for w in term.within if w[0] == place]
    was_loose = place in term.loose
    bare = forgetting(term, place)
    stride = term.strides[place]
    n = len(term.strides)
    wide = moved_term(bare, [*range(place), None, None, *range(place + 1, n)])
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


def forgetting(term: Term, place: int) -> Term:
    """The term without what it says of one index, which is about to be replaced."""
    strides = (*term.strides[:place], 0, *term.strides[place + 1 :])
    return Term(term.size, term.offset, strides, tuple(w for w in term.within if w[0] != place), term.loose - {place})
