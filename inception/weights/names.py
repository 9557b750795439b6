"""The entries of our networks under the names of other implementations, and the other way round."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from torch import Tensor, nn

from ..models.layers import ConvUnit
from ..models.network import Network, TensorFlowNames
from ..words import N_

AVERAGED = "/ExponentialMovingAverage"
# What TensorFlow keeps beside the weights.
BOOKKEEPING = re.compile(r"global_step|.*/(RMSProp|Momentum|Adam|Adagrad)(_\d+)?|.*/(Adam|beta\d_power)")


@dataclass(frozen=True)
class Naming:
    """How one implementation calls the entries of a network, and how it stores them."""

    title: str  # whose names: "PyTorch" for ours and those of timm and others, "TF-Slim", "Keras"
    keys: Mapping[str, str]  # theirs -> ours
    to_torch: Callable[[Tensor, int], Tensor]  # their tensor in PyTorch's order of axes, of so many of them
    may_lack: Callable[[str], bool]  # whether a file may do without this key of theirs
    ignored: tuple[str, ...] = ()  # beginnings of further keys that a file may hold


def namings(model: nn.Module) -> list[Naming]:
    """All names under which a checkpoint for this network may come."""
    ours = model.state_dict()
    plain = {key: key for key in ours}
    found = [Naming("PyTorch", plain, _as_it_is, _is_counter)]
    if not isinstance(model, Network):
        return found
    ignored = tuple(f"{theirs}." for ours, theirs in model.names.items() if ours.startswith(model.may_lack))
    if model.names:
        found.append(Naming("PyTorch", renamed(ours, model.names), _as_it_is, _is_counter, ignored))
    if model.names_of_cadene:
        names = {**model.names, **model.names_of_cadene}
        found.append(Naming("PyTorch", renamed(ours, names), _as_it_is, _is_counter, ignored))
    if model.tensorflow:
        found.append(_slim(model, ours, model.tensorflow))
        if model.tensorflow.keras is not None:
            found.append(_keras(model, ours, model.tensorflow.keras))
    return found


def naming_of(state: Mapping[str, object], model: nn.Module) -> Naming:
    """That of `namings` which shares most keys with a state dict; the first of several that share as many."""
    return max(namings(model), key=lambda naming: len(naming.keys.keys() & state.keys()))


def renamed(keys: Iterable[str], names: Mapping[str, str]) -> dict[str, str]:
    """Others' keys of these entries of a state dict, mapped to ours. Keys without a path in the table stay.

    names: as of `Network`, paths of our modules to theirs; the longest path with which a key begins counts.
    """
    return {rename(key, names): key for key in keys}


def rename(key: str, names: Mapping[str, str]) -> str:
    """One key of ours as others call it; the key itself if no path in the table begins it."""
    path = key
    while path:
        if path in names:
            return names[path] + key[len(path) :]
        path = path.rpartition(".")[0]
    return key


def tidy(state: Mapping[str, Tensor]) -> tuple[dict[str, Tensor], list[str]]:
    """A state dict with what TensorFlow adds to it taken away, and what its owner should know of that.

    Variables lose their ":0"; a variable's moving average takes its place; the optimizer's variables go.
    """
    if not any(isinstance(key, str) and "/" in key for key in state):
        return dict(state), []
    state = {key.removesuffix(":0"): tensor for key, tensor in state.items() if "/" in key or key != "global_step"}
    averaged = {key.removesuffix(AVERAGED): tensor for key, tensor in state.items() if key.endswith(AVERAGED)}
    kept = {key: tensor for key, tensor in state.items() if not key.endswith(AVERAGED)}
    notes = [N_("Its variables have moving averages, and those are used.")] if averaged else []
    return {key: t for key, t in (kept | averaged).items() if not BOOKKEEPING.fullmatch(key)}, notes


# PyTorch
def _as_it_is(tensor: Tensor, _: int) -> Tensor:
    return tensor


def _is_counter(key: str) -> bool:
    """PyTorch writes these since 0.4.1 and does not insist on them either."""
    return key.endswith("num_batches_tracked")


# TensorFlow
def from_tensorflow(tensor: Tensor, axes: int) -> Tensor:
    """Kernels of (height, width, in, out) or (in, out) as (out, in, height, width) or (out, in); others as they are."""
    if (
        tensor.ndim == 4 and axes == 2 and tensor.shape[:2] == (1, 1)
    ):  # a 1x1 convolution that does a linear layer's work
        tensor = tensor[0, 0]
    if tensor.ndim == 4:
        return tensor.permute(3, 2, 0, 1)
    return tensor.T if tensor.ndim == 2 else tensor


def _is_gamma(key: str) -> bool:
    """TF-Slim and Keras Applications do not scale behind a batch norm that a ReLU follows."""
    return key.endswith("/gamma")


SLIM_VARIABLES = {
    "weight": "weights",
    "bias": "biases",
    "bn.weight": "BatchNorm/gamma",
    "bn.bias": "BatchNorm/beta",
    "bn.running_mean": "BatchNorm/moving_mean",
    "bn.running_var": "BatchNorm/moving_variance",
}
KERAS_VARIABLES = {
    "weight": "kernel",
    "bias": "bias",
    "bn.weight": "gamma",
    "bn.bias": "beta",
    "bn.running_mean": "moving_mean",
    "bn.running_var": "moving_variance",
}


def _slim(model: Network, ours: Mapping[str, Tensor], names: TensorFlowNames) -> Naming:
    """TF-Slim's scopes: ours without the stage and the fork, behind the name of the network."""
    stages = dict.fromkeys(model._modules, names.scope)
    keys = {}
    for key in ours:
        path, variable = _layer_and_variable(model, key)
        if variable in SLIM_VARIABLES:
            scope = rename(path, {**stages, **names.slim}).replace(".fork", "").replace(".", "/")
            keys[f"{scope}/{SLIM_VARIABLES[variable]}"] = key
    auxiliary = f"{names.scope}/AuxLogits/"
    ignored = () if any(key.startswith(auxiliary) for key in keys) else (auxiliary,)
    left_aside = tuple(f"{names.slim[path]}/" for path in model.may_lack if path in names.slim)
    return Naming("TF-Slim", keys, from_tensorflow, _is_gamma, ignored + left_aside)


