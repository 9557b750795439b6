"""The arithmetic on the pages: links lead where numbers come from, and the address names the number."""

import json
import re
from html import unescape

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

import inception
from inception.graph.layer import Layer
from inception.paths import SAMPLES
from inception.runtime.predictor import Predictor
from inception.vision.cell_arithmetic import cell_arithmetic
from inception.vision.cell_error import check_cell
from inception.vision.cell_html import Answer, View, as_html
from inception.vision.record import record
from pages.parts.cell_view import place_key
from tests.pages.test_live import healthy

from .conftest import open_at

TAG = "inception_v4.cifar10"


def opened(app: AppTest, page: str, **asked: str) -> AppTest:
    """A page behind a link."""
    return healthy(open_at(app, page, **{"model": "inception_v4", **asked}))


def targets(html: str) -> list[dict[str, object]]:
    return [json.loads(unescape(text)) for text in re.findall(r"data-go='(.*?)'", html)]


def test_one_can_walk_from_the_answer_to_the_pixels() -> None:
    """Always to where the channel that gives most is made; every link of every stop leads to a cell.

    No stop is a layer that only hands numbers on: each has the number of the one before as it was read there.
    """
    network = Predictor("inception_v4", TAG)
    prepared = network.prepare(inception.load_image(SAMPLES / "cat.jpg"), (112, 112))
    graph = inception.trace(network.model, 112)
    seen = record(network, prepared, graph.layers)
    table = network.classify(prepared)
    best = table.iloc[0]
    answer = Answer(int(best["index"]), "cat", float(best["logit"]), float(best["probability"]))
    layer, channel, cell, ops = graph.layers[-1], answer.place, (0, 0), set[str]()
    for _ in range(len(graph.layers)):
        found = cell_arithmetic(network, graph, seen, layer, channel, *cell)
        html = as_html(View(found, seen, prepared, None, [answer], network.temperature, [0, 1]))
        for target in targets(html):
            reached = graph.layer_at(str(target["layer"]))
            assert isinstance(reached, Layer)
            check_cell(reached, *(int(str(target[name])) for name in ("channel", "row", "column")))
        ops.add(str(layer.op))
        source = graph.layers[found.terms[0].source - 1] if found.terms[0].source else None
        if source is None:
            break
        onward = targets(html.partition("class='sum'")[2])[0]
        assert source.index in layer.inputs
        read = found.products.patches[found.terms[0].place]
        made = graph.layer_at(str(onward["layer"]))
        assert made is not None
        layer, channel = made, int(str(onward["channel"]))
        cell = int(str(onward["row"])), int(str(onward["column"]))
        assert seen[layer.index][channel, *cell] in read.astype(np.float32), "the same number"
        assert ("It comes unchanged from" in html) == (made is not source)
    assert layer is graph.layers[0]
    assert "These are the pixels" in html
    assert ops == {"linear", "avg pool", "conv", "max pool"}


@pytest.mark.parametrize("page", ["inside", "cell"])
def test_the_address_names_the_number(app: AppTest, page: str) -> None:
    path = "stem.Conv2d_2a_3x3"
    asked = {"layer": path, "channel": "5", "row": "7", "column": "9"}
    opened(app, page, **asked)
    layer = inception.trace("inception_v4").layer_at(path)
    assert layer is not None
    chosen = [app.session_state[place_key(name, layer)] for name in ("channel", "row", "column")]
    assert chosen == [5, 7, 9]
    if page == "inside":
        healthy(app.select_slider(key="depth").set_value("Mixed_6a").run())
        assert app.session_state["layer"] == "reduction_a.Mixed_6a.concat"


def test_an_address_that_names_no_number_is_one_sentence(app: AppTest) -> None:
    opened(app, "inside", layer="stem.Conv2d_2a_3x3", channel="800")
    assert [text for text in (warning.value for warning in app.warning) if "channel = 800" in text]


def test_what_a_cell_sees_opens_on_a_field_smaller_than_the_picture(app: AppTest) -> None:
    opened(app, "cell", model="inception_resnet_v2")
    graph = inception.trace("inception_resnet_v2", 112)
    layer = graph.layer_at(str(app.selectbox(key="cell_layer").value))
    assert layer is not None
    assert max(graph.receptive_field(layer).size) < 112
