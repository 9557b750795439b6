"""What a cell can see: the exact receptive field of one cell, and where in it the cell really looks.

The exact field is the box of pixels on which the cell can depend; the trace knows it. How much it depends on each of
them is the gradient of the cell's response (Luo, Li, Urtasun and Zemel 2016, *Understanding the Effective Receptive
Field in Deep Convolutional Neural Networks*): far less at the edge of the box than in the middle, because few paths
lead there.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch
from PIL import Image, ImageDraw
from torch import Tensor

from ..graph.layer import Layer
from ..graph.layer_graph import LayerGraph
from ..runtime.predictor import Predictor
from ..runtime.private_copy import private_copy
from ..runtime.progress import Progress, no_progress
from ..text import running_text, shape_text
from ..views.kinds import FACTORISED, LINEAR
from ..words import _
from .cell_error import CellError, check_cell
from .inside import Array, check_size
from .maps import lay_over
from .record import steps_of

MAX_PICTURES = 64
MARGIN = 0.25  # of the picture's side, how much of a field outside the picture is drawn
CLIPPED = 0.5  # percent of the pixels that may lie beyond the colours of the gradient
LINE = 3  # pixels of the frame
BEYOND = "#e6e6e6"  # outside picture and field


@dataclass(frozen=True)
class Box:
    """Pixels of a picture, rows `top` to `bottom` and columns `left` to `right`, the ends not included.

    What is negative or beyond the picture lies on the zeros that convolutions add.
    """

    top: int
    left: int
    bottom: int
    right: int

    @property
    def size(self) -> tuple[int, int]:
        """(height, width)."""
        return self.bottom - self.top, self.right - self.left

    @property
    def center(self) -> tuple[float, float]:
        """(row, column) of the middle; a half where it is between two pixels."""
        return (self.top + self.bottom - 1) / 2, (self.left + self.right - 1) / 2

    def within(self, height: int, width: int) -> "Box":
        """The part on a picture of that size."""
        return Box(max(0, self.top), max(0, self.left), min(height, self.bottom), min(width, self.right))


@dataclass(frozen=True)
class CellField:
    """Where one cell of a layer looks."""

    layer: Layer
    cell: tuple[int, int]  # row and column, from 0
    channel: int | None  # whose response it is; None for the sum of all channels
    box: Box  # its exact receptive field
    # (H, W): the absolute gradient of the response at each pixel, summed over the colours and averaged over the
    # pictures; 0 outside the box.
    gradient: Array

    def shares(self) -> pd.DataFrame:
        """How much of the gradient lies in squares around the middle of the box: columns side (pixels) and share.

        One row for each square, up to that which holds the whole picture. Empty where there is no gradient.
        """
        height, width = self.gradient.shape
        row, column = self.box.center
        rows, columns = np.abs(np.arange(height) - row), np.abs(np.arange(width) - column)
        sides = (2 * np.maximum(rows[:, None], columns[None]) + 1).astype(int)
        held = np.bincount(sides.ravel(), weights=self.gradient.ravel().astype(np.float64))
        present = np.unique(sides)
        total = held.sum()
        if not total:
            present = present[:0]
        return pd.DataFrame({"side": present, "share": held[present].cumsum() / (total or 1)})

    def side_holding(self, share: float) -> int | None:
        """Pixels of a side of the smallest square around the middle that holds that share; None without gradient."""
        table = self.shares()
        enough = table["side"][table["share"] >= share - 1e-9]
        return int(enough.iloc[0]) if len(enough) else None

    @property
    def meaning(self) -> str:
        """Both fields in one sentence."""
        height, width = self.gradient.shape
        part = self.box.within(height, width).size
        side = self.side_holding(0.95)
        if side is None:
            sentence = _(
                "The cell can depend on {whole} px, of which {part} px are on the picture; on these pictures it "
                "depends on none (it is at 0)."
            )
        else:
            sentence = _(
                "The cell can depend on {whole} px, of which {part} px are on the picture; 95 % of its gradient lies "
                "in the middle {side}x{side} px."
            )
        said = sentence.format(whole=shape_text(self.box.size), part=shape_text(part), side=side)
        if side is None or side <= min(height, width):
            return said
        return running_text(
            said, _("That square is wider than the picture, {size} px.").format(size=f"{height}x{width}")
        )


def field_box(graph: LayerGraph, layer: Layer, cell: tuple[int, int]) -> Box:
    """The exact receptive field of the cell in (row, column), from 0; raises CellError where there is none."""
    field = graph.receptive_fields[layer.index]
    if field is None or len(layer.out_shape) != 3:
        sentence = _("{layer} has no grid of cells that each see a part of the picture.")
        raise CellError(sentence.format(layer=layer.path))
    check_cell(layer, 0, *cell)
    top, left = (field.offset[axis] + field.stride[axis] * cell[axis] for axis in (0, 1))
    return Box(top, left, top + field.size[0], left + field.size[1])


def growing_layers(graph: LayerGraph) -> list[Layer]:
    """The layers with a grid of cells whose field is larger than that of every layer before them, in order of depth."""
    found, largest = [], 1
    for layer in graph.layers:
        field = graph.receptive_fields[layer.index]
        if field and len(layer.out_shape) == 3 and max(field.size) > largest:
            found.append(layer)
            largest = max(field.size)
    return found


def cell_field(
    predictor: Predictor,
    pictures: Sequence[Image.Image],
    graph: LayerGraph,
    layer: Layer,
    cell: tuple[int, int],
    channel: int | None = None,
    progress: Progress = no_progress,
) -> CellField:
    """Where the cell in (row, column) of a layer looks on prepared pictures, 1 to 64, e.g. `noise_pictures`.

    graph: the trace at the pictures' size. progress: called with pictures done and all pictures, after each and out of
    turn; what it raises ends the work.
    Raises CellError, InsideError for pictures of another size than the graph's, OutOfMemory.
    """
    box = field_box(graph, layer, cell)
    check_cell(layer, channel or 0, *cell)
    if not 1 <= len(pictures) <= MAX_PICTURES:
        sentence = _("There must be 1 to {most} pictures, not {count}.")
        raise CellError(sentence.format(most=MAX_PICTURES, count=len(pictures)))
    for picture in pictures:
        check_size(picture, graph)
    model = private_copy(predictor)
    outputs: list[Tensor] = []
    model.get_submodule(layer.parts[-1].path).register_forward_hook(lambda _m, _inputs, out: outputs.append(out))
    gradient = np.zeros(graph.input_size)
    for done, picture in enumerate(pictures, 1):
        with predictor.turn():
            pixels = x = predictor.to_input(picture).float().requires_grad_()
            for step in steps_of(model):  # only up to the layer: what comes later does not change its response
                x = step(x)
                if outputs:
                    break
            response = outputs.pop()[0, :, *cell]
            total = response.sum() if channel is None else response[channel]
            (slope,) = torch.autograd.grad(total, pixels)
        gradient += slope[0].abs().sum(dim=0).cpu().numpy()
        progress(done, len(pictures))
    return CellField(layer, cell, channel, box, (gradient / len(pictures)).astype(np.float32))


def noise_pictures(size: tuple[int, int], count: int) -> list[Image.Image]:
    """Pictures of `size` (height, width) of uniform noise, the same ones each time."""
    random = np.random.default_rng(0)
    return [Image.fromarray(random.integers(0, 256, (*size, 3), dtype=np.uint8)) for _picture in range(count)]


def draw_field(prepared: Image.Image, field: CellField, scale: int = 2, opacity: float = 0.6) -> Image.Image:
    """The field of a cell on a prepared picture, `scale` times as large.

    A frame around the exact field; in it the gradient, bright where it is large; a dashed square that holds 95 % of it
    and a cross in its middle. The picture outside the field is pale. Where the field leaves the picture, the part
    outside is tinted, up to a quarter of the picture's side; a frame that reaches further stays open there.
    """
    width, height = prepared.size
    box, inner = field.box, field.box.within(height, width)
    margin = math.ceil(MARGIN * max(width, height))
    left, top = (min(margin, max(0, -start)) for start in (box.left, box.top))
    right, bottom = (min(margin, max(0, end - side)) for end, side in ((box.right, width), (box.bottom, height)))
    high = float(np.percentile(field.gradient[field.gradient > 0], 100 - CLIPPED)) if field.gradient.any() else 0.0
    seen = lay_over(prepared, field.gradient, 0, high, opacity=opacity)
    picture = Image.blend(prepared, Image.new("RGB", prepared.size, "white"), 0.6)
    corners = (inner.left, inner.top, inner.right, inner.bottom)
    picture.paste(seen.crop(corners), corners[:2])

    canvas = Image.new("RGB", (left + width + right, top + height + bottom), BEYOND)
    draw = ImageDraw.Draw(canvas)
    draw.rectangle((box.left + left, box.top + top, box.right + left - 1, box.bottom + top - 1), FACTORISED.tint)
    canvas.paste(picture, (left, top))
    canvas = canvas.resize((canvas.width * scale, canvas.height * scale), Image.Resampling.NEAREST)

    def at(row: float, column: float) -> tuple[float, float]:
        """(x, y) on the canvas of a corner between pixels."""
        return (column + left) * scale, (row + top) * scale

    draw = ImageDraw.Draw(canvas)
    (x, y), (x_end, y_end) = at(box.top, box.left), at(box.bottom, box.right)
    draw.rectangle((x - LINE, y - LINE, x_end + LINE - 1, y_end + LINE - 1), outline=FACTORISED.color, width=LINE)
    row, column = (middle + 0.5 for middle in box.center)
    side = field.side_holding(0.95)
    if side is not None:
        _dashed(draw, at(row - side / 2, column - side / 2), at(row + side / 2, column + side / 2))
    x, y = at(row, column)
    arm = min(6, scale * min(box.size) / 8)
    for line in ((x - arm, y, x + arm, y), (x, y - arm, x, y + arm)):
        draw.line(line, LINEAR.color, 2)
    return canvas


def _dashed(draw: ImageDraw.ImageDraw, start: tuple[float, float], end: tuple[float, float]) -> None:
    """A dashed rectangle."""
    (x, y), (x_end, y_end) = start, end
    dashes = [(a, y_, min(a + 6, x_end), y_) for y_ in (y, y_end) for a in np.arange(x, x_end, 12)]
    dashes += [(x_, a, x_, min(a + 6, y_end)) for x_ in (x, x_end) for a in np.arange(y, y_end, 12)]
    for dash in dashes:
        draw.line(dash, LINEAR.color, 2)
