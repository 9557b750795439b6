"""What a network looks like inside: its trace and the views of it."""

from .graph import Layer, LayerGraph
from .trace import TraceError, trace

__all__ = ["Layer", "LayerGraph", "TraceError", "trace"]
