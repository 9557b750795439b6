"""Checkpoints as others write them: wrapped, under other names, in other files; each loads or is named for what it is.

The lists of names in tests/reference come from others' implementations; see the README there.
"""

import argparse
import io
import json
import sys
import zipfile
from pathlib import Path
from typing import Any

import h5py  # type: ignore[import-untyped]
import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from inception import CheckpointError, create_model, load_weights
from inception.runtime.predictor import Predictor
from inception.weights.checkpoint import fitted
from inception.weights.names import naming_of, tidy
from inception.weights.reading import read_checkpoint
from inception.zoo import check_weights
from tests import reference

State = dict[str, Tensor]
TINY: dict[str, Any] = {"width": 0.02}
SIZE = 96


def tiny(name: str, seed: int, **overrides: Any) -> nn.Module:
    """A network with few channels whose every tensor is random, batch norms' included; gamma is 1."""
    torch.manual_seed(seed)
    model = create_model(name, **TINY, **overrides)
    for key, tensor in model.state_dict().items():
        if "running" in key or "bias" in key:
            tensor.copy_(torch.rand(tensor.shape) + 0.5)
    return model


def assert_same_outputs(first: nn.Module, second: nn.Module) -> None:
    x = torch.rand(1, 3, SIZE, SIZE)
    with torch.inference_mode():
        assert torch.equal(first(x), second(x))


def theirs(name: str, model: nn.Module) -> State:
    """The state dict of a model under the keys of timm or facenet-pytorch, which come in the order of ours."""
    return dict(zip(reference.state_dict_shapes(name), model.state_dict().values(), strict=True))


# Wrappers
def ema(state: State) -> State:
    """Averaged weights that are told from the last ones at once."""
    return {key: tensor + 1 if tensor.is_floating_point() else tensor for key, tensor in state.items()}


def prefixed(prefix: str, state: State) -> State:
    return {prefix + key: tensor for key, tensor in state.items()}


WRAPPERS: dict[str, Any] = {
    "module.": lambda s: prefixed("module.", s),
    "_orig_mod.": lambda s: prefixed("_orig_mod.", s),
    "model.": lambda s: prefixed("model.", s),
    "all of them": lambda s: prefixed("module._orig_mod.model.module.", s),
    "state_dict": lambda s: {"epoch": 3, "state_dict": s},
    "model": lambda s: {"model": s, "optimizer": {"state": {}, "lr": [0.1]}},
    "model_state_dict": lambda s: {"model_state_dict": prefixed("module.", s)},
    "timm's": lambda s: {"arch": "x", "args": argparse.Namespace(lr=0.1), "state_dict": s, "version": 2},
    "AveragedModel": lambda s: {**prefixed("module.", s), "n_averaged": torch.tensor(7)},
    "lightning": lambda s: {"state_dict": prefixed("model.", s), "hyper_parameters": {"lr": 0.1}},
}


@pytest.mark.parametrize("wrapper", WRAPPERS)
def test_wrappers_do_not_matter(wrapper: str, tmp_path: Path) -> None:
    source, target = tiny("inception_v4", 1), tiny("inception_v4", 2)
    content = WRAPPERS[wrapper](theirs("inception_v4", source))
    torch.save(content, tmp_path / "wrapped.pt")
    assert load_weights(target, tmp_path / "wrapped.pt") == ()
    assert_same_outputs(source, target)
    target = tiny("inception_v4", 2)
    load_weights(target, content)
    assert_same_outputs(source, target)


@pytest.mark.parametrize("averaged", ["state_dict_ema", "model_ema"])
@pytest.mark.parametrize("last", ["state_dict", "model"])
def test_averaged_weights_are_preferred_and_it_is_said(averaged: str, last: str, tmp_path: Path) -> None:
    """timm's load_state_dict looks in this order, unless use_ema=False."""
    source, target = tiny("inception_v4", 1), tiny("inception_v4", 2)
    state = theirs("inception_v4", source)
    torch.save({last: state, averaged: prefixed("module.", ema(state))}, tmp_path / "training.pt")
    (note,) = load_weights(target, tmp_path / "training.pt")
    assert averaged in note
    assert last in note
    reference.assert_one_sentence(ValueError(note))
    found = target.state_dict().values()
    assert all(torch.equal(tensor, wanted) for tensor, wanted in zip(found, ema(state).values(), strict=True))


