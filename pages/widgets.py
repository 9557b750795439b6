"""What pages share on the widget side: the chosen network, cached views of it, and how numbers read."""

import re
import threading
from collections.abc import Callable, Collection, Sequence

import pandas as pd
import streamlit as st
from streamlit.runtime.pages_manager import PagesManager

import inception
from inception import LayerGraph
from inception.anatomy import KINDS, BlockType, Layer
from inception.anatomy.charts import scaled as scaled  # pages find it here
from inception.anatomy.diagram import DIAGRAM_FORMATS, diagram_file, diagram_svg
from inception.anatomy.kinds import Kind
from inception.anatomy.source import BlockSource, block_source
from inception.anatomy.table import shape_text
from inception.export import FORMATS, export_table
from inception.models import VARIANTS, Variant

COLUMNS = {
    "index": st.column_config.NumberColumn("#", width=50),
    "block": st.column_config.TextColumn("Block", width=112, help="TF-Slim's name"),
    "repeat": st.column_config.NumberColumn("×", width=40, help="How often the block stands in a row"),
    "branch": st.column_config.TextColumn("Branch", width=72),
    "layer": st.column_config.TextColumn("Layer", width=122, help="TF-Slim's name inside the branch"),
    "op": st.column_config.TextColumn("Operation", width=88),
    "out_shape": st.column_config.TextColumn("Output", width=88, help="Channels x height x width"),
    "kernel": st.column_config.TextColumn("Kernel", width=50, help="Height x width"),
    "stride": st.column_config.TextColumn("Stride", width=46, help="Height x width"),
    "padding": st.column_config.TextColumn("Padding", width=62, help="SAME keeps the grid, VALID adds no zeros"),
    "params": st.column_config.NumberColumn(
        "Parameters", width=80, format="localized", help="With the batch norm; of all × blocks where folded"
    ),
    "macs": st.column_config.NumberColumn(
        "MACs", width=98, format="localized", help="Multiply-accumulates for one picture; of all × blocks where folded"
    ),
    "flops": st.column_config.NumberColumn(
        "FLOPs", width=98, format="localized", help="Two for each multiply-accumulate"
    ),
    "rf": st.column_config.TextColumn("Receptive field", width=110, help="Height x width in pixels of the picture"),
    "dropped": st.column_config.TextColumn("Dropped", help="Input rows x columns at the end that no window reaches"),
    "pad": st.column_config.TextColumn("Zeros added", help="At the top, bottom, left, right"),
    "in_shape": st.column_config.TextColumn("Input", help="Channels x height x width"),
    "activation_bytes": st.column_config.NumberColumn("Output bytes", format="localized", help="In float32"),
    "rf_stride": st.column_config.TextColumn("Field's stride", help="Pixels between neighbouring cells' fields"),
    "rf_offset": st.column_config.TextColumn("Field's offset", help="Where the first field starts, in pixels"),
    "stage": st.column_config.TextColumn("Stage", help="The paper's name"),
    "path": st.column_config.TextColumn("Path in the model"),
}
BLOCK_COLUMNS = [
    "index",
    "block",
    "branch",
    "layer",
    "out_shape",
    "params",
    "macs",
    "kernel",
    "stride",
    "padding",
    "op",
]

SIZES = ["75", "96", "128", "160", "224", "299", "331", "350x400", "512", "1024"]


def network_controls(page: str, own_size: str = "") -> None:
    """The network and the input size: in the sidebar of every page, and in the URL.

    page: the one that opens. own_size: which size it takes by itself, if not the published network's. A control that is
    bound to the URL keeps its value when a link inside the app leads to a page with another one, so what such a link
    asks for is put in here.
    """
    if st.session_state.get("page") != page:
        st.session_state["page"] = page
        asked = st.session_state["asked_model"] = st.query_params.get("model")
        if asked in VARIANTS:
            st.session_state["model"] = asked
    asked = st.session_state["asked_model"]
    if asked and asked not in VARIANTS:
        dead_link(f"There is no network called {as_name(asked)}; the sidebar has those that there are.")
    with st.sidebar:
        name = st.selectbox(
            "Network",
            inception.list_models(),
            key="model",
            bind="query-params",
            on_change=lambda: st.session_state.update(asked_model=None),
        )
        st.selectbox(
            "Input size, pixels",
            SIZES,
            index=None,
            key="size",
            bind="query-params",
            accept_new_options=True,
            placeholder=own_size or f"{VARIANTS[name].input_size}, as published",
            help="One number for a square, or height x width such as 350x400. From 75 to 1024. If it is empty, it is "
            "that of the published network, on the pages on your picture that at which the weights were trained, and "
            "in the laboratory of the residual scale a small one, so that it is quick.",
        )
        st.caption(f"**{VARIANTS[name].title}.** After {VARIANTS[name].source}.")


