"""The rows of a recorded run: which steps have one, what stands in it, and what it reads."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from collections.abc import Set as AbstractSet
from functools import cache
from typing import Any

from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.conv import _ConvNd, _ConvTransposeNd
from torch.nn.parameter import UninitializedBuffer, UninitializedParameter

from ..models.layers import Concat, L2Normalize, ResidualSum, Stage
from ..words import N_
from . import field_rules
from .calls import OVERWRITE, Call, Step, Value, values_of
from .cell_fields import field_of
from .layer import Layer, Part, Shape
from .op import ACTIVATIONS, Op, is_pool
from .receptive_field import ReceptiveField
from .record import Recorder
from .window import Window, pair, window_of, window_of_call

MODULES: dict[type[nn.Module], Op] = {
    _ConvTransposeNd: Op.TRANSPOSED_CONV,
    _ConvNd: Op.CONV,
    nn.Linear: Op.LINEAR,
    nn.MaxPool1d: Op.MAX_POOL,
    nn.MaxPool2d: Op.MAX_POOL,
    nn.MaxPool3d: Op.MAX_POOL,
    nn.AdaptiveMaxPool1d: Op.MAX_POOL,
    nn.AdaptiveMaxPool2d: Op.MAX_POOL,
    nn.AdaptiveMaxPool3d: Op.MAX_POOL,
    nn.AvgPool1d: Op.AVG_POOL,
    nn.AvgPool2d: Op.AVG_POOL,
    nn.AvgPool3d: Op.AVG_POOL,
    nn.AdaptiveAvgPool1d: Op.AVG_POOL,
    nn.AdaptiveAvgPool2d: Op.AVG_POOL,
    nn.AdaptiveAvgPool3d: Op.AVG_POOL,
    _BatchNorm: Op.BATCH_NORM,
    nn.ReLU: Op.RELU,
    nn.Dropout: Op.DROPOUT,
    nn.Dropout1d: Op.DROPOUT,
    nn.Dropout2d: Op.DROPOUT,
    nn.Dropout3d: Op.DROPOUT,
    nn.AlphaDropout: Op.DROPOUT,
    nn.FeatureAlphaDropout: Op.DROPOUT,
    nn.Flatten: Op.FLATTEN,
    nn.MultiheadAttention: Op.ATTENTION,
    Concat: Op.CONCAT,
    ResidualSum: Op.RESIDUAL_SUM,
    L2Normalize: Op.L2_NORMALIZE,
}
# Functions and methods by their names, without the underscores of their variants.
FUNCTIONS: dict[str, Op] = {
    **dict.fromkeys(("conv1d", "conv2d", "conv3d"), Op.CONV),
    **dict.fromkeys(("conv_transpose1d", "conv_transpose2d", "conv_transpose3d"), Op.TRANSPOSED_CONV),
    **{f"{which}max_pool{n}d{more}": Op.MAX_POOL
       for n in (1, 2, 3) for which in ("", "adaptive_") for more in ("", "_with_indices")},
    **{f"{which}avg_pool{n}d": Op.AVG_POOL for n in (1, 2, 3) for which in ("", "adaptive_")},
    **dict.fromkeys(("cat", "concat", "concatenate"), Op.CONCAT),
    **dict.fromkeys(("add", "iadd", "radd"), Op.SUM),
    **dict.fromkeys(("flatten", "view", "reshape", "view_as", "reshape_as", "ravel"), Op.FLATTEN),
    **dict.fromkeys(("scaled_dot_product_attention", "multi_head_attention_forward"), Op.ATTENTION),
    **{f"{which}dropout{n}": Op.DROPOUT
       for which in ("", "alpha_", "feature_", "feature_alpha_") for n in ("", "1d", "2d", "3d")},
    "linear": Op.LINEAR,
    "batch_norm": Op.BATCH_NORM,
    "relu": Op.RELU,
}  # fmt: skip
# What people call the operators of Python.
OPERATORS = {
    "imul": "mul", "rmul": "mul", "isub": "sub", "rsub": "sub", "itruediv": "truediv", "rtruediv": "truediv",
    "div": "truediv", "ipow": "pow", "rpow": "pow", "getitem": "slice", "setitem": "write", "rmatmul": "matmul",
}  # fmt: skip
# What hands on the same numbers in the same places.
TRANSPARENT = {"alias", "detach", "clone", "_to_copy", "lift_fresh"}
# What may share a row with the operation before it.
FOLDS_INTO: dict[str, AbstractSet[str]] = {
    Op.CONV: {Op.BATCH_NORM, *ACTIVATIONS},
    Op.TRANSPOSED_CONV: {Op.BATCH_NORM, *ACTIVATIONS},
    Op.LINEAR: {Op.BATCH_NORM, *ACTIVATIONS},
    Op.BATCH_NORM: ACTIVATIONS,
    Op.SUM: ACTIVATIONS,
    Op.RESIDUAL_SUM: ACTIVATIONS,
}
MATRICES = (Op.CONV, Op.TRANSPOSED_CONV, Op.LINEAR)


class Rows:
    """The layers of a run. `shape_of` gives a value's shape without the batch."""

    def __init__(self, run: Recorder, shape_of: Callable[[Value], Shape]):
        self.modules = run.modules
        self.sizes = {key: p.numel() for key, p in run.parameters.items() if not _is_lazy(p)}
        self.shape_of = shape_of
        self.used = {value for step in run.steps for value in step.reads}.union(run.outputs)
        self.counted: set[int] = set()  # ids of the parameters that some row has
        self.normed: set[Any] = set()  # batch norms whose statistics some row has
        self.parts: dict[Step, Part] = {}  # in order of execution
        self.sources: dict[Step, list[Step | None]] = {}  # steps with rows that a step reads; None is an input
        self.readers: Counter[Step] = Counter()  # how many steps, or outputs of the network, read a step
        for step in run.steps:
            if self.has_row(step):
                read = _read(step)
                self.sources[step] = self.origins(read)
                self.readers.update(s for s in self.sources[step] if s is not None)
                self.parts[step] = self.part(step, read)
        outputs = self.origins(run.outputs)
        self.readers.update(s for s in outputs if s is not None)
        units, index_of = self.units()
        self.layers = self.named(units, index_of)
        self.outputs = tuple(dict.fromkeys(0 if s is None else index_of[s] for s in outputs))

    def has_row(self, step: Step) -> bool:
        """Steps without data have none, unless they are layers or matrix work; nor have copies and casts."""
        if not step.reads and not (step.macs or (step.module is not None and _constants(step))):
            return False
        if step.module is None and "dropout" not in step.name:
            return not all(call.func is not OVERWRITE and call.name in TRANSPARENT for call in step.calls)
        return True

    def origins(self, values: Iterable[Value]) -> list[Step | None]:
        """The steps with rows whose outputs these values are, or are copies of."""
        found: dict[Step | None, None] = {}
        for value in values:
            if value.step is None:
                if value.data:
                    found[None] = None
            elif value.step in self.parts:
                found[value.step] = None
            else:
                found.update(dict.fromkeys(self.origins(value.step.reads)))
        return list(found)

    def handed_on(self, step: Step) -> list[Value]:
        """The tensors of a step that somebody reads, such as one of two chunks; all of them where nobody does."""
        outs = step.outs or step.calls[-1].outs
        return [v for v in outs if v in self.used] or [v for v in outs if v.data] or outs or [Value((), None, False)]

    def part(self, step: Step, read: list[Value]) -> Part:
        op = _op(step)
        in_shapes = tuple(self.shape_of(value) for value in read or step.args)
        out_shape = self.shape_of(self.handed_on(step)[0])
        ids = set(step.params) if step.reads else _constants(step)
        params = sum(self.sizes.get(each, 0) for each in ids - self.counted)
        self.counted |= ids
        matrix = next((call for call in step.calls if call.macs), None) if op in MATRICES else None
        weights, groups = _weights(matrix) if matrix else (0, 1)
        scale = step.module.scale if isinstance(step.module, ResidualSum) else None
        doubt = next((call.doubt for call in step.calls if call.doubt), "")
        statistics = self.statistics(step) if op == Op.BATCH_NORM else 0
        window = _window(step, in_shapes, out_shape)
        kernel, stride = (window.kernel, window.stride) if window else _steps(step.calls, len(out_shape) - 1)
        if is_pool(op) and not kernel:  # an adaptive one
            kernel = stride = _even_steps(in_shapes[0], out_shape)
        return Part(
            op, step.path, in_shapes, out_shape, window, params,
            0 if doubt else step.macs, scale, weights, groups, statistics, doubt, kernel, stride,
        )  # fmt: skip

    def statistics(self, step: Step) -> int:
        """Running means and variances, once for each batch norm: Keras has them whether PyTorch tracks them or not."""
        key = frozenset(step.params) or (id(step.module) if step.module is not None else step.path)
        if key in self.normed:
            return 0
        self.normed.add(key)
        norm = next(call for call in step.calls if "batch_norm" in call.name)
        channels: int = norm.args[0].shape[1]
        return 2 * channels

    def units(self) -> tuple[list[list[Step]], dict[Step, int]]:
        """Steps that share a row, and the index of the row of each.

        A batch norm or activation shares the row of the operation before it, if nothing else reads that operation.
        """
        units: list[list[Step]] = []
        unit_of: dict[Step, list[Step]] = {}
        for step, part in self.parts.items():
            source = self.sources[step][0] if len(self.sources[step]) == 1 else None
            if (
                source is not None
                and self.readers[source] == 1
                and part.op in FOLDS_INTO.get(self.parts[source].op, ())
                and unit_of[source][-1] is source
            ):
                unit_of[source].append(step)
                unit_of[step] = unit_of[source]
            else:
                unit_of[step] = [step]
                units.append(unit_of[step])
        return units, {step: index for index, unit in enumerate(units, 1) for step in unit}

    def named(self, units: list[list[Step]], index_of: dict[Step, int]) -> tuple[Layer, ...]:
        inside = Counter(ancestor for part in self.parts.values() for ancestor in _ancestors(part.path))
        layers = []
        for index, unit in enumerate(units, 1):
            parts = tuple(self.parts[step] for step in unit)
            parent = parts[0].path.rpartition(".")[0]
            whole_parent = parent and inside[parent] == len(parts) > 1 and all(p.path.startswith(parent) for p in parts)
            path = parent if whole_parent else parts[0].path
            sources = dict.fromkeys(0 if s is None else index_of[s] for s in self.sources[unit[0]])
            childless = path in self.modules and path != "" and not self.modules[unit[0].path]._modules
            names = self.names(path, parts[0].op, unit[0].module is not None or childless)
            field, note = _field(self.handed_on(unit[-1]))
            layers.append(Layer(index, *names, path, tuple(sources), parts, field, note))
        return tuple(layers)

    def names(self, path: str, op: str, own_name: bool) -> tuple[str, str, str, str]:
        """(stage, block, branch, layer). Elsewhere than in our networks, stage and block are levels of the path."""
        pieces = path.split(".")
        layer = pieces.pop() if own_name else op
        if op in (Op.CONCAT, Op.RESIDUAL_SUM):
            layer = op
        first = pieces.pop(0) if pieces else ""
        stage = self.modules.get(first)
        if not isinstance(stage, Stage):
            return first, ".".join([first, *pieces]) if pieces else "", "", layer
        if not pieces:
            return stage.title, layer, "", ""
        block = pieces.pop(0)
        branch = pieces[0] if pieces and pieces[0].startswith("Branch_") else ""
        return stage.title, block, branch, layer


