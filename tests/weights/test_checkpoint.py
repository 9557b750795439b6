"""`load_weights`: all of a file or nothing, and one sentence when it is nothing.

The networks are the real ones with very few channels: same keys, small tensors.
"""

import io
import pickle
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save, save_file
from torch import Tensor, nn

from inception import CheckpointError, create_model, load_weights
from inception.weights.checkpoint import read_checkpoint
from tests import reference

State = dict[str, Tensor]
WIDTH = 0.02


def small(name: str, **overrides: Any) -> nn.Module:
    return create_model(name, width=WIDTH, **overrides)


@cache
def reference_entries(name: str) -> State:
    torch.manual_seed(1)
    ours = small(name).state_dict()
    return {
        key: torch.rand(tensor.shape) + 0.5 if tensor.is_floating_point() else torch.tensor(7)
        for key, tensor in zip(reference.state_dict_shapes(name), ours.values(), strict=True)
    }


def reference_state(name: str) -> State:
    """Random weights for `small(name)` under the reference's keys, which come in the order of ours."""
    return dict(reference_entries(name))


def with_logits(state: State, classes: int) -> State:
    """facenet-pytorch's checkpoints: the classifier they were trained with stands at the end."""
    embedding = state["last_bn.weight"].shape[0]
    return {**state, "logits.weight": torch.rand(classes, embedding), "logits.bias": torch.rand(classes)}


def torch_bytes(content: Any, zipped: bool = True) -> bytes:
    buffer = io.BytesIO()
    torch.save(content, buffer, _use_new_zipfile_serialization=zipped)
    return buffer.getvalue()


def assert_fails(model: nn.Module, source: Any, *mentioned: str) -> None:
    """Loading raises one sentence that mentions these texts and leaves every tensor of the model as it was."""
    before = {key: tensor.clone() for key, tensor in model.state_dict().items()}
    with pytest.raises(CheckpointError) as caught:
        load_weights(model, source)
    reference.assert_one_sentence(caught.value)
    for text in mentioned:
        assert text in str(caught.value)
    after = model.state_dict()
    assert list(after) == list(before)
    assert [key for key in before if not torch.equal(before[key], after[key])] == []


# What loads
@pytest.mark.parametrize("name", reference.MEASURED)
def test_reference_keys_fill_every_tensor_in_order(name: str) -> None:
    model = small(name)
    for tensor in model.state_dict().values():
        tensor.fill_(float("nan") if tensor.is_floating_point() else -1)
    state = reference_state(name)

    load_weights(model, state)

    for ours, theirs in zip(model.state_dict().values(), state.values(), strict=True):
        assert torch.equal(ours, theirs)


@pytest.mark.parametrize("name", reference.MEASURED)
def test_no_entry_of_the_reference_is_dispensable(name: str) -> None:
    state = reference_state(name)
    model = small(name)
    needed = [key for key in state if not key.endswith("num_batches_tracked")]

    for key in [*needed[::150], needed[-1]]:
        assert_fails(model, {k: v for k, v in state.items() if k != key}, repr(key), "missing")


def test_num_batches_tracked_may_be_absent() -> None:
    """PyTorch writes it since 0.4.1 and does not insist on it either."""
    state = reference_state("inception_v4")
    model = small("inception_v4")

    load_weights(model, {k: v for k, v in state.items() if not k.endswith("num_batches_tracked")})

    assert torch.equal(next(iter(model.state_dict().values())), next(iter(state.values())))


@pytest.mark.parametrize("file_name", ["weights.safetensors", "weights.pt", "weights.pth", "weights"])
@pytest.mark.parametrize("kind", ["safetensors", "zip", "legacy"])
def test_the_content_decides_not_the_suffix(tmp_path: Path, file_name: str, kind: str) -> None:
    state = reference_state("inception_resnet_v1")
    file = tmp_path / file_name
    file.write_bytes(save(state) if kind == "safetensors" else torch_bytes(state, zipped=kind == "zip"))
    model = small("inception_resnet_v1")

    load_weights(model, file if kind == "zip" else str(file))

    for ours, theirs in zip(model.state_dict().values(), state.values(), strict=True):
        assert torch.equal(ours, theirs)