def open_page(question: str) -> None:
    """First call of every page: the question it answers.

    Until `st.navigation` has run in a server, Streamlit takes a folder called pages/ for its old kind of multi-page
    app, and a link straight to a page opens it without the frame. Turned off here, the rerun goes through app.py.
    """
    if PagesManager.uses_pages_directory:
        PagesManager.uses_pages_directory = False
        st.rerun()
    st.header(question)


def offer_networks(sentence: str, names: Sequence[str], icon: str) -> None:
    """Ends a page that the chosen network has nothing for: a sentence, and buttons that switch to those that do."""
    st.info(f"{sentence} {', '.join(names[:-1])} and {names[-1]}.", icon=icon)
    with st.container(horizontal=True):
        for name in names:
            st.button(
                f"Switch to {name}",
                icon=":material/swap_horiz:",
                on_click=lambda name=name: st.session_state.update(model=name),
            )
    st.stop()


def chosen_variant() -> Variant:
    """The network chosen in the frame."""
    return VARIANTS[st.session_state["model"]]


def chosen_size() -> str | None:
    """The input size chosen in the frame; None for each network's own."""
    return st.session_state.get("size") or None


def chosen_graph() -> LayerGraph:
    """The trace of the chosen network at the chosen size."""
    return graph_of(chosen_variant().name, chosen_size())


def graph_of(name: str, size: str | None = None) -> LayerGraph:
    """The trace of a network at a size, by default its own; where there is none, a sentence ends the page."""
    try:
        return _trace(name, size or str(VARIANTS[name].input_size))
    except inception.TraceError as error:
        st.error(str(error), icon=":material/error:")
        st.stop()


@st.cache_resource(max_entries=64, show_spinner="Tracing the network…")
def _trace(name: str, size: str) -> LayerGraph:
    """A traced network. Graphs are frozen, so that all sessions can share one."""
    return inception.trace(name, inception.parse_size(size))


def selected_layer(graph: LayerGraph) -> Layer | None:
    """The layer selected on any page or named in the URL; None, and for a link a sentence, where there is none."""
    selected, asked = st.session_state.get("layer"), st.query_params.get("layer")
    layer = graph.layer_at(asked or selected or "")
    if layer:
        select_layer(layer)
    elif asked and asked != selected:  # not one that was selected in another network
        dead_link(f"{graph.name} has no layer called {as_name(asked)}; the layer table has those that there are.")
    return layer


def dead_link(sentence: str) -> None:
    """Says that the address asks for what there is not."""
    st.warning(sentence, icon=":material/link_off:")


def as_name(asked: str) -> str:
    """What a name can hold of it: the sentence that it goes into is Markdown, and the address is anyone's."""
    return re.sub(r"[^\w.-]", " ", asked)


def select_layer(layer: Layer) -> None:
    """Selects a layer on all pages and in the URL."""
    st.session_state["layer"] = st.query_params["layer"] = layer.path


def grid_layers(graph: LayerGraph) -> list[Layer]:
    """The layers that hand on a grid of cells which each see a part of the picture."""
    return [layer for layer in graph.layers if len(layer.out_shape) == 3 and graph.receptive_fields[layer.index]]


def keep_choice(key: str, options: Collection[str], default: str) -> None:
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


