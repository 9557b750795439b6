"""A choice of weights: made once from text, and everything that is known of it in one place."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

import inception
from inception.runtime.predictor import Predictor
from inception.weights.choice import UNTRAINED, AnyWeights, WeightsChoice, WeightsKind
from inception.weights.known import known_weights

PUBLISHED, BUNDLED = "inception_v4.tf_in1k", "inception_v4.cifar10"


@pytest.mark.parametrize(
    ("given", "kind", "title", "label", "num_classes"),
    [
        (None, WeightsKind.UNTRAINED, "untrained", "untrained", 0),
        ("untrained", WeightsKind.UNTRAINED, "untrained", "untrained", 0),
        (PUBLISHED, WeightsKind.PUBLISHED, "ImageNet-1k (TF-Slim, by way of timm)", PUBLISHED, 1000),
        (BUNDLED, WeightsKind.BUNDLED, "CIFAR-10, ten classes", BUNDLED, 10),
        ("20180402-114759-vggface2", WeightsKind.PUBLISHED, "VGGFace2 faces (facenet-pytorch)", None, 0),
        ("somewhere/mine.pt", WeightsKind.FILE, "mine.pt", "mine.pt", 0),
        (Path(BUNDLED), WeightsKind.FILE, BUNDLED, BUNDLED, 0),
        (Path("untrained"), WeightsKind.FILE, "untrained", "untrained", 0),
    ],
)
def test_what_people_write(
    given: AnyWeights, kind: WeightsKind, title: str, label: str | None, num_classes: int
) -> None:
    choice = WeightsChoice.of(given)
    assert (choice.kind, choice.title, choice.num_classes) == (kind, title, num_classes)
    assert choice.label == (label or given)
    assert WeightsChoice.of(choice) is choice
    assert choice.trained == (kind is not WeightsKind.UNTRAINED)
    assert choice.given == (str(given) if choice.trained else None)
    assert hash(choice) == hash(WeightsChoice.of(given))


def test_known_checkpoints_have_their_row_and_files_what_they_say(tmp_path: Path) -> None:
    assert WeightsChoice.of(PUBLISHED).known is known_weights()[PUBLISHED]
    assert UNTRAINED.known is None
    assert UNTRAINED.path is None
    path = tmp_path / "mine.safetensors"
    choice = WeightsChoice.of(str(path))
    assert choice.known is None, "there is no file"
    weights = replace(known_weights()[BUNDLED], tag="mine", megabytes=1)
    save_file({"a": torch.zeros(1)}, path, weights.metadata)
    assert choice.known == weights
    assert (choice.num_classes, choice.path) == (10, path)
    save_file({"a": torch.zeros(1)}, path, {**weights.metadata, "width": "wide"})
    assert choice.num_classes == 0, "loading it says what is wrong"
    with pytest.raises(inception.CheckpointError, match="damaged"):
        _ = choice.known


def test_a_known_checkpoint_that_is_not_here_says_where_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INCEPTION_WEIGHTS", str(tmp_path))
    monkeypatch.setattr("huggingface_hub.try_to_load_from_cache", lambda *_: None)
    with pytest.raises(inception.CheckpointError, match=r"^inception_v4\.tf_in1k: not on this machine; get it from ht"):
        _ = WeightsChoice.of(PUBLISHED).path


def test_no_two_uploads_are_the_same(tmp_path: Path) -> None:
    one, other = (WeightsChoice.upload("my own.pt", tmp_path / folder / "my_own.pt") for folder in "ab")
    assert one != other
    assert (one.kind, one.title, one.label) == (WeightsKind.UPLOAD, "my_own.pt", "your file: my own.pt")


@pytest.mark.slow
def test_the_library_takes_all_of_them(tmp_path: Path) -> None:
    path = tmp_path / "mine.safetensors"
    state = inception.create_model("inception_resnet_v1").state_dict()
    save_file(state, path)
    given: list[AnyWeights] = [str(path), path, WeightsChoice.of(path), WeightsChoice.upload("my own.pt", path)]
    for weights in given:
        network = Predictor("inception_resnet_v1", weights)
        assert network.trained
        assert network.weights == WeightsChoice.of(weights)
        built = inception.create_model("inception_resnet_v1", weights).state_dict()
        assert all(torch.equal(built[key], state[key]) for key in state)
