"""Two versions of a block in one diagram, against the paper's figures and both traces."""

import xml.etree.ElementTree as ET
from collections import OrderedDict
from collections.abc import Sequence
from itertools import product

import pytest
from torch import nn

from inception import trace
from inception.graph.layer import Layer
from inception.views.diagram import diagram_svg
from inception.views.overlay import overlay_dot, pair_layers

from .test_diagram import DRAWN, SVG, parse, texts, types_of

V1, V2, V4 = "inception_resnet_v1", "inception_resnet_v2", "inception_v4"


def boxes(one: Sequence[Layer], other: Sequence[Layer], names: tuple[str, str] = ("v1", "v2")) -> list[str]:
    """Lines of every box in order of execution."""
    dot = overlay_dot(one, other, names, "")
    return ["; ".join(texts(dot, pair.id)) for pair in pair_layers(one, other)]


def test_block35_of_v1_and_v2() -> None:
    """Fig. 10 against Fig. 16; 384 in the figure is 320 in the released network."""
    one, other = (types_of(name)["Inception-ResNet-A"].layers for name in (V1, V2))
    assert boxes(one, other) == [
        "1x1 conv; 32; Conv2d_1x1",
        "1x1 conv; 32; Conv2d_0a_1x1",
        "3x3 conv; 32; Conv2d_0b_3x3",
        "1x1 conv; 32; Conv2d_0a_1x1",
        "3x3 conv; 32 / 48; Conv2d_0b_3x3",
        "3x3 conv; 32 / 64; Conv2d_0c_3x3",
        "filter concat; 96 / 128",
        "1x1 conv; 256 / 320, linear; Conv2d_1x1",
        "+; 256 / 320, residual x 0.17",
    ]


def test_reduction_a_of_v1_and_v2() -> None:
    """Table 1: k, l, m, n are 192, 192, 256, 384 and 256, 256, 384, 384."""
    one, other = (types_of(name)["Reduction-A"].layers for name in (V1, V2))
    assert boxes(one, other)[:4] == [
        "3x3 conv; 384, stride 2, V; Conv2d_1a_3x3",
        "1x1 conv; 192 / 256; Conv2d_0a_1x1",
        "3x3 conv; 192 / 256; Conv2d_0b_3x3",
        "3x3 conv; 256 / 384, stride 2, V; Conv2d_1a_3x3",
    ]


def test_what_one_version_has_is_dashed_and_said_in_words() -> None:
    one, other = (types_of(name)["Stem"].layers for name in (V1, V2))
    dot = overlay_dot(one, other, ("v1", "v2"), "Stem")
    drawn = parse(dot)
    single = {texts(dot, pair.id)[2]: pair.id for pair in pair_layers(one, other) if len(pair.layers) == 1}
    assert set(single) == {"Conv2d_4b_3x3", "MaxPool_5a_3x3"}
    assert texts(dot, single["Conv2d_4b_3x3"])[-1] == "only v1"
    assert texts(dot, single["MaxPool_5a_3x3"])[-1] == "only v2"
    dashed = {node for node in drawn if "dashed" in (drawn.get_node(node).attr["style"] or "")}
    assert dashed == set(single.values())
    assert {head for tail, head in drawn.edges() if drawn.get_edge(tail, head).attr["style"] == "dashed"} == {
        *dashed,
        "to0",
    }


def test_scale_and_relu_of_the_last_block8() -> None:
    """TF-Slim's last Block8 has no ReLU, and its residual is not scaled."""
    types = types_of(V2)
    one, other = types["Inception-ResNet-C"].layers, types["Inception-ResNet-C, last"].layers
    dot = overlay_dot(one, other, ("Block8_1", "Block8"), "")
    *_, total = pair_layers(one, other)
    assert texts(dot, total.id)[1] == "2080, residual x 0.2 in Block8_1, residual x 1 in Block8"
    drawn = parse(dot)
    assert drawn.get_node(f"{total.id}relu").attr["label"].split("\n") == ["ReLU", "only Block8_1"]
    past_relu = drawn.get_edge(total.id, "to0")
    assert (past_relu.attr["label"].strip(), past_relu.attr["style"]) == ("only Block8", "dashed")


def test_edges_are_those_of_both_traces() -> None:
    """Of every block that two networks have under one name."""
    networks = [types_of(name) for name in (*DRAWN, "inception_resnet_v2.keras_blog")]
    for first, second in product(networks, repeat=2):
        both = [title for title in first if title in second]
        assert "Stem" in both
        for title in both:
            assert_edges_are_those_of_both_traces(title, (first[title].layers, second[title].layers))


def assert_edges_are_those_of_both_traces(title: str, versions: tuple[Sequence[Layer], Sequence[Layer]]) -> None:
    drawn = parse(overlay_dot(versions[0], versions[1], ("first", "second"), title))
    edges = {
        (tail.removesuffix("relu"), head): drawn.get_edge(tail, head).attr["style"]
        for tail, head in drawn.edges()
        if head != f"{tail}relu"
    }
    pairs = pair_layers(*versions)
    expected: list[set[tuple[str, str]]] = []
    for version, layers in enumerate(versions):
        place = {layer.index: pair.id for pair in pairs if (layer := pair.versions[version])}
        assert list(place) == [layer.index for layer in layers]
        reads = [(place.get(source, "from0"), place[layer.index]) for layer in layers for source in layer.inputs]
        expected.append({*reads, (place[layers[-1].index], "to0")})
    assert set(edges) == expected[0] | expected[1]
    both = {edge for edge, style in edges.items() if style == "solid"}
    assert both <= expected[0] & expected[1]
    # A sum may hand on with a ReLU behind it in one version only.
    assert all(tail == pairs[-1].id for tail, _ in expected[0] & expected[1] - both)


@pytest.mark.parametrize("title", ["Stem", "Inception-ResNet-C", "Head"])
def test_a_block_over_itself_differs_nowhere(title: str) -> None:
    layers = types_of(V2)[title].layers
    dot = overlay_dot(layers, layers, ("one", "other"), title)
    assert " / " not in dot
    assert "only" not in dot
    assert "dashed" not in dot


def test_names_are_escaped() -> None:
    hostile = '<script>"&]>\\N'
    one, other = (
        trace(nn.Sequential(OrderedDict({hostile: nn.Conv2d(3, 4, 1), f"{hostile}{n}": nn.MaxPool2d(n)})), 12).layers
        for n in (2, 3)
    )
    svg = ET.fromstring(diagram_svg(overlay_dot(one, other, (hostile, f"{hostile}!"), hostile), hostile))
    lines = [element.text for element in svg.iter(f"{SVG}text")]
    assert {hostile, f"only {hostile}", f"only {hostile}!"} <= set(lines)
    assert not list(svg.iter(f"{SVG}script"))
