"""Weights files that say what they are: read back as written, and not believed when it cannot be."""

import json
import math
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from PIL import Image
from safetensors import safe_open
from safetensors.torch import save_file

import inception
from inception.paths import BUNDLED
from inception.runtime.predictor import Predictor
from inception.weights.choice import WeightsChoice
from inception.weights.known import Weights, described
from inception.weights.preprocessing import Preprocessing
from inception.zoo import available_weights, check_weights

SMALL = {"width": 0.0625, "repeats": (1, 1, 1)}
WEIGHTS = Weights(
    tag="mine",
    variant="inception_resnet_v1",
    title="Three things",
    source="https://example.org",
    licence="CC0-1.0",
    accuracy="90 %",
    num_classes=3,
    labels=("cat", "dog", "tea, hot"),
    preprocessing=Preprocessing(mean=100.0, std=50.0, crop=0.9, interpolation="bilinear", detail=32),
    input_size=80,
    megabytes=1,
    overrides=SMALL,
    temperature=0.5,
    threshold=1.25,
    training={"seed": "7", "data": "none"},
)


def write(path: Path, weights: Weights = WEIGHTS, **metadata: str) -> Path:
    torch.manual_seed(0)
    state = inception.create_model(weights.variant, **weights.network).state_dict()
    save_file(state, path, {**weights.metadata, **metadata})
    return path


def test_what_was_written_is_read(tmp_path: Path) -> None:
    assert described(write(tmp_path / "mine.safetensors")) == WEIGHTS


@pytest.mark.parametrize(
    "preprocessing",
    [
        WEIGHTS.preprocessing,
        Preprocessing(mean=127.5, std=128, crop=1, interpolation="lanczos"),
        Preprocessing(mean=(1, 2.5, 3.0), std=(4, 5.5, 6.0), crop=0.5, interpolation="bicubic", detail=7),
    ],
)
def test_what_was_read_is_written_as_it_was(tmp_path: Path, preprocessing: Preprocessing) -> None:
    """Byte by byte, with whole numbers whole; without a threshold too, which JSON has no number for."""
    weights = replace(WEIGHTS, preprocessing=preprocessing, threshold=-math.inf, temperature=2, input_size=80)
    path = tmp_path / "mine.safetensors"
    save_file({"a": torch.zeros(1)}, path, weights.metadata)
    read = described(path)
    assert read == weights
    assert read.metadata == weights.metadata


def test_the_bundled_files_are_read_and_written_alike() -> None:
    for path in BUNDLED.glob("*.safetensors"):
        with safe_open(path, "pt") as file:
            metadata = file.metadata()
        weights = described(path)
        assert weights is not None
        assert weights.metadata == metadata


def test_the_file_alone_builds_the_network(tmp_path: Path) -> None:
    path = write(tmp_path / "mine.safetensors")
    check_weights("inception_resnet_v1", path)
    model = inception.create_model("inception_resnet_v1", weights=str(path))
    with torch.inference_mode():
        assert model(torch.zeros(1, 3, 80, 80)).shape == (1, 3)


def test_a_network_answers_as_its_file_says(tmp_path: Path) -> None:
    network = Predictor("inception_resnet_v1", str(write(tmp_path / "mine.safetensors")))
    assert not network.embeds, "this version of FaceNet's network tells classes apart"
    prepared = network.prepare(Image.effect_noise((90, 120), 60).convert("RGB"), (80, 80))
    table = network.classify(prepared)
    logits = network.outputs([prepared])[0].astype(float)
    assert set(table["label"]) == {"cat", "dog", "tea, hot"}
    by_index = table.set_index("index").loc[[0, 1, 2]]
    expected = torch.softmax(torch.tensor(logits) / 0.5, 0).numpy()
    assert by_index["probability"].to_numpy() == pytest.approx(expected, abs=1e-9)
    assert network.is_none(table) == (torch.logsumexp(torch.tensor(logits) / 0.5, 0).item() < 1.25)
    network.threshold = -1e9
    assert not network.is_none(table)
    network.threshold = 1e9
    assert network.is_none(table)


def test_files_of_others_say_nothing(tmp_path: Path) -> None:
    path = tmp_path / "plain.safetensors"
    save_file({"a": torch.zeros(1)}, path)
    assert described(path) is None
    path.write_bytes(b"no safetensors at all")
    assert described(path) is None
    assert described(tmp_path / "absent") is None


