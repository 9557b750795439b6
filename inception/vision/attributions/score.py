"""The score: the one number that a map explains.

For a class it is the class's logit; for a network that embeds it is the cosine between the picture's embedding and a
given one. It is computed in float32 on a private copy of the network, in turns, and can be stopped between layers.
"""

import operator
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from ...models.layers import L2Normalize
from ...runtime.predictor import Predictor, outputs_of
from ...runtime.private_copy import private_copy
from ...words import _
from ..titles import class_title
from ..wire import travels
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


def score_of(model: Callable[[Tensor], Tensor], target: Target, x: Tensor) -> Tensor:
    """(N, 3, H, W), or what else a model takes, to (N,): the logit of the class, or the cosine with the embedding."""
    return score_in(model(x), target)


def score_in(outputs: Tensor, target: Target) -> Tensor:
    """What a model gave, (N, classes) or (N, D), to the scores (N,)."""
    if isinstance(target, np.ndarray):
        return F.cosine_similarity(outputs.float(), _reference(target, outputs.device))
    return outputs.float()[:, target]


def product_of(model: nn.Module, target: Target, x: Tensor) -> Tensor:
    """(N, 3, H, W) to (N,): the logit of the class, or the product with the embedding at length 1.

    An embedding compared with itself has the largest cosine there is, hence no gradient. The product has one, and from
    the last convolution on it is a sum over cells (Stylianou et al. 2019).
    """
    outputs = model(x)
    if isinstance(target, np.ndarray):
        return (outputs * F.normalize(_reference(target, x.device))).sum(dim=1)
    return outputs[:, target]


@travels
@dataclass(frozen=True)
class Explained:
    """What a score is of, as sentences name it."""

    label: str | None  # of a class; None for the likeness to a reference

    def __str__(self) -> str:
        if self.label is None:
            return _("likeness to the reference")
        return _("“{label}”").format(label=class_title(self.label))


def what_of(predictor: Predictor, target: Target) -> Explained:
    """What the score says, for sentences."""
    return Explained(None if isinstance(target, np.ndarray) else predictor.labels[target])


def check_count(name: str, value: int, most: int) -> None:
    """Raises AttributionError unless 1 <= value <= most."""
    if not 1 <= value <= most:
        raise AttributionError(
            _("{name} must be from 1 to {most}, not {value}.").format(name=name, most=most, value=value)
        )


def _check_target(predictor: Predictor, target: Target, outputs: int) -> None:
    if isinstance(target, np.ndarray):
        if not predictor.embeds:
            sentence = _("{network} tells classes apart: choose one, not an embedding.")
            raise AttributionError(sentence.format(network=predictor.name))
        if target.shape != (outputs,) or not np.isfinite(target).all() or not target.any():
            sentence = _("An embedding of {network} has {count} finite numbers, not all 0.")
            raise AttributionError(sentence.format(network=predictor.name, count=outputs))
    elif predictor.embeds:
        sentence = _("{network} has no classes: choose an embedding to compare with.")
        raise AttributionError(sentence.format(network=predictor.name))
    elif not 0 <= operator.index(target) < outputs:
        sentence = _("{network} has classes 0 to {last}, no class {target}.")
        raise AttributionError(sentence.format(network=predictor.name, last=outputs - 1, target=target))


def _reference(target: NDArray[np.float32], device: torch.device) -> Tensor:
    return torch.as_tensor(target, dtype=torch.float32, device=device)[None]
