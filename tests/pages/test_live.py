"""The pages on the reader's own picture: the same picture and weights from page to page, honest in every state."""

import gc
import io
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import streamlit as st
import torch
from PIL import Image
from safetensors.torch import save
from streamlit.testing.v1 import AppTest

import inception
from inception.runtime import predictor
from inception.runtime.crop import Fit
from inception.runtime.pool import Pool
from inception.weights import download
from inception.weights.choice import UNTRAINED, WeightsChoice
from inception.weights.known import known_weights
from pages.parts import decoded, glossary, weights_chooser
from pages.parts.glossary_terms import TERMS, Numbers
from pages.parts.page_list import PAGES

from .conftest import open_at

ROOT = Path(__file__).parents[2]
LIVE = ("live", "inside", "looks", "cell")
SMALL = "inception_resnet_v1"  # the quickest


@pytest.fixture
def app(no_bundled_weights: None, app: AppTest) -> AppTest:
    """The app on a machine without weights."""
    return app


def healthy(app: AppTest) -> AppTest:
    assert not app.exception, [error.message for error in app.exception]
    return app


def open_page(app: AppTest, page: str, model: str, size: str = "96") -> AppTest:
    return healthy(open_at(app, page, model=model, size=size))


def picture(color: str, file_format: str = "PNG") -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (120, 90), color).save(file, file_format)
    return file.getvalue()


def chosen_weights(app: AppTest) -> WeightsChoice:
    choice: object = next(box for box in app.selectbox if box.label == "Weights").value
    assert isinstance(choice, WeightsChoice)
    return choice