@pytest.mark.parametrize("name", ["inception_v4", "inception_resnet_v2.keras_blog", "inception_resnet_v2.faceid"])
@pytest.mark.parametrize("suffix", [".safetensors", ".pt"])
def test_our_own_state_dict_comes_back(tmp_path: Path, name: str, suffix: str) -> None:
    torch.manual_seed(2)
    source, target = small(name), small(name)
    file = tmp_path / f"own{suffix}"
    if suffix == ".pt":
        torch.save(source.state_dict(), file)
    else:
        save_file(source.state_dict(), file)

    load_weights(target, file)

    wanted = source.state_dict()
    assert all(torch.equal(tensor, wanted[key]) for key, tensor in target.state_dict().items())


def test_state_dict_inside_a_training_checkpoint(tmp_path: Path) -> None:
    state = reference_state("inception_resnet_v2")
    file = tmp_path / "training.pt"
    torch.save({"epoch": 3, "state_dict": state}, file)
    model = small("inception_resnet_v2")

    load_weights(model, file)

    assert torch.equal(next(iter(model.state_dict().values())), next(iter(state.values())))


def test_tensors_take_the_dtype_of_the_model(tmp_path: Path) -> None:
    state = {key: t.half() if t.is_floating_point() else t for key, t in reference_state("inception_v4").items()}
    file = tmp_path / "half.safetensors"
    save_file(state, file)
    model = small("inception_v4", dtype=torch.float64)

    load_weights(model, file)

    for ours, theirs in zip(model.state_dict().values(), state.values(), strict=True):
        assert ours.dtype == (torch.float64 if theirs.is_floating_point() else torch.long)
        assert torch.equal(ours, theirs.to(ours.dtype))


def test_create_model_takes_a_path(tmp_path: Path) -> None:
    state = reference_state("inception_resnet_v1")
    file = tmp_path / "faces.safetensors"
    save_file(state, file)

    model = create_model("inception_resnet_v1", weights=str(file), width=WIDTH)

    assert torch.equal(next(iter(model.state_dict().values())), next(iter(state.values())))


def test_a_network_with_weights_draws_no_random_numbers(tmp_path: Path) -> None:
    """It would take as long as the rest; and what a file may lack is what a new network has all the same."""
    state = reference_state("inception_v4")
    save_file({k: v for k, v in state.items() if not k.endswith("num_batches_tracked")}, tmp_path / "mine.safetensors")
    before = torch.get_rng_state()
    model = create_model("inception_v4", weights=tmp_path / "mine.safetensors", width=WIDTH)
    assert torch.equal(torch.get_rng_state(), before)
    counters = [tensor for key, tensor in model.state_dict().items() if key.endswith("num_batches_tracked")]
    assert counters
    assert not any(counters)


# FaceNet's classifier
@pytest.mark.parametrize("classes", [8631, 10575])
def test_embedding_network_leaves_the_classifier_aside(classes: int) -> None:
    state = with_logits(reference_state("inception_resnet_v1"), classes)
    model = small("inception_resnet_v1")

    load_weights(model, state)

    for ours, theirs in zip(model.state_dict().values(), state.values(), strict=False):
        assert torch.equal(ours, theirs)


def test_classifier_network_takes_the_classifier() -> None:
    state = with_logits(reference_state("inception_resnet_v1"), 8631)
    model = small("inception_resnet_v1", num_classes=8631)

    load_weights(model, state)

    for ours, theirs in zip(model.state_dict().values(), state.values(), strict=True):
        assert torch.equal(ours, theirs)


def test_classifier_network_needs_the_classifier() -> None:
    state = reference_state("inception_resnet_v1")
    model = small("inception_resnet_v1", num_classes=8631)

    assert_fails(model, state, "'logits.weight'", "missing")
    assert_fails(model, with_logits(state, 10575), "'logits.weight'", "10575x", "8631x")


@pytest.mark.parametrize("name", ["inception_v4", "inception_resnet_v2"])
def test_only_facenet_has_a_classifier_to_leave_aside(name: str) -> None:
    state = {**reference_state(name), "logits.weight": torch.zeros(10, 10)}

    assert_fails(small(name), state, "'logits.weight'")


