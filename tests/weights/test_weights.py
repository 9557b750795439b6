"""The list of known weights against facts of their publishers, and where this machine keeps them."""

import csv
from pathlib import Path

import pytest
from huggingface_hub import constants

from inception import create_model
from inception.weights.choice import WeightsChoice, available_weights
from inception.weights.known import Weights, known_weights, locate
from inception.zoo import get_variant

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


def test_faces_are_found_where_facenet_pytorch_and_torch_hub_keep_them(home: Path) -> None:
    """facenet-pytorch's get_torch_home()/checkpoints has no hub/ in it, torch.hub's folder has."""
    tag = "20180402-114759-vggface2"
    assert locate(tag) is None
    by_torch_hub = put(home / "torch/hub/checkpoints" / f"{tag}.pt")
    assert locate(tag) == by_torch_hub
    by_facenet_pytorch = put(home / "torch/checkpoints" / f"{tag}.pt")
    assert locate(tag) == by_facenet_pytorch
    assert available_weights("inception_resnet_v1") == [WeightsChoice.of(tag)]


def test_our_folder_comes_first(home: Path) -> None:
    tag = "20180402-114759-vggface2"
    put(home / "torch/checkpoints" / f"{tag}.pt")
    ours = put(home / "weights" / f"{tag}.safetensors")
    assert locate(tag) == ours


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