def _is_lazy(parameter: nn.Parameter) -> bool:
    return isinstance(parameter, UninitializedBuffer | UninitializedParameter)


def _read(step: Step) -> list[Value]:
    """The values with data that a step reads, in the order of its arguments."""
    return [value for value in step.args if value in step.reads] + [v for v in step.reads if v not in step.args]


def _constants(step: Step) -> set[int]:
    """Ids of all parameters that a step reads, whether it works on data or not."""
    return {each for call in step.calls for value in values_of(call) for each in value.params}


def _op(step: Step) -> str:
    if step.module is not None:
        known: Any = type(step.module)  # mypy does not take a class for a key
        return _op_of(known)
    op = FUNCTIONS.get(step.name)
    if op == Op.SUM and len(step.reads) < 2:
        return "add"
    if op == Op.FLATTEN and step.name != "flatten" and step.outs and len(step.outs[0].shape) > 2:
        return "reshape"
    plain = step.name.replace("_", "")
    return op or (plain if plain in ACTIVATIONS else OPERATORS.get(step.name, step.name))


@cache
def _op_of(module: type[nn.Module]) -> str:
    known = next((MODULES[kind] for kind in module.__mro__ if kind in MODULES), None)
    return known or module.__name__.removeprefix("Parametrized").lower()


