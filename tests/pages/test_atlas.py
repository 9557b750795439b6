"""The atlas: the picture in the network, links, colours by numbers, and networks compared."""

import json

import pytest
from streamlit.testing.v1 import AppTest

import inception
from inception.views.overview import overview_boxes

from .test_pages import healthy


def atlas(app: AppTest, **query: str) -> AppTest:
    for name, value in query.items():
        app.query_params[name] = value
    app.switch_page("pages/atlas.py").run()
    healthy(app)
    return app


def drawn(app: AppTest, key: str) -> str:
    """The SVG that the diagram of that key shows."""
    found = [json.loads(element.proto.json) for element in app.get("bidi_component") if f"-{key}" in element.proto.id]
    assert len(found) == 1
    return str(found[0]["svg"])


def headings(app: AppTest) -> list[str]:
    return [heading.value for heading in app.subheader]


def test_the_picture_is_in_every_box_that_hands_on_a_grid(app: AppTest) -> None:
    atlas(app)
    graph = inception.trace("inception_v4")
    grids = [box for box in overview_boxes(graph) if len(box.layers[-1].out_shape) == 3]
    assert drawn(app, "atlas_overview").count("<image ") == 3 * len(grids) + 1
    assert "Branch_0" in drawn(app, "atlas_block")
    assert "3x3 after 1x1" in drawn(app, "atlas_block")
    assert drawn(app, "atlas_block").count("<image ") == 3 * 9  # layers of Inception-A
    assert any("cat" in text.value and "%" in text.value for text in app.markdown)


def test_structure_alone_and_untrained_weights_have_no_maps(app: AppTest) -> None:
    atlas(app, shown="structure")
    assert "<image " not in drawn(app, "atlas_overview")
    assert "picture" not in app.session_state
    healthy(app.segmented_control(key="shown").set_value("picture").run())
    weights = next(box for box in app.selectbox if box.label == "Weights")
    healthy(weights.select("Untrained (random)").run())
    assert "<image " not in drawn(app, "atlas_overview")
    assert any("Untrained weights" in warning.value for warning in app.warning)


def test_a_slider_runs_no_network_again(app: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    atlas(app)
    monkeypatch.setattr("pages.parts.network_drawing.run_picture", lambda *_: pytest.fail("another pass"))
    for label, value in (("Bars show", "macs"), ("A box is", "block")):
        control = next(control for control in app.segmented_control if control.label == label)
        healthy(control.set_value(value).run())
    healthy(app.selectbox(key="colour").select("Parameters").run())


def test_a_link_opens_one_of_equal_blocks(app: AppTest) -> None:
    atlas(app, model="inception_resnet_v2", opened="Block17_7")
    assert headings(app) == ["Inception-ResNet-B · Block17 ×20"]
    assert app.select_slider(key="atlas_nth").value == "Block17_7"
    assert "norm" in drawn(app, "atlas_block")
    assert any("as long as the shortcut" in text.value for text in app.markdown)
    app.select_slider(key="atlas_nth").set_value("Block17_8").run()
    assert app.session_state["address"].query["opened"] == "Block17_8"


def test_a_link_to_no_block_is_one_sentence(app: AppTest) -> None:
    atlas(app, opened="Mixed_99")
    assert any("no block called" in warning.value for warning in app.warning)


def test_search_selects_a_layer_and_opens_its_block(app: AppTest) -> None:
    atlas(app)
    box = app.selectbox(key="atlas_search")
    found = [option for option in box.options if "Mixed_6c/Branch_1/Conv2d_0b_1x7" in option]
    assert len(found) == 1
    assert "1x7 convolution" in found[0]
    healthy(box.select(found[0]).run())
    assert headings(app) == ["Inception-B · Mixed_6b-6h ×7"]
    assert app.select_slider(key="atlas_nth").value == "Mixed_6c"
    assert app.session_state["layer"].endswith("Mixed_6c.Branch_1.Conv2d_0b_1x7")


def test_colours_by_numbers(app: AppTest) -> None:
    atlas(app)
    plain = drawn(app, "atlas_overview")
    for name in ("Parameters", "Receptive field", "Milliseconds, measured", "Response on this picture"):
        healthy(app.selectbox(key="colour").select(name).run())
        assert drawn(app, "atlas_overview") != plain
    box = app.selectbox(key="colour").select("Your own numbers").run()
    healthy(box)
    graph = inception.trace("inception_v4")
    rows = "\n".join(f"{layer.path},{layer.index}" for layer in graph.layers[:50])
    app.file_uploader(key="own_numbers").set_value(("mine.csv", f"path,mine\n{rows}\nno.such,1\n".encode(), "text/csv"))
    healthy(app.run())
    assert any("50 of 196 layers" in text.value and "no.such" in text.value for text in app.caption)
    app.file_uploader(key="own_numbers").set_value(("bad.csv", b"\xff\xfe", "text/csv"))
    app.run()
    assert any("bad.csv" in error.value for error in app.error)
    assert any("50 of 196 layers" in text.value for text in app.caption), "the file before stays"


def test_two_networks_compared_in_colours(app: AppTest) -> None:
    atlas(app, model="inception_resnet_v2", atlas="two-networks-compared")
    assert headings(app) == ["Stem"]
    assert "only inception_resnet_v1" in drawn(app, "atlas_overlay")
    networks, layers = (frame.value for frame in app.dataframe)
    assert set(networks["network"]) == {"inception_resnet_v2", "inception_resnet_v1"}
    assert {"the same in both", "only in the second"} <= set(layers["change"])
    app.session_state["atlas_part"] = "Inception-B"
    healthy(app.run())
    assert headings(app) == ["Inception-B"]