def _keras(model: Network, ours: Mapping[str, Tensor], named: Mapping[str, str]) -> Naming:
    """Keras Applications' layers, of which most have only a number, in the order of ours; see `keras_files`."""
    units = [path for path, module in model.named_modules() if isinstance(module, ConvUnit)]
    numbers = {path: number for number, path in enumerate(path for path in units if path not in named)}
    keys = {}
    for key in ours:
        path, variable = _layer_and_variable(model, key)
        if variable in KERAS_VARIABLES:
            is_norm = variable.startswith("bn.")
            if path in numbers:
                layer = f"{'batch_normalization' if is_norm else 'conv2d'}_{numbers[path]}"
            else:
                layer = named.get(path, path) + ("_bn" if is_norm else "")
            keys[f"{layer}/{KERAS_VARIABLES[variable]}"] = key
    return Naming("Keras", keys, from_tensorflow, _is_gamma)


def _layer_and_variable(model: nn.Module, key: str) -> tuple[str, str]:
    """Path of the layer and name inside it, of an entry: a `ConvUnit` is one layer, as in TensorFlow."""
    path, _, variable = key.rpartition(".")
    parent, _, last = path.rpartition(".")
    if isinstance(model.get_submodule(parent), ConvUnit):
        return parent, variable if last == "conv" else f"{last}.{variable}"
    if isinstance(model.get_submodule(path), nn.BatchNorm1d | nn.BatchNorm2d):
        return path, f"bn.{variable}"
    return path, variable
