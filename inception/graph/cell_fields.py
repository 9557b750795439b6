"""What a reader sees of cells: the one receptive field that fits them all, or why there is none."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from math import prod
from typing import cast

from ..words import N_
from .cells import Cells, Mirror, around, made, over_channels
from .receptive_field import ReceptiveField
from .window import Pair


def field_of(cells: Cells) -> tuple[ReceptiveField | None, str]:
    """The one box that fits every cell, and a remark; None and the reason where there is no such box.

    A cell is a place in the grid, with all its channels. Stride 0 says that every cell has the same box.
    """
    if not all(cells.axes) or not cells.axes:
        return None, N_("it does not depend on the picture")
    mixed = over_channels(cells)
    if mixed is not None and (plain := _plain_field(mixed)) is not None:
        return _beside_crops(plain, mixed.lengths[2:], mixed)
    # Indexes of one cell stay: they say how far the next one would be.
    channels = [i for d in _channels(cells) for i in cells.span(d) if cells.lengths[i] > 1]
    axes = [[around(term, channels, cells.lengths) for term in terms] for terms in cells.axes]
    cells = made(cells.dims, axes, [cells])
    if _repeats(cells) and len(cells.dims) == 2:  # a flattened grid has no cells beside each other: all are one
        everything = range(len(cells.lengths))
        axes = [[around(term, everything, cells.lengths) for term in terms] for terms in cells.axes]
        cells = made(cells.dims, axes, [cells])
    if _repeats(cells):
        return None, N_("several cells beside each other depend on the same pixels")
    sizes, strides, offsets, counts = [], [], [], []
    for terms in cells.axes:
        if len(terms) != 1 or terms[0].within or terms[0].loose:
            reason = cells.reason or N_("cells beside each other depend on boxes of different form")
            return None, reason
        term = terms[0]
        moving = [(s, n) for s, n in zip(term.strides, cells.lengths, strict=True) if s]
        long = [(s, n) for s, n in moving if n > 1]
        if len(long) > 1:
            for (slow, _), (fast, n) in pairwise(long):
                if slow != fast * n:
                    return None, N_("cells beside each other depend on boxes that do not move on regularly")
        moving = long or moving
        sizes.append(term.size)
        strides.append(moving[-1][0] if moving else 0)
        offsets.append(term.offset)
        counts.append(prod(n for _, n in moving))
    field, why = _beside_crops(_field(sizes, strides, offsets), counts, cells)
    if field is None:
        return None, why
    sizes, offsets = list(field.size), list(field.offset)
    whole = all(o <= 0 and o + s >= n for o, s, n in zip(offsets, sizes, cells.picture, strict=True))
    still = not any(strides)
    return field, N_("every cell depends on the whole picture") if whole and still else ""


def _beside_crops(field: ReceptiveField, counts: Sequence[int], cells: Cells) -> tuple[ReceptiveField | None, str]:
    """The field, unless every cell of it reaches into padding beside a crop, where the picture has other pixels.

    counts: of the cells along each axis. At the border of the picture padding stands for a picture that goes on.
    """
    if any(_shows(mirror, field, counts) for mirror in cells.mirrors):
        return None, N_("cells near the border depend on pixels that are mirrored into the padding")
    if not cells.cut:
        return field, ""
    sizes, offsets = list(field.size), list(field.offset)
    for axis, (low, high) in enumerate(cells.cut):
        starts = (offsets[axis] + field.stride[axis] * cell for cell in range(counts[axis]))
        if any(low <= start and start + sizes[axis] <= high for start in starts):
            continue
        if counts[axis] > 1:
            return None, N_("every cell also depends on padding inside the picture, beside a crop")
        end = min(high, offsets[axis] + sizes[axis])
        offsets[axis] = max(low, offsets[axis])
        sizes[axis] = end - offsets[axis]
    return _field(sizes, field.stride, offsets), ""


def _shows(mirror: Mirror, field: ReceptiveField, counts: Sequence[int]) -> bool:
    """Whether the outermost cell depends on pixels outside of its box, which padding shows it."""
    axis, many = mirror.axis, counts[mirror.axis] - 1
    stride, size = field.stride[axis], field.size[axis]
    starts = [field.offset[axis], field.offset[axis] + stride * many]
    if mirror.at_end:
        start = max(starts)
        beyond = start + size - mirror.edge
        return beyond > 0 and start > mirror.edge - mirror.size - (0 if mirror.copies else beyond)
    start = min(starts)
    beyond = mirror.edge - start
    return beyond > 0 and start + size < mirror.edge + mirror.size + (0 if mirror.copies else beyond)


def _field(*numbers: Sequence[int]) -> ReceptiveField:
    return ReceptiveField(*(cast("Pair", tuple(each)) for each in numbers))  # one or three for other inputs


def _plain_field(cells: Cells) -> ReceptiveField | None:
    """The field of cells of the usual form, (N, C, ...) with a term for each axis, which moves along its dimension."""
    if not len(cells.lengths) == len(cells.dims) == len(cells.axes) + 2:
        return None
    for axis, terms in enumerate(cells.axes):
        term = terms[0]
        if len(terms) != 1 or term.within or term.loose or len(cells.dims[axis + 2]) != 1:
            return None
        if term.strides[axis + 2] <= 0 or term.strides.count(0) != len(cells.axes) + 1:
            return None
    found = [terms[0] for terms in cells.axes]
    strides = [term.strides[axis + 2] for axis, term in enumerate(found)]
    return _field([t.size for t in found], strides, [t.offset for t in found])


def _repeats(cells: Cells) -> bool:
    """Whether some cells along a dimension of the grid have the same box as their neighbours."""
    long = {i for i, n in enumerate(cells.lengths) if n > 1}
    moving = {i for terms in cells.axes for t in terms for i in long if t.strides[i]}
    still = long - moving
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

        # Windows that were unfolded may move as little as their places do; there are fewer pixels in one than places.
        for dim in sorted(large, key=lambda d: (step(d), prod(cells.dims[d]) if len(cells.dims) == 3 else d))[:1]:
            axes = [
                a for a, terms in enumerate(cells.axes) if any(t.strides[i] for t in terms for i in cells.span(dim))
            ]
            if all(
                any(
                    abs(t.strides[i]) >= step(dim)
                    for t in cells.axes[a]
                    for d in large
                    if d != dim
                    for i in cells.span(d)
                )
                for a in axes
            ):
                channels.append(dim)
    return channels
