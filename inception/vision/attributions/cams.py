"""Class activation maps: Grad-CAM and LayerCAM, which ask one layer what it holds."""

from collections.abc import Callable

import numpy as np
from captum.attr import LayerGradCam, LayerGradientXActivation
from PIL import Image
from torch import Tensor, nn

from ...graph.layer import Layer
from ...graph.layer_graph import LayerGraph
from ...graph.receptive_field import ReceptiveField
from ...runtime.predictor import Predictor
from ...words import N_, Filled, _
from ..elsewhere import engine_view
from ..inside import Array, check_size
from .attribution import Attribution, AttributionError, is_flat
from .score import Target, explained_model, product_of, what_of

Score = Callable[[Tensor], Tensor]


@engine_view("attributions/grad_cam")
def grad_cam(
    predictor: Predictor, prepared: Image.Image, graph: LayerGraph, layer: Layer, target: Target
) -> Attribution:
    """Grad-CAM (Selvaraju et al. 2017) of a layer with a grid: its channels, weighted by their mean gradient, above 0.

    target: index of a class, or an embedding (D,) to compare with. graph: the trace at the picture's size.
    A cell's value stands in the middle of its receptive field, with straight lines between cells and level beyond the
    outermost. To stretch the grid over the picture, as is usual, would put it up to a cell off where windows are VALID.
    Raises AttributionError, InsideError for a picture of another size than the graph's, OutOfMemory.
    """

    def cells(score: Score, module: nn.Module, picture: Tensor) -> tuple[Tensor, str]:
        found: Tensor = LayerGradCam(score, module).attribute(picture)
        says = N_(
            "Bright is where {layer} holds what speaks for {what}: its activations, weighted by the mean gradient of "
            "each channel and cut off at 0."
        )
        return found.sum(dim=1)[0], says

    return _cam(predictor, prepared, graph, layer, target, cells)


@engine_view("attributions/layer_cam")
def layer_cam(
    predictor: Predictor, prepared: Image.Image, graph: LayerGraph, layer: Layer, target: Target
) -> Attribution:
    """LayerCAM (Jiang et al. 2021) of a layer with a grid: activations times those of their gradients that are above 0.

    Grad-CAM takes one weight for a whole channel; here each cell has its own, so fine grids keep their detail.
    Parameters, the place of cells in the picture and errors are those of `grad_cam`.
    """

    def cells(score: Score, module: nn.Module, picture: Tensor) -> tuple[Tensor, str]:
        kept: list[Tensor] = []
        hook = module.register_forward_hook(lambda _module, _inputs, output: kept.append(output.detach()))
        gradient = LayerGradientXActivation(score, module, multiply_by_inputs=False).attribute(picture)
        hook.remove()
        found = (gradient.relu() * kept[-1]).sum(dim=1)[0]
        says = N_(
            "Bright is where {layer} holds what speaks for {what}: its activations, each times its own gradient where "
            "that raises the score."
        )
        return found, says

    return _cam(predictor, prepared, graph, layer, target, cells)


def _cam(
    predictor: Predictor,
    prepared: Image.Image,
    graph: LayerGraph,
    layer: Layer,
    target: Target,
    cells_of: Callable[[Score, nn.Module, Tensor], tuple[Tensor, str]],
) -> Attribution:
    """The map of the cells (h, w) that `cells_of` computes from score, layer and picture, beside a sentence on it."""
    check_size(prepared, graph)
    field = graph.receptive_fields[layer.index]
    if field is None or len(layer.out_shape) != 3:
        sentence = _("{layer} has no grid of cells; choose a layer before the last pool.")
        raise AttributionError(sentence.format(layer=layer.path))
    model = explained_model(predictor, target)
    module = model.get_submodule(layer.parts[-1].path)
    scores: list[Tensor] = []
    gradients: list[Tensor] = []

    def score(x: Tensor) -> Tensor:
        scores.append(product_of(model, target, x))
        return scores[-1]

    def keep_gradient(_module: nn.Module, _inputs: object, output: Tensor) -> None:
        output.register_hook(gradients.append)

    module.register_forward_hook(keep_gradient)
    picture = predictor.to_input(prepared).float().requires_grad_()
    with predictor.turn():
        found, says = cells_of(score, module, picture)
    weighted = found.detach().cpu().numpy()
    values = _at_fields(weighted.clip(min=0), field, graph.input_size)
    name, what = " ".join(filter(None, (layer.block, layer.branch, layer.layer))), what_of(predictor, target)
    no_gradient = not any(bool(gradient.any()) for gradient in gradients)
    why = _why_dead(weighted, values, no_gradient)
    facts = {"layer": name, "what": what}
    dead = Filled(why, **facts) if why else None
    return Attribution(values, False, Filled(says, **facts), scores[0].item(), tells_nothing=dead)


def _why_dead(weighted: Array, values: Array, no_gradient: bool) -> str:
    """Why a map of these cells tells nothing, as a marked sentence; empty where it tells something."""
    if not np.isfinite(weighted).all():
        return N_("The map has no numbers: the gradient of the score of {what} grew beyond what float32 can hold.")
    if no_gradient:
        return N_(
            "The gradient of the score of {what} is 0 in every cell of {layer}, so nothing there could change it."
        )
    if not weighted.any():
        return N_("Where {layer} is active for this picture, the gradient of the score of {what} is 0.")
    if not (weighted > 0).any():
        return N_(
            "Nothing that {layer} holds speaks for {what}: every cell, weighted by the gradient of the score, is "
            "below 0."
        )
    if weighted.size == 1:
        return N_("{layer} has a single cell, so its map has one value everywhere and cannot say where.")
    if is_flat(values):
        return N_(
            "All cells of {layer} speak for {what} alike, so the map has one value everywhere and cannot say where."
        )
    return ""


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
