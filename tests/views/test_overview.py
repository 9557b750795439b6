"""Folded networks and networks side by side, against the paper's figures and the trace."""

import re
import xml.etree.ElementTree as ET
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import replace
from itertools import product
from typing import get_args

import pytest
from torch import Tensor, nn

from inception import LayerGraph, create_model, list_models, trace
from inception.graph.blocks import block_types
from inception.views.diagram import BAR, diagram_dot, diagram_svg, node_name, render
from inception.views.overview import (
    STAGE_KINDS,
    Box,
    Level,
    SizeBy,
    box_hover,
    overview_boxes,
    overview_dot,
    side_by_side,
    side_by_side_dot,
)

from ..graphs import zoo_graph
from .test_diagram import SVG, XLINK, Odd, graph_of, parse, texts

LEVELS: tuple[Level, ...] = get_args(Level)
SIZES: tuple[SizeBy, ...] = get_args(SizeBy)
KERAS = "inception_resnet_v2.keras_blog"
V1, V2, V4 = "inception_resnet_v1", "inception_resnet_v2", "inception_v4"
NBSP = "\N{NO-BREAK SPACE}"
EVERY = list(product(list_models(), LEVELS))


def folded(graph: LayerGraph, level: Level) -> dict[int, str]:
    """The node in which each layer stands; 0 is the picture."""
    return {0: "input"} | {layer.index: box.id for box in overview_boxes(graph, level) for layer in box.layers}


def labelled_edges(dot: str) -> list[tuple[str, str]]:
    """What stands in the boxes at both ends of each edge, and the label, in order."""
    drawn = parse(dot)
    names = {node: (texts(dot, node) or [node])[0] for node in drawn}
    return [(names[tail], drawn.get_edge(tail, head).attr["taillabel"]) for tail, head in drawn.edges()]


def test_v4_is_fig_9_folded() -> None:
    """Fig. 9 writes these grids beside the blocks; the last pool gives 1536 numbers, the last layer 1000 classes."""
    assert labelled_edges(overview_dot(graph_of(V4), "stage")) == [
        ("input", "3x299x299"),
        ("Stem", "384x35x35"),
        ("Inception-A", "384x35x35"),
        ("Reduction-A", "1024x17x17"),
        ("Inception-B", "1024x17x17"),
        ("Reduction-B", "1536x8x8"),
        ("Inception-C", "1536x8x8"),
        ("Head", "1000"),
    ]
    blocks = [box for box, _ in labelled_edges(overview_dot(graph_of(V4)))]
    assert [texts(overview_dot(graph_of(V4)), f"block{n}")[0] for n in (7, 9, 11)] == blocks[7:12:2]
    assert [name.replace(NBSP, " ") for name in blocks[7:12:2]] == [
        "Inception-A ×4",
        "Inception-B ×7",
        "Inception-C ×3",
    ]
    assert [texts(overview_dot(graph_of(V4)), f"block{n}")[1] for n in (7, 9, 11)] == [
        "Mixed_5b-5e",
        "Mixed_6b-6h",
        "Mixed_7b-7d",
    ]


def test_v1_is_fig_15_with_facenet_s_sixth_c_block() -> None:
    graph = zoo_graph(V1, 299)
    found = {name.replace(NBSP, " "): shape for name, shape in labelled_edges(overview_dot(graph))}
    assert found["Inception-ResNet-A ×5"] == "256x35x35"
    assert found["Reduction-A"] == found["Inception-ResNet-B ×10"] == "896x17x17"
    assert found["Reduction-B"] == found["Inception-ResNet-C ×5"] == found["Inception-ResNet-C"] == "1792x8x8"
    names = [" ".join(texts(overview_dot(graph), box.id)) for box in overview_boxes(graph)]
    for code in ("Conv2d_4b_3x3", "Block35", "Mixed_6a", "Block17", "Mixed_7a", "Block8"):
        assert any(code in name for name in names)


