"""The page of layers: what is explained beside the table, and the columns that it shows."""

from typing import Any

from streamlit.testing.v1 import AppTest

from inception.graph.spoken import spoken_layers
from pages.parts.tables import layer_columns, row_of, short_columns, stops

from ..graphs import zoo_graph
from .test_address import app_at

BESIDE = 629  # px that a screen of 1280 leaves the table beside the explanation
MARKS = 37  # px of the column with the marks of rows


def headline_of(app: AppTest) -> str:
    """The names of the layer that is explained."""
    return next(text.value for text in app.caption if text.value.startswith("#"))


def test_a_layer_is_explained_from_the_first_look() -> None:
    app, layers = app_at("layers", {}), zoo_graph("inception_v4").layers
    assert headline_of(app).startswith("#1 · Conv2d_1a_3x3")
    assert r"\\text{size} + \\text{padding} - \\text{kernel}" in repr([text.value for text in app.latex])
    app.session_state["layer"] = layers[1].path
    app.text_input(key="search").set_value("Mixed_7d concat").run()
    assert headline_of(app).startswith("#2 ·"), "a layer stays explained when a search leaves it out"


def test_field_dropped_zeros_and_costs_are_in_sight_and_all_columns_one_click_away() -> None:
    app = app_at("layers", {})
    order = list(app.dataframe[0].proto.column_order)
    columns: dict[str, Any] = layer_columns() | short_columns()
    widths: dict[str, Any] = {name: config["width"] for name, config in columns.items()}
    seen = order[: order.index("macs") + 1]
    assert {"layer", "out_shape", "rf", "dropped", "pad", "params", "macs"} <= set(seen)
    assert app.dataframe[0].value["layer"].iloc[4] == "Mixed_3a Conv2d_0a_3x3", "with its block, which has no column"
    assert MARKS + sum(widths[name] for name in seen) <= BESIDE
    app.toggle(key="all_columns").set_value(True).run()
    assert {"kernel", "stride", "padding", "branch", "path", "rf_offset"} <= set(app.dataframe[0].proto.column_order)


def test_another_size_has_a_way_back_to_the_networks_own() -> None:
    app = app_at("layers", {"size": "224"})
    back = app.button(key="own_size")
    assert "299x299" in back.label
    back.click().run()
    assert app.session_state["size"] is None
    assert not any(button.key == "own_size" for button in app.button)


def test_steps_lead_from_layer_to_layer_in_tables_of_parts_and_of_some_rows() -> None:
    graph = zoo_graph("inception_v4")
    assert stops(graph, graph.table()) == stops(graph, graph.table(units=False)) == [one.path for one in graph.layers]
    pools = graph.table().query("op == 'max pool'")
    assert stops(graph, pools) == list(pools["path"])
    first = graph.layer_at(pools["path"].iloc[0])
    assert first is not None
    assert row_of(pools, graph.layers[1]) is None
    assert spoken_layers(graph.layers)[first.index].name == "3x3 max pool"
