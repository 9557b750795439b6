"""Figures of the faces' page: the distances between pictures, and a picture with its crop."""

import base64
from collections.abc import Sequence
from io import BytesIO
from textwrap import wrap

import pandas as pd
import plotly.graph_objects as go

from inception.views.kinds import FACTORISED, POINTWISE
from inception.vision.faces import FARTHEST, Face

SAME, DIFFERENT = "same", "different"
WITHIN, BEYOND = "within", "beyond"
# Strong where the verdict is clear, pale on both sides of the threshold; dark text can be read on all of them.
SAME_COLORS = (POINTWISE.color, POINTWISE.tint)
DIFFERENT_COLORS = (FACTORISED.tint, FACTORISED.color)
INK = "#111111"
FEW = 6  # pictures whose verdicts fit into the cells
CELLS = (66, 38)  # pixels of a row, of few pictures and of more
DRAWN_SIDE = 640  # pixels of the picture on the screen
CROP_WIDTH = 250  # pixels of a square picture on the screen, whatever the column


def verdict(same: bool, trained: bool) -> str:
    """The verdict in a word; of untrained weights only whether a distance is within the threshold."""
    if trained:
        return SAME if same else DIFFERENT
    return WITHIN if same else BEYOND


def distance_figure(names: Sequence[str], pairs: pd.DataFrame, threshold: float, trained: bool) -> go.Figure:
    """Distances of all pairs (a `pair_table`) as a heat map; blue up to the threshold, orange beyond, and in words."""
    places = {name: place for place, name in enumerate(names)}
    distances: list[list[float | None]] = [[None] * len(names) for _ in names]
    texts = [[""] * len(names) for _ in names]
    hovers = [[""] * len(names) for _ in names]
    for pair in pairs.to_dict("records"):
        distance, word = pair["distance"], verdict(pair["same"], trained)
        for row, column in ((pair["first"], pair["second"]), (pair["second"], pair["first"])):
            y, x = places[row], places[column]
            distances[y][x] = distance
            texts[y][x] = f"{distance:.3f}<br>{word}" if len(names) <= FEW else f"{distance:.2f}"
            hovers[y][x] = f"{row}<br>{column}<br>distance {distance:.4f}, cosine {pair['cosine']:.4f}<br>{word}"
    split = threshold / FARTHEST
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
            colorscale=[
                [0, SAME_COLORS[0]],
                [split, SAME_COLORS[1]],
                [split, DIFFERENT_COLORS[0]],
                [1, DIFFERENT_COLORS[1]],
            ],
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


def crop_figure(face: Face) -> go.Figure:
    """A picture with its square; a box drawn on it becomes a selection."""
    width, height = face.image.size
    left, top, right, bottom = face.square.box
    figure = go.Figure(
        # Plotly lets a box be drawn only where there are points.
        go.Scatter(x=[0, width], y=[0, height], mode="markers", marker_opacity=0, hoverinfo="skip")
    )
    figure.add_layout_image(
        source=_jpeg(face), xref="x", yref="y", x=0, y=0, sizex=width, sizey=height, sizing="stretch", layer="below"
    )
    for color, line in ((INK, 5), (FACTORISED.color, 2.5)):
        figure.add_shape(type="rect", x0=left, x1=right, y0=top, y1=bottom, line={"color": color, "width": line})
    figure.update_xaxes(visible=False, range=[0, width], fixedrange=True, constrain="domain")
    figure.update_yaxes(
        visible=False, range=[height, 0], fixedrange=True, constrain="domain", scaleanchor="x", scaleratio=1
    )
    return figure.update_layout(
        height=CROP_WIDTH * min(max(height / width, 0.5), 1.4),
        margin={"t": 0, "b": 0, "l": 0, "r": 0},
        dragmode="select",
        selectdirection="any",
        showlegend=False,
    )


def _jpeg(face: Face) -> str:
    """The picture small and as a data address, which leaves no file on the server."""
    small = face.image.copy()
    small.thumbnail((DRAWN_SIDE, DRAWN_SIDE))
    buffer = BytesIO()
    small.save(buffer, "JPEG", quality=85)
    return f"data:image/jpeg;base64,{base64.b64encode(buffer.getvalue()).decode()}"
