"""Which dimension of each tensor is the batch: found by a second run with two pictures, where it could be another."""

from collections.abc import Callable

from .calls import OVERWRITE, Call, Value, kind
from .layer import Shape
from .record import Recorder

# Operations that keep the first dimension what it is. A run of these alone needs no second one.
KEEP_FIRST = {
    "convolution", "native_batch_norm", "max_pool2d_with_indices", "avg_pool2d", "_adaptive_avg_pool2d", "alias",
    "detach", "clone", "addmm", "linalg_vector_norm", "expand", "cat", "mean", "native_dropout", "view", "t",
    "batch_norm", "dropout",
}  # fmt: skip


def keeps_first(run: Recorder) -> bool:
    """Whether the first dimension is the batch everywhere in a run with one picture, by what the operations do."""
    return all(_keeps(call) for step in run.steps for call in step.calls)


def _keeps(call: Call) -> bool:
    if call.func is OVERWRITE:
        return False
    ins = [v for arg in call.args for v in (arg if isinstance(arg, list) else [arg]) if isinstance(v, Value) and v.data]
    outs = [out for out in call.outs if out.data]
    if not ins:
        return True
    what = kind(call.func)
    if not (what.pointwise or what.name in KEEP_FIRST) or any(v.shape[:1] != (1,) for v in [*ins, outs[0]]):
        return False
    if what.name in ("view", "mean"):  # a flatten, or a mean over the grid: (1, C, H, W) to (1, C) or (1, C, 1, 1)
        return len(ins[0].shape) == 4 and len(outs[0].shape) in (2, 4) and 0 not in (call.args[1] or [0])
    if what.name == "cat":
        return call.args[1] % len(outs[0].shape) != 0 if len(call.args) > 1 else False
    return len({len(v.shape) for v in [*ins, outs[0]]}) == 1


def shapes_without_batch(one: Recorder, again: Callable[[], Recorder | None]) -> Callable[[Value], Shape]:
    """A function from a value of `one`, a run with one picture, to its shape without the batch.

    again: makes a run with two pictures, or None where that is not possible. A tensor whose first dimension counts
    windows of one picture keeps it. A network that takes one picture only, or goes another way with two, has no batch
    but the one of its picture: there a first dimension of 1 is left out.
    """
    if keeps_first(one):
        return lambda value: value.shape[1:] if value.data else value.shape
    two = again()
    doubled = _pairs(one, two) if two is not None else {}
    if not doubled:
        return lambda value: value.shape[1:] if value.data and value.shape[:1] == (1,) else value.shape

    def shape_of(value: Value) -> Shape:
        other = doubled.get(value)
        if other is None or len(other) != len(value.shape):
            return value.shape
        grown = [d for d, (n, m) in enumerate(zip(value.shape, other, strict=True)) if n != m]
        if len(grown) != 1 or value.shape[grown[0]] != 1:
            return value.shape
        return (*value.shape[: grown[0]], *value.shape[grown[0] + 1 :])

    return shape_of


def _pairs(one: Recorder, two: Recorder) -> dict[Value, Shape]:
    """The shape of each value of one run in the other; nothing where the runs took different ways."""
    found = {a: b.shape for a, b in zip(one.inputs, two.inputs, strict=True)}
    if len(one.steps) != len(two.steps):
        return {}
    for a, b in zip(one.steps, two.steps, strict=True):
        groups = [(a.args, b.args), (list(a.reads), list(b.reads)), (a.outs, b.outs)]
        if (a.name, a.path) != (b.name, b.path) or any(len(mine) != len(other) for mine, other in groups):
            return {}
        for mine, other in groups:
            found.update((v, w.shape) for v, w in zip(mine, other, strict=True))
    return found
