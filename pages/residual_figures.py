"""Figures of the residual scale's page: measurements by depth, and a training run."""

from collections.abc import Mapping, Sequence
from math import inf, log10
from typing import Any

import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from inception.anatomy.kinds import LINEAR, SQUARE

COLORS = (SQUARE.color, LINEAR.color)
BANDS = ("rgba(128,128,128,0.14)", "rgba(0,0,0,0)")
NUMBER, SHARE, DEAD = ",.3~g", ".1%", ".2%"  # of hover texts
FEW_DEAD = 0.05  # the least that an axis of dead channels shows, so that one of them does not fill the chart
LOSS_TICKS = [0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100, 300, 1000]

Profiles = Mapping[str, pd.DataFrame]
Spec = dict[str, Any]


def norms_figure(profiles: Profiles) -> go.Figure:
    """Norms of shortcut (solid) and scaled residual (dotted) at every residual sum, on a logarithmic axis."""
    lines = [
        *_lines(profiles, "shortcut_norm", f"shortcut %{{y:{NUMBER}}}", "solid"),
        *_lines(profiles, "residual_norm", f"scaled residual %{{y:{NUMBER}}}", "dot"),
    ]
    return _by_depth(profiles, lines, {"type": "log", "dtick": 1, "tickformat": "~s"})


def ratio_figure(profiles: Profiles) -> go.Figure:
    """Scaled residual over shortcut at every residual sum."""
    lines = _lines(profiles, "ratio", f"%{{y:{SHARE}}}", "solid")
    return _by_depth(profiles, lines, {"rangemode": "tozero", "tickformat": "~%"})


def spread_figure(profiles: Profiles) -> go.Figure:
    """Standard deviation of every residual sum."""
    lines = _lines(profiles, "spread", f"%{{y:{NUMBER}}}", "solid")
    return _by_depth(profiles, lines, {"rangemode": "tozero", "tickformat": NUMBER})


def dead_figure(profiles: Profiles) -> go.Figure:
    """Share of dead channels behind every residual sum."""
    lines = _lines(profiles, "dead_share", f"%{{y:{DEAD}}}", "solid")
    most = max(profile["dead_share"].max() for profile in profiles.values())
    return _by_depth(profiles, lines, {"tickformat": "~%", "range": _dead_range(most)})


def training_figure(curves: pd.DataFrame, names: Sequence[str], steps: int) -> go.Figure:
    """Loss, gradient norm and share of dead channels of the twins (`names`), step by step, in three panels."""
    panels = {
        "loss": ("Loss", NUMBER),
        "gradient_norm": ("Norm of the gradient", NUMBER),
        "dead_share": ("Dead channels", DEAD),
    }
    figure = make_subplots(
        rows=len(panels),
        shared_xaxes=True,
        vertical_spacing=0.1,
        row_heights=[0.5, 0.3, 0.2],
        subplot_titles=[title for title, _ in panels.values()],
    )
    for twin, (name, color, dash) in enumerate(zip(names, COLORS, ("solid", "dash"), strict=False)):
        rows = curves[curves["twin"] == twin]
        for row, (column, (_, format)) in enumerate(panels.items(), 1):
            line = go.Scatter(
                x=rows["number"],
                y=rows[column],
                name=name,
                legendgroup=name,
                showlegend=row == 1,
                mode="lines+markers",
                line={"color": color, "dash": dash},
                marker_size=4,
                hovertemplate=f"step %{{x}}<br>%{{y:{format}}}<extra>{name}</extra>",
            )
            figure.add_trace(line, row=row, col=1)
    figure.update_xaxes(range=[0.5, steps + 0.5], fixedrange=True)
    figure.update_xaxes(title="Step", row=len(panels))
    figure.update_yaxes(fixedrange=True, automargin=True)
    figure.update_yaxes(
        type="log", tickvals=LOSS_TICKS, tickformat="~g", range=_log_range(curves["loss"], 0.1, 3), row=1
    )
    figure.update_yaxes(type="log", dtick=1, tickformat="~s", range=_log_range(curves["gradient_norm"], 1, 100), row=2)
    figure.update_yaxes(tickformat="~%", nticks=3, range=_dead_range(curves["dead_share"].max()), row=3)
    return figure.update_layout(
        height=560,
        margin={"t": 70, "b": 8, "l": 8, "r": 12},
        legend={"orientation": "h", "x": 0, "y": 1.07, "yanchor": "bottom"},
        dragmode=False,
    )


