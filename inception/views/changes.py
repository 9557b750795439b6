"""What is the same in two networks, what has changed, and what only one of them has: in words and in colours."""

from collections.abc import Sequence
from typing import Any

from ..graph.layer import Layer
from ..graph.window import Window
from ..words import N_
from .kinds import FACTORISED, OTHER, POINTWISE, SUM, Kind

SAME = Kind(N_("the same in both"), OTHER.color)
CHANGED = Kind(N_("changed"), FACTORISED.color)
ONLY_FIRST = Kind(N_("only in the first"), POINTWISE.color)
ONLY_SECOND = Kind(N_("only in the second"), SUM.color)
CHANGES = (SAME, CHANGED, ONLY_FIRST, ONLY_SECOND)


def change_of(versions: Sequence[Layer | None]) -> Kind:
    """How two versions of a layer differ; None stands for a version that does not have it."""
    first, second = versions
    if first is None:
        return ONLY_SECOND
    if second is None:
        return ONLY_FIRST
    return SAME if own_numbers(first) == own_numbers(second) else CHANGED


def own_numbers(layer: Layer) -> tuple[Any, ...]:
    """What a layer is, apart from the shapes that it reads: branch, operations, channels, bias, window and scale."""
    numbers: list[Any] = [layer.branch]
    for part in layer.parts:
        chosen = (part.out_shape[0], part.params - part.weights) if part.macs else None  # channels, biases
        numbers.append((part.op, chosen, _steps(part.window), part.scale))
    return tuple(numbers)


def _steps(window: Window | None) -> Any:
    """How a window slides; None for a window that covers the whole grid, because it follows the picture's size."""
    if window is None or window.kernel == window.grid:
        return None
    return window.kernel, window.stride, window.padding