def test_pages_open_also_where_the_bundled_weights_are_missing(app: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those that show something of the bundled networks, whichever network is chosen."""
    st.cache_resource.clear()  # what was made with the weights before
    monkeypatch.setattr(glossary, "fact", vars(glossary.fact)["__wrapped__"])
    monkeypatch.setattr(glossary, "_numbers", cache(Numbers))
    for page, last in (("home", "**Teaching?**"), ("speed", "The button runs"), ("glossary", "– ")):
        healthy(app.switch_page(PAGES[page].path).run())
        assert not app.error, page
        assert app.header[0].value.endswith(PAGES[page].question)
        assert any(caption.value.startswith(last) for caption in app.caption), page
    assert len(app.markdown) > len(TERMS), "all terms are there"


def test_untrained_weights_are_named_on_every_page(app: AppTest) -> None:
    app.query_params["size"] = "75"
    for page in LIVE:
        healthy(app.switch_page(f"pages/{page}.py").run())
        assert any("Untrained weights" in warning.value for warning in app.warning), page


def test_the_picture_is_kept_from_page_to_page(app: AppTest) -> None:
    open_page(app, "live", "inception_v4", "75")
    next(box for box in app.selectbox if box.label == "Picture").set_value("koala").run()
    for page in LIVE[1:]:
        healthy(app.switch_page(f"pages/{page}.py").run())
        assert next(box for box in app.selectbox if box.label == "Picture").value == "koala", page


def test_several_uploads_a_bad_one_among_them(app: AppTest) -> None:
    open_page(app, "live", "inception_v4", "75")
    files = [("red.png", picture("red")), ("notes.jpg", b"only words"), ("blue.png", picture("blue"))]
    app.file_uploader[0].set_value([(name, data, "image/png") for name, data in files]).run()
    healthy(app)
    assert len(app.error) == 1
    assert app.error[0].value.startswith("notes.jpg: ")
    chooser = next(box for box in app.selectbox if box.label == "Picture")
    assert chooser.options[:2] == ["your picture: blue.png", "your picture: red.png"]
    assert chooser.value == "your picture: blue.png", "the last one is shown"
    answers = next(frame.value for frame in app.dataframe if "Picture" in frame.value.columns)
    assert list(answers["Picture"]) == ["red.png", "blue.png"]
    healthy(app.switch_page("pages/inside.py").run())
    assert next(box for box in app.selectbox if box.label == "Picture").value == "your picture: blue.png"


def test_uploads_of_one_name_and_of_one_content(app: AppTest) -> None:
    """Cameras call every photo image.jpg."""
    open_page(app, "live", "inception_v4", "75")
    for color in ("red", "blue", "red"):
        uploader = next(box for box in app.file_uploader if box.label == "Your pictures")
        uploader.set_value(("image.png", picture(color), "image/png"))
        healthy(app.run())
        assert not next(box for box in app.file_uploader if box.label == "Your pictures").value, "the file is let go"
    uploader = next(box for box in app.file_uploader if box.label == "Your pictures")
    uploader.set_value(("copy.png", picture("red"), "image/png"))
    healthy(app.run())
    answers = next(frame.value for frame in app.dataframe if "Picture" in frame.value.columns)
    assert list(answers["Picture"]) == ["image.png (2)", "image.png", "copy.png"]
    assert answers["Probability"].iloc[1] == answers["Probability"].iloc[2], "one picture under two names"
    healthy(app.toggle(key="camera_on").set_value(True).run())
    healthy(app.camera_input[0].upload("camera-input-2026-05-04T21_30_00.000Z.jpg", picture("green", "JPEG")).run())
    chooser = next(box for box in app.selectbox if box.label == "Picture")
    assert chooser.options[:2] == ["your photograph 1", "your picture: copy.png"], "not the time at which it was taken"
    answers = next(frame.value for frame in app.dataframe if "Picture" in frame.value.columns)
    assert answers["Picture"].iloc[-1] == "your photograph 1"


def test_each_upload_is_asked_about_once(app: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    open_page(app, "live", "inception_v4", "75")
    asked = []
    classify = predictor.Predictor.classify

    def counted(self: predictor.Predictor, prepared: Image.Image) -> pd.DataFrame:
        asked.append(prepared)
        return classify(self, prepared)

    monkeypatch.setattr(predictor.Predictor, "classify", counted)
    for count, color in enumerate(("red", "green", "blue"), 1):
        uploader = next(box for box in app.file_uploader if box.label == "Your pictures")
        uploader.set_value((f"{color}.png", picture(color), "image/png"))
        healthy(app.run())
        assert len(asked) == count


def test_an_upload_is_decoded_once_and_no_page_keeps_it(app: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Decoded photographs of a class would fill the server's memory, so that only the one shelf for them has any."""
    decodes = []
    load = inception.load_image

    def counted(data: bytes | Path) -> Image.Image:
        decodes.append(data)
        return load(data)

    monkeypatch.setattr(inception, "load_image", counted)
    decoded._pictures().clear()  # of those that other tests have brought
    open_page(app, "live", "inception_v4", "75")
    uploader = next(box for box in app.file_uploader if box.label == "Your pictures")
    red = picture("red")
    uploader.set_value(("red.png", red, "image/png"))
    app.session_state["part"] = True  # a box can be drawn on it
    healthy(app.run())
    for page in (*LIVE, "atlas"):
        healthy(app.switch_page(f"pages/{page}.py").run())
    app.session_state["fit"] = Fit.PAD  # which gives the network another picture
    healthy(app.switch_page("pages/live.py").run())
    assert decodes.count(red) == 1
    forget = next(button for button in app.button if button.label == "Forget my pictures")
    healthy(forget.click().run())
    gc.unfreeze()  # sessions of other tests, which hold such pictures, among them
    gc.collect()
    assert not [each for each in gc.get_objects() if issubclass(type(each), Image.Image) and each.size == (120, 90)]


def test_the_answer_is_the_networks(app: AppTest, tmp_path: Path) -> None:
    torch.manual_seed(0)
    state = inception.create_model("inception_v4", num_classes=3).state_dict()
    state["head.Logits.Logits.bias"] = torch.tensor([0.0, 9.0, 0.0])
    (tmp_path / "weights").mkdir()
    (tmp_path / "weights" / "mine.safetensors").write_bytes(save(state))
    open_page(app, "live", "inception_v4", "75")
    assert chosen_weights(app).title == "mine.safetensors"
    assert not any("Untrained" in warning.value for warning in app.warning)
    table = next(frame.value for frame in app.dataframe if "probability" in frame.value.columns)
    network = predictor.Predictor("inception_v4", str(tmp_path / "weights" / "mine.safetensors"))
    sample = inception.load_image(ROOT / "assets" / "samples" / "astronaut.jpg")
    expected = network.classify(network.prepare(sample, (75, 75)))
    assert table["index"].tolist() == expected["index"].tolist()
    assert np.allclose(table["probability"], expected["probability"], atol=1e-6)
    search = next(field for field in app.text_input if field.label == "Search")
    healthy(search.set_value("CLASS 2").run())
    table = next(frame.value for frame in app.dataframe if "probability" in frame.value.columns)
    assert table["label"].tolist() == ["class 2"]


def test_weights_that_fit_no_network_are_not_offered_and_damaged_ones_are_one_sentence(
    app: AppTest, tmp_path: Path
) -> None:
    folder = tmp_path / "weights"
    folder.mkdir()
    (folder / "wrong.safetensors").write_bytes(save({"a": torch.zeros(2)}))
    open_page(app, "live", SMALL, "75")
    assert not app.error
    assert chosen_weights(app) == UNTRAINED
    (folder / "a [bad](file) *.pt").write_bytes(b"nothing")
    healthy(app.run())
    next(box for box in app.selectbox if box.label == "Weights").set_value(
        WeightsChoice.of(folder / "a [bad](file) *.pt")
    ).run()
    assert len(app.error) == 1
    assert app.error[0].value.startswith("a \\[bad\\](file) \\*.pt")


def test_an_uploaded_checkpoint_runs_and_leaves_nothing(
    app: AppTest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    torch.manual_seed(0)
    data = save(inception.create_model(SMALL, width=1.0).state_dict())
    open_page(app, "live", SMALL)
    uploader = next(widget for widget in app.file_uploader if widget.label == "Weights file")
    uploader.set_value(("own.safetensors", data, "application/octet-stream")).run()
    healthy(app)
    assert chosen_weights(app).label == "your file: own.safetensors"
    assert not any("Untrained" in warning.value for warning in app.warning)
    assert any("Not the size of its training" in warning.value for warning in app.warning), "160 px, not 96"
    assert not list(tmp_path.glob("inception-*"))


def test_the_classes_of_own_weights_get_the_names_that_a_reader_brings(app: AppTest) -> None:
    state = inception.create_model("inception_v4", num_classes=3).state_dict()
    buffer = io.BytesIO()
    torch.save({"state_dict": state, "state_dict_ema": state}, buffer)
    open_page(app, "live", "inception_v4", "75")
    uploader = next(widget for widget in app.file_uploader if widget.label == "Weights file")
    healthy(uploader.set_value(("tuned.pt", buffer.getvalue(), "application/octet-stream")).run())
    assert any("state_dict_ema" in caption.value for caption in app.caption)
    for content in (b"pear\nplum\nfig\n", b'["a", "b"]'):
        names = next(widget for widget in app.file_uploader if widget.label == "Names of its 3 classes")
        healthy(names.set_value(("names.txt", content, "text/plain")).run())
        table = next(iter(app.session_state["kept_classes"].values()))
        assert set(table["label"]) == {"pear", "plum", "fig"}
    assert app.error[0].value.startswith("names.txt: 2 names, but the network tells 3 classes apart")


@pytest.fixture
def room_for_one(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Readers' own weights have room for those of one."""
    monkeypatch.setattr(weights_chooser, "networks", Pool(limit=1))
    weights_chooser._shelf.clear()
    yield
    weights_chooser._shelf.clear()


def test_own_weights_of_many_readers_take_bounded_memory(app: AppTest, room_for_one: None) -> None:
    data = save(inception.create_model(SMALL).state_dict())
    other = AppTest.from_file(str(ROOT / "app.py"), default_timeout=120)
    for reader in (app, other):
        open_page(reader, "live", SMALL)
        uploader = next(widget for widget in reader.file_uploader if widget.label == "Weights file")
        healthy(uploader.set_value(("own.safetensors", data, "application/octet-stream")).run())
        assert chosen_weights(reader).label == "your file: own.safetensors"
    healthy(app.run())
    assert any("made room" in info.value for info in app.info)
    assert chosen_weights(app) == UNTRAINED
    kept = chosen_weights(healthy(other.run()))
    assert kept.label == "your file: own.safetensors"


def test_a_bad_checkpoint_is_one_sentence_and_the_weights_before_stay(app: AppTest) -> None:
    open_page(app, "live", SMALL)
    uploader = next(widget for widget in app.file_uploader if widget.label == "Weights file")
    uploader.set_value(("bad.pt", b"\x80\x02.", "application/octet-stream")).run()
    healthy(app)
    assert len(app.error) == 1
    assert app.error[0].value.startswith("bad.pt")
    assert chosen_weights(app) == UNTRAINED


def test_a_download_without_a_network_is_one_sentence(app: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr(download, "_downloads", {})
    tag = next(tag for tag, weights in known_weights().items() if weights.variant == "inception_v4")
    open_page(app, "live", "inception_v4", "75")
    healthy(next(box for box in app.selectbox if box.label == "Weights").set_value(WeightsChoice.of(tag)).run())
    assert any("Untrained weights" in warning.value for warning in app.warning), "until they are here"
    healthy(app.button(key=f"get_{tag}").click().run())
    current = download.last_download(tag)
    assert current is not None
    assert current.wait(20)
    healthy(app.run())
    assert any("HF_HUB_OFFLINE" in error.value for error in app.error)
    assert app.button(key=f"get_{tag}"), "it can be tried again"


def test_two_networks_on_one_picture(app: AppTest) -> None:
    open_page(app, "live", "inception_v4", "75")
    other = next(box for box in app.selectbox if box.label == "Another network")
    assert all(not option.startswith(SMALL) for option in other.options), "embeddings are no answers"
    index = next(i for i, option in enumerate(other.options) if option.startswith("inception_resnet_v2,"))
    healthy(other.select_index(index).run())
    assert any("Untrained: random numbers" in caption.value for caption in app.caption)
    assert any(caption.value.startswith(("They agree", "They differ")) for caption in app.caption)


def test_depth_slider_and_blocks(app: AppTest) -> None:
    open_page(app, "inside", SMALL)
    depth = app.select_slider(key="depth")
    graph = inception.trace(SMALL, 96)
    assert depth.options[0] == graph.layers[0].block
    healthy(depth.set_value("Block17_3").run())
    block = next(box for box in app.selectbox if box.label == "Block")
    assert block.value == "Block17_3", "the block follows the slider"
    assert [metric.label for metric in app.metric][2:] == ["Ratio", "Cosine"]


def test_cell_and_its_fields(app: AppTest) -> None:
    open_page(app, "cell", SMALL)
    layer = next(box for box in app.selectbox if box.label == "Layer")
    index = next(i for i, option in enumerate(layer.options) if "Conv2d_2b_3x3" in option)
    healthy(layer.select_index(index).run())
    graph = inception.trace(SMALL, 96)
    field = graph.receptive_fields[index + 1]
    assert field is not None
    assert app.metric[0].value == f"{field.size[0]}x{field.size[1]}"
    rows = next(slider for slider in app.slider if slider.label.startswith("Row"))
    healthy(rows.set_value(1).run())
    assert any("are on the picture" in markdown.value for markdown in app.markdown)
