"""The commands about the networks themselves: `models`, `table`, `factorize`, `compare` and `summary`."""

from typing import Annotated, TypedDict

import pandas as pd
from cyclopts import Parameter

from ..graph.layer_graph import LayerGraph
from ..graph.trace import trace
from ..size import Size
from ..studies.factorize import Setting, calculate, option_table
from ..studies.pairs import pair_table, pair_title, pair_totals
from ..views.compare import compare_models
from ..views.export import layer_title, summary_text
from ..views.numbers import with_columns
from ..views.rows import rows_of_stage
from ..zoo import VARIANTS, get_variant
from .models import named_model
from .options import SIZE, STDOUT, WHOLE, WHOLE_TABLE, AnyModel, Inputs, InputSize, Part, TableOutput
from .output import UsageError, write

# What a terminal shows of a table, the most important first.
TABLE_FIRST = (
    *("layer", "out_shape", "params", "macs", "flops", "block", "op", "kernel", "branch", "repeat", "index", "stride"),
    *("rf", "stage", "pad", "dropped"),
)
COMPARE_FIRST = ("stage", "model", "out_shape", "params", "macs", "layers", "blocks", "activation_bytes", "input")
MODELS_FIRST = ("name", "params", "gmacs", "input_size", "title")


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
    to.write(table, "Models", first=MODELS_FIRST)


def table(
    model: AnyModel,
    /,
    *,
    size: InputSize = None,
    input: Inputs = None,
    collapse: bool = False,
    opened: bool = False,
    flops: bool = False,
    keras: bool = False,
    split: bool = False,
    stage: str | None = None,
    part: Part = WHOLE_TABLE,
    to: TableOutput = STDOUT,
) -> None:
    """Write the layer table of a model.

    Args:
        collapse: Fold repeated blocks into one, with a column that says how often it stands there.
        opened: Give batch norm and activation rows of their own.
        flops: Count FLOPs, two for each multiply-accumulate.
        keras: Count parameters as Keras does, with the running mean and variance of batch norms.
        split: Write sizes as numbers in columns of their own: rf_h and rf_w instead of rf.
        stage: Only the rows of this stage, e.g. Stem.
    """
    graph = named_model(model).graph(size, input or ())
    rows = graph.table(collapse=collapse, units=not opened, flops=flops, keras=keras)
    whole = len(rows)
    if stage:
        rows = rows_of_stage(rows, stage)
    if split:
        rows = with_columns(rows)
    rows = part.rows_of(rows)
    to.write(rows, layer_title(graph, keras, len(rows), whole), part.columns, TABLE_FIRST)


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


def compare(
    model: AnyModel,
    /,
    *others: AnyModel,
    size: InputSize = None,
    input: Inputs = None,
    part: Part = WHOLE_TABLE,
    to: TableOutput = STDOUT,
) -> None:
    """Compare models side by side, stage by stage.

    Args:
        others: What to compare it with.
    """
    if not others:
        raise UsageError("there is nothing to compare with: name another MODEL")
    names = [model, *others]
    rows = compare_models([named_model(name).graph(size, input or ()) for name in names])
    to.write(part.rows_of(rows), f"Stages of {', '.join(names)}", part.columns, COMPARE_FIRST)


def summary(model: AnyModel, /, *, size: InputSize = None, input: Inputs = None) -> None:
    """Write torchinfo's own summary of a model."""
    named = named_model(model)
    write(summary_text(named.model, named.reads(size, input or ())).encode())


def _trace(name: str, size: Size | None) -> LayerGraph:
    return trace(name, size or get_variant(name).input_size)
