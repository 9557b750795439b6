"""The factorisation page: the library's numbers in each view, with an export for each table."""

import base64
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import streamlit
from numpy.typing import NDArray
from streamlit.testing.v1 import AppTest

from inception.graph.layer_graph import LayerGraph
from inception.graph.trace import trace
from inception.runtime.pool import networks
from inception.studies import factorize
from inception.studies.factorize import Setting, calculate, in_words, option_table
from inception.studies.lowrank import classic, decompose
from inception.studies.pairs import pair_table, pair_totals, side_by_side_table
from inception.studies.square_network import compare_networks
from inception.weights.choice import UNTRAINED
from pages.figures.common import kernel_figure
from pages.parts.weights_chooser import DEVICE

from .conftest import app_on
from .shown import unexplained

ROOT = Path(__file__).parents[2]


@pytest.fixture
def app(in_the_frame: None, monkeypatch: pytest.MonkeyPatch) -> AppTest:
    monkeypatch.chdir(ROOT)
    return app_on("factorisation")


def healthy(app: AppTest) -> AppTest:
    assert not app.exception, [error.message for error in app.exception]
    return app


def opened(app: AppTest, view: str, name: str) -> AppTest:
    app.query_params["view"] = view
    app.query_params["model"] = name
    return healthy(app.run())


def measure(app: AppTest) -> None:
    healthy(next(button for button in app.button if "milliseconds" in button.label).click().run())


def test_calculator_opens_on_the_tutorials_example(app: AppTest) -> None:
    healthy(app.run())
    assert [metric.value for metric in app.metric] == ["3,211,520", "918,016", "3.50×"]
    assert app.code[0].value == "256·(256·7·7 + 1) = 3,211,520\n2·256·(256·7 + 1) = 918,016"
    assert app.dataframe[0].value.equals(option_table(calculate(Setting())))


def test_calculator_with_a_middle_too_wide(app: AppTest) -> None:
    healthy(app.run())
    app.number_input[0].set_value(8)  # in
    app.number_input[1].set_value(64)  # middle
    app.number_input[2].set_value(16)  # out
    app.checkbox[0].uncheck()
    app.checkbox[1].check()
    healthy(app.select_slider[0].set_value(3).run())
    setting = Setting(3, 8, 64, 16, bias=False, batch_norm=True)
    # 16·(8·9 + 2) against 64·(8·3 + 2) + 16·(64·3 + 2).
    assert [metric.value for metric in app.metric] == ["1,184", "4,768", "0.25×"]
    assert app.dataframe[0].value.equals(option_table(calculate(setting)))
    assert in_words(setting, calculate(setting)) in [unexplained(text.value) for text in app.markdown]


