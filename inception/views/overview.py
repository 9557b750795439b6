"""The whole network folded on one screen, and several networks side by side.

Data flows from top to bottom, because a network is a chain of about twenty wide, low boxes. In a column they can be
read beside a panel on a wide screen and on a phone; in a row their text would shrink to a third.

The colour of a box says what kind of stage it is. It is the colour of the operation that marks the kind: an inception
stage is yellow like a concatenation, a residual stage purple like a residual sum. The box says it in words too.
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import SequenceMatcher
from functools import lru_cache
from itertools import groupby, pairwise
from math import atan2, degrees, hypot, prod
from typing import Literal

import graphviz

from ..graph.blocks import BlockType, Run, block_types, is_whole, runs
from ..graph.branches import branch_names, side_by_side_name
from ..graph.identity import Same
from ..graph.layer import Layer
from ..graph.layer_graph import LayerGraph
from ..graph.op import SUMS, Op
from ..graph.spoken import spoken_layers
from ..graph.stages import merged_order
from ..text import and_list, shape_text, wrapped
from ..words import N_, _, ngettext
from .changes import CHANGED, ONLY_FIRST, ONLY_SECOND, SAME, own_numbers
from .colouring import Scale
from .diagram import (
    add_end,
    add_layers,
    box_text,
    head_text,
    hover_value,
    last_box,
    new_diagram,
    node_name,
    plain_text,
    same_row,
)
from .fonts import families
from .kinds import CONCAT, LINEAR, OTHER, POOL, SQUARE, SUM, Kind, kind_of
from .notes import NO_NOTES, Notes
from .style import LINE, PLAIN_STYLE, POINTS, Amount, Style, amount_text, with_unit

Level = Literal["stage", "block"]
SizeBy = Literal["channels", "params", "macs", "activation_bytes"]

STEM = Kind(N_("stem"), SQUARE.color)
INCEPTION = Kind(N_("inception"), CONCAT.color)
RESIDUAL = Kind(N_("residual"), SUM.color)
REDUCTION = Kind(N_("reduction"), POOL.color)
HEAD = Kind(N_("head"), LINEAR.color)
STAGE_KINDS = (STEM, INCEPTION, RESIDUAL, REDUCTION, HEAD, OTHER)

WIDTH = 3.1  # inches of a box
HEAD_WIDTH = 16  # characters of a line beside maps
HALF_LETTER, GAP, LINE_DOWN = 3.2, 5, 9  # points: half of a digit of DejaVu Sans, and where labels of arrows stand
PICTURE = 84  # points of the picture that comes in


@dataclass(frozen=True)
class Box:
    """One box of an overview: a run of equal blocks, or a stage."""

    id: str  # of its SVG group
    runs: tuple[Run, ...]
    kind: Kind
    type: BlockType  # what to draw when it is opened; the first kind of block where a stage has several

    @property
    def stage(self) -> str:
        """The paper's name of the stage."""
        return self.runs[0].stage

    @property
    def layers(self) -> tuple[Layer, ...]:
        """All layers that it stands for, those of repeated blocks included."""
        return tuple(layer for run in self.runs for block in run.blocks for layer in block)

    @property
    def params(self) -> int:
        """Parameters of all layers that it stands for."""
        return sum(layer.params for layer in self.layers)

    @property
    def macs(self) -> int:
        """Multiply-accumulates of all layers that it stands for."""
        return sum(layer.macs for layer in self.layers)

    @property
    def activation_bytes(self) -> int:
        """Bytes of the outputs of all layers that it stands for, in float32."""
        return sum(layer.activation_bytes for layer in self.layers)

    @property
    def channels(self) -> int:
        """Channels of what it hands on."""
        return prod(self.layers[-1].out_shape[:1])


def overview_boxes(graph: LayerGraph, level: Level = "block") -> list[Box]:
    """The boxes of `overview_dot` in order of execution."""
    return list(_boxes(Same(graph), level))


