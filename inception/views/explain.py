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
from ..text import and_list, running_text, shape_text
from ..words import N_, _, ngettext


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
    terms: str  # LaTeX, what the numbers of a window's formula are called; empty without a window
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
    terms = _window_terms(layer.window) if layer.window else ""
    return Explanation(formula, terms, sentence, zeros, dropped, _params(layer), _macs(layer))


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
        sentence = _("The {shape} numbers are put in one row of {count:,}; none is changed.")
        return formula, sentence.format(shape=shape_text(inputs[0]), count=out[0])
    if is_pool(layer.op) and len(inputs) == 1 and inputs[0][0] == out[0]:
        sentence = _(
            "An adaptive pool cuts the {grid} grid into {windows} windows of sizes as equal as can be. Neighbours may "
            "share a row or column."
        )
        return "", sentence.format(grid=shape_text(inputs[0][1:]), windows=shape_text(out[1:]))
    if inputs == (out,):
        return "", _(SHAPE_STAYS.get(layer.op, ANY_SHAPE_STAYS)).format(shape=shape_text(out))
    sentence = _("{inputs} becomes {output}.")
    return "", sentence.format(inputs=" + ".join(map(shape_text, inputs)), output=shape_text(out))


SHAPE_STAYS: dict[str, str] = {
    Op.BATCH_NORM: N_("Batch norm scales and shifts every channel as a whole, so the shape stays {shape}."),
    Op.DROPOUT: N_(
        "In training dropout sets random numbers to zero; otherwise it does nothing. The shape stays {shape}."
    ),
    Op.L2_NORMALIZE: N_("The vector is divided by its own length, so that its length is 1. The shape stays {shape}."),
    Op.RELU: N_("ReLU sets each negative number to zero, so the shape stays {shape}."),
}
ANY_SHAPE_STAYS = N_("The shape stays {shape}.")


def _window_formula(window: Window) -> str:
    rows, columns = (slide.formula for slide in slides(window))
    height, width = _("height"), _("width")
    if rows == columns:
        return rf"\text{{{height}}} = \text{{{width}}} = {rows}"
    return rf"\begin{{aligned}} \text{{{height}}} &= {rows} \\ \text{{{width}}} &= {columns} \end{{aligned}}"


def _window_terms(window: Window) -> str:
    """The formula of a window with names in place of numbers."""
    rows, columns = (_named(slide) for slide in slides(window))
    if rows == columns:
        output = _("output")
        return rf"\text{{{output}}} = {rows}"
    height, width = _("height"), _("width")
    return rf"\begin{{aligned}} \text{{{height}}} &= {rows} \\ \text{{{width}}} &= {columns} \end{{aligned}}"


def _named(slide: Slide) -> str:
    size, padding, kernel, stride = (
        rf"\text{{{name}}}" for name in (_("size"), _("padding"), _("kernel"), _("stride"))
    )
    if slide.dilation != 1:
        dilation = _("dilation")
        kernel = rf"(\text{{{dilation}}} \cdot ({kernel} - 1) + 1)"
    side = "floor" if slide.left_over >= 0 else "ceil"  # as in `Slide.formula`
    return rf"\left\l{side} \frac{{{size} + {padding} - {kernel}}}{{{stride}}} \right\r{side} + 1"


def _window_sentence(layer: Layer, window: Window) -> str:
    if is_pool(layer.op) and window.kernel == window.grid and window.out == (1, 1):
        if layer.op == Op.AVG_POOL:
            sentence = _(
                "One window covers the whole {grid} grid. Of each of the {channels:,} channels it leaves one number, "
                "the average: {shape}."
            )
        else:
            sentence = _(
                "One window covers the whole {grid} grid. Of each of the {channels:,} channels it leaves one number, "
                "the largest: {shape}."
            )
        channels = layer.out_shape[0]
        return sentence.format(grid=shape_text(window.grid), channels=channels, shape=shape_text(layer.out_shape))
    sentences = [_positions(window), _channels(layer)]
    if window.dilation != (1, 1):
        sentences.insert(
            0, _("With its gaps the window is {reach} from end to end.").format(reach=shape_text(window.reach))
        )
    return running_text(*sentences)


