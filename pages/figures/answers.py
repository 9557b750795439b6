"""How a class answered, as figures."""

from collections.abc import Sequence

import plotly.graph_objects as go

from inception.rooms.questions import Tally
from inception.views.kinds import SQUARE
from inception.words import _
from pages.figures.common import shorten

BINS = 12
RIGHT = "#009e73"


def choice_bars(options: Sequence[str], tally: Tally, truth: int | None) -> go.Figure:
    """How many chose each option, the first on top; the right one in another colour and with a tick."""
    rows = list(range(len(options)))
    texts = [f"{count} ✓" if row == truth else str(count) for row, count in enumerate(tally.counts)]
    figure = go.Figure(
        go.Bar(
            x=tally.counts,
            y=rows,
            orientation="h",
            width=0.4,
            text=texts,
            textposition="outside",
            cliponaxis=False,
            hoverinfo="skip",
            marker_color=[RIGHT if row == truth else SQUARE.color for row in rows],
        )
    )
    for row, option in enumerate(options):
        place = {"x": 0, "y": row, "showarrow": False, "xanchor": "left", "yanchor": "bottom", "yshift": 10}
        figure.add_annotation(text=_plain(shorten(option, 60)), **place)
    figure.update_yaxes(range=[len(rows) - 0.6, -0.8], visible=False)
    figure.update_xaxes(
        title=_("Answers"), range=[0, max([*tally.counts, 1]) * 1.12], tickformat="d", rangemode="tozero"
    )
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
    figure.update_yaxes(title=_("Answers"), tickformat="d", rangemode="tozero")
    return figure.update_layout(height=260, bargap=0.06, margin={"t": 26, "b": 10, "l": 14, "r": 46})


def _plain(text: str) -> str:
    """A text of anyone's without what plotly would read as HTML."""
    return text.replace("&", "&amp;").replace("<", "&lt;")
