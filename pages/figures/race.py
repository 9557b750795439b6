"""Figures of the training race: measured curves with their spread, logs of long trainings, and the live race."""

from collections.abc import Mapping, Sequence

import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from inception.training.race import COMPETITORS, TITLES
from inception.views.figure import line_style
from inception.words import N_, _
from pages.figures.common import ABOVE

EFFORTS = {"pictures": N_("Pictures seen"), "macs": N_("MACs spent"), "seconds": N_("Seconds")}
AXES = EFFORTS | {"macs": N_("Multiply-accumulates (MACs) spent"), "seconds": N_("Seconds of one core")}
QUANTITIES = {"held_out_accuracy": N_("Held-out accuracy"), "training_loss": N_("Training loss")}
UNITS = {"held_out_accuracy": N_("Held-out accuracy, %"), "training_loss": N_("Training loss, nats")}


def percent(share: float) -> str:
    """46.1 % or, where whole, 40 %."""
    return f"{100 * share:.1f}".removesuffix(".0") + " %"


def style_of(competitor: str) -> tuple[str, str]:
    """The colour and dash that a competitor has in all figures."""
    number = list(TITLES).index(competitor)
    style = line_style(number)
    return style.color, style.dash


def race_figure(bands: pd.DataFrame, effort: str, quantity: str, target: float) -> go.Figure:
    """Means over the seeds as lines with a mark an epoch, and one standard deviation to either side as bands.

    bands: of `race_results.bands`. target: an accuracy that gets a line of its own.
    """
    is_share = quantity == "held_out_accuracy"
    figure = go.Figure()
    for competitor, rows in bands.groupby("competitor", sort=False):
        color, dash = style_of(str(competitor))
        red, green, blue = (int(color[i : i + 2], 16) for i in (1, 3, 5))
        figure.add_scatter(
            x=[*rows["x"], *rows["x"][::-1]],
            y=[*rows["high"], *rows["low"][::-1]],
            fill="toself",
            fillcolor=f"rgba({red},{green},{blue},0.18)",
            line={"width": 0},
            mode="lines",
            legendgroup=str(competitor),
            showlegend=False,
            hoverinfo="skip",
        )
        figure.add_scatter(
            x=rows["x"],
            y=rows["mean"],
            mode="lines+markers",
            line={"color": color, "dash": dash, "width": 2},
            marker_size=5,
            name=_(TITLES[str(competitor)]),
            legendgroup=str(competitor),
            customdata=rows["epoch"],
            hovertemplate=_("epoch {epoch}, {spent}: {value}").format(
                epoch="%{customdata}", spent="%{x:,.4~s}", value="%{y:.1%}" if is_share else "%{y:.3f}"
            ),
        )
    if is_share:
        figure.add_hline(y=target, line={"dash": "dot", "width": 1, "color": "gray"})
    figure.update_xaxes(title=_(AXES[effort]), rangemode="tozero", tickformat="~s", fixedrange=True)
    figure.update_yaxes(title=_(UNITS[quantity]), fixedrange=True, tickformat=".0%" if is_share else "~g")
    return figure.update_layout(height=460, margin={"t": 8, "b": 8, "l": 8, "r": 12}, legend=ABOVE, dragmode=False)


def logs_figure(logs: Mapping[str, pd.DataFrame]) -> go.Figure:
    """Held-out accuracy of long trainings by epoch, in the race's colours. logs: of `race_results.bundled_logs`."""
    figure = go.Figure()
    keys = {recipe.model: key for key, recipe in reversed(COMPETITORS.items())}  # of the first with that model
    for tag, log in logs.items():
        color, dash = style_of(keys[tag.partition(".")[0]])
        figure.add_scatter(
            x=log["epoch"],
            y=log["held_out_accuracy"],
            mode="lines+markers",
            line={"color": color, "dash": dash, "width": 2},
            name=tag,
            hovertemplate=_("epoch {epoch}: {value}").format(epoch="%{x}", value="%{y:.1%}"),
        )
    figure.update_xaxes(title=_("Epoch"), rangemode="tozero", fixedrange=True)
    unit = UNITS["held_out_accuracy"]
    figure.update_yaxes(title=_(unit), tickformat=".0%", fixedrange=True)
    figure.update_layout(height=360, margin={"t": 8, "b": 8, "l": 8, "r": 12}, legend=ABOVE, dragmode=False)
    return figure.update_layout(showlegend=True)


def live_figure(curves: pd.DataFrame, competitors: Sequence[str], steps: int, chance: float) -> go.Figure:
    """Loss and accuracy of the twins so far, step by step, in two panels with a fixed way to go.

    curves: of `demo.History.smooth`. chance: the accuracy of guessing.
    """
    titles = [_("Loss, nats"), _("Accuracy, % of crops")]
    figure = make_subplots(rows=2, shared_xaxes=True, vertical_spacing=0.12, subplot_titles=titles)
    for twin, competitor in enumerate(competitors):
        rows = curves[curves["twin"] == twin]
        color, dash = style_of(competitor)
        for row, (column, format) in enumerate({"loss": ".2f", "accuracy": ".0%"}.items(), 1):
            line = go.Scatter(
                x=rows["number"],
                y=rows[column],
                name=_(TITLES[competitor]),
                legendgroup=competitor,
                showlegend=row == 1,
                mode="lines",
                line={"color": color, "dash": dash, "width": 2},
                hovertemplate=_("step {number}: {value}").format(number="%{x}", value=f"%{{y:{format}}}"),
            )
            figure.add_trace(line, row=row, col=1)
    figure.add_hline(y=chance, line={"dash": "dot", "width": 1, "color": "gray"}, row=2, col=1)
    figure.update_xaxes(range=[0, steps], fixedrange=True)
    figure.update_xaxes(title=_("Step"), row=2)
    most = curves["loss"].clip(upper=2 * curves["loss"].median()).max() if len(curves) else 1.0
    figure.update_yaxes(fixedrange=True, row=1, range=[0, 1.05 * most])
    figure.update_yaxes(fixedrange=True, row=2, range=[0, 1.02], tickformat=".0%")
    return figure.update_layout(
        height=520,
        margin={"t": 70, "b": 8, "l": 8, "r": 12},
        legend={"orientation": "h", "x": 0, "y": 1.07, "yanchor": "bottom"},
        dragmode=False,
    )
