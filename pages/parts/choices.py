"""What is chosen in the frame and stands in the URL: network, input size, and the trace of both."""

import threading
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

import streamlit as st

import inception
from inception import LayerGraph
from inception.size import Size
from inception.text import shape_text
from inception.words import _
from inception.zoo import VARIANTS, Variant
from pages.parts import address
from pages.parts.waiting import waiting_once

T = TypeVar("T")
SIZES = ["75", "96", "128", "160", "224", "299", "331", "350x400", "512", "1024"]


def chosen_variant() -> Variant:
    """The network chosen in the frame."""
    return VARIANTS[st.session_state["model"]]


def chosen_size() -> Size | None:
    """The input size chosen in the frame; None for each network's own. Raises SizeError for a text that is none."""
    text = st.session_state.get("size")
    return Size.parse(text) if text else None


def chosen_graph() -> LayerGraph:
    """The trace of the chosen network at the chosen size."""
    return graph_of(chosen_variant().name, chosen_size())


def graph_of(name: str, size: Size | None = None, **overrides: Any) -> LayerGraph:
    """The trace of a network at a size, by default its own; overrides as of `inception.create_model`.

    Raises TraceError for a size that does not work; the frame shows its sentence.
    """
    size = size or Size.square(VARIANTS[name].input_size)
    with waiting_once(_("Tracing the network…"), ("trace", name, size, repr(sorted(overrides.items())))):
        return inception.trace(name, size, **overrides)


def choose_view(name: str, views: Sequence[str], older: Mapping[str, str] | None = None) -> str:
    """The choice between the views of a page, marked texts of which the first is the default.

    older: views by what addresses called them before.
    """
    st.segmented_control(
        _("View"),
        views,
        required=True,
        format_func=_,
        key=address.choice(name, views, code=address.slug, texts={view: view for view in views}, older=older),
        label_visibility="collapsed",
    )
    view: str = st.session_state[name]
    return view


def choose_one(
    label: str, texts: Mapping[T, str], name: str, default: Any = address.FIRST, *, key: str | None = None, **more: Any
) -> T:
    """The choice of one of several values, each with its marked text, by default the first; the address has its name.

    more: as of `st.segmented_control`.
    """
    offered = list(texts)
    chosen: T | None = st.segmented_control(
        label,
        offered,
        required=True,
        format_func=lambda value: _(texts[value]),
        key=address.choice(name, offered, default, key=key),
        **more,
    )
    first: T = offered[0] if default is address.FIRST else default
    return first if chosen is None else chosen


def one_run_at_a_time(name: str) -> threading.Lock:
    """A lock of this session, for a run of the script that takes seconds to change what the session keeps.

    A click starts the next run at once, while the run before goes on until it draws something. Without the lock the
    next run could draw what the one before is still changing.
    """
    lock: threading.Lock = st.session_state.setdefault(f"{name}_lock", threading.Lock())
    return lock


def picture_size(graph: LayerGraph) -> str:
    """299x299 px."""
    return _("{size} px").format(size=shape_text(graph.input_size))
