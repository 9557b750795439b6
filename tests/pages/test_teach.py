"""Teach it: classes of the reader's own, a head that trains, honest figures, files, and nothing left behind."""

import gc
import io
import weakref
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import streamlit as st
from PIL import Image
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from streamlit.testing.v1 import AppTest

from inception import words
from inception.paths import ROOT
from inception.runtime.crop import Fit
from inception.runtime.pool import networks
from inception.training.features import NEW, samples
from inception.training.head import STEPS
from inception.training.head_file import Origin, read_head, write_head
from inception.weights.choice import UNTRAINED, WeightsChoice
from inception.weights.known import known_weights
from pages.parts import shelf
from pages.parts.subject import what_it_knows
from pages.parts.teach_pictures import MOST_CLASSES, MOST_NEW, MOST_PICTURES

from .test_faces import watched

MODEL = "inception_resnet_v1"
File = tuple[str, bytes, str]


@pytest.fixture
def app(app: AppTest) -> AppTest:
    app.query_params["model"] = MODEL
    return app


def healthy(app: AppTest) -> AppTest:
    assert not app.exception, [error.message for error in app.exception]
    return app


def opened(app: AppTest) -> AppTest:
    return healthy(app.switch_page("pages/teach.py").run())


def button(app: AppTest, label: str, number: int = 0) -> Any:
    return [button for button in app.button if button.label == label][number]


def upload(app: AppTest, label: str, uploads: list[File]) -> AppTest:
    return healthy(next(box for box in app.file_uploader if box.label == label).set_value(uploads).run())


def noise(seed: int) -> File:
    """A picture unlike any other."""
    cells = np.random.default_rng(seed).integers(0, 256, (6, 8, 3), dtype=np.uint8)
    file = io.BytesIO()
    Image.fromarray(cells).resize((160, 120)).save(file, "PNG")
    return f"shot{seed}.png", file.getvalue(), "image/png"


def of(label: str) -> list[File]:
    """The sample photographs of a class, as a reader would upload them."""
    return [(path.name, path.read_bytes(), "image/jpeg") for path in samples()[label].values()]


def left_out(app: AppTest) -> str:
    return next(metric.value for metric in app.metric if metric.label.startswith("Right, of the pictures"))


def told(app: AppTest, words: str) -> bool:
    shown = [*app.markdown, *app.caption, *app.info, *app.warning, *app.error]
    return any(words in element.value for element in shown)


def test_it_opens_trained_and_says_how_little_it_proves(app: AppTest) -> None:
    opened(app)
    assert [box.value for box in app.text_input] == ["fish", "hammer", "windmill"]
    lesson = app.session_state["teach_lesson"]
    assert [step.number for step in lesson.steps] == list(range(STEPS + 1))
    share = lesson.training.share()
    assert share.pictures == 15
    assert left_out(app) == f"{share.right} of 15"
    low, high = share.interval
    assert told(app, f"**{share.right} of 15 speaks for anything from {low:.0%}".replace("%", "\N{NO-BREAK SPACE}%"))
    assert high - low > 0.3
    assert told(app, "Guessing gets 33\N{NO-BREAK SPACE}%")
    assert told(app, f"**{share.right} of 15 left-out pictures are named rightly**, {share.value * 3:.1f} times")
    assert told(app, "**It can only choose among your classes**: fish, hammer and windmill")
    assert told(
        app, "**From 2 pictures of each class** a head gets 100\N{NO-BREAK SPACE}% of those right that it learnt from"
    )
    assert button(app, "Stop").disabled
    healthy(app.segmented_control(key="fit").set_value(Fit.PAD).run())
    assert not app.metric, "what was learnt of centres is not shown for whole pictures"


def test_five_of_three_own_classes(app: AppTest) -> None:
    opened(app)
    button(app, "Start with empty classes").click().run()
    assert told(app, "No pictures yet")
    button(app, "Add a class").click().run()
    healthy(button(app, "Train").click().run())
    assert [error.value for error in app.error] == ["The class class 1 has no pictures yet."]
    for number, name in enumerate(("fish", "hammer", "windmill"), 1):
        app.text_input[number - 1].set_value(name).run()
        upload(app, f"Pictures of {name}", of(name))
    assert not app.error
    assert not app.metric, "what was trained is not shown for other pictures"
    healthy(button(app, "Train").click().run())
    assert left_out(app).endswith("of 15")
    names = app.session_state["teach_lesson"].training.examples.names
    assert names == ("fish", "hammer", "windmill")
    before = app.session_state["teach_lesson"]
    app.text_input[0].set_value("my [fish](x)").run()
    assert app.session_state["teach_lesson"] is before, "another name changes no numbers"
    assert told(app, "among your classes**: my fish x, hammer and windmill")


