"""What a graph is in a notebook: a line, the head of its table, a diagram, a receptive field."""

import re
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from torch import Tensor, nn

import inception
from inception import InceptionError, LayerGraph, trace
from inception.views.diagram import DIAGRAM_FORMATS, diagram_caption, diagram_dot, diagram_file
from inception.views.drawing import Drawing, draw
from inception.views.kinds import FACTORISED, KINDS, POINTWISE
from inception.views.overview import overview_dot
from inception.views.style import Style, amount_text
from inception.zoo import VARIANTS
from tests.reference import assert_one_sentence

from ..graphs import zoo_graph
from .geometry import touches


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
    with pytest.raises(InceptionError, match="have no receptive field: several cells") as caught:
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


BOTH = ("inception_resnet_v1", "inception_resnet_v2")


def test_no_label_touches_an_arrow_or_a_box() -> None:
    gate = trace(Gated(), 32)
    drawings = [draw(zoo_graph(name)) for name in VARIANTS]
    drawings += [
        draw(zoo_graph("inception_v4"), style=Style(direction="right", font_size=18), amount="macs"),
        draw(zoo_graph("inception_v4"), unfold=["Inception-B"], amount="rf"),
        draw(zoo_graph("inception_v4"), "Inception-C", style=Style("right", 20), amount="params"),
        draw(zoo_graph("inception_v4"), "Stem", opened=True, legend=True),
        draw(zoo_graph(BOTH[0]), others=[zoo_graph(BOTH[1])], amount="params", style=Style(font_size=20)),
        draw(zoo_graph(BOTH[0]), "Inception-ResNet-A", others=[zoo_graph(BOTH[1])], amount="rf"),
        draw(gate),
        draw(gate, level="block"),  # branches: labels of slanted arrows would stand in boxes
        draw(gate, level="stage", style=Style(direction="right")),
    ]
    for drawing in drawings:
        assert touches(drawing.svg) == [], drawing.title
    # The check can fail: a label that is larger than its room.
    assert touches(re.sub(r'font-size="10.00"', 'font-size="60"', drawings[0].svg))


class Gated(nn.Module):
    """A depthwise and a grouped convolution, a gate, and a branch, as in networks that are not ours."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 8, 3, 2, 1), nn.SiLU())
        self.body = nn.Sequential(nn.Conv2d(8, 8, 3, padding=1, groups=8), nn.BatchNorm2d(8))
        self.side = nn.Conv2d(8, 8, 3, padding=1, groups=2)
        self.gate = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Conv2d(8, 8, 1), nn.Hardswish())
        self.head = nn.Sequential(nn.Flatten(), nn.Linear(8 * 16 * 16, 10))

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        x = self.body(x) + self.side(x)
        return self.head(x * self.gate(x))


def test_other_networks_show_groups_activations_and_gates() -> None:
    drawing = draw(trace(Gated(), 32), amount="params", legend=True)  # few layers: drawn one by one
    texts = "\n".join(ElementTree.fromstring(drawing.svg).itertext())
    for words in ("3x3 depthwise conv", "3x3 grouped conv", "2 groups", "silu", "hardswish", "×", "96 parameters"):
        assert words in texts, words
    assert [kind.name for kind in drawing.legend][-1] == "other"
    norm_apart = nn.Sequential(nn.Conv2d(3, 4, 1), nn.GroupNorm(2, 4), nn.ReLU())
    assert "linear" not in draw(trace(norm_apart, 8)).dot  # because ReLU follows, in a box of its own
    assert "linear" in draw(trace(nn.Sequential(nn.Conv2d(3, 4, 1)), 8)).dot


def test_a_number_that_nobody_knows_is_a_dash() -> None:
    blank = trace(nn.Sequential(nn.Conv2d(3, 3, 1), nn.Softmax(1)), 8)
    assert blank.receptive_fields[2] is None or blank.receptive_fields[2].size != (0, 0)
    assert amount_text("rf", blank.layers, None) == "sees –"
    assert amount_text("macs", blank.layers[1:], None) == "0 MACs"
    assert amount_text(None, blank.layers, None) == ""


def test_greys_keep_kinds_apart() -> None:
    looks = [tuple(Style(theme="grey").box(kind).values()) for kind in KINDS]
    assert len(set(looks)) == len(KINDS)
    one, line = (Style(theme="grey").box(kind) for kind in (POINTWISE, FACTORISED))
    assert float(line["penwidth"]) >= 3 * float(one["penwidth"])  # apart without the grounds, too
    dot = draw(zoo_graph("inception_v4"), "Inception-B", style=Style(theme="grey")).dot
    colours = set(re.findall(r"#[0-9a-f]{6}", dot))
    assert {(colour[1:3], colour[3:5]) for colour in colours} == {(colour[1:3], colour[1:3]) for colour in colours}


def test_direction_size_caption_and_legend(graph: LayerGraph) -> None:
    plain, right = draw(graph, level="stage"), draw(graph, level="stage", style=Style("right", 24))
    sizes = [
        tuple(float(ElementTree.fromstring(each.svg).attrib[side].removesuffix("pt")) for side in ("width", "height"))
        for each in (plain, right)
    ]
    assert sizes[0][0] < sizes[0][1]
    assert sizes[1][0] > sizes[1][1]
    assert 'font-size="24.00"' in right.svg

    def texts(drawing: Drawing) -> list[str]:
        return [text.strip() for text in ElementTree.fromstring(drawing.file("svg")).itertext()]

    assert plain.caption in texts(plain)
    assert not any("inception-explorer" in text for text in texts(draw(graph, level="stage", caption="")))
    own = texts(draw(graph, level="stage", caption="Mine & yours", legend=True))
    assert {"Mine & yours", "stem", "inception", "residual", "reduction", "head"} <= set(own)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"opened": True}, "name one of its blocks"),
        ({"block": "Stem", "unfold": ["Stem"]}, "is drawn by its layers already"),
        ({"unfold": ["Neck"]}, "there is no block 'Neck'"),
    ],
)
def test_options_that_exclude_each_other_get_a_sentence(graph: LayerGraph, options: Any, words: str) -> None:
    with pytest.raises(InceptionError, match=words) as caught:
        draw(graph, **options)
    assert_one_sentence(caught.value)
