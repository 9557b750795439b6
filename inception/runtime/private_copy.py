"""A private copy of a network that is shared by everyone."""

import copy

from torch import nn

from .predictor import Predictor


def private_copy(predictor: Predictor) -> nn.Module:
    """The modules of a network for one reader, in float32 and eval mode.

    Weights that are float32 already are shared, others are converted; none asks for gradients. Hooks on the copy see
    nobody else's picture. A pass through it needs a turn all the same. Raises OutOfMemory.
    """
    with predictor.turn() as model:  # while nobody else has hooks on it, which would be copied too
        weights = {id(weight): nn.Parameter(weight.detach().float(), False) for weight in model.parameters()}
        buffers = {id(b): b.float() if b.is_floating_point() else b for b in model.buffers()}
        return copy.deepcopy(model, weights | buffers)