@lru_cache(64)  # pages ask several times in a run
def _boxes(of: Same[LayerGraph], level: Level) -> tuple[Box, ...]:
    graph = of.thing
    types = {layer.index: type for type in block_types(graph.layers) for layer in type.layers}
    groups = [[run] for run in runs(graph.layers)]
    if level == "stage":
        groups = [list(members) for _stage, members in groupby(runs(graph.layers), lambda run: run.stage)]
    return tuple(
        Box(f"block{n}", tuple(members), _kind(graph, members), types[members[0].blocks[0][0].index])
        for n, members in enumerate(groups, 1)
    )


def overview_dot(
    graph: LayerGraph,
    level: Level = "block",
    size_by: SizeBy = "channels",
    opened: Collection[str] = (),
    style: Style = PLAIN_STYLE,
    amount: Amount | None = None,
    notes: Notes = NO_NOTES,
) -> str:
    """DOT text of a network: a box for each run of equal blocks (or for each stage), from picture to output.

    size_by: what the bars in boxes show: the channels they hand on, or what all blocks they stand for have of a
    quantity. All bars start at 0 and share one scale, so that twice the length, and the area, is twice as much.
    opened: ids of boxes whose layers are drawn in their place, with ids as in `diagram_dot`.
    amount: what boxes say beside what they are, where that is not what the bars show.
    notes: what boxes show besides; a box shows those of its last layer. The picture has room for a map called "input".
    Edges are labelled with the shape of what they carry.
    """
    boxes = overview_boxes(graph, level)
    sizes = [getattr(box, size_by) for box in boxes]
    largest = max(*sizes, 1)
    title = _("{network}, stage by stage") if level == "stage" else _("{network}, block by block")
    dot = new_diagram(title.format(network=graph.name), style)
    dot.graph_attr["ranksep"] = f"{0.27 * style.font_size / POINTS:g}"
    dot.node_attr["margin"] = "0.12,0.04"
    is_chain = _is_chain(graph, boxes)
    ends = {0: _End("", "input", "input")}
    _add_input(dot, _input_text(graph, is_chain), style, bool(notes.maps))
    scale = notes.colouring.scale([box.layers for box in boxes]) if notes.colouring else None
    for box, size in zip(boxes, sizes, strict=True):
        if box.id in opened:
            ends |= _add_opened(dot, graph, box, style, amount, notes)
        else:
            lines = [_size_text(size_by, size, sum(sizes))]
            if amount and amount != size_by:
                lines = [amount_text(amount, box.layers, graph.receptive_fields[box.layers[-1].index])]
            if not is_chain:
                lines.insert(0, _("out {shape}").format(shape=shape_text(box.layers[-1].out_shape)))
            _add_box(dot, graph, box, level, [*lines, *notes.text(box.layers)], size / largest, style, notes, scale)
            ends |= {layer.index: _End(box.id, box.id, box.id) for layer in box.layers}

    _add_edges(dot, graph, ends, is_chain, style)
    return str(dot.source)


def _add_input(dot: graphviz.Digraph, text: str, style: Style, picture: bool) -> None:
    """Adds what comes in, with room for the picture itself where there is one."""
    if not picture:
        add_end(dot, "input", text, style)
        return
    look = {"shape": "plaintext", "style": "", "margin": "0.05,0.02", "fontcolor": LINE}
    dot.node("input", box_text(text, style=style, pictures=1, side=PICTURE), id="input", **look)


def _input_text(graph: LayerGraph, is_chain: bool) -> str:
    return _("input") if is_chain else _("input {shape}").format(shape=shape_text(graph.input_shape))


def _unread(graph: LayerGraph) -> list[Layer]:
    """The layers whose output no other layer reads."""
    read = {source for source, _ in graph.edges}
    return [layer for layer in graph.layers if layer.index not in read]


