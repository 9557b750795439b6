"""`Drawing`: a diagram as an object that a notebook shows and that saves itself. `draw` is `LayerGraph.diagram`."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cached_property
from os import PathLike
from pathlib import Path
from typing import Literal

from ..errors import InputError
from ..graph.blocks import BlockType, find_block
from ..graph.layer_graph import LayerGraph
from ..text import and_list
from ..words import _
from ..zoo import VARIANTS
from .changes import CHANGES
from .colouring import Colouring
from .diagram import DIAGRAM_FORMATS, DiagramError, diagram_caption, diagram_dot, diagram_file, diagram_svg
from .fonts import with_font
from .kinds import KINDS, OTHER, Kind, kind_of
from .notes import Notes
from .overlay import overlay_dot
from .overview import STAGE_KINDS, SizeBy, overview_boxes, overview_dot, side_by_side, side_by_side_dot
from .overview import Level as OverviewLevel
from .style import PLAIN_STYLE, Amount, Style

ON_A_PAGE = 40  # layers of a whole network that one page has room for
Level = Literal["stage", "block", "layer"]  # what a box of a diagram stands for


@dataclass(frozen=True)
class Drawing:
    """A diagram of a network or of one of its blocks. A notebook shows it as it is."""

    dot: str  # its text in Graphviz's DOT
    title: str  # what it shows, also its text alternative
    caption: str  # the line below it in a file; empty for none
    legend: tuple[Kind, ...] = ()  # the kinds whose colours a file explains
    style: Style = PLAIN_STYLE  # how it looks

    @cached_property
    def svg(self) -> str:
        """The diagram as an <svg> element."""
        return diagram_svg(self.dot, self.title)

    def file(self, format: str) -> bytes:
        """The diagram as a file of that format, with its caption and legend; DiagramError for an unknown format."""
        return diagram_file(self.dot, format, self.caption, self.legend, self.style)

    def save(self, path: str | PathLike[str]) -> None:
        """Writes the diagram with its caption; the suffix of `path` says how: .svg, .png, .pdf or .dot.

        Raises DiagramError for another suffix, OSError where the file cannot be written.
        """
        path = Path(path)
        format = path.suffix.lower().removeprefix(".")
        if format not in DIAGRAM_FORMATS:
            known = ", ".join(f".{known}" for known in DIAGRAM_FORMATS)
            sentence = _("{name} has none of the suffixes {known}")
            raise DiagramError(sentence.format(name=repr(path.name), known=known))
        path.write_bytes(self.file(format))

    def __repr__(self) -> str:
        return f"<Drawing {self.title}>"

    def _repr_svg_(self) -> str:
        return with_font(self.svg)


def draw(
    graph: LayerGraph,
    block: str | None = None,
    level: Level | None = None,
    *,
    others: Sequence[LayerGraph] = (),
    opened: bool = False,
    unfold: Sequence[str] = (),
    amount: Amount | None = None,
    colouring: Colouring | None = None,
    changes: bool = False,
    style: Style = PLAIN_STYLE,
    legend: bool = False,
    caption: str | None = None,
) -> Drawing:
    """A diagram of the network, or of one of its blocks, that a notebook shows and `save` writes to a file.

    block: the block whose layers are drawn: its title, its id or TF-Slim's name, e.g. "Inception-A" or "Mixed_6a".
    level: what a box of the whole network stands for: a "stage", a "block" (the default), or a "layer" in networks of
    at most `ON_A_PAGE` layers, where that is the default. The boxes of a block are always layers.
    others: networks beside this one, stage by stage; with a block one, whose block is laid over this network's.
    opened: give batch norm and activation boxes of their own, in a block.
    unfold: blocks whose layers are drawn in their place in the whole network.
    amount: what boxes say beside what they are: "params", "macs", "activation_bytes" or "rf". The first three are also
    what the bars in a whole network show.
    colouring: colours by a number of each layer in place of its kind, for one network.
    changes: with one other network, colours that say what is the same, what has changed and what only one has.
    style: direction, size of the text, colours or greys. legend: explain the colours in a file.
    caption: the line below it in a file, empty for none; by default what it shows, of which network and picture.
    Raises InputError for an unknown block or level, and where options exclude each other.
    """
    _check(graph, block, level, others, opened, unfold)
    _check_colours(others, colouring, changes)
    notes = Notes(colouring=colouring)
    if block:
        dot, what, kinds = _block(graph, block, others, opened, amount, style, notes, changes)
    elif others:
        graphs = [graph, *others]
        dot, what = side_by_side_dot(graphs, style, amount, changes), _("Stages")
        kinds = {cell.boxes[-1].kind for row in side_by_side(graphs) for cell in row if cell}
    elif _by_layers(graph, level, others, unfold):
        what = _("All layers")
        title = _("{what} of {networks}").format(what=what, networks=graph.name)
        dot = diagram_dot(graph.layers, title, not opened, style, amount, graph.receptive_fields, notes)
        kinds = {kind_of(layer) for layer in graph.layers}
    else:
        dot, kinds = _overview(graph, "stage" if level == "stage" else "block", unfold, amount, style, notes)
        what = _("Overview")
    names = and_list([each.name for each in (graph, *others)])
    title = _("{what} of {networks}").format(what=what, networks=names)
    if caption is None:
        caption = diagram_caption(graph, what, *others)
        if colouring:
            caption = _("{caption}, coloured by {name}").format(caption=caption, name=colouring.name)
    if colouring or changes:
        kinds = set(CHANGES) if changes else set()
    return Drawing(dot, title, caption, _legend(kinds) if legend else (), style)


def _legend(kinds: Collection[Kind]) -> tuple[Kind, ...]:
    """The kinds in the order of their lists, what is of no kind last; none where there is nothing else."""
    known = dict.fromkeys(kind for kind in (*STAGE_KINDS, *KINDS, *CHANGES) if kind in kinds and kind != OTHER)
    return (*known, *({OTHER} & {*kinds})) if known else ()


def _by_layers(graph: LayerGraph, level: str | None, others: Sequence[LayerGraph], unfold: Sequence[str]) -> bool:
    """Whether a whole network is drawn by its layers: a small one is, where nothing else is asked for."""
    return level == "layer" or (level is None and not others and not unfold and len(graph.layers) <= ON_A_PAGE)


def _check_colours(others: Sequence[LayerGraph], colouring: Colouring | None, changes: bool) -> None:
    """Raises InputError for colours that say nothing about these networks."""
    if changes and len(others) != 1:
        raise InputError(_("what has changed is shown between two networks: name one other"))
    if colouring and others:
        raise InputError(_("boxes are coloured by a number in one network alone; leave out the other networks"))


def _check(
    graph: LayerGraph,
    block: str | None,
    level: str | None,
    others: Sequence[LayerGraph],
    opened: bool,
    unfold: Sequence[str],
) -> None:
    """Raises InputError for options that exclude each other."""
    by_layers = _by_layers(graph, level, others, unfold)
    if level not in (None, "stage", "block", "layer"):
        raise InputError(_("unknown level {level}; known: stage, block, layer").format(level=repr(level)))
    if level == "layer" and not block and len(graph.layers) > ON_A_PAGE:
        raise InputError(_("the layers of a whole network do not fit on a page; name one of its blocks"))
    if block and level in ("stage", "block"):
        raise InputError(_("level {level} draws the whole network; leave out the block").format(level=repr(level)))
    if block and unfold:
        raise InputError(_("a block is drawn by its layers already; only blocks of a whole network unfold"))
    if block and len(others) > 1:
        raise InputError(_("two versions of a block can be laid over each other, not more"))
    if opened and (others or not (block or by_layers)):
        raise InputError(_("only a block of one network can be drawn with its units opened; name one of its blocks"))
    if others and (level in ("block", "layer") or unfold):
        raise InputError(_("networks stand side by side stage by stage; their blocks do not"))


def _block(
    graph: LayerGraph,
    name: str,
    others: Sequence[LayerGraph],
    opened: bool,
    amount: Amount | None,
    style: Style,
    notes: Notes,
    changes: bool,
) -> tuple[str, str, set[Kind]]:
    """DOT text of a block, or of two versions of it; what it is called, and its kinds of operation."""
    found = _found(graph, name)
    fields = graph.receptive_fields
    if not others:
        dot = diagram_dot(found.layers, found.title, not opened, style, amount, fields, notes)
        return dot, found.title, {kind_of(layer) for layer in found.layers}
    other = others[0]
    layers = _found(other, name).layers
    dot = overlay_dot(
        found.layers,
        layers,
        (graph.name, other.name),
        _("{block}, both versions").format(block=found.title),
        style,
        amount,
        (fields, other.receptive_fields),
        changes,
    )
    return dot, found.title, {kind_of(layer) for layer in (*found.layers, *layers)}


def _found(graph: LayerGraph, name: str) -> BlockType:
    """The block of that name; in networks that are not ours also everything in the module at that path."""
    inside = tuple(layer for layer in graph.layers if layer.path == name or layer.path.startswith(f"{name}."))
    if inside and graph.name not in VARIANTS:
        return BlockType(name, name, name, 1, inside)
    return find_block(graph.layers, name)


def _overview(
    graph: LayerGraph, level: OverviewLevel, unfold: Sequence[str], amount: Amount | None, style: Style, notes: Notes
) -> tuple[str, set[Kind]]:
    """DOT text of a whole network, and its kinds of stage and, in unfolded blocks, of operation."""
    inside = [{layer.index for layer in _found(graph, name).layers} for name in unfold]
    boxes = overview_boxes(graph, level)
    opened = [box for box in boxes if any({layer.index for layer in box.layers} & indexes for indexes in inside)]
    size_by: SizeBy = "channels" if amount is None or amount == "rf" else amount
    dot = overview_dot(graph, level, size_by, [box.id for box in opened], style, amount, notes)
    kinds = {box.kind for box in boxes if box not in opened}
    return dot, kinds | {kind_of(layer) for box in opened for layer in box.layers}