def _log_range(values: pd.Series, low: float, high: float) -> list[float]:
    """Exponents of ten that span the finite values and low to high, so that an axis jumps little while it is drawn."""
    finite = values[values.between(0, inf, inclusive="neither")]
    return [log10(min(low, *finite)) - 0.1, log10(max(high, *finite)) + 0.1]


def _dead_range(most: float) -> list[float]:
    """From just below 0, so that a line at 0 is seen whole, to just above the most."""
    top = 1.08 * max(most, FEW_DEAD)
    return [-0.04 * top, top]


def _by_depth(profiles: Profiles, lines: list[Spec], yaxis: Spec) -> go.Figure:
    """The lines over the residual sums in order, with a band and a name for each stage.

    Four such figures are drawn at each move of a slider, so they are spared what takes Plotly long: add_ and update_
    methods, each of which checks the figure, and in the browser a mark for each point, a legend and margins that adapt.
    """
    blocks = next(iter(profiles.values()))
    bands, names = [], []
    for number, (stage, rows) in enumerate(blocks.groupby("stage", sort=False)):
        left, right = int(rows["index"].min()) - 0.5, int(rows["index"].max()) + 0.5
        bands.append(
            {
                "type": "rect",
                "xref": "x",
                "x0": left,
                "x1": right,
                "y0": 0,
                "y1": 1,
                "yref": "paper",
                "fillcolor": BANDS[number % 2],
                "line": {"width": 0},
                "layer": "below",
            }
        )
        names.append(
            {
                "text": str(stage).replace("-ResNet", "-<br>ResNet"),
                "x": (left + right) / 2,
                "y": 1,
                "yref": "paper",
                "yanchor": "bottom",
                "showarrow": False,
            }
        )
    xaxis = {
        "title": {"text": "Residual sum, in order"},
        "range": [0.5, len(blocks) + 0.5],
        "showgrid": False,
        "zeroline": False,
        "fixedrange": True,
    }
    layout = {
        "xaxis": xaxis,
        "yaxis": {"fixedrange": True, **yaxis},
        "shapes": bands,
        "annotations": names,
        "height": 280,
        "margin": {"t": 46, "b": 48, "l": 52, "r": 8, "autoexpand": False},
        "showlegend": False,
        "dragmode": False,  # a finger on the chart scrolls the page
    }
    return go.Figure(lines, layout)


def _lines(profiles: Profiles, column: str, text: str, dash: str) -> list[Spec]:
    """A line for each profile, with an open mark where no ReLU follows the sum. text: what hovering shows."""
    traces: list[Spec] = []
    for (name, profile), color in zip(profiles.items(), COLORS, strict=False):
        line = {"mode": "lines", "line": {"color": color, "dash": dash}}
        mark = {"mode": "markers", "marker": {"color": color, "symbol": "circle-open", "size": 8, "line": {"width": 2}}}
        for rows, style in ((profile, line), (profile[~profile["relu"]], mark)):
            if not rows.empty:
                traces.append(
                    {
                        "type": "scatter",
                        "x": rows["index"],
                        "y": rows[column],
                        "name": name,
                        "customdata": rows["block"],
                        "hovertemplate": f"%{{customdata}}<br>{text}<extra>{name}</extra>",
                        **style,
                    }
                )
    return traces