def test_classes_have_names_in_the_readers_language_until_they_are_typed(app: AppTest) -> None:
    opened(app)
    app.text_input[2].set_value("mill").run()
    healthy(app.selectbox(key="lang").set_value("zh_CN").run())
    with words.speaking("zh_CN"):
        fish, hammer, empty = map(words.gettext, ("fish", "hammer", "Start with empty classes"))
        numbered = [words.gettext("class {number}").format(number=number) for number in (1, 2)]
        cichlid = words.gettext("cichlid")
    assert [box.value for box in app.text_input] == [fish, hammer, "mill"]
    assert cichlid in app.selectbox(key="teach_picture").options
    assert app.session_state["teach_picture"] in samples()[NEW]
    assert told(app, f"{fish}、{hammer}、mill")
    healthy(button(app, empty).click().run())
    assert [box.value for box in app.text_input] == numbered
    healthy(app.selectbox(key="lang").set_value("en").run())
    assert [box.value for box in app.text_input] == ["class 1", "class 2"]


def test_stop_go_on_and_train_again(app: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    opened(app)
    lesson = app.session_state["teach_lesson"]
    final = lesson.training.head.weight.copy()
    healthy(button(app, "Train again").click().run())
    again = app.session_state["teach_lesson"]
    assert again is not lesson
    assert again.training.head.weight == pytest.approx(final)
    # A training that was stopped after some steps goes on from there.
    half = type(again.training).of(again.training.examples)
    for step in half.steps():
        if step.number == 30:
            break
    again.training, again.steps, again.running = half, again.steps[:31], False
    healthy(app.run())
    assert not button(app, "Go on").disabled
    assert app.session_state["teach_lesson"].training.number == 30
    assert left_out(app).endswith("of 15"), "what it knows so far"
    healthy(button(app, "Go on").click().run())
    assert [step.number for step in again.steps] == list(range(STEPS + 1))
    assert again.training.head.weight == pytest.approx(final)


def test_from_two_pictures_and_from_one(app: AppTest) -> None:
    opened(app)
    healthy(app.selectbox(key="teach_most").set_value(2).run())
    healthy(button(app, "Train").click().run())
    assert left_out(app).endswith("of 9")
    assert app.session_state["teach_lesson"].steps[-1].accuracy == 1
    button(app, "Start with empty classes").click().run()
    for number, name in enumerate(("fish", "hammer"), 1):
        upload(app, f"Pictures of class {number}", of(name)[:1])
    healthy(button(app, "Train").click().run())
    assert left_out(app) == "–"
    assert told(app, "It takes two pictures of each class at least")


def test_what_is_left_out_of_an_upload_is_said(app: AppTest) -> None:
    opened(app)
    many = [noise(seed) for seed in range(MOST_PICTURES + 3)]
    upload(app, "New pictures", many)
    assert len(app.session_state["teach_new"]) == MOST_NEW
    assert app.selectbox(key="teach_picture").value == f"shot{MOST_NEW - 1}"
    assert f"left out: shot{MOST_NEW}.png" in app.error[0].value
    app.session_state["teach_new"].popitem()
    healthy(app.toggle(key="teach_new_camera").set_value(True).run())
    healthy(app.camera_input[0].upload("camera-input-2026-05-04T21_30_00.000Z.jpg", noise(99)[1]).run())
    assert app.selectbox(key="teach_picture").options[0] == "your photograph 1"
    button(app, "Start with empty classes").click().run()
    upload(app, "Pictures of class 1", [("words.jpg", b"only words", "image/jpeg"), *many, many[0]])
    problems = [error.value for error in app.error]
    assert len(app.session_state["teach_classes"][0].pictures) == MOST_PICTURES
    assert "words.jpg: The picture is not a JPEG" in problems[0]
    assert problems[1].startswith(f"There is room for {MOST_PICTURES} pictures; left out: shot{MOST_PICTURES}.png")
    upload(app, "Pictures of class 2", [many[0], many[0]])
    assert "here already" in app.error[0].value
    assert len(app.session_state["teach_classes"][1].pictures) == 1
    for _ in range(MOST_CLASSES):
        if not button(app, "Add a class").disabled:
            button(app, "Add a class").click().run()
    assert len(app.session_state["teach_classes"]) == MOST_CLASSES
    assert button(app, "Add a class").disabled


def head_file(app: AppTest) -> bytes:
    """The head of the page, as its download writes it."""
    origin = Origin.of(networks.predictor(MODEL, f"{MODEL}.cifar10"), (112, 112))
    return write_head(app.session_state["teach_lesson"].head(("fish", "hammer", "windmill")), origin, "")


def test_a_head_that_comes_back_answers_as_before(app: AppTest) -> None:
    opened(app)
    data = head_file(app)
    shown = {}
    for name in samples()[NEW]:
        healthy(app.selectbox(key="teach_picture").set_value(name).run())
        shown[name] = next(text.value for text in app.markdown if text.value.startswith("#### "))
    healthy(button(app, "Start with empty classes").click().run())
    assert not told(app, "It can only choose")
    upload(app, "A head from this page", [("mine.safetensors", data, "application/octet-stream")])
    assert told(app, "The head from **mine.safetensors** judges now. It knows fish, hammer and windmill.")
    for name, answer in shown.items():
        healthy(app.selectbox(key="teach_picture").set_value(name).run())
        assert told(app, answer)


def test_a_head_of_other_weights_is_refused_in_a_sentence_until_it_fits(app: AppTest) -> None:
    opened(app)
    data = head_file(app)

    def choose(weights: WeightsChoice | None) -> None:
        healthy(next(box for box in app.selectbox if box.label == "Weights").set_value(weights).run())

    trained = next(box for box in app.selectbox if box.label == "Weights").value
    choose(UNTRAINED)
    assert not app.metric, "what was trained on other features is gone"
    upload(app, "A head from this page", [("mine.safetensors", data, "application/octet-stream")])
    (error,) = app.error
    assert "reads features of inception_resnet_v1 with the weights “inception_resnet_v1.cifar10”" in error.value
    assert error.value.endswith("It judges as soon as what it fits is chosen.")
    choose(trained)
    assert not app.error
    assert told(app, "The head from **mine.safetensors** judges now.")
    upload(app, "A head from this page", [("words.txt", b"words", "text/plain")])
    assert app.error[0].value.startswith("words.txt: The file is no .safetensors file")
    assert read_head(data)


def test_random_features_are_compared(app: AppTest) -> None:
    opened(app)
    healthy(button(app, "Compare with random features").click().run())
    assert told(app, "**With random features ")


def with_cookie(secret: str) -> SimpleNamespace:
    """What Streamlit knows of a browser that keeps this secret."""
    return SimpleNamespace(cookies={shelf.COOKIE: secret})


def at_link(query: dict[str, str]) -> AppTest:
    """The page in a new session, as after a reload; without training."""
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=120)
    app.query_params.update(query)
    app.session_state["teach_lesson_begun"] = True
    return opened(app)


