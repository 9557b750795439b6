"""Layers: which shape does the tensor have here, and what does each layer cost?"""

import streamlit as st

from inception.anatomy.table import shape_text
from inception.export import export_table, layer_title
from pages import widgets

widgets.open_page("Which shape does the tensor have here, and what does each layer cost?")

graph = widgets.chosen_graph()
table = graph.table()

params, macs, layers, output = st.columns(4)
params.metric("Parameters", widgets.scaled(graph.params), help=f"{graph.params:,}, as PyTorch counts")
macs.metric("MACs", widgets.scaled(graph.macs), help=f"{graph.macs:,} multiply-accumulates for one picture")
layers.metric("Layers", f"{len(graph.layers):,}", help="A convolution with its batch norm and ReLU is one layer")
output.metric("Output", table["out_shape"].iloc[-1], help="Numbers that come out for one picture")

st.dataframe(table, hide_index=True, height=560, column_order=list(widgets.COLUMNS), column_config=widgets.COLUMNS)

st.download_button(
    "Download CSV",
    export_table(table, "csv", layer_title(graph)),
    file_name=f"{graph.name}_{shape_text(graph.input_size)}.csv",
    mime="text/csv",
    icon=":material/download:",
    on_click="ignore",
)
st.caption(
    "A row is a convolution with its batch norm and ReLU, as in the paper. Every figure is read from a trace of the "
    "PyTorch model at this input size."
)
