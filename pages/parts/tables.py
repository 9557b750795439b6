"""Tables on a page: their columns, heights and downloads."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import pandas as pd
import streamlit as st
from streamlit.elements.lib.column_types import ColumnConfig

from inception import LayerGraph
from inception.graph.layer import Layer
from inception.views.export import FORMATS, export_table
from inception.views.numbers import with_columns
from inception.words import _, current, speaking
from pages.parts import components
from pages.parts.glossary import meaning
from pages.parts.printing import printable_table
from pages.parts.selection import select_layer

BLOCK_COLUMNS = [
    "index",
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


def layer_columns() -> dict[str, ColumnConfig]:
    """How each column of a layer table is shown, in the reader's language."""
    return {
        "index": st.column_config.NumberColumn("#", width=36),
        "block": st.column_config.TextColumn(_("Block"), width=110, help=meaning("block", _("TF-Slim's name"))),
        "repeat": st.column_config.NumberColumn("×", width=40, help=_("How often the block stands in a row")),
        "branch": st.column_config.TextColumn(_("Branch"), width=72, help=meaning("branch")),
        "layer": st.column_config.TextColumn(_("Layer"), width=116, help=_("TF-Slim's name inside the branch")),
        "op": st.column_config.TextColumn(_("Operation"), width=88),
        "out_shape": st.column_config.TextColumn(_("Output"), width=84, help=_("Channels x height x width")),
        "kernel": st.column_config.TextColumn(_("Kernel"), width=58, help=meaning("kernel")),
        "stride": st.column_config.TextColumn(_("Stride"), width=46, help=meaning("stride", _("Height x width"))),
        "padding": st.column_config.TextColumn(
            _("Padding"), width=62, help=meaning("padding", _("SAME keeps the grid, VALID adds no zeros"))
        ),
        "params": st.column_config.NumberColumn(
            _("Parameters"),
            width=80,
            format="localized",
            help=meaning("parameters", _("With the batch norm; of all × blocks where folded")),
        ),
        "macs": st.column_config.NumberColumn(
            _("MACs"),
            width=98,
            format="localized",
            help=meaning("mac", _("Multiply-accumulates for one picture; of all × blocks where folded")),
        ),
        "flops": st.column_config.NumberColumn(_("FLOPs"), width=98, format="localized", help=meaning("flop")),
        "rf": st.column_config.TextColumn(
            _("Field"),
            width=82,
            help=meaning("receptive-field", _("The receptive field, height x width in pixels of the picture")),
        ),
        "dropped": st.column_config.TextColumn(
            _("Drop"), width=46, help=_("Dropped: input rows x columns at the end that no window reaches")
        ),
        "pad": st.column_config.TextColumn(
            _("Zeros"), width=58, help=meaning("padding", _("Added at the top, bottom, left, right"))
        ),
        "in_shape": st.column_config.TextColumn(_("Input"), help=_("Channels x height x width")),
        "activation_bytes": st.column_config.NumberColumn(_("Output bytes"), format="localized", help=_("In float32")),
        "rf_stride": st.column_config.TextColumn(
            _("Field's stride"), help=_("Pixels between neighbouring cells' fields")
        ),
        "rf_offset": st.column_config.TextColumn(
            _("Field's offset"), help=_("Where the first field starts, in pixels")
        ),
        "stage": st.column_config.TextColumn(_("Stage"), help=_("The paper's name")),
        "path": st.column_config.TextColumn(_("Path in the model")),
    }


def short_numbers() -> dict[str, ColumnConfig]:
    """How columns of large numbers are shown in little room: 1.5M."""
    numbers = {"params": (_("Params"), 60), "macs": (_("MACs"), 54), "flops": (_("FLOPs"), 56)}
    return {
        name: st.column_config.NumberColumn(label, width=width, format="compact")
        for name, (label, width) in numbers.items()
    }


def short_columns() -> dict[str, ColumnConfig]:
    """The same, and the layers of a table of `with_short_names`."""
    layer = st.column_config.TextColumn(
        _("Layer"), width=166, help=_("TF-Slim's name of the block, and of the layer inside it")
    )
    return short_numbers() | {"layer": layer}


def with_short_names(table: pd.DataFrame) -> pd.DataFrame:
    """A layer table whose layers are told by one name: Mixed_5b Conv2d_0a_1x1."""
    names = [" ".join(filter(None, pair)) for pair in zip(table["block"], table["layer"], strict=True)]
    return table.assign(layer=names)


def table_height(rows: int, most: int = 14) -> int:
    """Pixels of a table that shows all its rows, or `most` of them and scrolls."""
    return 35 * (min(rows, most) + 1) + 3


def show_table(table: pd.DataFrame, **options: Any) -> None:
    """A table with what `st.dataframe` takes besides; on paper all its rows stand, where the screen scrolls."""
    st.dataframe(table, hide_index=True, **options)
    columns, configs, nothing = (options.get(name) for name in ("column_order", "column_config", "placeholder"))
    st.html(printable_table(table, columns, configs, nothing or ""))


