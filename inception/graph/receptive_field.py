"""Receptive fields through branches, residual sums and 1xN kernels, height and width apart.

A layer's field is the smallest box of picture pixels on which one of its cells can depend. Along a path it grows as
in Araujo, Norris and Sim (2019), *Computing Receptive Fields of Convolutional Neural Networks*; where paths meet it
is the box around theirs.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ..text import shape_text
from .window import Pair, Window, pair_text


@dataclass(frozen=True, repr=False)
class ReceptiveField:
    """The part of the picture on which one cell of a layer can depend, in pixels; pairs are (height, width)."""

    size: Pair  # of the field
    stride: Pair  # from the field of a cell to that of its neighbour
    offset: Pair  # row and column where the first cell's field starts; negative where padding lies before the picture

    def __repr__(self) -> str:
        stride, offset = pair_text(self.stride), pair_text(self.offset)
        return f"<ReceptiveField {shape_text(self.size)} px, stride {stride}, offset {offset}>"

    def through(self, window: Window) -> "ReceptiveField":
        """The field of a window over cells that have this field."""
        return ReceptiveField(
            size=_each(lambda i: self.size[i] + (window.reach[i] - 1) * self.stride[i]),
            stride=_each(lambda i: self.stride[i] * window.stride[i]),
            offset=_each(lambda i: self.offset[i] - window.pad[2 * i] * self.stride[i]),
        )

    def over(self, grid: Pair) -> "ReceptiveField":
        """The field of what depends on every cell of `grid`, e.g. a linear layer behind a flatten."""
        size = _each(lambda i: self.size[i] + (grid[i] - 1) * self.stride[i])
        return ReceptiveField(size, self.stride, self.offset)


PIXEL = ReceptiveField(size=(1, 1), stride=(1, 1), offset=(0, 0))


def union(fields: Sequence[ReceptiveField]) -> ReceptiveField | None:
    """The box around `fields`; None where their strides differ, so that no box fits every cell."""
    if len({field.stride for field in fields}) != 1:
        return None
    start = _each(lambda i: min(field.offset[i] for field in fields))
    end = _each(lambda i: max(field.offset[i] + field.size[i] for field in fields))
    return ReceptiveField(_each(lambda i: end[i] - start[i]), fields[0].stride, start)


def _each(of_axis: Callable[[int], int]) -> Pair:
    return of_axis(0), of_axis(1)
