"""What a weights file is, and the tensors in it: files of safetensors and PyTorch, and of Keras where h5py is there."""

import argparse
import os
import re
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import BinaryIO

import torch
from safetensors import safe_open
from safetensors.torch import load_file
from torch import Tensor
from torch.types import Storage

from ..words import N_, Filled, _
from .checkpoint_error import CheckpointError

MAX_BYTES = 2**30  # of a checkpoint; the largest known one has 224 MB

# What training programs put a state dict under, in the order in which timm's `load_state_dict` looks; averaged weights
# come first, because they are the better ones.
AVERAGED = ("state_dict_ema", "model_ema")
LAST = ("state_dict", "model_state_dict", "model")
# What wrappers put before each key: data parallel training, torch.compile, Lightning's usual attribute.
PREFIXES = ("module.", "_orig_mod.", "model.")
COUNTER = "n_averaged"  # an entry of torch.optim.swa_utils.AveragedModel that is no weight

HDF5 = b"\x89HDF\r\n\x1a\n"
TENSORFLOW_TABLE = bytes.fromhex("57fb808b247547db")  # the last eight bytes of a TensorFlow checkpoint or its index
TENSORFLOW_NAMES = re.compile(r"\.(ckpt.*\.)?(data-\d{5}-of-\d{5}|index|meta)$")

# timm's training checkpoints hold their command line as one of these, a plain record that runs no code.
torch.serialization.add_safe_globals([argparse.Namespace])


@dataclass(frozen=True)
class Checkpoint:
    """The content of a weights file."""

    state: dict[str, Tensor]
    notes: tuple[str, ...] = ()  # sentences on what was chosen in it that its owner should know


def read_checkpoint(path: str | PathLike[str], shapes_only: bool = False) -> Checkpoint:
    """The tensors of a .safetensors, .pt, .pth or .h5 file, on the CPU; raises CheckpointError.

    The content decides, not the suffix. Pickles are read with ``weights_only=True``, so no code in them runs. State
    dicts are found in training checkpoints, and keys lose the prefixes of wrappers, as by `unwrapped`.
    shapes_only: gives tensors on the meta device, from a file's description of itself where it has one.
    """
    name = Path(path).name
    try:
        with open(path, "rb") as file:
            start = file.read(200)
            file.seek(max(0, os.fstat(file.fileno()).st_size - 8))
            end = file.read()
    except OSError as error:
        sentence = _("{file}: cannot be read ({reason}).")
        raise CheckpointError(sentence.format(file=name, reason=error.strerror)) from error
    if what := foreign(name, start, end):
        raise CheckpointError(what.format(file=name))
    try:
        content = _content(path, start, shapes_only)
    except CheckpointError:
        raise
    except Exception as error:  # the readers raise a dozen types on damaged files
        if "weights_only" in str(error).lower() or "Unsupported" in str(error):
            sentence = _("{file}: holds objects other than plain tensors and is not loaded.")
            raise CheckpointError(sentence.format(file=name)) from error
        raise CheckpointError(_("{file}: damaged or cut off.").format(file=name)) from error
    if not isinstance(content, Mapping) or not content:
        raise CheckpointError(_("{file}: not a checkpoint (no dictionary of tensors in it).").format(file=name))
    found = unwrapped(content)
    for key, value in found.state.items():
        if not isinstance(key, str):
            raise CheckpointError(_("{file}: not a checkpoint (a name in it is not text).").format(file=name))
        plain = isinstance(value, Tensor) and value.layout is torch.strided and not value.is_nested
        if not plain or value.is_meta is not shapes_only:
            raise CheckpointError(_("{file}: {key!r} is not a plain tensor.").format(file=name, key=key))
    # A view can show one stored number a million times. Copying such views would fill the memory from a small file.
    if sum(tensor.nbytes for tensor in found.state.values()) > os.path.getsize(path):
        raise CheckpointError(_("{file}: its tensors are larger than the file.").format(file=name))
    return found


