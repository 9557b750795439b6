"""What a network looks like inside: its trace and the views of it."""

from .blocks import BlockType, block_types
from .diagram import diagram_dot, diagram_svg, node_name
from .graph import Layer, LayerGraph
from .kinds import KINDS, kind_of
from .trace import TraceError, parse_size, trace

__all__ = [
    "KINDS",
    "BlockType",
    "Layer",
    "LayerGraph",
    "TraceError",
    "block_types",
    "diagram_dot",
    "diagram_svg",
    "kind_of",
    "node_name",
    "parse_size",
    "trace",
]
