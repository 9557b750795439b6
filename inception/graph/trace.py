"""`trace` runs a module once and makes the `LayerGraph` that every table and diagram comes from."""

import inspect
import operator
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from threading import Lock
from typing import Any, cast

import torch
from torch import Tensor, nn

from ..errors import InputError
from ..text import shape_text
from ..words import _
from ..zoo import Variant, create_model, get_variant
from .batch import shapes_without_batch
from .calls import Value, tensors_in
from .cells import picture_cells
from .garbage import garbage_waits
from .layer_graph import LayerGraph
from .record import NeedsDataError, Recorder
from .rows import Rows, follow_fields
from .unused import find_unused
from .window import pair

Examples = Tensor | Sequence[Any] | Mapping[str, Any]
MOST_PIXELS = 100_000

_one_at_a_time = Lock()  # so that a class of thirty that asks for one graph has it made once


class TraceError(InputError):
    """A module or input size that cannot be traced, in one sentence."""


class OtherInputsError(TraceError):
    """A forward that takes more inputs than it would get, or others. `network` and `reason` say which and why."""

    def __init__(self, network: str, reason: str):
        self.network, self.reason = network, reason
        sentence = _(
            "{network} takes other inputs than these ({error}): give input_size a list of shapes, or example tensors."
        )
        super().__init__(sentence.format(network=network, error=reason))


def trace(model: str | nn.Module, input_size: int | Sequence[Any] | Examples = 299, **overrides: Any) -> LayerGraph:
    """Runs a network once on tensors without data and returns its layers and the edges between them.

    This takes milliseconds and no memory for weights: shapes and counts come from the meta device. Any module will do;
    it keeps its weights, its buffers and its mode. In training mode the graph has what runs in training.

    model: a name of `list_models`, which is built in eval mode with `overrides` as `create_model` takes them, or a
    module.
    input_size: pixels of a square picture, or (H, W), or (C, H, W). What is no picture, or several inputs, stands in a
    list of shapes without the batch: [(C, D, H, W)] or [(3, 224, 224), (10,)]. Or example tensors, with the batch as
    their first dimension: one, a list of them, or a dict by the names of the forward's arguments. A network that
    decides by the values of its tensors runs on the examples themselves.
    The graph of a name is remembered, because pages and studies ask for the same few again and again.
    Raises TraceError when the picture is too small, naming the layer at which the grid would vanish, and when the
    module cannot run; InputError for unknown names and overrides.
    """
    if isinstance(model, str):
        sides = (input_size, input_size) if isinstance(input_size, int) else input_size
        usual = isinstance(sides, tuple) and all(isinstance(side, int) and 0 < side < MOST_PIXELS for side in sides)
        if usual and all(isinstance(value, int | float | None) for value in overrides.values()):
            with _one_at_a_time:
                return _graph_of_the_zoo(get_variant(model), *cast(tuple[int, ...], sides), **overrides)
        return _traced(create_model(model, device="meta", **overrides), input_size)
    if not isinstance(model, nn.Module):
        raise TraceError(
            _("trace takes the name of a network or an nn.Module, not {given}.").format(given=f"{model!r:.80}")
        )
    if overrides:
        raise TraceError(
            _("{option} cannot be set on a module that is built already, only on a name.").format(
                option=next(iter(overrides))
            )
        )
    return _traced(model, input_size)


@lru_cache(maxsize=64, typed=True)  # typed, because True is no number of classes
def _graph_of_the_zoo(variant: Variant, *sides: int, **overrides: Any) -> LayerGraph:
    return _traced(create_model(variant.name, device="meta", **overrides), sides)


@garbage_waits()
def _traced(module: nn.Module, input_size: Any) -> LayerGraph:
    variant = getattr(module, "variant", None)
    name = variant.name if isinstance(variant, Variant) else type(module).__name__
    examples = any(True for _tensor in tensors_in(input_size))
    inputs, named = _one_of(input_size) if examples else (_on_meta(name, module, _shapes(module, input_size)), {})
    _check_arguments(name, module, inputs, named)
    run = _run(name, module, inputs, named, examples)
    first = run.inputs[0]
    if 3 <= len(first.shape) <= 5:
        first.cells = picture_cells(first.shape)
    follow_fields(run)

    def twice() -> Recorder | None:
        try:
            return Recorder(module, *_doubled(*_alike(inputs, named, run.meta)))
        except Exception:  # it may take one picture only
            return None

    shape_of = shapes_without_batch(run, twice)
    rows = Rows(run, shape_of)
    unused = find_unused(module, rows.sizes.keys() - rows.counted)
    _check_parameters(name, rows, sum(each.params for each in unused))
    keras_gamma = variant.keras_gamma if isinstance(variant, Variant) else True
    shape, *others = (_without_first(value) for value in run.inputs)
    return LayerGraph(name, shape, rows.layers, keras_gamma, rows.outputs, unused, tuple(others), run.dtypes)


