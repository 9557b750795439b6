"""Charts against the layer table, other people's figures, and what a reader has to be able to make out."""

import json
import re
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from itertools import pairwise
from typing import Any, get_args

import pandas as pd
import plotly.graph_objects as go
import pytest
import torch
from torch import Tensor, nn

from inception import LayerGraph, list_models, trace
from inception.text import scaled, text_width
from inception.views.charts import comparison_chart, cost_treemap, depth_chart, main_path, stage_chart
from inception.views.figure import QUANTITIES, TITLE_WIDTH, QuantityName, chart_config, line_style
from inception.views.kinds import KINDS
from inception.words import speaking
from tests import reference

from ..graphs import zoo_graph

Size = int | tuple[int, int]

UNITS = {"params": "parameters", "macs": "MACs", "activation_bytes": "bytes"}
CASES: list[tuple[str, Size]] = [
    *((name, 299) for name in list_models()),
    ("inception_v4", 75),
    ("inception_resnet_v1", 75),
    ("inception_resnet_v2", (350, 400)),
]


@cache
def traced(name: str, size: Size) -> LayerGraph:
    return zoo_graph(name, size)


@cache
def table(name: str, size: Size) -> pd.DataFrame:
    return traced(name, size).table()


def chain() -> LayerGraph:
    model = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(8 * 5 * 7, 10))
    return trace(model, (12, 16))


class Fork(nn.Module):
    """Two ways to the sum that differ in stride, so that no single box is the sum's field; then flat."""

    def __init__(self) -> None:
        super().__init__()
        self.coarse = nn.Conv2d(3, 4, 3, stride=2, padding=1)
        self.fine = nn.Conv2d(3, 4, (1, 3), padding=(0, 1))

    def forward(self, x: Tensor) -> Tensor:
        return torch.flatten(self.coarse(x) + self.fine(x)[:, :, :8, :8], 1)


@cache
def foreign(name: str) -> LayerGraph:
    return FOREIGN[name]()


FOREIGN: dict[str, Callable[[], LayerGraph]] = {
    "plain chain": chain,
    "fork": lambda: trace(Fork(), 16),
    "no parameters": lambda: trace(nn.Sequential(nn.MaxPool2d(2), nn.ReLU()), 8),
    "one layer": lambda: trace(nn.Conv2d(1, 1, 1), 8),
    "numbered stages": lambda: trace(
        nn.Sequential(nn.Sequential(nn.Conv2d(3, 4, 3)), nn.Sequential(nn.Conv2d(4, 2, 3))), 8
    ),
    "forty stages": lambda: trace(nn.Sequential(*(nn.Sequential(nn.Conv2d(3, 3, 1)) for _ in range(40))), 8),
}


def all_charts(graph: LayerGraph) -> dict[str, go.Figure]:
    return {
        **{f"stage {name}": stage_chart(graph, name) for name in get_args(QuantityName)},
        **{f"treemap {name}": cost_treemap(graph, name) for name in get_args(QuantityName)},
        "depth": depth_chart(graph),
        "comparison": comparison_chart([graph]),
    }


def title(figure: go.Figure) -> str:
    return str(figure.layout.title.text).replace("<br>", " ")


def subtitle(figure: go.Figure) -> str:
    return str(figure.layout.title.subtitle.text).replace("<br>", " ")


def bars(figure: go.Figure) -> pd.DataFrame:
    """Stages in rows, kinds of operation in columns."""
    columns = {bar.name: pd.Series(bar.x, index=bar.y) for bar in figure.data if bar.y != (None,)}
    return pd.DataFrame(columns)


def line(figure: go.Figure, axis: str, name: str = "main path") -> dict[int, Any]:
    [found] = [trace for trace in figure.data if trace.name == name and (trace.yaxis or "y") == axis]
    return dict(zip(found.x, found.y, strict=True))


