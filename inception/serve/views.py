"""The routes beside the protocol. A view is known once its module is imported, so all of them are imported here."""

from ..vision import inside  # noqa: F401
from ..vision.attributions import cams, gradients, occlusion  # noqa: F401
from ..vision.elsewhere import ARRAYS, VIEWS, computed, graph_of

ROUTES = (*ARRAYS, *VIEWS)

__all__ = ["ROUTES", "computed", "graph_of"]
