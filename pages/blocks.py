"""Blocks: what does each block look like inside?"""

import streamlit as st

from inception.anatomy import block_types, diagram_dot, diagram_svg
from pages import widgets
from pages.diagram_view import diagram

st.header("What does each block look like inside?")

graph = widgets.chosen_graph()
types = {block.title: block for block in block_types(graph.layers)}
if st.session_state.get("block") not in types:
    st.session_state.pop("block", None)
title = st.pills("Block", list(types), default=next(iter(types)), key="block", bind="query-params", required=True)
block = types[title]
svg = diagram_svg(diagram_dot(block.layers, title), f"{title} of {graph.name}")


def select(box: str) -> None:
    st.session_state["selected"] = box


diagram(svg, "block_diagram", st.session_state.get("selected"), select)
widgets.legend()
