"""The questions of the tour on the shape of networks: what layers, branches and kernels cost and see.

Each is computed from the traces; `tour_answers` has those that run a network, and the list of all.
"""

from math import prod

from inception.graph.branches import branch_names, branches_of
from inception.graph.layer import Layer
from inception.studies.pairs import pair_totals
from inception.text import running_text, shape_text
from inception.words import _
from pages.parts import tour_networks as on
from pages.parts.tour_question import Choice, Mistake, Number, Option, options_in_order

ODD_SIDE = 300  # pixels: one more than fits the stem's first windows


def work() -> Choice:
    """How many multiply-accumulates a picture takes."""
    network = on.graph()
    numbers, params, macs = prod(network.input_shape), network.params, network.macs
    few = _("{count:,}: one for each number of the picture").format(count=numbers)
    each = _("{count:.0f} million: one for each parameter").format(count=params / 1e6)
    all_to_all = _("{count:,.0f} billion: each parameter with each number").format(count=params * numbers / 1e9)
    says = _("{network} takes {macs:.1f} billion multiply-accumulates for one picture.")
    says = says.format(network=on.title(network), macs=macs / 1e9)
    wrong = [
        (
            numbers,
            Option(
                "numbers",
                few,
                _(
                    "No: each number of the picture leads to {times:,.0f} multiply-accumulates, layer after layer."
                ).format(times=macs / numbers),
            ),
        ),
        (
            params,
            Option(
                "parameters",
                each,
                _("No: a convolution uses its weights again in every cell, here {times:,.0f} times on average.").format(
                    times=macs / params
                ),
            ),
        ),
        (
            params * numbers,
            Option(
                "product",
                all_to_all,
                _("No: a kernel meets only the few numbers in its window. That makes {times:,.0f} times less.").format(
                    times=params * numbers / macs
                ),
            ),
        ),
    ]
    right = Option(
        "macs",
        _("{count:.1f} billion: many for each parameter").format(count=macs / 1e9),
        _("Yes: {params:.1f} million parameters, each used {times:,.0f} times on average.").format(
            params=params / 1e6, times=macs / params
        ),
    )
    prompt = _(
        "{network} has {params:.1f} million parameters, nearly all of them weights, and reads {numbers:,} numbers, a "
        "picture of {size} pixels. Its work is to multiply a number by a weight and to add up: a multiply-accumulate. "
        "How many of these does it take to name what the picture shows?"
    ).format(network=on.title(network), params=params / 1e6, numbers=numbers, size=shape_text(network.input_size))
    return Choice(prompt, options_in_order(wrong, right, macs), right.id, says)


def first_window(side: int = ODD_SIDE) -> Layer:
    """The first layer, for a picture that is a pixel larger than the network takes."""
    return on.graph(side=side).layers[0]


def grid() -> Number:
    """How many cells a window gives over a row of pixels, and what it leaves out."""
    layer = first_window()
    assert layer.window is not None
    (kernel, _kernel), (stride, _stride) = layer.window.kernel, layer.window.stride
    cells, lost = layer.out_shape[-1], layer.window.dropped[-1]
    own = on.graph().layers[0]
    assert own.window is not None
    says = _(
        "{cells} windows fit: ({side} - {kernel}) / {stride} + 1, rounded down. The last {lost} of {side} pixels is "
        "never read; with {own} pixels {own_lost} would be left over."
    ).format(
        cells=cells,
        side=ODD_SIDE,
        kernel=kernel,
        stride=stride,
        lost=lost,
        own=own.in_shapes[0][-1],
        own_lost=own.window.dropped[-1],
    )
    mistakes = [
        Mistake(
            ODD_SIDE / stride,
            _(
                "No: half of {side} needs a window that starts on the last two pixels, and {kernel} do not fit there."
            ).format(side=ODD_SIDE, kernel=kernel),
        ),
        Mistake(
            ODD_SIDE - kernel + 1,
            _("No: that many windows fit if they move by one pixel. These move by {stride}.").format(stride=stride),
        ),
        Mistake(ODD_SIDE, _("No: that takes a step of one pixel, and zeros round the picture. There are none here.")),
        Mistake(
            ODD_SIDE // kernel,
            _("No: that would be windows side by side. These overlap, as they move by {stride} only.").format(
                stride=stride
            ),
        ),
    ]
    prompt = _(
        "The first convolution moves a {kernel}x{kernel} window over the picture, {stride} pixels at a time, and no "
        "zeros are added at the edge. A row has {side} pixels. How many cells does it become?"
    ).format(kernel=kernel, stride=stride, side=ODD_SIDE)
    return Number(prompt, cells, says, mistakes=tuple(mistakes))


