"""Charts of traced networks as plotly figures: what each stage costs, and what happens on the way through.

Every number comes from the `LayerGraph`, those in the titles included. Colours are those of `kinds`, with a pattern
or a dash beside them so that greyscale is enough.
"""

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate, groupby, pairwise
from math import log10

import plotly.graph_objects as go

from ..errors import InputError
from ..graph.blocks import runs
from ..graph.layer import Layer
from ..graph.layer_graph import LayerGraph
from ..graph.spoken import Spoken, spoken_layers
from ..graph.stages import own_name, stages_of
from ..text import scaled, shape_text
from ..words import _, ngettext
from .figure import (
    GREY,
    INK,
    MACS,
    PARAMS,
    SHADE,
    SUBTITLE_LINE,
    Quantity,
    QuantityName,
    add_heading,
    file_name_of,
    fill,
    line_style,
    new_figure,
    number_axis,
    quantity_of,
    share_text,
    total_of,
    whole_text,
)
from .kinds import KINDS, Kind, kind_of

GROUP = Kind("", "#b0b0b0")  # areas of a treemap that hold others


def stage_chart(graph: LayerGraph, quantity: QuantityName = "params") -> go.Figure:
    """Bars: what each stage has of the parameters, MACs or bytes of activations, stacked by kind of operation.

    Stages have the paper's names; outside stages, in networks that are not ours, a layer stands for itself.
    Activations are the outputs of all layers as in the layer table. Raises ValueError for an unknown quantity.
    """
    amount = quantity_of(quantity)
    stages = stages_of(graph.layers)
    totals = {stage: total_of(amount, layers) for stage, layers in stages.items()}
    total = total_of(amount, graph.layers)
    finding = _nothing(amount)
    if total:
        top = max(totals, key=totals.__getitem__)
        finding = _stage_finding(top, stages[top], share_text(totals[top], total), amount)
    name, height = f"{file_name_of(graph)}_{quantity}_by_stage", 280 + 44 * len(stages)
    figure = new_figure(finding, whole_text(graph, amount), name, height)
    for kind in KINDS:
        values = [total_of(amount, (x for x in layers if kind_of(x) is kind)) for layers in stages.values()]
        if not any(values):
            continue
        figure.add_bar(
            orientation="h",
            x=values,
            y=list(stages),
            name=_(kind.name),
            marker=fill(kind, kind.color, INK),
            customdata=[
                _("{of_stage} of {stage}, {of_network} of the network").format(
                    of_stage=share_text(value, totals[stage]), stage=stage, of_network=share_text(value, total)
                )
                for stage, value in zip(stages, values, strict=True)
            ],
            hovertemplate="<br>".join(
                [
                    "<b>%{y}</b>",
                    _(kind.name),
                    _(amount.exact).format(number="%{x:,}"),
                    "%{customdata}<extra></extra>",
                ]
            ),
        )
    return figure.update_layout(
        barmode="stack",
        bargap=0.25,
        xaxis={"title": {"text": _(amount.axis)}, "showgrid": True, **number_axis(amount)},
        yaxis={
            "type": "category",  # names may be numbers
            "tickvals": list(stages),
            "ticktext": [f"{stage}<br>{_amount_and_share(amount, n, total)}" for stage, n in totals.items()],
            "autorange": "reversed",
            "fixedrange": True,
            "showgrid": False,
        },
    )


