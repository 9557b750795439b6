"""Diagrams of traced layers: DOT text, laid out and drawn by the Graphviz inside pygraphviz's wheel.

Drawn as in the paper's figures: branches side by side, kernel and channels in the box, V for VALID, "filter concat",
a linear 1x1 before the residual sum; below them TF-Slim's name. Data flows from top to bottom. No `dot` program is
needed.

SVG names standard fonts, such as Helvetica and Arial, and keeps text as text; letters that these lack come with the
file. PDF embeds the font that the machine has
for them, e.g. Liberation Sans, which is as wide.
"""

import re
import threading
from collections.abc import Sequence
from contextlib import closing
from html import escape
from math import ceil

import graphviz

from ..errors import InputError
from ..graph.branches import Branch, branch_names, branch_starts
from ..graph.layer import Layer, Part
from ..graph.layer_graph import LayerGraph
from ..graph.op import ACTIVATIONS, SUMS, Op
from ..graph.receptive_field import ReceptiveField
from ..text import shape_text, wrapped
from ..version import __version__
from ..words import N_, _
from .colouring import Scale
from .fonts import add_bundled_font, families, with_font
from .kinds import Kind, kind_of
from .notes import NO_NOTES, Notes
from .style import LINE, PLAIN_STYLE, POINTS, Amount, Style, amount_text
from .thumbnails import PLACE, SIDE, Pictures, png_with_pictures, with_pictures

INK = "#1a1a1a"
PLAIN = {"fillcolor": "#ffffff", "color": LINE}  # boxes of what is not worth a colour: batch norm, ReLU

# What `diagram_file` writes, and the media types.
DIAGRAM_FORMATS = {
    "svg": "image/svg+xml",
    "png": "image/png",
    "pdf": "application/pdf",
    "dot": "text/vnd.graphviz",
}
BRANCH_WIDTH = 24  # characters of a line above a branch
PLAIN_TABLE = '<table border="0" cellborder="0" cellspacing="0" cellpadding="0">'
BESIDE = 118  # points of the text beside maps
BAR = 210  # points of the longest bar in a box
PICTURE_FORMATS = ("svg", "png")  # those that can carry maps
LEGEND_COLUMNS = 4  # swatches in a row, at most
LINEAR = N_("linear")  # said of a convolution that no activation follows
PRODUCT = "mul"  # what a trace calls the product of two tensors, e.g. of a gate and what it lets through
PRINT_DPI = 192  # twice what Graphviz draws for screens

# Graphviz's C code keeps global state; two threads in it at once abort the process.
_layout_lock = threading.Lock()


class DiagramError(InputError):
    """A format that does not exist, or text that is not DOT, in one sentence."""


def diagram_dot(
    layers: Sequence[Layer],
    title: str,
    units: bool = True,
    style: Style = PLAIN_STYLE,
    amount: Amount | None = None,
    fields: Sequence[ReceptiveField | None] = (),
    notes: Notes = NO_NOTES,
) -> str:
    """DOT text of the layers of a block or stage, with arrows from what they read and to what reads them.

    units: a convolution, its batch norm and its ReLU share a box. False gives each a box of its own.
    amount: what boxes say beside what a layer is; for "rf" `fields` are the graph's receptive fields.
    notes: what boxes and edges show besides. Boxes have the SVG ids that `node_name` tells.
    """
    dot = new_diagram(title, style)
    add_layers(dot, layers, units, style, amount, fields, notes)
    headings = _headings(layers) if notes.branches else {}
    inside = {layer.index for layer in layers}
    read = {source for layer in layers for source in layer.inputs}
    outside = set()
    for layer in layers:
        for source in layer.inputs:
            if source in inside:
                continue
            if source not in outside:
                outside.add(source)
                add_end(dot, f"from{source}", _("input {shape}").format(shape=shape_read(layer, source)), style)
            into = headings.get(layer.index, node_name(layer))
            dot.edge(f"from{source}", into, **_look_of_edge(notes, source, layer, into))
        if layer.index not in read:
            text = _("output {shape}").format(shape=shape_text(layer.out_shape))
            add_end(dot, f"to{layer.index}", text, style)
            dot.edge(last_box(layer, units), f"to{layer.index}")
    return str(dot.source)


def diagram_svg(dot: str, title: str) -> str:
    """DOT text as an <svg> element for a page; `title` is its text alternative."""
    svg = render(dot, "svg").decode()
    return svg[svg.index("<svg") :].replace("<svg ", f'<svg role="img" aria-label="{escape(_printable(title))}" ', 1)


