"""Integrated gradients, which add up the gradient along the way from a black picture."""

from collections.abc import Callable
from weakref import WeakKeyDictionary

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from ...runtime.half_gradient import half_gradients
from ...runtime.onednn import quick_in_bfloat16
from ...runtime.predictor import Predictor
from ...runtime.progress import Progress, no_progress
from ...words import N_, Filled
from ..elsewhere import engine_view
from .attribution import Attribution
from .score import (
    Check,
    Explained,
    Target,
    call_between_layers,
    check_count,
    explained_model,
    go_on,
    score_in,
    score_of,
    what_of,
)

STEPS, MAX_STEPS = 20, 200
# Pictures in one turn, forward and backward: less than a second on two cores. Half as many bytes a picture are kept for
# the way back where the passes are quick.
STEP_BATCH, QUICK_BATCH = 2, 4
FIRST_STEPS = 4  # what the first, coarse map is made of

Preview = Callable[[Attribution], None]  # called, out of turn, with a coarse map while the work goes on


def no_preview(_coarse: Attribution) -> None:
    """Shows no one a coarse map."""


@engine_view("attributions/integrated_gradients")
def integrated_gradients(
    predictor: Predictor,
    prepared: Image.Image,
    target: Target,
    steps: int = STEPS,
    progress: Progress = no_progress,
    *,
    quick: bool = False,
    preview: Preview = no_preview,
    check: Check = go_on,
) -> Attribution:
    """Integrated gradients (Sundararajan, Taly and Yan 2017) from a black picture, summed over the colours.

    target: index of a class, or an embedding (D,) to compare with. steps: of the integral (Gauss-Legendre), 1 to 200;
    each is a forward and a backward pass.
    progress: called with steps done and all steps, after each batch and out of turn; what it raises ends the work.
    quick: whether the passes may round to bfloat16, where the processor is quick in it: all of the way back, and the
    way forwards after the first stage. Rounded there, ReLUs switch, and the map is another one.
    preview: called once, with the map of four steps spread over the way. check: called between layers; what it raises
    ends the work at once. Raises AttributionError, OutOfMemory.
    """
    check_count("steps", steps, MAX_STEPS)
    model = explained_model(predictor, target)
    size = STEP_BATCH
    if quick and quick_in_bfloat16(predictor.device):
        model, size = half_gradients(model), QUICK_BATCH
    call_between_layers(model, check)
    end = predictor.to_input(prepared).float()
    start = predictor.to_input(Image.new("RGB", prepared.size)).float()
    with predictor.turn(), torch.no_grad():
        outputs = model(end), _outputs_of_black(predictor, model, start)
    scores = [score_in(one, target).item() for one in outputs]

    def attribution(gradient: Tensor, steps: int) -> Attribution:
        values = ((end - start) * gradient).sum(dim=1)[0].cpu().numpy()
        says, dead = _meaning(values, what_of(predictor, target), scores, steps)
        return Attribution(values, True, says, scores[0], scores[1], dead)

    nodes, weights = np.polynomial.legendre.leggauss(steps)
    first, rest, first_weights = _coarse_first(weights)
    total, coarse = torch.zeros_like(end), torch.zeros_like(end)
    done = 0
    for part in (first, rest):
        for begin in range(0, len(part), size):
            batch = part[begin : begin + size]
            with predictor.turn():
                gradients = _gradients(model, target, start, end, (nodes[batch] + 1) / 2)
            total += _weighted(gradients, weights[batch] / 2)
            if part is first:
                coarse += _weighted(gradients, first_weights[begin : begin + size] / 2)
            done += len(batch)
            progress(done, steps)
        if part is first and len(rest):
            preview(attribution(coarse, len(first)))
    return attribution(total, steps)


_of_black: WeakKeyDictionary[Predictor, tuple[torch.Size, Tensor]] = WeakKeyDictionary()  # shape of the input, outputs


def _outputs_of_black(predictor: Predictor, model: nn.Module, black: Tensor) -> Tensor:
    """What the model gives for the black picture (1, 3, H, W), with which the maps of all pictures begin; kept."""
    shape, outputs = _of_black.get(predictor, (None, black))
    if shape != black.shape:
        outputs = model(black)
        _of_black[predictor] = black.shape, outputs
    return outputs


def _coarse_first(weights: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Indices of the steps that make a first map, those of all others, and the weights of the first ones in it.

    The way is cut into as many parts as there are first steps; the one in the middle of a part stands for all of it.
    """
    parts = np.array_split(np.arange(len(weights)), min(FIRST_STEPS, len(weights)))
    first = np.array([part[len(part) // 2] for part in parts])
    rest = np.setdiff1d(np.arange(len(weights)), first)
    return first, rest, np.array([weights[part].sum() for part in parts])


def _gradients(model: nn.Module, target: Target, start: Tensor, end: Tensor, places: np.ndarray) -> Tensor:
    """The gradients (N, 3, H, W) of the score at N places from 0 (start) to 1 (end)."""
    shares = torch.as_tensor(places, dtype=end.dtype, device=end.device)[:, None, None, None]
    x = (start + shares * (end - start)).requires_grad_()
    (gradients,) = torch.autograd.grad(score_of(model, target, x).sum(), x)
    return gradients


def _weighted(gradients: Tensor, weights: np.ndarray) -> Tensor:
    """(N, 3, H, W) with N weights as their sum (1, 3, H, W)."""
    factors = torch.as_tensor(weights, dtype=gradients.dtype, device=gradients.device)[:, None, None, None]
    return (factors * gradients).sum(dim=0, keepdim=True)


def _meaning(values: np.ndarray, what: Explained, scores: list[float], steps: int) -> tuple[Filled, Filled | None]:
    """What the map says, and why it tells nothing where it does not."""
    at_picture, at_black = scores
    added, difference = float(values.sum(dtype=np.float64)), at_picture - at_black
    says = Filled(
        N_(
            "What each pixel adds to the score of {what} on the way from a black picture ({at_black:.3g}) to this one "
            "({at_picture:.3g}); red raises it, blue lowers it. All pixels together add {added:.3g}, and "
            "{difference:.3g} is the difference: {steps} steps miss the integral by {missed:.2g}."
        ),
        what=what,
        at_black=at_black,
        at_picture=at_picture,
        added=added,
        difference=difference,
        steps=steps,
        missed=abs(added - difference),
    )
    if values.any():
        return says, None
    dead = N_(
        "The gradient of the score of {what} is 0 at every pixel, all the way from a black picture to this one: no "
        "pixel could change it."
    )
    return says, Filled(dead, what=what)