def _is_chain(graph: LayerGraph, boxes: Sequence[Box]) -> bool:
    """Whether one arrow leads from each box to the next. Elsewhere labels of arrows would stand in other boxes."""
    of_layer = {0: ""} | {layer.index: box.id for box in boxes for layer in box.layers}
    arrows = {(of_layer[source], of_layer[target]) for source, target in graph.edges}
    arrows |= {(of_layer[layer.index], f"to{layer.index}") for layer in _unread(graph)}
    arrows = {(tail, head) for tail, head in arrows if tail != head}
    leaving, coming = (Counter(arrow[side] for arrow in arrows) for side in (0, 1))
    return all(leaving[tail] == coming[head] == 1 for tail, head in arrows)


def box_hover(graph: LayerGraph, box: Box) -> str:
    """What a box says on hover: names, output shape, parameters, MACs and the receptive field of its last layer."""
    field = graph.receptive_fields[box.layers[-1].index]
    names = _(", ").join(_name(run) for run in box.runs)
    if box.stage:
        names = _("{stage}: {blocks}").format(stage=box.stage, blocks=names)
    reach = _("receptive field differs from cell to cell")
    if field:
        reach = _("receptive field {size} px").format(size=shape_text(field.size))
    return "\n".join(
        [
            names,
            _("output {shape}").format(shape=shape_text(box.layers[-1].out_shape)),
            with_unit("params", f"{box.params:,}"),
            with_unit("macs", f"{box.macs:,}"),
            reach,
        ]
    )


def _add_edges(
    dot: graphviz.Digraph, graph: LayerGraph, ends: Mapping[int, "_End"], is_chain: bool, style: Style
) -> None:
    """Adds the arrows between boxes, and to the outputs; in a chain each says the shape of what it carries."""
    drawn = set()
    outermost = {(source, ends[target].box): target for source, target in graph.edges}
    for source, target in graph.edges:
        tail, head = ends[source], ends[target]
        if tail.box == head.box or (tail.out, head.into) in drawn:
            continue
        drawn.add((tail.out, head.into))
        shape = shape_text(graph.layers[source - 1].out_shape if source else graph.input_shape)
        if not is_chain:
            dot.edge(tail.out, head.into)  # the box says the shape
        elif head.box == head.into:
            dot.edge(tail.out, head.into, **_beside(shape, style))
        else:  # many layers of an opened box may read it; one label tells what, right of all their arrows
            told = target == outermost[source, head.box]
            dot.edge(tail.out, head.into, label=plain_text(f"  {shape}" if told else ""))
    for layer in _unread(graph):
        add_end(dot, f"to{layer.index}", _("output"), style)
        label = _beside(shape_text(layer.out_shape), style) if is_chain else {}
        dot.edge(ends[layer.index].out, f"to{layer.index}", **label)


def _beside(shape: str, style: Style) -> dict[str, str]:
    """Attributes of an arrow with a label beside it, as near as the widest of our fonts lets it be."""
    if style.direction != "down":  # a tail's label would stand in a box
        return {"label": plain_text(shape)}
    right, down = HALF_LETTER * len(shape) + GAP, LINE_DOWN  # from the tail to the middle of the label
    return {
        "taillabel": plain_text(shape),
        "labelangle": f"{degrees(atan2(right, down)):.0f}",
        "labeldistance": style.points(round(hypot(right, down) / 10, 2)),  # in units of 10 points
    }


@dataclass(frozen=True)
class _End:
    """Where edges of a layer end."""

    box: str  # the box that the layer is in
    out: str  # the node that edges leave from
    into: str  # the node that edges go to


def _add_box(
    dot: graphviz.Digraph,
    graph: LayerGraph,
    box: Box,
    level: Level,
    lines: Sequence[str],
    share: float,
    style: Style,
    notes: Notes,
    scale: Scale | None,
) -> None:
    names = _(", ").join(_name(run) for run in box.runs)
    if len(box.runs) > 3:
        names = ngettext("{count} layer", "{count} layers", len(box.layers)).format(count=len(box.layers))
    head, line = (box.stage or names, names) if level == "stage" else _spoken(graph, box)
    if box.kind is not OTHER and box.kind.name not in box.stage.lower():
        kind = _(box.kind.name)
        line = _("{names} ({kind})").format(names=line, kind=kind) if line else kind
    if notes.pictures(box.layers):
        head = "\n".join(wrapped(head, HEAD_WIDTH))
        line = "\n".join(wrapped(line, HEAD_WIDTH))
    dot.node(
        box.id,
        box_text(
            head,
            line,
            *lines,
            style=style,
            pictures=notes.pictures(box.layers),
            beside=True,
            bar=(share, style.box(box.kind)["color"]),
        ),
        id=box.id,
        width=f"{WIDTH * style.font_size / POINTS:.2f}",
        **notes.box(box.layers, box.kind, scale, style),
        tooltip=hover_value(box_hover(graph, box)),
    )


