"""What a graph is in a notebook: a line, the head of its table, a diagram, a receptive field."""

import re
from pathlib import Path
from xml.etree import ElementTree

import pytest
from torch import nn

import inception
from inception import InceptionError, LayerGraph, trace
from inception.views.diagram import DIAGRAM_FORMATS, diagram_caption, diagram_dot, diagram_file
from inception.views.overview import overview_dot
from tests.reference import assert_one_sentence

from ..graphs import zoo_graph


@pytest.fixture(scope="module")
def graph() -> LayerGraph:
    return zoo_graph("inception_resnet_v2")


def test_a_graph_and_its_layers_are_a_line_each(graph: LayerGraph) -> None:
    assert repr(graph) == (
        "<LayerGraph inception_resnet_v2, 3x299x299 picture: 336 layers, 55,843,464 parameters, 13.156 GMACs>"
    )
    assert all(len(repr(layer)) < 160 and "\n" not in repr(layer) for layer in graph.layers)
    assert repr(graph.layers[0]) == "<Layer 1 Conv2d_1a_3x3: conv, 3x299x299 to 32x149x149>"
    assert repr(graph.receptive_field("Mixed_5b")) == "<ReceptiveField 63x63 px, stride 8, offset -18>"
    tall = trace(nn.Conv2d(3, 3, (3, 1), (2, 1), (1, 0)), 9).receptive_field(1)
    assert repr(tall) == "<ReceptiveField 3x1 px, stride 2x1, offset -1x0>"


def test_a_notebook_shows_the_head_of_the_table(graph: LayerGraph) -> None:
    shown = graph._repr_html_()
    page = ElementTree.fromstring(f"<div>{shown}</div>")
    assert "55,843,464 parameters" in "".join(page[0].itertext())
    assert len(page.findall(".//tbody/tr")) == 10
    assert f"and {len(graph.layers) - 10} more rows" in shown
    small = trace(nn.Sequential(nn.Conv2d(3, 2, 1)), 4)._repr_html_()
    assert "more rows" not in small
    odd = type("A<b>", (nn.Sequential,), {})(nn.Conv2d(3, 2, 1))
    assert "A&lt;b&gt;" in trace(odd, 4)._repr_html_()


@pytest.mark.parametrize("suffix", DIAGRAM_FORMATS)
def test_a_diagram_shows_and_saves_itself(graph: LayerGraph, suffix: str, tmp_path: Path) -> None:
    drawing = graph.diagram("Mixed_6a")
    assert repr(drawing) == "<Drawing Reduction-A of inception_resnet_v2>"
    svg = drawing._repr_svg_()
    assert svg == drawing.svg
    assert ElementTree.fromstring(svg).attrib["aria-label"] == "Reduction-A of inception_resnet_v2"

    drawing.save(tmp_path / f"block.{suffix.upper()}")

    block = [layer for layer in graph.layers if layer.block == "Mixed_6a"]
    assert drawing.dot == diagram_dot(block, "Reduction-A")
    caption = diagram_caption(graph, "Reduction-A")
    assert (tmp_path / f"block.{suffix.upper()}").read_bytes() == diagram_file(drawing.dot, suffix, caption)


def test_a_diagram_of_the_whole_network(graph: LayerGraph) -> None:
    assert graph.diagram().dot == graph.diagram(level="block").dot == overview_dot(graph)
    assert graph.diagram(level="stage").dot == overview_dot(graph, "stage")
    assert graph.diagram("Block35", "layer").dot == graph.diagram("inception-resnet-a").dot


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"level": "layer"}, "fit on a page"),
        ({"level": "pixel"}, "unknown level 'pixel'; known: stage, block, layer"),
        ({"block": "Mixed_6a", "level": "stage"}, "leave out the block"),
        ({"block": "Mixed_9z"}, "there is no block 'Mixed_9z'"),
    ],
)
def test_what_cannot_be_drawn_gets_a_sentence(graph: LayerGraph, options: dict[str, str], words: str) -> None:
    with pytest.raises(InceptionError, match=re.escape(words)) as caught:
        graph.diagram(**options)
    assert_one_sentence(caught.value)


def test_an_unknown_suffix_gets_a_sentence_and_no_file(graph: LayerGraph, tmp_path: Path) -> None:
    with pytest.raises(InceptionError, match=r"none of the suffixes \.svg, \.png, \.pdf, \.dot") as caught:
        graph.diagram().save(tmp_path / "network.jpg")
    assert_one_sentence(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_a_layer_s_field_by_any_of_its_names(graph: LayerGraph) -> None:
    layer = next(layer for layer in graph.layers if layer.block == "Block35_3" and layer.layer == "Conv2d_0b_3x3")
    field = graph.receptive_fields[layer.index]
    for key in (layer, layer.index, layer.path, f"{layer.block}/{layer.branch}/{layer.layer}"):
        assert graph.receptive_field(key) == field
    last = [layer for layer in graph.layers if layer.block == "Block35_3"][-1]
    assert graph.receptive_field("block35_3") == graph.receptive_fields[last.index]
    assert graph.find_layer("Block35_3").op == "residual sum"
    assert graph.receptive_field("Conv2d_7b_1x1").size == (3039, 3039)


@pytest.mark.parametrize("key", [0, -1, 10_000, "Mixed_9z", ""])
def test_an_unknown_layer_gets_a_sentence(graph: LayerGraph, key: int | str) -> None:
    with pytest.raises(InceptionError, match="no layer") as caught:
        graph.receptive_field(key)
    assert_one_sentence(caught.value)


def test_cells_without_one_box_get_a_sentence() -> None:
    graph = trace(nn.Sequential(nn.Conv2d(3, 3, 1), nn.Upsample(scale_factor=2)), 8)
    assert graph.receptive_fields[2] is None
    with pytest.raises(InceptionError, match="differ in form") as caught:
        graph.receptive_field(2)
    assert_one_sentence(caught.value)


@pytest.mark.parametrize("name", inception.__all__)
def test_every_public_name_explains_itself(name: str) -> None:
    public = getattr(inception, name)
    assert len((public.__doc__ or "").split()) > 3, name
    if isinstance(public, type) and issubclass(public, LayerGraph):
        members = {name: value for name, value in vars(public).items() if not name.startswith("_")}
        documented = {name for name, value in members.items() if callable(value) or isinstance(value, property)}
        assert {name for name in documented if not members[name].__doc__} == set()
