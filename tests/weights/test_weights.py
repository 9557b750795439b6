"""The list of known weights against facts of their publishers, and where this machine keeps them."""

import csv
import hashlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from huggingface_hub import constants
from safetensors.torch import save_file

from inception import CheckpointError, create_model
from inception.weights.choice import WeightsChoice, WeightsKind
from inception.weights.known import Weights, known_weights, locate
from inception.zoo import available_weights, get_variant, names_classes
from tests import reference

TIMM = ["inception_v4.tf_in1k", "inception_resnet_v2.tf_in1k", "inception_resnet_v2.tf_ens_adv_in1k"]
# Identities of the training sets, whose classifier facenet-pytorch's files still hold.
FACENET = {"20180402-114759-vggface2": 8631, "20180408-102900-casia-webface": 10575}


published = pytest.mark.parametrize(
    "weights", [weights for weights in known_weights().values() if weights.published], ids=lambda weights: weights.tag
)


@pytest.fixture
def home(no_bundled_weights: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.setenv("INCEPTION_WEIGHTS", str(tmp_path / "weights"))
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    return tmp_path


@pytest.fixture
def pinned(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every published checkpoint is a file with an x in it."""
    for tag, weights in known_weights().items():
        if weights.published:
            monkeypatch.setitem(known_weights(), tag, replace(weights, sha256=hashlib.sha256(b"x").hexdigest()))


def put(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"x")
    return path


@published
def test_every_entry_says_all_there_is_to_know(weights: Weights) -> None:
    assert weights.title
    assert weights.licence
    assert weights.accuracy
    assert weights.source.startswith("https://")
    assert weights.repository or weights.url.startswith("https://")
    assert weights.sha256 == "" or (len(weights.sha256) == 64 and int(weights.sha256, 16))
    assert weights.input_size == get_variant(weights.variant).input_size
    if isinstance(weights.labels, str):
        with Path("assets", weights.labels).open(encoding="utf-8", newline="") as file:
            assert len(list(csv.DictReader(file))) == weights.num_classes


@published
def test_published_sizes_are_those_of_the_networks(weights: Weights) -> None:
    """float32 throughout: the file is the network's tensors, FaceNet's classifier and a header of less than 0.3 MB."""
    state = create_model(weights.variant, device="meta", **weights.network).state_dict()
    size = sum(tensor.nbytes for tensor in state.values())
    if weights.tag in FACENET:
        size += FACENET[weights.tag] * (512 + 1) * 4
    assert abs(size / 1e6 - weights.megabytes) < 0.8


def test_preprocessing_is_the_publishers() -> None:
    """timm's default_cfgs: mean and std 0.5, bicubic, crop_pct; facenet-pytorch: (x - 127.5) / 128 and no crop."""
    crops = {"inception_v4.tf_in1k": 0.875}
    for tag in TIMM:
        preprocessing = known_weights()[tag].preprocessing
        assert preprocessing.mean == preprocessing.std == 0.5 * 255
        assert preprocessing.interpolation == "bicubic"
        assert preprocessing.crop == crops.get(tag, 0.8975)
    for tag in FACENET:
        preprocessing = known_weights()[tag].preprocessing
        assert (preprocessing.mean, preprocessing.std, preprocessing.crop) == (127.5, 128, 1)


def test_overrides_belong_to_the_network(monkeypatch: pytest.MonkeyPatch) -> None:
    known = known_weights()["inception_v4.tf_in1k"]
    assert known.network == {"num_classes": 1000}
    small = Weights(**{**vars(known), "overrides": {"width": 0.25, "num_classes": 10}})
    assert small.network == {"width": 0.25, "num_classes": 10}
    assert len({known, small}) == 2, "entries can be keys"


@pytest.mark.usefixtures("pinned")
def test_faces_are_found_where_facenet_pytorch_and_torch_hub_keep_them(home: Path) -> None:
    """facenet-pytorch's get_torch_home()/checkpoints has no hub/ in it, torch.hub's folder has."""
    tag = "20180402-114759-vggface2"
    assert locate(tag) is None
    by_torch_hub = put(home / "torch/hub/checkpoints" / f"{tag}.pt")
    assert locate(tag) == by_torch_hub
    by_facenet_pytorch = put(home / "torch/checkpoints" / f"{tag}.pt")
    assert locate(tag) == by_facenet_pytorch
    assert available_weights("inception_resnet_v1") == [WeightsChoice.of(tag)]


@pytest.mark.usefixtures("pinned")
def test_our_folder_comes_first(home: Path) -> None:
    tag = "20180402-114759-vggface2"
    put(home / "torch/checkpoints" / f"{tag}.pt")
    ours = put(home / "weights" / f"{tag}.safetensors")
    assert locate(tag) == ours


@pytest.mark.usefixtures("pinned")
def test_timms_files_are_found_in_the_hubs_cache(home: Path) -> None:
    tag = "inception_v4.tf_in1k"
    folder = home / "hub/models--timm--inception_v4.tf_in1k"
    cached = put(folder / "snapshots/24edbb8/model.safetensors")
    assert locate(tag) is None, "no branch says which snapshot counts"
    put(folder / "refs/main").write_text("24edbb8")
    assert locate(tag) == cached


def test_unfinished_downloads_are_not_offered(home: Path) -> None:
    put(home / "torch/checkpoints/20180402-114759-vggface2.pt.part")
    put(home / "hub/models--timm--inception_v4.tf_in1k/blobs/model.safetensors.part")
    put(home / "weights/mine.pt.part")
    assert available_weights("inception_v4") == available_weights("inception_resnet_v1") == []


# Files that only have the name of a published checkpoint
def test_a_namesake_is_the_readers_own_file(home: Path) -> None:
    tag = "inception_v4.tf_in1k"
    theirs = home / "weights" / f"{tag}.safetensors"
    theirs.parent.mkdir()
    save_file(create_model("inception_v4", num_classes=3).state_dict(), theirs)
    assert locate(tag) is None
    assert available_weights("inception_v4") == [WeightsChoice.of(theirs)]
    assert available_weights("inception_v4")[0].kind is WeightsKind.FILE
    with pytest.raises(CheckpointError, match="is not the published one") as caught:
        create_model("inception_v4", tag)
    reference.assert_one_sentence(caught.value)


def test_the_hubs_cache_is_trusted_by_the_names_of_its_files(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It names a file by its SHA-256, so that nobody has to read 170 MB to know it."""
    monkeypatch.setattr(hashlib, "file_digest", lambda *_: 1 / 0)
    tag = "inception_v4.tf_in1k"
    folder = home / "hub/models--timm--inception_v4.tf_in1k"
    put(folder / "refs/main").write_text("24edbb8")
    snapshot = folder / "snapshots/24edbb8/model.safetensors"
    snapshot.parent.mkdir(parents=True)
    for digest, found in ((known_weights()[tag].sha256, snapshot), ("0" * 64, None)):
        snapshot.unlink(missing_ok=True)
        snapshot.symlink_to(put(folder / "blobs" / digest))
        assert locate(tag) == found


def test_a_file_is_hashed_once_for_as_long_as_it_stays(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tag, hashed, real = "20180402-114759-vggface2", [], hashlib.file_digest

    def counting(*words: Any) -> Any:
        hashed.append(words)
        return real(*words)

    monkeypatch.setattr(hashlib, "file_digest", counting)
    path = put(home / "weights" / f"{tag}.pt")
    assert locate(tag) is locate(tag) is None
    assert len(hashed) == 1
    path.write_bytes(b"another")
    assert locate(tag) is None
    assert len(hashed) == 2


def test_where_no_checksum_is_known_the_name_is_believed_and_said_to_be(home: Path) -> None:
    tags = {tag for tag, weights in known_weights().items() if weights.unverifiable}
    assert tags == {
        "inception_v3.tf_in1k",
        "inception_v3.gluon_in1k",
        "inception_resnet_v2.tf_ens_adv_in1k",
    }
    assert locate("inception_v3.tf_in1k") is None
    by_name = put(home / "weights/inception_v3.tf_in1k.safetensors")
    assert locate("inception_v3.tf_in1k") == by_name


# What is offered
def test_a_file_is_offered_for_the_networks_that_its_keys_fit(home: Path) -> None:
    folder = home / "weights"
    folder.mkdir()
    for name in ("inception_v4", "inception_resnet_v1"):
        blank = create_model(name, device="meta").half().to_empty(device="cpu")  # only keys and shapes count here
        state = blank.state_dict()
        save_file(state, folder / f"{name}.safetensors")
        torch.save({"state_dict": state}, folder / f"{name}.pt")
        expected = [WeightsChoice.of(folder / f"{name}{suffix}") for suffix in (".pt", ".safetensors")]
        assert available_weights(name) == expected
    assert available_weights("inception_resnet_v2") == available_weights("inception_v3") == []
    put(folder / "broken.pt")
    assert WeightsChoice.of(folder / "broken.pt") in available_weights("inception_v3"), "loading it says what is wrong"


def test_faces_do_not_displace_the_classifier(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """CASIA's file stands among the weights of Inception-ResNet-v1 behind the network that names classes."""
    monkeypatch.setenv("INCEPTION_WEIGHTS", str(tmp_path))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    tag = "20180408-102900-casia-webface"
    put(tmp_path / f"{tag}.pt")
    known = known_weights()[tag]
    monkeypatch.setitem(known_weights(), tag, replace(known, sha256=hashlib.sha256(b"x").hexdigest()))
    offered = available_weights("inception_resnet_v1")
    assert offered == [WeightsChoice.of("inception_resnet_v1.cifar10"), WeightsChoice.of(tag)]
    assert [names_classes("inception_resnet_v1", choice) for choice in offered] == [True, False]
