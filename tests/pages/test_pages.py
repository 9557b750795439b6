"""Pages run one after the other for every network, keep the frame's choices, and answer bad input with a sentence.

Each in a session of its own: tests/pages/test_address.py.
"""

from pathlib import Path

import pytest
from streamlit.runtime.pages_manager import PagesManager
from streamlit.runtime.scriptrunner import script_runner
from streamlit.testing.v1 import AppTest

import inception
from inception.runtime.turns import OutOfMemory
from inception.views.overview import overview_boxes
from inception.weights import download
from inception.zoo import VARIANTS
from pages.parts import frame
from pages.parts.page_list import PAGES, markdown_table

ROOT = Path(__file__).parents[2]
FILES = [page.path for page in PAGES.values()]


@pytest.fixture
def app(monkeypatch: pytest.MonkeyPatch) -> AppTest:
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr(download, "_downloads", {})  # those that failed in other tests of this process
    return AppTest.from_file(str(ROOT / "app.py"), default_timeout=120)


def headline(page: str, model: str) -> str:
    """What a page with that file opens with."""
    entry = PAGES[Path(page).stem]
    if entry.name == "faces" and not VARIANTS[model].embeds:
        model = "inception_resnet_v1"
    if entry.name == "residual_scale" and not VARIANTS[model].has_residuals:
        model = "inception_resnet_v2"
    return f"{VARIANTS[model].title} · {entry.question}" if entry.one_network else entry.question


def healthy(app: AppTest) -> AppTest:
    assert not app.exception, [error.message for error in app.exception]
    return app


def assert_runs(app: AppTest, page: str, model: str) -> None:
    healthy(app.switch_page(page).run())
    assert app.session_state["model"] == model
    assert app.header[0].value == headline(page, model), "a page opens with the question it answers"
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
    healthy(app.switch_page("pages/atlas.py").run())
    app.selectbox(key="size").set_value("96").run()
    healthy(app.switch_page("pages/blocks.py").run())
    assert app.selectbox(key="model").value == "inception_resnet_v1"
    healthy(app.switch_page("pages/layers.py").run())
    assert app.selectbox(key="size").value == "96"
    assert app.dataframe[0].value["in_shape"].iloc[0] == "3x96x96"


@pytest.mark.parametrize("turned_off", [False, True], ids=["alone", "beside another session"])
def test_the_first_link_to_a_new_server_opens_in_the_frame(
    app: AppTest, monkeypatch: pytest.MonkeyPatch, turned_off: bool
) -> None:
    """The first run begins with the page, and goes on in the frame also where another session has done so meanwhile."""
    without_frame = script_runner._mpa_v1
    begun: list[str] = []

    def begin(main_script: str) -> None:
        begun.append(main_script)
        if turned_off:
            PagesManager.uses_pages_directory = False
        without_frame(main_script)

    monkeypatch.setattr(script_runner, "_mpa_v1", begin)
    healthy(app.switch_page("pages/zoo.py").run())
    assert len(begun) == 1
    assert app.header[0].value == PAGES["zoo"].question
    assert app.selectbox(key="lang"), "the sidebar is there"


def test_link_reopens_the_view(app: AppTest) -> None:
    app.query_params["model"] = "inception_resnet_v2"
    app.query_params["size"] = "350x400"
    healthy(app.switch_page("pages/layers.py").run())
    assert app.dataframe[0].value["in_shape"].iloc[0] == "3x350x400"
    assert app.dataframe[0].value["params"].sum() == 55_843_464


