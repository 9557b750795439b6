"""Diagrams of traced layers: DOT text, and SVG laid out by the Graphviz inside pygraphviz's wheel.

Drawn as in the paper's figures: branches side by side, kernel and channels in the box, V for VALID, "filter concat",
a linear 1x1 before the residual sum. Data flows from top to bottom. No `dot` program is needed.
"""

import threading
from collections.abc import Sequence
from html import escape

import graphviz
import pygraphviz

from .graph import Layer
from .kinds import kind_of
from .table import shape_text

FONT = "Helvetica,Arial,sans-serif"
INK = "#1a1a1a"
LINE = "#808080"  # readable on white and on dark grounds

# Graphviz's C code keeps global state.
_layout_lock = threading.Lock()


def diagram_dot(layers: Sequence[Layer], title: str) -> str:
    """DOT text of `layers` (those of a block or stage) with what they read and hand on."""
    dot = graphviz.Digraph(
        title,
        graph_attr={
            "rankdir": "TB",
            "ordering": "out",
            "bgcolor": "transparent",
            "nodesep": "0.25",
            "ranksep": "0.3",
            "pad": "0.1",
        },
        node_attr={
            "shape": "box",
            "style": "filled,rounded",
            "fontname": FONT,
            "fontsize": "12",
            "fontcolor": INK,
            "penwidth": "1.5",
            "margin": "0.14,0.07",
        },
        edge_attr={"color": LINE, "arrowsize": "0.7", "penwidth": "1.2"},
    )
    last_node = {layer.index: _add_layer(dot, layer) for layer in layers}
    read_inside = {source for layer in layers for source in layer.inputs}
    for layer in layers:
        for source, shape in zip(layer.inputs, layer.in_shapes, strict=True):
            if source not in last_node:
                _add_end(dot, f"from{source}", f"input {shape_text(shape)}")
            dot.edge(last_node.get(source, f"from{source}"), node_name(layer))
        if layer.index not in read_inside:
            _add_end(dot, f"to{layer.index}", f"output {shape_text(layer.out_shape)}")
            dot.edge(last_node[layer.index], f"to{layer.index}")
    return str(dot.source)


def diagram_svg(dot: str, title: str) -> str:
    """DOT text as an <svg> element for a page; `title` is its text alternative."""
    svg = render(dot, "svg").decode()
    return svg[svg.index("<svg") :].replace("<svg ", f'<svg role="img" aria-label="{escape(title)}" ', 1)


def render(dot: str, format: str) -> bytes:
    """DOT text laid out top to bottom and written as svg, png or pdf."""
    with _layout_lock:
        graph = pygraphviz.AGraph(string=dot)
        return bytes(graph.draw(format=format, prog="dot"))


def node_name(layer: Layer) -> str:
    """The name and SVG id of a layer's box."""
    return f"layer{layer.index}"


def _add_layer(dot: graphviz.Digraph, layer: Layer) -> str:
    """Adds a layer's box; a ReLU after a residual sum gets its own, as in the figures. Returns the last box's name."""
    kind, name = kind_of(layer), node_name(layer)
    shapes = f"{' + '.join(map(shape_text, layer.in_shapes))} to {shape_text(layer.out_shape)}"
    dot.node(name, _label(layer), id=name, fillcolor=kind.tint, color=kind.color, tooltip=f"{layer.path}: {shapes}")
    activation = layer.parts[-1]
    if layer.op != "residual sum" or activation is layer.parts[0]:
        return name
    dot.node(f"{name}relu", "ReLU", fillcolor="#ffffff", color=LINE, tooltip=activation.path)
    dot.edge(name, f"{name}relu")
    return f"{name}relu"


def _add_end(dot: graphviz.Digraph, name: str, text: str) -> None:
    dot.node(name, text, shape="plaintext", style="", fontcolor=LINE, fontsize="11")


def _label(layer: Layer) -> str:
    """Two lines: what it does, and with how many channels, which stride, VALID or not."""
    window = layer.window
    size = f"{shape_text(window.kernel)} " if window else ""
    head = {"concat": "filter concat", "residual sum": "+"}.get(layer.op) or f"{size}{layer.op}"
    details = [str(layer.out_shape[0])]
    if layer.parts[0].scale is not None:
        details.append(f"residual x {layer.parts[0].scale:g}")
    if layer.op == "conv" and len(layer.parts) == 1:
        details.append("linear")
    if window and window.stride != (1, 1):
        details.append(f"stride {window.stride[0]}")
    if window and window.padding == "VALID" and window.kernel != (1, 1):
        details.append("V")
    return f'<<b>{escape(head)}</b><br/><font point-size="10">{escape(", ".join(details))}</font>>'
