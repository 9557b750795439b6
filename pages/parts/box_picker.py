"""A box on a picture, drawn with the mouse or a finger, or moved edge by edge with sliders."""

from collections.abc import Callable, Sequence
from functools import partial

import streamlit as st
from PIL import Image

from inception.runtime.crop import MIN_SIDE, Box
from inception.words import _
from pages.figures import common as figures
from pages.figures.crop import crop_figure

Change = Callable[[Box], None]


def pick_box(key: str, image: Image.Image, box: Box, change: Change, others: Sequence[Box] = ()) -> None:
    """The picture with its box; `change` gets every other box that the reader draws or moves it to.

    key: of the widgets; another one for another picture. Each side of the picture has more than `MIN_SIDE` pixels.
    others: boxes that are shown besides. `change` must not hold the picture: Streamlit keeps what callbacks reach even
    when their widgets are gone.
    """
    drawn = f"{key}_drawn"
    # With another key the chart starts without the box that was drawn.
    chart = f"{key}_chart_{st.session_state.get(drawn, 0)}"
    st.plotly_chart(
        crop_figure(image, box, others),
        config=figures.PLAIN,
        key=chart,
        on_select=partial(_draw, chart, drawn, image.size, change),
        selection_mode="box",
    )
    st.caption(_("Draw a box on the picture, or move its edges:"))
    left, top, right, bottom = map(round, box)
    sides = {"across": (image.width, (left, right)), "down": (image.height, (top, bottom))}
    for name, (length, edges) in sides.items():
        st.session_state[f"{key}_{name}"] = edges
        title = _("Left and right edge") if name == "across" else _("Top and bottom edge")
        st.slider(
            title, 0, length, key=f"{key}_{name}", format=_("%d px"), on_change=_move, args=(key, image.size, change)
        )


def within(box: Box, size: tuple[int, int]) -> Box:
    """The box in whole pixels, moved and grown as little as possible to lie in a picture (width, height).

    Each side has at least `MIN_SIDE` pixels then.
    """
    (left, right), (top, bottom) = (_interval(box[side], box[side + 2], length) for side, length in enumerate(size))
    return left, top, right, bottom


def _interval(low: float, high: float, length: int) -> tuple[int, int]:
    first, last = (min(max(round(edge), 0), length) for edge in sorted((low, high)))
    first = max(0, min(first, length - MIN_SIDE))
    return first, max(last, first + MIN_SIDE)


def _draw(chart: str, drawn: str, size: tuple[int, int], change: Change) -> None:
    """The box that was drawn on the chart."""
    if boxes := st.session_state[chart].selection.box:
        (left, right), (top, bottom) = boxes[0]["x"], boxes[0]["y"]
        change(within((left, top, right, bottom), size))
        st.session_state[drawn] = st.session_state.get(drawn, 0) + 1


def _move(key: str, size: tuple[int, int], change: Change) -> None:
    """The box whose edges are where the sliders are."""
    (left, right), (top, bottom) = (st.session_state[f"{key}_{name}"] for name in ("across", "down"))
    change(within((left, top, right, bottom), size))
