"""What happened in a recorded run: values, the operations that made them, and the steps that people name."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import cache
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import flop_registry

from ..words import N_, Filled
from .layer import Shape

aten = torch.ops.aten


# What asks for the values of a tensor, which a tensor without data does not have.
NEEDS_DATA = {
    "_local_scalar_dense", "item", "is_nonzero", "equal", "nonzero", "masked_select", "unique_consecutive", "_unique2",
    "unique_dim", "bincount", "repeat_interleave.Tensor", "allclose",
}  # fmt: skip


# Words in the names of matrix work, of which PyTorch's FLOP counter knows some. Operations outside of `aten` may be
# such work too.
MATRIX_WORK = {
    "mm", "bmm", "addmm", "baddbmm", "addbmm", "matmul", "mv", "addmv", "dot", "vdot", "addr", "ger", "outer", "inner",
    "linear", "trilinear", "conv", "conv1d", "conv2d", "conv3d", "depthwise2d", "depthwise3d", "tbc", "convolution",
    "attention", "transformer", "rnn", "lstm", "gru", "fft", "cdist", "pdist", "linalg", "cholesky", "triangular",
    "sspaddmm", "hspmm", "smm", "einsum", "tensordot",
}  # fmt: skip
# These only look like it: they work on one number after the other, or count or arrange.
OTHER_WORK = {
    "linalg_vector_norm", "linalg__powsum", "linalg_cross", "linalg_diagonal", "_linalg_check_errors",
    "_thnn_fused_gru_cell", "_thnn_fused_lstm_cell", "_use_cudnn_rnn_flatten_weight",
}  # fmt: skip


def is_matrix_work(name: str) -> bool:
    """Whether an operation multiplies matrices, by its name: _addmm_activation, baddbmm_, mkldnn_rnn_layer."""
    return name not in OTHER_WORK and not MATRIX_WORK.isdisjoint(name.split("_"))


class Value:
    """What one tensor is between two operations."""

    __slots__ = ("cells", "data", "mixed", "params", "shape", "step")

    def __init__(self, shape: Shape, step: Step | None, data: bool, params: frozenset[int] = frozenset()):
        self.shape = shape
        self.step = step  # that made it; None for inputs of the network, parameters and constants
        self.data = data  # whether it depends on an input of the network
        self.params = params  # ids of the parameters that a value without data was computed from
        self.cells: Any = None  # its `Cells`, once `field_rules` has followed them
        self.mixed: Any = None  # the same for who reads all its channels, once somebody does


class Call:
    """One operation of the dispatcher. Tensors among its arguments are `Value`s."""

    __slots__ = ("args", "doubt", "func", "kwargs", "macs", "outs")

    def __init__(
        self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any], outs: list[Value], macs: int, doubt: str
    ):
        self.func, self.args, self.kwargs, self.outs, self.macs, self.doubt = func, args, kwargs, outs, macs, doubt

    @property
    def name(self) -> str:
        """Of the operation, such as convolution."""
        return kind(self.func).name


class Step:
    """A layer or function that ran, with all that happened in it."""

    __slots__ = ("args", "calls", "module", "name", "outs", "params", "path", "reads")

    def __init__(self, name: str, path: str, module: nn.Module | None, args: list[Value]):
        self.name, self.path, self.module = name, path, module  # module: None for a function
        self.args = args  # the tensors that it was given
        self.calls: list[Call] = []
        self.reads: dict[Value, None] = {}  # values with data that others made, in order
        self.params: set[int] = set()  # ids of the parameters that its work with data reads
        self.outs: list[Value] = []  # the tensors that it returned

    @property
    def macs(self) -> int:
        """Multiply-accumulates as PyTorch's FLOP counter counts them: half of its FLOPs."""
        return sum(call.macs for call in self.calls)


class Kind:
    """What we ask of an operation each time it runs."""

    __slots__ = ("doubt", "formula", "mutates", "name", "pointwise", "view")

    def __init__(self, func: Any):
        packet = func._overloadpacket
        self.name: str = func._schema.name.partition("::")[2]
        self.view = bool(func.is_view)
        self.pointwise = torch.Tag.pointwise in func.tags
        arguments = func._schema.arguments
        self.mutates = [
            (i, argument.name)
            for i, argument in enumerate(arguments)
            if argument.alias_info is not None and argument.alias_info.is_write
        ]
        self.formula = flop_registry.get(packet)
        foreign = func.namespace not in ("aten", "prims", "prim")
        self.doubt = ""
        if self.formula is None and (foreign or is_matrix_work(self.name)):
            name = self.name if not foreign else f"{func.namespace}.{self.name}"
            self.doubt = Filled(N_("PyTorch's FLOP counter does not count {name}"), name=name)


@cache
def kind(func: Any) -> Kind:
    """The `Kind` of an operation."""
    return Kind(func)


def tensors_in(value: Any) -> Iterator[Tensor]:
    """The tensors in nested tuples, lists, dicts and objects with fields, in order."""
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, dict):
        for each in value.values():
            yield from tensors_in(each)
    elif isinstance(value, tuple | list | set):
        for each in value:
            yield from tensors_in(each)
    elif hasattr(value, "__dataclass_fields__"):
        for each in vars(value).values():
            yield from tensors_in(each)


def flat(args: Iterable[Any]) -> list[Tensor]:
    """The tensors among the arguments of an operation, which has them in lists at most."""
    found = []
    for arg in args:
        if isinstance(arg, Tensor):
            found.append(arg)
        elif type(arg) in (list, tuple):
            found.extend(each for each in arg if isinstance(each, Tensor))
    return found


def values_of(call: Call) -> Iterator[Value]:
    """The values among the arguments of a call, in order."""
    for arg in (*call.args, *call.kwargs.values()):
        if type(arg) is Value:
            yield arg
        elif type(arg) is list:
            yield from (each for each in arg if type(each) is Value)


class _Overwrite:
    """Stands for writing to memory through another tensor."""

    name = "overwrite"


OVERWRITE: Any = _Overwrite()


def key_of(arg: Any) -> Any:
    if isinstance(arg, Tensor):
        return arg.shape, arg.stride(), arg.dtype
    return tuple(map(key_of, arg)) if isinstance(arg, list | tuple) else (type(arg), arg)


def form_of(out: Any) -> Any:
    """How to make tensors like these; None for anything else."""
    if isinstance(out, Tensor):
        return (tuple(out.shape), out.stride(), out.dtype) if out.is_meta else None
    if isinstance(out, tuple) and all(isinstance(each, Tensor) and each.is_meta for each in out):
        return [form_of(each) for each in out]
    return None


def made_like(form: Any) -> Any:
    if isinstance(form, list):
        return tuple(map(made_like, form))
    return torch.empty_strided(form[0], form[1], dtype=form[2], device="meta")


def mapped(value: Any, function: Callable[[Any], Any]) -> Any:
    if isinstance(value, dict):
        return {key: mapped(each, function) for key, each in value.items()}
    if isinstance(value, tuple | list):
        return type(value)(mapped(each, function) for each in value)
    return function(value)
