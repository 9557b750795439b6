"""What a diagram shows of layers beside what they are: maps of a picture, colours, bars, and what flows where."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import graphviz

from ..graph.layer import Layer
from .colouring import Colouring, Scale, number_text
from .kinds import Kind
from .style import LINE, Style

NARROWEST_EDGE, WIDEST_EDGE = 0.8, 14.0  # points of an edge that carries nothing, and of one that carries everything


@dataclass(frozen=True)
class Flow:
    """What an edge carries."""

    share: float  # from 0 to 1: how wide it is
    text: str  # beside it


@dataclass(frozen=True)
class Notes:
    """Notes on the layers of a diagram, by their indexes."""

    maps: Mapping[int, int] = field(default_factory=dict)  # how many maps the box of a layer has room for
    lines: Mapping[int, Sequence[str]] = field(default_factory=dict)  # more lines in its box
    colouring: Colouring | None = None  # what the colours show, where it is not the kind
    flows: Mapping[tuple[int, int], Flow] = field(default_factory=dict)  # by the two layers that an edge joins
    branches: bool = False  # whether to say above each branch what it does

    def pictures(self, layers: Sequence[Layer]) -> int:
        """How many maps a box of these layers has room for: those of the last one."""
        return self.maps.get(layers[-1].index, 0)

    def box(self, layers: Sequence[Layer], kind: Kind, scale: Scale | None, style: Style) -> dict[str, str]:
        """Graphviz's attributes of a box: the ground shows the kind, or the number."""
        if not self.colouring or not scale:
            return style.box(kind)
        value = self.colouring.of(layers)
        look = {"fillcolor": scale.color(value, style.theme == "grey"), "color": LINE}
        return look if value is not None else look | {"style": "filled,rounded,dashed"}

    def text(self, layers: Sequence[Layer]) -> list[str]:
        """The lines that a box of these layers has beside the others."""
        number = [number_text(self.colouring.of(layers))] if self.colouring else []
        return [*number, *self.lines.get(layers[-1].index, ())]

    def edge(self, source: int, target: int) -> dict[str, str]:
        """Graphviz's attributes of an edge: as wide as the share that it carries."""
        flow = self.flows.get((source, target))
        if flow is None:
            return {}
        width = NARROWEST_EDGE + (WIDEST_EDGE - NARROWEST_EDGE) * flow.share
        return {"penwidth": f"{width:.2f}", "arrowhead": "none", "label": graphviz.escape(f"  {flow.text}")}


NO_NOTES = Notes()
