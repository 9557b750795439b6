"""The faces' page: the library's numbers, pictures that come and go, and that none of them leaves the session."""

import gc
import io
import sys
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
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
from inception import words
from inception.paths import FACE_SAMPLES
from inception.runtime.predictor import Predictor
from inception.studies.lfw import PAPER_THRESHOLD, THRESHOLD
from inception.vision.faces import MAX_PICTURES, FacePicture, Origin, embed_face, face_picture, pair_table
from inception.weights.choice import UNTRAINED
from inception.zoo import VARIANTS
from pages.parts.face_pictures import shown_name

from .conftest import app_on

ROOT = Path(__file__).parents[2]
SIZE = 75
SAMPLES = ["Collins", "Collins, darker", "Hopper", "Giunchedi", "photographer", "musicians", "cat"]
PAIRS = 15  # of the six in which a face is found
File = tuple[str, bytes, str]


def new_app() -> AppTest:
    app = app_on("faces")
    app.query_params["model"] = "inception_resnet_v1"
    app.query_params["size"] = str(SIZE)
    return app


@pytest.fixture
def app(in_the_frame: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> AppTest:
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


HOPPER = inception.load_image(FACE_SAMPLES / "grace_hopper.jpg").crop((100, 40, 460, 420)).resize((180, 190))


def portrait(seed: int) -> Image.Image:
    """A face before a background unlike any other."""
    image = picture(seed, 240, 220)
    image.paste(HOPPER, (30, 20))
    return image


def files(*seeds: int) -> list[File]:
    return [(f"me{seed}.png", png(portrait(seed)), "image/png") for seed in seeds]


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


@cache
def untrained() -> Predictor:
    """The network as the page shows it on a machine without weights for it."""
    return Predictor("inception_resnet_v1")


def expected(faces: list[FacePicture], weights: str | None = None) -> pd.DataFrame:
    """The same pairs from the library."""
    network = untrained() if weights is None else Predictor("inception_resnet_v1", weights)
    return pair_table([embed_face(network, face, (SIZE, SIZE)) for face in faces if face.crop], THRESHOLD)


def spread_weights(path: Path) -> Path:
    """Weights that put faces far from each other, under the names of facenet-pytorch."""
    state = inception.create_model("inception_resnet_v1").state_dict()
    for key, tensor in state.items():
        if key.endswith("running_var"):
            tensor.fill_(0.02)
    save_file(state, path)
    return path


def choose(app: AppTest, name: str) -> AppTest:
    return healthy(app.selectbox(key="face").set_value(name).run())


def test_samples_are_compared_at_once(app: AppTest) -> None:
    healthy(app.run())
    assert app.header[0].value.endswith("?")
    assert names(app) == SAMPLES
    assert threshold(app).value == pytest.approx(PAPER_THRESHOLD, abs=0.005)
    pairs = expected(app.session_state["faces"])
    assert len(pairs) == PAIRS
    np.testing.assert_allclose(shown(app)["distance"], pairs["distance"], atol=1e-5)
    assert app.metric[0].value == f"{pairs['distance'].min():.3f}"


def test_untrained_weights_say_what_is_missing_and_offer_it(app: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    monkeypatch.setattr("inception.zoo.fetch_weights", asked.append)
    healthy(app.run())
    assert "these weights are untrained" in app.warning[0].value
    assert (app.metric[0].delta, app.metric[1].value) == ("no verdict: untrained", "–")
    assert set(shown(app)["verdict"]) == {"–"}
    assert shown(app)["same"].isna().all()
    offers = [button for button in app.button if button.label.startswith("Get ")]
    assert [("VGGFace2" in offer.label, "CASIA" in offer.label) for offer in offers] == [(True, False), (False, True)]
    healthy(offers[1].click().run())
    assert asked == ["20180408-102900-casia-webface"]
    assert app.session_state["embedding_inception_resnet_v1"].name == asked[0]


def test_a_picture_without_a_face_takes_part_once_a_box_is_drawn(app: AppTest) -> None:
    healthy(app.run())
    assert any("No face found in cat" in info.value for info in app.info)
    choose(app, "cat")
    sliders = [app.slider(key=f"face_box_cat_{side}") for side in ("across", "down")]
    assert [slider.value for slider in sliders] == [(0, 451), (0, 300)], "all of it, which is no crop yet"
    healthy(sliders[0].set_value((150, 300)).run())
    cat = app.session_state["faces"][-1]
    assert (cat.crop.box, cat.crop.origin) == ((150, 0, 300, 300), Origin.DRAWN)
    assert not any("No face found in cat" in info.value for info in app.info)
    assert len(shown(app)) == 21
    linked = new_app()
    linked.query_params.update({"face": "cat", "face_box": app.session_state["address"].query["face_box"]})
    assert healthy(linked.run()).session_state["faces"][-1].crop == cat.crop


def test_one_of_several_faces_is_chosen_by_its_number(app: AppTest) -> None:
    healthy(app.run())
    choose(app, "musicians")
    before = shown(app)["distance"].tolist()
    number = app.segmented_control(key="face_number_musicians")
    assert (number.options, number.value) == (["1", "2", "3", "4", "5"], 1)
    healthy(number.set_value(3).run())
    band = next(face for face in app.session_state["faces"] if face.name == "musicians")
    assert band.crop.box == band.found[2].with_margin(band.image.size)
    assert app.session_state["address"].query["face_box"] == ",".join(f"{edge:.0f}" for edge in band.crop.box)
    assert shown(app)["distance"].tolist() != before
    healthy(app.slider(key="face_box_musicians_down").set_value((20, 200)).run())
    assert app.segmented_control(key="face_number_musicians").value is None, "a drawn box is none of those found"
    healthy(button(app, "Back to the face found").click().run())
    assert app.segmented_control(key="face_number_musicians").value == 1


def test_own_pictures_take_the_place_of_the_samples(app: AppTest) -> None:
    healthy(app.run())
    upload(app, files(1, 2))
    assert not app.error
    assert names(app) == ["me1", "me2"]
    pair = expected([face_picture(portrait(1), "me1"), face_picture(portrait(2), "me2")])
    assert shown(app)["distance"].tolist() == pytest.approx(pair["distance"].tolist(), abs=1e-5)
    assert app.metric[0].label == "Distance"
    upload(app, [*files(3), ("me1.png", png(portrait(1)), "image/png")])
    assert names(app) == ["me1", "me2", "me3", "me1 (2)"]
    twins = shown(app).query("first == 'me1' and second == 'me1 (2)'")
    assert twins["distance"].tolist() == [0], "the same picture twice"


def test_pictures_without_faces_are_not_compared(app: AppTest) -> None:
    healthy(app.run())
    upload(app, [(f"noise{seed}.png", png(picture(seed)), "image/png") for seed in (1, 2)])
    assert names(app) == ["noise1", "noise2"]
    assert [face.crop for face in app.session_state["faces"]] == [None, None]
    assert not app.metric
    assert [f"No face found in noise{seed}" in app.info[seed - 1].value for seed in (1, 2)] == [True, True]
    assert any("Two faces" in info.value for info in app.info)


def test_the_verdict_is_that_of_the_crops_and_turns_with_the_threshold(app: AppTest, tmp_path: Path) -> None:
    path = spread_weights(tmp_path / "mine.safetensors")
    healthy(app.run())
    assert not any("untrained" in warning.value for warning in app.warning)
    pairs = expected(app.session_state["faces"], str(path))
    np.testing.assert_allclose(shown(app)["distance"], pairs["distance"], atol=1e-4)
    assert shown(app)["same"].tolist() == pairs["same"].tolist()
    assert any("weights: mine.safetensors" in caption.value for caption in app.caption), "not the server's folders"
    assert any("Not the size of its training" in warning.value for warning in app.warning)
    strangers = shown(app).query("first == 'Collins' and second == 'photographer'").iloc[0]
    for limit, verdict in ((strangers["distance"] + 0.02, "same"), (strangers["distance"] - 0.02, "different")):
        healthy(threshold(app).set_value(round(limit, 2)).run())
        row = shown(app).query("first == 'Collins' and second == 'photographer'").iloc[0]
        assert row["verdict"] == verdict
    healthy(threshold(app).set_value(0.0).run())
    assert app.metric[1].value == f"0 of {PAIRS}"


def test_the_camera_gives_a_picture(app: AppTest) -> None:
    healthy(app.run())
    assert not app.camera_input, "the browser is not asked for the camera before the reader wants it"
    healthy(app.toggle[0].set_value(True).run())
    assert app.camera_input[0].proto.resolution_height == 720, "not the few pixels of its preview"
    buffer = io.BytesIO()
    portrait(7).save(buffer, "JPEG")
    shot = "camera-input-2026-05-04T21_30_00.000Z.jpg", buffer.getvalue()
    healthy(app.camera_input[0].upload(*shot).run())
    assert any("Two faces" in info.value for info in app.info)
    healthy(app.camera_input[0].upload(*shot).run())
    assert [shown_name(name) for name in names(app)] == ["your photograph 1", "your photograph 2"]
    with words.speaking("zh_CN"):
        assert shown_name(names(app)[1]) == "您的照片 2"


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
    choose(app, "me2")
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
    first, second = app.session_state["faces"]
    assert first.crop.origin is Origin.FOUND
    healthy(app.slider(key="face_box_me1_across").set_value((20, 120)).run())
    drawn = app.session_state["faces"][0]
    top, bottom = app.slider(key="face_box_me1_down").value
    assert (drawn.crop.box, drawn.crop.origin) == ((20, top, 120, bottom), Origin.DRAWN)
    pair = expected([first.with_box((20, top, 120, bottom)), second])
    assert shown(app)["distance"].tolist() == pytest.approx(pair["distance"].tolist(), abs=1e-5)
    choose(app, "me2")
    assert app.slider(key="face_box_me2_across").value == tuple(map(round, second.crop.box[::2])), "a crop each"
    choose(app, "me1")
    healthy(button(app, "Back to the face found").click().run())
    assert app.session_state["faces"][0].crop == first.crop


@pytest.mark.usefixtures("app")
def test_other_pages_take_picture_and_crop_from_here() -> None:
    """A network that embeds gets a face, with its crop, on every page on a picture; no cat."""
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=120)
    app.query_params["model"] = "inception_resnet_v1"
    app.query_params["size"] = str(SIZE)
    app.run()
    app.switch_page("pages/faces.py").run()
    choose(app, "Hopper")
    healthy(app.slider(key="face_box_Hopper_across").set_value((100, 400)).run())
    app.switch_page("pages/looks.py").run()
    # Here the bundled weights come first, which name classes.
    healthy(app.selectbox(key="weights_inception_resnet_v1").set_value(UNTRAINED).run())
    chosen, other = app.selectbox(key="face"), next(box for box in app.selectbox if box.label.startswith("Compared"))
    assert chosen.value == "Hopper"
    assert chosen.options == [name for name in SAMPLES if name != "cat"]
    assert other.options == [name for name in SAMPLES if name not in ("cat", "Hopper")]
    choose(app, "Giunchedi")
    app.switch_page("pages/faces.py").run()
    assert healthy(app).selectbox(key="face").value == "Giunchedi"
    assert app.session_state["faces"][2].crop.box[::2] == (100, 400)


@pytest.mark.parametrize("model", ["inception_v4", "inception_resnet_v2.paper"])
def test_a_network_without_embedding_gives_way_to_one_with(app: AppTest, model: str) -> None:
    app.query_params["model"] = model
    healthy(app.run())
    assert app.header[0].value.startswith("Inception-ResNet-v1 (FaceNet) · ")
    assert app.metric, "the samples are compared"
    embedding = [name for name, variant in VARIANTS.items() if variant.embeds]
    labels = [button.label for button in app.button if button.label.startswith("Switch to")]
    assert labels == [f"Switch to {name}" for name in embedding]
    assert f"{VARIANTS[model].title} names classes" in app.info[0].value


def test_switching_opens_the_page(app: AppTest) -> None:
    app.query_params["model"] = "inception_v4"
    healthy(app.run())
    healthy(button(app, "Switch to inception_resnet_v1").click().run())
    assert app.selectbox(key="model").value == "inception_resnet_v1"
    assert len(shown(app)) == PAIRS


def test_the_other_embedding_network(app: AppTest) -> None:
    app.query_params["model"] = "inception_resnet_v2.faceid"
    healthy(app.run())
    assert len(shown(app)) == PAIRS
    assert not any(button.label.startswith("Get ") for button in app.button), "no weights are published for it"
    assert any(caption.value.startswith("1024 numbers") for caption in app.caption)


def test_samples_have_names_in_the_readers_language(app: AppTest) -> None:
    """Their own pictures keep theirs, and none is called like a sample in any language."""
    app.query_params["lang"] = "zh_CN"
    healthy(app.run())
    with words.speaking("zh_CN"):
        samples = [words.gettext(name) for name in SAMPLES]
    assert names(app) == SAMPLES
    assert app.selectbox(key="face").options == samples
    assert set(shown(app)["first"]) <= set(samples)
    data = png(portrait(1))
    uploads = [(f"{name}.png", data, "image/png") for name in ("cat", samples[-1], "me")]
    healthy(app.file_uploader[0].set_value(uploads).run())
    assert names(app) == ["cat (2)", f"{samples[-1]} (2)", "me"]
    assert app.selectbox(key="face").options == names(app)


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
        healthy(app.slider(key="face_box_me1_down").set_value((20, 120)).run())
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
    healthy(app.slider(key="face_box_me1_down").set_value((20, 120)).run())
    managers = [thing for thing in gc.get_objects() if type(thing) is MemoryUploadedFileManager]
    assert managers
    assert not any(uploads for manager in managers for uploads in manager.file_storage.values())
    state = app.session_state
    held = [weakref.ref(face.image) for face in state["faces"]]
    held += [weakref.ref(face.embedding) for face in state["kept_face_embeddings"].values()]
    assert len(held) == 4
    healthy(button(app, "Forget all").click().run())
    gc.collect()
    assert [ref() for ref in held] == [None] * 4