# What does not load
def first_key(state: State, of: Callable[[Tensor], bool] = lambda tensor: tensor.ndim == 4) -> str:
    """A key from the middle of the state dict, so that a reader which stops early is caught half-way."""
    keys = [key for key, tensor in state.items() if of(tensor)]
    return keys[len(keys) // 2]


@pytest.mark.parametrize("name", reference.MEASURED)
def test_missing_entry(tmp_path: Path, name: str) -> None:
    state = reference_state(name)
    key = first_key(state)
    del state[key]
    file = tmp_path / "less.safetensors"
    save_file(state, file)

    assert_fails(small(name), file, "less.safetensors", repr(key), "missing")


def test_first_missing_entry_is_the_one_named(tmp_path: Path) -> None:
    state = reference_state("inception_v4")
    wanted = list(state)[100]
    file = tmp_path / "half.pt"
    torch.save(dict(list(state.items())[:100]), file)

    assert_fails(small("inception_v4"), file, "half.pt", repr(wanted))


@pytest.mark.parametrize("name", reference.MEASURED)
def test_unexpected_entry(tmp_path: Path, name: str) -> None:
    file = tmp_path / "more.safetensors"
    save_file({**reference_state(name), "aux.weight": torch.zeros(2)}, file)

    assert_fails(small(name), file, "more.safetensors", "'aux.weight'")


@pytest.mark.parametrize("name", reference.MEASURED)
def test_entry_of_another_shape(tmp_path: Path, name: str) -> None:
    state = reference_state(name)
    key = first_key(state)
    needed = "x".join(map(str, state[key].shape))
    state[key] = torch.zeros(5, 6, 7, 8)
    file = tmp_path / "bent.safetensors"
    save_file(state, file)

    assert_fails(small(name), file, "bent.safetensors", repr(key), "5x6x7x8", needed)


def test_transposed_entry_is_not_broadcast() -> None:
    state = reference_state("inception_resnet_v2")
    key = first_key(state, lambda tensor: tensor.ndim == 1)
    state[key] = state[key][:, None]

    assert_fails(small("inception_resnet_v2"), state, repr(key))


@pytest.mark.parametrize("dtype", [torch.int64, torch.uint8, torch.bool, torch.complex64])
def test_entry_of_another_kind_of_number(dtype: torch.dtype) -> None:
    state = reference_state("inception_v4")
    key = first_key(state)
    state[key] = state[key].to(dtype)

    assert_fails(small("inception_v4"), state, repr(key), str(dtype))


def test_fraction_where_a_counter_belongs() -> None:
    state = reference_state("inception_v4")
    key = first_key(state, lambda tensor: not tensor.is_floating_point())
    state[key] = torch.tensor(0.5)

    assert_fails(small("inception_v4"), state, repr(key))


@pytest.mark.filterwarnings("ignore:Sparse invariant checks")
@pytest.mark.parametrize("kind", ["sparse", "meta"])
def test_entry_without_plain_memory(tmp_path: Path, kind: str) -> None:
    """Both survive torch.load(weights_only=True); copying them would fail half-way through the network."""
    state = reference_state("inception_v4")
    key = first_key(state)
    state[key] = state[key].to_sparse() if kind == "sparse" else state[key].to("meta")
    file = tmp_path / "odd.pt"
    torch.save(state, file)

    assert_fails(small("inception_v4"), file, "odd.pt", repr(key))


def test_entry_that_is_no_tensor(tmp_path: Path) -> None:
    state: dict[str, Any] = dict(reference_state("inception_v4"))
    key = first_key(state)
    state[key] = [1.0, 2.0]
    file = tmp_path / "list.pt"
    torch.save(state, file)
    model = small("inception_v4")

    assert_fails(model, file, "list.pt", repr(key))
    assert_fails(model, state, repr(key))


@pytest.mark.parametrize("keys", ["theirs", "ours"])
def test_file_of_another_network(tmp_path: Path, keys: str) -> None:
    other = reference_state("inception_resnet_v2") if keys == "theirs" else small("inception_resnet_v2").state_dict()
    file = tmp_path / "other.safetensors"
    save_file(other, file)
    model = small("inception_v4")

    assert_fails(model, file, "other.safetensors")
    with pytest.raises(CheckpointError) as caught:
        load_weights(model, file)
    assert any(repr(key) in str(caught.value) for key in [*other, *model.state_dict()])


def test_meta_model_does_not_pretend_to_be_loaded() -> None:
    model = small("inception_v4", device="meta")

    with pytest.raises(ValueError, match="meta") as caught:
        load_weights(model, reference_state("inception_v4"))
    reference.assert_one_sentence(caught.value)


@pytest.mark.parametrize("suffix", [".safetensors", ".pt"])
@pytest.mark.parametrize("share", [0.001, 0.5, 0.999])
def test_truncated_file(tmp_path: Path, suffix: str, share: float) -> None:
    state = reference_state("inception_resnet_v1")
    content = torch_bytes(state) if suffix == ".pt" else save(state)
    file = tmp_path / f"cut{suffix}"
    file.write_bytes(content[: int(share * len(content))])

    assert_fails(small("inception_resnet_v1"), file, f"cut{suffix}")


class WritesAFile:
    """Unpickled without care, it creates the file `path`."""

    def __init__(self, path: Path):
        self.path = str(path)

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[str, str]]:
        return open, (self.path, "w")


