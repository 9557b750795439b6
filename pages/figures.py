"""Figures of what a page has at hand: plotly, in the colours of the diagrams."""

import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from inception.anatomy.kinds import FACTORISED, SQUARE
from inception.vision.lowrank import Decomposition

# Without the toolbar, which covers small figures; hovering still works.
PLAIN = {"displayModeBar": False}


def probability_bars(top: pd.DataFrame) -> go.Figure:
    """Classes with their probabilities (columns label and probability) as bars, the first on top."""
    figure = go.Figure(
        go.Bar(
            x=top["probability"],
            y=top["label"],
            orientation="h",
            text=[f"{probability:.1%}" for probability in top["probability"]],
            hovertemplate="%{y}: %{x:.2%}<extra></extra>",
            marker_color=SQUARE.color,
        )
    )
    figure.update_yaxes(autorange="reversed", automargin=True)
    figure.update_xaxes(title="Probability", tickformat=".0%", range=[0, 1])
    return figure.update_layout(height=300, margin={"t": 10, "b": 10, "l": 10, "r": 10})


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
    figure.update_yaxes(title="Relative error", tickformat=".0%", range=[0, 1], showgrid=False, secondary_y=True)
    return figure.update_layout(
        height=300, margin={"t": 10, "b": 10, "l": 10, "r": 10}, legend={"orientation": "h", "y": 1.15}
    )