def test_a_remark_reaches_whoever_runs_the_network(tmp_path: Path) -> None:
    state = create_model("inception_v4", num_classes=3).state_dict()
    torch.save({"state_dict": state, "state_dict_ema": state}, tmp_path / "training.pt")
    network = Predictor("inception_v4", tmp_path / "training.pt")
    assert len(network.remarks) == 1
    assert "state_dict_ema" in network.remarks[0]


# Cadene's names, and 1001 classes
@pytest.mark.parametrize("name", ["inception_v3", "inception_v4", "inception_resnet_v2"])
def test_names_of_pretrained_models_pytorch(name: str) -> None:
    """They are timm's, but the classifier is last_linear, of 1001 classes."""
    source, target = tiny(name, 1, num_classes=1001), tiny(name, 2, num_classes=1001)
    state = {
        key.replace("classif.", "last_linear.").replace("fc.", "last_linear."): tensor
        for key, tensor in theirs(name, source).items()
    }
    assert "last_linear.weight" in state
    (note,) = load_weights(target, state)
    assert "'background'" in note
    assert_same_outputs(source, target)


def test_1001_classes_have_imagenets_names_shifted_by_one(tmp_path: Path) -> None:
    save_file(create_model("inception_v4", num_classes=1001).state_dict(), tmp_path / "slim.safetensors")
    network = Predictor("inception_v4", tmp_path / "slim.safetensors")
    assert len(network.labels) == 1001
    assert network.labels[0] == "background"
    assert network.labels[1].startswith("tench")
    assert network.labels[1000].startswith("toilet tissue")


# TF-Slim's names
def slim_state(name: str, model: nn.Module) -> State:
    """The entries of a model under TF-Slim's names, which come in the order of ours; what it lacks is left out.

    The published variables lie as (height, width, in, out), linear layers as (in, out), or as 1x1 convolutions.
    """
    names = {
        key: shape
        for key, shape in reference.variable_shapes(name, "slim").items()
        if "AuxLogits" not in key and not key.startswith("Logits/")
    }
    entries = [
        tensor
        for key, tensor in model.state_dict().items()
        if not key.endswith("num_batches_tracked") and not _is_gamma(model, key)
    ]
    state = {}
    for (key, shape), tensor in zip(names.items(), entries, strict=True):
        if len(shape) == 4 and tensor.ndim == 2:
            tensor = tensor[:, :, None, None]
        state[key] = tensor.permute(2, 3, 1, 0) if tensor.ndim == 4 else tensor.T if tensor.ndim == 2 else tensor
    return {key: tensor.contiguous() for key, tensor in state.items()}


def _is_gamma(model: nn.Module, key: str) -> bool:
    layer = model.get_submodule(key.rpartition(".")[0])
    return isinstance(layer, nn.BatchNorm1d | nn.BatchNorm2d) and key.endswith("weight")


SLIM = ["inception_v3", "inception_v4", "inception_resnet_v1", "inception_resnet_v2"]


@pytest.mark.parametrize("name", SLIM)
def test_names_of_tf_slim(name: str, tmp_path: Path) -> None:
    source, target = tiny(name, 1), tiny(name, 2)
    state = slim_state(name, source)
    load_weights(target, state)
    assert_same_outputs(source, target)
    # As a converter might write it, with what else a checkpoint holds.
    first = next(iter(state))
    more = {f"{key}:0": tensor for key, tensor in state.items()}
    more |= {"global_step": torch.tensor(7), f"{first}/RMSProp": torch.ones(2), f"{first}/RMSProp_1": torch.ones(2)}
    save_file(more, tmp_path / "slim.safetensors")
    target = tiny(name, 2)
    load_weights(target, tmp_path / "slim.safetensors")
    assert_same_outputs(source, target)