def _positions(window: Window) -> str:
    """At how many positions the window fits, and why."""
    kernel, grid, out = shape_text(window.kernel), shape_text(window.grid), shape_text(window.out)
    rows, columns = slides(window)
    zeros = window.filling == "zeros"
    if window.stride == (1, 1) and window.grid == window.out:
        if not any(window.pad):
            sentence = _("A {kernel} window fits at every position, so the grid stays {grid}.")
            return sentence.format(kernel=kernel, grid=grid)
        added = and_list(_rows_and_columns(rows.before + rows.after, columns.before + columns.after))
        if zeros:
            sentence = _(
                "At stride 1 the {kernel} window has as many positions as the {grid} grid has cells, thanks to the "
                "{added} of zeros around it."
            )
        else:
            sentence = _(
                "At stride 1 the {kernel} window has as many positions as the {grid} grid has cells, thanks to the "
                "{added} of padding around it."
            )
        return sentence.format(kernel=kernel, grid=grid, added=added)
    if window.stride == (1, 1):
        sentence = _("At stride 1 the {kernel} window fits the {grid} grid at {out} positions.")
    elif rows.stride == columns.stride:
        sentence = _(
            "Moving {stride} rows or columns at a time, the {kernel} window fits the {grid} grid at {out} positions."
        )
    else:
        sentence = _("Moving {steps} at a time, the {kernel} window fits the {grid} grid at {out} positions.")
    steps = _("{rows} or {columns}")
    by_row, by_column = _rows_and_columns(rows.stride, columns.stride)
    moves = sentence.format(
        kernel=kernel,
        grid=shape_text(_padded(window)),
        out=out,
        stride=rows.stride,
        steps=steps.format(rows=by_row, columns=by_column),
    )
    if not any(window.pad):
        return moves
    grows = (
        _("With its zeros the {grid} grid is {padded}.")
        if zeros
        else _("With its padding the {grid} grid is {padded}.")
    )
    return running_text(grows.format(grid=grid, padded=shape_text(_padded(window))), moves)


def _rows_and_columns(rows: int, columns: int) -> list[str]:
    """As in "2 rows" and "1 column"; nothing of what there is none of."""
    counted = [
        ngettext("{count} row", "{count} rows", rows).format(count=rows),
        ngettext("{count} column", "{count} columns", columns).format(count=columns),
    ]
    return [text for text, number in zip(counted, (rows, columns), strict=True) if number]


def _channels(layer: Layer) -> str:
    """What becomes of the channels under a window."""
    channels = layer.out_shape[0]
    if not is_pool(layer.op):
        sentence = ngettext(
            "The one kernel makes one channel: {shape}.",
            "Each of the {channels:,} kernels makes one channel: {shape}.",
            channels,
        )
    elif layer.op == Op.AVG_POOL:
        sentence = _(
            "It leaves the average of each window, channel by channel: {channels:,} channels go in, {channels:,} "
            "come out."
        )
    else:
        sentence = _(
            "It leaves the largest number of each window, channel by channel: {channels:,} channels go in, "
            "{channels:,} come out."
        )
    return sentence.format(channels=channels, shape=shape_text(layer.out_shape))


CONCATENATED = (
    N_("The channels of the {count} inputs add up, {total} = {sum}. All inputs have the same {kept} grid; it stays."),
    N_("The rows of the {count} inputs add up, {total} = {sum}. The other sizes, {kept}, are equal and stay."),
    N_("The columns of the {count} inputs add up, {total} = {sum}. The other sizes, {kept}, are equal and stay."),
)


