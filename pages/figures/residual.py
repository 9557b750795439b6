"""Figures of the residual scale's page: measurements by depth, and a training run."""

from collections.abc import Mapping, Sequence
from math import inf, log10
from typing import Any, Literal

import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from inception.views.kinds import LINEAR, SQUARE
from inception.words import _

COLORS = (SQUARE.color, LINEAR.color)
BANDS = ("rgba(128,128,128,0.14)", "rgba(0,0,0,0)")
NUMBER, SHARE, DEAD = ",.3~g", ".1%", ".2%"  # of hover texts
FEW_DEAD = 0.05  # the least that an axis of dead channels shows, so that one of them does not fill the chart
LOSS_TICKS = [0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100, 300, 1000]

TALL, LOW = 170, 120  # heights of panels in pixels
OWN_STEPS = 0.7  # decades up to which Plotly chooses what to label on a logarithmic axis
LABEL = 17  # pixels that a label of an axis takes, with the room above it
TITLE = 30  # pixels above a panel for its title

PanelName = Literal["norms", "ratio", "spread", "dead"]
PANELS: tuple[PanelName, ...] = ("norms", "ratio", "spread", "dead")

Profiles = Mapping[str, pd.DataFrame]
Spec = dict[str, Any]
Panel = tuple[str, int, list[Spec], Spec]  # title, height in pixels, lines and axis


def depth_figure(
    profiles: Profiles, shown: Sequence[PanelName] = PANELS, title: str = "", axis_title: str = ""
) -> go.Figure:
    """Over the residual sums in order, in panels: norms of the summands, their ratio, spread and dead channels.

    It is drawn at each move of a slider, so it is spared what takes Plotly long: add_ and update_ methods, each of
    which checks the figure, and in the browser a second figure, a mark for each point, a legend and margins that adapt.

    title, axis_title: plainer words for a single panel and for the order of the sums.
    """
    most = max(profile["dead_share"].max() for profile in profiles.values())
    norms = [
        *_lines(profiles, "shortcut_norm", _("shortcut {value}").format(value=f"%{{y:{NUMBER}}}"), "solid"),
        *_lines(profiles, "residual_norm", _("scaled residual {value}").format(value=f"%{{y:{NUMBER}}}"), "dot"),
    ]
    panels: dict[PanelName, Panel] = {
        "norms": (
            _("Norms: shortcut, scaled residual (dotted)"),
            TALL,
            norms,
            _log_axis(profiles, ["shortcut_norm", "residual_norm"], TALL, "~g"),
        ),
        "ratio": (
            _("Scaled residual over shortcut"),
            LOW,
            _lines(profiles, "ratio", f"%{{y:{SHARE}}}", "solid"),
            {"rangemode": "tozero", "tickformat": "~%", "nticks": 5},
        ),
        "spread": (
            _("Spread of the sum"),
            LOW,
            _lines(profiles, "spread", f"%{{y:{NUMBER}}}", "solid"),
            # With 1 everywhere it grows so far that on a linear axis that of small scales would be a flat line.
            _log_axis(profiles, ["spread"], LOW, NUMBER),
        ),
        "dead": (
            _("Dead channels"),
            LOW,
            _lines(profiles, "dead_share", f"%{{y:{DEAD}}}", "solid"),
            {"tickformat": "~%", "range": _dead_range(most), "nticks": 5},
        ),
    }
    drawn = [panels[name] for name in shown]
    if title:
        drawn = [(title, *panel[1:]) for panel in drawn]
    return _stacked(next(iter(profiles.values())), drawn, axis_title or _("Residual sum, in order"))