@pytest.mark.parametrize("name", SLIM)
def test_the_shapes_of_tf_slim_fit(name: str) -> None:
    """All of the published variables find their place, the auxiliary head's and FaceNet's classifier but for."""
    shapes = reference.variable_shapes(name, "slim")
    state, _ = tidy({key: torch.empty(shape, device="meta") for key, shape in shapes.items()})
    classes: dict[str, Any] = {} if name == "inception_resnet_v1" else {"num_classes": 1001}
    model = create_model(name, device="meta", **classes)
    naming = naming_of(state, model)
    assert naming.title == "TF-Slim"
    found = fitted(state, model.state_dict(), naming, "it")
    left = {key for key in model.state_dict() if key not in found and not key.endswith("num_batches_tracked")}
    assert all(_is_gamma(model, key) for key in left)
    del state[next(iter(shapes))]
    with pytest.raises(CheckpointError, match="is missing"):
        fitted(state, model.state_dict(), naming, "it")


def test_moving_averages_of_tensorflow_are_used_and_it_is_said() -> None:
    source, target = tiny("inception_resnet_v1", 1), tiny("inception_resnet_v1", 2)
    state = slim_state("inception_resnet_v1", source)
    last = {key: torch.zeros_like(tensor) for key, tensor in state.items()}
    averages = {f"{key}/ExponentialMovingAverage": tensor for key, tensor in state.items()}
    (note,) = load_weights(target, {**last, **averages})
    assert "moving averages" in note
    assert_same_outputs(source, target)


# Keras' files
def write_keras(path: Path, variables: dict[str, np.ndarray[Any, Any]], layout: str) -> None:
    """Variables `layer/layer/variable` as Keras writes them: weights, a whole model, or Keras 3's `.weights.h5`."""
    numbers: dict[str, str] = {}
    with h5py.File(path, "w") as file:
        for key, value in variables.items():
            layer, _, variable = key.split("/")
            if layout == "weights":
                file[f"{key}:0"] = value
            elif layout == "model":
                file[f"model_weights/{key}"] = value
                file[f"model_weights/optimizer_weights/{key}"] = value
            else:
                kind = "conv2d" if "kernel" in variable or variable == "bias" else "batch_normalization"
                kind = "dense" if layer == "predictions" else kind
                count = len({name for name in numbers.values() if name.startswith(kind)})
                group = numbers.setdefault(layer, f"{kind}_{count}" if count else kind)
                order = (
                    ("kernel", "bias") if kind != "batch_normalization" else ("beta", "moving_mean", "moving_variance")
                )
                file[f"layers/{group}/vars/{order.index(variable)}"] = value
                file[f"layers/{group}/vars"].attrs["name"] = layer


@pytest.fixture(scope="module")
def keras_v3() -> dict[str, np.ndarray[Any, Any]]:
    filled = reference.fill_tensorflow(reference.variable_shapes("inception_v3", "keras"))
    return {key: tensor.numpy() for key, tensor in filled.items()}


def assert_is_keras(model: nn.Module, name: str) -> None:
    """Its outputs are those that Keras computed from the same weights."""
    expected = json.loads((reference.DATA / f"{name}.keras.outputs.json").read_text())
    with torch.inference_mode():
        found = model(reference.image(2, expected["input_size"]).float()).double()
    torch.testing.assert_close(found[:, :8], torch.tensor(expected["first"]).double(), rtol=0, atol=1e-5)
    assert found.argmax(1).tolist() == expected["argmax"]
    assert found.norm(dim=1).tolist() == pytest.approx(expected["norm"], rel=1e-4)


def leave_out_zeros(model: nn.Module) -> nn.Module:
    """Average pools as TensorFlow has them."""
    for module in model.modules():
        if isinstance(module, nn.AvgPool2d):
            module.count_include_pad = False
    return model


@pytest.mark.slow
@pytest.mark.parametrize("layout", ["weights", "model", "keras3"])
def test_keras_files_give_keras_outputs(layout: str, keras_v3: dict[str, np.ndarray[Any, Any]], tmp_path: Path) -> None:
    write_keras(tmp_path / "v3.h5", keras_v3, layout)
    model = create_model("inception_v3", tmp_path / "v3.h5")
    assert "average pools" in model.remarks[0]
    assert_is_keras(leave_out_zeros(model), "inception_v3")


