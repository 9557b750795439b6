"""The figure on which one draws a box: a picture with the part of it that counts."""

import base64
from collections.abc import Sequence
from io import BytesIO

import plotly.graph_objects as go
from PIL import Image

from inception.runtime.crop import Box
from inception.views.kinds import FACTORISED

INK = "#111111"
DRAWN_SIDE = 640  # pixels of the picture on the screen
WIDTH = 250  # pixels of a square picture on the screen, whatever the column


def crop_figure(image: Image.Image, box: Box, others: Sequence[Box] = ()) -> go.Figure:
    """A picture with its box, and thinner the others there are; a box drawn on it becomes a selection."""
    width, height = image.size
    figure = go.Figure(
        # Plotly lets a box be drawn only where there are points.
        go.Scatter(x=[0, width], y=[0, height], mode="markers", marker_opacity=0, hoverinfo="skip")
    )
    figure.add_layout_image(
        source=_jpeg(image), xref="x", yref="y", x=0, y=0, sizex=width, sizey=height, sizing="stretch", layer="below"
    )
    for other in others:
        _add_box(figure, other, (3, 1.5), dash="dot")
    _add_box(figure, box, (5, 2.5))
    figure.update_xaxes(visible=False, range=[0, width], fixedrange=True, constrain="domain")
    figure.update_yaxes(
        visible=False, range=[height, 0], fixedrange=True, constrain="domain", scaleanchor="x", scaleratio=1
    )
    return figure.update_layout(
        height=WIDTH * min(max(height / width, 0.25), 1.4),
        margin={"t": 0, "b": 0, "l": 0, "r": 0},
        dragmode="select",
        selectdirection="any",
        showlegend=False,
    )


def _add_box(figure: go.Figure, box: Box, widths: tuple[float, float], dash: str = "solid") -> None:
    """A line that shows on dark and on light pictures: a dark one, and a coloured one on it."""
    left, top, right, bottom = box
    for color, width in zip((INK, FACTORISED.color), widths, strict=True):
        line = {"color": color, "width": width, "dash": dash}
        figure.add_shape(type="rect", x0=left, x1=right, y0=top, y1=bottom, line=line)


def _jpeg(image: Image.Image) -> str:
    """The picture small and as a data address, which leaves no file on the server."""
    scale = min(1.0, DRAWN_SIDE / max(image.size))
    small = image.resize((max(1, round(scale * image.width)), max(1, round(scale * image.height))), reducing_gap=2)
    buffer = BytesIO()
    small.save(buffer, "JPEG", quality=85)
    return f"data:image/jpeg;base64,{base64.b64encode(buffer.getvalue()).decode()}"
