"""What a 1x1 convolution saves before a kxk one: for any widths, and at each place of a network.

It mixes the channels into fewer before the dear kernel reads them: a *bottleneck*. The idea is from Szegedy et al.
(2014), *Going Deeper with Convolutions*, section 4. Every count comes from a trace of modules that are really built. A
ratio divides the value without the 1x1 by that with it: above 1 the 1x1 saves, below 1 it costs.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

import pandas as pd
import torch
from torch import nn

from ..graph.layer import Layer
from ..graph.layer_graph import LayerGraph
from ..graph.op import Op
from ..graph.spoken import spoken_layers
from ..graph.trace import trace
from ..text import running_text, shape_text
from ..words import N_, _, ngettext
from .factorize import BreakEven, Option, Setting, break_even, conv_unit, traced_option
from .pairs import TWO_IN_A_ROW, square_counts

# Names of the two ways in tables, which are translated where they are shown.
DIRECT, REDUCED = N_("without 1x1"), N_("with 1x1")

# What is compared where nobody says otherwise: a quarter of the channels for the kernel to read.
EXAMPLE = Setting(kernel=3, middle_channels=Setting.in_channels // 4)

COLUMNS = {
    "place": "int64",
    **TWO_IN_A_ROW,
    "params": "int64",
    "direct_params": "int64",
    "saving": "int64",
    "params_ratio": "float64",
    "macs": "int64",
    "direct_macs": "int64",
    "macs_ratio": "float64",
}


# For any widths
def build_ways(setting: Setting, device: str | torch.device = "meta") -> dict[str, nn.Sequential]:
    """The real modules by name, that without a 1x1 first; each maps (N, in, H, W) to (N, out, H, W).

    The 1x1 hands on the setting's middle channels. Every convolution is SAME, and batch norm (where the setting has it)
    and ReLU follow it.
    """
    inputs, middle, outputs = setting.in_channels, setting.middle_channels, setting.out_channels
    with torch.device(device):
        ways = {
            DIRECT: [conv_unit(setting, inputs, outputs, setting.kernel)],
            REDUCED: [conv_unit(setting, inputs, middle, 1), conv_unit(setting, middle, outputs, setting.kernel)],
        }
        return {name: nn.Sequential(*units).eval() for name, units in ways.items()}


def calculate_ways(setting: Setting) -> tuple[Option, ...]:
    """Both ways for `setting`, that without a 1x1 first, counted by tracing them."""
    return tuple(traced_option(setting, name, module) for name, module in build_ways(setting).items())


def widest_that_saves(setting: Setting, ways: Sequence[Option]) -> BreakEven:
    """How many channels the 1x1 may hand on before it saves nothing; ways: as of `calculate_ways`."""
    return break_even(setting, ways, lambda each: build_ways(each)[REDUCED])


def width_table(setting: Setting, widths: Sequence[int]) -> pd.DataFrame:
    """What it costs with 1x1 convolutions of other widths: one row a width, columns middle_channels, params, macs."""
    rows = []
    for width in widths:
        each = replace(setting, middle_channels=width)
        graph = trace(build_ways(each)[REDUCED], each.input_shape)
        rows.append({"middle_channels": width, "params": graph.params, "macs": graph.macs})
    return pd.DataFrame(rows)


def ways_in_words(setting: Setting, ways: Sequence[Option]) -> str:
    """What the 1x1 saves or costs, and up to which width it saves anything; ways: as of `calculate_ways`."""
    direct, reduced = (way.graph for way in ways)
    params, macs = direct.params / reduced.params, direct.macs / reduced.macs
    if params > 1 and macs > 1:
        sentence = _(
            "With the 1x1 there are **{params:.2f} times fewer parameters** and {macs:.2f} times fewer multiply-"
            "accumulates."
        )
    elif params < 1 and macs < 1:
        sentence = _(
            "With the 1x1 there are **{more_params:.2f} times as many parameters** and {more_macs:.2f} times as many "
            "multiply-accumulates: here it saves nothing."
        )
    else:
        sentence = _(
            "With the 1x1 the parameters are **{part_params:.1%}** of those without it, and the multiply-accumulates "
            "{part_macs:.1%}."
        )
    told = sentence.format(
        params=params,
        macs=macs,
        more_params=1 / params,
        more_macs=1 / macs,
        part_params=1 / params,
        part_macs=1 / macs,
    )
    widest = widest_that_saves(setting, ways)
    if not widest.params:
        return running_text(told, _("However few channels it hands on, it never saves parameters."))
    saves = ngettext(
        "It saves parameters as long as it hands on at most {width:,} channel.",
        "It saves parameters as long as it hands on at most {width:,} channels.",
        widest.params,
    )
    return running_text(told, saves.format(width=widest.params))


# In a network
@dataclass(frozen=True)
class Bottleneck:
    """A 1x1 convolution of a network and the kxk one that alone reads it."""

    first: Layer
    second: Layer
    kernel: int


def find_bottlenecks(graph: LayerGraph) -> tuple[Bottleneck, ...]:
    """Every 1x1 convolution that one kxk convolution alone reads, in execution order.

    One kxk could stand in their place. Both convolve all channels with weights of their own, and the 1x1 keeps the
    grid; kernels that are not square do not count.
    """
    layers = {layer.index: layer for layer in graph.layers}
    readers = Counter(source for source, _ in graph.edges)
    found = []
    for second in graph.layers:
        first = layers.get(second.inputs[0]) if len(second.inputs) == 1 else None
        if first and readers[first.index] == 1 and _side(first) == 1 and _keeps_grid(first) and _side(second) > 1:
            found.append(Bottleneck(first, second, _side(second)))
    return tuple(found)


def bottleneck_table(graph: LayerGraph) -> pd.DataFrame:
    """One row for each of `find_bottlenecks`, with the kxk convolution that would read the wide input itself.

    Columns: place (from 1), stage, block, branch, first and second (layers), first_path and second_path, kernel (k),
    in_channels, middle_channels, out_channels, grid (output, height x width), params and direct_params (of the
    convolutions with their batch norms, with and without the 1x1), saving (the difference), params_ratio (without /
    with), macs, direct_macs and macs_ratio (batch 1).
    """
    rows = []
    for number, place in enumerate(find_bottlenecks(graph), 1):
        first, second = place.first, place.second
        inputs, outputs = first.in_shapes[0][0], second.out_shape[0]
        weights, direct_macs = square_counts(inputs, outputs, place.kernel, second.out_shape[1:])
        params, macs = first.params + second.params, first.macs + second.macs
        direct_params = second.params - second.parts[0].weights + weights
        rows.append(
            {
                "place": number,
                "stage": second.stage,
                "block": second.block,
                "branch": second.branch,
                "first": first.layer or first.block,
                "second": second.layer or second.block,
                "first_path": first.path,
                "second_path": second.path,
                "kernel": place.kernel,
                "in_channels": inputs,
                "middle_channels": first.out_shape[0],
                "out_channels": outputs,
                "grid": shape_text(second.out_shape[1:]),
                "params": params,
                "direct_params": direct_params,
                "saving": direct_params - params,
                "params_ratio": direct_params / params,
                "macs": macs,
                "direct_macs": direct_macs,
                "macs_ratio": direct_macs / macs,
            }
        )
    return pd.DataFrame(rows, columns=list(COLUMNS)).astype(COLUMNS)


def bottleneck_kinds(graph: LayerGraph) -> pd.DataFrame:
    """The rows of `bottleneck_table` of which no two are alike.

    Columns times: in how many blocks each stands; block and last_block: the first and the last of these.
    """
    alike = ["stage", "branch", "kernel", "in_channels", "middle_channels", "out_channels", "grid"]
    groups = bottleneck_table(graph).groupby(alike, sort=False)
    return groups.agg(
        times=("place", "count"),
        block=("block", "first"),
        last_block=("block", "last"),
        **{name: (name, "first") for name in ("params", "direct_params", "saving", "macs", "direct_macs")},
    ).reset_index()


def setting_of(graph: LayerGraph) -> Setting:
    """The place of a network whose 1x1 saves most, as a setting; `EXAMPLE` where there is none."""
    place = _largest(graph, "saving")
    if place is None:
        return EXAMPLE
    conv, *others = place.second.parts
    outputs, height, width = place.second.out_shape
    return Setting(
        place.kernel,
        place.first.in_shapes[0][0],
        place.first.out_shape[0],
        outputs,
        (height, width),
        bias=conv.params > conv.weights,
        batch_norm=any(part.op == Op.BATCH_NORM for part in others),
    )


def where_most_is_saved(graph: LayerGraph) -> str:
    """Which one of its places `setting_of` takes, and where the factor is largest; empty where there is none."""
    place, steepest = _largest(graph, "saving"), _largest(graph, "params_ratio")
    if place is None or steepest is None:
        return ""
    count = len(find_bottlenecks(graph))
    sentence = ngettext(
        "Below stands this place: {layer}.",
        "Below stands one of these {count} places, the one that saves most parameters: {layer}.",
        count,
    )
    names = spoken_layers(graph.layers)
    told = sentence.format(count=count, layer=names[place.second.index].whole)
    if steepest == place:
        return told
    other = _("The largest factor, {ratio:.2f}, is at {layer}.")
    ratio = bottleneck_table(graph)["params_ratio"].max()
    return running_text(told, other.format(ratio=ratio, layer=names[steepest.second.index].whole))


def _largest(graph: LayerGraph, column: str) -> Bottleneck | None:
    """The place with the largest value in a column of `bottleneck_table`; None where there is no place."""
    table = bottleneck_table(graph)
    return None if table.empty else find_bottlenecks(graph)[int(table[column].to_numpy().argmax())]


def bottleneck_title(graph: LayerGraph) -> str:
    """The title of its table: the network, its picture, and the parameters with and without."""
    table, size = bottleneck_table(graph), shape_text(graph.input_size)
    sentence = ngettext(
        "{places} 1x1 convolution before a kxk one in {network} at {size} px: {params:,} parameters, without it "
        "{direct:,}",
        "{places} 1x1 convolutions before a kxk one in {network} at {size} px: {params:,} parameters, without them "
        "{direct:,}",
        len(table),
    )
    params, direct = int(table["params"].sum()), int(table["direct_params"].sum())
    return sentence.format(places=len(table), network=graph.name, size=size, params=params, direct=direct)


def bottlenecks_finding(graph: LayerGraph) -> str:
    """What the 1x1 convolutions of a network save before its kxk ones, in a sentence or two."""
    table = bottleneck_table(graph)
    if table.empty:
        return _("{network} has no 1x1 convolution that a k×k convolution alone reads.").format(network=graph.name)
    params, direct = table["params"].sum(), table["direct_params"].sum()
    sentence = ngettext(
        "**{count} 1x1 convolution before a k×k one saves {saved:.1f} of {direct:.1f} million parameters**: with it "
        "there are {ratio:.2f} times fewer.",
        "**{count} 1x1 convolutions before a k×k one save {saved:.1f} of {direct:.1f} million parameters**: with them "
        "there are {ratio:.2f} times fewer.",
        len(table),
    )
    told = sentence.format(count=len(table), saved=(direct - params) / 1e6, direct=direct / 1e6, ratio=direct / params)
    if not (costly := int((table["saving"] <= 0).sum())):
        return told
    widens = ngettext(
        "At {costly} place the 1x1 costs more than it saves.",
        "At {costly} places the 1x1 costs more than it saves.",
        costly,
    )
    return running_text(told, widens.format(costly=costly))


def _side(layer: Layer) -> int:
    """The k of a kxk convolution between all channels, whose weights are counted in its row; 0 of any other layer."""
    window, conv = layer.window, layer.parts[0]
    if layer.op != Op.CONV or not window or window.kernel[0] != window.kernel[1]:
        return 0
    weights = layer.in_shapes[0][0] * layer.out_shape[0] * window.kernel[0] ** 2
    return window.kernel[0] if conv.weights == weights <= conv.params else 0


def _keeps_grid(layer: Layer) -> bool:
    return bool(layer.window and layer.window.grid == layer.window.out and not any(layer.window.pad))