def _concat(inputs: tuple[Shape, ...], out: Shape) -> tuple[str, str] | None:
    """Formula and sentence of a concatenation; None where the inputs do not add up along one axis."""
    if any(len(shape) != len(out) for shape in inputs):
        return None
    for axis, sentence in enumerate(CONCATENATED[: len(out)]):
        kept = out[:axis] + out[axis + 1 :]
        others = {shape[:axis] + shape[axis + 1 :] for shape in inputs}
        if others == {kept} and sum(shape[axis] for shape in inputs) == out[axis]:
            total = " + ".join(str(shape[axis]) for shape in inputs)
            text = _(sentence) if kept else _("The channels of the {count} inputs add up, {total} = {sum}.")
            return f"{total} = {out[axis]}", text.format(
                count=len(inputs), total=total, sum=out[axis], kept=shape_text(kept)
            )
    return None


def _sum(layer: Layer) -> tuple[str, str]:
    inputs, out = layer.in_shapes, layer.out_shape
    scale = layer.parts[0].scale
    if layer.op == Op.RESIDUAL_SUM and scale is not None:
        names = [rf"\text{{{name}}}" for name in (_("shortcut"), _("residual"))]
        factor = rf"{scale:g} \cdot "
    else:
        names, factor = [f"x_{{{i}}}" for i in range(1, len(inputs) + 1)], ""
    terms = [_labelled(name, _product(shape)) for name, shape in zip(names, inputs, strict=True)]
    formula = f"{_labelled('y', _product(out))} = {f' + {factor}'.join(terms)}"
    if any(shape != out for shape in inputs):
        sentence = _("The smaller one of {inputs} is repeated to {output}.")
        return formula, sentence.format(
            inputs=and_list([shape_text(shape) for shape in inputs]), output=shape_text(out)
        )
    rectified = layer.parts[-1].op == Op.RELU
    if factor and rectified:
        sentence = _(
            "Number by number it is shortcut + {scale:g} x residual, and then a ReLU. Shortcut and residual must both "
            "be {shape}, and so is the sum."
        )
    elif factor:
        sentence = _(
            "Number by number it is shortcut + {scale:g} x residual. Shortcut and residual must both be {shape}, and "
            "so is the sum."
        )
    elif rectified:
        sentence = _(
            "The {count} inputs are added number by number, and then comes a ReLU. All inputs must be {shape}, and so "
            "is the sum."
        )
    else:
        sentence = _("The {count} inputs are added number by number. All must be {shape}, and so is the sum.")
    return formula, sentence.format(scale=scale, count=len(inputs), shape=shape_text(out))


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
    if bias:
        sentence = _("Each of the {outputs:,} outputs is a weighted sum of all {inputs:,} inputs, plus a bias.")
    else:
        sentence = _("Each of the {outputs:,} outputs is a weighted sum of all {inputs:,} inputs, without a bias.")
    return formula, sentence.format(outputs=outputs, inputs=inputs)


# Zeros and losses of a window
def _zeros(window: Window) -> str:
    if not any(window.pad):
        return _("No zeros are added.")
    rows, columns = slides(window)
    zeros = window.filling == "zeros"
    sides = [
        ngettext("{count} row at the top", "{count} rows at the top", rows.before),
        ngettext("{count} row at the bottom", "{count} rows at the bottom", rows.after),
        ngettext("{count} column on the left", "{count} columns on the left", columns.before),
        ngettext("{count} column on the right", "{count} columns on the right", columns.after),
    ]
    if len(set(window.pad)) == 1 and zeros:
        sentence = ngettext(
            "The grid grows from {grid} to {padded}: a ring of zeros, {width} cell wide.",
            "The grid grows from {grid} to {padded}: a ring of zeros, {width} cells wide.",
            rows.before,
        )
    elif len(set(window.pad)) == 1:
        sentence = ngettext(
            "The grid grows from {grid} to {padded}: a ring of padding, {width} cell wide.",
            "The grid grows from {grid} to {padded}: a ring of padding, {width} cells wide.",
            rows.before,
        )
    elif zeros:
        sentence = _("The grid grows from {grid} to {padded} by zeros: {sides}.")
    else:
        sentence = _("The grid grows from {grid} to {padded} by padding: {sides}.")
    numbers = (rows.before, rows.after, columns.before, columns.after)
    text = sentence.format(
        grid=shape_text(window.grid),
        padded=shape_text(_padded(window)),
        width=rows.before,
        sides=and_list([side.format(count=number) for side, number in zip(sides, numbers, strict=True) if number]),
    )
    remark = UNLIKE_ZEROS.get(window.filling)
    return running_text(text, _(remark)) if remark else text