@pytest.mark.parametrize(("name", "level"), EVERY)
def test_edges_are_the_trace_s_folded(name: str, level: Level) -> None:
    graph = graph_of(name)
    box_of = folded(graph, level)
    shape_of = {layer.index: "x".join(map(str, layer.out_shape)) for layer in graph.layers}
    shape_of[0] = "x".join(map(str, graph.input_shape))
    expected = {
        (box_of[source], box_of[target], shape_of[source])
        for source, target in graph.edges
        if box_of[source] != box_of[target]
    }
    last = graph.layers[-1].index
    expected.add((box_of[last], f"to{last}", shape_of[last]))
    drawn = parse(overview_dot(graph, level))
    edges = [(tail, head, drawn.get_edge(tail, head).attr["taillabel"]) for tail, head in drawn.edges()]
    assert len(edges) == len(expected)
    assert set(edges) == expected


@pytest.mark.parametrize(("name", "level"), EVERY)
def test_boxes_stand_for_every_layer_once(name: str, level: Level) -> None:
    graph = graph_of(name)
    boxes = overview_boxes(graph, level)
    assert [layer for box in boxes for layer in box.layers] == list(graph.layers)
    assert [box.id for box in boxes] == [f"block{n}" for n in range(1, len(boxes) + 1)]
    assert sum(box.params for box in boxes) == graph.params
    assert sum(box.macs for box in boxes) == graph.macs
    assert len(parse(overview_dot(graph, level))) == len(boxes) + 2 < 40
    types = block_types(graph.layers)
    for box in boxes:
        assert box.type in types
        assert {layer.stage for layer in box.type.layers} == {box.stage}
        assert len(box.runs) > 1 or box.runs[0].blocks[0][0] in box.type.layers
    assert {box.type.title for box in overview_boxes(graph, "block")} == {type.title for type in types}


def test_boxes_of_the_paper_s_stages() -> None:
    kinds = {box.stage: box.kind.name for box in overview_boxes(graph_of(V2), "stage")}
    assert kinds == {
        "Stem": "stem",
        "Inception-A": "inception",
        "Inception-ResNet-A": "residual",
        "Reduction-A": "reduction",
        "Inception-ResNet-B": "residual",
        "Reduction-B": "reduction",
        "Inception-ResNet-C": "residual",
        "Head": "head",
    }


def test_a_network_of_another_family_has_neither_stem_nor_head() -> None:
    """What its modules are called says nothing; what is in them does."""

    class Residual(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(8, 8, 3, padding=1)

        def forward(self, x: Tensor) -> Tensor:
            return x + self.conv(x)

    features = nn.Sequential(nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU()), Residual(), Residual())
    network = nn.Sequential(OrderedDict(features=features, pool=nn.AdaptiveAvgPool2d(1), head=nn.Flatten()))
    boxes = overview_boxes(trace(network, (3, 32, 32)))
    assert {box.kind.name for box in boxes} <= {"k x k convolution", "residual sum", "pool", "other"}
    assert [box.kind.name for box in boxes][:2] == ["k x k convolution", "residual sum"]


@pytest.mark.parametrize(("name", "level"), EVERY)
def test_kinds_are_told_in_words_too(name: str, level: Level) -> None:
    dot = overview_dot(graph_of(name), level)
    for box in overview_boxes(graph_of(name), level):
        assert box.kind.name in " ".join(texts(dot, box.id)).lower()


