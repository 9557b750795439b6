"""Weights that Keras saved as HDF5, read with h5py, an optional requirement.

Three layouts are read: weights alone and whole models as Keras 1 and 2 wrote them, and `.weights.h5` of Keras 3. Each
data set becomes an entry ``layer/variable``: ``conv2d_17/kernel``, ``conv_7b_bn/beta``.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..words import _
from .checkpoint_error import CheckpointError

MOST_DATA_SETS = 20_000
# The variables of a layer in Keras 3, which numbers them; a batch norm has three or, with gamma, four.
CONVOLUTION = ("kernel", "bias")
BATCH_NORM = ("gamma", "beta", "moving_mean", "moving_variance")
NUMBERED = re.compile(r"(conv2d|batch_normalization)(?:_(\d+))?")
OPTIMIZER = ("optimizer", "optimizer_weights")
CLASSIFIER = "predictions"  # what Keras Applications call it


def read_h5(path: Path, shapes_only: bool = False) -> dict[str, Tensor]:
    """The variables of all layers under ``layer/variable``, in Keras' order of axes; raises CheckpointError.

    Automatic names of layers count on from model to model in one session of Keras, so their numbers are made to begin
    with 0. The one layer with a kernel of two axes is called `CLASSIFIER`, whatever its name.
    shapes_only: gives tensors on the meta device.
    """
    try:
        import h5py  # type: ignore[import-untyped]
    except ImportError as error:
        sentence = _("{file}: a Keras file, which needs h5py: pip install -r requirements-keras.txt.")
        raise CheckpointError(sentence.format(file=path.name)) from error
    variables: dict[str, Tensor] = {}
    with h5py.File(path, "r") as file:
        left = path.stat().st_size
        for layer, variable, data in _variables(file, h5py, path.name):
            # Packed data can be far larger than their file, and outside data are another file of this machine.
            if data.chunks or data.is_virtual or data.external or data.dtype.kind != "f":
                sentence = _("{file}: {key!r} is not stored as Keras stores weights.")
                raise CheckpointError(sentence.format(file=path.name, key=data.name))
            left -= data.nbytes
            if left < 0:
                raise CheckpointError(_("{file}: its tensors are larger than the file.").format(file=path.name))
            if shapes_only:
                variables[f"{layer}/{variable}"] = torch.empty(data.shape, device="meta")
            else:
                variables[f"{layer}/{variable}"] = torch.from_numpy(np.array(data, "float32"))
    return _renumbered(variables)


def _variables(file: Any, h5py: Any, name: str) -> Iterator[tuple[str, str, Any]]:
    """Layer, variable and data set, of everything but the optimizer's; links to other files are not followed."""
    found: list[Any] = []

    def visit(path: str, item: Any) -> None:
        if isinstance(item, h5py.Dataset) and path.partition("/")[0] not in OPTIMIZER:
            found.append(item)
            if len(found) > MOST_DATA_SETS:
                raise CheckpointError(_("{file}: more than {most:,} data sets.").format(file=name, most=MOST_DATA_SETS))

    file.visititems(visit)
    for data in found:
        path, _slash, variable = str(data.name).rpartition("/")
        layer = path.rpartition("/")[2]
        if layer != "vars":
            yield layer, variable.partition(":")[0], data
            continue
        group = data.parent  # Keras 3: its path is the kind of layer with a number, its name is an attribute
        kind = group.name.split("/")[-2]
        names = BATCH_NORM[-len(group) :] if kind.startswith("batch_norm") else CONVOLUTION
        if "name" not in group.attrs:
            if len(group):
                sentence = _("{file}: written by an early Keras 3, which left out the names of the layers.")
                raise CheckpointError(sentence.format(file=name))
            continue
        if not variable.isdecimal() or int(variable) >= len(names):
            sentence = _("{file}: {key!r} is not a weight of a convolution, batch norm or dense layer.")
            raise CheckpointError(sentence.format(file=name, key=data.name))
        yield str(group.attrs["name"]), names[int(variable)], data


def _renumbered(variables: dict[str, Tensor]) -> dict[str, Tensor]:
    layers = list(dict.fromkeys(key.rpartition("/")[0] for key in variables))
    names: dict[str, str] = {}
    for kind in ("conv2d", "batch_normalization"):
        numbered = {layer: match for layer in layers if (match := NUMBERED.fullmatch(layer)) and match[1] == kind}
        in_order = sorted(numbered, key=lambda layer: int(numbered[layer][2] or 0))
        names |= {layer: f"{kind}_{number}" for number, layer in enumerate(in_order)}
    dense = [key for key, tensor in variables.items() if key.endswith("/kernel") and tensor.ndim == 2]
    if len(dense) == 1:
        names[dense[0].removesuffix("/kernel")] = CLASSIFIER
    return {
        f"{names.get(layer, layer)}/{variable}": tensor
        for (layer, _, variable), tensor in ((key.rpartition("/"), tensor) for key, tensor in variables.items())
    }