def depth_chart(graph: LayerGraph) -> go.Figure:
    """Grid size, channels and receptive field from the picture to the last layer, in three panels.

    x is the layer's row in the table, 0 the picture. Lines follow the main path, the layers that nothing goes around
    (see `main_path`); dots are all layers. Both are heights; the main path's width has a line of its own where it
    differs. Grid and field have logarithmic axes; what is flat has no grid, what no single box describes no field.
    """
    shapes = [graph.input_shape, *(layer.out_shape for layer in graph.layers)]
    grids = [shape[1:] if len(shape) == 3 else None for shape in shapes]
    fields = [field.size if field else None for field in graph.receptive_fields]
    path = main_path(graph)
    spoken = spoken_layers(graph.layers)
    names = ["<b>" + _("The picture") + "</b>", *(_layer_text(layer, spoken[layer.index]) for layer in graph.layers)]
    hover = [f"{name}<br>{_field_text(field)}" for name, field in zip(names, fields, strict=True)]
    count = len(graph.layers)
    subtitle = ngettext("{network} at {size} px: {count:,} layer", "{network} at {size} px: {count:,} layers", count)
    size = shape_text(graph.input_size)
    figure = new_figure(
        _depth_finding(graph, path),
        subtitle.format(network=graph.name, size=size, count=count),
        f"{file_name_of(graph)}_through_depth",
        height=880,
        # The legend, in two lines on a phone, and the stages' names.
        above=2 * SUBTITLE_LINE + 25 + 7 * max((len(layer.stage) for layer in graph.layers), default=0),
    )
    _add_panel(figure, "y", _("Grid, cells"), grids, path, hover)
    _add_panel(figure, "y2", _("Channels"), [shape[:1] for shape in shapes], path, hover)
    _add_panel(figure, "y3", _("Receptive field, pixels of the picture"), fields, path, hover)
    for side in sorted(set(graph.input_size)):
        figure.add_shape(
            type="line", xref="paper", x0=0, x1=1, yref="y3", y0=side, y1=side, line={"color": GREY, "dash": "dot"}
        )
    figure.add_annotation(
        text=_("picture: {size} px").format(size=size),
        xref="paper",
        x=1,
        xanchor="right",
        yref="y3",
        y=log10(min(graph.input_size)),  # annotations take the exponent on logarithmic axes, shapes the value
        yanchor="top",
        showarrow=False,
    )
    _add_stage_bands(figure, graph)
    return figure.update_layout(
        hovermode="x",
        hoverdistance=50,
        dragmode=False,  # a finger on the chart scrolls the page; who wants to zoom has a button
        xaxis={
            "title": {"text": _("Layer (row of the table)")},
            "range": [-0.02 * len(graph.layers), 1.02 * len(graph.layers)],
            "anchor": "y3",
            "showgrid": False,
            "zeroline": False,
        },
        yaxis={"domain": [0.73, 1], "type": "log", "fixedrange": True, "tickvals": _spread(grids[i] for i in path)},
        yaxis2={"domain": [0.365, 0.635], "rangemode": "tozero", "fixedrange": True, "tickformat": ","},
        yaxis3={"domain": [0, 0.27], "type": "log", "fixedrange": True, "dtick": 1, "tickformat": ","},
    )


def main_path(graph: LayerGraph) -> list[int]:
    """Indexes of the layers that every way from the picture to the main output passes, from 0, the picture.

    In a residual block that is the sum, because the shortcut goes around the rest; in an Inception block the concat.
    What leads to other outputs only, such as an auxiliary head, is not on the way.
    """
    end = graph.outputs[0] if graph.outputs else len(graph.layers)
    leading = {end}
    for layer in reversed(graph.layers[:end]):
        if layer.index in leading:
            leading.update(layer.inputs)
    edges = [(source, target) for source, target in graph.edges if target in leading]
    passed_over = {i for source, target in edges for i in range(source + 1, target)}
    return [i for i in sorted(leading) if i not in passed_over]


def cost_treemap(graph: LayerGraph, quantity: QuantityName = "params") -> go.Figure:
    """Areas: parameters, MACs or bytes of activations of the stages, their blocks and the layers in these.

    Equal blocks in a row are one area, marked with their number (x20). Layers that have none of the quantity are left
    out. Raises ValueError for an unknown quantity.
    """
    amount = quantity_of(quantity)
    areas = _areas(graph, amount)
    total = areas[0].value
    finding = _nothing(amount)
    if total:
        top = max((area for area in areas if area.kind is not GROUP), key=lambda area: area.value)
        sentence = _("{layer} takes {share} of the {quantity}, the most of all layers")
        finding = sentence.format(layer=top.where, share=share_text(top.value, total), quantity=_(amount.words))
    figure = new_figure(finding, whole_text(graph, amount), f"{file_name_of(graph)}_{quantity}_treemap", height=660)
    fills = [fill(area.kind, area.kind.tint, area.kind.color) for area in areas]
    figure.add_treemap(
        ids=[area.id for area in areas],
        parents=[area.parent for area in areas],
        labels=[area.label for area in areas],
        values=[area.value for area in areas],
        branchvalues="total",
        text=[_amount_and_share(amount, area.value, total) for area in areas],
        hovertext=[
            "<br>".join(
                [
                    f"<b>{area.where}</b>",
                    area.note,
                    _(amount.exact).format(number=f"{area.value:,}"),
                    _("{share} of the network").format(share=share_text(area.value, total)),
                ]
            )
            for area in areas
        ],
        hovertemplate="%{hovertext}<extra></extra>",
        marker={
            "colors": [fill["color"] for fill in fills],
            "line": {"color": [fill["line"]["color"] for fill in fills], "width": 1},
            "pattern": {key: [fill["pattern"][key] for fill in fills] for key in fills[0]["pattern"]},
            "pad": {"t": 22, "l": 3, "r": 3, "b": 3},
        },
        textfont={"color": INK, "size": 12},
        textposition="middle center",
        tiling={"pad": 2},
    )
    kinds = {area.kind for area in areas}
    for kind in KINDS:
        if kind in kinds:  # treemaps have no legend; bars without a length do
            figure.add_bar(x=[None], y=[None], name=_(kind.name), marker=fill(kind, kind.tint, kind.color))
    return figure.update_layout(
        uniformtext={"minsize": 11, "mode": "hide"},
        showlegend=True,
        xaxis={"visible": False, "fixedrange": True},
        yaxis={"visible": False, "fixedrange": True},
    )