def layer_rows(
    graph: LayerGraph,
    table: pd.DataFrame,
    columns: Sequence[str],
    selected: Layer | None,
    configs: Mapping[str, ColumnConfig] | None = None,
) -> None:
    """Rows of a layer table; a click in one selects its layer everywhere, and a layer selected elsewhere is marked.

    Whoever has chosen a row here sees it; one that was chosen elsewhere is scrolled to. After a choice the container
    with the key `explanation` comes into sight.
    """
    position = row_of(table, selected)
    marked = [] if position is None else [position]
    key = f"rows_{graph.name}_{len(table)}"

    def chosen() -> None:
        selection = st.session_state[key]["selection"]
        cells = [row for row, _column in selection["cells"]]
        # A click in the first column chooses a row, one anywhere else a cell of it.
        rows = selection["rows"] if selection["rows"] != marked else cells
        if rows and (layer := graph.layer_at(table["path"].iloc[rows[0]])):
            select_layer(layer)
            st.session_state["chosen_in_table"] = layer.path
            st.session_state["rows_chosen"] = st.session_state.get("rows_chosen", 0) + 1

    shown = st.session_state[key]["selection"] if key in st.session_state else {"rows": [], "cells": []}
    if shown["rows"] != marked:
        # A cell of another row would not answer to the next click on it.
        cells = [cell for cell in shown["cells"] if cell[0] in marked and cell[1] in table]
        st.session_state[key] = {"selection": {"rows": marked, "columns": [], "cells": cells}}
    show_table(
        table,
        height=table_height(len(table)),
        column_order=columns,
        column_config=layer_columns() | dict(configs or {}),
        key=key,
        on_select=chosen,
        selection_mode=["single-row", "single-cell"],
        placeholder="–",
    )
    elsewhere = selected and selected.path != st.session_state.get("chosen_in_table")
    turn = st.session_state.get("rows_chosen", 0)
    components.bring_into_view("explanation", turn, key, position if elsewhere else None)


def row_of(table: pd.DataFrame, layer: Layer | None) -> int | None:
    """Where a layer table has a layer: the first of its rows, from 0; None where it has none."""
    paths = {layer.path, *(part.path for part in layer.parts)} if layer else set()
    return next((row for row, path in enumerate(table["path"]) if path in paths), None)


def stops(graph: LayerGraph, table: pd.DataFrame) -> list[str]:
    """The paths of the layers of a table, each once: the rows of its parts belong to a layer."""
    layers = (graph.layer_at(path) for path in table["path"])
    return list(dict.fromkeys(layer.path for layer in layers if layer))


SPLIT_FORMATS = ("csv", "xlsx")  # what spreadsheets open; JSON and Parquet hold lists of numbers anyway


@contextmanager
def exports(key: str) -> Iterator[None]:
    """Tucks away what one can take home from a figure or a table, until it is wanted."""
    with st.popover(_("Export"), icon=":material/download:", key=f"export_{key}"):
        yield


def export_button(table: pd.DataFrame, name: str, title: str, key: str | None = None, split: bool = False) -> None:
    """What `table_export` offers, tucked away."""
    with exports(key or name):
        table_export(table, name, title, key, split)


def table_export(table: pd.DataFrame, name: str, title: str, key: str | None = None, split: bool = False) -> None:
    """A choice of format, and a download of the table in it.

    key: tells the choice from others, where the name changes with what is shown. split: for spreadsheets, write sizes
    as numbers in columns of their own.
    """
    files = {format: (spec.suffix, spec.mime) for format, spec in FORMATS.items()}

    def write(format: str) -> bytes:
        rows = with_columns(table) if split and format in SPLIT_FORMATS else table
        return export_table(rows, format, title)

    file_export(_("Download these rows"), files, name, write, key)


def file_export(
    label: str,
    files: dict[str, tuple[str, str]],
    name: str,
    write: Callable[[str], bytes],
    key: str | None = None,
) -> None:
    """A choice of format, and a download in it, which is written when the button is pressed.

    files: suffix and media type of each format.
    """
    with st.container(horizontal=True, vertical_alignment="bottom"):
        format = st.selectbox(_("Export as"), list(files), key=f"{label} {key or name}", width=110)
        suffix, mime = files[format]
        download_button(label, lambda: write(format), name + suffix, mime)


def download_button(
    label: str,
    write: Callable[[], str | bytes],
    file_name: str,
    mime: str = "application/octet-stream",
    key: str | None = None,
) -> None:
    """A button for a file that is written when it is pressed; the page is not made anew, which would lose the file.

    Streamlit writes it outside of the session, which alone knows the reader's language.
    """
    language = current()

    def spoken() -> str | bytes:
        with speaking(language):
            return write()

    st.download_button(label, spoken, file_name, mime, icon=":material/download:", on_click="ignore", key=key)
