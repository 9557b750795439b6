"""Colours by numbers, room for maps, and what has changed: against what the boxes must say."""

import re
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from inception.graph.blocks import find_block
from inception.views.changes import CHANGED, ONLY_FIRST, ONLY_SECOND, SAME, change_of
from inception.views.colouring import ANCHORS, Colouring, traced_colouring
from inception.views.diagram import diagram_dot, diagram_file, diagram_svg
from inception.views.drawing import draw
from inception.views.notes import Flow, Notes
from inception.views.thumbnails import places, with_pictures
from inception.vision.maps import png_bytes

from ..graphs import zoo_graph

V4 = "inception_v4"


def luminance(color: str) -> float:
    """Of #rrggbb, as WCAG 2 defines it."""
    parts = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def test_a_larger_number_is_darker_and_ink_stays_readable() -> None:
    for values in (range(11), [0, 1, 10, 100, 1000]):
        colouring = Colouring("x", dict(enumerate(map(float, values), 1)))
        layers = zoo_graph(V4).layers[: len(values)]
        scale = colouring.scale([(layer,) for layer in layers])
        assert scale.log == (max(values) > 100)
        shades = [luminance(scale.color(float(value))) for value in values]
        assert shades == sorted(shades, reverse=True)
        assert len(set(shades)) == len(shades)
        ink = luminance("#1a1a1a")
        assert all((shade + 0.05) / (ink + 0.05) >= 4.5 for shade in shades)
        assert scale.color(0.0) == ANCHORS[0]
        assert scale.color(float(max(values))) == ANCHORS[-1]


def test_boxes_add_up_what_their_layers_have() -> None:
    graph = zoo_graph(V4)
    colouring = traced_colouring(graph, "params")
    assert colouring.of(graph.layers) == graph.params
    field = traced_colouring(graph, "rf").of(graph.layers[:150])
    assert field == graph.receptive_fields[150].size[0]  # type: ignore[union-attr]
    dot = draw(graph, colouring=colouring).dot
    assert dot.count('fillcolor="#d55e00"') == 1, "the most costly box alone has the strongest colour"


def test_maps_take_the_room_that_the_layout_left() -> None:
    block = find_block(zoo_graph(V4).layers, "Inception-A").layers
    first = block[0].index
    notes = Notes(maps={first: 3}, flows={(first, block[-1].index): Flow(0.25, "25%")}, branches=True)
    dot = diagram_dot(block, "x", notes=notes)
    svg = diagram_svg(dot, "x")
    assert [(place.box, place.number) for place in places(svg)] == [(f"layer{first}", n) for n in range(3)]
    red = png_bytes(Image.new("RGB", (2, 2), "#ff0000"))
    pictures = {f"layer{first}": [red, red]}
    filled = with_pictures(svg, pictures)
    assert filled.count("<image ") == 2
    assert not list(places(filled)), "room without a map shows no mark"
    assert "25%" in filled
    png = diagram_file(dot, "png", "", pictures=pictures)
    drawn = Image.open(BytesIO(png)).convert("RGB")
    reds = (np.asarray(drawn) == [255, 0, 0]).all(axis=-1).sum()
    side = 40 * 192 / 72
    assert reds == pytest.approx(2 * side**2, rel=0.1)


def test_what_has_changed_between_two_networks() -> None:
    v1, v2 = zoo_graph("inception_resnet_v1", 299), zoo_graph("inception_resnet_v2", 299)
    one, other = v2.layer_at("stem.Conv2d_1a_3x3"), v1.layer_at("stem.Conv2d_1a_3x3")
    assert change_of((one, other)) is SAME
    assert change_of((one, None)) is ONLY_FIRST
    assert change_of((None, one)) is ONLY_SECOND
    widths = [next(layer for layer in graph.layers if layer.layer == "Conv2d_0b_1x7") for graph in (v1, v2)]
    assert change_of(widths) is CHANGED
    drawing = draw(v2, "Stem", others=[v1], changes=True, legend=True)
    grounds = re.findall(r'fillcolor="(#\w+)"', drawing.dot)
    assert {SAME.tint, ONLY_FIRST.tint, ONLY_SECOND.tint} <= set(grounds)
    assert CHANGED in drawing.legend