def test_hover_tells_shape_costs_and_receptive_field() -> None:
    graph = graph_of(V2)
    boxes = {box.stage: box for box in overview_boxes(graph, "stage")}
    hovers = {stage: box_hover(graph, box).splitlines() for stage, box in boxes.items()}
    for path, stage in {"inception_a": "Inception-A", "inception_resnet_b": "Inception-ResNet-B"}.items():
        module = create_model(V2, device="meta").get_submodule(path)
        assert f"{sum(p.numel() for p in module.parameters()):,} parameters" in hovers[stage]
    assert hovers["Inception-A"][:2] == ["Inception-A: Mixed_5b", "output 320x35x35"]
    assert hovers["Inception-ResNet-A"][0] == f"Inception-ResNet-A: Block35{NBSP}×10"
    assert {stage: hovers[stage][-1] for stage in ("Inception-A", "Reduction-A", "Reduction-B")} == {
        "Inception-A": "receptive field 63x63 px",
        "Reduction-A": "receptive field 415x415 px",
        "Reduction-B": "receptive field 2399x2399 px",
    }
    svg = ET.fromstring(diagram_svg(overview_dot(graph, "stage"), ""))
    for stage, box in boxes.items():
        link = svg.find(f".//{SVG}g[@id='{box.id}']//{SVG}a")
        assert link is not None
        assert link.get(f"{XLINK}title", "").splitlines() == hovers[stage]


def bars(dot: str, boxes: Sequence[Box]) -> list[int]:
    """The length of the bar in each box, in points."""
    found = []
    for box in boxes:
        drawn = re.search(rf'^\t{box.id} .*width="(\d+)" height="6" bgcolor="{box.kind.color}"', dot, re.MULTILINE)
        found.append(int(drawn[1]) if drawn else 0)
    return found


@pytest.mark.parametrize("size_by", SIZES)
def test_a_bar_is_as_long_as_what_it_shows_is_large(size_by: SizeBy) -> None:
    """From 0, so that twice the length is twice as much; what is small keeps a trace of a bar."""
    boxes = overview_boxes(graph_of(V2))
    found = bars(overview_dot(graph_of(V2), size_by=size_by), boxes)
    amounts = [getattr(box, size_by) for box in boxes]
    assert max(found) == BAR
    for length, amount in zip(found, amounts, strict=True):
        assert length == pytest.approx(BAR * amount / max(amounts), abs=1)
        assert length or not amount


def test_boxes_tell_parameters_and_macs_with_their_share() -> None:
    graph = graph_of(V4)
    for size_by, total, unit in (("params", 42_679_816, "parameters"), ("macs", graph.macs, "MACs")):
        dot = overview_dot(graph, "stage", size_by)  # type: ignore[arg-type]
        lines = [texts(dot, box.id)[-1] for box in overview_boxes(graph, "stage")]
        numbers = [int(line.split()[0].replace(",", "")) for line in lines]
        assert sum(numbers) == total
        for line, number in zip(lines, numbers, strict=True):
            assert re.fullmatch(rf"[\d,]+ {unit}, (<1|\d+)%", line)
            share = 100 * number / total
            assert share < 1 if "<" in line else float(line.split()[-1][:-1]) == pytest.approx(share, abs=0.5)


@pytest.mark.parametrize(("name", "level"), EVERY)
def test_a_box_unfolds_in_place(name: str, level: Level) -> None:
    graph = graph_of(name)
    for box in overview_boxes(graph, level):
        shown = [run.blocks[0] for run in box.runs]
        drawn = parse(overview_dot(graph, level, opened=[box.id]))
        assert len(drawn) < 50
        assert box.id not in drawn
        assert {node for node in drawn if re.fullmatch(r"layer\d+", node)} == {
            node_name(layer) for block in shown for layer in block
        }
        # What a layer reads inside its block, or from another box, ends at its own node.
        place = folded(graph, level)
        place |= {layer.index: node_name(layer) for block in shown for layer in block}
        for block in shown:
            for layer in block:
                for source in layer.inputs:
                    tails = {tail for tail in drawn if tail == place[source] or tail.startswith(f"{place[source]}part")}
                    found = place[source] == box.id or any(drawn.has_edge(tail, node_name(layer)) for tail in tails)
                    assert found, (box, layer)
        assert all(drawn.in_degree(node) for node in drawn if node != "input")
        assert all(drawn.out_degree(node) for node in drawn if not node.startswith("to"))


class Mean(nn.Module):
    """From a picture to one number without any axis."""

    def forward(self, x: Tensor) -> Tensor:
        return x.mean()


