"""The commands about the networks: `models`, `table`, `factorize`, `bottleneck`, `compare` and `summary`."""

from dataclasses import replace
from typing import Annotated, TypedDict

import pandas as pd
from cyclopts import Parameter

from ..graph.layer_graph import LayerGraph
from ..graph.trace import trace
from ..size import Size
from ..studies.bottleneck import EXAMPLE, bottleneck_table, bottleneck_title, calculate_ways
from ..studies.direct_network import compare_with_direct
from ..studies.factorize import Setting, calculate, option_table
from ..studies.pairs import pair_table, pair_title, pair_totals
from ..text import and_list
from ..views.compare import compare_models
from ..views.export import layer_title, summary_text
from ..views.numbers import with_columns
from ..views.rows import rows_of_stage
from ..words import N_, _
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

# What `factorize` and `bottleneck` take alike.
PictureOrGrid = Annotated[
    Size | None,
    SIZE,
    Parameter(
        help=N_(
            "N or HEIGHTxWIDTH: of a MODEL's picture in pixels (by default as trained), else of the grid in cells "
            "(by default 64)."
        )
    ),
]
Bias = Annotated[bool, Parameter(negative="--no-bias", help=N_("Whether convolutions have one. By default they have."))]


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
    to.write(table, _("Models"), first=MODELS_FIRST)


def table(
    model: AnyModel,
    /,
    *,
    size: InputSize = None,
    input: Inputs = None,
    collapse: Annotated[
        bool,
        Parameter(help=N_("Fold repeated blocks into one, with a column that says how often it stands there.")),
    ] = False,
    opened: Annotated[bool, Parameter(help=N_("Give batch norm and activation rows of their own."))] = False,
    flops: Annotated[bool, Parameter(help=N_("Count FLOPs, two for each multiply-accumulate."))] = False,
    keras: Annotated[
        bool,
        Parameter(help=N_("Count parameters as Keras does, with the running mean and variance of batch norms.")),
    ] = False,
    split: Annotated[
        bool, Parameter(help=N_("Write sizes as numbers in columns of their own: rf_h and rf_w instead of rf."))
    ] = False,
    stage: Annotated[str | None, Parameter(help=N_("Only the rows of this stage, e.g. Stem."))] = None,
    part: Part = WHOLE_TABLE,
    to: TableOutput = STDOUT,
) -> None:
    """Write the layer table of a model."""
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

    kernel: Annotated[int, WHOLE, Parameter(show_default=str(Setting.kernel), help=N_("Side in cells, an odd number."))]
    in_channels: Annotated[
        int, WHOLE, Parameter(show_default=str(Setting.in_channels), help=N_("Channels that come in."))
    ]
    middle_channels: Annotated[int, WHOLE, Parameter(help=N_("Between 1xk and kx1. By default as many as go out."))]
    out_channels: Annotated[
        int, WHOLE, Parameter(show_default=str(Setting.out_channels), help=N_("Channels that go out."))
    ]
    bias: Bias


def factorize(
    model: Annotated[
        str | None,
        Parameter(help=N_("List every such pair of this model. Without it, compare ways to look through one window.")),
    ] = None,
    /,
    *,
    totals: Annotated[bool, Parameter(help=N_("Of a MODEL, write one row for each k instead of each pair."))] = False,
    size: PictureOrGrid = None,
    window: Window | None = None,
    to: TableOutput = STDOUT,
) -> None:
    """Say what 1xk followed by kx1 saves, in a model or for any channels."""
    given = window or Window()
    _check(model, given, totals)
    if model:
        graph = _trace(model, size)
        to.write(pair_totals(graph) if totals else pair_table(graph), pair_title(graph))
        return
    given.setdefault("middle_channels", given.get("out_channels", Setting.out_channels))
    setting = Setting(**given, size=size or Setting.size)
    to.write(option_table(calculate(setting)), setting.title)


@Parameter(name="*")
class Widths(TypedDict, total=False):
    """What `bottleneck` takes of a `Setting` without a MODEL; only what is given is in it."""

    kernel: Annotated[int, WHOLE, Parameter(show_default=str(EXAMPLE.kernel), help=N_("Side in cells, an odd number."))]
    in_channels: Annotated[
        int, WHOLE, Parameter(show_default=str(EXAMPLE.in_channels), help=N_("Channels that come in."))
    ]
    middle_channels: Annotated[
        int, WHOLE, Parameter(show_default=str(EXAMPLE.middle_channels), help=N_("Channels that the 1x1 hands on."))
    ]
    out_channels: Annotated[
        int, WHOLE, Parameter(show_default=str(EXAMPLE.out_channels), help=N_("Channels that go out."))
    ]
    bias: Bias


def bottleneck(
    model: Annotated[
        str | None,
        Parameter(help=N_("List every such 1x1 of this model. Without it, compare both ways for any channels.")),
    ] = None,
    /,
    *,
    totals: Annotated[
        bool, Parameter(help=N_("Of a MODEL, compare the whole with the same built without these 1x1 convolutions."))
    ] = False,
    size: PictureOrGrid = None,
    widths: Widths | None = None,
    to: TableOutput = STDOUT,
) -> None:
    """Say what a 1x1 saves before a kxk, in a model or for any channels."""
    given = widths or Widths()
    _check(model, given, totals)
    if model:
        graph = _trace(model, size)
        table = compare_with_direct(model, graph.input_size) if totals else bottleneck_table(graph)
        to.write(table, bottleneck_title(graph))
        return
    setting = replace(EXAMPLE, **given, size=size or EXAMPLE.size)
    to.write(option_table(calculate_ways(setting)), setting.title)


def _check(model: str | None, given: Window | Widths, totals: bool) -> None:
    """Raises UsageError where one option goes with a MODEL and another without."""
    if totals and not model:
        raise UsageError(_("--totals needs a MODEL"))
    if model and given:
        flags = ", ".join(
            f"--{'no-' if value is False else ''}{name.replace('_', '-')}" for name, value in given.items()
        )
        sentence = _("{flags} and a MODEL exclude each other: its convolutions are what they are")
        raise UsageError(sentence.format(flags=flags))


def compare(
    model: AnyModel,
    /,
    *others: Annotated[str, Parameter(help=N_("What to compare it with."))],
    size: InputSize = None,
    input: Inputs = None,
    part: Part = WHOLE_TABLE,
    to: TableOutput = STDOUT,
) -> None:
    """Compare models side by side, stage by stage."""
    if not others:
        raise UsageError(_("there is nothing to compare with: name another MODEL"))
    names = [model, *others]
    rows = compare_models([named_model(name).graph(size, input or ()) for name in names])
    to.write(
        part.rows_of(rows), _("Stages of {networks}").format(networks=and_list(names)), part.columns, COMPARE_FIRST
    )


def summary(model: AnyModel, /, *, size: InputSize = None, input: Inputs = None) -> None:
    """Write torchinfo's own summary of a model."""
    named = named_model(model)
    write(summary_text(named.model, named.reads(size, input or ())).encode())


def _trace(name: str, size: Size | None) -> LayerGraph:
    return trace(name, size or get_variant(name).input_size)
