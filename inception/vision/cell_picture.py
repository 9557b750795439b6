"""The arithmetic of one cell as a picture to print: patch x kernel = products, channel by channel, and the steps."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from ..paths import FONT
from ..text import wrapped
from ..views.kinds import LINEAR, SQUARE
from ..words import _, ngettext
from .cell_arithmetic import CellArithmetic, Term
from .cell_text import brief, channel_name, meaning, place_name, short, source_name, step_text

WIDTH, MARGIN = 1100, 48  # pixels, as are the next ones
TITLE, TEXT, NUMBER = 34, 24, 19
CELL, GAP = (76, 44), 36  # width and height of a cell of a patch; what is between two grids
LINE = 40
LETTERS = 80  # in a line of text
STRONGEST = 0.55  # how much of the sign's colour the largest number of a grid has
NEGATIVE, POSITIVE = SQUARE.color, LINEAR.color

Array = NDArray[np.float64]


def tint(value: float, largest: float) -> float:
    """How much of its sign's colour a number gets, where `largest` gets most."""
    return STRONGEST * min(1.0, abs(value) / largest) if largest and np.isfinite(value) else 0.0


def draw_arithmetic(found: CellArithmetic) -> Image.Image:
    """The sum of products behind a cell on white, 1100 pixels wide, with the channels that give most."""
    canvas = Image.new("RGB", (WIDTH, _height(found)), "white")
    pen = _Pen(canvas)
    where = _("channel {channel}, row {row}, column {column}: {value}").format(
        channel=found.channel, row=found.row, column=found.column, value=short(found.value)
    )
    pen.line(f"{found.model} · {place_name(found.layer)}", TITLE)
    pen.line(where, TITLE)
    for text in wrapped(meaning(found), LETTERS):
        pen.line(text, TEXT)
    for term in found.terms:
        pen.y += GAP // 2
        source = f"{channel_name(found.graph, term.source, term.channel)}, {source_name(found.graph, term.source)}"
        pen.line(source, TEXT)
        _draw_term(pen, found, term)
    pen.y += GAP // 2
    for text in steps_of(found):
        pen.line(text, TEXT)
    return canvas


def steps_of(found: CellArithmetic) -> list[str]:
    """The way from the channels to the number, a line a step."""
    lines = []
    if found.others:
        sentence = ngettext("the other channel: {rest}", "the other {count:,} channels together: {rest}", found.others)
        lines.append(sentence.format(count=found.others, rest=short(found.rest, signed=True)))
    lines.append(_("{name} = {value}").format(name=_(found.steps[0].name), value=short(found.steps[0].value)))
    for number, step in enumerate(found.steps[1:], 1):
        lines.append(_("{name} = {value}").format(name=step_text(found, number), value=short(step.value)))
    return lines


def grids_of(found: CellArithmetic, term: Term) -> tuple[Array, Array, Array]:
    """Patch, kernel and products of one channel."""
    products = found.products
    return products.patches[term.place], products.kernels[term.place], products.products[term.place]


def stacked(grid: tuple[int, ...]) -> bool:
    """Whether grids of this shape stand one below the other: rows like those of a 1x7."""
    return grid[0] == 1 and grid[1] > 3


def _height(found: CellArithmetic) -> int:
    grid = found.products.patches.shape[1:]
    one = LINE + GAP // 2 + CELL[1] * (3 if stacked(grid) else grid[0]) + (16 if stacked(grid) else 8)
    lines = len(wrapped(meaning(found), LETTERS)) + len(steps_of(found))
    return 2 * MARGIN + 2 * (LINE + 10) + LINE * lines + one * len(found.terms) + GAP


class _Pen:
    """Writes from the top down."""

    def __init__(self, canvas: Image.Image):
        self.draw = ImageDraw.Draw(canvas)
        self.y = MARGIN

    def line(self, text: str, size: int) -> None:
        self.write(text, MARGIN, self.y, size)
        self.y += LINE + (10 if size == TITLE else 0)

    def write(self, text: str, x: float, y: float, size: int, anchor: str = "la") -> None:
        self.draw.text((x, y), text, "#111111", ImageFont.truetype(str(FONT), size), anchor=anchor)


def _draw_term(pen: _Pen, found: CellArithmetic, term: Term) -> None:
    grids = grids_of(found, term)
    height, width = grids[0].shape
    wide = stacked(grids[0].shape)
    size = CELL if width <= 7 else (CELL[0] * 7 // width, CELL[1])
    x, y = float(MARGIN), float(pen.y)
    for grid, sign in zip(grids, ("", "×", "="), strict=True):
        x = MARGIN + 28 if wide else x
        if sign:
            pen.write(sign, x - 18, y + size[1] * height / 2, TEXT, "mm")
        _draw_grid(pen, found, grid, x, y, size, sign)
        if wide:
            y += size[1] + 4
        else:
            x += size[0] * width + GAP
    at = (x + size[0] * width + 12, y - size[1] / 2 - 4) if wide else (x - GAP + 12, y + size[1] * height / 2)
    if grids[0].size > 1:
        pen.write("→ " + short(term.value, signed=True), at[0], at[1], TITLE, "lm")
    pen.y = round(y if wide else y + size[1] * height) + 4


def _draw_grid(
    pen: _Pen, found: CellArithmetic, grid: Array, x: float, y: float, size: tuple[int, int], sign: str
) -> None:
    largest = float(np.nanmax(np.abs(grid), initial=0))
    for (row, column), value in np.ndenumerate(grid):
        left, top = x + column * size[0], y + row * size[1]
        padding = not sign and not found.products.on_grid(row, column)
        ground = Image.new("RGB", (1, 1), "white")
        colour = Image.new("RGB", (1, 1), NEGATIVE if value < 0 else POSITIVE)
        fill = Image.blend(ground, colour, tint(value, largest)).getpixel((0, 0))
        pen.draw.rectangle((left, top, left + size[0] - 3, top + size[1] - 3), fill, "#c0c0c0")
        text = "·" if padding else brief(float(value))
        pen.write(text, left + size[0] / 2 - 1, top + size[1] / 2 - 1, NUMBER, "mm")
