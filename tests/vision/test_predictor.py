"""Predictor, preprocessing and maps: what goes in, what comes out, and that sessions do not mix."""

import threading
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file

import inception
from inception.models.weights import FACENET, TIMM_V4, available_weights, locate
from inception.vision.maps import map_image, strongest_channels
from inception.vision.predictor import Predictor, class_labels
from inception.vision.preprocess import crop_and_resize, to_input

SIZE = (75, 75)


@pytest.fixture(scope="module")
def predictor() -> Predictor:
    return Predictor("inception_resnet_v1")


def picture(seed: int = 0) -> Image.Image:
    pixels = np.random.default_rng(seed).integers(0, 256, (90, 120, 3), dtype=np.uint8)
    return Image.fromarray(pixels)


def test_white_and_black_are_one_and_minus_one() -> None:
    assert to_input(Image.new("RGB", (4, 3), "white"), TIMM_V4).unique().tolist() == [1.0]
    black = to_input(Image.new("RGB", (4, 3)), TIMM_V4)
    assert black.unique().tolist() == [-1.0]
    assert black.shape == (1, 3, 3, 4)
    # facenet-pytorch: (value - 127.5) / 128
    assert to_input(Image.new("RGB", (1, 1), "white"), FACENET).max().item() == pytest.approx(127.5 / 128)


def test_crop_keeps_the_centre_undistorted() -> None:
    """timm scales the short side to size / 0.875 and cuts out the centre: 87.5 % of the short side is left."""
    wide = Image.new("RGB", (1600, 800), "black")
    wide.paste("white", (800 - 350, 50, 800 + 350, 750))
    assert np.asarray(crop_and_resize(wide, (70, 70), TIMM_V4))[1:-1, 1:-1].min() == 255
    wide.paste("red", (0, 0, 440, 800))
    assert np.asarray(crop_and_resize(wide, (70, 70), TIMM_V4))[1:-1, 1:-1].min() == 255


@pytest.mark.parametrize("size", [(5000, 1), (1, 5000), (1, 1), (299, 299)])
def test_any_shape_becomes_the_networks(size: tuple[int, int]) -> None:
    assert crop_and_resize(Image.new("RGB", size), (350, 400), TIMM_V4).size == (400, 350)


def test_activations_have_the_traced_shapes(predictor: Predictor) -> None:
    graph = inception.trace("inception_resnet_v1", SIZE)
    prepared = predictor.prepare(picture(), SIZE)
    paths = ["stem.Conv2d_1a_3x3", "stem.MaxPool_3a_3x3", "inception_resnet_a.Block35_1.concat", "head.Bottleneck"]
    for path in [*paths, "inception_resnet_a.Block35_1.residual_sum", "inception_resnet_c.Block8.residual_sum"]:
        layer = graph.layer_at(path)
        assert layer is not None
        activations = predictor.activations(prepared, layer)
        assert activations.shape == layer.out_shape
        if path.endswith("Block35_1.residual_sum"):
            assert activations.min() == 0, "the ReLU belongs to the sum"
        if path.endswith("Block8.residual_sum"):
            assert activations.min() < 0, "the last block has no ReLU"


def test_untrained_weights_are_the_same_for_everyone(predictor: Predictor) -> None:
    torch.manual_seed(5)
    before = torch.get_rng_state()
    again = Predictor("inception_resnet_v1")
    assert torch.equal(torch.get_rng_state(), before), "building a network must not disturb other random numbers"
    first, second = predictor.model.state_dict(), again.model.state_dict()
    assert all(torch.equal(first[key], second[key]) for key in first)
    assert not again.trained


def test_sessions_do_not_see_each_others_pictures(predictor: Predictor) -> None:
    layer = inception.trace("inception_resnet_v1", SIZE).layers[5]
    prepared = [predictor.prepare(picture(seed), SIZE) for seed in range(4)]
    alone = [predictor.activations(image, layer) for image in prepared]
    together: dict[int, np.ndarray] = {}
    threads = [
        threading.Thread(target=lambda i=i: together.update({i: predictor.activations(prepared[i], layer)}))
        for i in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(np.array_equal(together[i], alone[i]) for i in range(4))


def test_classes_of_a_file(tmp_path: Path) -> None:
    """A classifier that looks at its bias alone: probabilities are the softmax of the bias, under ImageNet's names."""
    state = inception.create_model("inception_v4", dtype=torch.float16).state_dict()
    state["head.Logits.Logits.weight"].zero_()
    state["head.Logits.Logits.bias"].zero_()[281] = 10
    path = tmp_path / "mine.safetensors"
    save_file(state, path)
    predictor = Predictor("inception_v4", str(path))
    table = predictor.classify(predictor.prepare(picture(), SIZE))
    assert predictor.trained
    assert len(table) == 1000
    assert table["index"][0] == 281
    assert "tabby" in table["label"][0]
    assert table["probability"][0] == pytest.approx(np.exp(10) / (np.exp(10) + 999))
    assert table["probability"].sum() == pytest.approx(1)


def test_ten_classes_have_numbers_for_names() -> None:
    assert class_labels(10)[3] == "class 3"


def test_files_in_the_weights_folder_are_offered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INCEPTION_WEIGHTS", str(tmp_path))
    (tmp_path / "inception_v4.tf_in1k.safetensors").write_bytes(b"x")
    (tmp_path / "mine.pt").write_bytes(b"x")
    (tmp_path / "notes.txt").write_bytes(b"x")
    assert available_weights("inception_v4") == ["inception_v4.tf_in1k", str(tmp_path / "mine.pt")]
    assert locate("inception_v4.tf_in1k") == tmp_path / "inception_v4.tf_in1k.safetensors"
    with pytest.raises(inception.CheckpointError, match="not a checkpoint"):
        Predictor("inception_v4", "inception_v4.tf_in1k")


def test_known_weights_that_are_not_here_are_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INCEPTION_WEIGHTS", str(tmp_path))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    with pytest.raises(inception.CheckpointError, match=r"20180402-114759-vggface2: not on this machine; get it from"):
        inception.create_model("inception_resnet_v1", weights="20180402-114759-vggface2")


def test_strongest_channels_come_first() -> None:
    activations = np.zeros((3, 2, 2), dtype=np.float32)
    activations[2] += 5
    activations[1, 0, 0] = 4
    assert strongest_channels(activations, 2) == [2, 1]


def test_map_is_dark_at_its_least_and_bright_at_its_most() -> None:
    image = np.asarray(map_image(np.array([[0.0, 1.0], [0.5, 0.5]], dtype=np.float32), 64)).astype(int)
    assert image.shape == (64, 64, 3)
    assert image[0, 0].sum() < image[-1, 0].sum() < image[0, -1].sum()
    flat = np.asarray(map_image(np.full((2, 2), 7.0, dtype=np.float32), 8))
    assert len(np.unique(flat.reshape(-1, 3), axis=0)) == 1
