"""Runs a module once and notes each operation, and what it reads: control flow and defaults are then as in any call.

Three levels come together. PyTorch's dispatcher tells every operation ("call") with its arguments, whichever way it was
written. A "step" is what people name: a call of one of PyTorch's own layers, or of one function outside of them. Paths
come from a private copy of the module, whose parts say when they run.

The copy holds no data, so a run takes milliseconds and leaves the reader's module, its buffers and the random numbers
as they were. Modes of PyTorch hold for one thread, so others may run the same module meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from functools import cache
from types import MethodType
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

from ..models.layers import Concat, L2Normalize, ResidualSum
from .layer import Shape

OURS = (Concat, ResidualSum, L2Normalize)
aten = torch.ops.aten
# What asks for the values of a tensor, which a tensor without data does not have.
NEEDS_DATA = {
    "_local_scalar_dense", "item", "is_nonzero", "equal", "nonzero", "masked_select", "unique_consecutive", "_unique2",
    "unique_dim", "bincount", "repeat_interleave.Tensor", "allclose",
}  # fmt: skip
# Matrix work that PyTorch's FLOP counter does not know. Operations outside of `aten` may be such work too.
UNCOUNTED = {
    "mv", "dot", "vdot", "addmv", "addbmm", "addr", "ger", "outer", "conv_tbc", "_trilinear", "_cdist_forward", "cdist",
    "_native_multi_head_attention", "_transformer_encoder_layer_fwd", "_scaled_dot_product_flash_attention_for_cpu",
    "_scaled_dot_product_fused_attention_overrideable", "mkldnn_rnn_layer", "_cudnn_rnn", "miopen_rnn", "_int_mm",
    "mkldnn_convolution", "_fft_c2c", "_fft_r2c", "_fft_c2r", "_grouped_mm", "grid_sampler_2d_backward",
}  # fmt: skip
UNCOUNTED -= {"grid_sampler_2d_backward"}


class NeedsDataError(Exception):
    """The forward asks for the values of a tensor without data."""


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
        if self.formula is None and (foreign or self.name in UNCOUNTED):
            name = self.name if not foreign else f"{func.namespace}.{self.name}"
            self.doubt = f"PyTorch's FLOP counter does not count {name}"


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


def _flat(args: Iterable[Any]) -> list[Tensor]:
    """The tensors among the arguments of an operation, which has them in lists at most."""
    found = []
    for arg in args:
        if isinstance(arg, Tensor):
            found.append(arg)
        elif type(arg) in (list, tuple):
            found.extend(each for each in arg if isinstance(each, Tensor))
    return found


class Recorder:
    """Runs `root` on `inputs` once; `steps`, `outputs` and `inputs` are then what happened.

    inputs and named: the arguments of its forward. Meta tensors run without data, others with the module's own weights.
    """

    def __init__(self, root: nn.Module, inputs: Iterable[Any], named: dict[str, Any]):
        inputs = list(inputs)
        self.meta = all(tensor.is_meta for tensor in tensors_in([inputs, named]))
        self.steps: list[Step] = []
        self.step: Step | None = None  # that runs at the moment
        self.path: str = ""  # of the module that runs at the moment, or failed
        self.failed: tuple[str, nn.Module | None, list[Value]] | None = None
        self._values: dict[int, Value] = {}  # by id of the tensor
        self._alive: list[Any] = []  # so that no id is given twice
        self._by_storage: dict[int, Tensor] = {}
        self._views: dict[int, list[Tensor]] = {}  # tensors that share memory
        self._twins: dict[int, Tensor] = {}  # the tensor without data for one that has some
        self._param_of: dict[int, int] = {}  # id of a parameter or its twin to id of the parameter
        self._memo: dict[Any, Any] = {}
        self.replays: dict[Any, _Replay | None] = {}  # of layers that ran, by all that decides what they do
        for parameter in root.parameters():
            self._param_of[id(parameter)] = id(parameter)
        copy = _Copy(self, root).root
        self.inputs: list[Value] = []
        for tensor in tensors_in([inputs, named]):
            self.inputs.append(self._note(tensor, Value(tuple(tensor.shape), None, True)))
        with ExitStack() as stack:
            stack.enter_context(torch.no_grad())
            if not self.meta:
                devices = {tensor.device for tensor in tensors_in([inputs, named]) if tensor.is_cuda}
                stack.enter_context(torch.random.fork_rng(list(devices)))
            stack.enter_context(_Dispatch(self))
            stack.enter_context(_Functions(self))
            out = copy(*inputs, **named)
        self.outputs = [value for tensor in tensors_in(out) if (value := self.value_of(tensor)).data]

    # Values
    def _note(self, tensor: Tensor, value: Value) -> Value:
        self._values[id(tensor)] = value
        self._alive.append(tensor)
        self._by_storage[tensor.untyped_storage()._cdata] = tensor
        return value

    def value_of(self, tensor: Tensor) -> Value:
        """The value that a tensor holds now."""
        found = self._values.get(id(tensor))
        if found is not None:
            return found
        self._alive.append(tensor)
        param = self._param_of.get(id(tensor))
        if param is None:
            # Such as x.data: another tensor on memory that we know.
            known = self._by_storage.get(tensor.untyped_storage()._cdata)
            if known is not None and known.shape == tensor.shape:
                self._values[id(tensor)] = value = self.value_of(known)
                return value
            if known is not None:
                base = self.value_of(known)
                value = Value(tuple(tensor.shape), base.step, base.data, base.params)
                self._values[id(tensor)] = value
                return value
        else:
            self._by_storage[tensor.untyped_storage()._cdata] = tensor
        params = frozenset() if param is None else frozenset((param,))
        value = self._values[id(tensor)] = Value(tuple(tensor.shape), None, False, params)
        return value

    def twin(self, tensor: Tensor) -> Tensor:
        """A tensor without data of the same form."""
        twin = self._twins.get(id(tensor))
        if twin is None:
            twin = torch.empty_strided(tensor.shape, tensor.stride(), dtype=tensor.dtype, device="meta")
            self._twins[id(tensor)] = twin
            self._alive.append(tensor)
            if id(tensor) in self._param_of:
                self._param_of[id(twin)] = self._param_of[id(tensor)]
                self._alive.append(twin)
            elif id(tensor) in self._values:
                self._note(twin, self._values[id(tensor)])
        return twin

    # Steps
    def open(self, name: str, module: nn.Module | None, args: Any) -> Step:
        given = list(dict.fromkeys(self.value_of(tensor) for tensor in tensors_in(args)))
        self.step = step = Step(name, self.path, module, given)
        return step

    def close(self, step: Step, out: Any, given: Any) -> Any:
        """Ends a step. What it hands on untouched becomes a value of its own where the step is a layer."""
        if not step.calls and (step.module is not None or "dropout" in step.name):
            inputs = {id(tensor) for tensor in tensors_in(given)}
            if isinstance(out, Tensor) and id(out) in inputs:
                out = aten.alias.default(out)
        self.step = None
        if step.calls:
            step.outs = [self.value_of(tensor) for tensor in tensors_in(out)]
            self.steps.append(step)
        return out

    # Calls
    def call(self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Runs one operation and notes it."""
        what = kind(func)
        tensors = _flat(args) + _flat(kwargs.values()) if kwargs else _flat(args)
        if self.meta and tensors:
            known = [tensor.is_meta for tensor in tensors]
            if any(known):
                if what.name in NEEDS_DATA:
                    raise NeedsDataError(what.name)
                if not all(known):
                    args, kwargs = _mapped(args, self._on_meta), _mapped(kwargs, self._on_meta)
                    tensors = _flat(args) + _flat(kwargs.values())
        step = self.step
        lone = step is None
        if lone:
            step = self.step = Step(what.name, self.path, None, [self.value_of(t) for t in tensors])
        assert step is not None
        noted = tuple(map(self._noted, args))
        noted_kwargs = {key: self._noted(arg) for key, arg in kwargs.items()} if kwargs else {}
        ins = [self._values[id(tensor)] for tensor in tensors]
        out, macs = self._run(what, func, args, kwargs, tensors)
        data, params = False, set()
        for value in ins:
            if value.data:
                data = True
                if value.step is not step:
                    step.reads[value] = None
            else:
                params |= value.params
        if data:
            step.params |= params
        carried = frozenset() if data else frozenset(params)
        outs = []
        for tensor in [out] if isinstance(out, Tensor) else tensors_in(out):
            outs.append(self._note(tensor, Value(tuple(tensor.shape), step, data, carried)))
        call = Call(func, noted, noted_kwargs, outs, macs, what.doubt)
        step.calls.append(call)
        if what.view and outs:
            self._views.setdefault(tensors[0].untyped_storage()._cdata, [tensors[0]]).extend(tensors_in(out))
        for position, name in what.mutates:
            written = args[position] if position < len(args) else kwargs.get(name)
            for tensor in tensors_in(written):
                self._written(tensor, step, data, carried)
        if lone:
            self.close(step, out, ())
        return out

    def _noted(self, arg: Any) -> Any:
        if isinstance(arg, Tensor):
            return self.value_of(arg)
        if isinstance(arg, tuple | list) and any(isinstance(each, Tensor) for each in arg):
            return [self._noted(each) for each in arg]
        return arg

    def _on_meta(self, value: Any) -> Any:
        return self.twin(value) if isinstance(value, Tensor) and not value.is_meta else value

    def _run(
        self, what: Kind, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any], tensors: list[Tensor]
    ) -> tuple[Any, int]:
        """What the operation returns, and its MACs. Equal operations on equal shapes run once."""
        key = None
        if self.meta and tensors and tensors[0].is_meta and not what.view and not what.mutates and not kwargs:
            key = (func, *map(_key, args))
            try:
                if (hit := self._memo.get(key)) is not None:
                    form, macs = hit
                    return _made(form), macs
            except TypeError:  # an argument that cannot be a key
                key = None
        if what.name == "native_batch_norm" and key is not None:  # PyTorch takes a millisecond to say so
            x, empty = args[0], torch.empty(0, device="meta", dtype=args[0].dtype)
            out: Any = (torch.empty_like(x), empty, empty.clone())
        elif what.name == "relu" and key is not None:
            out = torch.empty_like(args[0])
        else:
            out = func(*args, **kwargs)
        macs = what.formula(*args, **kwargs, out_val=out) // 2 if what.formula else 0
        if key is not None and (form := _form(out)) is not None:
            self._memo[key] = form, macs
        return out, macs

    def _written(self, tensor: Tensor, step: Step, data: bool, params: frozenset[int]) -> None:
        """A tensor was written in place: it has a new value, and so has whatever shares its memory."""
        value = self._note(tensor, Value(tuple(tensor.shape), step, data, params))
        last = step.calls[-1]
        last.outs = [value]
        for other in self._views.get(tensor.untyped_storage()._cdata, ()):
            if other is not tensor:
                old = self.value_of(other)
                new = self._note(
                    other,
                    Value(tuple(other.shape), step, data or old.data, frozenset() if data else params | old.params),
                )
                if old.data and old.step is not step:
                    step.reads[old] = None
                step.calls.append(Call(OVERWRITE, (old, value), {}, [new], 0, ""))