def kind_in_words(row: Any) -> str:
    """Read off the table's text, not asked of the library."""
    if row.op == "conv":
        if row.kernel == "1x1":
            return "1x1 convolution"
        height, width = row.kernel.split("x")
        return "k x k convolution" if height == width else "1 x k or k x 1 convolution"
    if "pool" in row.op:
        return "pool"
    names = {"concat": "concatenation", "residual sum": "residual sum", "linear": "linear layer"}
    return names.get(row.op, "other")


@pytest.mark.parametrize("quantity", get_args(QuantityName))
@pytest.mark.parametrize(("name", "size"), CASES)
def test_bars_are_sums_over_the_table(name: str, size: Size, quantity: QuantityName) -> None:
    figure, rows = stage_chart(traced(name, size), quantity), table(name, size)
    shown = bars(figure)

    by_stage = rows.groupby("stage", sort=False)[quantity].sum()
    assert list(shown.index) == list(by_stage.index)
    assert shown.sum(axis="columns").to_dict() == by_stage.to_dict()

    by_kind = rows.groupby(rows.apply(kind_in_words, axis="columns"))[quantity].sum()
    assert shown.sum().to_dict() == by_kind[by_kind > 0].to_dict()
    assert f"{rows[quantity].sum():,} {UNITS[quantity]}" in subtitle(figure)


@pytest.mark.parametrize("name", ["inception_v4", "inception_resnet_v2"])
def test_macs_by_kind_are_those_measured_on_timm(name: str) -> None:
    shown = bars(stage_chart(traced(name, 299), "macs")).sum()
    layers = [layer for layer in reference.table(f"{name}.layers_299.csv") if layer["op"] == "Conv2d"]

    def macs(*kernels: str) -> int:
        return sum(int(layer["macs"]) for layer in layers if layer["kernel"] in kernels)

    assert shown["1x1 convolution"] == macs("1x1")
    assert shown["k x k convolution"] == macs("3x3", "5x5")
    assert shown["1 x k or k x 1 convolution"] == macs("1x7", "7x1", "1x3", "3x1")


@pytest.mark.parametrize("quantity", get_args(QuantityName))
@pytest.mark.parametrize(("name", "size"), CASES)
def test_titles_of_bars_name_the_largest_stage_and_its_share(name: str, size: Size, quantity: QuantityName) -> None:
    by_stage = table(name, size).groupby("stage")[quantity].sum()
    found = title(stage_chart(traced(name, size), quantity))

    assert re.search(rf"\b{re.escape(str(by_stage.idxmax()))}\b", found)
    assert f"{100 * by_stage.max() / by_stage.sum():.1f}%" in found


def test_titles_count_blocks_and_name_their_grid() -> None:
    # Blocks as in TF-Slim and facenet-pytorch (its sixth C block included), grids as beside the paper's figures.
    assert title(stage_chart(traced("inception_resnet_v2", 299))).startswith(
        "The 20 blocks of Inception-ResNet-B at 17x17 take "
    )
    assert title(stage_chart(traced("inception_resnet_v1", 299))).startswith(
        "The 6 blocks of Inception-ResNet-C at 8x8 take "
    )
    assert title(stage_chart(traced("inception_v4", 75), "macs")).startswith("The 7 blocks of Inception-B at 3x3 take ")


def test_hover_gives_exact_numbers_and_shares() -> None:
    figure = stage_chart(traced("inception_v4", 299))
    [bar] = [bar for bar in figure.data if bar.name == "linear layer"]
    assert bar.x[-1] == 1536 * 1000 + 1000
    assert bar.customdata[-1] == "100.0% of Head, 3.6% of the network"
    assert "%{x:,} parameters" in bar.hovertemplate


# Of the released network; test_receptive_field holds the fields against gradients.
FIELDS_V2 = {"MaxPool_3a_3x3": 15, "Conv2d_4a_3x3": 23, "MaxPool_5a_3x3": 31, "Mixed_5b": 63, "Mixed_6a": 415}
FIELDS_V2 |= {"Mixed_7a": 2399, "Conv2d_7b_1x1": 3039}