def unwrapped(content: Mapping[str, object]) -> Checkpoint:
    """The state dict in what a training program saved, under the keys that the network gave it.

    Averaged weights (EMA) are preferred to the last ones, as timm does; a note says so.
    """
    notes: list[str] = []
    while chosen := next((key for key in (*AVERAGED, *LAST) if isinstance(content.get(key), Mapping)), None):
        others = [key for key in LAST if isinstance(content.get(key), Mapping)]
        if chosen in AVERAGED and others:
            sentence = N_(
                "It holds averaged weights ({averaged}) beside the last ones ({last}); the averaged ones are used, as "
                "timm does."
            )
            notes.append(Filled(sentence, averaged=chosen, last=others[0]))
        content = content[chosen]  # type: ignore[assignment]
    state: dict[str, Tensor] = {}
    for key, value in content.items():
        while isinstance(key, str) and (prefix := next((p for p in PREFIXES if key.startswith(p)), None)):
            key = key[len(prefix) :]
        if key != COUNTER:
            state[key] = value  # type: ignore[assignment]  # the caller checks each
    return Checkpoint(state, tuple(notes))


def foreign(name: str, start: bytes, end: bytes) -> str | None:
    """What a file is that holds no weights that can be read here, in a sentence with a place for its name.

    None for any other file.
    """
    if start.startswith(b"version https://git-lfs.github.com/"):
        return _("{file}: a Git LFS pointer instead of the file; git lfs pull fetches the file itself.")
    if start.startswith(b"\x93NUMPY"):
        return _("{file}: a NumPy array (.npy), which holds no names of weights; save a state dict as .safetensors.")
    is_table = end == TENSORFLOW_TABLE or start.startswith(b"model_checkpoint_path:")
    if is_table or TENSORFLOW_NAMES.search(name):
        return _(
            "{file}: part of a TensorFlow checkpoint, which only TensorFlow reads; docs/checkpoints.md converts it."
        )
    is_torch = start[:1] == b"\x80" or start[:4] == b"PK\x03\x04"
    if not is_torch and start[8:9] != b"{" and not start.startswith(HDF5):
        return _("{file}: not a checkpoint (neither safetensors nor a file of PyTorch or Keras).")
    return None


def foreign_archive(names: list[str]) -> str | None:
    """As `foreign`, for a zip archive, by the names of its files."""
    if any(name.endswith(".npy") for name in names):
        return _("{file}: a NumPy archive (.npz), which is not loaded; save a state dict as .safetensors.")
    if any(name.endswith("constants.pkl") for name in names):
        return _(
            "{file}: a TorchScript program, which is not loaded because it is code; save its state_dict() instead."
        )
    if any(name.endswith(("archive_format", "models/model.json")) for name in names):
        return _(
            "{file}: an exported PyTorch program (.pt2), which is not loaded; save the state_dict() of the model "
            "instead."
        )
    if "model.weights.h5" in names:
        return _("{file}: a Keras model (.keras); save its weights alone with save_weights, as .weights.h5.")
    return None


def _content(path: str | PathLike[str], start: bytes, shapes_only: bool) -> object:
    if start.startswith(HDF5):
        from .keras_files import read_h5  # not above, because h5py is optional

        return read_h5(Path(path), shapes_only)
    if start[8:9] == b"{":
        return _safetensors_shapes(path) if shapes_only else load_file(path)
    with open(path, "rb") as file:  # given a path, torch.load would choose the format by its suffix
        if start[:1] == b"P":
            with zipfile.ZipFile(file) as archive:
                if what := foreign_archive(archive.namelist()):
                    raise CheckpointError(what.format(file=Path(path).name))
            file.seek(0)
            if not shapes_only:
                check_archive(file)
            return torch.load(file, map_location="meta" if shapes_only else "cpu", weights_only=True)
        content = torch.load(file, map_location=cleared_storages(file), weights_only=True)
    return _on_meta(content) if shapes_only else content


def _safetensors_shapes(path: str | PathLike[str]) -> dict[str, Tensor]:
    state = {}
    with safe_open(path, "pt") as file:
        for key in file.keys():  # noqa: SIM118 (it is no dictionary)
            described = file.get_slice(key)
            dtype = DTYPES.get(described.get_dtype(), torch.uint8)
            state[key] = torch.empty(described.get_shape(), dtype=dtype, device="meta")
    return state


# What safetensors calls a dtype. Those that PyTorch has and no network needs are left out.
DTYPES = {
    "F64": torch.float64,
    "F32": torch.float32,
    "F16": torch.float16,
    "BF16": torch.bfloat16,
    "I64": torch.int64,
    "I32": torch.int32,
    "I16": torch.int16,
}


def _on_meta(content: object) -> object:
    if isinstance(content, Tensor):
        return content.to("meta") if content.layout is torch.strided else content
    if isinstance(content, Mapping):
        return {key: _on_meta(value) for key, value in content.items()}
    return content


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
