"""Layers: which shape does the tensor have here, and what does each layer cost?"""

import streamlit as st

from inception.anatomy.table import search, shape_text
from inception.export import layer_title, summary_text
from pages import widgets

widgets.open_page("Which shape does the tensor have here, and what does each layer cost?")

graph = widgets.chosen_graph()
selected = widgets.selected_layer(graph)
numbers = st.container()

stage = st.pills(
    "Stage",
    ["All", *dict.fromkeys(layer.stage for layer in graph.layers)],
    default="All",
    required=True,
    label_visibility="collapsed",
)
searching, viewing = st.columns([4, 1], vertical_alignment="bottom")
words = searching.text_input("Search", placeholder="Names, operations, kernels, shapes: 1x7, Mixed_6a, concat…")
with viewing.popover("View", icon=":material/tune:", width="stretch"):
    collapse = st.toggle("Fold repeated blocks (×)", key="collapse", bind="query-params")
    opened = st.toggle("Batch norm and ReLU in rows of their own", key="opened", bind="query-params")
    flops = st.toggle("FLOPs (two for each MAC)", key="flops", bind="query-params")
    keras = st.toggle(
        "Count parameters as Keras does",
        key="keras",
        bind="query-params",
        help="Keras also counts the running mean and variance of each batch norm, and gamma only where it is trained.",
    )
    hidden = st.multiselect("Hide columns", list(widgets.COLUMNS), key="hidden", persist_state="session")

table = graph.table(collapse=collapse, units=not opened, flops=flops, keras=keras)
whole = len(table)
if stage != "All":
    table = table[table["stage"] == stage]
table = search(table, words)
operations = "flops" if flops else "macs"
sums = {column: int(table[column].sum()) for column in ("params", operations, "activation_bytes")}

with numbers:
    params, macs, rows, activations = st.columns(4)
    params.metric("Parameters", widgets.scaled(sums["params"]), help=f"{sums['params']:,}")
    macs.metric("FLOPs" if flops else "MACs", widgets.scaled(sums[operations]), help=f"{sums[operations]:,}")
    rows.metric("Rows", f"{len(table)} of {whole}" if len(table) < whole else str(whole))
    activations.metric(
        "Outputs, float32",
        widgets.scaled(sums["activation_bytes"], "B"),
        help="Bytes of all the outputs in these rows, for one picture",
    )

if table.empty:
    st.info("No layer matches. Try fewer words or another stage.", icon=":material/search_off:")
else:
    columns = [column for column in widgets.COLUMNS if column in table and column not in hidden]
    widgets.layer_rows(graph, table, columns, selected)
    st.caption("The figures above are the sums of these rows. Select a row to see why it has this shape.")

name = f"{graph.name}_{shape_text(graph.input_size)}"
widgets.export_button(table, name, layer_title(graph))
st.download_button(
    "Download torchinfo's own summary",
    lambda: summary_text(graph.name, graph.input_size),
    file_name=f"{name}_torchinfo.txt",
    mime="text/plain",
    icon=":material/download:",
    on_click="ignore",
)
