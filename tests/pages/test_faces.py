"""The faces' page: the library's numbers, pictures that come and go, and that none of them leaves the session."""

import gc
import io
import sys
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from safetensors.torch import save_file
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from streamlit.testing.v1 import AppTest

import inception
from inception.runtime.predictor import Predictor
from inception.studies.lfw import PAPER_THRESHOLD
from inception.vision.faces import MAX_PICTURES, Face, face_of, pair_table
from inception.weights.choice import WeightsChoice
from inception.zoo import VARIANTS

ROOT = Path(__file__).parents[2]
# The page alone in the frame.
FRAME = f"""
import streamlit as st
from pages.parts import frame

page = st.navigation([st.Page("{ROOT}/pages/faces.py", default=True)])
frame.run(page)
"""
SIZE = 75
SAMPLES = ["astronaut", "astronaut, darker", "cameraman", "a cat"]
File = tuple[str, bytes, str]


def new_app() -> AppTest:
    app = AppTest.from_string(FRAME, default_timeout=120)
    app.query_params["model"] = "inception_resnet_v1"
    app.query_params["size"] = str(SIZE)
    return app


@pytest.fixture
def app(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> AppTest:
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("INCEPTION_WEIGHTS", str(tmp_path))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    return new_app()


def picture(seed: int, width: int = 120, height: int = 90) -> Image.Image:
    """Noise in large cells, unlike any other picture."""
    cells = np.random.default_rng(seed).integers(0, 256, (6, 8, 3), dtype=np.uint8)
    return Image.fromarray(cells).resize((width, height))


def png(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


def files(*seeds: int) -> list[File]:
    return [(f"me{seed}.png", png(picture(seed)), "image/png") for seed in seeds]


def healthy(app: AppTest) -> AppTest:
    assert not app.exception, [error.message for error in app.exception]
    return app


def upload(app: AppTest, uploads: list[File]) -> AppTest:
    uploader = next(box for box in app.file_uploader if box.label == "Your pictures")
    return healthy(uploader.set_value(uploads).run())


def button(app: AppTest, label: str) -> Any:
    return next(button for button in app.button if button.label == label)


def threshold(app: AppTest) -> Any:
    return next(slider for slider in app.slider if slider.label.startswith("The same person"))


def shown(app: AppTest) -> pd.DataFrame:
    """The table of pairs."""
    return app.dataframe[0].value


def names(app: AppTest) -> list[str]:
    return [face.name for face in app.session_state["faces"]]


def expected(faces: list[Face], weights: str | None = None, limit: float = round(PAPER_THRESHOLD, 2)) -> pd.DataFrame:
    """The same pairs from the library."""
    network = Predictor("inception_resnet_v1", weights)
    embeddings = [network.embed(network.prepare(face.crop(), (SIZE, SIZE))) for face in faces]
    return pair_table([face.name for face in faces], embeddings, limit)


def test_samples_are_compared_at_once(app: AppTest) -> None:
    healthy(app.run())
    assert app.header[0].value.endswith("?")
    assert names(app) == SAMPLES
    assert threshold(app).value == pytest.approx(PAPER_THRESHOLD, abs=0.005)
    pairs = expected(app.session_state["faces"])
    np.testing.assert_allclose(shown(app)["distance"], pairs["distance"], atol=1e-5)
    assert "Untrained weights" in app.warning[0].value
    assert app.metric[0].value == f"{pairs['distance'].min():.3f}"


def test_own_pictures_take_the_place_of_the_samples(app: AppTest) -> None:
    healthy(app.run())
    upload(app, files(1, 2))
    assert not app.error
    assert names(app) == ["me1", "me2"]
    pair = expected([face_of(picture(1), "me1"), face_of(picture(2), "me2")])
    assert shown(app)["distance"].tolist() == pytest.approx(pair["distance"].tolist(), abs=1e-5)
    assert app.metric[0].label == "Distance"
    upload(app, [*files(3), ("me1.png", png(picture(1)), "image/png")])
    assert names(app) == ["me1", "me2", "me3", "me1 (2)"]
    twins = shown(app).query("first == 'me1' and second == 'me1 (2)'")
    assert twins["distance"].tolist() == [0], "the same picture twice"


def test_the_threshold_turns_the_verdict(app: AppTest) -> None:
    healthy(app.run())
    upload(app, files(1, 2))
    assert shown(app)["verdict"].tolist() == ["within"], "untrained"
    assert (app.metric[1].label, app.metric[1].value) == ("Pairs within the threshold", "1 of 1")
    healthy(threshold(app).set_value(0.0).run())
    assert shown(app)["verdict"].tolist() == ["beyond"]
    assert (app.metric[0].delta, app.metric[1].value) == ("no verdict: untrained", "0 of 1")
    assert shown(app)["threshold"].tolist() == [0]


def test_the_camera_gives_a_picture(app: AppTest) -> None:
    healthy(app.run())
    assert not app.camera_input, "the browser is not asked for the camera before the reader wants it"
    healthy(app.toggle[0].set_value(True).run())
    buffer = io.BytesIO()
    picture(7).save(buffer, "JPEG")
    healthy(app.camera_input[0].upload("shot.jpg", buffer.getvalue()).run())
    assert names(app) == ["shot"]
    assert any("Two pictures" in info.value for info in app.info)


def test_bad_files_are_a_sentence_each_and_the_good_ones_stay(app: AppTest) -> None:
    healthy(app.run())
    broken = [
        ("words.jpg", b"these are only words", "image/jpeg"),
        ("empty.png", b"", "image/png"),
        ("cut.png", png(picture(3))[:200], "image/png"),
        ("thin.png", png(picture(3, 300, 5)), "image/png"),
    ]
    upload(app, [files(1)[0], *broken, files(2)[0]])
    assert names(app) == ["me1", "me2"]
    assert [error.value.partition(":")[0] for error in app.error] == ["words.jpg", "empty.png", "cut.png", "thin.png"]
    assert all(error.value.endswith("The other pictures stay.") for error in app.error)
    upload(app, broken[:1])
    assert names(app) == ["me1", "me2"]
    assert len(app.error) == 1
    upload(app, files(3))
    assert not app.error
    assert len(shown(app)) == 3


def test_bad_files_alone_leave_the_samples(app: AppTest) -> None:
    healthy(app.run())
    upload(app, [("words.jpg", b"these are only words", "image/jpeg")])
    assert names(app) == SAMPLES
    assert len(app.error) == 1


def test_no_more_than_can_be_compared(app: AppTest) -> None:
    healthy(app.run())
    upload(app, files(*range(MAX_PICTURES + 3)))
    assert len(names(app)) == MAX_PICTURES
    assert "3 were left out" in app.error[0].value
    assert len(shown(app)) == MAX_PICTURES * (MAX_PICTURES - 1) // 2


def test_pictures_go_one_by_one_or_all_at_once(app: AppTest) -> None:
    healthy(app.run())
    upload(app, files(1, 2, 3))
    healthy(app.selectbox(key="face").set_value("me2").run())
    healthy(button(app, "Remove").click().run())
    assert names(app) == ["me1", "me3"]
    healthy(button(app, "Add the samples").click().run())
    assert names(app) == ["me1", "me3", *SAMPLES]
    upload(app, files(4))
    assert names(app) == ["me1", "me3", *SAMPLES, "me4"], "samples that were asked for stay"
    healthy(button(app, "Forget all").click().run())
    assert names(app) == SAMPLES
    for _ in SAMPLES:
        healthy(button(app, "Remove").click().run())
    assert names(app) == []
    assert not app.dataframe[0].value.columns.isin(["distance"]).any()
    healthy(button(app, "Add the samples").click().run())
    assert names(app) == SAMPLES


def test_the_crop_is_what_is_compared(app: AppTest) -> None:
    healthy(app.run())
    upload(app, files(1, 2))
    sliders = {slider.label: slider for slider in app.slider}
    assert [sliders[label].value for label in ("Centre, across", "Centre, down", "Side")] == [60, 45, 90]
    sliders["Side"].set_value(40)
    sliders["Centre, across"].set_value(0)
    healthy(app.run())
    assert app.slider(key="face_x").value == 20, "the square is moved inside the picture, and the slider with it"
    first = face_of(picture(1), "me1").cropped(20, 45, 40)
    pair = expected([first, face_of(picture(2), "me2")])
    assert shown(app)["distance"].tolist() == pytest.approx(pair["distance"].tolist(), abs=1e-5)
    healthy(app.selectbox(key="face").set_value("me2").run())
    assert app.slider(key="face_side").value == 90, "each picture has a crop of its own"
    healthy(app.selectbox(key="face").set_value("me1").run())
    assert app.slider(key="face_side").value == 40
    healthy(button(app, "Centre").click().run())
    assert app.slider(key="face_side").value == 90


def test_weights_of_a_file(app: AppTest, tmp_path: Path) -> None:
    state = inception.create_model("inception_resnet_v1").state_dict()
    for key, tensor in state.items():
        if key.endswith("running_var"):
            tensor.fill_(0.02)
    save_file(state, tmp_path / "mine.safetensors")
    healthy(app.run())
    weights = next(box for box in app.selectbox if box.label == "Weights")
    healthy(weights.set_value(WeightsChoice.of(tmp_path / "mine.safetensors")).run())
    assert not any("Untrained" in warning.value for warning in app.warning)
    pairs = expected(app.session_state["faces"], str(tmp_path / "mine.safetensors"))
    np.testing.assert_allclose(shown(app)["distance"], pairs["distance"], atol=1e-4)
    assert any("weights: mine.safetensors" in caption.value for caption in app.caption), "not the server's folders"


@pytest.mark.parametrize("model", [name for name, variant in VARIANTS.items() if not variant.embeds])
def test_networks_without_embedding_lead_to_those_with_one(app: AppTest, model: str) -> None:
    app.query_params["model"] = model
    healthy(app.run())
    assert not app.metric
    embedding = [name for name, variant in VARIANTS.items() if variant.embeds]
    assert [button.label for button in app.button] == [f"Switch to {name}" for name in embedding]
    assert all(name in app.info[0].value for name in embedding)


def test_switching_opens_the_page(app: AppTest) -> None:
    app.query_params["model"] = "inception_v4"
    healthy(app.run())
    healthy(button(app, "Switch to inception_resnet_v1").click().run())
    assert app.selectbox(key="model").value == "inception_resnet_v1"
    assert len(shown(app)) == 6


def test_the_other_embedding_network(app: AppTest) -> None:
    app.query_params["model"] = "inception_resnet_v2.faceid"
    healthy(app.run())
    assert len(shown(app)) == 6
    assert any(caption.value.startswith("1024 numbers") for caption in app.caption)


def test_too_small_a_size_is_one_sentence(app: AppTest) -> None:
    app.query_params["size"] = "40"
    healthy(app.run())
    assert len(app.error) == 1


# What is written while `watched` is on: a hook cannot be taken off again, so there is one for all tests.
_watching: list[list[str]] = []


def _hook(event: str, arguments: tuple[Any, ...]) -> None:
    if _watching and event == "open":
        path, mode, flags = arguments
        if (isinstance(mode, str) and set(mode) & set("wax+")) or (isinstance(flags, int) and flags & 3):
            _watching[-1].append(str(path))


@contextmanager
def watched() -> Iterator[list[str]]:
    """Every file that Python opens for writing."""
    if not hasattr(sys, "_faces_hook"):
        sys.addaudithook(_hook)
        sys._faces_hook = True  # type: ignore[attr-defined]
    opened: list[str] = []
    _watching.append(opened)
    try:
        yield opened
    finally:
        _watching.pop()


def test_the_watch_would_notice(tmp_path: Path) -> None:
    with watched() as opened:
        (tmp_path / "a").write_bytes(b"x")
        (tmp_path / "a").read_bytes()
    assert opened == [str(tmp_path / "a")]


def test_nothing_is_written(app: AppTest) -> None:
    healthy(app.run())
    with watched() as opened:
        upload(app, files(1, 2))
        healthy(app.slider(key="face_side").set_value(60).run())
        healthy(threshold(app).set_value(0.5).run())
        healthy(button(app, "Forget all").click().run())
    assert opened == []


def test_another_session_sees_nothing(app: AppTest) -> None:
    healthy(app.run())
    upload(app, files(1, 2))
    other = healthy(new_app().run())
    assert names(other) == SAMPLES
    mine, theirs = (each.session_state["kept_face_embeddings"] for each in (app, other))
    assert not set(mine) & set(theirs)
    held = (names(app), len(mine))
    healthy(button(upload(other, files(3, 4)), "Forget all").click().run())
    healthy(app.run())
    assert (names(app), len(app.session_state["kept_face_embeddings"])) == held


def test_what_is_forgotten_is_gone(app: AppTest) -> None:
    """Nothing in the process holds a picture or an embedding that the reader had forgotten; uploads go before that."""
    healthy(app.run())
    upload(app, files(1, 2))
    healthy(app.slider(key="face_side").set_value(60).run())
    managers = [thing for thing in gc.get_objects() if type(thing) is MemoryUploadedFileManager]
    assert managers
    assert not any(uploads for manager in managers for uploads in manager.file_storage.values())
    state = app.session_state
    held = [weakref.ref(face.image) for face in state["faces"]]
    held += [weakref.ref(embedding) for embedding in state["kept_face_embeddings"].values()]
    assert len(held) == 4
    healthy(button(app, "Forget all").click().run())
    gc.collect()
    assert [ref() for ref in held] == [None] * 4