def comparison_chart(graphs: Sequence[LayerGraph], titles: Sequence[str] = ()) -> go.Figure:
    """MACs and parameters of several networks, added up from the first layer to the last, in two panels.

    x is the share of the network's layers that are behind; there is a point after each block, a mark after each
    stage. titles: what people call them, in place of their names. Raises ValueError when there is no network.
    """
    if not graphs:
        raise InputError(_("There is no network to compare."))
    sizes = {shape_text(graph.input_size) for graph in graphs}
    same_size = len(sizes) == 1
    subtitle = _("{count} networks; a mark after each stage")
    if same_size:
        subtitle = _("{count} networks at {size} px; a mark after each stage")
    figure = new_figure(
        _comparison_finding(graphs),
        subtitle.format(count=len(graphs), size=min(sizes)),
        "_".join([*map(file_name_of, graphs), "compared"]),
        height=720,
    )
    names = titles or [graph.name for graph in graphs]
    for number, (graph, name) in enumerate(zip(graphs, names, strict=True)):
        if not same_size:
            name = _("{network}, {size} px").format(network=name, size=shape_text(graph.input_size))
        _add_sums(figure, "y", MACS, graph, name, number)
        _add_sums(figure, "y2", PARAMS, graph, name, number)
    add_heading(figure, "y", _("MACs so far, one picture"), inside=True)
    add_heading(figure, "y2", _("Parameters so far"), inside=True)
    return figure.update_layout(
        xaxis={
            "title": {"text": _("Share of the layers passed")},
            "anchor": "y2",
            "tickformat": ".0%",
            "range": [0, 1.01],
            "fixedrange": True,
        },
        yaxis={"domain": [0.56, 1], **number_axis(MACS)},
        yaxis2={"domain": [0, 0.44], **number_axis(PARAMS)},
    )


def _nothing(amount: Quantity) -> str:
    return _("This network has no {quantity}").format(quantity=_(amount.words))


def _amount_and_share(amount: Quantity, part: int, whole: int) -> str:
    """12.35 M, 4.6%."""
    return _("{amount}, {share}").format(amount=scaled(part, amount.short), share=share_text(part, whole))


def _stage_finding(stage: str, layers: Sequence[Layer], share: str, amount: Quantity) -> str:
    """The sentence on a stage: "The 20 blocks of Inception-ResNet-B at 17x17 take 41.3% of the parameters"."""
    grids = {layer.out_shape[1:] for layer in layers}
    one_grid = len(grids) == 1 and any(grids)
    sizes = [len(list(block)) for _name, block in groupby(layers, key=lambda layer: layer.block)]
    if len(sizes) > 1 and min(sizes) > 1:
        sentence = _("The {count} blocks of {stage} take {share} of the {quantity}")
        if one_grid:
            sentence = _("The {count} blocks of {stage} at {grid} take {share} of the {quantity}")
    else:
        sentence = _("{stage} takes {share} of the {quantity}")
        if one_grid:
            sentence = _("{stage} at {grid} takes {share} of the {quantity}")
    quantity, grid = _(amount.words), shape_text(min(grids))
    return sentence.format(count=len(sizes), stage=stage, grid=grid, share=share, quantity=quantity)


def _block_name(layer: Layer) -> str:
    return layer.block or own_name(layer)


def _layer_text(layer: Layer, spoken: Spoken) -> str:
    code = " · ".join(name for name in (layer.block, layer.branch, own_name(layer)) if name)
    output = _("output {shape}").format(shape=shape_text(layer.out_shape))
    return f"<b>{layer.index}. {spoken.whole}</b><br>{code}<br>{output}"


