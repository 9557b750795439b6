"""A private copy of a module, whose parts tell a recorder that they run, and layers that are noted without running."""

from __future__ import annotations

from collections.abc import Callable
from types import MethodType
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.parameter import UninitializedBuffer, UninitializedParameter

from ..models.layers import Concat, L2Normalize, ResidualSum
from .calls import OVERWRITE, Call, Step, Value, form_of, kind, made_like, values_of

Recorder = Any  # `record.Recorder`, which makes the copy and stands above it

OURS = (Concat, ResidualSum, L2Normalize)


# The private copy
def is_layer(module: nn.Module) -> bool:
    """Whether a module is one row: a layer of PyTorch as PyTorch runs it, or one of ours that joins tensors."""
    if isinstance(module, OURS):
        return True
    forward = type(module).forward
    if "forward" in module.__dict__ or not str(getattr(forward, "__module__", "")).startswith("torch.nn.modules."):
        return False
    if isinstance(module, nn.MultiheadAttention):
        return True
    return not isinstance(module, nn.Identity) and not [name for name in module._modules if name != "parametrizations"]


PLAIN = {int, float, bool, str, type(None), torch.Size, torch.dtype, torch.device}


class ModuleCopy:
    """A copy of a module and its parts that shares no container with it, and whose parts tell a recorder that they run.

    Without data, parameters and float buffers are meta tensors; small whole numbers, which are often read, stay.

    modules: those of the original, by path; parameters: those of the original, by id. Each stands there once.
    """

    def __init__(self, recorder: Recorder, root: nn.Module):
        self.recorder = recorder
        self.copies: dict[int, nn.Module] = {}
        self.modules: dict[str, nn.Module] = {}
        self.parameters: dict[int, nn.Parameter] = {}
        self._numbers: dict[Any, int] = {}  # of all that decides what a layer does
        self.root = self.copy(root, "")
        for copy in list(self.copies.values()):
            for name, value in copy.__dict__.items():
                if (name[:1] != "_" or name == "_flat_weights") and type(value) not in PLAIN:
                    copy.__dict__[name] = self.exchanged(value)

    def copy(self, module: nn.Module, path: str) -> nn.Module:
        if id(module) in self.copies:
            return self.copies[id(module)]
        prefix = f"{path}." if path else ""
        if isinstance(module, torch.jit.ScriptModule):  # not ours to take apart; it runs as it is
            self.copies[id(module)] = module
            self.modules.update((prefix + name if name else path, each) for name, each in module.named_modules())
            for parameter in module.parameters():
                self.counted(parameter)
            return module
        self.modules[path] = module
        copy: nn.Module = object.__new__(type(module))
        entries = module.__dict__.copy()
        object.__setattr__(copy, "__dict__", entries)
        self.copies[id(module)] = copy
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
        if isinstance(module, _BatchNorm) and module.running_mean is not None:
            entries["training"] = False  # shapes and counts are the same, and the statistics of one picture no matter
        return copy

    def parameter(self, parameter: nn.Parameter | None) -> nn.Parameter | None:
        if parameter is None:
            return None
        self.counted(parameter)
        if parameter.is_meta or not self.recorder.meta:
            return parameter
        if isinstance(parameter, UninitializedBuffer | UninitializedParameter):
            return parameter
        twin = nn.Parameter(self.recorder.twin(parameter), requires_grad=parameter.requires_grad)
        self.recorder._param_of[id(twin)] = id(parameter)
        self.recorder._twins[id(parameter)] = twin
        self.recorder._alive.append(twin)
        return twin

    def counted(self, parameter: nn.Parameter) -> None:
        self.parameters[id(parameter)] = parameter
        self.recorder._param_of[id(parameter)] = id(parameter)

    def buffer(self, buffer: Tensor | None) -> Tensor | None:
        if buffer is None or buffer.is_meta or isinstance(buffer, UninitializedBuffer | UninitializedParameter):
            return buffer
        if not self.recorder.meta or (not buffer.is_floating_point() and buffer.numel() < 1_000_000):
            return buffer.clone()
        return self.recorder.twin(buffer)

    def exchanged(self, value: Any) -> Any:
        """`value` with copies in place of the modules, parameters and methods of modules in it."""
        kind = type(value)
        if kind in PLAIN or (kind is tuple and all(type(each) in PLAIN for each in value)):
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
        number = self.number(module) if recorder.meta else None
        tensors: Any = forward.__self__ if isinstance(forward, MethodType) else module

        def run(*args: Any, **kwargs: Any) -> Any:
            if recorder.step is not None:
                return forward(*args, **kwargs)
            if attention:  # which would take another way, had nobody an eye on its functions
                return noted(None, args, kwargs)
            with torch._C.DisableTorchFunction():  # functions inside of a layer are no steps
                key = None
                if number is not None and not kwargs:
                    values = [recorder.value_of(x) for x in args if isinstance(x, Tensor)]
                    if len(set(values)) == len(args) and all(value.data for value in values):
                        key = number, *[(x.shape, x.stride(), x.dtype) for x in args]
                        if (replay := recorder.replays.get(key)) is not None:
                            return replay.run(recorder, path, module, tensors, values)
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
                recorder.replays[key] = Replay.of(recorder, step, tensors, out)
            return out

        return run

    def number(self, module: nn.Module) -> int | None:
        """Equal for layers that do the same with tensors of one form; None for one that may do another thing."""
        known = isinstance(module, REPEATABLE) and not getattr(module, "inplace", False)
        training = module.training and bool(module._buffers)  # which then change
        if not known or training or module._modules or module._forward_hooks or module._forward_pre_hooks:
            return None
        entries = module.__dict__
        plain = [v if type(v) in PLAIN or (type(v) is tuple and _is_plain(v)) else None for v in entries.values()]
        forms = [None if t is None else (t.shape, t.dtype) for t in _tensors(module).values()]
        return self._numbers.setdefault((type(module), *entries, *plain, *forms), len(self._numbers))


