"""Our Streamlit components: a diagram and a listing that can be clicked, and a picture in the page's colours."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import streamlit as st
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer

from inception.paths import ASSETS
from inception.views.fonts import OURS, families
from inception.words import _

# The labels of the buttons come with the data, in the language of the session.
DIAGRAM_HTML = """
<div class="whole">
  <div class="buttons">
    <button name="in">+</button>
    <button name="out">&minus;</button>
    <button name="fit"></button>
    <button name="full">
      <svg viewBox="0 0 24 24" aria-hidden="true"><path d="M4 9V4h5M15 4h5v5M20 15v5h-5M9 20H4v-5"/></svg>
    </button>
  </div>
  <div class="frame" role="region"></div>
</div>
"""


def _asset(name: str) -> str:
    return (ASSETS / name).read_text(encoding="utf-8")


_diagram = st.components.v2.component(
    "diagram_view", html=DIAGRAM_HTML, css=_asset("diagram_view.css"), js=_asset("diagram_view.js")
)
_code = st.components.v2.component(
    "code_view",
    html="<div class='listing' role='region'></div>",
    css=_asset("code_view.css"),
    js=_asset("code_view.js"),
)


_cell = st.components.v2.component(
    "cell_view", html="<div class='cell'></div>", css=_asset("cell_view.css"), js=_asset("cell_view.js")
)
_growth = st.components.v2.component(
    "field_growth", html="<div class='growth'></div>", css=_asset("field_growth.css"), js=_asset("field_growth.js")
)
_place = st.components.v2.component(
    "place_view",
    html="<div class='place'><img alt=''><div class='marks'></div></div>",
    css=_asset("place_view.css"),
    js=_asset("place_view.js"),
)
_memory = st.components.v2.component("memory", html="<div></div>", js=_asset("memory.js"))
_picture = st.components.v2.component(
    "svg_picture",
    html="<div class='drawn'></div>",
    css=".drawn { overflow-x: auto; color: var(--st-text-color); } svg { max-width: 100%; height: auto; }",
    js=_asset("svg_picture.js"),
)


ADDRESS_HTML = """
<button type="button">
  <svg viewBox="0 0 24 24" aria-hidden="true">
    <path d="M10 14a5 5 0 0 0 7 0l3-3a5 5 0 0 0-7-7l-1.5 1.5M14 10a5 5 0 0 0-7 0l-3 3a5 5 0 0 0 7 7l1.5-1.5"/>
  </svg>
  <span></span>
</button>
<p role="status"></p>
<input readonly hidden>
"""
_address = st.components.v2.component(
    "address_bar", html=ADDRESS_HTML, css=_asset("address_bar.css"), js=_asset("address_bar.js")
)

_presenter = st.components.v2.component(
    "presenter",
    html="""<div class="bar"><button type="button" name="back"></button><span role="status"></span>
<button type="button" name="next"></button><button type="button" name="end">×</button></div>""",
    css=_asset("presenter.css"),
    js=_asset("presenter.js"),
)


def presenter(labels: Mapping[str, str], on_end: Callable[[], None], on_go: Callable[[str], None]) -> None:
    """The bar with next and back; `on_go` gets "next" or "back" where a reader goes beyond the figures of the page."""

    def went() -> None:
        if where := st.session_state["presenter"].go:
            on_go(where)

    _presenter(data={"labels": dict(labels)}, key="presenter", on_end_change=on_end, on_go_change=went)


def address_bar(data: Mapping[str, Any]) -> None:
    """The button that copies the address; it brings the address up to date too."""
    _address(data=data, key="address_bar")


_into_view = st.components.v2.component("into_view", html="<div></div>", js=_asset("into_view.js"))


def bring_into_view(key: str, turn: int, table: str = "", row: int | None = None) -> None:
    """Scrolls to the container with this key where it is out of sight, each time that `turn` is another number.

    table, row: scrolls the table with this key to a row, where it has come to be another one.
    """
    _into_view(data={"show": key, "turn": turn, "table": table, "row": row}, key=f"into_view_{key}")


_chart_font = st.components.v2.component("chart_font", html="<div></div>", js=_asset("chart_font.js"))


def chart_font() -> None:
    """Lets charts that a reader saves bring the fonts of the page: Streamlit's, and ours in languages that need it."""
    _chart_font(data=["Source Sans", *([OURS] if OURS in families() else [])], key="chart_font")


