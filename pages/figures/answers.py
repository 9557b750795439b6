"""How a class answered, as figures."""

from collections.abc import Sequence
from math import ceil

import plotly.graph_objects as go

from inception.rooms.questions import Tally
from inception.views.kinds import SQUARE
from inception.words import _
from pages.figures.common import shorten

BINS = 12
RIGHT = "#009e73"


def choice_bars(options: Sequence[str], tally: Tally, truth: int | None) -> go.Figure:
    """How many chose each option, the first on top; the right one in a green row, bold and with a tick."""
    rows = list(range(len(options)))
    figure = go.Figure(
        go.Bar(
            x=tally.counts,
            y=rows,
            orientation="h",
            width=0.4,
            text=[str(count) for count in tally.counts],
            textposition="outside",
            cliponaxis=False,
            hoverinfo="skip",
            marker_color=[RIGHT if row == truth else SQUARE.color for row in rows],
        )
    )
    for row, option in enumerate(options):
        place = {"x": 0, "y": row, "showarrow": False, "xanchor": "left", "yanchor": "bottom", "yshift": 10}
        text = _plain(shorten(option, 60))
        figure.add_annotation(text=f"<b>✓ {text}</b>" if row == truth else text, **place)
    if truth is not None:  # seen where nobody chose it, too
        band = {"fillcolor": RIGHT, "opacity": 0.16, "line_width": 0, "layer": "below"}
        figure.add_shape(type="rect", xref="paper", x0=0, x1=1, y0=truth - 0.62, y1=truth + 0.3, **band)
    figure.update_yaxes(range=[len(rows) - 0.6, -0.8], visible=False)
    most = max([*tally.counts, 1])
    figure.update_xaxes(title=_("Answers"), range=[0, most * 1.12], **_whole(most))
    return figure.update_layout(height=70 + 52 * len(rows), margin={"t": 0, "b": 10, "l": 14, "r": 46})


def number_bars(tally: Tally, truth: float | None) -> go.Figure:
    """How many gave each number, or one of a range where there are many; a line where the right one is."""
    values = [float(value) for value in tally.answers if not isinstance(value, tuple)]
    figure = go.Figure(
        go.Histogram(x=values, nbinsx=BINS, marker_color=SQUARE.color, hovertemplate="%{x}: %{y}<extra></extra>")
    )
    if truth is not None:
        figure.add_vline(
            x=truth, line_color=RIGHT, line_width=3, annotation_text=_("right: {number:,g}").format(number=truth)
        )
    figure.update_xaxes(title=_("Answer"))
    figure.update_yaxes(title=_("Answers"), rangemode="tozero", **_whole(len(values)))
    return figure.update_layout(height=260, bargap=0.06, margin={"t": 26, "b": 10, "l": 14, "r": 46})


def _whole(most: int) -> dict[str, int]:
    """The steps of an axis that counts up to so many: whole ones, and not too many."""
    return {"tick0": 0, "dtick": max(1, ceil(most / 6))}


def _plain(text: str) -> str:
    """A text of anyone's without what plotly would read as HTML."""
    return text.replace("&", "&amp;").replace("<", "&lt;")
