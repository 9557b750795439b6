"""The stages of traced networks, and one order for the stages of several networks."""

from collections.abc import Iterable, Sequence
from graphlib import CycleError, TopologicalSorter

from ..errors import InputError
from ..words import _
from .layer import Layer


def stages_of(layers: Iterable[Layer]) -> dict[str, list[Layer]]:
    """The layers of each stage, stages in the order in which they start. A layer outside of stages is its own stage."""
    stages: dict[str, list[Layer]] = {}
    for layer in layers:
        stages.setdefault(layer.stage or own_name(layer), []).append(layer)
    return stages


def own_name(layer: Layer) -> str:
    """What a layer is called without its block; "conv 0" for a layer that its container only numbers."""
    return f"{layer.op} {layer.layer}" if layer.layer.isdigit() else layer.layer


def merged_order(sequences: Iterable[Sequence[str]]) -> list[str]:
    """The names of all sequences, each once, in an order that agrees with each of them.

    Raises InputError where there is no such order.
    """
    sorter = TopologicalSorter[str]()
    for names in sequences:
        before: list[str] = []
        for name in names:
            sorter.add(name, *before)
            before = [name]
    try:
        return list(sorter.static_order())
    except CycleError as error:
        sentence = _("the stages {stages} do not come in the same order everywhere")
        raise InputError(sentence.format(stages=", ".join(error.args[1][1:]))) from error