class _Overwrite:
    """Stands for writing to memory through another tensor."""

    name = "overwrite"


OVERWRITE: Any = _Overwrite()


def _key(arg: Any) -> Any:
    if isinstance(arg, Tensor):
        return arg.shape, arg.stride(), arg.dtype
    return tuple(map(_key, arg)) if isinstance(arg, list | tuple) else (type(arg), arg)


def _form(out: Any) -> Any:
    """How to make tensors like these; None for anything else."""
    if isinstance(out, Tensor):
        return (tuple(out.shape), out.stride(), out.dtype) if out.is_meta else None
    if isinstance(out, tuple) and all(isinstance(each, Tensor) and each.is_meta for each in out):
        return [_form(each) for each in out]
    return None


def _made(form: Any) -> Any:
    if isinstance(form, list):
        return tuple(map(_made, form))
    return aten.empty_strided.default(form[0], form[1], dtype=form[2], device="meta")


def _mapped(value: Any, function: Callable[[Any], Any]) -> Any:
    if isinstance(value, dict):
        return {key: _mapped(each, function) for key, each in value.items()}
    if isinstance(value, tuple | list):
        return type(value)(_mapped(each, function) for each in value)
    return function(value)


class _Dispatch(TorchDispatchMode):
    """Hands every operation to the recorder."""

    def __init__(self, recorder: Recorder):
        super().__init__()
        self.recorder = recorder

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        """False: nothing compiles here, and keeping the compiler out of each call takes longer than the call."""
        return False

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return self.recorder.call(func, args, kwargs or {})


