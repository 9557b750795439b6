"""The error of every view of one cell."""

from ..errors import InputError
from ..graph.layer import Layer
from ..words import _


class CellError(InputError):
    """A cell or channel that does not exist, or a layer without cells, in one sentence."""


def check_cell(layer: Layer, channel: int, row: int, column: int) -> None:
    """Raises CellError unless a layer has this cell; all three count from 0, and are 0 where there is no grid."""
    channels, rows, columns = (*layer.out_shape, 1, 1)[:3]
    if not 0 <= channel < channels:
        sentence = _("{layer} has channels 0 to {last}, no channel {channel}.")
        raise CellError(sentence.format(layer=layer.path, last=channels - 1, channel=channel))
    if not 0 <= row < rows:
        sentence = _("{layer} has rows 0 to {last}, no row {row}.")
        raise CellError(sentence.format(layer=layer.path, last=rows - 1, row=row))
    if not 0 <= column < columns:
        sentence = _("{layer} has columns 0 to {last}, no column {column}.")
        raise CellError(sentence.format(layer=layer.path, last=columns - 1, column=column))