def diagram_file(
    dot: str,
    format: str,
    caption: str,
    legend: Sequence[Kind] = (),
    style: Style = PLAIN_STYLE,
    pictures: Pictures | None = None,
) -> bytes:
    """DOT text as a file of that format, a key of `DIAGRAM_FORMATS`, on white and with a line of text below.

    caption: that line; empty for none. legend: the kinds whose colours are explained above it.
    pictures: the maps in the boxes, which the formats in `PICTURE_FORMATS` can carry.
    PNG has 192 pixels an inch. The same text gives the same bytes on the same machine.
    Raises DiagramError for an unknown format or for text that is not DOT.
    """
    if format not in DIAGRAM_FORMATS:
        sentence = _("unknown format {format}; known: {known}")
        raise DiagramError(sentence.format(format=repr(format), known=", ".join(DIAGRAM_FORMATS)))
    line = f'<font point-size="{style.points(10)}">{_html(caption)}</font>'
    line = f"<{_legend(legend, line if caption else '', style)}>" if legend else f"<{line}>" if caption else '""'
    # Attributes at the end of the text replace those at its beginning.
    page = (
        f'{dot.rstrip().removesuffix("}")}\tgraph [label={line} labelloc=b fontname="{families()}" bgcolor=white]\n}}\n'
    )
    if format == "dot":
        return page.encode()
    data = render(page, format, PRINT_DPI if format == "png" else None)
    if format == "svg":
        svg = with_font(data.decode())
        return (with_pictures(svg, pictures) if pictures else svg).encode()
    if pictures and format == "png":
        return png_with_pictures(data, render(page, "svg").decode(), pictures, PRINT_DPI)
    return _without_date(data) if format == "pdf" else data


def diagram_caption(graph: LayerGraph, what: str, *others: LayerGraph) -> str:
    """The line below a printed diagram: what it shows, of which networks, for which picture, by which version."""
    network = _("{network} (input {shape})")
    networks = _(", ").join(
        network.format(network=each.name, shape=shape_text(each.input_shape)) for each in (graph, *others)
    )
    caption = _("{what} of {networks}, inception-explorer {version}")
    return caption.format(what=what, networks=networks, version=__version__)


def render(dot: str, format: str, dpi: int | None = None) -> bytes:
    """DOT text laid out from top to bottom and written as svg, png or pdf; any number of threads may call it.

    Raises DiagramError for text that is not DOT.
    """
    import pygraphviz  # here, because most of what the package does needs no layout

    with _layout_lock:
        add_bundled_font()
        try:
            graph = pygraphviz.AGraph(string=dot)
        except pygraphviz.DotError as error:
            raise DiagramError(_("the text of the diagram is not DOT")) from error
        with closing(graph):
            return bytes(graph.draw(format=format, prog="dot", args=f"-Gdpi={dpi}" if dpi else ""))


def node_name(layer: Layer, part: int = 1) -> str:
    """The name and SVG id of the box of a layer, or of one of its parts, counted from 1."""
    return f"layer{layer.index}" if part == 1 else f"layer{layer.index}part{part}"


def parts_by_name(layers: Sequence[Layer]) -> dict[str, tuple[Layer, Part]]:
    """What each SVG id of a diagram stands for."""
    return {node_name(layer, n): (layer, part) for layer in layers for n, part in enumerate(layer.parts, 1)}


def new_diagram(title: str, style: Style = PLAIN_STYLE) -> graphviz.Digraph:
    """An empty diagram in the style that all diagrams share."""
    return graphviz.Digraph(
        plain_text(title),
        graph_attr={
            "rankdir": "TB" if style.direction == "down" else "LR",
            "ordering": "out",
            "bgcolor": "transparent",
            "nodesep": "0.25",
            "ranksep": "0.3",
            "pad": "0.1",
        },
        node_attr={
            "shape": "box",
            "style": "filled,rounded",
            "fontname": families(),
            "fontsize": style.points(12),
            "fontcolor": INK,
            "penwidth": "1.5",
            "margin": "0.12,0.06",
            "height": "0.3",
        },
        edge_attr={
            "color": LINE,
            "arrowsize": "0.7",
            "penwidth": "1.2",
            "fontname": families(),
            "fontsize": style.points(10),
            "fontcolor": LINE,
        },
    )


