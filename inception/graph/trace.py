"""`trace` runs a module once on the meta device and makes the `LayerGraph` that every table and diagram comes from."""

import operator
from collections import Counter
from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from copy import deepcopy
from math import prod
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, fx, nn

from ..errors import InputError
from ..models.layers import Concat, L2Normalize, ResidualSum, Stage
from ..text import shape_text
from ..zoo import Variant, create_model
from .layer import Layer, Part, Shape
from .layer_graph import LayerGraph
from .op import ACTIVATIONS, Op
from .symbolic import Tracer
from .unused import find_unused
from .window import pair, window_of

OPS: dict[Any, Op] = {
    nn.Conv2d: Op.CONV,
    nn.Linear: Op.LINEAR,
    nn.MaxPool2d: Op.MAX_POOL,
    nn.AvgPool2d: Op.AVG_POOL,
    nn.AdaptiveAvgPool2d: Op.AVG_POOL,
    nn.BatchNorm1d: Op.BATCH_NORM,
    nn.BatchNorm2d: Op.BATCH_NORM,
    nn.ReLU: Op.RELU,
    nn.Dropout: Op.DROPOUT,
    nn.Flatten: Op.FLATTEN,
    Concat: Op.CONCAT,
    ResidualSum: Op.RESIDUAL_SUM,
    L2Normalize: Op.L2_NORMALIZE,
    F.conv2d: Op.CONV,
    F.linear: Op.LINEAR,
    F.relu: Op.RELU,
    F.dropout: Op.DROPOUT,
    torch.relu: Op.RELU,
    torch.cat: Op.CONCAT,
    torch.flatten: Op.FLATTEN,
    torch.add: Op.SUM,
    operator.add: Op.SUM,
    operator.iadd: Op.SUM,
    "add": Op.SUM,
    "add_": Op.SUM,
    "relu_": Op.RELU,
    "view": Op.FLATTEN,
    "reshape": Op.FLATTEN,
}
# Functions that are a module without parameters; seen as that module they get its window.
AS_MODULE: dict[Any, type[nn.Module]] = {
    F.max_pool2d: nn.MaxPool2d,
    F.avg_pool2d: nn.AvgPool2d,
    F.adaptive_avg_pool2d: nn.AdaptiveAvgPool2d,
}
# What may share a row with the operation before it.
FOLDS_INTO: dict[str, AbstractSet[str]] = {
    Op.CONV: {Op.BATCH_NORM, *ACTIVATIONS},
    Op.LINEAR: {Op.BATCH_NORM, *ACTIVATIONS},
    Op.BATCH_NORM: ACTIVATIONS,
    Op.SUM: ACTIVATIONS,
    Op.RESIDUAL_SUM: ACTIVATIONS,
}
KEEPS_SHAPE = (nn.BatchNorm1d, nn.BatchNorm2d, nn.ReLU, nn.Dropout, nn.Identity)


class TraceError(InputError):
    """A module or input size that cannot be traced, in one sentence."""


def trace(model: str | nn.Module, input_size: int | Sequence[int] = 299, **overrides: Any) -> LayerGraph:
    """Runs a network once on tensors without data and returns its layers and the edges between them.

    This takes milliseconds and no memory for weights: shapes and counts come from the meta device.

    model: a name of `list_models`, which is built in eval mode with `overrides` as `create_model` takes them; or any
    module that torch.fx can trace. A module keeps its weights and its mode; in training mode the graph has what runs
    in training.
    input_size: pixels of a square picture, or (H, W), or (C, H, W).
    Raises TraceError when the picture is too small, naming the layer at which the grid would vanish, and when the
    module's forward cannot be traced; InputError for unknown names and overrides.
    """
    if isinstance(model, str):
        module: nn.Module = create_model(model, device="meta", **overrides)
    elif not isinstance(model, nn.Module):
        raise TraceError(f"trace takes the name of a network or an nn.Module, not {model!r:.80}.")
    elif overrides:
        raise TraceError(f"{next(iter(overrides))} cannot be set on a module that is built already, only on a name.")
    else:
        module = model
    variant = getattr(module, "variant", None)
    name = variant.name if isinstance(variant, Variant) else type(module).__name__
    shape = _input_shape(module, input_size)
    tracer = Tracer()
    try:
        nodes = (_single() if tracer.is_leaf_module(module, "") else tracer.trace(module)).nodes
    except Exception as error:  # fx raises many types from within the module's own forward
        raise TraceError(f"{name} cannot be traced: {_first_line(error)}") from error
    dtype = next((p.dtype for p in module.parameters() if p.is_floating_point()), torch.float32)
    try:
        picture = torch.empty(1, *shape, dtype=dtype, device="meta")
    except RuntimeError as error:  # more bytes than 64 bits count
        raise TraceError(f"{name} cannot take {shape_text(shape[1:])} px: too large.") from error
    walk = _Walk(name, module, nodes, picture)
    keras_gamma = variant.keras_gamma if isinstance(variant, Variant) else True
    layers, index_of = _layers(walk)
    outputs = tuple(dict.fromkeys(index_of.get(node, 0) for node in walk.outputs))
    return LayerGraph(name, shape, layers, keras_gamma, outputs, find_unused(module, walk.counted))


