"""The samples on Live inference: a bundled network opens on what it knows, and says so of what it does not know."""

import pandas as pd
import pytest
import streamlit as st
from PIL import Image
from streamlit.testing.v1 import AppTest

from inception import words
from inception.runtime import predictor
from inception.vision.none_of_them import others_table, refusals, wrong_refusals
from inception.vision.samples import samples
from inception.weights.choice import WeightsChoice
from inception.weights.known import known_weights

from .conftest import ROOT, open_at

BUNDLED = sorted(tag for tag, weights in known_weights().items() if not weights.published)


def live(app: AppTest, **address: str) -> AppTest:
    open_at(app, "live", **address)
    assert not app.exception, [error.message for error in app.exception]
    return app


@pytest.mark.parametrize("tag", BUNDLED)
def test_a_bundled_network_opens_on_a_picture_that_it_gets_right(app: AppTest, tag: str) -> None:
    live(app, model=known_weights()[tag].variant)
    weights: object = next(box.value for box in app.selectbox if box.label == "Weights")
    assert isinstance(weights, WeightsChoice)
    assert weights.name == tag
    picture = app.selectbox(key="picture").value
    assert isinstance(picture, str)
    assert app.subheader[0].value.startswith(f"{samples()[picture].shows}, ")
    assert not any("None of the" in info.value for info in app.info)


def test_what_one_network_is_sure_of_the_others_may_not_know(app: AppTest) -> None:
    live(app, picture="astronaut")
    assert any("At least one of the networks" in info.value for info in app.info)


def test_each_network_is_asked_once_for_a_picture(app: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    """The three that come with the app; about a sample once for all sessions."""
    asked = []
    classify = predictor.Predictor.classify

    def counted(self: predictor.Predictor, prepared: Image.Image) -> pd.DataFrame:
        asked.append(self.name)
        return classify(self, prepared)

    monkeypatch.setattr(predictor.Predictor, "classify", counted)
    st.cache_data.clear()
    for session in (AppTest.from_file(str(ROOT / "app.py"), default_timeout=120), app):
        live(session)
    assert len(asked) == len(set(asked)) == 3
    uploader = next(box for box in app.file_uploader if box.label == "Your pictures")
    uploader.set_value(("macaw.jpg", samples()["macaw"].path.read_bytes(), "image/jpeg"))
    app.run().run()
    assert len(asked) == 6


def test_old_and_new_links_open(app: AppTest) -> None:
    live(app, picture="koala")
    assert app.selectbox(key="picture").value == "koala"
    assert any("None of the 10, it seems" in info.value for info in app.info)
    assert any("None of the ten things" in caption.value for caption in app.caption)
    app.selectbox(key="picture").set_value("macaw").run()
    assert any("a hard one" in caption.value for caption in app.caption)


@pytest.mark.parametrize(("address", "name"), [("red panda", "red_panda"), ("garbage truck", "garbage_truck")])
def test_names_of_two_words_open_too(app: AppTest, address: str, name: str) -> None:
    live(app, picture=address)
    assert app.selectbox(key="picture").value == name


def test_how_often_other_things_are_noticed_is_said_once_and_the_same(app: AppTest) -> None:
    live(app)
    table = others_table()
    noticed, wrong = refusals(table, "together"), wrong_refusals(table, "together")
    low, high = noticed.interval
    said = next(text.value for text in app.markdown if "photographs of other things" in text.value)
    assert f"Of {noticed.pictures} photographs of other things, {noticed.share:.0%} were noticed" in said
    assert f"{low:.0%} to {high:.0%}" in said
    assert f"{wrong.share:.0%} of {wrong.pictures}" in said
    metric = next(metric for metric in app.metric if "other things" in metric.label)
    assert (metric.label, metric.value) == (f"“None”, of {noticed.pictures} other things", f"{noticed.share:.0%}")


def test_the_way_to_the_full_weights_stands_beside_why_the_network_is_small(app: AppTest) -> None:
    live(app)
    assert "A small network, and the full one" in [heading.value for heading in app.subheader]
    assert f"Download {known_weights()['inception_v4.tf_in1k'].megabytes} MB" in [button.label for button in app.button]
    app.selectbox(key="model").set_value("inception_resnet_v1").run()
    assert any("No weights of the full network that name things" in caption.value for caption in app.caption)


def test_nothing_was_measured_at_another_size(app: AppTest) -> None:
    live(app, size="96")
    assert not any("photographs of other things" in text.value for text in app.markdown)


def test_links_and_choices_outlive_the_language(app: AppTest) -> None:
    app.query_params["lang"] = "zh_CN"
    with words.speaking("zh_CN"):  # AppTest finds chosen options by their texts, outside of the session
        live(app, model="inception_v4", picture="red panda")
    picture = app.selectbox(key="picture")
    assert picture.value == "red_panda", "a link from an English session"
    assert "小熊猫" in picture.options
    assert "棕色青蛙" in picture.options
    shown = [caption.value for caption in app.caption if "飞机、汽车、鸟、猫" in caption.value]
    assert len(shown) == 1, "the ten classes are named in Chinese"
    with words.speaking("zh_CN"):
        app.selectbox(key="lang").set_value("en").run()
    assert not app.exception
    assert app.selectbox(key="picture").value == "red_panda"
    assert "red panda" in app.selectbox(key="picture").options
