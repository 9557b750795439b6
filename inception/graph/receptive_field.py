"""The receptive field of a layer, height and width apart: the smallest box of picture pixels behind one of its cells.

Along a path it grows as in Araujo, Norris and Sim (2019), *Computing Receptive Fields of Convolutional Neural
Networks*; where paths meet it is the box around theirs. `cells` computes it.
"""

from dataclasses import dataclass

from ..text import shape_text
from .window import Pair, pair_text


@dataclass(frozen=True, repr=False)
class ReceptiveField:
    """The part of the picture on which one cell of a layer can depend, in pixels; pairs are (height, width).

    It is that of a picture without end: cells near the border see less, because padding has no pixels. Networks on
    sequences have one number in place of a pair, and those on volumes three.
    """

    size: Pair  # of the field
    stride: Pair  # from the field of a cell to that of its neighbour; 0 where all cells have the same field
    offset: Pair  # where the first cell's field starts; negative where padding lies before the picture

    def __repr__(self) -> str:
        stride, offset = pair_text(self.stride), pair_text(self.offset)
        return f"<ReceptiveField {shape_text(self.size)} px, stride {stride}, offset {offset}>"


PIXEL = ReceptiveField(size=(1, 1), stride=(1, 1), offset=(0, 0))