def test_steps_are_at_the_right_layers() -> None:
    figure, rows = depth_chart(traced("inception_resnet_v2", 299)), table("inception_resnet_v2", 299)
    last = rows.groupby("block", sort=False)["index"].max()
    grid, channels, field = (line(figure, axis) for axis in ("y", "y2", "y3"))

    assert (grid[0], channels[0], field[0]) == (299, 3, 1)
    assert {block: field[last[block]] for block in FIELDS_V2} == FIELDS_V2
    # timm's grids and channels behind each block; inside Mixed_6a the main path keeps what it had.
    after = {"Conv2d_1a_3x3": (149, 32), "MaxPool_5a_3x3": (35, 192), "Mixed_5b": (35, 320), "Block35_10": (35, 320)}
    after |= {"Mixed_6a": (17, 1088), "Block17_20": (17, 1088), "Mixed_7a": (8, 2080), "Conv2d_7b_1x1": (8, 1536)}
    assert {block: (grid[last[block]], channels[last[block]]) for block in after} == after
    assert not set(range(last["Block35_10"] + 1, last["Mixed_6a"])) & set(grid)
    # A step stands where the new value begins.
    assert {trace.line.shape for trace in figure.data if trace.mode == "lines"} == {"hv"}


@pytest.mark.parametrize(("name", "size"), CASES)
def test_dots_are_the_rows_of_the_table(name: str, size: Size) -> None:
    figure, rows = depth_chart(traced(name, size)), table(name, size)
    dots = {trace.yaxis: trace for trace in figure.data if trace.name == "every layer"}
    outs = rows["out_shape"].map(reference.sizes)

    for axis, expected in (
        ("y", [out[1] if len(out) == 3 else None for out in outs]),
        ("y2", [out[0] for out in outs]),
        ("y3", [reference.sizes(field)[0] for field in rows["rf"]]),
    ):
        assert dots[axis].x == tuple(range(len(rows) + 1))
        assert list(dots[axis].y[1:]) == expected
    for text, row in zip(dots["y3"].hovertext[1:], rows.itertuples(), strict=True):
        for part in (row.block, row.branch, row.layer, f"output {row.out_shape}", f"field {row.rf} px"):
            assert str(part) in text


def test_height_and_width_have_lines_of_their_own_where_they_differ() -> None:
    figure = depth_chart(traced("inception_resnet_v2", (350, 400)))
    height, width = line(figure, "y"), line(figure, "y", "main path, width")
    assert (height[0], width[0]) == (350, 400)
    last = int(table("inception_resnet_v2", (350, 400)).query("block == 'Conv2d_7b_1x1'")["index"].iloc[0])
    assert (height[last], width[last]) == (9, 11)
    sides = {shape.y0 for shape in figure.layout.shapes if shape.type == "line"}
    assert sides == {350, 400}

    square = depth_chart(traced("inception_resnet_v2", 299))
    assert {trace.name for trace in square.data} == {"every layer", "main path"}
    assert {shape.y0 for shape in square.layout.shapes if shape.type == "line"} == {299}


@pytest.mark.parametrize(("name", "size"), CASES)
def test_bands_are_the_stages(name: str, size: Size) -> None:
    figure, rows = depth_chart(traced(name, size)), table(name, size)
    ends = rows.groupby("stage", sort=False)["index"].agg(["min", "max"])
    names = [note for note in figure.layout.annotations if note.textangle == -90]
    assert [note.text for note in names] == list(ends.index)
    assert sorted(note.x for note in names) == [note.x for note in names]
    assert all(0 < note.x <= len(rows) * 1.02 for note in names)
    bands = [(shape.x0 + 0.5, shape.x1 - 0.5) for shape in figure.layout.shapes if shape.type == "rect"]
    assert bands == list(ends.iloc[::2].itertuples(index=False, name=None))


