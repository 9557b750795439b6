"""What is chosen in the frame and stands in the URL: network, input size, and the trace of both."""

import re
import threading
from collections.abc import Collection
from typing import Any

import streamlit as st

import inception
from inception import LayerGraph
from inception.size import Size
from inception.text import shape_text
from inception.zoo import VARIANTS, Variant

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
    return _trace(name, size or Size.square(VARIANTS[name].input_size), tuple(sorted(overrides.items())))


@st.cache_resource(max_entries=64, show_spinner="Tracing the network…")
def _trace(name: str, size: Size, overrides: tuple[tuple[str, Any], ...]) -> LayerGraph:
    """A traced network. Graphs are frozen, so that all sessions can share one."""
    return inception.trace(name, size, **dict(overrides))


def dead_link(sentence: str) -> None:
    """Says that the address asks for what there is not."""
    st.warning(sentence, icon=":material/link_off:")


def as_name(asked: str) -> str:
    """What a name can hold of it: the sentence that it goes into is Markdown, and the address is anyone's."""
    return re.sub(r"[^\w.-]", " ", asked)


def keep_choice(key: str, options: Collection[object], default: object) -> None:
    """Before a select box is drawn: keeps what was chosen while it is among the options, else chooses the default.

    Set in every run, because the browser knows an option by its text, and that can change: of a layer with the size,
    the weights and the network, of weights when their file has arrived.
    """
    kept = st.session_state.get(key)
    st.session_state[key] = kept if kept in options else default


def one_run(name: str) -> threading.Lock:
    """A lock of this session, to hold while a run of the script changes over seconds what the session keeps.

    A control starts the next run at once, beside the one before, which ends only where it draws the next time: without
    the lock the page can be drawn from what is still changing.
    """
    lock: threading.Lock = st.session_state.setdefault(f"{name}_lock", threading.Lock())
    return lock


def picture_size(graph: LayerGraph) -> str:
    """299x299 px."""
    return f"{shape_text(graph.input_size)} px"