@pytest.mark.slow
def test_the_keras_file_of_inception_resnet_v2_gives_keras_outputs(tmp_path: Path) -> None:
    variables = reference.fill_tensorflow(reference.variable_shapes("inception_resnet_v2", "keras"))
    write_keras(tmp_path / "v2.h5", {key: tensor.numpy() for key, tensor in variables.items()}, "weights")
    model = create_model("inception_resnet_v2", tmp_path / "v2.h5")
    assert model.remarks == ()
    assert_is_keras(model, "inception_resnet_v2")


@pytest.mark.slow
def test_a_head_tuned_in_keras(keras_v3: dict[str, np.ndarray[Any, Any]], tmp_path: Path) -> None:
    """Another dense layer of five classes, and numbers that began at 12 because other models were built before."""
    later = {}
    for key, value in keras_v3.items():
        layer, _, variable = key.split("/")
        if layer == "predictions":
            layer, value = "dense_4", value[..., :5]
        elif layer.startswith(("conv2d", "batch_normalization")):
            stem, _, number = layer.rpartition("_") if layer[-1].isdecimal() and layer != "conv2d" else (layer, "", "0")
            layer = f"{stem}_{int(number) + 12}"
        later[f"{layer}/{layer}/{variable}"] = value
    write_keras(tmp_path / "tuned.h5", later, "weights")
    check_weights("inception_v3", tmp_path / "tuned.h5")
    model = create_model("inception_v3", tmp_path / "tuned.h5")
    assert model.num_classes == 5
    whole = create_model("inception_v3")
    load_weights(
        whole,
        {
            key.partition("/")[2]
            .replace("conv2d/", "conv2d_0/")
            .replace("batch_normalization/", "batch_normalization_0/"): torch.from_numpy(value)
            for key, value in keras_v3.items()
        },
    )
    x = torch.rand(1, 3, SIZE, SIZE)
    with torch.inference_mode():
        torch.testing.assert_close(model(x), whole(x)[:, :5])


def h5(path: Path, **changes: Any) -> Path:
    with h5py.File(path, "w") as file:
        file.create_dataset("conv2d/conv2d/kernel:0", **{"data": np.zeros((3, 3, 3, 32), "f4"), **changes})
    return path


def test_hdf5_that_keras_does_not_write_is_refused(tmp_path: Path) -> None:
    """Packed data of any size in a small file, and data that lie in another file of this machine."""
    secret = tmp_path / "secret"
    secret.write_bytes(bytes(4 * 100))
    external = {"data": None, "shape": (100,), "dtype": "f4", "external": [(str(secret), 0, 400)]}
    packed = {"data": np.zeros((2000, 2000), "f4"), "compression": "gzip"}
    for name, changes in (("external.h5", external), ("packed.h5", packed), ("words.h5", {"data": "text"})):
        with pytest.raises(CheckpointError, match=f"{name}: .* is not stored as Keras stores weights"):
            read_checkpoint(h5(tmp_path / name, **changes))
    with h5py.File(tmp_path / "unwritten.h5", "w") as file:
        file.create_dataset("conv2d/conv2d/kernel:0", (10**6, 100), "f4")
    with pytest.raises(CheckpointError, match="larger than the file"):
        read_checkpoint(tmp_path / "unwritten.h5")
    with h5py.File(tmp_path / "linked.h5", "w") as file:
        file["conv2d"] = h5py.ExternalLink(str(h5(tmp_path / "other.h5")), "/")
    with pytest.raises(CheckpointError, match="no dictionary of tensors"):
        read_checkpoint(tmp_path / "linked.h5")


def test_without_h5py_a_keras_file_says_what_it_needs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = h5(tmp_path / "v3.h5")
    monkeypatch.setitem(sys.modules, "h5py", None)
    with pytest.raises(CheckpointError, match=r"needs h5py: pip install -r requirements-keras\.txt") as caught:
        read_checkpoint(path)
    reference.assert_one_sentence(caught.value)


