"""Layers: which shape does the tensor have here, and what does each layer cost?"""

import streamlit as st

from inception.anatomy.table import shape_text
from inception.export import export_table, layer_title
from pages import widgets

COLUMNS = {
    "index": st.column_config.NumberColumn("#", width=50, pinned=False),
    "block": st.column_config.TextColumn("Block", help="TF-Slim's name"),
    "branch": st.column_config.TextColumn("Branch"),
    "layer": st.column_config.TextColumn("Layer", help="TF-Slim's name inside the branch"),
    "op": st.column_config.TextColumn("Operation"),
    "out_shape": st.column_config.TextColumn("Output", help="Channels x height x width"),
    "kernel": st.column_config.TextColumn("Kernel", help="Height x width"),
    "stride": st.column_config.TextColumn("Stride", help="Height x width"),
    "padding": st.column_config.TextColumn("Padding", help="SAME keeps the grid, VALID adds no zeros"),
    "params": st.column_config.NumberColumn("Parameters", format="localized", help="With the batch norm"),
    "macs": st.column_config.NumberColumn("MACs", format="localized", help="Multiply-accumulates for one picture"),
    "dropped": st.column_config.TextColumn("Dropped", help="Input rows x columns at the end that no window reaches"),
    "pad": st.column_config.TextColumn("Zeros added", help="At the top, bottom, left, right"),
    "in_shape": st.column_config.TextColumn("Input", help="Channels x height x width"),
    "activation_bytes": st.column_config.NumberColumn("Output bytes", format="localized", help="In float32"),
    "rf": st.column_config.TextColumn("Receptive field", help="Height x width in pixels of the picture"),
    "rf_stride": st.column_config.TextColumn("Field's stride", help="Pixels between neighbouring cells' fields"),
    "rf_offset": st.column_config.TextColumn("Field's offset", help="Where the first field starts, in pixels"),
    "stage": st.column_config.TextColumn("Stage", help="The paper's name"),
    "path": st.column_config.TextColumn("Path in the model"),
}

st.header("Which shape does the tensor have here, and what does each layer cost?")

graph = widgets.chosen_graph()
table = graph.table()

params, macs, layers, output = st.columns(4)
params.metric("Parameters", widgets.scaled(graph.params), help=f"{graph.params:,}, as PyTorch counts")
macs.metric("MACs", widgets.scaled(graph.macs), help=f"{graph.macs:,} multiply-accumulates for one picture")
layers.metric("Layers", f"{len(graph.layers):,}", help="A convolution with its batch norm and ReLU is one layer")
output.metric("Output", table["out_shape"].iloc[-1], help="Numbers that come out for one picture")

st.dataframe(table, hide_index=True, height=560, column_order=list(COLUMNS), column_config=COLUMNS)

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