UNLIKE_ZEROS = {
    "minus infinity": N_("Padding of a max pool is minus infinity, so that it is never the largest."),
    "nothing": N_("It does not count: a window at the edge averages the cells of the grid alone."),
}


def _padded(window: Window) -> tuple[int, ...]:
    return tuple(slide.size + slide.before + slide.after for slide in slides(window))


def _dropped(window: Window) -> str:
    zeros = window.filling == "zeros"
    rows, columns = (_loss(slide, zeros) for slide in slides(window))
    if rows == columns:
        return _("Rows and columns: {loss}").format(loss=rows)
    return running_text(_("Rows: {loss}").format(loss=rows), _("Columns: {loss}").format(loss=columns))


def _loss(slide: Slide, zeros: bool) -> str:
    """What no window reads along one axis, and the division that says so. zeros: what is added, else other padding."""
    added = f" + {slide.before} + {slide.after}" if slide.before or slide.after else ""
    division = f"({slide.size}{added} - {slide.reach}) mod {slide.stride} = {slide.left_over}"
    if jumped := len(slide.unread) - slide.behind:
        return _jumped(slide, jumped, division)
    if slide.left_over < 0:
        return _("the last window reaches {over} over the edge, so none is lost.").format(over=-slide.left_over)
    if slide.out == 1 and slide.left_over == 0:
        return _("the one window reads them all.")
    if slide.stride == 1:
        return _("the window stops at every one, so none is lost.")
    if slide.behind:
        sentence = ngettext(
            "{division}: no window reads the last one.",
            "{division}: no window reads the last {count}.",
            slide.behind,
        )
    elif not slide.left_over:
        sentence = _("{division}, so none is lost.")
    elif zeros:
        sentence = _("{division}, but only zeros are left over: none is lost.")
    else:
        sentence = _("{division}, but only padding is left over: none is lost.")
    return sentence.format(division=division, count=slide.behind)


def _jumped(slide: Slide, jumped: int, division: str) -> str:
    """The loss of a window whose stride is larger than its kernel."""
    if slide.behind:
        sentence = ngettext(
            "windows jump over {jumped} of {size}. {division}: no window reads the last one either.",
            "windows jump over {jumped} of {size}. {division}: no window reads the last {count} either.",
            slide.behind,
        )
    elif slide.dropped:
        sentence = ngettext(
            "windows jump over {jumped} of {size}, the last one among them.",
            "windows jump over {jumped} of {size}, the last {count} among them.",
            slide.dropped,
        )
    else:
        sentence = _("windows jump over {jumped} of {size}.")
    count = slide.behind or slide.dropped
    return sentence.format(jumped=jumped, size=slide.size, division=division, count=count)


