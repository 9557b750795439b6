"""Blocks: what does each block look like inside, and where is it written?"""

import streamlit as st

from inception.anatomy import block_types, diagram_dot, diagram_svg, node_name
from pages import components, widgets

widgets.open_page("What does each block look like inside?")

graph = widgets.chosen_graph()
types = {block.title: block for block in block_types(graph.layers)}
if st.session_state.get("block") not in types:
    st.session_state.pop("block", None)
title = st.pills("Block", list(types), default=next(iter(types)), key="block", bind="query-params", required=True)
block = types[title]
source = widgets.source_of(graph.name, block)
layers = {node_name(layer): layer for layer in block.layers}
selected = layers.get(st.session_state.get("box", ""))


def select(box: str) -> None:
    """Marks a box; what belongs to it is marked with it."""
    st.session_state["box"] = box.removesuffix("relu")


def select_line(line: int) -> None:
    """Marks the layer that is made in this line, or the first one below it."""
    following = [(at, index) for index, at in source.lines.items() if at >= line]
    if following:
        st.session_state["box"] = f"layer{min(following)[1]}"


def select_row(row: int) -> None:
    """Marks the layer of a row of the table."""
    st.session_state["box"] = node_name(block.layers[row])


picture, details = st.columns([5, 4], gap="large")
with picture:
    components.diagram(
        diagram_svg(diagram_dot(block.layers, title), f"{title} of {graph.name}"),
        key="block_diagram",
        selected=node_name(selected) if selected else None,
        on_click=select,
    )
    widgets.legend()

with details:
    st.markdown(f"**{source.summary}** {source.why}")
    if block.repeat > 1:
        st.markdown(f"It stands {block.repeat} times in a row ({block.name}); this is the first.")
    st.caption("Select a layer in the diagram, the table or the source.")
    widgets.layer_rows(graph, block.layers, selected, select_row)
    components.code(
        source.text,
        key="block_source",
        selected=source.lines.get(selected.index) if selected else None,
        label=f"PyTorch source of {title}",
        on_click=select_line,
    )
