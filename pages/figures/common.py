"""Figures of what a page has at hand: plotly, in the colours of the diagrams."""

from typing import Any

import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from inception.studies.lowrank import Array, Decomposition
from inception.views.kinds import FACTORISED, SQUARE
from inception.words import N_, _

# Of the toolbar, which covers small figures, only what saves one as a picture.
PLAIN = {"modeBarButtons": [["toImage"]], "displaylogo": False, "toImageButtonOptions": {"scale": 2}}
ABOVE = {"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom"}  # a legend above the plot, beside its lines
PLANES = {N_("red"): "#d55e00", N_("green"): "#009e73", N_("blue"): "#0072b2"}


def probability_bars(top: pd.DataFrame) -> go.Figure:
    """Classes with their probabilities (columns label and probability) as bars under their names, the first on top."""
    ranks = list(range(len(top)))
    figure = go.Figure(
        go.Bar(
            x=top["probability"],
            y=ranks,
            orientation="h",
            width=0.4,
            text=[f"{probability:.1%}" for probability in top["probability"]],
            textposition="outside",
            constraintext="none",
            cliponaxis=False,
            customdata=top["label"],
            hovertemplate="%{customdata}: %{x:.2%}<extra></extra>",
            marker_color=SQUARE.color,
        )
    )
    for rank, label in zip(ranks, top["label"], strict=True):
        figure.add_annotation(
            x=0, y=rank, text=shorten(label, 44), showarrow=False, xanchor="left", yanchor="bottom", yshift=10
        )
    figure.update_yaxes(range=[len(top) - 0.6, -0.8], visible=False)
    figure.update_xaxes(title=_("Probability"), tickformat=".0%", range=[0, 1.02], tickvals=[0, 0.25, 0.5, 0.75, 1])
    # Room on the right for the percentage of a sure answer, whatever the width.
    return figure.update_layout(height=60 + 52 * len(top), margin={"t": 0, "b": 10, "l": 14, "r": 46})


def shorten(text: str, most: int) -> str:
    """A text of at most so many characters, cut with an ellipsis."""
    return text if len(text) <= most else text[: most - 1].rstrip(", ") + "…"


def kernel_figure(decomposition: Decomposition, rank: int) -> go.Figure:
    """A square kernel, its best approximation of that rank, the rest, and the last product that was added.

    The product stands under its row and beside its column. The four pictures share one scale of colours, the columns
    and rows another; both are the same for every rank, so that a weak product looks weak.
    """
    # All in pixels, so that cells are square on every screen.
    side, gap, title, bar = 160, 24, 28, 54
    right, below = side + gap, side + 2 * title
    width, height = right + side, below + side + bar
    column, row = decomposition.columns[rank - 1, :, None], decomposition.rows[rank - 1, None]
    cell = (side - 4) / (len(column) + 1)
    inner, edge = cell * len(column), cell + 4
    approximation = decomposition.approximation(rank)
    pictures = [  # each with its left, top, width and height
        (decomposition.kernel, 0, title, side, side),
        (column * row, right + edge, title + edge, inner, inner),
        (approximation, 0, below, side, side),
        (decomposition.kernel - approximation, right, below, side, side),
        (column, right, title + edge, cell, inner),
        (row, right + edge, title, inner, cell),
    ]
    traces, axes = [], {}
    for number, (values, x, y, w, h) in enumerate(pictures, 1):
        traces.append(
            go.Heatmap(
                z=values,
                xaxis=f"x{number}",
                yaxis=f"y{number}",
                coloraxis="coloraxis" if number <= 4 else "coloraxis2",
                hovertemplate=_cell_hover(),
            )
        )
        hidden = {"visible": False, "fixedrange": True}
        down = [1 - (y + h) / height, 1 - y / height]
        axes[f"xaxis{number}"] = {**hidden, "anchor": f"y{number}", "domain": [x / width, (x + w) / width]}
        axes[f"yaxis{number}"] = {**hidden, "anchor": f"x{number}", "domain": down, "autorange": "reversed"}

    titles = {
        _("Kernel"): (0, title),
        _("Product {rank} = column × row").format(rank=rank): (right, title),
        _("Best of rank {rank}").format(rank=rank): (0, below),
        _("Rest"): (right, below),
    }
    place = {"xref": "paper", "yref": "paper", "xanchor": "left", "yanchor": "bottom", "showarrow": False}
    layout = {
        **axes,
        "annotations": [
            {"text": text, "x": x / width, "y": 1 - y / height, **place} for text, (x, y) in titles.items()
        ],
        "coloraxis": {
            **_both_ways(decomposition.kernel, decomposition.outer_products),
            "colorbar": {"orientation": "h", "thickness": 10, "len": 1, "y": 0, "yanchor": "bottom", "nticks": 5},
        },
        "coloraxis2": {**_both_ways(decomposition.columns, decomposition.rows), "showscale": False},
        "width": width,
        "height": height,
        "margin": {"t": 0, "b": 0, "l": 0, "r": 0, "autoexpand": False},
    }
    return go.Figure(traces, layout)


def _cell_hover() -> str:
    """What hovering over a cell of a kernel shows."""
    return _("row {row}, column {column}: {value}").format(row="%{y}", column="%{x}", value="%{z:.3g}<extra></extra>")


