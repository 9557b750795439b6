"""The arithmetic of one cell in words: numbers as short as they are read, names of sources, and one sentence."""

import numpy as np

from ..graph.layer import Layer
from ..graph.layer_graph import LayerGraph
from ..graph.op import SUMS, Op
from ..text import and_list, running_text
from ..words import N_, _, ngettext
from .cell_arithmetic import SUM, CellArithmetic

MINUS = "\u2212"
COLORS = (N_("red"), N_("green"), N_("blue"))  # channels of the picture


def short(value: float, signed: bool = False) -> str:
    """Three digits of a number: 0.161, 3e-5, 1,020; with its sign always if `signed`, and a true minus."""
    if np.isnan(value):
        return "–"
    size = abs(value)
    if size == 0:
        return "0"
    text = f"{size:.0e}".replace("e-0", "e-") if size < 5e-4 else f"{size:.3g}" if size < 1000 else f"{size:,.0f}"
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return (MINUS if value < 0 else "+" if signed else "") + text


def brief(value: float) -> str:
    """A number for a narrow cell: as `short`, but never more than three decimals."""
    rounded = round(value, 3)
    return short(rounded if rounded else value)


def source_name(graph: LayerGraph, index: int) -> str:
    """What a channel is from: the picture, or a layer under its names in TF-Slim."""
    return place_name(graph.layers[index - 1]) if index else _("the picture")


def place_name(layer: Layer) -> str:
    """Block35_1 · Branch_0 · Conv2d_1x1."""
    return " · ".join(name for name in (layer.block, layer.branch, layer.layer) if name)


def channel_name(graph: LayerGraph, source: int, channel: int) -> str:
    """Channel 25; of a picture in colours the name of the colour."""
    if not source and graph.input_shape[0] == len(COLORS):
        return _(COLORS[channel])
    return _("channel {number}").format(number=channel)


def step_text(found: CellArithmetic, number: int) -> str:
    """What a step after the first does, with its own numbers."""
    step = found.steps[number]
    if step.name == "batch norm":
        sentence = _("batch norm: × {scale} {shift}")
        return sentence.format(scale=short(step.scale), shift=short(step.shift, signed=True))
    if step.name == "bias":
        return _("bias: {shift}").format(shift=short(step.shift, signed=True))
    return _("ReLU: what is below 0 becomes 0") if found.steps[number - 1].value < 0 else _("ReLU: stays as it is")


def meaning(found: CellArithmetic) -> str:
    """One or two sentences on where the number comes from."""
    return running_text(_origin(found), _after(found)) if len(found.steps) > 1 else _origin(found)


def _origin(found: CellArithmetic) -> str:
    """How the first step comes about."""
    op, products, first = found.layer.op, found.products, found.steps[0].value
    source = source_name(found.graph, int(products.sources[0]))
    channel = int(products.channels[0])
    if found.steps[0].name == SUM and op not in SUMS:
        named = sum(term.value for term in found.terms)
        if not found.others:
            return ngettext(
                "Its one input channel gives a sum of {sum}.",
                "Its {count} input channels give a sum of {sum}.",
                len(products.channels),
            ).format(count=len(products.channels), sum=short(first))
        sentence = _("{some} of its {count:,} input channels give {part} of a sum of {sum}; the others give {rest}.")
        return sentence.format(
            some=len(found.terms), count=len(products.channels), part=short(named), sum=short(first),
            rest=short(found.rest),
        )  # fmt: skip
    if op == Op.MAX_POOL:
        row, column = (
            int(place) for place in np.unravel_index(products.kernels[0].argmax(), products.kernels[0].shape)
        )
        sentence = _("{value} in row {row}, column {column} is the largest of the {count} cells that the window reads.")
        return sentence.format(
            value=short(first), row=products.rows[row], column=products.columns[column],
            count=int((~np.isnan(products.patches)).sum()),
        )  # fmt: skip
    if op == Op.AVG_POOL:
        counted = int((products.kernels > 0).sum())
        padding = int(sum(not products.on_grid(*place) for place in np.ndindex(products.kernels[0].shape)))
        sentence = _("It is the mean of {count} cells.")
        if padding:
            sentence = _("It is the mean of the {count} cells on the grid; the {padding} of padding do not count.")
            if products.kernels.all():
                sentence = _("It is the mean of {count} cells; {padding} of them are padding, and count as 0.")
        return sentence.format(count=counted, padding=padding)
    if op in SUMS:
        shortcut, residual = products.patches.ravel()
        sentence = _("The shortcut has {shortcut}, and the block adds {scale} × {residual}.")
        return sentence.format(
            shortcut=short(shortcut), scale=short(products.kernels.ravel()[1]), residual=short(residual)
        )
    if op == Op.L2_NORMALIZE:
        sentence = _("{value} is divided by {norm}, the length of the whole vector, whose length is 1 then.")
        return sentence.format(value=short(products.patches.item()), norm=short(1 / products.kernels.item()))
    if op == Op.DROPOUT:
        return _("It is handed on as it is: dropout leaves out numbers in training only.")
    sentence = _("It is channel {channel} of {source}, handed on as it is.")
    return sentence.format(channel=channel, source=source)


def _after(found: CellArithmetic) -> str:
    """What the steps after the first make of it."""
    names = {"bias": _("the bias"), "batch norm": _("batch norm"), "relu": _("ReLU")}
    sentence = _("{steps} make {value} of it.")
    if len(found.steps) == 2:
        sentence = _("{steps} makes {value} of it.")
    text = sentence.format(steps=and_list([names[step.name] for step in found.steps[1:]]), value=short(found.value))
    return text[:1].upper() + text[1:]
