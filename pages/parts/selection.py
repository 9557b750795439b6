"""The selected layer: how it is chosen, kept on all pages, and told in a line."""

import streamlit as st

from inception import LayerGraph
from inception.graph.layer import Layer
from inception.text import shape_text
from pages.parts.choices import dead_link, keep_if_offered
from pages.parts.literal import literal


def selected_layer(graph: LayerGraph) -> Layer | None:
    """The layer selected on any page or named in the URL; None, and for a link a sentence, where there is none."""
    selected, asked = st.session_state.get("layer"), st.query_params.get("layer")
    layer = graph.layer_at(asked or selected or "")
    if layer:
        select_layer(layer)
    elif asked and asked != selected:  # not one that was selected in another network
        dead_link(f"{graph.name} has no layer called {literal(asked)}; the layer table has those that there are.")
    return layer


def select_layer(layer: Layer) -> None:
    """Selects a layer on all pages and in the URL."""
    st.session_state["layer"] = st.query_params["layer"] = layer.path


def grid_layers(graph: LayerGraph) -> list[Layer]:
    """The layers that hand on a grid of cells which each see a part of the picture."""
    return [layer for layer in graph.layers if len(layer.out_shape) == 3 and graph.receptive_fields[layer.index]]


def layer_box(graph: LayerGraph, layers: list[Layer], default: Layer, key: str) -> Layer:
    """A choice of one of the graph's layers, kept in the session under a key; choosing one selects it on all pages.

    Where the layer that is selected, on another page or in the URL, is among the layers, the box shows it.
    """
    by_path = {layer.path: layer for layer in layers}
    selected = selected_layer(graph)
    if selected in layers:
        st.session_state[key] = selected.path
    keep_if_offered(key, by_path, default.path)
    path = st.selectbox(
        "Layer",
        list(by_path),
        format_func=lambda path: layer_name(by_path[path]),
        key=key,
        persist_state="session",
        on_change=lambda: select_layer(by_path[st.session_state[key]]),
    )
    return by_path[path]


def facts(graph: LayerGraph, layer: Layer) -> None:
    """One layer in a line: what it reads and hands on, what it costs, how far it sees."""
    field = graph.receptive_fields[layer.index]
    sees = f" Its field is {shape_text(field.size)} pixels" if field else ""
    if field and any(seen > side for seen, side in zip(field.size, graph.input_size, strict=True)):
        sees += ", more than the picture has"
    sees += "." if field else ""
    st.markdown(
        f"**{layer_name(layer)}**: {layer.op}, from {' + '.join(map(shape_text, layer.in_shapes))} to "
        f"{shape_text(layer.out_shape)}; {layer.params:,} parameters, {layer.macs:,} MACs.{sees}"
    )


def layer_name(layer: Layer) -> str:
    """17 · Block35_1 · Branch_0 · Conv2d_1x1 · 32x35x35."""
    names = [str(layer.index), layer.block, layer.branch, layer.layer, shape_text(layer.out_shape)]
    return " · ".join(name for name in names if name)
