"""Why a layer's output has its shape, and why the layer has so many parameters and multiply-accumulates.

Formulas are LaTeX that KaTeX can set (`st.latex`), with the layer's own numbers; sentences are plain text. Every number
is read from the traced `Layer`. `playground` answers the same question for any window, by TensorFlow's padding rule
and as PyTorch does it.
"""

from dataclasses import dataclass
from math import prod

from ..graph.layer import Layer, Part, Shape
from ..graph.op import SUMS, Op, is_pool
from ..graph.window import Slide, Window, slides
from ..text import and_list, counted, shape_text


# One layer
@dataclass(frozen=True)
class Count:
    """A number of the table and how it comes about."""

    total: int
    latex: str  # the sum; empty where there is nothing to count
    sentence: str  # the same in words


@dataclass(frozen=True)
class Explanation:
    """Why one layer's output has its shape."""

    formula: str  # LaTeX, height and width apart where they differ; empty where the shape just stays
    sentence: str  # the same in words
    zeros: str  # which rows and columns of zeros or other padding are added; empty without a window
    dropped: str  # which rows and columns of the input no window reads; empty without a window
    params: Count
    macs: Count


def why_this_shape(layer: Layer) -> Explanation:
    """Why a traced layer's output has its shape; of an operation that is not ours only the shapes are told."""
    formula, sentence = _shape(layer)
    zeros = _zeros(layer.window) if layer.window else ""
    dropped = _dropped(layer.window) if layer.window else ""
    return Explanation(formula, sentence, zeros, dropped, _params(layer), _macs(layer))


def _shape(layer: Layer) -> tuple[str, str]:
    """The formula in LaTeX, and the same as a sentence."""
    if layer.window:
        return _window_formula(layer.window), _window_sentence(layer, layer.window)
    inputs, out = layer.in_shapes, layer.out_shape
    if layer.op == Op.CONCAT and (joined := _concat(inputs, out)):
        return joined
    if layer.op in SUMS and len(inputs) > 1:
        return _sum(layer)
    if layer.op == Op.LINEAR:
        return _linear(layer)
    if layer.op == Op.FLATTEN and len(out) == 1 == len(inputs) and prod(inputs[0]) == out[0]:
        formula = rf"{_product(inputs[0])} = {out[0]}"
        return formula, f"The {shape_text(inputs[0])} numbers are put in one row of {out[0]:,}; none is changed."
    if is_pool(layer.op) and len(inputs) == 1 and inputs[0][0] == out[0]:
        return "", (
            f"An adaptive pool cuts the {shape_text(inputs[0][1:])} grid into {shape_text(out[1:])} windows that are "
            f"as equal as they can be; their sizes differ, and neighbours may share a row or column."
        )
    if inputs == (out,):
        return "", SHAPE_STAYS.get(layer.op, "The shape stays {shape}.").format(shape=shape_text(out))
    return "", f"{' + '.join(map(shape_text, inputs))} becomes {shape_text(out)}."


SHAPE_STAYS: dict[str, str] = {
    Op.BATCH_NORM: "Batch norm scales and shifts every channel as a whole, so the shape stays {shape}.",
    Op.DROPOUT: "Dropout sets random numbers to zero in training and does nothing otherwise; the shape stays {shape}.",
    Op.L2_NORMALIZE: "The vector is divided by its own length, so that it has length 1; the shape stays {shape}.",
    Op.RELU: "ReLU sets negative numbers to zero, each for itself, so the shape stays {shape}.",
}


def _window_formula(window: Window) -> str:
    rows, columns = (slide.formula for slide in slides(window))
    if rows == columns:
        return rf"\text{{height}} = \text{{width}} = {rows}"
    return rf"\begin{{aligned}} \text{{height}} &= {rows} \\ \text{{width}} &= {columns} \end{{aligned}}"


def _window_sentence(layer: Layer, window: Window) -> str:
    kernel, grid, out = shape_text(window.kernel), shape_text(window.grid), shape_text(window.out)
    channels = layer.out_shape[0]
    if is_pool(layer.op):
        result = "average" if layer.op == Op.AVG_POOL else "largest number"
        if window.kernel == window.grid and window.out == (1, 1):
            return (
                f"One window covers the whole {grid} grid and leaves one number of each of the {channels:,} channels, "
                f"the {result}: {shape_text(layer.out_shape)}."
            )
        makes = f"leaves the {result} of each, channel by channel: {channels:,} channels go in, {channels:,} come out"
    else:
        makes = f"each of the {channels:,} kernels makes one channel: {shape_text(layer.out_shape)}"
    gaps = f" with gaps, {shape_text(window.reach)} from end to end," if window.dilation != (1, 1) else ""
    rows, columns = slides(window)
    filling = _filling(window)
    if window.stride == (1, 1) and window.grid == window.out:
        if not any(window.pad):
            return f"A {kernel} window fits at every position, so the grid stays {grid}, and {makes}."
        added = [(rows.before + rows.after, "row"), (columns.before + columns.after, "column")]
        ring = and_list([counted(number, name) for number, name in added if number])
        return (
            f"At stride 1 the {kernel} window{gaps} has as many positions as the {grid} grid has cells, thanks to "
            f"the {ring} of {filling} around it, and {makes}."
        )
    if window.stride == (1, 1):
        start = "At stride 1"
    elif rows.stride == columns.stride:
        start = f"Moving {rows.stride} rows or columns at a time,"
    else:
        start = f"Moving {counted(rows.stride, 'row')} or {counted(columns.stride, 'column')} at a time,"
    padded = f", {shape_text(_padded(window))} with its {filling}," if any(window.pad) else ""
    return f"{start} the {kernel} window{gaps} fits the {grid} grid{padded} at {out} positions, and {makes}."


