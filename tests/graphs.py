"""Traces of the zoo's networks, each made once in a process, for tests that only read them."""

from functools import cache

from inception import LayerGraph, trace
from inception.zoo import VARIANTS


@cache
def zoo_graph(name: str, size: int | tuple[int, int] | None = None) -> LayerGraph:
    """The trace of a network of the zoo; without a size at the one it was made for."""
    return trace(name, size or VARIANTS[name].input_size)
