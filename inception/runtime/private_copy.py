"""A private copy of a network that is shared by everyone."""

import copy
from typing import Any

from torch import Size, device, dtype, nn
from torch.nn.modules.conv import _ConvNd

from .predictor import Predictor

UNCHANGING = (int, float, bool, str, type(None), Size, dtype, device)
STATES = (nn.Module.__setstate__, _ConvNd.__setstate__)  # which fill in what files of old versions lack


def private_copy(predictor: Predictor) -> nn.Module:
    """The modules of a network for one reader, in float32 and eval mode.

    Weights that are float32 already are shared, others are converted; none asks for gradients. Hooks on the copy see
    nobody else's picture. A pass through it needs a turn all the same. Raises OutOfMemory.
    """
    with predictor.turn() as model:  # while nobody else has hooks on it, which would be copied too
        copies: dict[int, Any] = {
            id(weight): nn.Parameter(weight.detach().float(), False) for weight in model.parameters()
        }
        copies |= {id(b): b.float() if b.is_floating_point() else b for b in model.buffers()}
        for module in reversed(list(model.modules())):  # the inner ones first, for those round them to find
            if id(module) not in copies and _is_plain(module):
                _copy(module, copies)
        return copy.deepcopy(model, copies)


def _is_plain(module: nn.Module) -> bool:
    """Whether a module is all in its attributes."""
    kind = type(module)
    plain = not hasattr(kind, "__deepcopy__") and kind.__reduce_ex__ is object.__reduce_ex__
    return plain and kind.__setstate__ in STATES


def _copy(module: nn.Module, copies: dict[int, Any]) -> None:
    """What `copy.deepcopy` does, in a third of its time: most attributes are empty or do not change."""
    copies[id(module)] = made = object.__new__(type(module))
    for name, value in module.__dict__.items():
        if type(value) in UNCHANGING:
            made.__dict__[name] = value
        elif isinstance(value, dict | list | set) and not value:
            made.__dict__[name] = type(value)()
        else:
            made.__dict__[name] = copy.deepcopy(value, copies)