@pytest.mark.filterwarnings("ignore:Detected pickle protocol")
@pytest.mark.parametrize("writer", ["zip", "legacy", "pickle"])
def test_pickle_with_code_is_not_run(tmp_path: Path, writer: str) -> None:
    trace_of_execution = tmp_path / "executed"
    content = {**reference_state("inception_v4"), "extra": WritesAFile(trace_of_execution)}
    file = tmp_path / "evil.pt"
    file.write_bytes(pickle.dumps(content) if writer == "pickle" else torch_bytes(content, zipped=writer == "zip"))

    assert_fails(small("inception_v4"), file, "evil.pt", "plain tensors")
    assert not trace_of_execution.exists()

    # The same bytes do execute where pickles are trusted, so the test would notice.
    torch.load(file, weights_only=False) if writer != "pickle" else pickle.loads(file.read_bytes())
    assert trace_of_execution.exists()


def test_pickled_module_is_not_loaded(tmp_path: Path) -> None:
    model = small("inception_resnet_v1")
    file = tmp_path / "module.pt"
    torch.save(model, file)

    assert_fails(model, file, "module.pt", "plain tensors")


@pytest.mark.parametrize(
    ("file_name", "content"),
    [
        ("empty.pt", b""),
        ("empty.safetensors", b""),
        ("notes.txt", b"These are not the weights you are looking for.\n"),
        ("page.pt", b"<!DOCTYPE html><html><body>404 Not Found</body></html>"),
        ("picture.safetensors", b"\x89PNG\r\n\x1a\n" + bytes(100)),
        ("huge_header.safetensors", b"\xff" * 7 + b"\x7f{"),
        ("no_zip.pt", b"PK\x03\x04" + bytes(100)),
        ("list.pt", torch_bytes([torch.zeros(2)])),
        ("number.pt", torch_bytes(3)),
        ("nothing.pt", torch_bytes({})),
        ("numbered.pt", torch_bytes({0: torch.zeros(2)})),
    ],
)
def test_file_that_is_no_checkpoint(tmp_path: Path, file_name: str, content: bytes) -> None:
    file = tmp_path / file_name
    file.write_bytes(content)

    assert_fails(small("inception_v4"), file, file_name)


def test_path_that_cannot_be_read(tmp_path: Path) -> None:
    model = small("inception_v4")

    assert_fails(model, tmp_path / "absent.pt", "absent.pt")
    assert_fails(model, tmp_path, tmp_path.name)


@pytest.mark.parametrize("state", [{}, {"state_dict": {}}])
def test_state_dict_without_anything_of_use(state: dict[str, Any]) -> None:
    assert_fails(small("inception_v4"), state)


def test_failing_create_model_says_the_same(tmp_path: Path) -> None:
    file = tmp_path / "absent.pt"

    with pytest.raises(CheckpointError, match=r"absent\.pt"):
        create_model("inception_v4", weights=str(file), width=WIDTH)


def test_tensors_larger_than_their_file_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "wide.pt"
    torch.save({"a": torch.zeros(1).expand(10**12)}, path)
    with pytest.raises(CheckpointError, match=r"wide\.pt: its tensors are larger than the file"):
        read_checkpoint(path)