def branches() -> Choice:
    """Which branch of the first Inception block takes most of its work."""
    block = on.with_branches(on.graph(), 0)
    names = branch_names(block.layers)
    work = {branch: sum(layer.macs for layer in members) for branch, members in branches_of(block.layers).items()}
    whole = sum(work.values())
    most = max(work, key=lambda branch: work[branch])
    options = []
    for number, (branch, macs) in enumerate(work.items(), 1):
        sentence = _("No: “{branch}” takes {macs:.0f} of {whole:.0f} million multiply-accumulates, {share:.0%}.")
        if branch == most:
            sentence = _("Yes: {macs:.0f} of {whole:.0f} million multiply-accumulates, {share:.0%} of the block.")
        why = sentence.format(branch=names[branch], macs=macs / 1e6, whole=whole / 1e6, share=macs / whole)
        options.append(Option(f"branch{number}", names[branch], why))
    prompt = _(
        "{block} looks at the same grid through {count} branches at once and puts their channels side by side. Which "
        "branch takes most of the work? “After” says what comes first: “3x3 after 1x1” is a 1x1, and a 3x3 behind it."
    ).format(block=block.title, count=len(work))
    says = _("The branch “{branch}” takes {share:.0%} of the work of {block}.")
    says = says.format(branch=names[most], share=work[most] / whole, block=block.title)
    return Choice(prompt, tuple(options), options[list(work).index(most)].id, says)


def thinned_branch() -> tuple[Layer, Layer]:
    """The first 1x1 of an Inception block that stands alone before a 3x3, and that 3x3; LookupError without one."""
    block = on.with_branches(on.graph(), 0)
    pairs = (members for members in branches_of(block.layers).values() if len(members) == 2)
    for first, second in pairs:
        if first.window and second.window and (first.window.kernel, second.window.kernel) == ((1, 1), (3, 3)):
            return first, second
    raise LookupError(block.title)


def bottleneck_counts() -> tuple[int, int]:
    """Weights of the 3x3 alone between the same channels, and of the 1x1 and the 3x3 behind it."""
    first, second = thinned_branch()
    assert second.window is not None
    alone = first.in_shapes[0][0] * second.out_shape[0] * prod(second.window.kernel)
    return alone, first.parts[0].weights + second.parts[0].weights


def bottleneck() -> Choice:
    """What a 1x1 saves before a 3x3."""
    first, second = thinned_branch()
    inputs, middle, outputs = first.in_shapes[0][0], first.out_shape[0], second.out_shape[0]
    alone, both = bottleneck_counts()
    assert second.window is not None
    area = prod(second.window.kernel)
    truth = alone / both
    options = []
    for ratio in (1.5, 2.0):
        left = alone / (ratio * (inputs + area * outputs))
        why = _("No: for that the 1x1 would leave {left:.0f} channels. It leaves {middle}.")
        options.append(
            (
                ratio,
                Option(f"{ratio:g}", _("{ratio:g} times").format(ratio=ratio), why.format(left=left, middle=middle)),
            )
        )
    why = _(
        "No: a 3x3 has {area} times the weights of a 1x1 with the same channels. But the 3x3 is still there: it only "
        "reads {middle} channels instead of {inputs}."
    ).format(area=area, middle=middle, inputs=inputs)
    options.append((float(area), Option(f"{area}", _("{ratio:g} times").format(ratio=area), why)))
    says = _("{alone:,} weights become {both:,}: {ratio:.2f} times fewer.")
    says = says.format(alone=alone, both=both, ratio=truth)
    # Written as the wrong ones are, which would else give it away.
    right = Option(
        f"{truth:.2g}", _("{ratio:g} times").format(ratio=round(truth, 1)), _("Yes. {truth}").format(truth=says)
    )
    prompt = _(
        "{inputs} channels come in and {outputs} go out. A 1x1 thins them to {middle} first, then the 3x3 follows. How "
        "many times fewer weights is that than the 3x3 alone?"
    ).format(inputs=inputs, outputs=outputs, middle=middle)
    return Choice(prompt, options_in_order(options, right, truth), right.id, says)


