"""Kinds of operation and their colours: one visual language for diagrams, charts and tables.

Colours are from Okabe and Ito's set, which stays apart for colour-blind people. Diagrams use tints of them behind
dark text and repeat the kind in words, so that nobody has to tell colours apart.
"""

from dataclasses import dataclass

from ..graph.layer import Layer
from ..graph.op import Op, is_pool
from ..words import N_


@dataclass(frozen=True)
class Kind:
    """A kind of operation."""

    name: str  # in legends, which translate it
    color: str  # as #rrggbb

    @property
    def tint(self) -> str:
        """The colour mixed with three times as much white: a ground for dark text."""
        channels = (int(self.color[i : i + 2], 16) for i in (1, 3, 5))
        return "#" + "".join(f"{(channel + 3 * 255) // 4:02x}" for channel in channels)


POINTWISE = Kind(N_("1x1 convolution"), "#56b4e9")
SQUARE = Kind(N_("k x k convolution"), "#0072b2")
FACTORISED = Kind(N_("1 x k or k x 1 convolution"), "#e69f00")
POOL = Kind(N_("pool"), "#009e73")
CONCAT = Kind(N_("concatenation"), "#f0e442")
SUM = Kind(N_("residual sum"), "#cc79a7")
LINEAR = Kind(N_("linear layer"), "#d55e00")
OTHER = Kind(N_("other"), "#999999")

KINDS = (POINTWISE, SQUARE, FACTORISED, POOL, CONCAT, SUM, LINEAR, OTHER)
# Kinds that the operation alone decides.
BY_OP: dict[str, Kind] = {Op.CONCAT: CONCAT, Op.RESIDUAL_SUM: SUM, Op.SUM: SUM, Op.LINEAR: LINEAR}


def kind_of(layer: Layer) -> Kind:
    """The kind of a layer's first operation."""
    if layer.op == Op.CONV and layer.kernel:
        if set(layer.kernel) == {1}:
            return POINTWISE
        return SQUARE if len(set(layer.kernel)) == 1 else FACTORISED
    if is_pool(layer.op):
        return POOL
    return BY_OP.get(layer.op, OTHER)