def _both_ways(*arrays: Array) -> dict[str, Any]:
    """Colours from the largest number of the arrays, in amount, to its negative, with 0 in the middle."""
    limit = max(float(abs(array).max()) for array in arrays) or 1.0
    return {"colorscale": "PuOr", "cmin": -limit, "cmax": limit}


def rank_figure(decomposition: Decomposition) -> go.Figure:
    """Singular values as bars, and as a line the relative error that remains at each rank."""
    ranks = list(range(1, len(decomposition.singular_values) + 1))
    figure = make_subplots(specs=[[{"secondary_y": True}]])
    figure.add_trace(
        go.Bar(x=ranks, y=decomposition.singular_values, name=_("singular value"), marker_color=FACTORISED.color)
    )
    figure.add_trace(
        go.Scatter(
            x=ranks, y=decomposition.errors[1:], name=_("relative error"), mode="lines+markers", line_color=SQUARE.color
        ),
        secondary_y=True,
    )
    figure.update_xaxes(title=_("Rank: number of outer products"), dtick=1)
    figure.update_yaxes(title=_("Singular value"), rangemode="tozero", secondary_y=False)
    figure.update_yaxes(
        title=_("Relative error"), tickformat=".0%", range=[0, 1], dtick=0.2, showgrid=False, secondary_y=True
    )
    return figure.update_layout(
        height=300, margin={"t": 10, "b": 10, "l": 10, "r": 10}, legend={"orientation": "h", "y": 1.15}
    )


def value_histogram(counts: pd.DataFrame) -> go.Figure:
    """How often each value occurs in a network's input (`preprocess.value_counts`), one line for each colour."""
    figure = go.Figure()
    for name, color in PLANES.items():
        figure.add_trace(
            go.Scatter(x=counts["value"], y=counts[name], name=_(name), mode="lines", line={"color": color})
        )
    figure.update_xaxes(title=_("Value that goes in"))
    figure.update_yaxes(title=_("Pixels"), rangemode="tozero")
    return figure.update_layout(
        height=300, margin={"t": 10, "b": 10, "l": 10, "r": 10}, legend={"orientation": "h", "y": 1.15}
    )


def share_bars(shares: pd.DataFrame) -> go.Figure:
    """Shares of the branches of a block (columns branch, share and channel_share), two bars each."""
    columns = {"share": (_("of the response"), SQUARE.color), "channel_share": (_("of the channels"), FACTORISED.tint)}
    bars = [
        {
            "type": "bar",
            "x": shares[column],
            "y": shares["branch"],
            "name": name,
            "orientation": "h",
            "marker": {"color": color},
            "text": [f"{share:.0%}" for share in shares[column]],
            "textposition": "outside",
            "cliponaxis": False,
            "hovertemplate": "%{y}: %{x:.1%}<extra></extra>",
        }
        for column, (name, color) in columns.items()
    ]
    layout = {  # at once, because each update of a figure copies and checks it anew
        "yaxis": {"autorange": "reversed", "automargin": True},
        "xaxis": {"title": {"text": _("Share")}, "tickformat": ".0%", "rangemode": "tozero"},
        "height": 110 + 55 * len(shares),
        "margin": {"t": 10, "b": 10, "l": 10, "r": 10},
        "legend": {"orientation": "h", "y": 1.2},
        "barmode": "group",
    }
    return go.Figure(bars, layout)


def share_curve(shares: pd.DataFrame, field: int) -> go.Figure:
    """Share of the gradient in the middle square (columns side and share), up to the side of the exact field."""
    figure = go.Figure(
        go.Scatter(
            x=shares["side"],
            y=shares["share"],
            mode="lines",
            line_color=SQUARE.color,
            hovertemplate=_("{size} px").format(size="%{x}") + ": %{y:.1%}<extra></extra>",
        )
    )
    figure.add_hline(0.95, line_dash="dot", line_color="#888888")
    figure.update_xaxes(title=_("Side of the middle square, px"), range=[0, min(field, int(shares["side"].max()))])
    figure.update_yaxes(title=_("Share of the gradient"), tickformat=".0%", range=[0, 1.02])
    return figure.update_layout(height=280, margin={"t": 10, "b": 10, "l": 10, "r": 10}, showlegend=False)


def speed_bars(table: pd.DataFrame) -> go.Figure:
    """Pictures a second of each setting (`speed.comparison_table`), a colour for each batch size."""
    figure = go.Figure()
    for (batch, rows), color in zip(table.groupby("batch"), (SQUARE.color, FACTORISED.color), strict=False):
        names = rows["engine"] + ", " + rows["device"] + ", " + rows["dtype"]
        figure.add_trace(
            go.Bar(
                x=rows["images_per_second"],
                y=names,
                name=_("{batch} at once").format(batch=batch),
                orientation="h",
                marker_color=color,
                text=[f"{value:.1f}" for value in rows["images_per_second"]],
                textposition="outside",
                cliponaxis=False,
                hovertemplate=_("{name}: {speed} pictures a second").format(name="%{y}", speed="%{x:.2f}")
                + "<extra></extra>",
            )
        )
    settings = table[["engine", "device", "dtype"]].drop_duplicates()
    figure.update_yaxes(autorange="reversed", automargin=True)
    figure.update_xaxes(title=_("Pictures a second"), rangemode="tozero")
    return figure.update_layout(
        height=110 + 55 * len(settings),
        margin={"t": 10, "b": 10, "l": 10, "r": 30},
        legend={"orientation": "h", "y": 1.15},
        barmode="group",
    )