def pair() -> Number:
    """What the pairs of a network save against square kernels."""
    network = on.graph()
    largest = pair_totals(network).iloc[0]
    kernel, count, ratio = int(largest["kernel"]), int(largest["pairs"]), float(largest["ratio"])
    even = kernel / 2
    says = _(
        "{pairs} pairs have {weights:.1f} million weights, {kernel}x{kernel} kernels would have {square:.1f} million: "
        "{ratio:.2f} times as many. If every layer had equally many channels, it would be {kernel}·{kernel} / "
        "(2·{kernel}) = {even:g} times."
    ).format(
        pairs=count,
        weights=largest["weights"] / 1e6,
        square=largest["square_weights"] / 1e6,
        kernel=kernel,
        ratio=ratio,
        even=even,
    )
    mistakes = (
        Mistake(kernel, _("No: that leaves out the second of the two kernels. Both have weights.")),
        Mistake(
            kernel**2,
            _("No: {square} is how many cells the square has. The pair has {line} of them, in two lines.").format(
                square=kernel**2, line=2 * kernel
            ),
        ),
        Mistake(
            2,
            _("No: there are two kernels, but each is {kernel} times smaller than the square.").format(kernel=kernel),
        ),
        Mistake(
            1, _("No: together they see the same {kernel}x{kernel} cells, with fewer weights.").format(kernel=kernel)
        ),
    )
    prompt = _(
        "{network} has {pairs} pairs of a 1x{kernel} and a {kernel}x1 in a row. Each pair sees {kernel}x{kernel} "
        "cells. How many times fewer weights do all pairs together have than {kernel}x{kernel} kernels would?"
    ).format(network=on.title(network), pairs=count, kernel=kernel)
    return Number(prompt, round(ratio, 2), says, near=0.1, mistakes=mistakes)


def reduction() -> Choice:
    """How many numbers are left behind a reduction."""
    block = on.with_branches(on.graph(), 1)
    (channels, rows, columns), out = block.layers[0].in_shapes[0], block.layers[-1].out_shape
    before, after = channels * rows * columns, prod(out)
    truth, cells = after / before, prod(out[1:])
    sentence = _("No: that would be right if {needed:,.0f} channels came out. It is {out:,}.")
    options = []
    for id, needed in (("kept", channels), ("doubled", 2 * channels), ("all", before / cells)):
        share = needed * cells / before
        why = sentence.format(needed=needed, out=out[0])
        options.append((share, Option(id, _("{share:.0%} of them").format(share=share), why)))
    says = _(
        "From {before} to {after}: {share:.0%} of the numbers are left. What they no longer tell is lost for good, and "
        "training decides what that is."
    )
    says = says.format(before=shape_text((channels, rows, columns)), after=shape_text(out), share=truth)
    right = Option("left", _("{share:.0%} of them").format(share=truth), _("Yes. {truth}").format(truth=says))
    prompt = _(
        "{block} takes a grid of {rows}x{columns} with {channels} channels and gives one of {grid} with more channels. "
        "What share of its {numbers:,} numbers is left?"
    ).format(block=block.title, rows=rows, columns=columns, channels=channels, grid=shape_text(out[1:]), numbers=before)
    return Choice(prompt, options_in_order(options, right, truth), right.id, says)


def field() -> Choice:
    """How far a cell of the last grid sees."""
    network = on.graph()
    layer = network.grids[-1]
    seen, side, cells = max(network.receptive_field(layer).size), max(network.input_size), layer.out_shape[-1]
    pixels = _("{count:,} pixels")
    part = side / cells
    narrow = _(
        "No: the cells do not share the picture out between them. Windows overlap, and each layer sees further than "
        "the one before: {times:.0f} times as far in the end."
    ).format(times=seen / part)
    sees_all = seen >= 2 * side  # from wherever the cell stands
    whole = _(
        "No: nothing stops at the edge of the picture. The window goes on over the zeros that are added there, to "
        "{times:.1f} times the side."
    )
    if sees_all:
        whole = _(
            "Half right: the cell does see all of the picture. But its window does not stop at the edge: it goes on "
            "over the zeros that are added there, to {times:.1f} times the side."
        )
    whole = whole.format(times=seen / side)
    options = [
        (part, Option("part", pixels.format(count=round(part)), narrow)),
        (side, Option("picture", _("{count:,} pixels, as wide as the picture").format(count=side), whole)),
    ]
    says = _("The window of a cell of the last grid is {seen:,} pixels wide, {times:.1f} times the picture's {side}.")
    says = says.format(seen=seen, times=seen / side, side=side)
    if sees_all:
        says = running_text(says, _("So the cell can see all of the picture, and beyond its edge it sees zeros."))
    right = Option("beyond", pixels.format(count=seen), _("Yes. {truth}").format(truth=says))
    prompt = _(
        "The last grid of {network} has {cells}x{cells} cells, for a picture {side} pixels wide. All that one of these "
        "cells can depend on lies in a square window. How wide is this window, in pixels?"
    ).format(network=on.title(network), cells=cells, side=side)
    return Choice(prompt, options_in_order(options, right, seen), right.id, says)
