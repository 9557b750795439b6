"""A fresh machine without a network: the app names what a picture shows, and says what it cannot know."""

import re
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from inception.paths import BUNDLED
from inception.weights.choice import UNTRAINED, WeightsChoice
from inception.weights.known import known_weights

from .conftest import open_at

TAG = re.compile(r'<span class="tip".*?</span>|<[^>]+>')  # of terms that explain themselves
ROOT = Path(__file__).parents[2]
PHOTOGRAPHS = ROOT / "assets" / "photographs"
NETWORKS = [weights.variant for weights in known_weights().values() if not weights.published]


def latest(app: AppTest, name: str) -> Any:
    """What the session keeps under a name, of the key that was asked for last."""
    return list(app.session_state[f"kept_{name}"].values())[-1]


def open_live(app: AppTest, model: str | None, photograph: str) -> AppTest:
    """model: None for the one that the app opens on."""
    open_at(app, "live", **({"model": model} if model else {}))
    picture = next(widget for widget in app.file_uploader if widget.label != "Weights file")
    path = PHOTOGRAPHS / photograph
    picture.set_value((path.name, path.read_bytes(), "image/jpeg")).run()
    assert not app.exception, [error.message for error in app.exception]
    return app


@pytest.mark.parametrize("model", NETWORKS)
def test_the_page_opens_on_a_cat_that_it_calls_a_cat(app: AppTest, model: str) -> None:
    open_at(app, "live", model=model)
    assert next(box for box in app.selectbox if box.label == "Picture").value == "cat"
    name, _comma, probability = app.subheader[0].value.partition(", ")
    assert name == "cat"
    assert float(probability.removesuffix("%")) > 80
    assert not any("None of the 10" in info.value for info in app.info)


@pytest.mark.parametrize("model", NETWORKS)
def test_something_in_the_picture_speaks_for_the_cat(app: AppTest, model: str) -> None:
    """At the layer that the page opens on the map is not empty."""
    open_at(app, "looks", model=model)
    assert not app.exception, [error.message for error in app.exception]
    assert latest(app, "attribution").values.max() > 0.1
    assert not any(markdown.value.startswith("Nothing that") for markdown in app.markdown)


@pytest.mark.parametrize(
    ("model", "photograph"),
    [
        (None, "cat/kitten.jpg"),
        ("inception_resnet_v1", "cat/kitten.jpg"),
        ("inception_resnet_v2", "cat/kitten.jpg"),
        ("inception_resnet_v1", "cat/tabby.jpg"),
        ("inception_resnet_v2", "cat/tabby.jpg"),
    ],
)
def test_an_uploaded_cat_is_a_cat_from_the_first_minute(app: AppTest, model: str | None, photograph: str) -> None:
    """Inception-v4 does not know the tabby, which lies upside down."""
    open_live(app, model, photograph)
    table = latest(app, "classes")
    assert table["label"].iloc[0] == "cat"
    assert table["probability"].sum() == pytest.approx(1)
    assert app.subheader[0].value == f"cat, {table['probability'].iloc[0]:.1%}"
    assert not any("random" in warning.value for warning in app.warning)
    assert any("32-pixel pictures" in caption.value for caption in app.caption)


@pytest.mark.parametrize("model", NETWORKS)
def test_what_is_none_of_the_ten_is_said_to_be(app: AppTest, model: str) -> None:
    answers = pd.read_csv(BUNDLED / f"{model}.cifar10.photographs.csv")
    open_live(app, model, answers[(answers["label"] == "other") & answers["none"]]["file"].iloc[0])
    assert any("None of the 10" in info.value for info in app.info)


@pytest.mark.parametrize("model", NETWORKS)
def test_how_far_to_trust_it(app: AppTest, model: str) -> None:
    """The figures are those of the file and of the data beside it."""
    open_live(app, model, "airplane/sea_fury.jpg")
    facts = known_weights()[f"{model}.cifar10"].training
    shown = {metric.label: metric.value for metric in app.metric}
    assert shown["Right, of CIFAR-10's test pictures"] == f"{float(facts['test_accuracy']):.2%}"
    assert shown["Calibration error"] == f"{float(facts['expected_calibration_error']):.1%}"
    answers = pd.read_csv(BUNDLED / f"{model}.cifar10.photographs.csv")
    sources = pd.read_csv(PHOTOGRAPHS / "photographs.csv").set_index("file")["source"]
    known = answers[answers["label"] != "other"]
    cut = [any(words in sources[file] for words in ("cropped to the object", "cut-out")) for file in known["file"]]
    rest = (known["rank"] == 1)[[not one for one in cut]]
    assert any(
        f"{sum(cut)} of them were cropped" in text.value and f"for {rest.mean():.0%} of the ones left" in text.value
        for text in app.markdown
    )
    assert any(f"seed {facts['seed']}" in TAG.sub("", caption.value) for caption in app.caption)
    assert (BUNDLED / f"{model}.cifar10.md").is_file()


def test_faces_do_not_offer_a_network_of_classes(app: AppTest) -> None:
    open_at(app, "faces", model="inception_resnet_v1")
    assert not app.exception, [error.message for error in app.exception]
    weights = next(box for box in app.selectbox if box.label == "Weights")
    assert weights.value == UNTRAINED
    assert not any("CIFAR" in option for option in weights.options)


@pytest.mark.parametrize("model", [name for name in NETWORKS if "resnet" in name])
def test_the_residual_scale_is_shown_at_the_size_of_training(app: AppTest, model: str) -> None:
    open_at(app, "residual_scale", model=model)
    assert not app.exception, [error.message for error in app.exception]
    side = known_weights()[f"{model}.cifar10"].input_size
    assert any(f"at {side}x{side} px. Spread" in caption.value for caption in app.caption)


def test_a_file_of_the_same_name_does_not_get_the_figures_of_ours(app: AppTest, tmp_path: Path) -> None:
    model = "inception_resnet_v1"
    (tmp_path / "weights").mkdir()
    theirs = tmp_path / "weights" / f"{model}.cifar10.safetensors"
    theirs.write_bytes((BUNDLED / theirs.name).read_bytes())
    open_live(app, model, "airplane/sea_fury.jpg")
    assert any(metric.label == "Calibration error" for metric in app.metric)
    next(box for box in app.selectbox if box.label == "Weights").set_value(WeightsChoice.of(theirs)).run()
    assert not app.exception, [error.message for error in app.exception]
    assert not any(metric.label == "Calibration error" for metric in app.metric)