def _weights(call: Call) -> tuple[int, int]:
    """Weights of matrix work, and the groups of a convolution."""
    if call.name == "convolution":
        kernel: Value = call.args[1]
        count = 1
        for n in kernel.shape:
            count *= n
        return count, call.args[8]
    matrix: Value = call.args[2] if call.name == "addmm" else call.args[1]
    count = 1
    for n in matrix.shape:
        count *= n
    return (0 if matrix.data else count), 1


def _window(step: Step, in_shapes: tuple[Shape, ...], out: Shape) -> Window | None:
    if not in_shapes or len(out) != 3 or len(in_shapes[0]) != 3:
        return None
    grid, made = pair(in_shapes[0][1:]), pair(out[1:])
    if step.module is not None:
        return window_of(step.module, grid, made)
    if step.name in ("adaptive_avg_pool2d", "adaptive_max_pool2d", "adaptive_max_pool2d_with_indices"):
        return window_of(nn.AdaptiveAvgPool2d(made), grid, made)
    for call in step.calls:
        if call.func is not OVERWRITE and call.name in ("convolution", "max_pool2d_with_indices", "avg_pool2d"):
            if call.name == "convolution":
                return window_of_call(call.name, call.args[3:], call.args[1].shape[2:], grid, made)
            return window_of_call(call.name, call.args[1:], (), grid, made)
    return None