def add_layers(
    dot: graphviz.Digraph,
    layers: Sequence[Layer],
    units: bool = True,
    style: Style = PLAIN_STYLE,
    amount: Amount | None = None,
    fields: Sequence[ReceptiveField | None] = (),
    notes: Notes = NO_NOTES,
) -> None:
    """Adds the boxes of `layers` and the edges between them: branches start in one row and run straight down.

    amount, fields, notes: as `diagram_dot` takes them.
    """
    by_index = {layer.index: layer for layer in layers}
    top = [layer for layer in layers if not by_index.keys() & {*layer.inputs}]
    same_row(dot, [node_name(layer) for layer in top])
    # Layers whose norm or activation is a layer of its own, as in networks that are not ours.
    goes_on = {source for layer in layers if "norm" in layer.op or layer.op in ACTIVATIONS for source in layer.inputs}
    scale = notes.colouring.scale([(layer,) for layer in layers]) if notes.colouring else None
    headings = _headings(layers) if notes.branches else {}
    if headings:
        _add_headings(dot, layers, style)
    for layer in layers:
        field = fields[layer.index] if fields else None
        details = [text for text in detail_texts(layer) if text != _(LINEAR) or layer.index not in goes_on]
        lines = [amount_text(amount, (layer,), field), *notes.text((layer,))]
        _add_layer(dot, layer, details, units, style, lines, notes, scale)
        for source in layer.inputs:
            if source in by_index:
                into = headings.get(layer.index, node_name(layer))
                dot.edge(last_box(by_index[source], units), into, **_look_of_edge(notes, source, layer, into))


def last_box(layer: Layer, units: bool = True) -> str:
    """The name of the box at which arrows to the readers of a layer start."""
    return node_name(layer, 1 if units and not has_own_relu(layer) else len(layer.parts))


def has_own_relu(layer: Layer) -> bool:
    """Whether the activation after a layer has a box of its own: it has after a sum, as in the paper's figures."""
    return layer.op in SUMS and len(layer.parts) > 1


def same_row(dot: graphviz.Digraph, names: Sequence[str]) -> None:
    """Puts boxes side by side."""
    if len(names) < 2:
        return
    with dot.subgraph(graph_attr={"rank": "same"}) as row:
        for name in names:
            row.node(name)


def group_of(layer: Layer) -> str:
    """The layer's branch as the value of Graphviz's `group`: it draws straight lines between boxes of one group."""
    return plain_text(f"{layer.block} {layer.branch}".rstrip())


def add_end(dot: graphviz.Digraph, name: str, text: str, style: Style = PLAIN_STYLE) -> None:
    """Adds what comes in or goes out, as text without a box."""
    size = style.points(11)
    dot.node(name, plain_text(text), shape="plaintext", style="", margin="0.05,0.02", fontcolor=LINE, fontsize=size)


def plain_text(text: str) -> str:
    """`text` as the value of a DOT attribute, escaped so that it is shown letter by letter."""
    return graphviz.escape(escape(_printable(text), quote=False))  # a str that Graphviz does not take for HTML


def hover_value(text: str) -> str:
    """`text` as the value of a tooltip, escaped once more, because Graphviz resolves backslashes there twice."""
    return graphviz.escape(plain_text(text))


def box_text(
    head: str,
    *lines: str,
    marked: Sequence[str] = (),
    style: Style = PLAIN_STYLE,
    pictures: int = 0,
    beside: bool = False,
    side: int = SIDE,
    bar: tuple[float, str] | None = None,
) -> str:
    """The text of a box as an HTML-like label: one line in bold, smaller ones below it, the last of them marked.

    pictures: how many maps, `side` points wide, there is room for, below the text or beside it.
    bar: its share of the longest bar, and its colour.
    """
    small = [_html(line) for text in lines if text for line in text.split("\n")]
    small += [f"<b>{_html(line)}</b>" for line in marked]
    bold = [f"<b>{_html(line)}</b>" for line in head.split("\n")]
    texts = [*bold, *(f'<font point-size="{style.points(10)}">{line}</font>' for line in small)]
    cell = '<td align="left">' if pictures and beside else "<td>"
    rows = "".join(f"<tr>{cell}{text}</td></tr>" for text in texts)
    table = f"{PLAIN_TABLE}{rows}</table>"
    if pictures:
        size = round(side * style.font_size / POINTS)
        place = f'<td fixedsize="true" width="{size}" height="{size}" bgcolor="{PLACE}"></td>'
        room = f'<table border="0" cellborder="0" cellspacing="3" cellpadding="0"><tr>{place * pictures}</tr></table>'
        if beside:
            text = f"{PLAIN_TABLE}<tr><td>{table}</td></tr></table>"
            width = round(BESIDE * style.font_size / POINTS)
            table = f'{PLAIN_TABLE}<tr><td align="left" width="{width}">{text}</td><td>{room}</td></tr></table>'
        else:
            table = f"{PLAIN_TABLE}<tr><td>{table}</td></tr><tr><td>{room}</td></tr></table>"
    if bar:
        share, color = bar
        width = round(BAR * style.font_size / POINTS)
        drawn = max(1, round(share * width)) if share else 0
        parts = f'<td fixedsize="true" width="{drawn}" height="6" bgcolor="{color}"></td>' if drawn else ""
        parts += f'<td fixedsize="true" width="{width - drawn}" height="6"></td>' if drawn < width else ""
        gap = '<tr><td height="4"></td></tr>'
        table = f"<tr><td>{table}</td></tr>{gap}<tr><td>{PLAIN_TABLE}<tr>{parts}</tr></table></td></tr>"
        table = f"{PLAIN_TABLE}{table}</table>"
    return f"<{table}>"


