"""Loads checkpoints under our names or those of other implementations: all of a file or nothing."""

import os
import zipfile
from collections.abc import Callable, Mapping
from os import PathLike
from pathlib import Path
from typing import BinaryIO

import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.types import Storage

from ..errors import InceptionError
from ..models.network import Network
from .names import renamed

MAX_BYTES = 2**30  # of a checkpoint; the largest known one has 224 MB


class CheckpointError(InceptionError, ValueError):
    """A checkpoint that does not fit, in one sentence that names the file and the first wrong entry."""


def load_weights(model: nn.Module, path_or_state_dict: str | PathLike[str] | Mapping[str, Tensor]) -> None:
    """Copies weights from a .safetensors, .pt or .pth file or a state dict into `model`.

    Keys are ours, or those of another implementation for which the network carries a table (`Network.names`): timm's
    for Inception-v4 and the released Inception-ResNet-v2, facenet-pytorch's for v1, with or without its logits.
    Tensors take the dtype of the model. As in PyTorch, ``num_batches_tracked`` may be absent.
    Raises CheckpointError when an entry is missing, unexpected or of the wrong shape, or when the file is not a
    checkpoint of plain tensors. The model then keeps all the weights it had.
    """
    if isinstance(path_or_state_dict, Mapping):
        origin, state = "the state dict", dict(path_or_state_dict)
    else:
        origin, state = Path(path_or_state_dict).name, read_checkpoint(path_or_state_dict)
    ours = model.state_dict()
    if any(tensor.is_meta for tensor in ours.values()):
        raise CheckpointError(f"{origin}: a network on the meta device cannot hold weights.")
    names = {key: key for key in ours}  # the file's -> ours
    ignored: tuple[str, ...] = ()
    if isinstance(model, Network):
        theirs = renamed(ours, model.names)
        if len(theirs.keys() & state.keys()) > len(names.keys() & state.keys()):
            names, ignored = theirs, modules_to_ignore(model)
    if not names.keys() & state.keys():
        raise CheckpointError(f"{origin}: no entry belongs to this network; the first is {next(iter(state), None)!r}.")
    for key, our_key in names.items():
        if key not in state:
            if key.endswith("num_batches_tracked"):
                continue
            raise CheckpointError(f"{origin}: {key!r} is missing.")
        if not is_plain(state[key]):
            raise CheckpointError(f"{origin}: {key!r} is not a plain tensor.")
        if state[key].shape != ours[our_key].shape:
            raise CheckpointError(
                f"{origin}: {key!r} has shape {shape_text(state[key])}, the network needs {shape_text(ours[our_key])}."
            )
        if state[key].is_floating_point() != ours[our_key].is_floating_point():
            raise CheckpointError(
                f"{origin}: {key!r} holds {state[key].dtype}, the network needs {ours[our_key].dtype}."
            )
    for key in state:
        if key not in names and not key.startswith(ignored):
            raise CheckpointError(f"{origin}: {key!r} does not belong to this network.")
    model.load_state_dict({**ours, **{our_key: state[key] for key, our_key in names.items() if key in state}})