# Parameters and multiply-accumulates
def _params(layer: Layer) -> Count:
    if not layer.params:
        if layer.macs:
            return Count(0, "", _("Its weights are those of an earlier layer and are counted there."))
        return Count(0, "", _("This layer adds no parameters."))
    terms = [term for part in layer.parts if part.params for term in _param_terms(part)]
    latex = " + ".join(term for term, _sentence in terms)
    sentences = [sentence for _term, sentence in terms]
    normalised = any(part.op == Op.BATCH_NORM for part in layer.parts[1:])
    if normalised and layer.parts[0].weights:
        if layer.parts[0].params > layer.parts[0].weights:
            sentences.append(_("The batch norm subtracts the bias again, so it could be left out."))
        else:
            sentences.append(_("A bias is not needed, because the batch norm would subtract it again."))
    return Count(layer.params, f"{latex} = {_number(layer.params)}", running_text(*sentences))


def _param_terms(part: Part) -> list[tuple[str, str]]:
    """(LaTeX, sentence) of each summand."""
    weights = part.weights
    channels = part.out_shape[0]
    if part.op == Op.BATCH_NORM and part.params == 2 * channels:
        sentence = _("A scale and a shift for each of the {channels:,} batch-norm channels.")
        return [(rf"2 \times {channels}", sentence.format(channels=channels))]
    outputs = channels if part.op == Op.CONV else part.out_shape[-1]
    bias = part.params - weights
    if not weights or bias not in (0, outputs):
        sentence = ngettext("{params:,} parameter of the {op}.", "{params:,} parameters of the {op}.", part.params)
        return [(_number(part.params), sentence.format(params=part.params, op=part.op))]
    if part.op == Op.CONV and part.window:
        height, width = part.window.kernel
        inputs = weights // (outputs * height * width)
        groups = part.in_shapes[0][0] // inputs
        sentence = ngettext(
            "{outputs:,} kernel of {inputs:,} x {height} x {width} weights (channels x height x width).",
            "{outputs:,} kernels of {inputs:,} x {height} x {width} weights (channels x height x width).",
            outputs,
        )
        if groups > 1:
            sentence = _(
                "{outputs:,} kernels of {inputs:,} x {height} x {width} weights (channels x height x width). Each "
                "reads one of {groups:,} groups of channels."
            )
        words = sentence.format(outputs=outputs, inputs=inputs, height=height, width=width, groups=groups)
        terms = [(rf"{outputs} \times ({_product((inputs, height, width))})", words)]
    else:
        inputs = part.in_shapes[0][-1]
        words = _("{outputs:,} x {inputs:,} weights.").format(outputs=outputs, inputs=inputs)
        terms = [(_product((outputs, inputs)), words)]
    if bias:
        terms.append((str(outputs), _("A bias for each of the {outputs:,} outputs.").format(outputs=outputs)))
    return terms


def _macs(layer: Layer) -> Count:
    if not layer.macs:
        return Count(0, "", _("MACs are counted for convolutions and linear layers only."))
    part = layer.parts[0]
    positions = part.out_shape[1:] if part.op == Op.CONV else part.out_shape[:-1]
    weights = part.weights
    if weights * prod(positions) != layer.macs:  # such as attention, or a transposed convolution
        return Count(layer.macs, _number(layer.macs), _("Half of what PyTorch's own FLOP counter says."))
    if not positions:
        latex = f"{_product((part.out_shape[-1], part.in_shapes[0][-1]))} = {_number(layer.macs)}"
        return Count(layer.macs, latex, _("Each of the {weights:,} weights is used once.").format(weights=weights))
    sentence = _("Each of the {weights:,} weights is used once at each of the {positions} output positions.")
    return Count(
        layer.macs,
        rf"{_number(weights)} \times ({_product(positions)}) = {_number(layer.macs)}",
        sentence.format(weights=weights, positions=shape_text(positions)),
    )


def _product(sizes: tuple[int, ...]) -> str:
    return r" \times ".join(map(str, sizes))


def _number(value: int) -> str:
    """The number with commas for thousands, in braces so that LaTeX sets no space after them."""
    return f"{value:,}".replace(",", "{,}")


def _labelled(symbol: str, size: str) -> str:
    return rf"\underset{{{size}}}{{{symbol}}}"