# Features only
def test_a_file_without_a_classifier_gives_features(tmp_path: Path) -> None:
    source = create_model("inception_v4", num_classes=0)
    save_file(source.state_dict(), tmp_path / "features.safetensors")
    check_weights("inception_v4", tmp_path / "features.safetensors")
    network = Predictor("inception_v4", tmp_path / "features.safetensors")
    assert (network.embeds, network.labels) == (True, [])
    assert any("no classifier" in remark for remark in network.remarks)
    x = torch.rand(1, 3, SIZE, SIZE)
    with torch.inference_mode():
        torch.testing.assert_close(network.model(x), source(x))


# Files that are named for what they are
class Doubled(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return 2 * x


def archive(write: Any) -> bytes:
    buffer = io.BytesIO()
    write(buffer)
    return buffer.getvalue()


def keras_archive(buffer: io.BytesIO) -> None:
    with zipfile.ZipFile(buffer, "w") as file:
        file.writestr("config.json", "{}")
        file.writestr("model.weights.h5", b"")


POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"0" * 64 + b"\nsize 170000000\n"
TABLE_END = bytes(40) + bytes.fromhex("57fb808b247547db")
NAMED: dict[str, tuple[Any, str]] = {
    "model.safetensors": (POINTER, "Git LFS pointer"),
    "inception_v4.ckpt": (b"\0" * 500 + TABLE_END, "TensorFlow checkpoint"),
    "model.ckpt-9.index": (b"\0" * 500 + TABLE_END, "docs/checkpoints.md"),
    "model.ckpt-9.data-00000-of-00001": (b"\1\2\3\4" * 100, "TensorFlow checkpoint"),
    "model.ckpt-9.meta": (b"\n\x9d\x0c\n" * 20, "TensorFlow checkpoint"),
    "checkpoint": (b'model_checkpoint_path: "model.ckpt-9"\n', "TensorFlow checkpoint"),
    "weights.npz": (lambda b: np.savez(b, a=np.zeros(3)), "NumPy archive"),
    "weights.npy": (lambda b: np.save(b, np.zeros(3)), "NumPy array"),
    "scripted.pt": (lambda b: torch.jit.save(torch.jit.trace(Doubled(), torch.zeros(1)), b), "TorchScript"),
    "model.keras": (keras_archive, "Keras model"),
    "exported.pt2": (
        lambda b: torch.export.save(torch.export.export(Doubled(), (torch.zeros(1),)), b),
        ".pt2",
    ),
}


@pytest.mark.parametrize("name", NAMED)
@pytest.mark.filterwarnings("ignore::DeprecationWarning:torch.jit")
def test_what_is_no_checkpoint_is_named_for_what_it_is(name: str, tmp_path: Path) -> None:
    content, mentioned = NAMED[name]
    (tmp_path / name).write_bytes(content if isinstance(content, bytes) else archive(content))
    with pytest.raises(CheckpointError) as caught:
        load_weights(tiny("inception_v4", 1), tmp_path / name)
    reference.assert_one_sentence(caught.value)
    assert str(caught.value).startswith(f"{name}: ")
    assert mentioned in str(caught.value)


@pytest.mark.parametrize("kind", ["safetensors", "zip", "legacy", "h5"])
def test_shapes_are_read_without_the_weights(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "weights"
    state: State = {"a/kernel": torch.rand(3, 2), "a/bias": torch.rand(2)}
    if kind == "h5":
        with h5py.File(path, "w") as file:
            for key, tensor in state.items():
                file[key] = tensor.numpy()
        state = {key.replace("a/", "predictions/"): tensor for key, tensor in state.items()}
    elif kind == "safetensors":
        save_file(state, path)
    else:
        torch.save({"state_dict": state}, path, _use_new_zipfile_serialization=kind == "zip")
    found = read_checkpoint(path, shapes_only=True).state
    assert {key: tensor.shape for key, tensor in found.items()} == {key: tensor.shape for key, tensor in state.items()}
    assert all(tensor.is_meta for tensor in found.values())
