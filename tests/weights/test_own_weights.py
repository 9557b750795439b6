"""The checkpoints that come with the project: small, described in full, and as good as their files say."""

import csv
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image, ImageDraw, ImageFont
from safetensors import safe_open

from inception.paths import BUNDLED
from inception.runtime.predictor import Predictor
from inception.vision.photographs import OTHER, answers, hits, labelled
from inception.weights.choice import WeightsChoice
from inception.weights.known import known_weights
from inception.zoo import available_weights

OWN = sorted(tag for tag, weights in known_weights().items() if not weights.published)
NETWORKS = {"inception_v4", "inception_resnet_v1", "inception_resnet_v2"}
SAID = ("variant", "width", "classes", "preprocessing", "data", "epochs", "seed", "test_accuracy", "licence")

LEAST = 0.90

each = pytest.mark.parametrize("tag", OWN)


def test_there_is_one_for_each_of_the_three_networks() -> None:
    assert {known_weights()[tag].variant for tag in OWN} == NETWORKS
    assert all(WeightsChoice.of(tag) in available_weights(known_weights()[tag].variant) for tag in OWN)


@each
def test_the_file_is_small_and_says_what_it_is(tag: str) -> None:
    path = BUNDLED / f"{tag}.safetensors"
    assert path.stat().st_size <= 8e6
    with safe_open(path, "pt") as file:
        metadata = file.metadata()
    assert all(metadata[key] for key in SAID)
    assert metadata["width"] == "0.25"
    assert float(metadata["test_accuracy"]) >= LEAST


@each
def test_the_files_beside_it_tell_the_same(tag: str) -> None:
    facts = known_weights()[tag].training
    confusion = pd.read_csv(BUNDLED / f"{tag}.confusion.csv", index_col="class")
    assert confusion.sum(axis=1).tolist() == [1000] * 10, "CIFAR-10 has 1,000 test pictures of each class"
    right = sum(confusion.loc[label, label] for label in confusion.index)
    assert right / 10_000 == pytest.approx(float(facts["test_accuracy"]), abs=1e-9)
    with (BUNDLED / f"{tag}.log.csv").open(encoding="utf-8", newline="") as lines:
        log = list(csv.DictReader(lines))
    assert len(log) == int(facts["epochs"])
    held_out = float(log[-1]["held_out_accuracy"])
    assert abs(held_out - float(facts["test_accuracy"])) < 0.03, "the log is that of this network"
    card = (BUNDLED / f"{tag}.md").read_text(encoding="utf-8")
    assert f"{float(facts['test_accuracy']):.2%}" in card
    assert known_weights()[tag].licence in card
    tests = pd.read_csv(BUNDLED / f"{tag}.tests.csv")
    last = tests.iloc[-1]
    assert (last["epochs"], last["test_accuracy"]) == (len(log), float(facts["test_accuracy"]))
    assert f"`{last['command']}`" in card
    assert all(f"{row.test_accuracy:.2%} after {row.epochs} epochs" in card for row in tests.iloc[:-1].itertuples())


@each
def test_photographs_are_answered_as_the_file_says(tag: str) -> None:
    said = pd.read_csv(BUNDLED / f"{tag}.photographs.csv").astype({"rank": "Int64"})
    found = answers(Predictor(known_weights()[tag].variant, tag))
    assert said["file"].tolist() == found["file"].tolist()
    assert len(found) == len(labelled())
    # Another processor rounds otherwise, which can turn a close call round.
    assert (said["answer"] == found["answer"]).mean() >= 0.95
    assert (said["none"] == found["none"]).mean() >= 0.95
    assert (said["probability"] - found["probability"]).abs().median() < 0.01
    shares = hits(found)
    assert shares.top_1 >= 0.5, "chance is 0.1"
    assert shares.top_3 >= shares.top_1
    assert shares.others_refused > shares.known_refused
    cats = found[found["label"] == "cat"]
    assert (cats["answer"] == "cat").mean() > 0.5, "who uploads a cat first will more likely than not read cat"


def noise() -> Image.Image:
    return Image.fromarray(np.random.default_rng(0).integers(0, 256, (480, 640, 3), dtype=np.uint8))


def checkerboard() -> Image.Image:
    fields = np.add.outer(np.arange(480) // 40, np.arange(640) // 40) % 2
    return Image.fromarray((255 * fields).astype(np.uint8)).convert("RGB")


def plain() -> Image.Image:
    return Image.new("RGB", (640, 480), (60, 120, 220))


def page_of_text() -> Image.Image:
    image = Image.new("RGB", (800, 1000), "white")
    draw, font = ImageDraw.Draw(image), ImageFont.load_default(18)
    for y in range(60, 940, 26):
        draw.text((60, y), "Pack my box with five dozen liquor jugs, and then take it to the door.", "black", font)
    return image


def bar_chart() -> Image.Image:
    image = Image.new("RGB", (640, 480), "white")
    draw = ImageDraw.Draw(image)
    for left, height in ((60, 100), (170, 300), (280, 220), (390, 400), (500, 150)):
        draw.rectangle((left, 460 - height, left + 80, 460), "steelblue")
    draw.line((40, 20, 40, 460, 620, 460), "black", 3)
    return image


@pytest.mark.parametrize("picture", [noise, checkerboard, plain, page_of_text, bar_chart])
@each
def test_what_is_no_photograph_is_none_of_the_ten(tag: str, picture: Callable[[], Image.Image]) -> None:
    network = Predictor(known_weights()[tag].variant, tag)
    size = known_weights()[tag].input_size
    classes = network.classify(network.prepare(picture(), (size, size)))
    assert network.is_none(classes)
    assert classes["probability"].max() < 0.5


def test_shares_by_hand() -> None:
    table = pd.DataFrame(
        {
            "label": ["cat", "dog", "ship", OTHER, OTHER],
            "rank": pd.array([1, 3, 8, None, None], dtype="Int64"),
            "none": [False, False, True, True, False],
        }
    )
    found = hits(table)
    assert (found.known, found.others) == (3, 2)
    assert found.top_1 == pytest.approx(1 / 3)
    assert found.top_3 == pytest.approx(2 / 3)
    assert found.known_refused == pytest.approx(1 / 3)
    assert found.others_refused == pytest.approx(1 / 2)


def test_paths_are_the_photographs() -> None:
    assert all(path.is_file() for path in labelled())
    assert all(label == OTHER or Path(path).parent.name == label for path, label in labelled().items())
