"""One pass of a picture, and what layers hand on in it: their strongest maps and how strongly they answer.

From that follows what each branch of a block adds to the concatenation, and what a residual sum adds to what.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from ..graph.layer import Layer
from ..graph.layer_graph import LayerGraph
from ..graph.op import SUMS, Op
from ..runtime.onednn import hands_on
from ..runtime.predictor import TorchNetwork
from .inside import check_size

Array = NDArray[np.float32]
MAPS = 3  # of a layer that are kept
HEAVY = 10**9  # multiply-accumulates of a network from which looking into every layer costs little beside the pass


@dataclass(frozen=True)
class Response:
    """What a layer hands on for one picture."""

    channels: tuple[int, ...]  # those of the maps, from 0: the ones with the strongest mean response, strongest first
    maps: Array  # (K, H, W) of these channels; none (0, 0, 0) where it hands on no grid
    norm: float  # Euclidean, over all channels and cells
    rms: float  # root of the mean of all values squared: how strong the response is, whatever the layer's size


@dataclass(frozen=True)
class Summands:
    """Both sides of a residual sum for one picture, as Euclidean norms over all channels and cells."""

    shortcut: float
    residual: float  # after its scale
    scale: float


@dataclass(frozen=True)
class PictureRun:
    """What one pass of a picture left in the layers that were looked into."""

    responses: Mapping[int, Response]  # by the layer's index
    output: Array  # (classes,) logits or (D,) embedding

    def shares(self, concat: Layer) -> dict[int, float]:
        """What each input of a concatenation, by its index, adds to the sum of squares of the whole.

        Empty where all of it is 0, or where one of them was not looked into.
        """
        if not all(index in self.responses for index in concat.inputs):
            return {}
        squares = {index: self.responses[index].norm ** 2 for index in concat.inputs}
        total = sum(squares.values())
        return {index: square / total for index, square in squares.items()} if total else {}

    def summands(self, layer: Layer) -> Summands | None:
        """What a residual sum adds to what; None for other layers, or where a side was not looked into."""
        scale = layer.parts[0].scale
        if layer.op != Op.RESIDUAL_SUM or scale is None or not all(index in self.responses for index in layer.inputs):
            return None
        shortcut, residual = (self.responses[index].norm for index in layer.inputs)
        return Summands(shortcut, abs(scale) * residual, scale)


def layers_to_look_into(graph: LayerGraph, wanted: Iterable[Layer]) -> list[Layer]:
    """The wanted layers and what they read; in heavy networks all, because then the next question costs no pass."""
    if graph.macs >= HEAVY:
        return list(graph.layers)
    layers = {layer.index: layer for layer in wanted}
    read = (
        graph.layers[index - 1]
        for layer in layers.values()
        if layer.op in {*SUMS, Op.CONCAT}
        for index in layer.inputs
        if index
    )
    return [
        *layers.values(),
        *(layer for layer in {one.index: one for one in read}.values() if layer.index not in layers),
    ]


def run_picture(
    network: TorchNetwork, prepared: Image.Image, graph: LayerGraph, layers: Iterable[Layer], count: int = MAPS
) -> PictureRun:
    """One pass of a prepared picture, with a look into the given layers of the graph.

    Raises InsideError for a picture of another size than the graph's, OutOfMemory.
    """
    check_size(prepared, graph)
    found: dict[int, tuple[Tensor, Tensor, Tensor, int]] = {}
    means: dict[int, Tensor] = {}  # of each channel, by the layer's index

    def look(layer: Layer, _module: object, _inputs: object, output: Tensor) -> None:
        values = output[0].float()
        channels = maps = values[:0]
        if layer.op == Op.CONCAT and all(index in means for index in layer.inputs):
            # A quarter of all values stand in concatenations, and have been read where they were computed.
            means[layer.index] = torch.cat([means[index] for index in layer.inputs])
            norm = torch.linalg.vector_norm(torch.stack([found[index][2] for index in layer.inputs]))
        else:
            if values.dim() == 3:
                means[layer.index] = values.mean((1, 2))
            norm = torch.linalg.vector_norm(values)
        if layer.index in means:
            channels = means[layer.index].topk(min(count, len(values))).indices
            maps = values[channels]
        found[layer.index] = channels, maps, norm, values.numel()

    # The hooks are on a model that all sessions share. Only whoever has the turn runs it.
    with network.turn() as model, torch.inference_mode():
        hooks = [hands_on(model, layer).register_forward_hook(partial(look, layer)) for layer in layers]
        try:
            output = model(network.to_input(prepared))[0].float().cpu().numpy()
        finally:
            for hook in hooks:
                hook.remove()
    return PictureRun({index: _response(*parts) for index, parts in found.items()}, output)


def _response(channels: Tensor, maps: Tensor, norm: Tensor, size: int) -> Response:
    length = float(norm)
    grids = maps.cpu().numpy() if maps.dim() == 3 else np.zeros((0, 0, 0), np.float32)
    return Response(tuple(map(int, channels.tolist())) if maps.dim() == 3 else (), grids, length, length / size**0.5)