def _field_text(field: tuple[int, ...] | None) -> str:
    if field is None:
        return _("receptive field is not one box")
    return _("receptive field {size} px").format(size=shape_text(field))


def _depth_finding(graph: LayerGraph, path: Sequence[int]) -> str:
    fields = {i: field.size for i in path if (field := graph.receptive_fields[i])}
    for i, size in fields.items():
        if i and all(field >= side for field, side in zip(size, graph.input_size, strict=True)):
            sentence = _("From {block} on, layer {layer} of {count}, receptive fields are as large as the picture")
            return sentence.format(block=_block_name(graph.layers[i - 1]), layer=i, count=len(graph.layers))
    sentence = _("No receptive field is as large as the picture: the largest is {size} px")
    return sentence.format(size=shape_text(max(fields.values())))


def _add_panel(
    figure: go.Figure,
    axis: str,
    heading: str,
    sizes: Sequence[tuple[int, ...] | None],
    path: Sequence[int],
    hover: Sequence[str],
) -> None:
    """Lines along the main path and a dot for every layer. sizes: (height, width) or one number, from the picture."""
    add_heading(figure, axis, heading)
    figure.add_scatter(
        x=list(range(len(sizes))),
        y=[size[0] if size else None for size in sizes],
        yaxis=axis,
        mode="markers",
        marker={"color": GREY, "size": 4, "opacity": 0.7},
        name=_("every layer"),
        legendgroup="all",
        showlegend=axis == "y",
        hovertext=hover,
        hovertemplate="%{hovertext}<extra></extra>",
    )
    on_path = [sizes[i] for i in path]
    two = any(size and len(set(size)) > 1 for size in on_path)
    for number, name in enumerate((_("main path"), _("main path, width")) if two else (_("main path"),)):
        style = line_style(number)
        figure.add_scatter(
            x=list(path),
            y=[size[number] if size else None for size in on_path],
            yaxis=axis,
            mode="lines",
            line={"shape": "hv", "color": style.color, "dash": style.dash, "width": 2},
            name=name,
            legendgroup=name,
            showlegend=name not in {trace.name for trace in figure.data},
            hoverinfo="skip",
        )


def _spread(sizes: Iterable[tuple[int, ...] | None]) -> list[int]:
    """The heights to mark on a logarithmic axis: those that are far enough apart for their numbers."""
    marks: list[int] = []
    for height in sorted({size[0] for size in sizes if size}, reverse=True):
        if not marks or marks[-1] >= 1.4 * height:
            marks.append(height)
    return marks


def _add_stage_bands(figure: go.Figure, graph: LayerGraph) -> None:
    """Shades every other stage and writes the stages' names above, moved apart where stages are short."""
    stages = [(stage, list(layers)) for stage, layers in groupby(graph.layers, key=lambda layer: layer.stage) if stage]
    apart = len(graph.layers) * min(0.05, 1 / max(1, len(stages)))
    last = -apart
    for number, (stage, layers) in enumerate(stages):
        start, end = layers[0].index - 0.5, layers[-1].index + 0.5
        if number % 2 == 0:
            figure.add_shape(
                type="rect",
                x0=start,
                x1=end,
                yref="paper",
                y0=0,
                y1=1,
                fillcolor=SHADE,
                line={"width": 0},
                layer="below",
            )
        last = max((start + end) / 2, last + apart)
        figure.add_annotation(
            text=stage, x=last, yref="paper", y=1, yshift=20, yanchor="bottom", textangle=-90, showarrow=False
        )


@dataclass(frozen=True)
class _Area:
    """One area of a treemap."""

    id: str
    parent: str  # the id of the area that it lies in
    label: str  # written on it
    where: str  # its full name
    note: str  # what it is, in words
    value: int  # its size
    kind: Kind = GROUP


