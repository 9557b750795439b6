"""How a diagram looks: its direction, the size of its text, colours or greys, and the numbers in its boxes."""

from dataclasses import dataclass
from typing import Literal

from ..graph.layer import Layer
from ..graph.receptive_field import ReceptiveField
from ..text import shape_text
from ..words import N_, _
from .kinds import CONCAT, FACTORISED, LINEAR, OTHER, POINTWISE, POOL, SQUARE, SUM, Kind

Direction = Literal["down", "right"]
Theme = Literal["colour", "grey"]
Amount = Literal["params", "macs", "activation_bytes", "rf"]  # what a box can say about cost and reach

LINE = "#767676"  # readable on white and on dark grounds
BLACK, GREY, PALE = "#1a1a1a", LINE, "#999999"
# Ground, line and its width for print without colour, by the colour in place of which they stand. Neighbours differ in
# the line as well as in the ground, so that a copier may lose the greys.
GREYS = {
    POINTWISE.color: ("#ffffff", BLACK, "1"),
    SQUARE.color: ("#c0c0c0", BLACK, "1"),
    FACTORISED.color: ("#e6e6e6", BLACK, "3.5"),
    POOL.color: ("#f2f2f2", GREY, "1"),
    CONCAT.color: ("#d4d4d4", GREY, "2"),
    SUM.color: ("#ffffff", BLACK, "2.5"),
    LINEAR.color: ("#aaaaaa", BLACK, "2.5"),
    OTHER.color: ("#ffffff", PALE, "1"),
}
POINTS = 12  # of the first line in a box, where nobody asks for another size
MISSING = "–"


@dataclass(frozen=True)
class Style:
    """How a diagram looks."""

    direction: Direction = "down"  # in which data flow
    font_size: int = POINTS  # points of the first line in a box; all other text and the boxes go with it
    theme: Theme = "colour"

    def points(self, size: float) -> str:
        """The size of a text that has `size` points beside a first line of `POINTS`."""
        return f"{size * self.font_size / POINTS:g}"

    def box(self, kind: Kind) -> dict[str, str]:
        """Graphviz's attributes of a box of that kind."""
        if self.theme == "colour":
            return {"fillcolor": kind.tint, "color": kind.color}
        ground, line, width = GREYS[kind.color]
        return {"fillcolor": ground, "color": line, "penwidth": width}


PLAIN_STYLE = Style()


def amount_text(amount: Amount | None, layers: tuple[Layer, ...], field: ReceptiveField | None) -> str:
    """What boxes say of layers: "9,280 parameters"; a dash where nobody knows; empty where nothing is asked.

    field: the receptive field of the last of them.
    """
    if amount is None:
        return ""
    if amount == "rf":
        return (
            _("sees {size} px").format(size=shape_text(field.size)) if field else _("sees {size}").format(size=MISSING)
        )
    unknown = amount == "macs" and any(layer.doubt for layer in layers)
    number = MISSING if unknown else f"{sum(getattr(layer, amount) for layer in layers):,}"
    return with_unit(amount, number)


def with_unit(amount: Literal["params", "macs", "activation_bytes"], number: str) -> str:
    """A number and what it counts: "9,280 parameters"."""
    return _(AMOUNTS[amount]).format(number=number)


AMOUNTS = {
    "params": N_("{number} parameters"),
    "macs": N_("{number} MACs"),
    "activation_bytes": N_("{number} bytes"),
}
