"""Views of a picture that an engine elsewhere can compute: the same functions, asked by name over HTTP.

A view is a function of a predictor and a prepared picture. Where the predictor is a `RemoteNetwork`, the call becomes a
request to the route of the view; the engine runs the very same function and its result travels back (`wire`). Where the
engine cannot, this process does it.
"""

from collections.abc import Callable
from functools import lru_cache, wraps
from inspect import Signature, signature
from typing import Any, ParamSpec, TypeVar, cast

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ..errors import InputError
from ..graph.layer import Layer
from ..graph.layer_graph import LayerGraph
from ..graph.trace import trace
from ..runtime.engine_client import EngineError
from ..runtime.open_inference import Message
from ..runtime.predictor import Predictor
from ..runtime.remote import RemoteNetwork
from ..words import _
from .wire import Tensors, pack, unpack

P = ParamSpec("P")
R = TypeVar("R")

RESULT = "result"  # the parameter of a message that holds the tree
TARGET = "target"  # the parameter of a view that may be an embedding
HEARD = ("progress", "preview", "check")  # parameters of a view that are called while it works
MOST = 10**6  # of any number that a request gives
VIEWS: dict[str, Callable[..., Any]] = {}  # by route: the functions that compute in this process


class ViewError(InputError):
    """A request for a view that cannot be understood, in one sentence."""


def _activations(predictor: Predictor, prepared: Image.Image, layer: Layer) -> NDArray[np.float32]:
    return predictor.activations(prepared, layer)


def _embeddings(predictor: Predictor, prepared: Image.Image) -> NDArray[np.float32]:
    return predictor.features(prepared)


# What `RemoteNetwork` asks for by itself, by route: one array each.
ARRAYS: dict[str, Callable[..., NDArray[np.float32]]] = {"activations": _activations, "embeddings": _embeddings}


def engine_view(route: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Lets an engine elsewhere answer a view under a route; its first parameters are `predictor` and `prepared`."""

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        VIEWS[route] = function
        parameters = signature(function)

        @wraps(function)
        def view(*args: P.args, **kwargs: P.kwargs) -> R:
            bound = parameters.bind(*args, **kwargs)
            predictor = bound.arguments["predictor"]
            if isinstance(predictor, RemoteNetwork):
                bound.apply_defaults()
                answer = _asked(predictor, route, dict(bound.arguments))
                if answer is not None:
                    return cast(R, answer)
                bound.arguments["predictor"] = predictor.here
            return function(*bound.args, **bound.kwargs)

        return view

    return decorate


def _asked(network: RemoteNetwork, route: str, arguments: dict[str, Any]) -> Any:
    """What the engine answers, None where this process must do it; raises EngineError."""
    prepared: Image.Image = arguments.pop("prepared")
    graph: LayerGraph = arguments.pop("graph", None) or graph_of(network, (prepared.height, prepared.width))
    heard = {name: arguments.pop(name) for name in HEARD if name in arguments}
    del arguments["predictor"]
    tensors = {name: value for name, value in arguments.items() if isinstance(value, np.ndarray)}
    given = {
        name: value.path if isinstance(value, Layer) else value
        for name, value in arguments.items()
        if name not in tensors
    }

    def result(message: Message) -> Any:
        try:
            return unpack(message.parameters[RESULT], message.tensors, graph)
        except (KeyError, TypeError, IndexError) as error:
            raise EngineError(_("The engine's answer cannot be read: {reason}").format(reason=error)) from error

    def frame(kind: str, value: Any) -> None:
        heard["check"]()
        if kind == "progress":
            heard["progress"](*value)
        elif kind == "preview":
            heard["preview"](result(value))

    answer = network.ask_view(route, prepared, given, tensors, frame if heard else None)
    return None if answer is None else result(answer)


def computed(
    route: str,
    predictor: Predictor,
    pixels: NDArray[Any],
    message: Message,
    hear: Callable[[str, object], None],
    check: Callable[[], None],
) -> tuple[Any, Tensors]:
    """In the engine: the tree and the tensors of a view that a request asks for.

    pixels: (H, W, 3) bytes of a prepared picture. hear: called with "progress" and (done, total), and with "preview"
    and (tree, tensors), by views that take long. check: called between layers; what it raises ends the work.
    Raises ViewError for what the view cannot take, and the errors of the view.
    """
    function = VIEWS.get(route) or ARRAYS[route]
    parameters = signature(function)
    graph = graph_of(predictor, pixels.shape[:2])
    arguments = _arguments(parameters, message, graph)
    if route in ARRAYS:
        return None, {route: function(predictor, Image.fromarray(pixels), **arguments)}
    if "graph" in parameters.parameters:
        arguments["graph"] = graph
    if "check" in parameters.parameters:
        arguments["progress"] = lambda done, total: hear("progress", (done, total))
        arguments["preview"] = lambda coarse: hear("preview", _packed(coarse))
        arguments["check"] = check
    return _packed(function(predictor, Image.fromarray(pixels), **arguments))


def graph_of(predictor: Predictor, size: tuple[int, ...]) -> LayerGraph:
    """The trace of a network with weights, as they are, at a size (height, width)."""
    known = predictor.description
    overrides = known.network if known else {"num_classes": len(predictor.labels)}
    hashable = {name: tuple(value) if isinstance(value, list) else value for name, value in overrides.items()}
    return _traced(predictor.name, (size[0], size[1]), tuple(sorted(hashable.items())))


@lru_cache(maxsize=32)
def _traced(name: str, size: tuple[int, int], overrides: tuple[tuple[str, Any], ...]) -> LayerGraph:
    return trace(name, size, **dict(overrides))


def _packed(value: Any) -> tuple[Any, Tensors]:
    tensors: Tensors = {}
    return pack(value, tensors), tensors


def _arguments(parameters: Signature, message: Message, graph: LayerGraph) -> dict[str, Any]:
    """What a request gives for the parameters of a view, checked; raises ViewError."""
    hidden = {"predictor", "prepared", "graph", *HEARD}
    takes = {name: each for name, each in parameters.parameters.items() if name not in hidden}
    given: dict[str, Any] = {**message.parameters}
    if TARGET in takes and TARGET in message.tensors:
        given[TARGET] = message.tensors[TARGET].astype(np.float32)
    if unknown := sorted(given.keys() - takes.keys()):
        sentence = _("There is no parameter {unknown!r}; known are {known}.")
        raise ViewError(sentence.format(unknown=unknown[0], known=_(", ").join(takes)))
    if missing := [name for name, each in takes.items() if each.default is each.empty and name not in given]:
        raise ViewError(_("The parameter {name} is missing.").format(name=missing[0]))
    for name, value in given.items():
        kind = takes[name].annotation
        if kind is Layer:
            layer = graph.layer_at(value) if isinstance(value, str) else None
            if layer is None:
                sentence = _("{network} has no layer {path!r}.")
                raise ViewError(sentence.format(network=graph.name, path=value))
            given[name] = layer
        elif not _fits(value, int if name == TARGET else kind) and not isinstance(value, np.ndarray):
            raise ViewError(_("The parameter {name} cannot be {value!r}.").format(name=name, value=value))
    return given


def _fits(value: object, kind: type) -> bool:
    """Whether a value of JSON can be a parameter of a kind."""
    return type(value) is kind and (not isinstance(value, int) or 0 <= value <= MOST)
