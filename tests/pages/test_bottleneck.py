"""The page on 1x1 convolutions: the library's numbers in each view, with an export for each table."""

import json
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from inception.studies.bottleneck import bottleneck_kinds, bottleneck_table, calculate_ways, ways_in_words
from inception.studies.direct_network import compare_with_direct
from inception.studies.factorize import Setting, option_table

from ..graphs import zoo_graph
from .shown import unexplained
from .test_address import app_at


def drawn_figure(app: AppTest) -> Any:
    """The chart of the page, as it is sent."""
    return json.loads(app.get("plotly_chart")[0].proto.spec)


@pytest.fixture(scope="module")
def app() -> AppTest:
    return app_at("bottleneck", {"model": "inception_resnet_v1"})


def test_it_opens_on_the_place_that_saves_most_and_takes_any_widths(app: AppTest) -> None:
    graph = zoo_graph("inception_resnet_v1")
    most = bottleneck_table(graph).sort_values("saving").iloc[-1]
    assert [metric.value for metric in app.metric[:2]] == [f"{most['direct_params']:,}", f"{most['params']:,}"]
    opened = f"one of these {len(bottleneck_table(graph))} places, the one that saves most parameters: {most['stage']}"
    assert any(opened in unexplained(text.value) for text in app.markdown)
    app.slider(key="bottleneck_in").set_value(8)
    app.slider(key="bottleneck_middle").set_value(16)
    app.slider(key="bottleneck_out").set_value(4)
    app.slider(key="bottleneck_cells").set_value(5)
    app.select_slider(key="bottleneck_kernel").set_value(5).run()
    setting = Setting(5, 8, 16, 4, (5, 5), bias=False, batch_norm=True)
    ways = calculate_ways(setting)
    assert app.dataframe[0].value.equals(option_table(ways))
    # 4·(8·5·5 + 2) against 16·(8 + 2) + 4·(16·5·5 + 2).
    assert [metric.value for metric in app.metric] == ["808", "1,768", "0.46×"]
    assert not any("one of these" in text.value for text in app.markdown), "it stands elsewhere now"
    first = ways_in_words(setting, ways).partition(":")[0]  # terms of the glossary are marked behind it
    assert any(unexplained(text.value).startswith(first) for text in app.markdown)
    figure = drawn_figure(app)
    assert figure["data"][2]["x"] == [16]
    assert figure["data"][2]["y"] == [1768]


def test_every_place_and_the_whole_network(app: AppTest) -> None:
    app.segmented_control(key="bottleneck_view").set_value("In this network").run()
    graph = zoo_graph("inception_resnet_v1")
    assert app.dataframe[0].value.equals(bottleneck_table(graph))
    figure = drawn_figure(app)
    labels = [annotation["text"] for annotation in figure["layout"]["annotations"]]
    assert len(labels) == len(bottleneck_kinds(graph))
    assert labels[0].startswith("<b>Reduction-B: 3x3 after 1x1</b><br>"), "what people say comes first"
    assert not any("Branch_" in label or "Block35" in label for label in labels)
    assert "Block35_1 … Block35_5: Branch_2" in figure["data"][0]["customdata"], "code names follow"
    assert any("Inception-ResNet-A ×5: two 3x3 after 1x1" in label for label in labels)
    app.segmented_control(key="bottleneck_view").set_value("The network without them").run()
    assert app.dataframe[0].value.equals(compare_with_direct("inception_resnet_v1"))
    assert len(app.get("download_button")) == 1
