"""Layers: which shape does the tensor have here, and what does each layer cost?"""

from typing import Any, Literal

import streamlit as st

from inception import text
from inception.graph.layer_graph import LayerGraph
from inception.graph.table import search
from inception.text import shape_text
from inception.views.charts import cost_treemap, depth_chart, stage_chart
from inception.views.export import layer_title, summary_text, table_name
from inception.views.figure import QuantityName, chart_config
from inception.views.findings import dropped_pixels
from inception.views.playground import PlaygroundError, playground
from inception.views.window_picture import NARROW, playground_svg
from inception.views.window_table import playground_table
from inception.words import N_, _
from pages.parts import address, choices, components, frame, selection, tables
from pages.parts.finding import finding
from pages.parts.glossary import prose
from pages.parts.layer_panel import layer_panel, window_picture
from pages.parts.same_table import slides_as_table

PADDINGS = ["SAME", "VALID"]
BELOW = [N_("Why this shape"), N_("Padding playground"), N_("Charts")]
# What a screen of 1280 pixels shows beside the explanation without scrolling sideways; the others are a click away.
FEW = ["index", "layer", "out_shape", "rf", "dropped", "pad", "params", "macs", "flops", "block"]
COSTS: dict[QuantityName, str] = {
    "params": N_("Parameters"),
    "macs": N_("MACs"),
    "activation_bytes": N_("Activation memory"),
}
ALL = N_("All")  # of the stages
PICTURES: list[Literal["png", "svg"]] = ["png", "svg"]


def padding_playground() -> None:
    """Any window on any axis, by TensorFlow's rule and by PyTorch's."""
    controls, result = st.container(key="result_first").columns([1, 2], gap="large")
    with controls:
        size = st.number_input(_("Pixels along one side"), 1, 1024, key=address.number("side", 1, 1024, 10))
        kernel = st.number_input(_("Kernel"), 1, 31, key=address.number("kernel", 1, 31, 3))
        stride = st.number_input(_("Stride"), 1, 16, key=address.number("stride", 1, 16, 2))
        padding = st.segmented_control(_("Padding"), PADDINGS, key=address.choice("padding", PADDINGS), required=True)
    with result:
        try:
            answer = playground(int(size), int(kernel), int(stride), padding or PADDINGS[0])
        except PlaygroundError as error:
            st.error(str(error), icon=":material/error:")
            return
        st.container(key="playground_rule").latex(answer.rule)
        components.picture(playground_svg(answer), key="playground", narrow=playground_svg(answer, NARROW))
        slides_as_table(playground_table(answer), "padding", _("Padding playground"), "playground_table")
        st.markdown(answer.difference)
        arguments = _("TensorFlow: {tensorflow}. PyTorch: {pytorch}.")
        st.caption(arguments.format(tensorflow=answer.tensorflow_argument, pytorch=answer.pytorch_argument))


def charts(graph: LayerGraph) -> None:
    """Where the cost sits, and what happens through the depth."""
    what, file = st.columns([3, 1], vertical_alignment="bottom")
    with what:
        quantity = choices.choose_one(_("Cost"), COSTS, "cost")
    format = file.segmented_control(
        _("Download button saves"), PICTURES, key=address.choice("saves", PICTURES), required=True
    )
    format = format or PICTURES[0]
    for figure in (stage_chart(graph, quantity), depth_chart(graph), cost_treemap(graph, quantity)):
        st.plotly_chart(figure, config=chart_config(figure, format))


frame.open_page("layers")

graph = choices.chosen_graph()
finding(dropped_pixels(graph))
selected = selection.selected_layer(graph)
numbers = st.container()

headings: dict[str, Any] = dict(tables.layer_columns())
rows_place, panel_place = st.columns([17, 9], gap="small")
with rows_place:
    searching, viewing, all_of_them = st.columns([8, 3, 5], vertical_alignment="bottom", gap="small")
words = searching.text_input(
    _("Search"),
    key=address.written("search"),
    placeholder=_("Names, operations, kernels, shapes: 1x7, Mixed_6a, concat…"),
)
with viewing.popover(_("View"), icon=":material/tune:", width="stretch"):
    collapse = st.toggle(_("Fold repeated blocks (×)"), key=address.switch("collapse"))
    opened = st.toggle(_("Batch norm and ReLU in rows of their own"), key=address.switch("opened"))
    flops = st.toggle(_("FLOPs (two for each MAC)"), key=address.switch("flops"))
    keras = st.toggle(
        _("Count parameters as Keras does"),
        key=address.switch("keras"),
        help=_(
            "Keras also counts the running mean and variance of each batch norm, and gamma only where it is trained."
        ),
    )
    chosen_columns = st.multiselect(
        _("Columns"),
        list(headings),
        format_func=lambda name: headings[name]["label"],
        key=address.several("columns", headings, FEW),
        placeholder=_("Choose columns"),
    )