def layer_box(layers: list[Layer], default: Layer, key: str) -> Layer:
    """A choice of one of the layers, kept in the session under a key, which selects it on all pages."""
    by_path = {layer.path: layer for layer in layers}
    keep_choice(key, by_path, default.path)
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


def table_height(rows: int, most: int = 14) -> int:
    """Pixels of a table that shows all its rows, or `most` of them and scrolls."""
    return 35 * (min(rows, most) + 1) + 3


@st.cache_data(max_entries=256, show_spinner="Drawing…")
def svg_of(dot: str, title: str) -> str:
    """DOT text laid out; all sessions share the drawings."""
    return diagram_svg(dot, title)


@st.cache_resource(max_entries=256, show_spinner=False)
def source_of(name: str, block: BlockType) -> BlockSource:
    """The source of a block of a network."""
    return block_source(name, block.layers)


def layer_rows(
    graph: LayerGraph,
    table: pd.DataFrame,
    columns: Sequence[str],
    selected: Layer | None,
) -> None:
    """Rows of a layer table; choosing one selects its layer everywhere, and a layer selected elsewhere is marked."""
    paths = {selected.path, *(part.path for part in selected.parts)} if selected else set()
    marked = [i for i, path in enumerate(table["path"]) if path in paths][:1]
    # With another key the table starts with the new selection.
    key = f"rows_{graph.name}_{st.session_state.get('model')}_{len(table)}_{marked}"

    def chosen() -> None:
        if rows := st.session_state[key].selection.rows:
            layer = graph.layer_at(table["path"].iloc[rows[0]])
            if layer:
                select_layer(layer)

    st.dataframe(
        table,
        hide_index=True,
        height=table_height(len(table)),
        column_order=columns,
        column_config=COLUMNS,
        key=key,
        on_select=chosen,
        selection_mode="single-row",
        selection_default={"selection": {"rows": marked}},
        placeholder="–",
    )


def picture_size(graph: LayerGraph) -> str:
    """299x299 px."""
    return f"{shape_text(graph.input_size)} px"


def legend(kinds: Sequence[Kind] = KINDS) -> None:
    """The colours of kinds of operation or stage, in words."""
    swatches = "".join(
        f'<span style="white-space:nowrap;margin-right:1rem"><span style="display:inline-block;width:.8em;height:.8em;'
        f'border-radius:3px;background:{kind.tint};border:2px solid {kind.color}"></span> {kind.name}</span>'
        for kind in kinds
    )
    st.html(f'<div style="line-height:1.9;font-size:.85rem">{swatches}</div>')


def layer_name(layer: Layer) -> str:
    """17 · Block35_1 · Branch_0 · Conv2d_1x1 · 32x35x35."""
    names = [str(layer.index), layer.block, layer.branch, layer.layer, shape_text(layer.out_shape)]
    return " · ".join(name for name in names if name)


def export_button(table: pd.DataFrame, name: str, title: str) -> None:
    """A choice of format, and a download of the table in it."""
    files = {format: (spec.suffix, spec.mime) for format, spec in FORMATS.items()}
    _export("Download these rows", files, name, lambda format: export_table(table, format, title))


def diagram_export(dot: str, name: str, caption: str) -> None:
    """A choice of format, and a download of the diagram in it with a caption."""
    files = {format: (f".{format}", mime) for format, mime in DIAGRAM_FORMATS.items()}
    _export("Download this diagram", files, name, lambda format: diagram_file(dot, format, caption))


def _export(label: str, files: dict[str, tuple[str, str]], name: str, write: Callable[[str], bytes]) -> None:
    """`files`: suffix and media type of each format. The file is written when the button is pressed."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        format = st.selectbox("Export as", list(files), key=f"{label} {name}", width=110)
        suffix, mime = files[format]
        download_button(label, lambda: write(format), name + suffix, mime)


def download_button(
    label: str,
    write: Callable[[], str | bytes],
    file_name: str,
    mime: str = "application/octet-stream",
    key: str | None = None,
) -> None:
    """A button for a file that is written when it is pressed; the page is not made anew, which would lose the file."""
    st.download_button(label, write, file_name, mime, icon=":material/download:", on_click="ignore", key=key)
