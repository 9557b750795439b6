"""Layers: which shape does the tensor have here, and what does each layer cost?"""

from typing import Literal

import streamlit as st

from inception import text
from inception.graph.layer import Layer
from inception.graph.layer_graph import LayerGraph
from inception.graph.table import search
from inception.text import shape_text
from inception.views.charts import cost_treemap, depth_chart, stage_chart
from inception.views.explain import why_this_shape
from inception.views.export import layer_title, summary_text, table_name
from inception.views.figure import QuantityName, chart_config
from inception.views.playground import PlaygroundError, playground
from inception.views.window_picture import playground_svg, window_svg
from pages.parts import choices, components, frame, selection, tables

BELOW = ["Why this shape", "Padding playground", "Charts"]
COSTS: dict[QuantityName, str] = {"params": "Parameters", "macs": "MACs", "activation_bytes": "Activation memory"}
PICTURES: list[Literal["png", "svg"]] = ["png", "svg"]


def why(layer: Layer) -> None:
    """The formula with this layer's numbers, and its window on the input grid."""
    explanation = why_this_shape(layer)
    words, drawing = st.columns([1, 1], gap="large")
    with words:
        st.markdown(f"**{selection.layer_name(layer)}**")
        if explanation.formula:
            st.latex(explanation.formula)
        st.markdown(explanation.sentence)
        st.markdown(f"{explanation.zeros} {explanation.dropped}")
        st.markdown(f"**Parameters.** {explanation.params.sentence}")
        if explanation.params.latex:
            st.latex(explanation.params.latex)
        st.markdown(f"**MACs.** {explanation.macs.sentence}")
        if explanation.macs.latex:
            st.latex(explanation.macs.latex)
    with drawing:
        if layer.window:
            rows, columns = layer.window.out
            row = st.slider("Output row", 0, rows - 1, 0, key="window_row") if rows > 1 else 0
            column = st.slider("Output column", 0, columns - 1, 0, key="window_column") if columns > 1 else 0
            components.picture(window_svg(layer.window, row, column), key="window")


def padding_playground() -> None:
    """Any window on any axis, by TensorFlow's rule and by PyTorch's."""
    controls, result = st.columns([1, 2], gap="large")
    with controls:
        size = st.number_input("Pixels along one side", 1, 1024, 10)
        kernel = st.number_input("Kernel", 1, 31, 3)
        stride = st.number_input("Stride", 1, 16, 2)
        padding = st.segmented_control("Padding", ["VALID", "SAME"], default="SAME", required=True)
    with result:
        try:
            answer = playground(int(size), int(kernel), int(stride), padding)
        except PlaygroundError as error:
            st.error(str(error), icon=":material/error:")
            return
        st.latex(answer.rule)
        components.picture(playground_svg(answer), key="playground")
        st.markdown(answer.difference)
        st.caption(f"TensorFlow: {answer.tensorflow_argument}. PyTorch: {answer.pytorch_argument}.")


def charts(graph: LayerGraph) -> None:
    """Where the cost sits, and what happens through the depth."""
    what, file = st.columns([3, 1], vertical_alignment="bottom")
    quantity = what.segmented_control(
        "Cost", list(COSTS), default="params", required=True, format_func=COSTS.__getitem__
    )
    format = file.segmented_control("Download button saves", PICTURES, default="png", required=True)
    for figure in (stage_chart(graph, quantity), depth_chart(graph), cost_treemap(graph, quantity)):
        st.plotly_chart(figure, config=chart_config(figure, format))


frame.open_page("layers")

graph = choices.chosen_graph()
selected = selection.selected_layer(graph)
numbers = st.container()

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
    split = st.toggle(
        "Download sizes as numbers",
        help="In CSV and Excel, rf_h and rf_w instead of 63x63. JSON and Parquet always hold numbers.",
    )
    hidden = st.multiselect("Hide columns", list(tables.COLUMNS), key="hidden", persist_state="session")

stage = st.pills(
    "Stage",
    ["All", *dict.fromkeys(layer.stage for layer in graph.layers)],
    default="All",
    required=True,
    label_visibility="collapsed",
)
table = graph.table(collapse=collapse, units=not opened, flops=flops, keras=keras)
whole = len(table)
if stage != "All":
    table = table[table["stage"] == stage]
table = search(table, words)
operations = "flops" if flops else "macs"
sums = {column: int(table[column].sum()) for column in ("params", operations, "activation_bytes")}

with numbers:
    params, macs, rows, activations = st.columns(4)
    params.metric("Parameters", text.scaled(sums["params"]), help=f"{sums['params']:,}")
    macs.metric(
        "FLOPs" if flops else "MACs",
        text.scaled(sums[operations]),
        help=f"{sums[operations]:,} {'floating-point operations' if flops else 'multiply-accumulates'} for one picture",
    )
    rows.metric("Rows", f"{len(table)} of {whole}" if len(table) < whole else str(whole))
    activations.metric(
        "Outputs, float32",
        text.scaled(sums["activation_bytes"], "B"),
        help="Bytes of all the outputs in these rows, for one picture",
    )

if table.empty:
    st.info("No layer matches. Try fewer words or another stage.", icon=":material/search_off:")
else:
    columns = [column for column in tables.COLUMNS if column in table and column not in hidden]
    tables.layer_rows(graph, table, columns, selected)
    unused = f" {graph.unused_text}." if graph.unused else ""
    st.caption(f"The figures above are the sums of these rows. Tick a row to see why it has this shape.{unused}")

name = f"{graph.name}_{shape_text(graph.input_size)}"
rows, other = st.columns([3, 2], vertical_alignment="bottom")
with rows:
    # The name says what the numbers are, so that two files of one network are not taken for each other.
    file_name = table_name(graph, folded=collapse, opened=opened, flops=flops, keras=keras, part=len(table) < whole)
    title = layer_title(graph, keras, len(table), whole)
    tables.export_button(table, file_name, title, key=graph.name, split=split)
with other:
    tables.download_button(
        "Download torchinfo's summary",
        lambda: summary_text(graph.name, graph.input_size),
        f"{name}_torchinfo.txt",
        "text/plain",
    )
below = st.segmented_control(
    "Below the table",
    BELOW,
    default=BELOW[0],
    required=True,
    key="below",
    bind="query-params",
    label_visibility="collapsed",
)
if below == BELOW[0]:
    if selected:
        why(selected)
    else:
        st.info("Tick a row of the table: its shape is explained here.", icon=":material/touch_app:")
elif below == BELOW[1]:
    padding_playground()
else:
    charts(graph)