def test_names_of_many_stages_stay_over_their_bands() -> None:
    names = [note for note in depth_chart(foreign("forty stages")).layout.annotations if note.textangle == -90]
    assert [(note.text, round(note.x)) for note in names] == [(str(i), i + 1) for i in range(40)]


def test_stages_named_by_numbers_are_names() -> None:
    figure = stage_chart(foreign("numbered stages"))
    assert figure.data[0].y == ("0", "1")
    assert figure.layout.yaxis.type == "category"


@pytest.mark.parametrize(("name", "size"), CASES)
def test_title_names_the_first_layer_that_sees_as_much_as_the_picture(name: str, size: Size) -> None:
    graph, rows = traced(name, size), table(name, size)
    height, width = graph.input_size
    on_path = rows[rows["index"].isin(main_path(graph))]
    fields = pd.DataFrame(on_path["rf"].map(reference.sizes).tolist(), index=on_path["index"])
    first = int(fields.index[(fields[0] >= height) & (fields[1] >= width)][0])
    assert title(depth_chart(graph)) == (
        f"From {rows['block'][first - 1]} on, layer {first} of {len(rows)}, "
        "receptive fields are as large as the picture"
    )


def test_title_says_when_no_layer_does() -> None:
    graph = trace(nn.Sequential(nn.Conv2d(3, 8, 3), nn.Conv2d(8, 8, (3, 1))), (5, 4))
    assert title(depth_chart(graph)) == "No receptive field is as large as the picture: the largest is 5x3 px"


@pytest.mark.parametrize("name", ["inception_v4", "inception_resnet_v1"])
def test_without_a_layer_of_the_main_path_there_is_no_way_through(name: str) -> None:
    graph = traced(name, 299)
    last = len(graph.layers)

    def reaches_the_end(without: int) -> bool:
        reached = {0}
        for layer in graph.layers:
            if layer.index != without and reached & set(layer.inputs):
                reached.add(layer.index)
        return last in reached

    path = main_path(graph)
    assert (path[0], path[-1]) == (0, last)
    assert [i for i in range(1, last + 1) if not reaches_the_end(i)] == path[1:]


@pytest.mark.parametrize("quantity", get_args(QuantityName))
@pytest.mark.parametrize(("name", "size"), CASES)
def test_areas_of_the_treemap_add_up(name: str, size: Size, quantity: QuantityName) -> None:
    graph, rows = traced(name, size), table(name, size)
    tree = cost_treemap(graph, quantity).data[0]
    value = dict(zip(tree.ids, tree.values, strict=True))
    inside = pd.Series(tree.values).groupby(pd.Series(tree.parents)).sum().drop("").to_dict()

    assert len(value) == len(tree.ids)
    assert tree.branchvalues == "total"
    assert set(tree.parents) - {""} <= set(tree.ids)
    assert {parent: value[parent] for parent in inside} == inside
    assert [v for v, parent in zip(tree.values, tree.parents, strict=True) if not parent] == [rows[quantity].sum()]

    stages = {label: v for label, v, p in zip(tree.labels, tree.values, tree.parents, strict=True) if p == tree.ids[0]}
    by_stage = rows.groupby("stage")[quantity].sum()
    assert stages == by_stage[by_stage > 0].to_dict()

    # The leaves are the rows of the collapsed table that have any of it.
    leaves = sorted(v for id, v in value.items() if id not in inside)
    collapsed = graph.table(collapse=True)[quantity]
    assert leaves == sorted(collapsed[collapsed > 0])


def test_treemap_folds_equal_blocks() -> None:
    tree = cost_treemap(traced("inception_resnet_v2", 299)).data[0]
    blocks = [label for label in tree.labels if label.startswith("Block")]
    assert blocks == ["Block35 x10", "Block17 x20", "Block8 x9", "Block8"]
    hover = next(text for text in tree.hovertext if "Block17 x20 · Branch_0" in text)
    # A 1x1 from 1088 to 192 channels and its batch norm (beta and gamma), twenty times.
    each = 1088 * 192 + 2 * 192
    assert f"20 x {each:,}" in hover
    assert f"{20 * each:,} parameters" in hover