def training_figure(curves: pd.DataFrame, names: Sequence[str], steps: int) -> go.Figure:
    """Loss, gradient norm and share of dead channels of the twins (`names`), step by step, in three panels."""
    panels = {
        "loss": (_("Loss"), NUMBER),
        "gradient_norm": (_("Norm of the gradient"), NUMBER),
        "dead_share": (_("Dead channels"), DEAD),
    }
    figure = make_subplots(
        rows=len(panels),
        shared_xaxes=True,
        vertical_spacing=0.1,
        row_heights=[0.5, 0.3, 0.2],
        subplot_titles=[title for title, _format in panels.values()],
    )
    for twin, (name, color, dash) in enumerate(zip(names, COLORS, ("solid", "dash"), strict=False)):
        rows = curves[curves["twin"] == twin]
        for row, (column, (_title, format)) in enumerate(panels.items(), 1):
            line = go.Scatter(
                x=rows["number"],
                y=rows[column],
                name=name,
                legendgroup=name,
                showlegend=row == 1,
                mode="lines+markers",
                line={"color": color, "dash": dash},
                marker_size=4,
                hovertemplate=_("step {number}").format(number="%{x}") + f"<br>%{{y:{format}}}<extra>{name}</extra>",
            )
            figure.add_trace(line, row=row, col=1)
    figure.update_xaxes(range=[0.5, steps + 0.5], fixedrange=True)
    figure.update_xaxes(title=_("Step"), row=len(panels))
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


def _log_axis(profiles: Profiles, columns: Sequence[str], height: int, tickformat: str) -> Spec:
    """The axis of these columns, `height` pixels long: enough labels to read a value by, and room between them."""
    values = pd.concat([profile[column] for profile in profiles.values() for column in columns])
    seen = values[values.between(0, inf, inclusive="neither")]
    decades = log10(seen.max() / seen.min()) if len(seen) else 0
    room = height // LABEL
    # Plotly finds steps of its own as long as the axis, which is a little longer than what it shows, has less than a
    # decade. Beyond, it would label 1, 2, 3 ... 9, one over the other.
    if decades < OWN_STEPS:
        steps: Spec = {"nticks": 5}
    elif 3 * decades + 1 < room:
        steps = {"dtick": "D2"}  # 1, 2 and 5 of each decade
    else:
        steps = {"dtick": 1 + int(decades // room)}  # in decades
    return {"type": "log", "tickformat": tickformat, **steps}


def _dead_range(most: float) -> list[float]:
    """From just below 0, so that a line at 0 is seen whole, to just above the most."""
    top = 1.08 * max(most, FEW_DEAD)
    return [-0.04 * top, top]


def _stacked(blocks: pd.DataFrame, panels: Sequence[Panel], axis_title: str) -> go.Figure:
    """Panels one below the other on one axis of the residual sums, with a band and a name for each stage."""
    bands, names = [], []
    for number, (stage, rows) in enumerate(blocks.groupby("stage", sort=False)):
        left, right = int(rows["index"].min()) - 0.5, int(rows["index"].max()) + 0.5
        bands.append(
            {
                "type": "rect",
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
        middle = {"x": (left + right) / 2, "y": 1, "yref": "paper", "yanchor": "bottom", "showarrow": False}
        names.append({"text": str(stage).replace("-ResNet", "-<br>ResNet"), **middle})

    whole = sum(pixels + TITLE for _title, pixels, _lines, _axis in panels)
    traces: list[Spec] = []
    axes: dict[str, Spec] = {}
    titles = []
    top = 1.0
    for number, (title, pixels, lines, axis) in enumerate(panels, 1):
        name = "y" if number == 1 else f"y{number}"
        high, low = top - TITLE / whole, top - (TITLE + pixels) / whole
        axes[name.replace("y", "yaxis")] = {"fixedrange": True, "domain": [max(low, 0), high], **axis}
        traces += [{**line, "yaxis": name} for line in lines]
        place = {"x": 0, "xref": "paper", "xanchor": "left", "y": high, "yref": "paper", "yanchor": "bottom"}
        titles.append({"text": f"<b>{title}</b>", "showarrow": False, **place})
        top = low
    xaxis = {
        "title": {"text": axis_title},
        "range": [0.5, len(blocks) + 0.5],
        "showgrid": False,
        "zeroline": False,
        "fixedrange": True,
        "anchor": name,
    }
    layout = {
        "xaxis": xaxis,
        **axes,
        "shapes": bands,
        "annotations": [*names, *titles],
        "height": whole + 94,
        "margin": {"t": 46, "b": 48, "l": 52, "r": 8, "autoexpand": False},
        "showlegend": False,
        "dragmode": False,  # a finger on the chart scrolls the page
    }
    return go.Figure(traces, layout)


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