def test_nothing_is_written_and_a_reload_keeps_what_forgetting_drops(
    app: AppTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened(app)
    with watched() as written:
        upload(app, "New pictures", [noise(50)])
        button(app, "Start with empty classes").click().run()
        for number in (1, 2):
            upload(app, f"Pictures of class {number}", [noise(10 * number + i) for i in range(3)])
        healthy(button(app, "Train").click().run())
        assert left_out(app).endswith("of 6")
        data = head_file(app)
        upload(app, "A head from this page", [("mine.safetensors", data, "application/octet-stream")])
    assert written == []
    managers = [thing for thing in gc.get_objects() if type(thing) is MemoryUploadedFileManager]
    assert not any(kept for manager in managers for kept in manager.file_storage.values())
    state = app.session_state
    link, secret = state["address"].query, state["shelf"]
    monkeypatch.setattr(shelf, "st", SimpleNamespace(**vars(st) | {"context": with_cookie(secret)}))
    again = at_link(link)
    assert [box.value for box in again.text_input] == [box.value for box in app.text_input]
    assert again.session_state["teach_classes"] == state["teach_classes"]
    assert list(again.session_state["teach_new"]) == ["shot50"]
    held = [weakref.ref(state["teach_lesson"].training), weakref.ref(state["teach_lesson"])]
    held += [weakref.ref(features) for features in state["kept_teach_features"].values()]
    healthy(button(app, "Forget all").click().run())
    assert [box.value for box in app.text_input] == ["fish", "hammer", "windmill"]
    assert not app.session_state["teach_new"]
    assert told(at_link(link), "**The pictures of this link are not here.**")
    app.run()
    gc.collect()
    alive = [ref() for ref in held if ref() is not None]
    assert alive == []


def test_a_network_of_full_width_is_not_called_small() -> None:
    """Weights that a reader trained on a folder can be of a network with all its channels."""
    ours = known_weights()[f"{MODEL}.cifar10"]
    assert what_it_knows(ours, ["cup"]).startswith(
        "A small network: channels x 0.25, and it knows 10 things only: cup."
    )
    full = replace(ours, overrides={"width": 1.0}, preprocessing=replace(ours.preprocessing, detail=None))
    assert what_it_knows(full, ["cup"]) == "It knows 10 things only: cup."