def _input_shape(module: nn.Module, input_size: int | Sequence[int]) -> tuple[int, int, int]:
    """(C, H, W) of the picture; C is that of the module's first convolution unless it is given."""
    try:
        sizes = tuple(map(operator.index, input_size if isinstance(input_size, Iterable) else (input_size, input_size)))
    except TypeError:
        sizes = ()
    if len(sizes) == 2:
        first = next((m for m in module.modules() if isinstance(m, nn.Conv2d)), None)
        sizes = (first.in_channels if first else 3, *sizes)
    if len(sizes) != 3 or not all(isinstance(n, int) and 0 < n < 100_000 for n in sizes):
        raise TraceError(f"input_size must be pixels, (H, W) or (C, H, W), each below 100,000, not {input_size!r}.")
    return sizes[0], sizes[1], sizes[2]


def _single() -> fx.Graph:
    """The graph of a root that is one of PyTorch's own modules, which a trace would take apart."""
    graph = fx.Graph()
    graph.output(graph.call_module("", (graph.placeholder("x"),)))
    return graph


class _Walk:
    """Runs the nodes of an fx graph on meta tensors and notes a `Part` for each operation, and what that reads."""

    def __init__(self, name: str, root: nn.Module, nodes: Iterable[fx.Node], picture: Tensor):
        self.name = name
        self.root = root
        self.modules = dict(root.named_modules())
        self.picture = picture
        self.values: dict[fx.Node, Any] = {}  # what each node yields
        self.parts: dict[fx.Node, Part] = {}  # in order of execution
        self.reads: dict[fx.Node, list[fx.Node]] = {}  # parts (or the picture) whose outputs a part reads
        self.readers: Counter[fx.Node] = Counter()  # how many parts, or outputs of the network, read a part
        self.origins: dict[fx.Node, list[fx.Node]] = {}  # parts (or the picture) that a node's value comes from
        self.results: dict[Any, Any] = {}  # so that of equal modules on equal shapes only the first one runs
        # Parameters that a node without a row reads, for the rows of those who read that node.
        self.weights: dict[fx.Node, list[nn.Parameter]] = {}
        self.counted: set[int] = set()  # ids of the parameters that some row has
        self.outputs: list[fx.Node] = []  # parts (or the picture) that the network returns
        for node in nodes:
            self.visit(node)

    def visit(self, node: fx.Node) -> None:
        inputs = node.all_input_nodes
        origins = list(dict.fromkeys(origin for n in inputs for origin in self.origins[n]))
        self.origins[node] = origins
        if node.op == "placeholder":
            if not self.values:
                self.values[node], self.origins[node] = self.picture, [node]
            elif node.args:
                self.values[node] = node.args[0]
            else:
                raise TraceError(f"{self.name} takes more than a picture: its forward also needs {node.target!r}.")
        elif node.op == "get_attr":
            value = operator.attrgetter(str(node.target))(self.root)
            self.weights[node] = [value] if isinstance(value, nn.Parameter) else []
            self.values[node] = value.to("meta") if isinstance(value, Tensor) else value
        elif node.op == "output":
            self.outputs = origins
            self.readers.update(origins)
        else:
            self.compute(node, inputs, origins)

    def compute(self, node: fx.Node, inputs: list[fx.Node], origins: list[fx.Node]) -> None:
        """The value of a node that calls a module, a function or a method; its `Part` if it gets a row."""
        args, kwargs = fx.map_arg((node.args, node.kwargs), self.values.__getitem__)
        module = self.module_of(node, args, kwargs)
        self.values[node] = out = self.run(node, module, args, kwargs)
        weights = [weight for n in inputs for weight in self.weights.get(n, ())]
        if isinstance(out, tuple | list) and node.op == "call_module":
            out = next((value for value in out if isinstance(value, Tensor)), out)  # the first output of an LSTM
        # Sizes, indexing and identities have no row: whoever reads them reads their origins.
        if isinstance(out, Tensor) and node.target is not operator.getitem and type(module) is not nn.Identity:
            data = [n for n in inputs if isinstance(self.values[n], Tensor) and n.op != "get_attr"]
            in_shapes = tuple(_shape(self.values[n]) for n in data)
            self.parts[node] = self.part(node, module, weights, in_shapes, _shape(out))
            self.reads[node], self.origins[node] = origins, [node]
            self.readers.update(origins)
            return
        if isinstance(out, Tensor | tuple | list) and not isinstance(out, torch.Size):
            self.weights[node] = weights
        else:
            self.origins[node] = []  # whoever reads a size depends on no value

    def module_of(self, node: fx.Node, args: tuple[Any, ...], kwargs: dict[str, Any]) -> nn.Module | None:
        if node.op == "call_module":
            return self.modules[str(node.target)]
        if node.target in AS_MODULE:
            return AS_MODULE[node.target](*args[1:], **{k: v for k, v in kwargs.items() if k != "input"})
        return None

    def run(self, node: fx.Node, module: nn.Module | None, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if isinstance(module, KEEPS_SHAPE):
            return args[0] if args else next(iter(kwargs.values()))
        try:
            if node.op == "call_module" and module is not None:
                return self.run_module(module, args, kwargs)
            if node.op == "call_method":
                return getattr(args[0], str(node.target))(*args[1:], **kwargs)
            return node.target(*args, **kwargs)  # type: ignore[operator]
        except Exception as error:  # PyTorch raises RuntimeError, ValueError, TypeError, ... for misfits
            raise TraceError(self.misfit(node, module, args, error)) from error

    def run_module(self, module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        key = None
        if not kwargs and all(isinstance(arg, Tensor) for arg in args):
            ceil_mode = getattr(module, "ceil_mode", None)  # not in the repr of nn.AvgPool2d
            key = (type(module), module.extra_repr(), ceil_mode, *(arg.shape for arg in args))
            if key in self.results:
                return self.results[key]
        tensors = [*module.parameters(), *module.buffers()]
        if not all(tensor.is_meta for tensor in tensors):
            # On a copy with tensors of its own, because another thread may run the module at this moment.
            on_meta = {id(tensor): torch.empty_like(tensor, device="meta") for tensor in tensors}
            module = deepcopy(module, on_meta)
        out = module(*args, **kwargs)
        if key:
            self.results[key] = out
        return out

    def misfit(self, node: fx.Node, module: nn.Module | None, args: tuple[Any, ...], error: Exception) -> str:
        """One sentence on why `node` cannot run; mostly because its window is larger than what is left of the grid."""
        if isinstance(module, nn.Conv2d | nn.MaxPool2d | nn.AvgPool2d) and args[0].dim() == 4:
            grid, kernel = args[0].shape[2:], pair(module.kernel_size)
            if kernel[0] > grid[0] or kernel[1] > grid[1]:
                return (
                    f"{self.name} cannot take {shape_text(self.picture.shape[2:])} px: the grid vanishes at "
                    f"{_path(node)}, whose {shape_text(kernel)} window does not fit a {shape_text(grid)} grid."
                )
        return f"{self.name} cannot be traced at {_path(node) or node.name}: {_first_line(error)}"

    def kernel(self, node: fx.Node, module: nn.Module | None) -> Tensor:
        """The weight of a convolution or linear layer, module or function."""
        if module is not None:
            weight_of_module: Tensor = module.weight  # type: ignore[assignment]  # computed where it is parametrised
            return weight_of_module
        weight: Any = node.args[1] if len(node.args) > 1 else node.kwargs["weight"]
        kernel: Tensor = self.values[weight]
        return kernel

    def part(
        self,
        node: fx.Node,
        module: nn.Module | None,
        read: list[nn.Parameter],
        in_shapes: tuple[Shape, ...],
        out: Shape,
    ) -> Part:
        weights = read if module is None else list(module.parameters())
        op = _op(node, module)
        params = sum(w.numel() for w in weights if id(w) not in self.counted)
        self.counted.update(id(w) for w in weights)
        positions: dict[str, int] = {Op.CONV: prod(out[1:]), Op.LINEAR: prod(out[:-1])}
        macs = self.kernel(node, module).numel() * positions[op] if op in positions else 0
        window = (
            window_of(module, pair(in_shapes[0][1:]), pair(out[1:])) if module is not None and len(out) == 3 else None
        )
        scale = module.scale if isinstance(module, ResidualSum) else None
        return Part(op, _path(node), in_shapes, out, window, params, macs, scale)


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]


def _shape(value: Tensor) -> Shape:
    return tuple(value.shape[1:])


def _path(node: fx.Node) -> str:
    """Of the module, or of the module in whose forward the function stands."""
    if node.op == "call_module":
        return str(node.target)
    stack = node.meta.get("nn_module_stack")
    return next(reversed(stack.values()))[0] if stack else ""


def _op(node: fx.Node, module: nn.Module | None) -> str:
    known = next((OPS[kind] for kind in type(module).__mro__ if kind in OPS), None) or OPS.get(node.target)
    return known or (type(module).__name__ if module is not None else _function_name(node.target)).lower()


def _function_name(target: Any) -> str:
    return str(getattr(target, "__name__", target)).strip("_")


def _layers(walk: _Walk) -> tuple[tuple[Layer, ...], dict[fx.Node, int]]:
    """The named layers, and the index of the one that each node is in.

    A batch norm or activation shares the row of the operation before it, if nothing else reads that operation.
    """
    units: list[list[fx.Node]] = []
    unit_of: dict[fx.Node, list[fx.Node]] = {}
    for node, part in walk.parts.items():
        source = walk.reads[node][0] if len(walk.reads[node]) == 1 else None
        if source in walk.parts and walk.readers[source] == 1 and part.op in FOLDS_INTO.get(walk.parts[source].op, ()):
            unit_of[source].append(node)
            unit_of[node] = unit_of[source]
        else:
            unit_of[node] = [node]
            units.append(unit_of[node])
    index_of = {node: index for index, unit in enumerate(units, 1) for node in unit}
    inside = Counter(ancestor for part in walk.parts.values() for ancestor in _ancestors(part.path))
    layers = []
    for index, unit in enumerate(units, 1):
        parts = tuple(walk.parts[node] for node in unit)
        parent = parts[0].path.rpartition(".")[0]
        whole_parent = parent and inside[parent] == len(parts) > 1 and all(p.path.startswith(parent) for p in parts)
        path = parent if whole_parent else parts[0].path
        sources = tuple(index_of.get(source, 0) for source in walk.reads[unit[0]])
        own_name = unit[0].op == "call_module"
        layers.append(Layer(index, *_names(walk.modules, path, parts[0].op, own_name), path, sources, parts))
    return tuple(layers), index_of


def _ancestors(path: str) -> list[str]:
    pieces = path.split(".")
    return [".".join(pieces[:i]) for i in range(1, len(pieces))]


def _names(modules: dict[str, nn.Module], path: str, op: str, own_name: bool) -> tuple[str, str, str, str]:
    """(stage, block, branch, layer). Elsewhere than in our networks, stage and block are levels of the path."""
    pieces = path.split(".")
    layer = pieces.pop() if own_name else op
    if op in (Op.CONCAT, Op.RESIDUAL_SUM):
        layer = op
    first = pieces.pop(0) if pieces else ""
    stage = modules.get(first)
    if not isinstance(stage, Stage):
        return first, ".".join([first, *pieces]) if pieces else "", "", layer
    if not pieces:
        return stage.title, layer, "", ""
    block = pieces.pop(0)
    branch = pieces[0] if pieces and pieces[0].startswith("Branch_") else ""
    return stage.title, block, branch, layer
