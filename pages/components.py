"""The clickable, zoomable diagram: our SVG inside a Streamlit component."""

from collections.abc import Callable
from pathlib import Path

import streamlit as st

HTML = """
<div class="buttons">
  <button name="in" aria-label="Zoom in">+</button>
  <button name="out" aria-label="Zoom out">&minus;</button>
  <button name="fit" aria-label="Show everything">Fit</button>
</div>
<div class="frame"></div>
"""

_component = st.components.v2.component(
    "diagram_view",
    html=HTML,
    css=Path("assets/diagram_view.css").read_text(encoding="utf-8"),
    js=Path("assets/diagram_view.js").read_text(encoding="utf-8"),
)


def diagram(svg: str, key: str, selected: str | None, on_click: Callable[[str], None]) -> None:
    """Shows `svg` with the box `selected` marked; `on_click` gets the id of a clicked box before the page reruns."""

    def clicked() -> None:
        box = st.session_state[key].clicked
        if box:
            on_click(box)

    _component(data={"svg": svg, "selected": selected}, key=key, on_clicked_change=clicked)
