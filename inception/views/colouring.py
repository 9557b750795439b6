"""Boxes coloured by a number of each layer: which number, what stands for several layers, and the scale of colours.

The scale goes from white over yellow and orange to vermilion, all from Okabe and Ito's set and each darker than the
one before, so that it reads without seeing colour and dark text stays readable on all of it.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from ..graph.layer import Layer
from ..graph.layer_graph import LayerGraph
from ..text import scaled
from ..words import N_, _
from .style import MISSING

Together = Literal["sum", "mean", "largest", "last"]
Traced = Literal["params", "macs", "activation_bytes", "rf"]

ANCHORS = ("#ffffff", "#f7e9a0", "#e69f00", "#d55e00")
GREYS = ("#ffffff", "#8c8c8c")
WITHOUT = "#ffffff"  # the ground of a box without a number, which is dashed
WIDE = 100  # times the smallest number that is not 0: from there the scale is logarithmic

NAMES: dict[str, str] = {
    "params": N_("parameters"),
    "macs": N_("multiply-accumulates"),
    "activation_bytes": N_("activation memory, bytes"),
    "rf": N_("receptive field, pixels"),
    "milliseconds": N_("measured milliseconds"),
    "response": N_("response on this picture (root mean square)"),
}
TOGETHER: dict[Together, str] = {
    "sum": N_("the sum"),
    "mean": N_("the mean"),
    "largest": N_("the largest"),
    "last": N_("that of the last"),
}


@dataclass(frozen=True)
class Colouring:
    """A number for each layer, which colours show."""

    name: str  # what it is, with its unit, in the language of the reader
    values: Mapping[int, float]  # by the layer's index; layers that are not there have none
    together: Together = "sum"  # what stands for a box of several layers

    def of(self, layers: Sequence[Layer]) -> float | None:
        """The number of a box; None where none of its layers has one."""
        if self.together == "last":
            return self.values.get(layers[-1].index)
        found = [self.values[layer.index] for layer in layers if layer.index in self.values]
        if not found:
            return None
        return {"sum": sum(found), "mean": sum(found) / len(found), "largest": max(found)}[self.together]

    def scale(self, boxes: Sequence[Sequence[Layer]]) -> "Scale":
        """The colours for the boxes of one diagram."""
        found = [value for layers in boxes if (value := self.of(layers)) is not None]
        low, high = min(found, default=0.0), max(found, default=0.0)
        positive = [value for value in found if value > 0]
        log = low >= 0 and bool(positive) and high > WIDE * min(positive)
        return Scale(min(positive) if log else min(low, 0.0) if low >= 0 else low, high, log)


@dataclass(frozen=True)
class Scale:
    """From numbers to colours."""

    low: float  # the number of the lightest colour; logarithmic scales start at the smallest that is not 0
    high: float  # that of the strongest
    log: bool

    def share(self, value: float) -> float:
        """Where a number stands between the two ends, from 0 to 1."""
        if self.high <= self.low:
            return 1.0 if value else 0.0
        if self.log:
            # The smallest number keeps some colour, so that it differs from 0.
            return 0.0 if value <= 0 else 0.08 + 0.92 * math.log(value / self.low) / math.log(self.high / self.low)
        return (value - self.low) / (self.high - self.low)

    def color(self, value: float | None, grey: bool = False) -> str:
        """#rrggbb of a number."""
        if value is None:
            return WITHOUT
        anchors = GREYS if grey else ANCHORS
        place = min(1.0, max(0.0, self.share(value))) * (len(anchors) - 1)
        start = min(int(place), len(anchors) - 2)
        ends = [[int(anchor[i : i + 2], 16) for i in (1, 3, 5)] for anchor in anchors[start : start + 2]]
        return "#" + "".join(f"{round(a + (b - a) * (place - start)):02x}" for a, b in zip(*ends, strict=True))

    @property
    def marks(self) -> list[float]:
        """The numbers that a legend names: both ends and the middle of the scale."""
        middle = math.sqrt(self.low * self.high) if self.log else (self.low + self.high) / 2
        return [self.low, middle, self.high] if self.high > self.low else [self.high]


def number_text(value: float | None) -> str:
    """A number in a box: 2.35 M, 17, 0.0312; a dash where there is none."""
    if value is None:
        return MISSING
    if abs(value) >= 1000:
        return ("-" if value < 0 else "") + scaled(round(abs(value)))
    return f"{value:.0f}" if float(value).is_integer() else f"{value:.3g}"


def traced_colouring(graph: LayerGraph, name: Traced) -> Colouring:
    """What the trace knows of each layer: its cost, or the height of its receptive field.

    A layer whose multiply-accumulates nobody can vouch for has none.
    """
    if name == "rf":
        fields = {layer.index: graph.receptive_fields[layer.index] for layer in graph.layers}
        return Colouring(_(NAMES[name]), {i: float(field.size[0]) for i, field in fields.items() if field}, "last")
    known = [layer for layer in graph.layers if not (name == "macs" and layer.doubt)]
    return Colouring(_(NAMES[name]), {layer.index: float(getattr(layer, name)) for layer in known})