def head_text(layer: Layer) -> str:
    """What a layer does, as the figures call it."""
    size = shape_text(layer.kernel)
    if layer.op in SUMS:
        return "+"
    if layer.op == PRODUCT:
        return "\N{MULTIPLICATION SIGN}"
    if groups_of(layer) > 1:
        sentence = _("{size} depthwise {op}") if is_depthwise(layer) else _("{size} grouped {op}")
        return sentence.format(size=size, op=layer.op).strip()
    return _("filter concat") if layer.op == Op.CONCAT else f"{size} {layer.op}".strip()


def groups_of(layer: Layer) -> int:
    """Into how many groups a convolution splits its channels; 1 for anything else."""
    return layer.parts[0].groups


def is_depthwise(layer: Layer) -> bool:
    """Whether each channel that comes in has a window of its own."""
    return groups_of(layer) == layer.in_shapes[0][0] > 1


def has_v(layer: Layer) -> bool:
    """Whether a layer is marked with a V, for VALID: a 1x1 adds no zeros anyway."""
    return layer.window is not None and layer.window.padding == "VALID" and layer.window.kernel != (1, 1)


def detail_texts(layer: Layer) -> list[str]:
    """How a layer does it: channels first, then scale, linear, stride, V for VALID."""
    window = layer.window
    details = [shape_text(layer.out_shape[:1])]
    if groups_of(layer) > 1 and not is_depthwise(layer):
        details.append(_("{count} groups").format(count=groups_of(layer)))
    if layer.parts[0].scale is not None:
        details.append(_("residual x {scale:g}").format(scale=layer.parts[0].scale))
    if layer.op == Op.CONV and all(part.op == Op.BATCH_NORM for part in layer.parts[1:]):
        details.append(_(LINEAR))
    # The figures of the paper leave out ReLU, so it goes without saying.
    details += [part.op for part in layer.parts[1:] if part.op in ACTIVATIONS and part.op != Op.RELU]
    if window is None or window.kernel == window.grid:  # once over the whole grid, there is nowhere to step to
        return details
    if window.stride != (1, 1):
        same = window.stride[0] == window.stride[1]
        stride = window.stride[0] if same else shape_text(window.stride)
        details.append(_("stride {stride}").format(stride=stride))
    if has_v(layer):
        details.append("V")
    return details


def layer_name(layer: Layer) -> str:
    """TF-Slim's name of a layer, where it says more than its operation does."""
    name = layer.layer or layer.block
    return "" if name == layer.op else name


def hover_text(layer: Layer) -> str:
    """Path and shapes of a layer."""
    sentence = _("{path}: {inputs} to {output}")
    inputs = " + ".join(map(shape_text, layer.in_shapes))
    return sentence.format(path=layer.path, inputs=inputs, output=shape_text(layer.out_shape))


def shape_read(layer: Layer, source: int) -> str:
    """The shape that `layer` reads from `source`; all its shapes where inputs and shapes do not match one to one."""
    if len(layer.inputs) != len(layer.in_shapes):
        return " + ".join(map(shape_text, layer.in_shapes))
    return shape_text(layer.in_shapes[layer.inputs.index(source)])


def _headings(layers: Sequence[Layer]) -> dict[int, str]:
    """The node that says what a branch does, by the index of each layer at which the branch starts."""
    first: dict[Branch, int] = {}
    return {index: f"branch{first.setdefault(branch, index)}" for index, branch in branch_starts(layers).items()}


