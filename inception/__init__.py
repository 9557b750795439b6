"""Inception-v4, Inception-ResNet-v1 and Inception-ResNet-v2: the networks and what is inside them."""

import os
from typing import Any

# Before anything loads torch: threads that spin while they wait make inference on a busy machine ten times slower.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

from .errors import InceptionError
from .graph.layer_graph import LayerGraph
from .graph.trace import TraceError, trace
from .runtime import explainer
from .runtime.image import ImageError, load_image
from .size import Size
from .version import __version__
from .views.drawing import draw
from .vision.face_detector import find_faces
from .weights.checkpoint import CheckpointError, load_weights
from .zoo import create_model, list_models

parse_size = Size.parse

# Views stand above the graph, so the graph cannot import them; the facade may. Graphviz itself loads when it draws.
LayerGraph.diagram = draw


def _explain_cell(*arguments: Any) -> Any:
    from .vision.cell_arithmetic import explain_cell

    return explain_cell(*arguments)


explainer.explain = _explain_cell

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