def _concat(inputs: tuple[Shape, ...], out: Shape) -> tuple[str, str] | None:
    """Formula and sentence of a concatenation; None where the inputs do not add up along one axis."""
    if any(len(shape) != len(out) for shape in inputs):
        return None
    for axis, name in enumerate(("channels", "rows", "columns")[: len(out)]):
        others = {shape[:axis] + shape[axis + 1 :] for shape in inputs}
        if others == {out[:axis] + out[axis + 1 :]} and sum(shape[axis] for shape in inputs) == out[axis]:
            total = " + ".join(str(shape[axis]) for shape in inputs)
            rest = "the grid must be and stays" if axis == 0 else "the other sizes must be and stay"
            kept = shape_text(out[:axis] + out[axis + 1 :])
            sentence = f"The {name} of the {len(inputs)} inputs add up, {total} = {out[axis]}"
            return f"{total} = {out[axis]}", f"{sentence}{f'; {rest} {kept}' if kept else ''}."
    return None


def _sum(layer: Layer) -> tuple[str, str]:
    inputs, out = layer.in_shapes, layer.out_shape
    scale = layer.parts[0].scale
    if layer.op == Op.RESIDUAL_SUM and scale is not None:
        names = [r"\text{shortcut}", r"\text{residual}"]
        factor = rf"{scale:g} \cdot "
    else:
        names, factor = [f"x_{{{i}}}" for i in range(1, len(inputs) + 1)], ""
    terms = [_labelled(name, _product(shape)) for name, shape in zip(names, inputs, strict=True)]
    formula = f"{_labelled('y', _product(out))} = {f' + {factor}'.join(terms)}"
    if any(shape != out for shape in inputs):
        return formula, f"The smaller one of {' and '.join(map(shape_text, inputs))} is repeated to {shape_text(out)}."
    then = ", then ReLU" if layer.parts[-1].op == Op.RELU else ""
    if factor:
        what = f"Number by number, shortcut + {scale:g} x residual{then}: both"
    else:
        what = f"The {len(inputs)} inputs are added number by number{then}: all"
    return formula, f"{what} must be {shape_text(out)}, and so is the sum."


def _linear(layer: Layer) -> tuple[str, str]:
    part = layer.parts[0]
    inputs, outputs = part.in_shapes[0][-1], part.out_shape[-1]
    bias = part.params > inputs * outputs
    formula = (
        f"{_labelled('y', str(outputs))} = {_labelled('W', _product((outputs, inputs)))} "
        rf"\cdot {_labelled('x', str(inputs))}"
    )
    if bias:
        formula += f" + {_labelled('b', str(outputs))}"
    end = "plus a bias" if bias else "without a bias"
    return formula, f"Each of the {outputs:,} outputs is a weighted sum of all {inputs:,} inputs, {end}."


# Zeros and losses of a window
def _zeros(window: Window) -> str:
    if not any(window.pad):
        return "No zeros are added."
    rows, columns = slides(window)
    filling = _filling(window)
    if len(set(window.pad)) == 1:
        added = f"a ring of {filling}, {counted(rows.before, 'cell')} wide"
    else:
        sides = [
            (rows.before, "row", "at the top"),
            (rows.after, "row", "at the bottom"),
            (columns.before, "column", "on the left"),
            (columns.after, "column", "on the right"),
        ]
        added = and_list([f"{counted(number, name)} of {filling} {side}" for number, name, side in sides if number])
    unlike = UNLIKE_ZEROS.get(window.filling, "")
    return f"The grid grows from {shape_text(window.grid)} to {shape_text(_padded(window))}: {added}.{unlike}"


UNLIKE_ZEROS = {
    "minus infinity": " Padding of a max pool is minus infinity, so that it is never the largest.",
    "nothing": " It does not count: a window at the edge averages the cells of the grid alone.",
}


def _filling(window: Window) -> str:
    return "zeros" if window.filling == "zeros" else "padding"


def _padded(window: Window) -> tuple[int, ...]:
    return tuple(slide.size + slide.before + slide.after for slide in slides(window))


def _dropped(window: Window) -> str:
    left_over = "zeros are" if window.filling == "zeros" else "padding is"
    rows, columns = (_loss(slide, left_over) for slide in slides(window))
    if rows == columns:
        return rows.format(either="row or column", both="row and column", many="rows and columns")
    return (
        f"Rows: {rows.format(either='row', both='row', many='rows')} "
        f"Columns: {columns.format(either='column', both='column', many='columns')}"
    )


