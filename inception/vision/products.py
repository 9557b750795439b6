"""The products that a layer adds up for one cell: what it reads, channel by channel, times a weight.

Convolutions and linear layers have weights. An average pool has one over the number of cells that it counts, a max pool
1 for the cell that wins, a residual sum 1 for the shortcut and its scale for the residual; a concatenation, and dropout
in use, take one number once.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

from ..graph.layer import Layer
from ..graph.op import SUMS, Op
from ..graph.window import Pair, Window, slides
from ..words import _
from .cell_error import CellError
from .record import Record

Array = NDArray[np.float64]

COPIES = frozenset({Op.CONCAT, Op.DROPOUT, Op.FLATTEN})  # they hand numbers on as they are
SHORTEST = 1e-12  # length by which PyTorch divides at least where it scales to length 1


@dataclass(frozen=True)
class Products:
    """All the products behind one cell of a layer, before bias, batch norm and ReLU: C channels, each with a patch."""

    sources: NDArray[np.int64]  # (C,): index of the layer that a channel is from; 0 is the picture
    channels: NDArray[np.int64]  # (C,): its number there
    patches: Array  # (C, kernel height, kernel width); not a number on padding that a max pool cannot read
    kernels: Array  # of the same shape
    rows: tuple[int, ...]  # of the grid that is read, one for each row of a patch; outside of it lies padding
    columns: tuple[int, ...]  # the same
    grid: tuple[int, int]  # rows and columns of the grid that is read

    @property
    def products(self) -> Array:
        """(C, kernel height, kernel width)."""
        return np.where(self.kernels == 0, 0.0, self.patches * self.kernels)

    @property
    def values(self) -> Array:
        """(C,): what each channel gives."""
        values: Array = self.products.sum(axis=(1, 2))
        return values

    def on_grid(self, row: int, column: int) -> bool:
        """Whether a place of the patches lies on the grid, not on its padding."""
        return 0 <= self.rows[row] < self.grid[0] and 0 <= self.columns[column] < self.grid[1]


def products_of(model: nn.Module, seen: Record, layer: Layer, channel: int, row: int, column: int) -> Products:
    """The products behind the cell in (channel, row, column) of a layer.

    seen: what the layers that it reads hand on. Raises CellError for an operation that is no sum of products.
    """
    read = [seen[index] for index in layer.inputs]
    window, source = layer.window, layer.inputs[0]
    if layer.op == Op.CONV and window and window.filling == "zeros":
        return _convolution(_weights(model, layer, channel), read[0], layer, channel, (row, column))
    if layer.op == Op.LINEAR and read[0].ndim == 1:
        return _numbers([source] * len(read[0]), range(len(read[0])), read[0], _weights(model, layer, channel))
    if layer.op in (Op.MAX_POOL, Op.AVG_POOL) and window:
        return _pool(window, read[0], source, channel, (row, column))
    if layer.op in COPIES:
        index, before, place = copied_from(layer, channel, (row, column))
        return _taken(seen[index], index, before, place)
    if layer.op in SUMS and len(read) == 2:
        scale = layer.parts[0].scale
        numbers = [summand[channel, row, column] for summand in read]
        scales = [1.0, 1.0 if scale is None else scale]
        return _numbers(layer.inputs, [channel] * 2, numbers, scales, (row, column), read[0].shape[1:])
    if layer.op in (Op.BATCH_NORM, Op.RELU):
        return _taken(read[0], source, channel, (row, column))
    if layer.op == Op.L2_NORMALIZE:
        norm = max(float(np.linalg.norm(read[0].astype(np.float64))), SHORTEST)
        return _numbers([source], [channel], [read[0][channel]], [1 / norm])
    sentence = _("{layer}: how {operation} makes a number is not written down here.")
    raise CellError(sentence.format(layer=layer.path, operation=layer.op))


def copied_from(layer: Layer, channel: int, cell: Pair) -> tuple[int, int, Pair]:
    """Which layer that one of `COPIES` reads has the number of a cell: its index, and the channel and cell there."""
    if layer.op == Op.CONCAT:
        ends = np.cumsum([shape[0] for shape in layer.in_shapes])
        which = int(np.searchsorted(ends, channel, side="right"))
        return layer.inputs[which], channel - int(ends[which]) + layer.in_shapes[which][0], cell
    if layer.op == Op.FLATTEN and len(layer.in_shapes[0]) == 3:
        before, row, column = (int(axis) for axis in np.unravel_index(channel, layer.in_shapes[0]))
        return layer.inputs[0], before, (row, column)
    return layer.inputs[0], channel, cell


def _weights(model: nn.Module, layer: Layer, channel: int) -> Array:
    """The filter of one output channel of a convolution, or the row of one output of a linear layer."""
    weight = model.get_submodule(layer.parts[0].path).weight
    assert isinstance(weight, Tensor)
    array: Array = weight[channel].detach().double().cpu().numpy()
    return array


def _convolution(kernels: Array, read: NDArray[np.float32], layer: Layer, channel: int, cell: Pair) -> Products:
    """kernels: (C, height, width), of the filter's group."""
    window, count = layer.window, len(kernels)
    assert window is not None
    first = channel // (layer.out_shape[0] // layer.parts[0].groups) * count
    rows, columns = _places(window, cell)
    patches = _patches(read[first : first + count], rows, columns, 0.0)
    return Products(
        np.full(count, layer.inputs[0]), np.arange(first, first + count), patches, kernels, rows, columns, window.grid
    )


