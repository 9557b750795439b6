"""What pages share on the widget side: the chosen network, cached views of it, and how numbers read."""

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

import inception
from inception import LayerGraph
from inception.anatomy import KINDS, Layer
from inception.anatomy.kinds import SQUARE
from inception.anatomy.table import shape_text
from inception.models import VARIANTS, Variant

SIZES = ["75", "96", "128", "160", "224", "299", "331", "350x400", "512", "1024"]


def network_controls() -> None:
    """The network and the input size: in the sidebar of every page, and in the URL."""
    with st.sidebar:
        name = st.selectbox(
            "Network",
            inception.list_models(),
            key="model",
            bind="query-params",
        )
        st.selectbox(
            "Input size, pixels",
            SIZES,
            index=None,
            key="size",
            bind="query-params",
            accept_new_options=True,
            placeholder=f"{VARIANTS[name].input_size}, as trained",
            help="One number for a square, or height x width such as 350x400. From 75 to 1024.",
        )
        st.caption(f"**{VARIANTS[name].title}.** After {VARIANTS[name].source}.")


def chosen_variant() -> Variant:
    """The network chosen in the frame."""
    return VARIANTS[st.session_state["model"]]


def chosen_graph() -> LayerGraph:
    """The trace of the chosen network at the chosen size; where there is none, a sentence ends the page."""
    variant = chosen_variant()
    try:
        return trace(variant.name, st.session_state.get("size") or str(variant.input_size))
    except inception.TraceError as error:
        st.error(str(error), icon=":material/error:")
        st.stop()


@st.cache_resource(max_entries=64, show_spinner="Tracing the network…")
def trace(name: str, size: str) -> LayerGraph:
    """A traced network. Graphs are frozen, so that all sessions can share one."""
    return inception.trace(name, inception.parse_size(size))


def picture_size(graph: LayerGraph) -> str:
    """299x299 px."""
    return f"{shape_text(graph.input_size)} px"


def legend() -> None:
    """The colours of the kinds of operation, in words."""
    swatches = "".join(
        f'<span style="white-space:nowrap;margin-right:1rem"><span style="display:inline-block;width:.8em;height:.8em;'
        f'border-radius:3px;background:{kind.tint};border:2px solid {kind.color}"></span> {kind.name}</span>'
        for kind in KINDS
    )
    st.html(f'<div style="line-height:1.9;font-size:.85rem">{swatches}</div>')


def scaled(number: int, unit: str = "") -> str:
    """12,345,678 as 12.35 M, with a unit as 12.35 MMACs."""
    for factor, prefix in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if number >= factor:
            return f"{number / factor:,.2f} {prefix}{unit}"
    return f"{number:,} {unit}".rstrip()


def layer_name(layer: Layer) -> str:
    """17 · Block35_1 · Branch_0 · Conv2d_1x1 · 32x35x35."""
    names = [str(layer.index), layer.block, layer.branch, layer.layer, shape_text(layer.out_shape)]
    return " · ".join(name for name in names if name)


def probability_bars(top: pd.DataFrame) -> go.Figure:
    """Classes with their probabilities (columns label and probability) as bars, the first on top."""
    figure = go.Figure(
        go.Bar(
            x=top["probability"],
            y=top["label"],
            orientation="h",
            text=[f"{probability:.1%}" for probability in top["probability"]],
            hovertemplate="%{y}: %{x:.2%}<extra></extra>",
            marker_color=SQUARE.color,
        )
    )
    figure.update_yaxes(autorange="reversed", automargin=True)
    figure.update_xaxes(title="Probability", tickformat=".0%", range=[0, 1])
    return figure.update_layout(height=300, margin={"t": 10, "b": 10, "l": 10, "r": 10})