def test_nothing_is_traced_twice(app: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    traces: list[object] = []

    def noted(*args: Any, **kwargs: Any) -> LayerGraph:
        traces.append(args)
        return trace(*args, **kwargs)

    monkeypatch.setattr(factorize, "trace", noted)
    healthy(app.run())
    app.number_input[1].set_value(77)
    traces.clear()
    healthy(app.run())
    assert len(traces) == 6, "each option once, and the pair at two other widths for the break-even"
    healthy(app.run())
    assert len(traces) == 6


def test_what_was_measured_stays_for_its_setting_and_is_exported(app: AppTest) -> None:
    healthy(app.run())
    healthy(app.number_input[3].set_value(2).run())  # cells a side
    measure(app)
    measured = app.dataframe[1].value
    assert measured["option"].tolist() == [option.name for option in calculate(Setting())]
    assert len(app.get("download_button")) == 2
    format = [box for box in app.selectbox if box.label == "Export as"][1]
    healthy(format.set_value(format.options[1]).run())
    assert app.dataframe[1].value.equals(measured)
    healthy(app.checkbox[0].uncheck().run())
    assert len(app.dataframe) == len(app.get("download_button")) == 1, "another setting was not measured"


def test_the_setting_survives_a_look_at_another_view(app: AppTest) -> None:
    healthy(app.run())
    app.select_slider[0].set_value(9)
    for number in app.number_input:
        number.set_value(12)
    app.checkbox[0].uncheck()
    healthy(app.checkbox[1].check().run())
    before = app.dataframe[0].value
    for view in ("A kernel as column × row", "Calculator"):
        healthy(app.segmented_control[0].set_value(view).run())
    assert app.dataframe[0].value.equals(before)
    assert app.metric[0].label == "9x9, parameters"


@pytest.mark.parametrize("name", ["inception_v4", "inception_resnet_v1"])
def test_every_table_of_pairs_and_its_export(app: AppTest, name: str) -> None:
    opened(app, "In this network", name)
    graph = trace(name, {"inception_v4": 299, "inception_resnet_v1": 160}[name])
    beside = side_by_side_table(graph)
    tables = [pair_totals(graph), pair_table(graph), *([] if beside.empty else [beside])]
    assert len(tables) == (3 if name == "inception_v4" else 2)
    assert [frame.value.shape for frame in app.dataframe] == [table.shape for table in tables]
    assert all(frame.value.equals(table) for frame, table in zip(app.dataframe, tables, strict=True))
    assert len(app.get("download_button")) == len(tables)
    assert {"kernel", "saving"} <= set(app.dataframe[1].proto.column_order)


def test_the_same_network_with_square_kernels(app: AppTest) -> None:
    opened(app, "With square kernels", "inception_resnet_v1")
    assert app.dataframe[0].value.equals(compare_networks("inception_resnet_v1"))
    assert len(app.get("download_button")) == 1
    measure(app)
    assert (app.dataframe[1].value["milliseconds"] > 0).all()
    assert len(app.get("download_button")) == 2


def drawn_singular_values(app: AppTest) -> NDArray[np.float64]:
    """The bars of the chart."""
    bars = json.loads(app.get("plotly_chart")[0].proto.spec)["data"][0]["y"]
    return np.frombuffer(base64.b64decode(bars["bdata"]), bars["dtype"])


@pytest.mark.parametrize(("name", "size", "rank"), [("gauss", 9, 1), ("gauss", 7, 1), ("gabor", 7, 2), ("sobel", 9, 1)])
def test_kernels_are_rounded_for_the_eye_alone(app: AppTest, name: str, size: int, rank: int) -> None:
    opened(app, "what-separable-means", "inception_v4")  # as the view was called before
    app.select_slider[0].set_value(size)
    healthy(next(box for box in app.selectbox if box.label == "Kernel").set_value(name).run())
    assert app.slider[0].max == size
    assert app.metric[0].value == f"{rank} of {size}"
    np.testing.assert_array_equal(drawn_singular_values(app), decompose(classic(name, size)).singular_values)


def test_kernels_of_the_network(app: AppTest) -> None:
    opened(app, "A kernel as column × row", "inception_resnet_v1")
    healthy(app.segmented_control[1].set_value("this network").run())
    weights = next(box.value for box in app.selectbox if box.label == "Weights")
    assert any("random" in caption.value for caption in app.caption) == (weights == UNTRAINED)
    path = next(box.value for box in app.selectbox if box.label == "Layer")
    network = networks.predictor("inception_resnet_v1", weights, DEVICE)
    weight = network.model.state_dict()[f"{path}.conv.weight"].numpy()
    assert [control.label for control in app.number_input] == [
        f"{what}, of {count}" for what, count in zip(("Filter", "Input channel"), weight.shape, strict=False)
    ]
    app.number_input[0].set_value(4)
    healthy(app.number_input[1].set_value(2).run())
    expected = decompose(weight[3, 1])
    assert app.metric[0].value == f"{expected.rank} of 3"
    np.testing.assert_array_equal(drawn_singular_values(app), expected.singular_values)


def test_changed_weights_stand_in_the_address(app: AppTest) -> None:
    app.query_params.update({"view": "a-kernel-as-column-row", "cells": "0.1:5,6.6:-2.5"})
    healthy(app.run())
    expected = classic("sobel", 7)
    expected[0, 1], expected[6, 6] = 5, -2.5
    np.testing.assert_array_equal(drawn_singular_values(app), decompose(expected).singular_values)
    assert app.session_state["address"].query["cells"] == "0.1:5,6.6:-2.5"
    assert not app.warning
    beside = app_on("factorisation")
    beside.query_params.update({"view": "a-kernel-as-column-row", "cells": "7.0:1"})
    assert "cells" in healthy(beside.run()).warning[0].value


def test_an_empty_cell_is_one_sentence(app: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    def emptied(grid: pd.DataFrame, **_: Any) -> pd.DataFrame:
        return grid.mask(grid == grid.iloc[1, 2])

    monkeypatch.setattr(streamlit, "data_editor", emptied)
    opened(app, "A kernel as column × row", "inception_v4")
    assert [error.value for error in app.error] == [
        "A cell of the kernel is empty; write a number into it, 0 for no weight."
    ]


@pytest.mark.parametrize(("name", "size", "rank"), [("laplace", 9, 2), ("diagonal", 3, 1), ("gauss", 5, 4)])
def test_a_column_times_a_row_is_drawn(name: str, size: int, rank: int) -> None:
    decomposition = decompose(classic(name, size))
    figure = kernel_figure(decomposition, rank)
    kernel, product, best, rest, column, row = (picture.z for picture in figure.data)
    assert (column.shape, row.shape) == ((size, 1), (1, size))
    np.testing.assert_allclose(product, decomposition.outer_products[rank - 1])
    np.testing.assert_allclose(column @ row, product)
    np.testing.assert_allclose(best, decomposition.approximation(rank))
    np.testing.assert_allclose(best + rest, kernel)
    assert f"Product {rank} = column × row" in [title.text for title in figure.layout.annotations]
    for picture in figure.data:  # cells are square
        (left, right), (low, high) = (
            figure.layout[f"{axis}axis{picture[f'{axis}axis'][1:]}"].domain for axis in ("x", "y")
        )
        cell = (right - left) * figure.layout.width / picture.z.shape[1]
        assert cell == pytest.approx((high - low) * figure.layout.height / picture.z.shape[0])
        assert 0 <= left < right <= 1
    assert figure.layout.width <= 358, "of a phone's 390"


def test_a_kernel_of_zeros_can_be_drawn() -> None:
    figure = kernel_figure(decompose(np.zeros((3, 3))), 1)
    assert figure.layout.coloraxis.cmax > figure.layout.coloraxis.cmin
