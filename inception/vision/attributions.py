"""Where a network looks: which pixels speak for a class, or for the likeness of two faces, in three ways.

Grad-CAM asks a layer, integrated gradients ask the gradient, occlusion hides a part and looks what happens. Captum
computes all three. They run in float32 on a private copy of the network, take a turn for each small batch, and can be
stopped between batches.

What is explained is one number, the *score*: for a class its logit; for a network that embeds the cosine between the
picture's embedding and a given one. Grad-CAM takes another score there: the product of the given embedding with the
picture's before that is scaled to length 1. An embedding compared with itself has the largest cosine there is, hence
no gradient; the product has one, and from the last convolution on it is a sum over cells (Stylianou et al. 2019).
"""

import operator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from captum.attr import IntegratedGradients, LayerGradCam, Occlusion
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor, nn

from ..errors import InputError
from ..graph.layer import Layer
from ..graph.layer_graph import LayerGraph
from ..graph.receptive_field import ReceptiveField
from ..models.layers import L2Normalize
from ..runtime.predictor import Predictor, outputs_of
from ..runtime.private_copy import private_copy
from ..runtime.progress import Progress, no_progress
from .inside import Array, check_size
from .maps import lay_over

STEPS, MAX_STEPS = 20, 200
WINDOWS, MAX_WINDOWS = 8, 16
STEP_BATCH = 2  # pictures in one turn, forward and backward: about a second on two cores
WINDOW_BATCH = 4  # forward only
CLIPPED = 0.5  # percent of the pixels of a signed map that may lie beyond its colours

Target = int | NDArray[np.float32]


class AttributionError(InputError):
    """A class, embedding, layer or number of steps that does not exist, in one sentence."""


@dataclass(frozen=True)
class Attribution:
    """A map over the pixels of a prepared picture."""

    values: Array  # (H, W)
    signed: bool  # whether values can be below 0, and then speak against the score
    meaning: str  # what a value says, in one sentence
    score: float  # of the picture
    baseline: float | None = None  # the score of a black picture; integrated gradients only

    @property
    def color_range(self) -> tuple[float, float]:
        """(low, high) of the colours: 0 to the largest value, or as far below 0 as above.

        Of a signed map 0.5 % of the pixels may lie beyond, so that a single one does not make all others pale.
        """
        if not self.signed:
            return 0.0, float(self.values.max())
        high = float(np.percentile(np.abs(self.values), 100 - CLIPPED)) or float(np.abs(self.values).max())
        return -high, high

    def over(self, prepared: Image.Image, opacity: float = 0.6) -> Image.Image:
        """The map laid over the picture, which turns grey beneath it; see `maps.heat_map` for the colours."""
        return lay_over(prepared, self.values, *self.color_range, self.signed, opacity)


def grad_cam(
    predictor: Predictor, prepared: Image.Image, graph: LayerGraph, layer: Layer, target: Target
) -> Attribution:
    """Grad-CAM (Selvaraju et al. 2017) of a layer with a grid: its channels, weighted by their mean gradient, above 0.

    target: index of a class, or an embedding (D,) to compare with. graph: the trace at the picture's size.
    A cell's value stands in the middle of its receptive field, with straight lines between cells and level beyond the
    outermost. To stretch the grid over the picture, as is usual, would put it up to a cell off where windows are VALID.
    Raises AttributionError, InsideError for a picture of another size than the graph's, OutOfMemory.
    """
    check_size(prepared, graph)
    field = graph.receptive_fields[layer.index]
    if field is None or len(layer.out_shape) != 3:
        raise AttributionError(f"{layer.path} has no grid of cells; Grad-CAM needs a layer before the last pool.")
    model = _model(predictor, target)
    scores: list[Tensor] = []

    def score(x: Tensor) -> Tensor:
        scores.append(_product(model, target, x))
        return scores[-1]

    picture = predictor.to_input(prepared).float().requires_grad_()
    with predictor.turn():
        method = LayerGradCam(score, model.get_submodule(layer.parts[-1].path))
        cells = method.attribute(picture, relu_attributions=True)
    values = _at_fields(cells[0, 0].detach().cpu().numpy(), field, graph.input_size)
    name, what = " ".join(filter(None, (layer.block, layer.branch, layer.layer))), _what(predictor, target)
    meaning = (
        f"Bright is where {name} holds what speaks for {what}: its activations, weighted by the gradient of the score "
        "and cut off at 0."
        if values.any()
        else f"Nothing that {name} holds speaks for {what}."
    )
    return Attribution(values, False, meaning, scores[0].item())


def integrated_gradients(
    predictor: Predictor, prepared: Image.Image, target: Target, steps: int = STEPS, progress: Progress = no_progress
) -> Attribution:
    """Integrated gradients (Sundararajan, Taly and Yan 2017) from a black picture, summed over the colours.

    target: as in `grad_cam`. steps: of the integral (Gauss-Legendre), 1 to 200; each is a forward and a backward pass.
    progress: called with steps done and all steps, after each batch and out of turn; what it raises ends the work.
    Raises AttributionError, OutOfMemory.
    """
    _check_count("steps", steps, MAX_STEPS)
    model = _model(predictor, target)
    done = 0

    def score(x: Tensor) -> Tensor:
        return _score(model, target, x)

    method = IntegratedGradients(score)
    gradients = method.gradient_func

    def gradients_in_turn(**arguments: Any) -> tuple[Tensor, ...]:
        nonlocal done
        with predictor.turn():
            result = gradients(**arguments)
        done += len(result[0])
        progress(done, steps)
        return result

    method.gradient_func = gradients_in_turn
    picture = predictor.to_input(prepared).float()
    black = predictor.to_input(Image.new("RGB", prepared.size)).float()
    with predictor.turn(), torch.no_grad():
        at_picture, at_black = score(torch.cat([picture, black])).tolist()
    shares = method.attribute(picture, black, n_steps=steps, internal_batch_size=STEP_BATCH)
    values = shares[0].sum(dim=0).detach().cpu().numpy()
    added, difference = float(values.sum(dtype=np.float64)), at_picture - at_black
    meaning = (
        f"What each pixel adds to the score of {_what(predictor, target)} on the way from a black picture "
        f"({at_black:.3g}) to this one ({at_picture:.3g}); red raises it, blue lowers it. All pixels together add "
        f"{added:.3g}, and {difference:.3g} is the difference: {steps} steps miss the integral by "
        f"{abs(added - difference):.2g}."
    )
    return Attribution(values, True, meaning, at_picture, at_black)