def picture(svg: str, key: str, narrow: str = "") -> None:
    """Shows SVG in the page, so that its currentColor is the page's (in an <img> it would be black).

    narrow: what stands instead of it where it would have to be drawn much smaller.
    """
    _picture(data={"svg": svg, "narrow": narrow}, key=key)


def diagram(svg: str, key: str, selected: str | None, on_click: Callable[[str], None], jump: int = 0) -> None:
    """Shows `svg` with the box `selected` marked; `on_click` gets the id of a clicked box before the page reruns.

    jump: another number than before brings the selected box into sight.
    """

    def clicked() -> None:
        if box := st.session_state[key].clicked:
            on_click(box)

    labels = {"in": _("Zoom in"), "out": _("Zoom out"), "fit": _("Show everything"), "full": _("Full screen")}
    data = {"svg": svg, "selected": selected, "labels": labels, "fit": _("Fit"), "jump": jump}
    data["roomy"] = st.session_state.get("present", False)
    _diagram(data=data, key=key, on_clicked_change=clicked)


def code(text: str, key: str, selected: int | None, label: str, on_click: Callable[[int], None]) -> None:
    """Shows Python source with line `selected` (from 1) in view; `on_click` gets the number of a clicked line."""

    def clicked() -> None:
        if line := st.session_state[key].clicked:
            on_click(int(line))

    html = highlight(text, PythonLexer(stripnl=False), HtmlFormatter(linespans="line"))
    data = {"html": html, "selected": selected, "label": label}
    _code(data=data, key=key, on_clicked_change=clicked)


def cell(html: str, key: str, on_go: Callable[[dict[str, Any]], None]) -> None:
    """Shows the arithmetic of a cell; `on_go` gets layer, channel, row and column of what a reader opens from there."""

    def went() -> None:
        if target := st.session_state[key].go:
            on_go(target)

    _cell(data={"html": html}, key=key, on_go_change=went)


def growth(data: dict[str, Any], key: str, on_go: Callable[[str], None]) -> None:
    """Plays how the receptive field grows; `on_go` gets the path of the layer that a reader opens from there."""

    def went() -> None:
        if target := st.session_state[key].go:
            on_go(str(target["layer"]))

    _growth(data=data, key=key, on_go_change=went)


def place(data: dict[str, Any], key: str, on_place: Callable[[list[float]], None]) -> None:
    """Shows a picture with places on it; `on_place` gets the one that a reader points at, as shares of its sides."""

    def pointed() -> None:
        if where := st.session_state[key].place:
            on_place(where)

    _place(data=data, key=key, on_place_change=pointed)


_steps = st.components.v2.component(
    "steps",
    html="""<div class="steps"><button type="button" name="back"><b aria-hidden="true">↑</b><span></span><kbd></kbd>
</button><button type="button" name="next"><b aria-hidden="true">↓</b><span></span><kbd></kbd></button></div>""",
    css=_asset("steps.css"),
    js=_asset("steps.js"),
)


def steps(
    key: str,
    stops: Sequence[str],
    at: str | None,
    labels: Mapping[str, str],
    keys: Mapping[str, str],
    on_go: Callable[[str], None],
) -> None:
    """Buttons, with keys, to the neighbours of a stop; `on_go` gets the stop that they lead to.

    No press is lost, however fast they come. at: the stop that is shown. labels, keys: of "back" and "next".
    """

    def went() -> None:
        if stop := st.session_state[key].go:
            on_go(stop)

    data = {"stops": list(stops), "at": at, "labels": dict(labels), "keys": dict(keys)}
    _steps(data=data, key=key, on_go_change=went)


_terms = st.components.v2.component("term_tips", html="<div></div>", js=_asset("terms.js"))


def term_tips() -> None:
    """Lets Esc close the tips of terms on this page, and keeps them in the window."""
    _terms(key="term_tips")


_popover_focus = st.components.v2.component("popover_focus", html="<div></div>", js=_asset("popover_focus.js"))


def popover_focus() -> None:
    """Leads the keyboard into the popovers of this page, and back."""
    _popover_focus(key="popover_focus")


def memory(name: str, state: str, ask: bool, key: str) -> str:
    """Lets the browser keep a state under a name, or forget an empty one; with `ask` gives what was kept before."""
    found = _memory(data={"name": name, "state": state, "ask": ask}, key=key, on_kept_change=lambda: None)
    return str(found.kept or "")
