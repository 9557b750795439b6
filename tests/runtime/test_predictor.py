"""Predictor, preprocessing and maps: what goes in, what comes out, and that sessions do not mix."""

import threading
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from PIL import Image
from safetensors.torch import save_file

import inception
from inception.runtime.devices import DeviceError
from inception.runtime.predictor import KEPT_PASSES, KEPT_SHAPES, Predictor
from inception.runtime.preprocess import crop_and_resize, to_input
from inception.runtime.turns import OutOfMemory, forward_lock
from inception.vision.maps import map_image, strongest_channels
from inception.weights.choice import WeightsChoice
from inception.weights.labels import class_labels
from inception.weights.preprocessing import FACENET, TIMM_V2, TIMM_V4, Preprocessing
from inception.zoo import available_weights

from .predictor_suite import EMBEDS, SIZE, Open, PredictorSuite, picture


@pytest.fixture(scope="module")
def opened() -> Open:
    return cache(Predictor)


@pytest.fixture(scope="module")
def predictor(opened: Open) -> Predictor:
    return opened(*EMBEDS)


class TestInThisProcess(PredictorSuite):
    """What `tests/serve/test_engine.py` asks of an engine."""


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


def test_untrained_weights_are_the_same_for_everyone(predictor: Predictor) -> None:
    torch.manual_seed(5)
    before = torch.get_rng_state()
    again = Predictor("inception_resnet_v1")
    assert torch.equal(torch.get_rng_state(), before), "building a network must not disturb other random numbers"
    first, second = predictor.model.state_dict(), again.model.state_dict()
    assert all(torch.equal(first[key], second[key]) for key in first)
    assert not again.trained


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


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("inception_v4", TIMM_V4),
        ("inception_resnet_v2.paper", TIMM_V2),
        ("inception_resnet_v1", FACENET),
        ("inception_resnet_v2.faceid", FACENET),
    ],
)
def test_weights_that_say_nothing_are_fed_as_the_published_ones(name: str, expected: Preprocessing) -> None:
    assert Predictor(name).preprocessing == expected


def test_ten_classes_have_numbers_for_names() -> None:
    assert class_labels(10)[3] == "class 3"


def test_files_in_the_weights_folder_are_offered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INCEPTION_WEIGHTS", str(tmp_path))
    (tmp_path / "mine.pt").write_bytes(b"x")
    (tmp_path / "notes.txt").write_bytes(b"x")
    offered = ("inception_v4.cifar10", tmp_path / "mine.pt")
    assert available_weights("inception_v4") == [WeightsChoice.of(weights) for weights in offered]
    with pytest.raises(inception.CheckpointError, match="not a checkpoint"):
        Predictor("inception_v4", tmp_path / "mine.pt")


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


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_the_bytes_give_nearly_the_same(predictor: Predictor, dtype: torch.dtype) -> None:
    half = Predictor("inception_resnet_v1", dtype=dtype)
    prepared = half.prepare(picture(), SIZE)
    batch = half.to_input(prepared)
    assert (batch.dtype, batch.device.type) == (dtype, "cpu")
    assert batch.is_contiguous(memory_format=torch.channels_last)
    assert half.nbytes == pytest.approx(predictor.nbytes / 2, rel=1e-3)
    assert half.embed(prepared) @ predictor.embed(prepared) > 0.99
    layer = inception.trace("inception_resnet_v1", SIZE).layers[3]
    np.testing.assert_allclose(half.activations(prepared, layer), predictor.activations(prepared, layer), atol=0.05)


@pytest.mark.parametrize(
    ("device", "dtype", "sentence"),
    [
        ("cuda", torch.float32, "PyTorch finds no cuda device on this machine."),
        ("mps", torch.float32, "PyTorch finds no mps device on this machine."),
        ("cuda:7", torch.float32, "PyTorch finds no cuda:7 device on this machine."),
        ("meta", torch.float32, "The device must be cpu, cuda or mps, not meta."),
        ("toaster", torch.float32, "The device must be cpu, cuda or mps, not 'toaster'."),
        ("cpu", torch.int8, "The dtype must be float32, bfloat16 or float16, not int8."),
    ],
)
def test_what_the_machine_has_not_is_one_sentence(
    device: str, dtype: torch.dtype, sentence: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    with pytest.raises(DeviceError) as caught:
        Predictor("inception_resnet_v1", device=device, dtype=dtype)
    assert str(caught.value) == sentence


def test_a_dtype_that_a_device_cannot_do_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    def convolve(x: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
        raise RuntimeError("\"slow_conv2d_cpu\" not implemented for 'Half'")

    monkeypatch.setattr(F, "conv2d", convolve)
    with pytest.raises(DeviceError, match=r"^cpu cannot compute in float16 here\.$"):
        Predictor("inception_resnet_v1", dtype=torch.float16)


def test_after_memory_ran_out_everything_works_again(predictor: Predictor, monkeypatch: pytest.MonkeyPatch) -> None:
    prepared = predictor.prepare(picture(), SIZE)
    before = predictor.embed(prepared)
    layer = inception.trace("inception_resnet_v1", SIZE).layers[5]

    def full(x: torch.Tensor) -> torch.Tensor:
        raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes")

    monkeypatch.setattr(predictor.model, "forward", full)
    for ask in (lambda: predictor.embed(prepared), lambda: predictor.activations(prepared, layer)):
        with pytest.raises(OutOfMemory, match=r"^There is too little memory on cpu to run inception_resnet_v1\.$"):
            ask()
        assert not forward_lock.locked()
    monkeypatch.undo()
    assert np.array_equal(predictor.embed(prepared), before)
    assert not any(module._forward_hooks for module in predictor.model.modules()), "a hook was left behind"


def test_a_turn_yields_the_module_and_keeps_others_out(predictor: Predictor) -> None:
    with predictor.turn() as model:
        assert model is predictor.model
        assert forward_lock.locked()
        other = threading.Thread(target=lambda: answers.append(forward_lock.acquire(timeout=0.01)))
        answers: list[bool] = []
        other.start()
        other.join()
        assert answers == [False]
    assert not forward_lock.locked()


def test_timings_do_not_pile_up(monkeypatch: pytest.MonkeyPatch) -> None:
    network = Predictor("inception_resnet_v1")
    monkeypatch.setattr(network, "run", lambda batch: batch.mean(dim=(2, 3)))
    for side in range(1, KEPT_SHAPES + 10):
        network.outputs([Image.new("RGB", (side, 1))])
    for _ in range(KEPT_PASSES + 10):
        network.outputs([Image.new("RGB", (side, 1))])
    assert network.milliseconds((1, 3, 1, 1)) == []
    assert len(network.milliseconds((1, 3, 1, side))) == KEPT_PASSES
    assert len(network._passes) == KEPT_SHAPES


def test_a_kernel_reads_one_channel_for_one_filter(predictor: Predictor) -> None:
    """Against the convolution itself: what a single pixel of one channel gives in the channel of one filter."""
    layer = next(layer for layer in inception.trace("inception_resnet_v1").layers if layer.block == "Conv2d_2a_3x3")
    conv = predictor.model.get_submodule(layer.parts[0].path)
    picture = torch.zeros(1, 32, 5, 5)
    picture[0, 7, 2, 2] = 1
    seen = conv(picture)[0, 4].flip(0, 1)  # a convolution reads the pixel with each weight in turn, the last one first
    np.testing.assert_array_equal(predictor.kernel(layer, 4, 7), seen.detach().numpy())