class _Functions(TorchFunctionMode):
    """Makes a step of each function that is called outside of the layers."""

    def __init__(self, recorder: Recorder):
        super().__init__()
        self.recorder = recorder

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        recorder, kwargs = self.recorder, kwargs or {}
        if recorder.step is not None:
            return func(*args, **kwargs)
        name = getattr(func, "__name__", type(func).__name__)
        if name in ("__get__", "size", "dim", "numel", "stride", "__len__", "is_floating_point"):
            return func(*args, **kwargs)
        step = recorder.open(name.strip("_"), None, (args, kwargs))
        try:
            out = func(*args, **kwargs)
        except BaseException:
            recorder.failed = recorder.failed or (recorder.path, None, step.args)
            recorder.step = None
            raise
        return recorder.close(step, out, args)


# The private copy
def is_layer(module: nn.Module) -> bool:
    """Whether a module is one row: one of PyTorch's own layers as PyTorch runs it, or one of ours that joins tensors."""
    if isinstance(module, OURS):
        return True
    forward = type(module).forward
    if "forward" in module.__dict__ or not str(getattr(forward, "__module__", "")).startswith("torch.nn.modules."):
        return False
    if isinstance(module, nn.MultiheadAttention):
        return True
    return not isinstance(module, nn.Identity) and not [name for name in module._modules if name != "parametrizations"]