def _add_opened(
    dot: graphviz.Digraph, graph: LayerGraph, box: Box, style: Style, amount: Amount | None, notes: Notes
) -> dict[int, _End]:
    """Adds the layers of a box in frames: one block for each run, or the whole stage where `is_whole` says so."""
    frames = [(_name(run), run.blocks) for run in box.runs]
    if is_whole(box.runs):
        frames = [(box.stage, (box.layers,))]
    ends = {}
    for n, (title, blocks) in enumerate(frames):
        name = f"cluster_{box.id}_{n}"
        alone = len(blocks[0]) == 1  # its box says the name, and its arrow would cross it
        look = {
            "label": "" if alone else plain_text(title),
            "labelloc": "b",
            "labeljust": "l",
            "fontname": families(),
            "fontsize": style.points(10),
            "fontcolor": LINE,
            "color": LINE,
            "style": "rounded,dashed",
        }
        with dot.subgraph(name=name, graph_attr=look) as frame:
            add_layers(frame, blocks[0], True, style, amount, graph.receptive_fields, replace(notes, branches=False))
        for block in blocks:
            for layer, shown in zip(block, blocks[0], strict=True):
                ends[layer.index] = _End(name, last_box(shown), node_name(shown))
    return ends


def _name(run: Run) -> str:
    """Block35 ×10; for layers outside of blocks the names of the first and the last, or what a nameless one does."""
    layers = run.blocks[0]
    name = run.name or _from_to([layers[0].layer, layers[-1].layer]) or head_text(layers[0])
    return f"{name}\N{NO-BREAK SPACE}{_times(run)}" if len(run.blocks) > 1 else name


def _spoken(graph: LayerGraph, box: Box) -> tuple[str, str]:
    """What people call a run of blocks, and its names in the code.

    A block of a stem or a head, which has no name of its own, is called after what it does.
    """
    run = box.runs[0]
    code = _name(run).partition("\N{NO-BREAK SPACE}")[0]
    if not run.stage:
        return _name(run), ""
    if box.kind not in (STEM, HEAD):
        return f"{run.stage}\N{NO-BREAK SPACE}{_times(run)}" if len(run.blocks) > 1 else run.stage, code
    branches = list(branch_names(run.blocks[0]).values())
    if len(branches) == 2 and not any(" after " in name for name in branches):
        head = side_by_side_name(branches)
    elif branches:
        head = _("{count} branches joined").format(count=len(branches))
    elif len(run.blocks[0]) == 1:
        head = spoken_layers(graph.layers)[run.blocks[0][0].index].name
    else:
        head = run.stage
    return head, code if head == run.stage else _("{stage}: {blocks}").format(stage=run.stage, blocks=code)


def _times(run: Run) -> str:
    return f"\N{MULTIPLICATION SIGN}{len(run.blocks)}"


def _listed(names: Sequence[str]) -> str:
    """The names with commas; where there are four or more, only the first and the last."""
    return _(", ").join(names) if len(names) < 4 else _from_to(names)


def _from_to(names: Sequence[str]) -> str:
    """The first and the last name; one where they are the same."""
    return names[0] if names[0] == names[-1] else _("{first} to {last}").format(first=names[0], last=names[-1])


def _size_text(size_by: SizeBy, size: int, total: int) -> str:
    if size_by == "channels":
        return ""  # edges tell
    share = "<1%" if 0 < size < total / 100 else f"{size / (total or 1):.0%}"
    amount = with_unit(size_by, f"{size:,}")
    return _("{amount}, {share}").format(amount=amount, share=share)


