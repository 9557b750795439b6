"""The factorisation page: the library's numbers in each view, with an export for each table."""

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

import inception
from inception.anatomy.factorize import (
    Setting,
    calculate,
    compare_networks,
    in_words,
    option_table,
    pair_table,
    pair_totals,
    side_by_side_table,
)
from pages.weights_chooser import UNTRAINED

ROOT = Path(__file__).parents[2]
# The page alone in the frame.
FRAME = f"""
import streamlit as st
from pages import widgets

page = st.navigation([st.Page("{ROOT}/pages/factorisation.py", default=True)])
widgets.network_controls("factorisation")
page.run()
"""


@pytest.fixture
def app(monkeypatch: pytest.MonkeyPatch) -> AppTest:
    monkeypatch.chdir(ROOT)
    return AppTest.from_string(FRAME, default_timeout=120)


def healthy(app: AppTest) -> AppTest:
    assert not app.exception, [error.message for error in app.exception]
    return app


def opened(app: AppTest, view: str, name: str) -> AppTest:
    app.query_params["view"] = view
    app.query_params["model"] = name
    return healthy(app.run())


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
    assert any(text.value == in_words(setting) for text in app.markdown)


@pytest.mark.parametrize("name", ["inception_v4", "inception_resnet_v1"])
def test_every_table_of_pairs_and_its_export(app: AppTest, name: str) -> None:
    opened(app, "In this network", name)
    graph = inception.trace(name, {"inception_v4": 299, "inception_resnet_v1": 160}[name])
    beside = side_by_side_table(graph)
    tables = [pair_totals(graph), pair_table(graph), *([] if beside.empty else [beside])]
    assert len(tables) == (3 if name == "inception_v4" else 2)
    assert [frame.value.shape for frame in app.dataframe] == [table.shape for table in tables]
    assert all(frame.value.equals(table) for frame, table in zip(app.dataframe, tables, strict=True))
    assert len(app.get("download_button")) == len(tables)


def test_the_same_network_with_square_kernels(app: AppTest) -> None:
    opened(app, "With square kernels", "inception_resnet_v1")
    assert app.dataframe[0].value.equals(compare_networks("inception_resnet_v1"))
    assert len(app.get("download_button")) == 1
    healthy(next(button for button in app.button if "milliseconds" in button.label).click().run())
    assert (app.dataframe[1].value["milliseconds"] > 0).all()


def test_kernels_of_the_network(app: AppTest) -> None:
    opened(app, "What separable means", "inception_resnet_v1")
    assert app.slider[0].max == 7, "a classic of 7x7"
    healthy(app.segmented_control[1].set_value("this network").run())
    assert app.slider[0].max == 3, "as its first square kernel"
    weights = next(box.value for box in app.selectbox if box.label == "Weights")
    assert any("random" in caption.value for caption in app.caption) == (weights == UNTRAINED)