def test_networks_that_are_not_ours() -> None:
    modules: list[nn.Module] = [
        Odd(),
        Mean(),
        nn.Conv2d(4, 4, 3),
        nn.Sequential(nn.MaxPool2d(2)),
        nn.Sequential(OrderedDict(stem=nn.Sequential(nn.Conv2d(4, 8, 3)), head=nn.Sequential(nn.Flatten()))),
    ]
    for module, level, size_by in product(modules, LEVELS, SIZES):
        graph = trace(module, (4, 16, 16))
        boxes = overview_boxes(graph, level)
        assert render(diagram_dot(graph.layers, "all"), "svg")
        assert "<b></b>" not in overview_dot(graph, level, size_by), "a nameless layer is called after what it does"
        for opened in ([], [box.id for box in boxes]):
            svg = ET.fromstring(render(overview_dot(graph, level, size_by, opened), "svg"))
            assert len(list(svg.iter(f"{SVG}text"))) >= len(boxes)
    stem, head = overview_boxes(trace(modules[-1], (4, 16, 16)))
    assert (stem.kind.name, head.kind.name) == ("stem", "head")
    assert {box.kind.name for box in overview_boxes(trace(modules[2], (4, 16, 16)))} == {"k x k convolution"}


def test_names_are_escaped() -> None:
    hostile = '<script>"&]>\\N'
    module = nn.Sequential(OrderedDict({hostile: nn.Sequential(OrderedDict({hostile: nn.Conv2d(3, 3, 1)}))}))
    graph = replace(trace(module, 8), name=hostile)
    for dot in (
        *(overview_dot(graph, level, opened=opened) for level, opened in product(LEVELS, ([], ["block1"]))),
        side_by_side_dot([graph, graph]),
    ):
        svg = ET.fromstring(render(dot, "svg"))
        assert any(hostile in (element.text or "") for element in svg.iter(f"{SVG}text"))
        assert not list(svg.iter(f"{SVG}script"))


def differences(*names: str) -> dict[str, list[tuple[str, ...] | None]]:
    """By the first network's stage: what is different in each of the others."""
    rows = side_by_side([graph_of(name) for name in names])
    return {
        " + ".join(box.stage for box in row[0].boxes): [cell.differences if cell else None for cell in row[1:]]
        for row in rows
        if row[0]
    }


def test_v1_beside_v2() -> None:
    """Table 1, Fig. 10 to 19 and TF-Slim's released v2."""
    found = {stage: texts[0] for stage, texts in differences(V1, V2).items()}
    assert found == {
        "Stem": ("MaxPool_5a_3x3 instead of Conv2d_4b_3x3", "192 against 256 channels"),
        "Inception-ResNet-A": (
            "+ Mixed_5b",
            f"Block35{NBSP}×10 against ×5",
            "3 of 9 layers of Block35 differ",  # 48 and 64 for 32 and 32, 320 for 256
            "320 against 256 channels",
        ),
        "Reduction-A": ("3 of 6 layers of Mixed_6a differ", "1,088 against 896 channels"),  # k, l and m
        "Inception-ResNet-B": (
            f"Block17{NBSP}×20 against ×10",
            "4 of 7 layers of Block17 differ",  # 192, 160 and 192 for 128, 1088 for 896
            "1,088 against 896 channels",
        ),
        "Reduction-B": ("3 of 9 layers of Mixed_7a differ", "2,080 against 1,792 channels"),  # 288, 288 and 320
        "Inception-ResNet-C": (
            f"Block8{NBSP}×9 against ×5",
            "3 of 7 layers of Block8 differ",  # 224 and 256 for 192, 2080 for 1792
            "2,080 against 1,792 channels",
        ),
        "Head": (
            "+ Conv2d_7b_1x1",
            "1 of 4 layers of Logits differs",
            "\N{MINUS SIGN} Bottleneck, Normalize",
            "1,000 against 512 channels",
        ),
    }


