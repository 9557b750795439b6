"""What a trace comes to, in one sentence with its ratio: the finding of a page about a network."""

from collections.abc import Sequence
from math import prod

from ..graph.blocks import block_types
from ..graph.branches import branch_names, branches_of
from ..graph.layer import Layer
from ..graph.layer_graph import LayerGraph
from ..graph.spoken import spoken_stages
from ..graph.stages import stages_of
from ..text import running_text, shape_text
from ..words import _, ngettext


def costliest_stage(graph: LayerGraph) -> str:
    """Which stage takes most of the work, and how little of the weights it may have."""
    stages = stages_of(graph.layers)
    work = {stage: sum(layer.macs for layer in layers) for stage, layers in stages.items()}
    stage = max(work, key=lambda name: work[name])
    if not work[stage]:
        return _("{network} has no convolution or linear layer whose work could be counted.").format(network=graph.name)
    params = sum(layer.params for layer in stages[stage])
    small = graph.macs < 1e9
    sentence = _(
        "**{stage} takes {work:.0%} of the {macs:.1f} billion multiply-accumulates** of a picture, and holds "
        "{weights:.0%} of the {params:.1f} million parameters."
    )
    if small:
        sentence = _(
            "**{stage} takes {work:.0%} of the {macs:.1f} million multiply-accumulates** of a picture, and holds "
            "{weights:.0%} of the {params:.1f} million parameters."
        )
    return sentence.format(
        stage=spoken_stages(graph.layers).get(stage, stage),
        work=work[stage] / graph.macs,
        macs=graph.macs / (1e6 if small else 1e9),
        weights=params / graph.params if graph.params else 0,
        params=graph.params / 1e6,
    )


def dropped_pixels(graph: LayerGraph) -> str:
    """How many layers leave out the end of what they read."""
    windows = [layer for layer in graph.layers if layer.window]
    dropping = [layer for layer in windows if layer.window and any(layer.window.dropped)]
    size = shape_text(graph.input_size)
    if not dropping:
        sentence = _(
            "At {size} px **none of the {count} convolutions and pools drops pixels** at the end of what it reads."
        )
        return sentence.format(size=size, count=len(windows))
    sentence = ngettext(
        "At {size} px **{part} of {count} convolutions and pools drops pixels** at the end of what it reads.",
        "At {size} px **{part} of {count} convolutions and pools drop pixels** at the end of what they read.",
        len(dropping),
    )
    return sentence.format(size=size, part=len(dropping), count=len(windows))


def folded_blocks(graph: LayerGraph) -> str:
    """How few layers have to be drawn."""
    drawn = sum(len(block.layers) for block in block_types(graph.layers))
    sentence = _(
        "**{drawn} layers in {kinds} kinds of blocks tell the whole network**: it repeats them to {count}, {ratio:.1f} "
        "times as many."
    )
    return sentence.format(
        drawn=drawn,
        kinds=len(block_types(graph.layers)),
        count=len(graph.layers),
        ratio=len(graph.layers) / drawn,
    )


def seen_by(graph: LayerGraph, layer: Layer) -> str:
    """How far a cell of a layer sees, against the side of the picture; a dash where no box describes it."""
    field = graph.receptive_fields[layer.index]
    if field is None:
        return _("How far a cell sees here: –. {reason}").format(reason=_(layer.field_note))
    side = max(field.size)
    ratio = max(seen / side for seen, side in zip(field.size, graph.input_size, strict=True))
    sentence = _("**A cell here sees {side:,} pixels across**, {ratio:.2g} times the side of the picture, {size} px.")
    here = sentence.format(side=side, ratio=ratio, size=shape_text(graph.input_size))
    end = graph.receptive_fields[graph.grids[-1].index] if graph.grids else None
    if end is None or end.size == field.size:
        return here
    last = max(seen / side for seen, side in zip(end.size, graph.input_size, strict=True))
    there = _("At the end of the network a cell sees {side:,}, {ratio:.2g} times that side.")
    return running_text(here, there.format(side=max(end.size), ratio=last))


def costliest_branch(layers: Sequence[Layer]) -> str:
    """Which branch of a block takes most of its work; empty where there are no branches, or no work to count."""
    work = {branch: sum(layer.macs for layer in members) for branch, members in branches_of(layers).items()}
    whole = sum(layer.macs for layer in layers)
    if len(work) < 2 or not whole:
        return ""
    most = max(work, key=lambda branch: work[branch])
    sentence = _("Of its branches **{branch} takes most: {share:.0%} of the multiply-accumulates** of the block.")
    return sentence.format(branch=branch_names(layers)[most], share=work[most] / whole)


def numbers_left(graph: LayerGraph, layer: Layer) -> str:
    """How many numbers a layer hands on, against those of the picture."""
    picture, here = prod(graph.input_shape), prod(layer.out_shape)
    sentence = _("The picture's {picture:,} numbers are **{here:,} here, {ratio} times as many**.")
    if here < picture:
        sentence = _("The picture's {picture:,} numbers are **{here:,} here, {ratio} times fewer**.")
    ratio = max(here, picture) / min(here, picture)
    return sentence.format(picture=picture, here=here, ratio=f"{ratio:.2g}" if ratio < 100 else f"{ratio:,.0f}")


def largest_and_smallest(graphs: Sequence[LayerGraph]) -> str:
    """How far apart networks lie in size and work."""
    by_size = sorted(graphs, key=lambda graph: graph.params)
    small, large = by_size[0], by_size[-1]
    sentence = _(
        "**From {small} to {large} the parameters grow {ratio:.1f} times**, from {few:.1f} to {many:.1f} million."
    )
    return sentence.format(
        small=small.name,
        large=large.name,
        ratio=large.params / small.params,
        few=small.params / 1e6,
        many=large.params / 1e6,
    )
