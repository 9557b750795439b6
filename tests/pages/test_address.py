"""The address of every page says what its controls show: reopened in a new session, it shows the same."""

from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest, element_tree
from streamlit.testing.v1.element_tree import Widget

from inception.paths import ROOT
from pages.parts.page_list import PAGES

from .test_pages import headline, healthy

# What leads to controls that a page does not show at first, for pages that have such.
OPENED: dict[str, list[dict[str, str]]] = {
    "atlas": [{}, {"atlas": "v4-v1-and-v2-side-by-side"}],
    "layers": [
        {"below": "why-this-shape", "layer": "inception_b.Mixed_6b.Branch_1.Conv2d_0b_1x7"},
        {"below": "padding-playground"},
        {"below": "charts"},
    ],
    "blocks": [{"model": "inception_resnet_v2"}],
    "factorisation": [{"view": view} for view in ("calculator", "with-square-kernels", "a-kernel-as-column-row")]
    + [{"view": "a-kernel-as-column-row", "from": "this-network"}],
    "bottleneck": [{}, {"bottleneck_view": "in-this-network"}],
    "residual_scale": [
        {"model": "inception_resnet_v2", "numbers": "true"},
        {"model": "inception_resnet_v2", "residual_view": "in-training"},
    ],
    "race": [{}, {"race_view": "live"}],
    "faces": [{"model": "inception_resnet_v1"}],
    "looks": [{}, {"method": "integrated-gradients"}],
}
STATES = [(name, state) for name in PAGES for state in OPENED.get(name, [{}])]
VIEWS = {key for states in OPENED.values() for state in states for key in state}  # stay as the link sets them

# Controls that have no place in the address, by the beginning of key or label, and why.
LEFT_OUT = {
    "Export as": "says how a file is saved, not what is shown",
    "Button": "acts once",
    "DownloadButton": "acts once",
    "FileUploader": "a file is the reader's own",
    "CameraInput": "a picture is the reader's own",
    "camera_on": "a link must not turn on a camera",
    "face_camera_on": "a link must not turn on a camera",
    "teach_camera": "a link must not turn on a camera",
    "teach_new_camera": "a link must not turn on a camera",
    "atlas_search": "opens a layer, which is in the address, and is empty again",
    "box_": "the edges of a box, which is in the address as a whole",
    "face_box_": "faces are drawn round in the session that has the pictures",
    "face_number_": "faces are drawn round in the session that has the pictures",
    "Name of the class": "the reader's own pictures and their names stay in their session",
    "room_": "a room is entered by its code, which only joins; what is asked in it lies in its database",
    "lang": "seen by test_languages, and set to another language here every text would differ",
    "model": "everything else on a page follows it; seen by test_pages",
    "size": "everything else on a page follows it; seen by test_pages",
}


def app_at(page: str, query: dict[str, str]) -> AppTest:
    """A page in a new session that opens the address."""
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=120)
    for name, text in query.items():
        app.query_params[name] = text
    app.switch_page(PAGES[page].path)
    return healthy(app.run())


def controls(app: AppTest) -> Iterator[tuple[str, Widget]]:
    """Every control of the page whose value belongs into the address, by its key, or its label without one."""
    for node in app._tree:
        if isinstance(node, Widget):
            name = node.key or getattr(node, "label", "") or node.type
            names = (name, getattr(node, "label", ""), type(node).__name__)
            if not any(one.startswith(left_out) for one in names for left_out in LEFT_OUT):
                yield name, node


def shown(app: AppTest) -> dict[str, Any]:
    """What every control shows."""
    return {name: control.value for name, control in controls(app)}


class Chosen(str):
    """The text of an option as the browser sends it."""


@pytest.fixture(autouse=True)
def texts_are_sent_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    """AppTest makes the text of an option from its value, which a test that finds controls by itself does not know."""
    of_value = element_tree._format_value_for_widget
    of_slider = vars(element_tree.SelectSlider)["format_func"].fget

    def sent(formats: Any, value: Any) -> str:
        return value if isinstance(value, Chosen) else of_value(formats, value)

    monkeypatch.setattr(element_tree, "_format_value_for_widget", sent)
    monkeypatch.setattr(
        element_tree.SelectSlider, "format_func", property(lambda slider: partial(sent, of_slider(slider)))
    )


def set_another(control: Any) -> None:
    """Another value than it has, as a reader could choose it."""
    kind = type(control).__name__
    if kind in ("Toggle", "Checkbox"):
        control.set_value(not control.value)
    elif kind in ("Slider", "NumberInput"):
        low, high, step = control.min, control.max, control.step or 1
        here = low if control.value is None else control.value
        control.set_value(here + step if here + step <= high else here - step)
    elif kind == "TextInput":
        control.set_value("a")
    elif kind == "Multiselect":
        control.set_value(control.value[:-1] or control.options[:1])
    else:
        shown = (
            "" if control.value is None else element_tree._format_value_for_widget(control.format_func, control.value)
        )
        here = control.options.index(shown) if shown in control.options else -2
        control.set_value(Chosen(control.options[(here + 1) % len(control.options)]))


@pytest.mark.parametrize(("page", "state"), STATES, ids=[f"{page}{i}" for i, (page, _) in enumerate(STATES)])
def test_every_control_comes_back_from_the_address(app: AppTest, page: str, state: dict[str, str]) -> None:
    """And each runs in a new session, and opens with the question that it answers."""
    app = app_at(page, state)
    assert app.header[0].value == headline(PAGES[page].path, state.get("model", "inception_v4"))
    assert not app.error
    before, asked = shown(app), []
    for name, control in controls(app):
        options = getattr(control, "options", None)
        if name not in VIEWS and not control.proto.disabled and (options is None or len(options) > 1):
            set_another(control)
            asked.append(name)
    healthy(app.run())
    after = shown(app)
    assert {name for name in asked if name in after and after[name] == before[name]} == set(), "nothing was set"
    again = app_at(page, app.session_state["address"].query)
    assert shown(again) == after
    assert not again.session_state["address"].problems