def _kind(graph: LayerGraph, members: Sequence[Run]) -> Kind:
    """The kind of a stage or run: the first is the stem, one with an output is a head, and layers decide the rest.

    Other networks' stages are groups of modules with any name. Where the first is no stem by its name, what is in them
    alone decides.
    """
    stage, layers = members[0].stage, members[0].blocks[0]
    first = graph.layers[0].stage
    if first.lower() != STEM.name:
        return _kind_of_layers([layer for run in members for layer in run.blocks[0]])
    heads = {graph.layers[i - 1].stage for i in graph.outputs or [len(graph.layers)] if i}
    if first not in heads and stage in {first, *heads}:
        return STEM if stage == first else HEAD
    ops = {layer.op for layer in layers}
    if ops & SUMS:
        return RESIDUAL
    if Op.CONCAT in ops:
        return REDUCTION if layers[0].in_shapes[0][1:] > layers[-1].out_shape[1:] else INCEPTION
    return OTHER


def _kind_of_layers(layers: Sequence[Layer]) -> Kind:
    """The kind of operation that marks a box: a sum or concatenation in it, else what costs most."""
    ops = {layer.op for layer in layers}
    if ops & SUMS:
        return SUM
    return CONCAT if Op.CONCAT in ops else kind_of(max(layers, key=lambda layer: layer.macs))


@dataclass(frozen=True)
class Cell:
    """What one network has in one row of `side_by_side_dot`."""

    id: str  # of its SVG group
    graph: LayerGraph
    boxes: tuple[Box, ...]  # of the stages that stand there
    differences: tuple[str, ...]  # from the first network, in words


def side_by_side(graphs: Sequence[LayerGraph]) -> list[list[Cell | None]]:
    """One row for each part that stages play, one cell a network; None where a network has no stage for that part.

    Inception-A and Inception-ResNet-A play the same part. Channels, kernels, scales and the number of blocks make a
    difference, the size of the picture does not.
    """
    columns = [_by_part(graph) for graph in graphs]
    rows: list[list[Cell | None]] = []
    for part in merged_order([list(column) for column in columns]):
        reference = columns[0].get(part)
        row: list[Cell | None] = []
        for n, (graph, column) in enumerate(zip(graphs, columns, strict=True)):
            boxes = column.get(part)
            if boxes is None:
                row.append(None)
                continue
            differences = (
                _differences(reference, boxes) if reference else [_("not in {network}").format(network=graphs[0].name)]
            )
            row.append(Cell(f"network{n}row{len(rows)}", graph, tuple(boxes), tuple(differences)))
        rows.append(row)
    return rows


def side_by_side_dot(
    graphs: Sequence[LayerGraph], style: Style = PLAIN_STYLE, amount: Amount | None = None, changes: bool = False
) -> str:
    """DOT text of networks in columns; stages that play the same part stand in one row.

    The second and later networks say in words where they differ from the first. Ids are those of `side_by_side`.
    amount: what boxes say beside what they are.
    changes: whether colours say what is the same, what has changed and what only one of two networks has.
    """
    dot = new_diagram(and_list([graph.name for graph in graphs]), style)
    below = []  # the last box of each column so far
    for n, graph in enumerate(graphs):
        totals = [
            with_unit("params", f"{graph.params:,}"),
            with_unit("macs", f"{graph.macs:,}"),
        ]
        against = _("differences from {network}").format(network=graphs[0].name) if n else ""
        below.append(f"network{n}")
        dot.node(
            below[n],
            box_text(graph.name, *totals, against, style=style),
            group=below[n],
            style="",
            color="transparent",
            fontcolor=LINE,
        )
    _side_by_side(dot, below)
    for row in side_by_side(graphs):
        shown = [(n, cell) for n, cell in enumerate(row) if cell]
        for n, cell in shown:
            _add_cell(dot, cell, n == 0, f"network{n}", style, amount, change_of_row(row) if changes else None)
            dot.edge(below[n], cell.id, weight="10")
            below[n] = cell.id
        _side_by_side(dot, [cell.id for _n, cell in shown])
    return str(dot.source)