def test_title_of_the_treemap_names_the_largest_piece() -> None:
    # The linear 1x1 from 448 to 2080 channels with its bias, in nine blocks, of 55,843,464.
    share = 9 * (448 * 2080 + 2080) / 55_843_464
    assert title(cost_treemap(traced("inception_resnet_v2", 299))) == (
        f"Block8 x9 · Conv2d_1x1 takes {share:.1%} of the parameters, the most of all layers"
    )


@pytest.mark.parametrize("sizes", [(299, 299, 299), (160, 299, (350, 400))])
def test_lines_of_the_comparison_are_cumulative_sums(sizes: tuple[Size, ...]) -> None:
    names = ["inception_v4", "inception_resnet_v1", "inception_resnet_v2.paper"]
    graphs = [traced(name, size) for name, size in zip(names, sizes, strict=True)]
    figure = comparison_chart(graphs)
    assert [line.name[:5] for line in comparison_chart(graphs, ["first", "other", "third"]).data[::2]] == [
        "first",
        "other",
        "third",
    ]
    assert len(figure.data) == 2 * len(graphs)
    for number, graph in enumerate(graphs):
        rows = graph.table()
        for trace_, column, axis in zip(
            figure.data[2 * number : 2 * number + 2], ["macs", "params"], ["y", "y2"], strict=True
        ):
            assert trace_.yaxis == axis
            assert trace_.name.startswith(graph.name)
            assert ("px" in trace_.name) == (len(set(sizes)) > 1)
            sums = rows[column].cumsum()
            points = {round(x * len(rows)): y for x, y in zip(trace_.x, trace_.y, strict=True)}
            assert points == {0: 0} | {i: sums[i - 1] for i in points if i}
            assert (trace_.x[-1], trace_.y[-1]) == (1, getattr(graph, column))
            marked = {round(x * len(rows)) for x, size in zip(trace_.x, trace_.marker.size, strict=True) if size}
            assert marked == set(rows.groupby("stage")["index"].max())
            assert f"{getattr(graph, column):,} {UNITS[column]}, 100.0%" in trace_.hovertext[-1]


def test_title_of_the_comparison_says_where_half_is_reached() -> None:
    names = ["inception_v4", "inception_resnet_v2"]
    spans = []
    for column in ("macs", "params"):
        halves = [2 * table(name, 299)[column].cumsum() >= table(name, 299)[column].sum() for name in names]
        shares = [(1 + (~reached).sum()) / len(reached) for reached in halves]
        spans.append(f"{min(shares):.0%} to {max(shares):.0%}")
    assert title(comparison_chart([traced(name, 299) for name in names])) == (
        f"The first {spans[0]} of the layers have half of the MACs, "
        f"the first {spans[1]} of the layers have half of the parameters"
    )


def test_networks_differ_in_more_than_colour() -> None:
    figure = comparison_chart([traced(name, 299) for name in list_models()])
    looks = [(trace.line.dash, trace.marker.symbol) for trace in figure.data[::2]]
    assert len(set(looks)) == len(list_models())


def test_twelve_networks_can_be_told_apart_without_colour() -> None:
    graphs = [replace(chain(), name=f"network {number}") for number in range(12)]
    looks = [(trace.line.dash, trace.marker.symbol) for trace in comparison_chart(graphs).data[::2]]
    assert len(set(looks)) == 12
    styles = [line_style(number) for number in range(216)]
    assert len(set(styles)) == 216
    for one, other in pairwise(styles):
        assert one.color != other.color
        assert one.dash != other.dash
        assert one.symbol != other.symbol


def test_kinds_differ_in_more_than_colour() -> None:
    kinds = stage_chart(traced("inception_resnet_v2", 299), "activation_bytes").data
    assert [bar.name for bar in kinds] == [kind.name for kind in KINDS]
    assert len({bar.marker.pattern.shape for bar in kinds}) == len(KINDS)
    assert [bar.marker.color for bar in kinds] == [kind.color for kind in KINDS]