def read_checkpoint(path: str | PathLike[str]) -> dict[str, Tensor]:
    """The tensors of a .safetensors, .pt or .pth file, on the CPU; raises CheckpointError.

    The content decides, not the suffix. Pickles are read with ``weights_only=True``, so no code in them runs.
    """
    name = Path(path).name
    try:
        with open(path, "rb") as file:
            start = file.read(9)
    except OSError as error:
        raise CheckpointError(f"{name}: cannot be read ({error.strerror}).") from error
    is_safetensors = start[8:] == b"{"
    is_torch = start[:1] == b"\x80" or start[:4] == b"PK\x03\x04"
    if not is_safetensors and not is_torch:
        raise CheckpointError(f"{name}: not a checkpoint (neither safetensors nor a PyTorch file).")
    try:
        if is_safetensors:
            content: object = load_file(path)
        else:
            with open(path, "rb") as file:  # given a path, torch.load would choose the format by its suffix
                if start[:1] == b"P":
                    check_archive(file)
                    content = torch.load(file, map_location="cpu", weights_only=True)
                else:
                    content = torch.load(file, map_location=cleared_storages(file), weights_only=True)
    except Exception as error:  # the readers raise a dozen types on damaged files
        if "weights_only" in str(error).lower() or "Unsupported" in str(error):
            raise CheckpointError(f"{name}: holds objects other than plain tensors and is not loaded.") from error
        raise CheckpointError(f"{name}: damaged or cut off.") from error
    if isinstance(content, Mapping) and isinstance(content.get("state_dict"), Mapping):
        content = content["state_dict"]
    if not isinstance(content, Mapping) or not content:
        raise CheckpointError(f"{name}: not a checkpoint (no dictionary of tensors in it).")
    for key, value in content.items():
        if not isinstance(key, str):
            raise CheckpointError(f"{name}: not a checkpoint (a name in it is not text).")
        if not isinstance(value, Tensor) or value.layout is not torch.strided or value.is_nested or value.is_meta:
            raise CheckpointError(f"{name}: {key!r} is not a plain tensor.")
    # A view can show one stored number a million times. Copying such views would fill the memory from a small file.
    if sum(tensor.nbytes for tensor in content.values()) > os.path.getsize(path):
        raise CheckpointError(f"{name}: its tensors are larger than the file.")
    return dict(content)


def check_archive(file: BinaryIO) -> None:
    """Raises ValueError for a zip file whose records are packed, overlapping, marked as folders or damaged.

    torch.load checks none of this. It unpacks gigabytes from a few kilobytes, returns memory that it never filled if a
    record is marked as a folder, and reads flipped bits as weights.
    """
    with zipfile.ZipFile(file) as archive:
        records = archive.infolist()
        packed = any(record.compress_size != record.file_size or record.external_attr & 0x10 for record in records)
        overlapping = sum(record.file_size for record in records) > os.fstat(file.fileno()).st_size
        if packed or overlapping or archive.testzip() is not None:
            raise ValueError("not an archive that PyTorch writes")
    file.seek(0)


def cleared_storages(file: BinaryIO) -> Callable[[Storage, str], Storage]:
    """A `map_location` for files from before PyTorch 1.6, in which storages are created first and filled later.

    A damaged file may never fill them, so each storage is set to 0 first: no old content of the memory gets into the
    weights. Storages that are larger than their file are refused.
    """
    left = os.fstat(file.fileno()).st_size

    def clear(storage: Storage, _: str) -> Storage:
        nonlocal left
        left -= storage.nbytes()
        if left < 0:
            raise ValueError("storages larger than their file")
        return storage.fill_(0)  # type: ignore[attr-defined]

    return clear


def modules_to_ignore(model: Network) -> tuple[str, ...]:
    """Beginnings of others' keys that may be in a file although the network is built without these modules."""
    return tuple(f"{theirs}." for ours, theirs in model.names.items() if ours.startswith(model.may_lack))


def classes_in(state: Mapping[str, Tensor], model: Network) -> int | None:
    """How many classes the classifier of a checkpoint tells apart; None if it has none.

    model: the network that the checkpoint is for, which knows what its classifier is called; with any number of
    classes, on any device.
    """
    ours = model.classifier_path
    for path in (ours, model.names.get(ours)):
        if f"{path}.bias" in state:
            return int(state[f"{path}.bias"].numel())
    return None


def is_plain(value: object) -> bool:
    """Whether a value is a tensor with its numbers in memory: not sparse, not quantised, not on the meta device."""
    return isinstance(value, Tensor) and value.layout == torch.strided and not value.is_meta and not value.is_quantized


def shape_text(tensor: Tensor) -> str:
    return "x".join(map(str, tensor.shape)) or "of a single number"
