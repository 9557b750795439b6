"""Inception-v4, Inception-ResNet-v1 and Inception-ResNet-v2: the networks and what is inside them.

What is imported from here is loaded when it is first asked for: torch takes a second, for which a command's --help, or
one that only starts a server, should not wait.
"""

import os
from collections.abc import Callable
from importlib import import_module
from types import MethodType
from typing import TYPE_CHECKING, Any

# Before anything loads torch: threads that spin while they wait make inference on a busy machine ten times slower.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

from .errors import InceptionError
from .graph import drawer
from .runtime import explainer
from .size import Size
from .version import __version__

if TYPE_CHECKING:
    from .graph.layer_graph import LayerGraph
    from .graph.trace import TraceError, trace
    from .runtime.image import ImageError, load_image
    from .vision.face_detector import find_faces
    from .weights.checkpoint import CheckpointError, load_weights
    from .zoo import create_model, list_models

__all__ = [
    "CheckpointError",
    "ImageError",
    "InceptionError",
    "LayerGraph",
    "Size",
    "TraceError",
    "__version__",
    "create_model",
    "find_faces",
    "list_models",
    "load_image",
    "load_weights",
    "parse_size",
    "trace",
]
# Where those are that load torch.
PLACES = {
    ".graph.layer_graph": ("LayerGraph",),
    ".graph.trace": ("TraceError", "trace"),
    ".runtime.image": ("ImageError", "load_image"),
    ".vision.face_detector": ("find_faces",),
    ".weights.checkpoint": ("CheckpointError", "load_weights"),
    ".zoo": ("create_model", "list_models"),
}

parse_size = Size.parse


def __getattr__(name: str) -> Any:
    """A name of the facade that nobody has asked for yet."""
    for module, names in PLACES.items():
        if name in names:
            globals()[name] = found = getattr(import_module(module, __name__), name)
            return found
    raise AttributeError(f"{__name__}.{name}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


def _explain_cell(*arguments: Any) -> Any:
    from .vision.cell_arithmetic import explain_cell

    return explain_cell(*arguments)


def _drawer_of(graph: "LayerGraph") -> Callable[..., Any]:
    from .views.drawing import draw

    return MethodType(draw, graph)


explainer.explain = _explain_cell
drawer.drawer_of = _drawer_of
