"""Every page runs for every network, keeps the frame's choices, and answers bad input with a sentence."""

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

import inception
from inception.runtime.turns import OutOfMemory
from pages.parts import frame

ROOT = Path(__file__).parents[2]
PAGES = [
    f"pages/{name}.py"
    for name in (
        *("atlas", "layers", "blocks", "differences", "zoo", "factorisation", "residual_scale", "race"),
        *("live", "inside", "looks", "cell", "faces", "speed"),
    )
]


@pytest.fixture
def app(monkeypatch: pytest.MonkeyPatch) -> AppTest:
    monkeypatch.chdir(ROOT)
    return AppTest.from_file(str(ROOT / "app.py"), default_timeout=120)


def healthy(app: AppTest) -> AppTest:
    assert not app.exception, [error.message for error in app.exception]
    return app


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("model", ["inception_v4", "inception_resnet_v1", "inception_resnet_v2.paper"])
def test_page_runs(app: AppTest, page: str, model: str) -> None:
    healthy(app.run())
    healthy(app.selectbox(key="model").set_value(model).run())
    healthy(app.switch_page(page).run())
    assert app.header[0].value.endswith("?"), "a page opens with the question it answers"
    assert not app.error


def test_layer_table_and_totals(app: AppTest) -> None:
    app.run()
    app.selectbox(key="model").set_value("inception_resnet_v2").run()
    healthy(app.switch_page("pages/layers.py").run())
    table = app.dataframe[0].value
    assert table["params"].sum() == 55_843_464
    assert app.metric[0].value == "55.84 M"
    assert app.metric[1].value == "13.16 G"
    assert len(table) == int(app.metric[2].value)


def test_frame_survives_page_change(app: AppTest) -> None:
    app.run()
    app.selectbox(key="model").set_value("inception_resnet_v1").run()
    app.selectbox(key="size").set_value("96").run()
    healthy(app.switch_page("pages/blocks.py").run())
    assert app.selectbox(key="model").value == "inception_resnet_v1"
    healthy(app.switch_page("pages/layers.py").run())
    assert app.selectbox(key="size").value == "96"
    assert app.dataframe[0].value["in_shape"].iloc[0] == "3x96x96"


def test_link_reopens_the_view(app: AppTest) -> None:
    app.query_params["model"] = "inception_resnet_v2"
    app.query_params["size"] = "350x400"
    app.run()
    healthy(app.switch_page("pages/layers.py").run())
    assert app.dataframe[0].value["in_shape"].iloc[0] == "3x350x400"
    assert app.dataframe[0].value["params"].sum() == 55_843_464


@pytest.mark.parametrize(
    ("size", "sentence"), [("74", "grid vanishes"), ("many", "not an input size"), ("0", "not an")]
)
def test_bad_size_is_one_sentence(app: AppTest, size: str, sentence: str) -> None:
    app.query_params["size"] = size
    healthy(app.run())
    assert len(app.error) == 1
    assert sentence in app.error[0].value


def test_a_link_to_a_network_that_is_not_there_is_one_sentence(app: AppTest) -> None:
    app.query_params["model"] = "inception_v9"
    healthy(app.run())
    assert [warning.value.split(";")[0] for warning in app.warning] == ["There is no network called inception_v9"]
    assert app.selectbox(key="model").value == "inception_v4"


@pytest.mark.parametrize("name", ["layers", "blocks", "cell"])
def test_a_link_to_a_layer_that_is_not_there_is_one_sentence(app: AppTest, name: str) -> None:
    app.query_params["layer"] = "blocks.99.[conv](x)"
    app.run()
    healthy(app.switch_page(f"pages/{name}.py").run())
    sentence = "inception_v4 has no layer called blocks.99. conv  x ; the layer table has those that there are."
    assert [warning.value for warning in app.warning] == [sentence]


@pytest.mark.parametrize("pages", [PAGES, PAGES[::-1]], ids=["forwards", "backwards"])
def test_no_page_trips_over_what_another_keeps(app: AppTest, pages: list[str]) -> None:
    """Pages share one session, so two must not keep different things under one name; each comes after each here."""
    app.run()
    app.selectbox(key="model").set_value("inception_resnet_v1").run()
    for page in pages:
        healthy(app.switch_page(page).run())


def test_a_layer_that_another_network_lacks_is_no_reproach(app: AppTest) -> None:
    path = inception.trace("inception_resnet_v1").layers[40].path
    assert not inception.trace("inception_v4").layer_at(path)
    app.query_params["model"], app.query_params["layer"] = "inception_resnet_v1", path
    healthy(app.switch_page("pages/layers.py").run())
    assert app.session_state["layer"] == path
    healthy(app.selectbox(key="model").set_value("inception_v4").run())
    assert not app.warning


def test_out_of_memory_on_any_page_is_one_sentence(app: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(question: str) -> None:
        raise OutOfMemory("The processor has too little memory to run this.")

    monkeypatch.setattr(frame, "open_page", full)
    healthy(app.run())
    assert [error.value for error in app.error] == ["The processor has too little memory to run this."]


def test_every_model_can_be_chosen(app: AppTest) -> None:
    app.run()
    assert app.selectbox(key="model").options == inception.list_models()
