"""Figures of the faces' page: the distances between faces."""

from collections.abc import Sequence
from textwrap import wrap
from typing import Any

import pandas as pd
import plotly.graph_objects as go

from inception.views.kinds import FACTORISED, POINTWISE
from inception.vision.faces import FARTHEST
from inception.words import N_, _

SAME, DIFFERENT, NO_VERDICT = N_("same"), N_("different"), "–"
# Strong where the verdict is clear, pale on both sides of the threshold; dark text can be read on all of them.
SAME_COLORS = (POINTWISE.color, POINTWISE.tint)
DIFFERENT_COLORS = (FACTORISED.tint, FACTORISED.color)
GREYS = ((0, "#b8b8b8"), (1, "#eeeeee"))  # where there is no verdict
INK = "#111111"
FEW = 6  # pictures whose verdicts fit into the cells
CELLS = (66, 38)  # pixels of a row, of few pictures and of more


def verdict(same: Any) -> str:
    """The verdict of a pair in a word; a dash where there is none."""
    if pd.isna(same):
        return NO_VERDICT
    return _(SAME) if same else _(DIFFERENT)


def distance_figure(names: Sequence[str], pairs: pd.DataFrame, threshold: float) -> go.Figure:
    """Distances of all pairs (a `pair_table`) as a heat map; blue up to the threshold, orange beyond, and in words.

    Without verdicts it is grey, and only distances stand in it.
    """
    places = {name: place for place, name in enumerate(names)}
    distances: list[list[float | None]] = [[None] * len(names) for _ in names]
    texts = [[""] * len(names) for _ in names]
    hovers = [[""] * len(names) for _ in names]
    judged = bool(pairs["same"].notna().all())
    for pair in pairs.to_dict("records"):
        distance, word = pair["distance"], verdict(pair["same"])
        for row, column in ((pair["first"], pair["second"]), (pair["second"], pair["first"])):
            y, x = places[row], places[column]
            distances[y][x] = distance
            few = judged and len(names) <= FEW
            texts[y][x] = f"{distance:.3f}<br>{word}" if few else f"{distance:.2f}"
            numbers = _("distance {distance:.4f}, cosine {cosine:.4f}").format(distance=distance, cosine=pair["cosine"])
            hovers[y][x] = f"{row}<br>{column}<br>{numbers}<br>{word}"
    split = threshold / FARTHEST
    scale = [(0, SAME_COLORS[0]), (split, SAME_COLORS[1]), (split, DIFFERENT_COLORS[0]), (1, DIFFERENT_COLORS[1])]
    figure = go.Figure(
        go.Heatmap(
            z=distances,
            text=texts,
            texttemplate="%{text}",
            textfont_color=INK,
            customdata=hovers,
            hovertemplate="%{customdata}<extra></extra>",
            hoverongaps=False,
            zmin=0,
            zmax=FARTHEST,
            colorscale=scale if judged else GREYS,
            showscale=False,
            xgap=2,
            ygap=2,
        )
    )
    labels = ["<br>".join(wrap(name, 12)) for name in names]
    ticks = {"tickvals": list(places.values()), "ticktext": labels, "showgrid": False, "zeroline": False}
    figure.update_xaxes(**ticks, side="top", automargin=True, fixedrange=True)
    figure.update_yaxes(**ticks, autorange="reversed", automargin=True, fixedrange=True)
    height = 70 + CELLS[len(names) > FEW] * len(names)
    return figure.update_layout(height=height, margin={"t": 8, "b": 8, "l": 8, "r": 8}, dragmode=False)