# Inputs
def _shapes(module: nn.Module, input_size: Any) -> list[tuple[int, ...]]:
    """The shape of each input without the batch."""
    if isinstance(input_size, list) and input_size and all(isinstance(each, tuple | list) for each in input_size):
        shapes = [_whole_numbers(each) for each in input_size]
        if all(shapes):
            return shapes
    else:
        sizes = _whole_numbers(input_size if isinstance(input_size, Iterable) else (input_size, input_size))
        if len(sizes) == 2:
            first = next((m for m in module.modules() if isinstance(m, nn.Conv2d)), None)
            sizes = (first.in_channels if first else 3, *sizes)
        if len(sizes) == 3:
            return [sizes]
    sentence = _(
        "input_size must be pixels, (H, W) or (C, H, W), each below {most:,}, a list of shapes for inputs that are no "
        "picture, or example tensors, not {given}."
    )
    raise TraceError(sentence.format(most=MOST_PIXELS, given=f"{input_size!r:.80}"))


def _whole_numbers(sizes: Iterable[Any]) -> tuple[int, ...]:
    """Sizes as whole numbers; nothing where one is none, or out of range."""
    try:
        numbers = tuple(map(operator.index, sizes))
    except TypeError:
        return ()
    return numbers if all(0 < n < MOST_PIXELS for n in numbers) else ()


def _on_meta(name: str, module: nn.Module, shapes: list[tuple[int, ...]]) -> list[Any]:
    dtype = next((p.dtype for p in module.parameters() if p.is_floating_point()), torch.float32)
    try:
        return [torch.empty(1, *shape, dtype=dtype, device="meta") for shape in shapes]
    except RuntimeError as error:  # more bytes than 64 bits count
        sentence = _("{network} cannot take {size} px: too large.")
        raise TraceError(sentence.format(network=name, size=shape_text(shapes[0][1:]))) from error


def _one_of(examples: Any) -> tuple[list[Any], dict[str, Any]]:
    """The arguments that examples stand for, with the first of the batch where all have one of the same size."""
    inputs: list[Any] = [] if isinstance(examples, Mapping) else (
        [examples] if isinstance(examples, Tensor) else list(examples)
    )  # fmt: skip
    named = dict(examples) if isinstance(examples, Mapping) else {}
    sizes = {tensor.shape[:1] for tensor in tensors_in([inputs, named]) if tensor.dim()}
    if len(sizes) != 1:
        return inputs, named
    return _changed(inputs, lambda t: t[:1] if t.dim() else t), _changed(named, lambda t: t[:1] if t.dim() else t)


def _changed(value: Any, change: Any) -> Any:
    if isinstance(value, Tensor):
        return change(value)
    if isinstance(value, dict):
        return {key: _changed(each, change) for key, each in value.items()}
    if isinstance(value, list | tuple) and not hasattr(value, "_fields"):
        return type(value)(_changed(each, change) for each in value)
    return value


def _alike(inputs: list[Any], named: dict[str, Any], meta: bool) -> tuple[list[Any], dict[str, Any]]:
    if not meta:
        return inputs, named
    return _changed(inputs, lambda t: t.to("meta")), _changed(named, lambda t: t.to("meta"))


def _doubled(inputs: list[Any], named: dict[str, Any]) -> tuple[list[Any], dict[str, Any]]:
    def double(tensor: Tensor) -> Tensor:
        if not tensor.dim():
            return tensor
        if tensor.is_meta:  # for which torch.cat loads PyTorch's compiler
            return tensor.new_empty((2 * tensor.shape[0], *tensor.shape[1:]))
        return torch.cat([tensor, tensor])

    return _changed(inputs, double), _changed(named, double)


def _without_first(value: Value) -> tuple[int, ...]:
    return value.shape[1:]


def _check_arguments(name: str, module: nn.Module, inputs: list[Any], named: dict[str, Any]) -> None:
    """Raises OtherInputsError where the forward needs more than it would get."""
    try:
        signature = inspect.signature(module.forward)
    except (TypeError, ValueError):
        return
    try:
        signature.bind(*inputs, **named)
    except TypeError as error:
        raise OtherInputsError(name, _first_line(error)) from error


