"""The command `diagram`."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal, cast, get_args

from cyclopts import Parameter

from ..graph.layer_graph import LayerGraph
from ..size import Size
from ..views.colouring import Colouring, Together, Traced, traced_colouring
from ..views.diagram import DIAGRAM_FORMATS
from ..views.drawing import ON_A_PAGE, Level, draw
from ..views.own_numbers import read_numbers
from ..views.style import POINTS, Amount, Direction, Style, Theme
from ..words import N_, _
from .models import named_model
from .options import AnyModel, File, Inputs, InputSize, chosen_format, names_list, one_of, whole_within
from .output import UsageError, write

ColourBy = Literal["kind", "params", "macs", "activation_bytes", "rf", "milliseconds", "response", "change"]
MEASURED = ("milliseconds", "response")  # of these colours, those that come from passes of a network with weights
SUFFIXES = {f".{name}": name for name in DIAGRAM_FORMATS}
FONT_SIZES = range(6, 49)  # points


@Parameter(name="*")
@dataclass(frozen=True)
class Look:
    """How a diagram looks, and what stands around it."""

    overlay: Annotated[
        Amount | None,
        one_of(
            ("params", "macs", "activation_bytes", "rf"),
            N_(
                "A number in every box: parameters, MACs, bytes of the output, or the receptive field. The first three "
                "are also what the bars in a whole network show."
            ),
        ),
    ] = None
    colour_by: Annotated[
        ColourBy,
        one_of(
            get_args(ColourBy),
            N_(
                "What colours show: the kind of operation, a number of each layer, its milliseconds on this machine, "
                "how strongly it answers a picture, or, between two models, what is the same, what has changed and "
                "what only one has."
            ),
        ),
    ] = "kind"
    picture: Annotated[
        Path | None, Parameter(help=N_("The picture of --colour-by response; with milliseconds it may be left out."))
    ] = None
    weights: Annotated[
        str | None,
        Parameter(
            help=N_(
                "The weights of --colour-by response and milliseconds: a known tag, a file, or 'untrained'. By default "
                "the first that are on this machine, and for milliseconds random ones."
            )
        ),
    ] = None
    numbers: Annotated[
        Path | None,
        Parameter(
            help=N_(
                "Colour by your own numbers: a CSV or JSON file with a row for each layer, by path or name, or node "
                "data for Model Explorer. Standard error says how many layers have one."
            )
        ),
    ] = None
    column: Annotated[str | None, Parameter(help=N_("The column of --numbers. By default the first with numbers."))] = (
        None
    )
    together: Annotated[
        Together, one_of(get_args(Together), N_("What stands for a box of several layers, with --numbers."))
    ] = "mean"
    direction: Annotated[Direction, one_of(("down", "right"), N_("Where data flow."))] = "down"
    font_size: Annotated[
        int, whole_within(FONT_SIZES), Parameter(help=N_("Points of the first line in a box, from 6 to 48."))
    ] = POINTS
    theme: Annotated[Theme, one_of(("colour", "grey"), N_("Grey is for print: lines differ as well as grounds."))] = (
        "colour"
    )
    legend: Annotated[bool, Parameter(help=N_("Explain the colours below the diagram."))] = False
    caption: Annotated[
        str | None,
        Parameter(help=N_("The line below the diagram. By default what it shows, of which network and picture.")),
    ] = None
    no_caption: Annotated[bool, Parameter(help=N_("No line below the diagram."))] = False

    @property
    def style(self) -> Style:
        """Direction, size of the text, and theme."""
        return Style(self.direction, self.font_size, self.theme)

    @property
    def line(self) -> str | None:
        """The caption: None for the usual one, empty for none."""
        if self.no_caption and self.caption:
            raise UsageError(_("--caption and --no-caption exclude each other"))
        return "" if self.no_caption else self.caption

    def colouring(self, graph: LayerGraph) -> Colouring | None:
        """What the colours show of a network; None where they show no number.

        Raises UsageError, and FileError for a file that cannot be used.
        """
        if self.numbers is None:
            if self.column:
                raise UsageError(_("--column goes with --numbers"))
            traced = self.colour_by in get_args(Traced)
            return traced_colouring(graph, cast("Traced", self.colour_by)) if traced else None
        if self.colour_by != "kind":
            raise UsageError(_("--numbers and --colour-by exclude each other"))
        own = read_numbers(self.numbers)
        column = self.column or next(iter(own.columns))
        if column not in own.columns:
            sentence = _("{file} has no column of numbers called {column}; it has {known}")
            known = _(", ").join(own.columns)
            raise UsageError(sentence.format(file=own.file, column=repr(column), known=known))
        match = own.match(graph, column, self.together)
        sentence = _("{file}: {layers} of {count} layers have a number; {lost} rows are about none of them, or several")
        line = sentence.format(file=own.file, layers=match.layers, count=len(graph.layers), lost=len(match.lost))
        print(
            _("{line}: {names}").format(line=line, names=_(", ").join(match.lost[:5])) if match.lost else line,
            file=sys.stderr,
        )
        return match.colouring


PLAIN_LOOK = Look()

Block = Annotated[str | None, Parameter(help=N_("Draw the layers of this block, e.g. Inception-A or Mixed_6a."))]
Opened = Annotated[bool, Parameter(help=N_("Give batch norm and activation boxes of their own, with --block."))]
Others = Annotated[
    str,
    Parameter(
        help=N_("What to draw beside it, stage by stage; with --block one model, whose block is laid over the first's.")
    ),
]


def diagram(
    model: AnyModel,
    /,
    *others: Others,
    size: InputSize = None,
    input: Inputs = None,
    block: Block = None,
    level: Annotated[
        Level | None,
        one_of(
            ("stage", "block", "layer"),
            N_(
                "What a box is. By default a block of the folded network; a layer with --block and in networks of few "
                "layers."
            ),
        ),
    ] = None,
    unfold: Annotated[
        list[str] | None,
        names_list(N_("Blocks of the whole network that are drawn by their layers, with commas between.")),
    ] = None,
    opened: Opened = False,
    look: Look = PLAIN_LOOK,
    format: Annotated[
        str | None,
        one_of(
            DIAGRAM_FORMATS,
            N_(
                "What to write. By default what the suffix of the file says; without a file, dot on a terminal and svg "
                "elsewhere."
            ),
        ),
    ] = None,
    output: File = None,
) -> None:
    """Draw a model, or one of its blocks."""
    if block and level in ("stage", "block"):
        raise UsageError(_("--level {level} draws the whole network; leave out --block").format(level=level))
    format = chosen_format(format, output, SUFFIXES, binary=("png", "pdf"), defaults=("dot", "svg"))
    graph, *beside = (named_model(name).graph(size, input or ()) for name in (model, *others))
    if level == "layer" and not block and len(graph.layers) > ON_A_PAGE:
        raise UsageError(_("the layers of a whole network fit no page; name one of its blocks with --block"))
    graph, colouring = _colours(look, model, graph, size)
    drawing = draw(
        graph,
        block,
        level,
        others=beside,
        opened=opened,
        unfold=unfold or (),
        amount=look.overlay,
        colouring=colouring,
        changes=look.colour_by == "change",
        style=look.style,
        legend=look.legend,
        caption=look.line,
    )
    with _quiet():
        data = drawing.file(format)
    write(data, output)


def _colours(look: Look, model: str, graph: LayerGraph, size: Size | None) -> tuple[LayerGraph, Colouring | None]:
    """What the colours show; where they are measured, of the network as its weights are. Errors as of both."""
    if look.colour_by in MEASURED:
        from .measured_colours import measured_colouring  # here, because no other colours need a network that runs

        return measured_colouring(model, look.colour_by, look.picture, look.weights, size)
    if look.picture or look.weights:
        raise UsageError(_("--picture and --weights go with --colour-by response or milliseconds"))
    return graph, look.colouring(graph)


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