def test_legends_stand_between_title_and_plot() -> None:
    graph = traced("inception_v4", 299)
    for figure in (stage_chart(graph), depth_chart(graph), cost_treemap(graph), comparison_chart([graph, graph])):
        legend, height = figure.layout.legend, figure.layout.height
        assert (legend.yref, legend.yanchor) == ("container", "top")
        lines = figure.layout.title.text.count("<br>") + figure.layout.title.subtitle.text.count("<br>") + 2
        assert 44 + 17 * lines < (1 - legend.y) * height <= figure.layout.margin.t, "below the lines of the title"


def test_the_treemap_has_a_legend_of_the_kinds_in_it() -> None:
    figure = cost_treemap(traced("inception_v4", 299))
    legend = [bar.name for bar in figure.data[1:]]
    assert legend == ["1x1 convolution", "k x k convolution", "1 x k or k x 1 convolution", "linear layer"]
    assert figure.layout.showlegend


@pytest.mark.parametrize("name", FOREIGN)
def test_networks_that_are_not_ours(name: str) -> None:
    graph = foreign(name)
    rows = graph.table()
    for chart, figure in all_charts(graph).items():
        assert title(figure), chart
        assert "nan" not in figure.to_json().lower(), chart
    for quantity in get_args(QuantityName):
        assert bars(stage_chart(graph, quantity)).to_numpy().sum() == rows[quantity].sum()
        assert cost_treemap(graph, quantity).data[0].values[0] == rows[quantity].sum()
    assert comparison_chart([graph]).data[1].y[-1] == graph.params


def test_without_stages_layers_stand_for_themselves() -> None:
    figure = stage_chart(chain())
    assert bars(figure).sum(axis="columns").to_dict() == {
        "conv 0": 3 * 8 * 9 + 8,
        "max pool 2": 0,
        "flatten 3": 0,
        "linear 4": 8 * 5 * 7 * 10 + 10,
    }
    assert title(figure).startswith("linear 4 takes 92.6% of")
    assert [note.text for note in depth_chart(chain()).layout.annotations if note.textangle == -90] == []
    field = line(depth_chart(chain()), "y3")
    assert [field[i] for i in range(4)] == [1, 3, 4, 12]
    assert title(depth_chart(chain())).startswith("From flatten 3 on, layer 3 of 4,")  # 12x16 exactly


def test_what_no_box_describes_is_a_gap() -> None:
    figure = depth_chart(foreign("fork"))
    [dots] = [trace for trace in figure.data if trace.name == "every layer" and trace.yaxis == "y3"]
    assert dots.y[-2] is None  # the sum of both branches; the flatten behind it is of the whole picture
    assert "not one box" in dots.hovertext[-2]


def test_nothing_to_show_is_said() -> None:
    graph = foreign("no parameters")
    assert title(stage_chart(graph, "params")) == "This network has no parameters"
    assert title(cost_treemap(graph, "macs")) == "This network has no MACs"
    assert title(comparison_chart([graph])) == "There is nothing to add up"


@pytest.mark.parametrize("network", [*list_models(), *FOREIGN])
def test_figures_are_small_valid_and_without_ink_of_their_own(network: str) -> None:
    graph = foreign(network) if network in FOREIGN else traced(network, 299)
    for name, figure in all_charts(graph).items():
        text = figure.to_json()
        assert len(text) < 500_000, name
        assert "http" not in text, name
        layout = json.loads(text)["layout"]
        template = layout.pop("template")["layout"]
        # The theme replaces the template's; anything beside it would stay.
        assert {template["paper_bgcolor"], template["plot_bgcolor"]} == {"rgba(0,0,0,0)"}
        assert not {"paper_bgcolor", "plot_bgcolor", "colorway"} & set(layout), name
        for font in (layout["title"]["font"], layout["title"]["subtitle"]["font"], layout.get("font", {})):
            assert "color" not in font, name
        assert all("font" not in note for note in layout.get("annotations", [])), name
        lines = layout["title"]["text"].split("<br>")
        assert all(len(line) <= 42 for line in lines), name
        go.Figure(json.loads(text))  # raises for a property that plotly does not know


