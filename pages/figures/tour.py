"""Figures of the tour that no other page has: bars to compare, the pixels of a corner, a grid over a picture."""

from collections.abc import Sequence

import plotly.graph_objects as go
from PIL import Image, ImageDraw

from inception.views.kinds import LINEAR, SQUARE

WIDTH = 480  # px of a picture under a grid; a telephone shows it smaller
PIXELS, SCALE = 9, 36  # of the corner that is enlarged, and how many times
LINES = ("#0072b2", "#d55e00", "#009e73", "#cc79a7")


def cost_bars(
    names: Sequence[str], values: Sequence[float], texts: Sequence[str], marked: int | None = None
) -> go.Figure:
    """Values as bars under their names, the first on top; the marked one in another colour."""
    places = list(range(len(names)))
    colors = [LINEAR.color if place == marked else SQUARE.color for place in places]
    figure = go.Figure(
        go.Bar(
            x=list(values),
            y=places,
            orientation="h",
            width=0.4,
            text=[f"<b>{text}</b>" for text in texts],
            textposition="auto",
            cliponaxis=False,
            customdata=list(names),
            hovertemplate="%{customdata}: %{text}<extra></extra>",
            marker_color=colors,
        )
    )
    for place, name in zip(places, names, strict=True):
        figure.add_annotation(
            x=0, y=place, text=name, font={"size": 14}, showarrow=False, xanchor="left", yanchor="bottom", yshift=14
        )
    figure.update_yaxes(range=[len(names) - 0.6, -0.8], visible=False, fixedrange=True)
    figure.update_xaxes(visible=False, rangemode="tozero", fixedrange=True)
    return figure.update_layout(height=30 + 66 * len(names), margin={"t": 0, "b": 0, "l": 4, "r": 60})


def corner_with_windows(picture: Image.Image, kernel: int, stride: int) -> Image.Image:
    """The top left pixels of a picture, large, with the first windows of a layer along the first row."""
    corner = picture.crop((0, 0, PIXELS, PIXELS)).resize((PIXELS * SCALE,) * 2, Image.Resampling.NEAREST)
    draw = ImageDraw.Draw(corner)
    for line in range(1, PIXELS):
        draw.line([(line * SCALE, 0), (line * SCALE, PIXELS * SCALE)], fill="#808080")
        draw.line([(0, line * SCALE), (PIXELS * SCALE, line * SCALE)], fill="#808080")
    starts = range(0, PIXELS - kernel + 1, stride)
    for place, start in enumerate(starts):
        inset = 3 + 5 * (place % 2)
        left, right = start * SCALE + inset, (start + kernel) * SCALE - inset
        draw.rectangle([left, inset, right, kernel * SCALE - inset], outline=LINES[place % len(LINES)], width=5)
    return corner


def with_grid(picture: Image.Image, rows: int, columns: int) -> Image.Image:
    """A picture under a grid of cells of which the middle one is framed, as if the cells shared it out."""
    drawn = picture.resize((WIDTH, WIDTH * picture.height // picture.width))
    draw = ImageDraw.Draw(drawn)
    height, width = drawn.height / rows, drawn.width / columns
    for row in range(1, rows):
        draw.line([(0, row * height), (drawn.width, row * height)], fill="#ffffff", width=1)
    for column in range(1, columns):
        draw.line([(column * width, 0), (column * width, drawn.height)], fill="#ffffff", width=1)
    row, column = rows // 2, columns // 2
    box = [column * width, row * height, (column + 1) * width, (row + 1) * height]
    draw.rectangle(box, outline="#d55e00", width=6)
    return drawn