def test_what_is_equal_is_called_the_same() -> None:
    found = differences(V4, "inception_resnet_v2.paper")
    assert found["Stem"] == [()]  # Fig. 3 serves both
    assert found["Head"] == [("1 of 4 layers of Logits differs",)]  # dropout before the flatten or after it
    assert found["Inception-B"] == [
        (f"Block17{NBSP}×10 instead of Mixed_6b-6h{NBSP}×7", "1,152 against 1,024 channels"),
    ]
    dot = side_by_side_dot([graph_of(V4), graph_of("inception_resnet_v2.paper")])
    (stem, *_) = side_by_side([graph_of(V4), graph_of("inception_resnet_v2.paper")])
    assert stem[0]
    assert stem[1]
    assert texts(dot, stem[1].id) == [*texts(dot, stem[0].id), "the same"]


def test_bias_scale_and_kernels_make_a_difference() -> None:
    """The tutorial has a bias in every convolution, 1x7 and 7x1 in block C, and no scale."""
    found = {stage: texts[0] for stage, texts in differences("inception_resnet_v2.paper", KERAS).items()}
    assert found["Reduction-A"] == ("4 of 6 layers of Mixed_6a differ",)
    assert found["Inception-ResNet-C"] == (f"Block8{NBSP}×10 against ×5", "6 of 7 layers of Block8 differ")


def test_the_size_of_the_picture_makes_no_difference() -> None:
    rows = side_by_side([zoo_graph(V1, 160), zoo_graph(V1, 299)])
    assert [cell.differences for row in rows for cell in row if cell] == [()] * 2 * len(rows)


def test_stages_that_play_the_same_part_stand_in_one_row() -> None:
    graphs = [graph_of(name) for name in (V4, V1, V2)]
    rows = side_by_side(graphs)
    assert [[[box.stage for box in cell.boxes] for cell in row if cell] for row in rows[:3]] == [
        [["Stem"], ["Stem"], ["Stem"]],
        [["Inception-A"], ["Inception-ResNet-A"], ["Inception-A", "Inception-ResNet-A"]],
        [["Reduction-A"], ["Reduction-A"], ["Reduction-A"]],
    ]
    assert len(rows) == 7
    drawn = parse(side_by_side_dot(graphs))
    drawn.layout(prog="dot")
    heights = []
    for row in rows:
        places = [tuple(map(float, drawn.get_node(cell.id).attr["pos"].split(","))) for cell in row if cell]
        assert len({y for _, y in places}) == 1
        assert [x for x, _ in places] == sorted(x for x, _ in places)
        heights.append(places[0][1])
    assert heights == sorted(heights, reverse=True)


def test_a_stage_that_one_network_does_not_have() -> None:
    def chain(*names: str) -> LayerGraph:
        stages = OrderedDict[str, nn.Module]((name, nn.Sequential(nn.Conv2d(3, 3, 1))) for name in names)
        return replace(trace(nn.Sequential(stages), 8), name="".join(names))

    rows = side_by_side([chain("a", "c"), chain("a", "b", "c"), chain("b")])
    found = [[cell and cell.differences for cell in row] for row in rows]
    assert found == [[(), (), None], [None, ("not in ac",), ("not in ac",)], [(), (), None]]
    drawn = parse(side_by_side_dot([chain("a", "c"), chain("a", "b", "c"), chain("b")]))
    assert drawn.has_edge("network0row0", "network0row2")
    assert drawn.has_edge("network2", "network2row1")


def test_three_networks_fit_a_screen() -> None:
    dot = side_by_side_dot([graph_of(name) for name in (V4, V1, V2)])
    svg = ET.fromstring(render(dot, "svg"))
    width, height = (float(svg.get(side, "").removesuffix("pt")) for side in ("width", "height"))
    assert width < 800
    assert height < 1000


def test_every_kind_has_a_colour_of_its_own() -> None:
    assert len({kind.color for kind in STAGE_KINDS}) == len({kind.name for kind in STAGE_KINDS}) == len(STAGE_KINDS)