def test_all_networks_in_one_comparison_stay_small() -> None:
    figure = comparison_chart([traced(name, 299) for name in list_models()])
    assert len(figure.to_json()) < 500_000


def test_axes_have_units() -> None:
    graph = traced("inception_v4", 299)
    titles = {name: stage_chart(graph, name).layout.xaxis.title.text for name in get_args(QuantityName)}
    assert "Parameters" in titles["params"]
    assert "MACs" in titles["macs"]
    assert "float32" in titles["activation_bytes"]
    assert "1,000,000 bytes" in titles["activation_bytes"]
    assert stage_chart(graph, "activation_bytes").layout.xaxis.ticksuffix == "B"
    # 20,553,792 and 34,957,440 in the table.
    assert "Inception-B<br>20.55 M, 48.2%" in stage_chart(graph).layout.yaxis.ticktext
    assert "Inception-B<br>34.96 MB, 32.1%" in stage_chart(graph, "activation_bytes").layout.yaxis.ticktext


@pytest.mark.parametrize(
    ("number", "unit", "text"),
    [
        (0, "", "0"),
        (999, "B", "999 B"),
        (1000, "", "1.00 k"),
        (55_843_464, "", "55.84 M"),
        (13_156_000_000, "MACs", "13.16 GMACs"),
        (7_000_000_000_000, "", "7,000.00 G"),
    ],
)
def test_rounded_numbers(number: int, unit: str, text: str) -> None:
    assert scaled(number, unit) == text


def test_downloads_are_named_after_network_and_chart() -> None:
    graphs = [traced("inception_v4", 299), traced("inception_resnet_v2", (350, 400))]
    figures = [figure for graph in graphs for figure in all_charts(graph).values()] + [comparison_chart(graphs)]
    names = [chart_config(figure)["toImageButtonOptions"]["filename"] for figure in figures]
    assert len(set(names)) == len(names)
    assert all(re.fullmatch(r"[\w.]+", name) and "inception_" in name for name in names)
    assert names[0] == "inception_v4_299x299_params_by_stage"

    for format in ("png", "svg"):
        config = json.loads(json.dumps(chart_config(figures[0], format)))
        assert config["toImageButtonOptions"]["format"] == format
        assert config["toImageButtonOptions"]["scale"] == 2
        assert config["showSendToCloud"] is False  # a button that would send the data to a server


@pytest.mark.parametrize("chart", [stage_chart, cost_treemap])
def test_unknown_quantities_are_refused(chart: Any) -> None:
    with pytest.raises(ValueError, match=r"'flops'.*params, macs, activation_bytes") as caught:
        chart(traced("inception_v4", 299), "flops")
    reference.assert_one_sentence(caught.value)
    assert set(QUANTITIES) == set(get_args(QuantityName))


def test_nothing_to_compare_is_refused() -> None:
    with pytest.raises(ValueError, match="no network to compare") as caught:
        comparison_chart([])
    reference.assert_one_sentence(caught.value)


def test_charts_speak_chinese_and_their_titles_fit_a_phone() -> None:
    graph = zoo_graph("inception_resnet_v2")
    with speaking("zh_CN"):
        figures = [stage_chart(graph), depth_chart(graph), cost_treemap(graph), comparison_chart([graph])]
    for figure in figures:
        lines = figure.layout.title.text.split("<br>")
        assert any("\u4e00" <= letter <= "\u9fff" for letter in figure.layout.title.text)
        assert max(map(text_width, lines)) <= TITLE_WIDTH
    assert {"1x1 卷积", "全连接层"} <= {trace.name for trace in figures[0].data}