def _loss(slide: Slide, padding: str) -> str:
    """A sentence about one axis with {either}, {both} and {many} in place of its name."""
    zeros = f" + {slide.before} + {slide.after}" if slide.before or slide.after else ""
    division = f"({slide.size}{zeros} - {slide.reach}) mod {slide.stride} = {slide.left_over}"
    gaps = len(slide.unread) - slide.behind
    if gaps:
        jumps = f"Windows jump over {gaps} of {slide.size} {{many}}"
        if slide.behind:
            return f"{jumps}. {division}: no window reads the last {_last(slide.behind)} either."
        return f"{jumps}, the last {_last(slide.dropped)} among them." if slide.dropped else f"{jumps}."
    if slide.left_over < 0:
        return f"The last window reaches {-slide.left_over} over the edge, so no {{either}} is lost."
    if slide.out == 1 and slide.left_over == 0:
        return "The one window reads every {both}."
    if slide.stride == 1:
        return "The window stops at every {both}, so none is lost."
    if slide.behind:
        return f"{division}: no window reads the last {_last(slide.behind)}."
    if slide.left_over:
        return f"{division}, but only {padding} left over: no {{either}} is lost."
    return f"{division}, so no {{either}} is lost."


def _last(number: int) -> str:
    return "{both}" if number == 1 else f"{number} {{many}}"


# Parameters and multiply-accumulates
def _params(layer: Layer) -> Count:
    if not layer.params:
        if layer.macs:
            return Count(0, "", "Its weights are those of an earlier layer and are counted there.")
        return Count(0, "", "This layer adds no parameters.")
    terms = [term for part in layer.parts if part.params for term in _param_terms(part)]
    latex = " + ".join(term for term, _ in terms)
    words = "; ".join(words for _, words in terms)
    normalised = any(part.op == Op.BATCH_NORM for part in layer.parts[1:])
    remark = ""
    if normalised and layer.parts[0].weights:
        if layer.parts[0].params > layer.parts[0].weights:
            remark = " The batch norm subtracts the bias again, so it could be left out."
        else:
            remark = " A bias is not needed, because the batch norm would subtract it again."
    return Count(layer.params, f"{latex} = {_number(layer.params)}", f"{words[0].upper()}{words[1:]}.{remark}")


def _param_terms(part: Part) -> list[tuple[str, str]]:
    """(LaTeX, words) of each summand."""
    weights = part.weights
    channels = part.out_shape[0]
    if part.op == Op.BATCH_NORM and part.params == 2 * channels:
        return [(rf"2 \times {channels}", f"a scale and a shift for each of the {channels:,} batch-norm channels")]
    outputs = channels if part.op == Op.CONV else part.out_shape[-1]
    bias = part.params - weights
    if not weights or bias not in (0, outputs):
        return [(_number(part.params), f"{part.params:,} of the {part.op}")]
    if part.op == Op.CONV and part.window:
        height, width = part.window.kernel
        inputs = weights // (outputs * height * width)
        groups = part.in_shapes[0][0] // inputs
        read = f", each reading one of {groups:,} groups of channels" if groups > 1 else ""
        words = f"{outputs:,} kernels of {inputs:,} x {height} x {width} weights (channels x height x width){read}"
        terms = [(rf"{outputs} \times ({_product((inputs, height, width))})", words)]
    else:
        terms = [(_product((outputs, part.in_shapes[0][-1])), f"{outputs:,} x {part.in_shapes[0][-1]:,} weights")]
    if bias:
        terms.append((str(outputs), f"a bias for each of the {outputs:,} outputs"))
    return terms


def _macs(layer: Layer) -> Count:
    if not layer.macs:
        return Count(0, "", "MACs are counted for convolutions and linear layers only.")
    part = layer.parts[0]
    positions = part.out_shape[1:] if part.op == Op.CONV else part.out_shape[:-1]
    weights = part.weights
    if weights * prod(positions) != layer.macs:  # such as attention, or a transposed convolution
        return Count(layer.macs, _number(layer.macs), "Half of what PyTorch's own FLOP counter says.")
    if not positions:
        latex = f"{_product((part.out_shape[-1], part.in_shapes[0][-1]))} = {_number(layer.macs)}"
        return Count(layer.macs, latex, f"Each of the {weights:,} weights is used once.")
    return Count(
        layer.macs,
        rf"{_number(weights)} \times ({_product(positions)}) = {_number(layer.macs)}",
        f"Each of the {weights:,} weights is used once at each of the {shape_text(positions)} output positions.",
    )


def _product(sizes: tuple[int, ...]) -> str:
    return r" \times ".join(map(str, sizes))


def _number(value: int) -> str:
    """The number with commas for thousands, in braces so that LaTeX sets no space after them."""
    return f"{value:,}".replace(",", "{,}")


def _labelled(symbol: str, size: str) -> str:
    return rf"\underset{{{size}}}{{{symbol}}}"
