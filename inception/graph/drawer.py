"""Where `LayerGraph.diagram` finds what draws: a drawing is a view, and views stand above the graph.

So `inception/__init__.py` puts it here. It loads what it needs when it is asked for: importing the library stays quick.
"""

from collections.abc import Callable
from typing import Any

drawer_of: Callable[[Any], Callable[..., Any]]  # `inception.views.drawing.draw`, bound to a graph