everything = all_of_them.toggle(_("All columns"), key=address.switch("all_columns"))
stages = [ALL, *dict.fromkeys(layer.stage for layer in graph.layers)]
stage = rows_place.pills(
    _("Stage"),
    stages,
    key=address.choice("stage", stages, code=address.slug),
    required=True,
    format_func=lambda stage: _(stage) if stage == ALL else stage,
    label_visibility="collapsed",
    wrap=True,
)
table = graph.table(collapse=collapse, units=not opened, flops=flops, keras=keras)
whole = len(table)
if stage != ALL:
    table = table[table["stage"] == stage]
table = search(table, words)
operations = "flops" if flops else "macs"
sums = {column: int(table[column].sum()) for column in ("params", operations, "activation_bytes")}

with numbers:
    params, macs, rows, activations = st.columns(4)
    params.metric(_("Parameters"), text.scaled(sums["params"]), help=f"{sums['params']:,}")
    counted = _("{count:,} multiply-accumulates for one picture")
    if flops:
        counted = _("{count:,} floating-point operations for one picture")
    macs.metric(
        _("FLOPs") if flops else _("MACs"),
        text.scaled(sums[operations]),
        help=counted.format(count=sums[operations]),
    )
    some = _("{count} of {whole}").format(count=len(table), whole=whole)
    rows.metric(_("Rows"), some if len(table) < whole else str(whole))
    activations.metric(
        _("Outputs, float32"),
        text.scaled(sums["activation_bytes"], "B"),
        help=_("Bytes of all the outputs in these rows, for one picture"),
    )

with rows_place:
    if table.empty:
        st.info(_("No layer matches. Try fewer words or another stage."), icon=":material/search_off:")
    else:
        order = list(headings) if everything else [*FEW, *headings]
        columns = [
            column for column in dict.fromkeys(order) if column in table and (everything or column in chosen_columns)
        ]
        # The first row is explained until one is chosen.
        selected = selected or graph.layer_at(table["path"].iloc[0])
        if everything:
            tables.layer_rows(graph, table, columns, selected)
        else:
            tables.layer_rows(graph, tables.with_short_names(table), columns, selected, tables.short_columns())
        says = [_("The figures above are the sums of these rows. Click a row to see why it has this shape.")]
        if graph.unused:
            says.append(_("{sentence}.").format(sentence=graph.unused_text))
        prose(text.running_text(*says), small=True)
if selected:
    with panel_place:
        layer_panel(graph, table, selected)
address.scroll_to("explanation", "layer")

name = f"{graph.name}_{shape_text(graph.input_size)}"
with rows_place, tables.exports(graph.name):
    # The name says what the numbers are, so that two files of one network are not taken for each other.
    file_name = table_name(graph, folded=collapse, opened=opened, flops=flops, keras=keras, part=len(table) < whole)
    title = layer_title(graph, keras, len(table), whole)
    split = st.toggle(
        _("Download sizes as numbers"),
        key=address.switch("split"),
        help=_("In CSV and Excel, rf_h and rf_w instead of 63x63. JSON and Parquet always hold numbers."),
    )
    tables.table_export(table, file_name, title, key=graph.name, split=split)
    tables.download_button(
        _("Download torchinfo's summary"),
        lambda: summary_text(graph.name, graph.input_size),
        f"{name}_torchinfo.txt",
        "text/plain",
    )
with st.container(key="below_the_table"):
    below = st.segmented_control(
        _("Below the table"),
        BELOW,
        key=address.choice("below", BELOW, code=address.slug, texts={below: below for below in BELOW}),
        required=True,
        format_func=_,
        label_visibility="collapsed",
    )
    address.scroll_to("below_the_table", "below", "row", "column", "side", "kernel", "stride", "padding", "cost")
    if below == BELOW[0]:
        if selected:
            window_picture(selected)
    elif below == BELOW[1]:
        padding_playground()
    else:
        charts(graph)