def _areas(graph: LayerGraph, amount: Quantity) -> list[_Area]:
    """The areas of the treemap: the network, its stages, in these runs of equal blocks, in these layers.

    An area comes after the one that it lies in. Only the network itself may be 0.
    """
    total = total_of(amount, graph.layers)
    root = _Area("network", "", graph.name, graph.name, _layers(len(graph.layers)), total)
    areas = {root.id: root}
    stages = stages_of(graph.layers)
    for number, run in enumerate(runs(graph.layers)):
        times = len(run.blocks)
        folded = [(same[0], total_of(amount, same)) for same in zip(*run.blocks, strict=True)]
        pieces = [(layer, value) for layer, value in folded if value]
        if not pieces:
            continue
        parent = root.id
        if run.stage:
            parent, layers = f"stage {run.stage}", stages[run.stage]
            note = _layers(len(layers))
            areas[parent] = _Area(parent, root.id, run.stage, run.stage, note, total_of(amount, layers))
        title = f"{run.name} x{times}" if times > 1 else run.name
        if len(pieces) > 1 and run.name not in ("", run.stage):
            note = ngettext("{times} x {count} layer", "{times} x {count} layers", len(run.blocks[0]))
            id, note = f"block {number}", note.format(times=times, count=len(run.blocks[0]))
            areas[id] = _Area(id, parent, title, title, note, sum(value for _layer, value in pieces))
            parent = id
        for layer, value in pieces:
            id, kind = f"layer {layer.index}", kind_of(layer)
            label = "<br>".join(name for name in (layer.branch, own_name(layer) or title) if name)
            where = " · ".join(name for name in (title, layer.branch, own_name(layer)) if name)
            note = _(kind.name)
            if times > 1:
                note = _("{kind}, {times} x {value:,}").format(kind=note, times=times, value=value // times)
            areas[id] = _Area(id, parent, label, where, note, value, kind)
    return list(areas.values())


def _layers(count: int) -> str:
    return ngettext("{count:,} layer", "{count:,} layers", count).format(count=count)


def _add_sums(figure: go.Figure, axis: str, amount: Quantity, graph: LayerGraph, name: str, number: int) -> None:
    """The line of the network with that number, from 0: what it has of `amount` up to the end of each block."""
    style = line_style(number)
    so_far = list(accumulate(map(amount.of, graph.layers)))
    last = [
        list(block)[-1] for _name, block in groupby(graph.layers, key=lambda layer: (layer.stage, _block_name(layer)))
    ]
    ends_stage = [*(layer.stage != after.stage or not layer.stage for layer, after in pairwise(last)), True]
    figure.add_scatter(
        x=[0, *(layer.index / len(graph.layers) for layer in last)],
        y=[0, *(so_far[layer.index - 1] for layer in last)],
        yaxis=axis,
        name=name,
        legendgroup=name,
        showlegend=axis == "y",
        mode="lines+markers",
        line={"color": style.color, "dash": style.dash, "width": 2},
        marker={
            "symbol": style.symbol,
            "size": [0, *(8 if end else 0 for end in ends_stage)],
            "opacity": 1,
            "line": {"width": 0},
        },
        hovertext=[
            f"<b>{name}</b>",
            *(
                "<br>".join(
                    [
                        f"<b>{name}</b>",
                        _("after {block}, layer {layer} of {count}").format(
                            block=_block_name(layer), layer=layer.index, count=len(graph.layers)
                        ),
                        _("{amount}, {share}").format(
                            amount=_(amount.exact).format(number=f"{so_far[layer.index - 1]:,}"),
                            share=share_text(so_far[layer.index - 1], so_far[-1]),
                        ),
                    ]
                )
                for layer in last
            ),
        ],
        hovertemplate="%{hovertext}<extra></extra>",
    )


def _comparison_finding(graphs: Sequence[LayerGraph]) -> str:
    """The sentence on how many of their layers the networks need for half of their MACs, and of their parameters."""
    spans = []
    for amount in (MACS, PARAMS):
        shares = sorted(_half_way(graph, amount) for graph in graphs if total_of(amount, graph.layers))
        ends = list(dict.fromkeys(f"{share:.0%}" for share in (shares[0], shares[-1]))) if shares else []
        spans.append(_("{least} to {most}").format(least=ends[0], most=ends[1]) if len(ends) > 1 else "".join(ends))
    macs, params = spans
    if macs and params:
        sentence = _(
            "The first {macs} of the layers have half of the MACs, the first {params} of the layers have half of the "
            "parameters"
        )
    elif macs:
        sentence = _("The first {macs} of the layers have half of the MACs")
    elif params:
        sentence = _("The first {params} of the layers have half of the parameters")
    else:
        sentence = _("There is nothing to add up")
    return sentence.format(macs=macs, params=params)


def _half_way(graph: LayerGraph, amount: Quantity) -> float:
    """The share of the network's layers, counted from the first, that together have half of its total."""
    so_far = list(accumulate(map(amount.of, graph.layers)))
    return (bisect_left(so_far, so_far[-1] / 2) + 1) / len(graph.layers)