def test_the_readme_has_the_list_of_pages() -> None:
    assert markdown_table() in (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_list_finds_pages_by_their_names() -> None:
    assert all(name == page.name for name, page in PAGES.items())


def test_a_picture_that_is_too_small_is_one_sentence(app: AppTest) -> None:
    app.query_params["size"] = "74"
    healthy(app.switch_page("pages/atlas.py").run())
    assert len(app.error) == 1
    assert "grid vanishes" in app.error[0].value


SIZED = [page.path for page in PAGES.values() if "size" in page.controls]


@pytest.mark.parametrize(
    ("page", "size"), [*((page, "3x") for page in SIZED), *((SIZED[0], size) for size in ["many", "0", "9999"])]
)
def test_bad_sizes_are_one_sentence_on_every_page(app: AppTest, page: str, size: str) -> None:
    app.query_params["size"] = size
    healthy(app.switch_page(page).run())
    assert [error.value.split(":")[0] for error in app.error] == [f"{size!r} is not an input size"]
    assert app.header[0].value.endswith(PAGES[Path(page).stem].question), "the page still says what it is about"
    assert app.selectbox(key="size").value == size, "the sidebar stays usable"


def test_a_link_to_a_network_that_is_not_there_is_one_sentence(app: AppTest) -> None:
    app.query_params["model"] = "inception_v9"
    healthy(app.run())
    sentence = "The link asks for **model = inception_v9**, which does not exist here. Shown instead: **inception_v4**."
    assert [warning.value for warning in app.warning] == [sentence]
    assert app.selectbox(key="model").value == "inception_v4"


@pytest.mark.parametrize("name", ["layers", "blocks", "cell", "looks"])
def test_a_link_to_a_layer_that_is_not_there_is_one_sentence(app: AppTest, name: str) -> None:
    app.query_params["layer"] = "blocks.99.[conv](x)"
    healthy(app.switch_page(f"pages/{name}.py").run())
    sentence = (
        r"inception_v4 has no layer called blocks.99.\[conv\](x). The layer table lists the layers that there are."
    )
    assert [warning.value for warning in app.warning] == [sentence]


@pytest.mark.parametrize(
    ("model", "pages"),
    [("inception_resnet_v1", FILES), ("inception_resnet_v2.paper", FILES[::-1])],
    ids=["forwards", "backwards"],
)
def test_no_page_trips_over_what_another_keeps(app: AppTest, model: str, pages: list[str]) -> None:
    """Pages share one session, so two must not keep different things under one name; each comes after each here."""
    app.run()
    app.selectbox(key="model").set_value(model).run()
    for page in pages:
        assert_runs(app, page, model)


@pytest.mark.parametrize(("name", "key"), [("looks", "looks_layer"), ("cell", "cell_layer")])
def test_a_link_to_a_layer_selects_it(app: AppTest, name: str, key: str) -> None:
    path = "inception_a.Mixed_5c.concat"
    app.query_params["layer"] = path
    healthy(app.switch_page(f"pages/{name}.py").run())
    assert app.selectbox(key=key).value == path
    assert app.session_state["layer"] == path
    later = "inception_b.Mixed_6b.concat"
    healthy(app.selectbox(key=key).set_value(later).run())
    assert app.selectbox(key=key).value == later
    assert app.session_state["layer"] == later


@pytest.mark.parametrize("name", ["atlas", "layers", "blocks", "looks", "cell"])
def test_every_page_that_writes_a_layer_into_the_address_reads_it(app: AppTest, name: str) -> None:
    """The address that a page has written opens the same layer for somebody else."""
    graph = inception.trace("inception_v4")
    path = next(layer.path for layer in graph.layers if layer.block == "Mixed_6c" and layer.op == "concat")
    app.query_params["layer"] = path
    healthy(app.switch_page(f"pages/{name}.py").run())
    assert app.session_state["layer"] == path
    assert app.session_state["address"].query["layer"] == path
    if name in ("atlas", "layers", "blocks"):
        assert any("Mixed_6c" in text.value for text in [*app.markdown, *app.caption]), "its figures"


@pytest.mark.parametrize(
    ("block", "title"),
    [("Block8_9", "Inception-ResNet-C"), ("Block8", "Inception-ResNet-C, last"), ("Conv2d_2a_3x3", "Stem")],
)
def test_blocks_opens_at_the_block_of_the_layer_in_the_address(app: AppTest, block: str, title: str) -> None:
    graph = inception.trace("inception_resnet_v2")
    app.query_params["model"] = graph.name
    app.query_params["layer"] = next(layer.path for layer in graph.layers if layer.block == block)
    healthy(app.switch_page("pages/blocks.py").run())
    assert next(pills.value for pills in app.pills if pills.label == "Block") == title
    assert any(f"· {block} ·" in text.value for text in app.markdown), "the layer's figures"


def opened(app: AppTest) -> list[str]:
    """What the atlas has opened, by its heading."""
    return [heading.value for heading in app.subheader]


def test_the_atlas_keeps_open_what_was_opened(app: AppTest) -> None:
    """By its stage and block: its place among the boxes changes with the view and with the network."""
    healthy(app.switch_page("pages/atlas.py").run())
    assert opened(app) == ["Inception-A · Mixed_5b-5e ×4"], "something works at once"
    app.session_state["atlas_box"] = "Reduction-A", "Mixed_6a", None
    app.session_state["atlas_opened"] = "Mixed_6a"
    healthy(app.run())
    assert opened(app) == ["Reduction-A"]
    for level in ("stage", "block"):
        control = next(control for control in app.segmented_control if control.label == "A box is")
        healthy(control.set_value(level).run())
        assert opened(app) == ["Reduction-A"]
    healthy(app.selectbox(key="model").set_value("inception_resnet_v2").run())
    assert opened(app) == ["Reduction-A"]
    app.session_state["atlas_box"] = "Inception-ResNet-B", "Block17_1", None
    app.session_state["atlas_opened"] = "Block17_1"
    healthy(app.run())
    assert opened(app) == ["Inception-ResNet-B · Block17 ×20"]
    healthy(app.selectbox(key="model").set_value("inception_v4").run())
    assert opened(app) == ["Inception-A · Mixed_5b-5e ×4"], "this network has no such stage"


@pytest.mark.parametrize("name", inception.list_models())
def test_no_two_boxes_of_the_atlas_are_kept_as_one(name: str) -> None:
    graph = inception.trace(name)
    for level in ("block", "stage"):
        boxes = overview_boxes(graph, level)
        assert len({(box.stage, box.layers[0].block) for box in boxes}) == len(boxes)


def test_a_layer_selected_after_a_box_was_opened_leads_the_atlas_to_its_own_box(app: AppTest) -> None:
    app.query_params["model"] = "inception_resnet_v2"
    app.session_state["atlas_box"] = "Reduction-A", "Mixed_6a", None
    app.session_state["atlas_opened"] = "Mixed_6a"
    healthy(app.switch_page("pages/atlas.py").run())
    assert opened(app) == ["Reduction-A"]
    last = [layer for layer in inception.trace("inception_resnet_v2").layers if layer.block == "Block8"][-1]
    app.session_state["layer"] = last.path
    healthy(app.run())
    assert opened(app) == ["Inception-ResNet-C, last"]
    app.session_state["atlas_box"] = "Reduction-A", "Mixed_6a", last.path
    app.session_state["atlas_opened"] = "Mixed_6a"
    healthy(app.run())
    assert opened(app) == ["Reduction-A"], "opened after that"


def test_a_layer_that_another_network_lacks_is_no_reproach(app: AppTest) -> None:
    path = inception.trace("inception_resnet_v1").layers[40].path
    assert not inception.trace("inception_v4").layer_at(path)
    app.query_params["model"], app.query_params["layer"] = "inception_resnet_v1", path
    healthy(app.switch_page("pages/layers.py").run())
    assert app.session_state["layer"] == path
    healthy(app.selectbox(key="model").set_value("inception_v4").run())
    assert not app.warning


def test_out_of_memory_on_any_page_is_one_sentence(app: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(name: str) -> None:
        raise OutOfMemory("The processor has too little memory to run this.")

    monkeypatch.setattr(frame, "open_page", full)
    healthy(app.run())
    assert [error.value for error in app.error] == ["The processor has too little memory to run this."]


def test_every_model_can_be_chosen(app: AppTest) -> None:
    app.run()
    assert app.selectbox(key="model").options == inception.list_models()
