"""Figures of what a page has at hand: plotly, in the colours of the diagrams."""

import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from inception.anatomy.kinds import FACTORISED, SQUARE
from inception.vision.lowrank import Decomposition

# Without the toolbar, which covers small figures; hovering still works.
PLAIN = {"displayModeBar": False}
PLANES = {"red": "#d55e00", "green": "#009e73", "blue": "#0072b2"}


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
    figure.update_xaxes(title="Probability", tickformat=".0%", range=[0, 1.12], tickvals=[0, 0.25, 0.5, 0.75, 1])
    return figure.update_layout(height=60 + 52 * len(top), margin={"t": 0, "b": 10, "l": 0, "r": 0})


def shorten(text: str, most: int) -> str:
    """A text of at most so many characters, cut with an ellipsis."""
    return text if len(text) <= most else text[: most - 1].rstrip(", ") + "…"


def kernel_figure(decomposition: Decomposition, rank: int) -> go.Figure:
    """A kernel, its best approximation of that rank, and what is left over, on one scale of grey."""
    approximation = decomposition.approximation(rank)
    pictures = {
        "Kernel": decomposition.kernel,
        f"Rank {rank}": approximation,
        "Rest": decomposition.kernel - approximation,
    }
    figure = make_subplots(1, 3, subplot_titles=list(pictures), horizontal_spacing=0.04)
    for column, values in enumerate(pictures.values(), 1):
        heatmap = go.Heatmap(
            z=values, coloraxis="coloraxis", hovertemplate="row %{y}, column %{x}: %{z:.3f}<extra></extra>"
        )
        figure.add_trace(heatmap, row=1, col=column)
        figure.update_xaxes(visible=False, row=1, col=column)
        figure.update_yaxes(
            visible=False, autorange="reversed", scaleanchor=f"x{column if column > 1 else ''}", row=1, col=column
        )
    limit = float(abs(decomposition.kernel).max()) or 1.0
    figure.update_layout(
        height=280,
        margin={"t": 40, "b": 10, "l": 10, "r": 10},
        coloraxis={"colorscale": "PuOr", "cmin": -limit, "cmax": limit, "colorbar": {"title": "weight"}},
    )
    return figure


def rank_figure(decomposition: Decomposition) -> go.Figure:
    """Singular values as bars, and as a line the relative error that remains at each rank."""
    ranks = list(range(1, len(decomposition.singular_values) + 1))
    figure = make_subplots(specs=[[{"secondary_y": True}]])
    figure.add_trace(
        go.Bar(x=ranks, y=decomposition.singular_values, name="singular value", marker_color=FACTORISED.color)
    )
    figure.add_trace(
        go.Scatter(
            x=ranks, y=decomposition.errors[1:], name="relative error", mode="lines+markers", line_color=SQUARE.color
        ),
        secondary_y=True,
    )
    figure.update_xaxes(title="Rank: number of outer products", dtick=1)
    figure.update_yaxes(title="Singular value", rangemode="tozero", secondary_y=False)
    figure.update_yaxes(
        title="Relative error", tickformat=".0%", range=[0, 1], dtick=0.2, showgrid=False, secondary_y=True
    )
    return figure.update_layout(
        height=300, margin={"t": 10, "b": 10, "l": 10, "r": 10}, legend={"orientation": "h", "y": 1.15}
    )


def value_histogram(counts: pd.DataFrame) -> go.Figure:
    """How often each value occurs in a network's input (`preprocess.value_counts`), one line for each colour."""
    figure = go.Figure()
    for name, color in PLANES.items():
        figure.add_trace(go.Scatter(x=counts["value"], y=counts[name], name=name, mode="lines", line={"color": color}))
    figure.update_xaxes(title="Value that goes in")
    figure.update_yaxes(title="Pixels", rangemode="tozero")
    return figure.update_layout(
        height=300, margin={"t": 10, "b": 10, "l": 10, "r": 10}, legend={"orientation": "h", "y": 1.15}
    )


def share_bars(shares: pd.DataFrame) -> go.Figure:
    """Shares of the branches of a block (columns branch, share and channel_share), two bars each."""
    figure = go.Figure()
    columns = {"share": ("of the response", SQUARE.color), "channel_share": ("of the channels", FACTORISED.tint)}
    for column, (name, color) in columns.items():
        figure.add_trace(
            go.Bar(
                x=shares[column],
                y=shares["branch"],
                name=name,
                orientation="h",
                marker_color=color,
                text=[f"{share:.0%}" for share in shares[column]],
                textposition="outside",
                cliponaxis=False,
                hovertemplate="%{y}: %{x:.1%}<extra></extra>",
            )
        )
    figure.update_yaxes(autorange="reversed", automargin=True)
    figure.update_xaxes(title="Share", tickformat=".0%", rangemode="tozero")
    return figure.update_layout(
        height=110 + 55 * len(shares),
        margin={"t": 10, "b": 10, "l": 10, "r": 10},
        legend={"orientation": "h", "y": 1.2},
        barmode="group",
    )


def share_curve(shares: pd.DataFrame, field: int) -> go.Figure:
    """Share of the gradient in the middle square (columns side and share), up to the side of the exact field."""
    figure = go.Figure(
        go.Scatter(
            x=shares["side"],
            y=shares["share"],
            mode="lines",
            line_color=SQUARE.color,
            hovertemplate="%{x} px: %{y:.1%}<extra></extra>",
        )
    )
    figure.add_hline(0.95, line_dash="dot", line_color="#888888")
    figure.update_xaxes(title="Side of the middle square, pixels", range=[0, min(field, int(shares["side"].max()))])
    figure.update_yaxes(title="Share of the gradient", tickformat=".0%", range=[0, 1.02])
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
                name=f"{batch} at once",
                orientation="h",
                marker_color=color,
                text=[f"{value:.1f}" for value in rows["images_per_second"]],
                textposition="outside",
                cliponaxis=False,
                hovertemplate="%{y}: %{x:.2f} pictures a second<extra></extra>",
            )
        )
    settings = table[["engine", "device", "dtype"]].drop_duplicates()
    figure.update_yaxes(autorange="reversed", automargin=True)
    figure.update_xaxes(title="Pictures a second", rangemode="tozero")
    return figure.update_layout(
        height=110 + 55 * len(settings),
        margin={"t": 10, "b": 10, "l": 10, "r": 30},
        legend={"orientation": "h", "y": 1.15},
        barmode="group",
    )