def test_it_is_offered_for_its_own_network_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INCEPTION_WEIGHTS", str(tmp_path))
    path = write(tmp_path / "mine.safetensors")
    assert WeightsChoice.of(path) in available_weights("inception_resnet_v1")
    assert WeightsChoice.of(path) not in available_weights("inception_v4")
    like_ours = write(tmp_path / "inception_resnet_v1.cifar10.safetensors")
    assert {WeightsChoice.of(like_ours), WeightsChoice.of(like_ours.stem)} <= set(
        available_weights("inception_resnet_v1")
    ), "neither hides the other"
    with pytest.raises(
        inception.CheckpointError, match=r"mine: these are weights of inception_resnet_v1, not of inception_v4"
    ):
        inception.create_model("inception_v4", weights=str(path))


LIES = {
    "not JSON": {"classes": "{"},
    "classes that are no names": {"classes": "[1, 2, 3]"},
    "no class": {"classes": "[]"},
    "a million classes": {"classes": json.dumps(["x"] * 1_000_000)},
    "deep JSON": {"classes": "[" * 100_000},
    "a width beyond memory": {"width": "1e9"},
    "a width of nothing": {"width": "0"},
    "no number": {"width": "NaN"},
    "blocks without end": {"repeats": "[1000000000, 1, 1]"},
    "two counts": {"repeats": "[1, 1]"},
    "half a block": {"repeats": "[0.5, 1, 1]"},
    "a size of text": {"input_size": '"big"'},
    "a huge size": {"input_size": "1e300"},
    "a crop of nothing": {"preprocessing": json.dumps({"mean": 0, "std": 1, "crop": 0, "interpolation": "bicubic"})},
    "a spread of nothing": {"preprocessing": json.dumps({"mean": 0, "std": 0, "crop": 1, "interpolation": "bicubic"})},
    "another filter": {"preprocessing": json.dumps({"mean": 0, "std": 1, "crop": 1, "interpolation": "magic"})},
    "another field": {"preprocessing": json.dumps({"mean": 0, "sd": 1})},
    "a field too many": {
        "preprocessing": json.dumps({"mean": 0, "std": 1, "crop": 1, "interpolation": "bicubic", "more": 1})
    },
    "an endless mean": {
        "preprocessing": json.dumps({"mean": math.inf, "std": 1, "crop": 1, "interpolation": "bicubic"})
    },
    "means of two colours": {
        "preprocessing": json.dumps({"mean": [1, 2], "std": 1, "crop": 1, "interpolation": "bicubic"})
    },
    "a colour without spread": {
        "preprocessing": json.dumps({"mean": 0, "std": [1, 0, 1], "crop": 1, "interpolation": "bicubic"})
    },
    "no threshold": {"threshold": "NaN"},
    "no temperature": {"temperature": "0"},
    "an endless temperature": {"temperature": "Infinity"},
}


@pytest.mark.parametrize("metadata", LIES.values(), ids=LIES)
def test_what_cannot_be_is_one_sentence(tmp_path: Path, metadata: dict[str, str]) -> None:
    path = write(tmp_path / "liar.safetensors", WEIGHTS, **metadata)
    for load in (
        lambda: check_weights("inception_resnet_v1", path),
        lambda: Predictor("inception_resnet_v1", str(path)),
    ):
        with pytest.raises(
            inception.CheckpointError, match=r"^liar\.safetensors: what it says of itself is damaged\.$"
        ):
            load()


def test_classes_that_are_not_in_the_file_do_not_fit(tmp_path: Path) -> None:
    path = write(tmp_path / "liar.safetensors", classes='["a", "b", "c", "d"]')
    with pytest.raises(inception.CheckpointError, match="has shape"):
        inception.create_model("inception_resnet_v1", weights=str(path))


def test_an_absent_entry_is_damage(tmp_path: Path) -> None:
    path = tmp_path / "short.safetensors"
    save_file({"a": torch.zeros(1)}, path, {"variant": "inception_v4"})
    with pytest.raises(inception.CheckpointError, match="damaged"):
        described(path)


def test_overrides_of_the_caller_come_first(tmp_path: Path) -> None:
    path = write(tmp_path / "mine.safetensors", replace(WEIGHTS, overrides={"width": 0.0625}))
    with pytest.raises(inception.CheckpointError):
        inception.create_model("inception_resnet_v1", weights=str(path), repeats=(1, 1, 1))
