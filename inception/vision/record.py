"""What layers hand on for one picture, recorded in one forward pass."""

from collections.abc import Collection, Iterator
from contextlib import AbstractContextManager, nullcontext

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor, nn

from ..graph.layer import Layer
from ..graph.layer_graph import LayerGraph
from ..runtime.onednn import hands_on
from ..runtime.predictor import Predictor, TorchNetwork
from ..runtime.private_copy import private_copy

Array = NDArray[np.float32]
Record = dict[int, Array]  # by the index of a layer: (C, H, W), or (C,) behind a flatten; 0 is the normalised picture


def record(network: TorchNetwork, prepared: Image.Image, layers: Collection[Layer]) -> Record:
    """What the network gets, as 0, and what each of these layers hands on for a prepared picture, in float32.

    One pass, which ends with the block of the last of the layers. Raises OutOfMemory.
    """
    # A network in float32 needs no copy: only whoever has the turn runs it, so the hooks see nobody else's picture.
    model = private_copy(network) if isinstance(network, Predictor) and network.dtype is not torch.float32 else None
    found: Record = {}
    with network.turn() as shared, torch.inference_mode(), _full_precision(network.device):
        model = model or shared
        x = network.to_input(prepared).float()
        found[0] = _array(x)
        hooks = [
            hands_on(model, layer).register_forward_hook(
                lambda _module, _inputs, output, index=layer.index: found.update({index: _array(output)})
            )
            for layer in layers
        ]
        try:
            for step in steps_of(model):
                if len(found) > len(layers):
                    break
                x = step(x)
        finally:
            for hook in hooks:
                hook.remove()
    return found


def steps_of(model: nn.Module) -> Iterator[nn.Module]:
    """What a network does one after the other: its blocks, and the layers that stand alone."""
    for child in model.children():
        if type(child).forward is nn.Sequential.forward:
            yield from steps_of(child)
        else:
            yield child


def with_sources(graph: LayerGraph, layer: Layer) -> list[Layer]:
    """The layers that a layer reads, and itself."""
    return [graph.layers[index - 1] for index in (*layer.inputs, layer.index) if index]


def _array(output: Tensor) -> Array:
    return np.array(output[0].cpu().numpy(), order="C")  # a copy, as what comes after may work in place


def _full_precision(device: torch.device) -> AbstractContextManager[None]:
    """CUDA would round the factors of convolutions to TF32's ten bits."""
    if device.type != "cuda":
        return nullcontext()
    return torch.backends.cudnn.flags(enabled=True, allow_tf32=False)