POOLS = {"max_pool2d_with_indices", "max_pool3d_with_indices", "avg_pool2d", "avg_pool3d"}


def _steps(calls: Iterable[Call], axes: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Kernel and stride of the first convolution or pool among the calls, for the last `axes` axes; else both empty.

    PyTorch runs pools in one dimension as pools in two, over one row.
    """
    for call in calls:
        if call.func is OVERWRITE or axes < 1:
            continue
        if call.name == "convolution":
            kernel, stride = call.args[1].shape[2:], call.args[3]
        elif call.name in POOLS:
            kernel, stride = call.args[1], (call.args[2] if len(call.args) > 2 else ()) or call.args[1]
        else:
            continue
        return _last(kernel, axes), _last(stride, axes)
    return (), ()


def _even_steps(grid: Shape, out: Shape) -> tuple[int, ...]:
    """What an adaptive pool takes as kernel and stride; empty where its windows differ."""
    sides = list(zip(grid[1:], out[1:], strict=False))
    return () if any(n % m for n, m in sides) else tuple(n // m for n, m in sides)


def _last(sizes: Sequence[int], axes: int) -> tuple[int, ...]:
    return tuple(sizes) * axes if len(sizes) == 1 else tuple(sizes)[-axes:]


def _field(values: Iterable[Value]) -> tuple[ReceptiveField | None, str]:
    """Of all tensors that a step hands on, where they agree."""
    fields = []
    for value in values:
        if value.data:
            fields.append(
                (None, N_("it does not depend on the picture")) if value.cells is None else field_of(value.cells)
            )
    if not fields:
        return None, N_("it does not depend on the picture")
    if any(field != fields[0] for field in fields):
        return None, N_("its outputs depend on different parts of the picture")
    return fields[0]


def _ancestors(path: str) -> list[str]:
    pieces = path.split(".")
    return [".".join(pieces[:i]) for i in range(1, len(pieces))]


def follow_fields(run: Recorder) -> None:
    """Gives every value of a run the cells that it has, in the order in which they were made."""
    for step in run.steps:
        if isinstance(step.module, nn.RNNBase | nn.RNNCellBase):
            field_rules.mix_everything(step)
            continue
        for call in field_rules.wrapped(step):
            field_rules.follow(call)
