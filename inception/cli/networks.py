"""The commands about the networks themselves: `models`, `table`, `diagram`, `factorize`, `compare` and `summary`."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, TypedDict

import pandas as pd
from cyclopts import Parameter

from ..graph.layer_graph import LayerGraph
from ..graph.trace import trace
from ..size import Size
from ..studies.factorize import Setting, calculate, option_table
from ..studies.pairs import pair_table, pair_title, pair_totals
from ..views.compare import compare_models
from ..views.diagram import DIAGRAM_FORMATS, diagram_file
from ..views.drawing import Level, draw
from ..views.export import layer_title, summary_text
from ..zoo import VARIANTS, get_variant
from .options import SIZE, STDOUT, WHOLE, File, InputSize, Model, TableOutput, chosen_format, one_of
from .output import UsageError, write


def models(*, to: TableOutput = STDOUT) -> None:
    """List every model with its input size in pixels, its parameters and its GMACs."""
    graphs = [_trace(name, None) for name in VARIANTS]
    table = pd.DataFrame(
        {
            "name": variant.name,
            "title": variant.title,
            "input_size": variant.input_size,
            "params": graph.params,
            "gmacs": round(graph.macs / 1e9, 3),
            "source": variant.source,
        }
        for variant, graph in zip(VARIANTS.values(), graphs, strict=True)
    )
    to.write(table, "Models")


def table(model: Model, /, *, size: InputSize = None, collapse: bool = False, to: TableOutput = STDOUT) -> None:
    """Write the layer table of a model.

    Args:
        collapse: Fold repeated blocks into one, with a column that says how often it stands there.
    """
    graph = _trace(model, size)
    to.write(graph.table(collapse=collapse), layer_title(graph))


def diagram(
    model: Model,
    /,
    *,
    size: InputSize = None,
    block: str | None = None,
    level: Annotated[
        Level | None,
        one_of(
            ("stage", "block", "layer"),
            "What a box is: a stage, a block or a layer. By default a block of the folded network; with --block a "
            "layer.",
        ),
    ] = None,
    format: Annotated[
        str | None,
        one_of(
            DIAGRAM_FORMATS,
            f"{', '.join(DIAGRAM_FORMATS)}. By default what the suffix of the file says; without a file, dot on a "
            "terminal and svg elsewhere.",
        ),
    ] = None,
    output: File = None,
) -> None:
    """Draw a model, or one of its blocks.

    Args:
        block: Draw the layers of this block, e.g. Inception-A or Mixed_6a.
    """
    if level == "layer" and not block:
        raise UsageError("the layers of a whole network fit no page; name one of its blocks with --block")
    if block and level in ("stage", "block"):
        raise UsageError(f"--level {level} draws the whole network; leave out --block")
    graph = _trace(model, size)
    suffixes = {f".{name}": name for name in DIAGRAM_FORMATS}
    format = chosen_format(format, output, suffixes, binary=("png", "pdf"), defaults=("dot", "svg"))
    drawing = draw(graph, block, level)
    with _quiet():
        data = diagram_file(drawing.dot, format, drawing.caption)
    write(data, output)


@Parameter(name="*")
class Window(TypedDict, total=False):
    """What `factorize` takes of a `Setting` without a MODEL; only what is given is in it."""

    kernel: Annotated[int, WHOLE, Parameter(help=f"Side in cells, an odd number. By default {Setting.kernel}.")]
    in_channels: Annotated[int, WHOLE, Parameter(help=f"Channels that come in. By default {Setting.in_channels}.")]
    middle_channels: Annotated[int, WHOLE, Parameter(help="Between 1xk and kx1. By default as many as go out.")]
    out_channels: Annotated[int, WHOLE, Parameter(help=f"Channels that go out. By default {Setting.out_channels}.")]
    bias: Annotated[bool, Parameter(negative="--no-bias", help="Whether convolutions have one. By default they have.")]


def factorize(
    model: str | None = None,
    /,
    *,
    totals: bool = False,
    size: Annotated[Size | None, SIZE] = None,
    window: Window | None = None,
    to: TableOutput = STDOUT,
) -> None:
    """Say what 1xk followed by kx1 saves, in a model or for any channels.

    Args:
        model: List every such pair of this model. Without it, compare ways to look through one window.
        totals: Of a MODEL, write one row for each k instead of each pair.
        size: N or HEIGHTxWIDTH: of a MODEL's picture in pixels (by default as trained), else of the grid in cells
            (by default 64).
    """
    given = window or Window()
    if model:
        if given:
            flags = ", ".join(f"--{name.replace('_', '-')}" for name in given)
            raise UsageError(f"{flags} and a MODEL exclude each other: its convolutions are what they are")
        graph = _trace(model, size)
        to.write(pair_totals(graph) if totals else pair_table(graph), pair_title(graph))
        return
    if totals:
        raise UsageError("--totals needs a MODEL")
    given.setdefault("middle_channels", given.get("out_channels", Setting.out_channels))
    setting = Setting(**given, size=size or Setting.size)
    to.write(option_table(calculate(setting)), setting.title)


def compare(model: Model, /, *others: Model, size: InputSize = None, to: TableOutput = STDOUT) -> None:
    """Compare models side by side, stage by stage.

    Args:
        others: What to compare it with.
    """
    if not others:
        raise UsageError("there is nothing to compare with: name another MODEL")
    names = [model, *others]
    to.write(compare_models([_trace(name, size) for name in names]), f"Stages of {', '.join(names)}")


def summary(model: Model, /, *, size: InputSize = None) -> None:
    """Write torchinfo's own summary of a model."""
    write(summary_text(model, size or get_variant(model).input_size).encode())


def _trace(name: str, size: Size | None) -> LayerGraph:
    return trace(name, size or get_variant(name).input_size)


@contextmanager
def _quiet() -> Iterator[None]:
    """Drops what C libraries write to standard error: fontconfig remarks on configuration newer than itself."""
    try:
        kept = os.dup(2)
    except OSError:  # closed already
        yield
        return
    nothing = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nothing, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(nothing)
        os.close(kept)