# The run, and what can go wrong in it
def _run(name: str, module: nn.Module, inputs: list[Any], named: dict[str, Any], examples: bool) -> Recorder:
    """Without data where that is possible."""
    recorder = object.__new__(Recorder)
    try:
        recorder.__init__(module, *_alike(inputs, named, meta=True))  # type: ignore[misc]
        return recorder
    except NeedsDataError as error:
        if not examples or any(tensor.is_meta for tensor in tensors_in([inputs, named])):
            raise TraceError(_needs_data(name, recorder, str(error))) from error
    except Exception as error:  # PyTorch raises RuntimeError, ValueError, TypeError, ... for misfits
        if not examples and (whole := _looked_up(recorder, inputs, error)):
            return _run(name, module, [x.long() if i in whole else x for i, x in enumerate(inputs)], named, examples)
        if not examples and _is_about_data(error):
            raise TraceError(_needs_data(name, recorder, "")) from error
        if not examples or not _is_about_data(error):
            raise TraceError(_misfit(name, recorder, error)) from error
    recorder = object.__new__(Recorder)
    try:
        recorder.__init__(module, inputs, named)  # type: ignore[misc]
    except Exception as error:
        raise TraceError(_misfit(name, recorder, error)) from error
    return recorder


def _looked_up(recorder: Recorder, inputs: list[Any], error: Exception) -> set[int]:
    """Which inputs the failing operation looks up in a table, so that they must be whole numbers, such as words."""
    if "indices" not in str(error) or recorder.failed is None:
        return set()
    given = recorder.failed[2]
    return {i for i, value in enumerate(recorder.inputs) if value in given and inputs[i].is_floating_point()}


def _is_about_data(error: Exception) -> bool:
    text = str(error)
    return (isinstance(error, NotImplementedError) and "meta" in text.lower()) or "no data" in text or "Meta" in text


def _needs_data(name: str, recorder: Recorder, asked: str) -> str:
    sentence = _(
        "{network} cannot be traced without data, because {place} asks for the values of a tensor: give input_size "
        "example tensors, on which it then runs."
    )
    if asked:
        sentence = _(
            "{network} cannot be traced without data, because {place} asks for the values of a tensor ({operation}): "
            "give input_size example tensors, on which it then runs."
        )
    return sentence.format(network=name, place=_place(recorder), operation=asked.strip("_"))


def _place(recorder: Recorder) -> str:
    path = recorder.failed[0] if recorder.failed else ""
    return path or _("its forward")


def _misfit(name: str, recorder: Recorder, error: Exception) -> str:
    """One sentence on why a layer cannot run; mostly because its window is larger than what is left of the grid."""
    path, module, args = recorder.failed or ("", None, [])
    if isinstance(module, nn.Conv2d | nn.MaxPool2d | nn.AvgPool2d) and args and len(args[0].shape) == 4:
        grid, kernel = args[0].shape[2:], pair(module.kernel_size)
        if kernel[0] > grid[0] or kernel[1] > grid[1]:
            sentence = _(
                "{network} cannot take {size} px: the grid vanishes at {path}, whose {kernel} window does not fit a "
                "{grid} grid."
            )
            return sentence.format(
                network=name,
                size=shape_text(recorder.inputs[0].shape[2:]),
                path=path,
                kernel=shape_text(kernel),
                grid=shape_text(grid),
            )
    if isinstance(module, nn.modules.lazy.LazyModuleMixin) and module.has_uninitialized_params():
        sentence = _("{network} cannot be traced: {path} is not made yet, so run the network once on a real picture.")
    elif path:
        sentence = _("{network} cannot be traced at {path}: {error}")
    else:
        sentence = _("{network} cannot be traced: {error}")
    return sentence.format(network=name, path=path, error=_first_line(error))


def _first_line(error: Exception) -> str:
    line = (str(error).strip() or type(error).__name__).splitlines()[0]
    return line.split(". ")[0][:250]


def _check_parameters(name: str, rows: Rows, unused: int) -> None:
    """Raises TraceError unless the rows and the unused parameters are all that the module has, each once."""
    counted, total = sum(part.params for part in rows.parts.values()), sum(rows.sizes.values())
    if counted + unused != total:
        sentence = _("{network} cannot be traced: {found:,} of its {total:,} parameters were found.")
        raise TraceError(sentence.format(network=name, found=counted + unused, total=total))