def _side_by_side(dot: graphviz.Digraph, names: Sequence[str]) -> None:
    same_row(dot, names)
    for left, right in pairwise(names):
        dot.edge(left, right, style="invis")


def change_of_row(row: Sequence[Cell | None]) -> Kind:
    """What a row of two networks has become, as a colour says it."""
    first, second = row
    if first is None or second is None:
        return ONLY_SECOND if first is None else ONLY_FIRST
    return CHANGED if second.differences else SAME


def _add_cell(
    dot: graphviz.Digraph,
    cell: Cell,
    first: bool,
    group: str,
    style: Style,
    amount: Amount | None,
    change: Kind | None,
) -> None:
    box = cell.boxes[-1]
    head = _(", ").join(box.stage for box in cell.boxes)
    names = _listed([_name(run) for box in cell.boxes for run in box.runs])
    shape = shape_text(box.layers[-1].out_shape)
    marked = [line for text in cell.differences for line in wrapped(text, 40)]
    layers = tuple(layer for box in cell.boxes for layer in box.layers)
    cost = amount_text(amount, layers, cell.graph.receptive_fields[layers[-1].index])
    look = style.box(change or box.kind)
    width = look.pop("penwidth", "1.5")
    dot.node(
        cell.id,
        box_text(head, names, shape, cost, "" if first or marked else _("the same"), marked=marked, style=style),
        id=cell.id,
        group=group,
        **look,
        penwidth="3" if marked else width,
        tooltip=hover_value("\n".join(box_hover(cell.graph, box) for box in cell.boxes)),
    )


def _by_part(graph: LayerGraph) -> dict[str, list[Box]]:
    parts: dict[str, list[Box]] = {}
    for box in overview_boxes(graph, "stage"):
        parts.setdefault(box.stage.replace("Inception-ResNet-", "Inception-"), []).append(box)
    return parts


def _differences(reference: Sequence[Box], boxes: Sequence[Box]) -> list[str]:
    """How stages differ from those of the first network, in words; an empty list where they do not."""
    old, new = ([run for box in members for run in box.runs] for members in (reference, boxes))
    texts = []
    names = [[run.name for run in members] for members in (old, new)]
    for step, i, i_end, j, j_end in SequenceMatcher(None, names[0], names[1], autojunk=False).get_opcodes():
        gone, come = (_listed([_name(run) for run in members]) for members in (old[i:i_end], new[j:j_end]))
        if step == "replace":
            texts.append(_("{come} instead of {gone}").format(come=come, gone=gone))
        elif step == "insert":
            texts.append(f"+ {come}")
        elif step == "delete":
            texts.append(f"\N{MINUS SIGN} {gone}")
        else:
            for pair in zip(old[i:i_end], new[j:j_end], strict=True):
                texts += [text for text in _run_differences(*pair) if text not in texts]
    was, now = reference[-1].channels, boxes[-1].channels
    return texts if was == now else [*texts, _("{now:,} against {was:,} channels").format(now=now, was=was)]


def _run_differences(old: Run, new: Run) -> list[str]:
    texts = []
    if len(old.blocks) != len(new.blocks):
        name = f"{new.name}\N{NO-BREAK SPACE}{_times(new)}"
        texts.append(_("{block} against {times}").format(block=name, times=_times(old)))
    numbers = [[own_numbers(layer) for layer in run.blocks[0]] for run in (old, new)]
    matches = SequenceMatcher(None, numbers[0], numbers[1], autojunk=False).get_matching_blocks()
    same, total = sum(match.size for match in matches), max(map(len, numbers))
    if same < total:
        sentence = ngettext(
            "{count} of {total} layers of {block} differs",
            "{count} of {total} layers of {block} differ",
            total - same,
        )
        texts.append(sentence.format(count=total - same, total=total, block=new.name))
    return texts