PLAIN = {int, float, bool, str, type(None), torch.Size, torch.dtype, torch.device}


class _Copy:
    """A copy of a module and its parts that shares no container with it, and whose parts tell a recorder that they run.

    Without data, parameters and float buffers are meta tensors; small whole numbers, which are often read, stay.
    """

    def __init__(self, recorder: Recorder, root: nn.Module):
        self.recorder = recorder
        self.copies: dict[int, nn.Module] = {}
        self.root = self.copy(root, "")
        for copy in list(self.copies.values()):
            for name, value in copy.__dict__.items():
                if (name[:1] != "_" or name == "_flat_weights") and type(value) not in PLAIN:
                    copy.__dict__[name] = self.exchanged(value)

    def copy(self, module: nn.Module, path: str) -> nn.Module:
        if id(module) in self.copies:
            return self.copies[id(module)]
        if isinstance(module, torch.jit.ScriptModule):  # not ours to take apart; it runs as it is
            self.copies[id(module)] = module
            return module
        copy: nn.Module = object.__new__(type(module))
        entries = module.__dict__.copy()
        object.__setattr__(copy, "__dict__", entries)
        self.copies[id(module)] = copy
        prefix = f"{path}." if path else ""
        if module._parameters:
            entries["_parameters"] = {name: self.parameter(p) for name, p in module._parameters.items()}
        if module._buffers:
            entries["_buffers"] = {name: self.buffer(b) for name, b in module._buffers.items()}
        if module._modules:
            entries["_modules"] = {
                name: child if child is None else self.copy(child, prefix + name)
                for name, child in module._modules.items()
            }
        own = entries.get("forward")
        forward = MethodType(type(module).forward, copy) if own is None else self.exchanged(own)
        run = self.layer if is_layer(module) else self.opened
        entries["forward"] = run(module, path, forward)
        return copy

    def parameter(self, parameter: Tensor | None) -> Tensor | None:
        if parameter is None or parameter.is_meta or not self.recorder.meta:
            return parameter
        if isinstance(parameter, nn.parameter.UninitializedTensorMixin):
            return parameter
        twin = nn.Parameter(self.recorder.twin(parameter), requires_grad=parameter.requires_grad)
        self.recorder._param_of[id(twin)] = id(parameter)
        self.recorder._twins[id(parameter)] = twin
        self.recorder._alive.append(twin)
        return twin

    def buffer(self, buffer: Tensor | None) -> Tensor | None:
        if buffer is None or buffer.is_meta or isinstance(buffer, nn.parameter.UninitializedTensorMixin):
            return buffer
        if not self.recorder.meta or (not buffer.is_floating_point() and buffer.numel() < 1_000_000):
            return buffer.clone()
        return self.recorder.twin(buffer)

    def exchanged(self, value: Any) -> Any:
        """`value` with copies in place of the modules, parameters and methods of modules in it."""
        kind = type(value)
        if kind in PLAIN or kind is tuple and all(type(each) in PLAIN for each in value):
            return value
        if kind in (list, tuple, set):
            return kind(self.exchanged(each) for each in value)
        if kind is dict:
            return {key: self.exchanged(each) for key, each in value.items()}
        if isinstance(value, nn.Module):
            return self.copies.get(id(value), value)
        if kind is nn.Parameter:
            return self.recorder._twins.get(id(value), value)
        if kind is MethodType and isinstance(value.__self__, nn.Module):
            return MethodType(value.__func__, self.copies.get(id(value.__self__), value.__self__))
        return value

    def opened(self, module: nn.Module, path: str, forward: Callable[..., Any]) -> Callable[..., Any]:
        recorder = self.recorder

        def run(*args: Any, **kwargs: Any) -> Any:
            outer, recorder.path = recorder.path, path
            try:
                out = forward(*args, **kwargs)
            except BaseException:
                recorder.failed = recorder.failed or (path, module, [])
                raise
            recorder.path = outer
            return out

        return run

    def layer(self, module: nn.Module, path: str, forward: Callable[..., Any]) -> Callable[..., Any]:
        recorder, attention = self.recorder, isinstance(module, nn.MultiheadAttention)
        config = _config(module) if recorder.meta else None
        tensors = forward.__self__ if isinstance(forward, MethodType) else module

        def run(*args: Any, **kwargs: Any) -> Any:
            if recorder.step is not None:
                return forward(*args, **kwargs)
            if attention:  # which would take another way, had nobody an eye on its functions
                return noted(None, args, kwargs)
            with torch._C.DisableTorchFunction():  # functions inside of a layer are no steps
                key = None
                if config is not None and len(args) == 1 and not kwargs and recorder.value_of(args[0]).data:
                    key = config, args[0].shape, args[0].stride(), args[0].dtype
                    if (replay := recorder.replays.get(key)) is not None:
                        return replay.run(recorder, path, module, tensors, args[0])
                return noted(key, args, kwargs)

        def noted(key: Any, args: Any, kwargs: Any) -> Any:
            outer, recorder.path = recorder.path, path
            step = recorder.open("", module, (args, kwargs))
            try:
                out = forward(*args, **kwargs)
            except BaseException:
                recorder.failed = recorder.failed or (path, module, step.args)
                recorder.step = None
                raise
            recorder.path = outer
            out = recorder.close(step, out, (args, kwargs))
            if key is not None and isinstance(out, Tensor):
                recorder.replays[key] = _Replay.of(recorder, step, tensors, out)
            return out

        return run