def occlusion(
    predictor: Predictor,
    prepared: Image.Image,
    target: Target,
    windows: int = WINDOWS,
    progress: Progress = no_progress,
) -> Attribution:
    """Occlusion (Zeiler and Fergus 2014): how far the score falls when a window of the picture turns grey.

    target: as in `grad_cam`. windows: down and across, 1 to 16, each twice as high and wide as the step to the next;
    each is a forward pass. A pixel has the mean of the windows that hide it.
    progress: called with passes done and all passes, after each batch and out of turn; what it raises ends the work.
    Raises AttributionError, OutOfMemory.
    """
    _check_count("windows", windows, MAX_WINDOWS)
    model = _model(predictor, target)
    sides = (prepared.height, prepared.width)
    strides = tuple(-(-side // (windows + 1)) for side in sides)
    window = tuple(min(2 * stride, side) for stride, side in zip(strides, sides, strict=True))
    counts = [-(-(side - w) // s) + 1 for side, w, s in zip(sides, window, strides, strict=True)]
    total = 1 + counts[0] * counts[1]  # the whole picture first
    scores: list[float] = []

    def score_in_turn(x: Tensor) -> Tensor:
        with predictor.turn(), torch.no_grad():
            score = _score(model, target, x)
        scores.extend(score.tolist())
        progress(len(scores), total)
        return score

    falls = Occlusion(score_in_turn).attribute(
        predictor.to_input(prepared).float(),
        sliding_window_shapes=(3, *window),
        strides=(3, *strides),
        baselines=0,  # after normalisation: the mean colour
        perturbations_per_eval=WINDOW_BATCH,
    )
    meaning = (
        f"How far the score of {_what(predictor, target)} ({scores[0]:.3g}) falls when a grey window of "
        f"{window[0]}x{window[1]} px hides a pixel, on average over such windows; below 0 (blue) it rises."
    )
    return Attribution(falls[0, 0].cpu().numpy(), True, meaning, scores[0])


def _check_count(name: str, value: int, most: int) -> None:
    if not 1 <= value <= most:
        raise AttributionError(f"{name} must be from 1 to {most}, not {value}.")


def _model(predictor: Predictor, target: Target) -> nn.Module:
    """A private copy that stops before embeddings are scaled to length 1; raises AttributionError for wrong targets."""
    model = private_copy(predictor)
    outputs = outputs_of(model)
    if isinstance(target, np.ndarray):
        if not predictor.embeds:
            raise AttributionError(f"{predictor.name} tells classes apart: choose one, not an embedding.")
        if target.shape != (outputs,) or not np.isfinite(target).all() or not target.any():
            raise AttributionError(f"An embedding of {predictor.name} has {outputs} finite numbers, not all 0.")
    elif predictor.embeds:
        raise AttributionError(f"{predictor.name} has no classes: choose an embedding to compare with.")
    elif not 0 <= operator.index(target) < outputs:
        raise AttributionError(f"{predictor.name} has classes 0 to {outputs - 1}, no class {target}.")
    for path, module in list(model.named_modules()):
        if isinstance(module, L2Normalize):
            model.set_submodule(path, nn.Identity())
    return model


def _score(model: nn.Module, target: Target, x: Tensor) -> Tensor:
    """(N, 3, H, W) to (N,): the logit of the class, or the cosine with the embedding."""
    if isinstance(target, np.ndarray):
        return F.cosine_similarity(model(x), _reference(target, x.device))
    return model(x)[:, target]


def _product(model: nn.Module, target: Target, x: Tensor) -> Tensor:
    """(N, 3, H, W) to (N,): the logit of the class, or the product with the embedding at length 1."""
    if isinstance(target, np.ndarray):
        return (model(x) * F.normalize(_reference(target, x.device))).sum(dim=1)
    return model(x)[:, target]


def _reference(target: NDArray[np.float32], device: torch.device) -> Tensor:
    return torch.as_tensor(target, dtype=torch.float32, device=device)[None]


def _what(predictor: Predictor, target: Target) -> str:
    return "likeness to the reference" if isinstance(target, np.ndarray) else f"“{predictor.labels[target]}”"


def _at_fields(cells: Array, field: ReceptiveField, size: tuple[int, int]) -> Array:
    """(h, w) cells over `size` pixels, each in the middle of its field, linear in between."""
    rows, columns = (
        np.array(
            [
                np.interp(
                    np.arange(size[axis]),
                    field.offset[axis] + (field.size[axis] - 1) / 2 + field.stride[axis] * np.arange(n),
                    unit,
                )
                for unit in np.eye(n)
            ]
        )
        for axis, n in enumerate(cells.shape)
    )
    return (rows.T @ cells @ columns).astype(np.float32)