def _add_headings(dot: graphviz.Digraph, layers: Sequence[Layer], style: Style) -> None:
    """Says above each branch what it does, with TF-Slim's name below."""
    names, starts, by_index = branch_names(layers), branch_starts(layers), {layer.index: layer for layer in layers}
    look = {"shape": "plaintext", "style": "", "margin": "0.02,0", "height": "0.2", "fontcolor": LINE}
    for index, name in _headings(layers).items():
        head = "\n".join(wrapped(names[starts[index]], BRANCH_WIDTH))
        text = box_text(head, starts[index][1], style=style)
        dot.node(name, text, group=group_of(by_index[index]), **look)
        dot.edge(name, node_name(by_index[index]), arrowsize="0.5")


def _look_of_edge(notes: Notes, source: int, layer: Layer, into: str) -> dict[str, str]:
    """Graphviz's attributes of an edge to a layer, or to the heading of its branch, which has no arrow."""
    return notes.edge(source, layer.index) | ({} if into == node_name(layer) else {"arrowhead": "none"})


def _add_layer(
    dot: graphviz.Digraph,
    layer: Layer,
    details: Sequence[str],
    units: bool,
    style: Style,
    lines: Sequence[str],
    notes: Notes,
    scale: Scale | None,
) -> None:
    below = [_(", ").join(details), layer_name(layer), *lines]
    dot.node(
        node_name(layer),
        box_text(head_text(layer), *below, style=style, pictures=notes.pictures((layer,))),
        id=node_name(layer),
        group=group_of(layer),
        **notes.box((layer,), kind_of(layer), scale, style),
        tooltip=hover_value(hover_text(layer)),
    )
    if units and not has_own_relu(layer):
        return
    for n, part in enumerate(layer.parts[1:], 2):
        name = node_name(layer, n)
        text = "ReLU" if part.op == Op.RELU else part.op
        path = part.path
        if part.params:
            path = _("{path}: {count:,} parameters").format(path=path, count=part.params)
        dot.node(name, plain_text(text), id=name, group=group_of(layer), tooltip=hover_value(path), **PLAIN)
        dot.edge(node_name(layer, n - 1), name)


def _legend(kinds: Sequence[Kind], caption: str, style: Style) -> str:
    """An HTML-like label: a row of swatches with their names, the caption below them."""
    items = []
    for kind in kinds:
        box = style.box(kind)
        swatch = f'bgcolor="{box["fillcolor"]}" color="{box["color"]}" border="{round(float(box.get("penwidth", 1)))}"'
        name = f'<td border="0" align="left"><font point-size="{style.points(10)}">{_html(_(kind.name))}</font></td>'
        items.append(f'<td {swatch} fixedsize="true" width="16" height="12"></td>{name}')
    # A table in each row, because the cells of one table would be as wide as the caption.
    per_row = ceil(len(items) / ceil(len(items) / LEGEND_COLUMNS))  # rows of equal length
    rows = [
        f'<table border="0" cellspacing="6"><tr>{"".join(items[i : i + per_row])}</tr></table>'
        for i in range(0, len(items), per_row)
    ]
    body = "".join(f"<tr><td>{row}</td></tr>" for row in [*rows, *filter(None, [caption])])
    return f'<table border="0" cellspacing="0" cellpadding="0">{body}</table>'


def _html(text: str) -> str:
    return escape(_printable(text)).replace("\\", "\\\\")  # \N is the name of the box in HTML-like labels too


def _printable(text: str) -> str:
    """`text` with a replacement for characters that XML cannot hold: control characters, halves of surrogate pairs."""
    return "".join(c if c.isprintable() or c in "\n\N{NO-BREAK SPACE}" else "\N{REPLACEMENT CHARACTER}" for c in text)


def _without_date(pdf: bytes) -> bytes:
    """A PDF as cairo writes it without the time at which it did."""
    date = re.search(rb"\n */CreationDate \([^)]*\)", pdf)
    if date is None:
        return pdf

    def moved(offset: re.Match[bytes]) -> bytes:
        old = int(offset[0])
        return b"%0*d" % (len(offset[0]), old - len(date[0]) if old > date.start() else old)

    # A PDF ends with a list of where its objects start, and where that list does.
    return pdf[: date.start()] + re.sub(rb"\d{10}(?= 00000 n)|(?<=startxref\n)\d+", moved, pdf[date.end() :])
