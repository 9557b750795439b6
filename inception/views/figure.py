"""What all charts share: quantities and their words, colours, dashes and marks, titles, and the frame around a plot.

Figures bring neither background nor ink: the page's theme gives both, and where there is none a grey that reads on
white and on black. They ask no other host for anything.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Literal

import plotly.graph_objects as go

from ..errors import InputError
from ..graph.layer import Layer
from ..graph.layer_graph import LayerGraph
from ..text import shape_text, wrapped
from ..words import N_, _
from .kinds import CONCAT, FACTORISED, LINEAR, OTHER, POINTWISE, POOL, SQUARE, SUM, Kind
from .style import AMOUNTS

QuantityName = Literal["params", "macs", "activation_bytes"]


@dataclass(frozen=True)
class Quantity:
    """What a chart adds up."""

    words: str  # in a sentence
    exact: str  # an exact number of it, with its unit
    short: str  # behind a rounded number
    axis: str  # the title of its axis; as the other texts marked and not yet translated
    of: Callable[[Layer], int]  # what one layer has of it


PARAMS = Quantity(N_("parameters"), AMOUNTS["params"], "", N_("Parameters"), lambda layer: layer.params)
MACS = Quantity(
    N_("MACs"), AMOUNTS["macs"], "", N_("Multiply-accumulates (MACs), one picture"), lambda layer: layer.macs
)
ACTIVATION_BYTES = Quantity(
    N_("activation memory"),
    AMOUNTS["activation_bytes"],
    "B",
    N_("Outputs of all layers, one picture in float32<br>(1 MB is 1,000,000 bytes)"),
    lambda layer: layer.activation_bytes,
)
QUANTITIES = {"params": PARAMS, "macs": MACS, "activation_bytes": ACTIVATION_BYTES}

# Neighbours in a stack differ in more than colour.
PATTERNS = {POINTWISE: "", SQUARE: "x", FACTORISED: "/", POOL: ".", CONCAT: "-", SUM: "+", LINEAR: "\\", OTHER: "|"}
# Of the same set, those first that stand out on white and on black alike.
LINE_COLORS = tuple(kind.color for kind in (SQUARE, LINEAR, POOL, SUM, FACTORISED, POINTWISE))
DASHES = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot")
SYMBOLS = ("circle", "square", "diamond", "triangle-up", "cross", "x")

INK = "#1a1a1a"
GREY = "#767676"  # 4.5 to 1 on white, 4.1 to 1 on Streamlit's black
FAINT = "rgba(128,128,128,0.3)"
SHADE = "rgba(128,128,128,0.16)"
CLEAR = "rgba(0,0,0,0)"
# Characters of a line that fits a phone, 360 px wide, and its height in pixels.
TITLE_WIDTH, TITLE_LINE = 42, 21
SUBTITLE_WIDTH, SUBTITLE_LINE = 52, 17
MODEBAR = 44

# A page's theme writes its own colours and fonts over these.
TEMPLATE = go.layout.Template(
    layout={
        "font": {"color": GREY, "size": 13},
        "paper_bgcolor": CLEAR,
        "plot_bgcolor": CLEAR,
        "xaxis": {"gridcolor": FAINT, "zerolinecolor": FAINT, "automargin": True},
        "yaxis": {"gridcolor": FAINT, "zerolinecolor": FAINT, "automargin": True},
        "modebar": {"bgcolor": CLEAR, "color": GREY, "activecolor": GREY},
    }
)


@dataclass(frozen=True)
class LineStyle:
    """How one line of several is drawn; no two of the first 216 are alike, and two in a row differ in everything."""

    color: str
    dash: str
    symbol: str


def line_style(number: int) -> LineStyle:
    """The style of the line with that number, from 0."""
    color, turn = number % len(LINE_COLORS), number // len(LINE_COLORS)
    return LineStyle(
        LINE_COLORS[color],
        DASHES[(color + turn) % len(DASHES)],
        SYMBOLS[(color + 2 * turn + turn // len(DASHES)) % len(SYMBOLS)],
    )


def chart_config(figure: go.Figure, format: Literal["png", "svg"] = "png") -> dict[str, Any]:
    """plotly.js's configuration for one of this module's figures: a button saves it as `format`, at twice its size.

    The browser draws the file itself and names it after the network. plotly.js has one such button with one format,
    so a page that offers both needs a switch.
    """
    return {
        "displaylogo": False,
        "showSendToCloud": False,
        "displayModeBar": True,
        "modeBarButtonsToRemove": ["select2d", "lasso2d", "pan2d", "autoScale2d", "zoomIn2d", "zoomOut2d"],
        "toImageButtonOptions": {"format": format, "filename": figure.layout.meta["file_name"], "scale": 2},
    }


def quantity_of(name: str) -> Quantity:
    """The quantity of that name; raises InputError with the known names otherwise."""
    if name not in QUANTITIES:
        raise InputError(
            _("Unknown quantity {name}; known: {known}.").format(name=repr(name), known=", ".join(QUANTITIES))
        )
    return QUANTITIES[name]


def total_of(amount: Quantity, layers: Iterable[Layer]) -> int:
    """What the layers have of it together."""
    return sum(map(amount.of, layers))


def new_figure(finding: str, subtitle: str, file_name: str, height: int, above: int = 0) -> go.Figure:
    """A figure without traces, whose legend stands between its title and the plot and takes the lines that it needs.

    height, above: pixels of the whole, and between the title and the plot where the legend needs fewer.
    """
    title_lines, subtitle_lines = wrapped(finding, TITLE_WIDTH), wrapped(subtitle, SUBTITLE_WIDTH)
    top = MODEBAR + TITLE_LINE * len(title_lines) + SUBTITLE_LINE * len(subtitle_lines) + 12
    return go.Figure(
        layout={
            "template": TEMPLATE,
            "meta": {"file_name": file_name},
            "title": {
                "text": "<br>".join(title_lines),
                "subtitle": {"text": "<br>".join(subtitle_lines), "font": {"size": 13}},
                "font": {"size": 16},
                "x": 0,
                "y": 1,
                "yref": "container",
                "yanchor": "top",
                "pad": {"t": MODEBAR, "l": 4},
            },
            "height": height,
            "margin": {"l": 8, "r": 16, "t": top + above, "b": 8},
            "legend": {
                "orientation": "h",
                "itemsizing": "constant",
                "itemwidth": 44,
                "traceorder": "normal",
                "x": 0,
                "xref": "container",
                "y": 1 - top / height,
                "yref": "container",
                "yanchor": "top",
            },
        }
    )


def fill(kind: Kind, ground: str, hatching: str) -> dict[str, Any]:
    """The marker of a bar of that kind."""
    return {
        "color": ground,
        "line": {"color": hatching, "width": 0.5},
        "pattern": {
            "shape": PATTERNS.get(kind, ""),
            "bgcolor": ground,
            "fgcolor": hatching,
            "size": 7,
            "solidity": 0.12,
        },
    }


def number_axis(amount: Quantity) -> dict[str, Any]:
    """The settings of an axis that starts at 0 and has rounded numbers."""
    return {
        "tickformat": "~s",
        "ticksuffix": amount.short,
        "nticks": 6,
        "rangemode": "tozero",
        "fixedrange": True,
    }


def file_name_of(graph: LayerGraph) -> str:
    """inception_v4_299x299."""
    return f"{graph.name}_{shape_text(graph.input_size)}"


def whole_text(graph: LayerGraph, amount: Quantity) -> str:
    """The network, its picture, and all that it has of the quantity."""
    exact = _(amount.exact).format(number=f"{total_of(amount, graph.layers):,}")
    sentence = _("{network} at {size} px: {amount}")
    return sentence.format(network=graph.name, size=shape_text(graph.input_size), amount=exact)


def share_text(part: int, whole: int) -> str:
    """12.3%."""
    return f"{part / whole:.1%}" if whole else "0%"


def add_heading(figure: go.Figure, axis: str, text: str, inside: bool = False) -> None:
    """Adds a line in bold above the panel of that y axis, or inside it at its top left."""
    figure.add_annotation(
        text=f"<b>{text}</b>",
        xref="paper",
        x=0,
        xanchor="left",
        yref=f"{axis} domain",
        y=1,
        yanchor="top" if inside else "bottom",
        showarrow=False,
    )
