"""A private copy of a network that is shared by everyone."""

import copy

from torch import nn

from .predictor import Predictor


def private_copy(predictor: Predictor) -> nn.Module:
    """A network's modules for one reader, in float32 and eval mode; weights that are float32 already are shared.

    Hooks on it see no one else's picture, and its weights ask for no gradients. Passes through it need a turn all the
    same. Raises OutOfMemory.
    """
    with predictor.turn() as model:  # no one's hook is copied
        weights = {id(weight): nn.Parameter(weight.detach().float(), False) for weight in model.parameters()}
        buffers = {id(b): b.float() if b.is_floating_point() else b for b in model.buffers()}
        return copy.deepcopy(model, weights | buffers)
