"""Figures of what a 1x1 convolution saves: over its width, and place by place."""

from typing import Literal

import pandas as pd
import plotly.graph_objects as go

from inception.views.kinds import POINTWISE, SQUARE
from inception.words import N_, _
from pages.figures.common import ABOVE

Cost = Literal["params", "macs"]
COSTS: dict[Cost, str] = {"params": N_("Parameters"), "macs": N_("MACs")}


def width_figure(table: pd.DataFrame, cost: Cost, direct: int, middle: int, now: int) -> go.Figure:
    """The cost over the channels that the 1x1 hands on, against the cost without it.

    table: columns middle_channels and the cost. direct: the cost without a 1x1. middle, now: the reader's width and its
    cost.
    """
    widths = [int(table["middle_channels"].min()), int(table["middle_channels"].max())]
    figure = go.Figure(
        [
            go.Scatter(
                x=widths,
                y=[direct, direct],
                mode="lines",
                name=_("without 1x1"),
                line={"color": SQUARE.color, "dash": "dash", "width": 3},
                hovertemplate="%{y:,}",
            ),
            go.Scatter(
                x=table["middle_channels"],
                y=table[cost],
                mode="lines",
                name=_("with 1x1"),
                line={"color": POINTWISE.color, "width": 3},
                hovertemplate="%{x:,}: %{y:,}",
            ),
            go.Scatter(
                x=[middle],
                y=[now],
                mode="markers",
                name=_("your width"),
                marker={"color": POINTWISE.color, "size": 14, "line": {"color": SQUARE.color, "width": 2}},
                hovertemplate="%{x:,}: %{y:,}",
            ),
        ]
    )
    figure.update_xaxes(title=_("Channels that the 1x1 hands on"))
    figure.update_yaxes(title=_(COSTS[cost]), rangemode="tozero")
    return figure.update_layout(height=300, margin={"t": 10, "b": 10, "l": 10, "r": 20}, legend=ABOVE)


def places_figure(kinds: pd.DataFrame, labels: list[str], codes: list[str], cost: Cost) -> go.Figure:
    """Bars with and without the 1x1 for each kind of place, the first on top.

    kinds: columns params, macs, direct_params and direct_macs. labels: what the bars are called, in two lines. codes:
    what code calls them, which stands beside their numbers.
    """
    ranks = list(range(len(kinds)))
    ways = [
        (_("without 1x1"), kinds[f"direct_{cost}"], SQUARE.color),
        (_("with 1x1"), kinds[cost], POINTWISE.color),
    ]
    figure = go.Figure(
        [
            go.Bar(
                x=values,
                y=ranks,
                name=name,
                orientation="h",
                marker_color=color,
                customdata=codes,
                hovertemplate="%{customdata}: %{x:,}",
            )
            for name, values, color in ways
        ]
    )
    for rank, label in zip(ranks, labels, strict=True):
        figure.add_annotation(
            x=0,
            y=rank - 0.23,
            text=label,
            font={"size": 14},
            showarrow=False,
            xref="paper",
            xanchor="left",
            yanchor="bottom",
            align="left",
        )
    figure.update_yaxes(range=[len(kinds) - 0.5, -1], visible=False)
    figure.update_xaxes(title=_(COSTS[cost]), rangemode="tozero", side="top")
    return figure.update_layout(
        height=130 + 84 * len(kinds),
        barmode="group",
        bargap=0.55,
        margin={"t": 80, "b": 10, "l": 10, "r": 20},
        # Above the axis, which stands above the bars.
        legend={"orientation": "h", "x": 0, "y": 1, "yref": "container", "yanchor": "top", "traceorder": "normal"},
    )