def _pool(window: Window, read: NDArray[np.float32], source: int, channel: int, cell: Pair) -> Products:
    """A max pool takes the first of the largest cells; an average pool counts padding or not, as it is built."""
    rows, columns = _places(window, cell)
    largest = window.filling == "minus infinity"
    patch = _patches(read[channel : channel + 1], rows, columns, np.nan if largest else 0.0)
    if largest:
        kernel = np.zeros(patch.shape)
        kernel.flat[np.where(np.isnan(patch), -np.inf, patch).argmax()] = 1.0
    else:
        counted = _patches(np.ones((1, *window.grid)), rows, columns, float(window.filling == "zeros"))
        # Neither counts what lies beyond grid and padding, where `ceil_mode` lets a window reach over the edge.
        counted *= _within(rows, window.grid[0], window.pad[:2])[:, None] * _within(
            columns, window.grid[1], window.pad[2:]
        )
        kernel = counted / counted.sum()
    return Products(np.array([source]), np.array([channel]), patch, kernel, rows, columns, window.grid)


def _places(window: Window, cell: Pair) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The rows and columns of the grid that a cell's window reads."""
    rows, columns = (
        tuple(slide.starts[place] + slide.dilation * tap for tap in range(slide.kernel))
        for slide, place in zip(slides(window), cell, strict=True)
    )
    return rows, columns


def _patches(read: NDArray[np.floating], rows: Sequence[int], columns: Sequence[int], padding: float) -> Array:
    """(C, rows, columns) of (C, H, W), with padding outside of it."""
    found = np.full((len(read), len(rows), len(columns)), padding)
    height, width = read.shape[1:]
    down = [i for i, row in enumerate(rows) if 0 <= row < height]
    across = [i for i, column in enumerate(columns) if 0 <= column < width]
    found[:, down[0] : down[-1] + 1, across[0] : across[-1] + 1] = read[
        :, [[rows[i]] for i in down], [columns[i] for i in across]
    ]
    return found


def _within(places: Sequence[int], size: int, pad: Sequence[int]) -> NDArray[np.bool_]:
    return np.array([-pad[0] <= place < size + pad[1] for place in places])


def _taken(read: NDArray[np.float32], source: int, channel: int, cell: Pair) -> Products:
    """One number as it is."""
    number = read[channel] if read.ndim == 1 else read[channel, *cell]
    return _numbers([source], [channel], [number], [1.0], cell, read.shape[1:])


def _numbers(
    sources: Sequence[int],
    channels: Sequence[int],
    numbers: Sequence[float] | NDArray[np.float32],
    weights: Sequence[float] | Array,
    cell: Pair = (0, 0),
    grid: Sequence[int] = (),
) -> Products:
    """Numbers of one cell, each with its weight."""
    patches, kernels = (np.asarray(values, dtype=np.float64)[:, None, None] for values in (numbers, weights))
    height, width = grid or (1, 1)
    return Products(np.array(sources), np.array(channels), patches, kernels, (cell[0],), (cell[1],), (height, width))