# Layers that run again
REPEATABLE = (
    nn.modules.conv._ConvNd,
    nn.modules.batchnorm._BatchNorm,
    nn.modules.pooling._MaxPoolNd,
    nn.modules.pooling._AvgPoolNd,
    nn.Linear,
    nn.ReLU,
)


def _config(module: nn.Module) -> Any:
    """All that decides what a layer does with a tensor of one form; None for a layer that may do another thing."""
    known = isinstance(module, REPEATABLE) and not getattr(module, "inplace", False)
    training = module.training and bool(module._buffers)  # which then change
    if not known or training or module._modules or module._forward_hooks or module._forward_pre_hooks:
        return None
    own = [(k, v) for k, v in module.__dict__.items() if type(v) in PLAIN or type(v) is tuple]
    forms = [(k, None if t is None else (t.shape, t.dtype)) for k, t in _tensors(module)]
    return (type(module), *own, *forms)


def _tensors(module: nn.Module) -> list[tuple[str, Tensor | None]]:
    return [*module._parameters.items(), *module._buffers.items()]


class _Replay:
    """What a layer did, to be noted again for an equal one without running it: networks repeat a few layers often.

    calls: of the first one. sources: where its values come from: the name of a parameter or buffer, or (call, output).
    """

    def __init__(self, calls: list[Call], sources: dict[Value, Any], end: tuple[int, int], form: Any):
        self.calls, self.sources, self.end, self.form = calls, sources, end, form

    @classmethod
    def of(cls, recorder: Recorder, step: Step, module: nn.Module, out: Tensor) -> _Replay | None:
        """None where it cannot be said again in the same words."""
        sources: dict[Value, Any] = {recorder.value_of(t): name for name, t in _tensors(module) if t is not None}
        for i, call in enumerate(step.calls):
            if call.func is OVERWRITE or kind(call.func).mutates:
                return None
            sources.update((value, (i, j)) for j, value in enumerate(call.outs))
        sources[step.args[0]] = "input"
        end = sources.get(recorder.value_of(out))
        form = _form(out)
        return cls(step.calls, sources, end, form) if isinstance(end, tuple) and form else None

    def run(self, recorder: Recorder, path: str, module: nn.Module, tensors: nn.Module, x: Tensor) -> Tensor:
        value = recorder.value_of(x)
        step = Step("", path, module, [value])
        step.reads[value] = None
        own = {name: recorder.value_of(t) for name, t in _tensors(tensors) if t is not None}
        for each in own.values():
            step.params |= each.params
        own["input"] = value
        made: list[list[Value]] = []

        def at(old: Any) -> Any:
            if type(old) is not Value or (source := self.sources.get(old)) is None:
                return old
            return own[source] if type(source) is str else made[source[0]][source[1]]

        for call in self.calls:
            outs = [Value(out.shape, step, out.data, out.params) for out in call.outs]
            made.append(outs)
            step.calls.append(Call(call.func, tuple(map(at, call.args)), call.kwargs, outs, call.macs, call.doubt))
        with torch._C._DisableTorchDispatch():
            out = _made(self.form)
        step.outs = [recorder._note(out, made[self.end[0]][self.end[1]])]
        recorder.steps.append(step)
        return out
