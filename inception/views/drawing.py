"""`Drawing`: a diagram as an object that a notebook shows and that saves itself. `draw` is `LayerGraph.diagram`."""

from dataclasses import dataclass
from functools import cached_property
from os import PathLike
from pathlib import Path
from typing import Literal

from ..errors import InputError
from ..graph.blocks import find_block
from ..graph.layer_graph import LayerGraph
from .diagram import DIAGRAM_FORMATS, DiagramError, diagram_caption, diagram_dot, diagram_file, diagram_svg
from .overview import overview_dot

Level = Literal["stage", "block", "layer"]  # what a box of a diagram stands for


@dataclass(frozen=True)
class Drawing:
    """A diagram of a network or of one of its blocks. A notebook shows it as it is."""

    dot: str  # its text in Graphviz's DOT
    title: str  # what it shows, also its text alternative
    caption: str  # the line below it in a file

    @cached_property
    def svg(self) -> str:
        """The diagram as an <svg> element."""
        return diagram_svg(self.dot, self.title)

    def save(self, path: str | PathLike[str]) -> None:
        """Writes the diagram with its caption; the suffix of `path` says how: .svg, .png, .pdf or .dot.

        Raises DiagramError for another suffix, OSError where the file cannot be written.
        """
        path = Path(path)
        format = path.suffix.lower().removeprefix(".")
        if format not in DIAGRAM_FORMATS:
            known = ", ".join(f".{known}" for known in DIAGRAM_FORMATS)
            raise DiagramError(f"{path.name!r} has none of the suffixes {known}")
        path.write_bytes(diagram_file(self.dot, format, self.caption))

    def __repr__(self) -> str:
        return f"<Drawing {self.title}>"

    def _repr_svg_(self) -> str:
        return self.svg


def draw(graph: LayerGraph, block: str | None = None, level: Level | None = None) -> Drawing:
    """A diagram of the network, or of one of its blocks, that a notebook shows and `save` writes to a file.

    block: the block whose layers are drawn: its title, its id or TF-Slim's name, e.g. "Inception-A" or "Mixed_6a".
    level: what a box of the whole network stands for, a "stage" or a "block" (the default); the boxes of a block are
    always layers.
    Raises InputError for an unknown block or level, and where the two exclude each other.
    """
    if level not in (None, "stage", "block", "layer"):
        raise InputError(f"unknown level {level!r}; known: stage, block, layer")
    if level == "layer" and not block:
        raise InputError("the layers of a whole network do not fit on a page; name one of its blocks")
    if block and level in ("stage", "block"):
        raise InputError(f"level {level!r} draws the whole network; leave out the block")
    if block:
        found = find_block(graph.layers, block)
        dot, what = diagram_dot(found.layers, found.title), found.title
    else:
        dot, what = overview_dot(graph, "stage" if level == "stage" else "block"), "Overview"
    return Drawing(dot, f"{what} of {graph.name}", diagram_caption(graph, what))