def _is_plain(values: tuple[Any, ...]) -> bool:
    return all(type(each) in PLAIN for each in values)


# Layers that run again
REPEATABLE = (
    nn.modules.conv._ConvNd,
    nn.modules.batchnorm._BatchNorm,
    nn.modules.pooling._MaxPoolNd,
    nn.modules.pooling._AvgPoolNd,
    nn.Linear,
    nn.ReLU,
    *OURS,
)


def _tensors(module: nn.Module) -> dict[str, Tensor | None]:
    return module._parameters | module._buffers


class Replay:
    """What a layer did, to be noted again for an equal one without running it: networks repeat a few layers often.

    calls: of the first one. sources: where its values come from: the name of a parameter or buffer, the number of an
    input, or (call, output). end: the same of what it returned, and its form.
    """

    def __init__(self, step: Step, sources: dict[Value, Any], end: tuple[int, int], form: Any):
        self.calls, self.sources, self.end, self.form = step.calls, sources, end, form
        self.reads: list[int] = [sources[value] for value in step.reads]
        self.names = [name for name in sources.values() if type(name) is str]

    @classmethod
    def of(cls, recorder: Recorder, step: Step, module: nn.Module, out: Tensor) -> Replay | None:
        """None where it cannot be said again in the same words."""
        own = {recorder.value_of(t): name for name, t in _tensors(module).items() if t is not None}
        used = {value for call in step.calls for value in values_of(call)}
        sources: dict[Value, Any] = {value: name for value, name in own.items() if value in used}
        for i, call in enumerate(step.calls):
            if call.func is OVERWRITE or kind(call.func).mutates:
                return None
            sources.update((value, (i, j)) for j, value in enumerate(call.outs))
        sources.update((value, i) for i, value in enumerate(step.args))
        end = sources.get(recorder.value_of(out))
        form = form_of(out)
        return cls(step, sources, end, form) if isinstance(end, tuple) and form else None

    def run(self, recorder: Recorder, path: str, module: nn.Module, tensors: nn.Module, inputs: list[Value]) -> Tensor:
        step = Step("", path, module, inputs)
        step.reads = dict.fromkeys(inputs[i] for i in self.reads)
        own = _tensors(tensors)
        values: dict[Any, Value] = {name: recorder.value_of(own[name]) for name in self.names}
        for each in values.values():
            step.params |= each.params
        values.update(enumerate(inputs))
        sources = self.sources

        def at(old: Any) -> Any:
            if type(old) is Value:
                source = sources.get(old)
                return old if source is None else values[source]
            return list(map(at, old)) if type(old) is list else old

        for i, call in enumerate(self.calls):
            outs = [Value(out.shape, step, out.data, out.params) for out in call.outs]
            args = tuple(map(at, call.args))
            for j, out in enumerate(outs):
                values[i, j] = out
            step.calls.append(Call(call.func, args, call.kwargs, outs, call.macs, call.doubt))
        with torch._C._DisableTorchDispatch():
            made = made_like(self.form)
        step.outs = [recorder._note(made, values[self.end])]
        recorder.steps.append(step)
        return made
