"""Runs a module once and notes each operation, and what it reads: control flow and defaults are then as in any call.

Three levels come together. PyTorch's dispatcher tells every operation ("call") with its arguments, whichever way it was
written. A "step" is what people name: a call of one of PyTorch's own layers, or of one function outside of them. Paths
come from a private copy of the module, whose parts say when they run.

The copy holds no data, so a run takes milliseconds and leaves the reader's module, its buffers and the random numbers
as they were. Modes of PyTorch hold for one thread, so others may run the same module meanwhile.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import ExitStack
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode

from .calls import (
    NEEDS_DATA,
    OVERWRITE,
    Call,
    Kind,
    Step,
    Value,
    aten,
    flat,
    form_of,
    key_of,
    kind,
    made_like,
    mapped,
    tensors_in,
)
from .module_copy import ModuleCopy, Replay
from .shape_rules import form_of_output


class NeedsDataError(Exception):
    """The forward asks for the values of a tensor without data."""


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
        self.replays: dict[Any, Replay | None] = {}  # of layers that ran, by all that decides what they do
        copied = ModuleCopy(self, root)
        self.modules, self.parameters, copy = copied.modules, copied.parameters, copied.root
        self.inputs: list[Value] = []
        self.dtypes = tuple(tensor.dtype for tensor in tensors_in([inputs, named]))  # of the inputs
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
        tensors = flat(args) + flat(kwargs.values()) if kwargs else flat(args)
        if self.meta and tensors:
            known = [tensor.is_meta for tensor in tensors]
            if any(known):
                if what.name in NEEDS_DATA:
                    raise NeedsDataError(what.name)
                if not all(known):
                    args, kwargs = mapped(args, self._on_meta), mapped(kwargs, self._on_meta)
                    tensors = flat(args) + flat(kwargs.values())
        step = self.step
        lone = step is None
        if lone:
            step = self.step = Step(what.name, self.path, None, [self.value_of(t) for t in tensors])
        assert step is not None
        noted = tuple(map(self._noted, args))
        noted_kwargs = {key: self._noted(arg) for key, arg in kwargs.items()} if kwargs else {}
        ins = [self._values[id(tensor)] for tensor in tensors]
        out, macs = self._run(what, func, args, kwargs, tensors)
        data = False
        params: set[int] = set()
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
            key = (func, *map(key_of, args))
            try:
                if (hit := self._memo.get(key)) is not None:
                    form, macs = hit
                    return made_like(form), macs
            except TypeError:  # an argument that cannot be a key
                key = None
        form = form_of_output(what.name, args) if key is not None else None
        out: Any = func(*args, **kwargs) if form is None else made_like(form)
        macs = what.formula(*args, **kwargs, out_val=out) // 2 if what.formula else 0
        if key is not None and (form := form_of(out)) is not None:
            self._memo[key] = form, macs
        return out, macs

    def _written(self, tensor: Tensor, step: Step, data: bool, params: frozenset[int]) -> None:
        """A tensor was written in place: it has a new value, and so has whatever shares its memory."""
        old = self._values.get(id(tensor))
        value = self._note(tensor, Value(tuple(tensor.shape), step, data, params))
        last = step.calls[-1]
        last.outs = [*(out for out in last.outs if out is not old), value]
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
