"""The score: the one number that a map explains.

For a class it is the class's logit; for a network that embeds it is the cosine between the picture's embedding and a
given one. It is computed in float32 on a private copy of the network, in turns, and can be stopped between layers.
"""

import operator
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from ...models.layers import L2Normalize
from ...runtime.predictor import Predictor, outputs_of
from ...runtime.private_copy import private_copy
from .attribution import AttributionError

Target = int | NDArray[np.float32]  # the index of a class, or an embedding (D,) to compare with
Check = Callable[[], None]  # called between layers, in turn: what it raises ends the work


def go_on() -> None:
    """Lets the work go on to its end."""


def explained_model(predictor: Predictor, target: Target) -> nn.Module:
    """A private copy that stops before embeddings are scaled to length 1.

    Raises AttributionError for wrong targets, OutOfMemory.
    """
    model = private_copy(predictor)
    _check_target(predictor, target, outputs_of(model))
    for path, module in list(model.named_modules()):
        if isinstance(module, L2Normalize):
            model.set_submodule(path, nn.Identity())
    return model


def call_between_layers(model: nn.Module, check: Check) -> None:
    """Lets a model call `check` after each module of every pass, forward and backward."""
    if check is go_on:
        return

    def backward(_gradient: Tensor) -> None:
        check()

    def forward(_module: nn.Module, _inputs: Any, output: Tensor) -> None:
        check()
        if output.requires_grad:
            output.register_hook(backward)

    for module in model.modules():
        module.register_forward_hook(forward)


def score_of(model: nn.Module, target: Target, x: Tensor) -> Tensor:
    """(N, 3, H, W) to (N,): the logit of the class, or the cosine with the embedding."""
    outputs = model(x).float()
    if isinstance(target, np.ndarray):
        return F.cosine_similarity(outputs, _reference(target, x.device))
    return outputs[:, target]


def product_of(model: nn.Module, target: Target, x: Tensor) -> Tensor:
    """(N, 3, H, W) to (N,): the logit of the class, or the product with the embedding at length 1.

    An embedding compared with itself has the largest cosine there is, hence no gradient. The product has one, and from
    the last convolution on it is a sum over cells (Stylianou et al. 2019).
    """
    outputs = model(x)
    if isinstance(target, np.ndarray):
        return (outputs * F.normalize(_reference(target, x.device))).sum(dim=1)
    return outputs[:, target]


def what_of(predictor: Predictor, target: Target) -> str:
    """What the score says, for sentences."""
    return "likeness to the reference" if isinstance(target, np.ndarray) else f"“{predictor.labels[target]}”"


def check_count(name: str, value: int, most: int) -> None:
    """Raises AttributionError unless 1 <= value <= most."""
    if not 1 <= value <= most:
        raise AttributionError(f"{name} must be from 1 to {most}, not {value}.")


def _check_target(predictor: Predictor, target: Target, outputs: int) -> None:
    if isinstance(target, np.ndarray):
        if not predictor.embeds:
            raise AttributionError(f"{predictor.name} tells classes apart: choose one, not an embedding.")
        if target.shape != (outputs,) or not np.isfinite(target).all() or not target.any():
            raise AttributionError(f"An embedding of {predictor.name} has {outputs} finite numbers, not all 0.")
    elif predictor.embeds:
        raise AttributionError(f"{predictor.name} has no classes: choose an embedding to compare with.")
    elif not 0 <= operator.index(target) < outputs:
        raise AttributionError(f"{predictor.name} has classes 0 to {outputs - 1}, no class {target}.")


def _reference(target: NDArray[np.float32], device: torch.device) -> Tensor:
    return torch.as_tensor(target, dtype=torch.float32, device=device)[None]
