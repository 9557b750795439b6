"""What diagrams show, as tables that open below them: for readers who do not see a drawing, or want its numbers."""

from collections.abc import Collection, Mapping
from typing import Any

import pandas as pd
import streamlit as st

from inception.graph.branches import branch_names
from inception.graph.layer import Layer
from inception.graph.layer_graph import LayerGraph
from inception.graph.op import Op
from inception.text import shape_text
from inception.views.colouring import Colouring, number_text
from inception.views.family import family_table
from inception.views.overview import Box
from inception.vision.every_layer import PictureRun
from inception.words import _
from pages.parts import tables
from pages.parts.glossary import meaning

COSTS = ["params", "macs", "activation_bytes"]


def same_table(table: pd.DataFrame, name: str, title: str, key: str, **options: Any) -> None:
    """A table that opens, and the file that it is to be had as.

    name, title: of the file. key: tells its export from others on the page. options: as `st.dataframe` takes them.
    """
    with st.expander(_("The same as a table"), icon=":material/table_rows:", key=f"same_table_{key}"):
        tables.show_table(table, height=tables.table_height(len(table)), **options)
        tables.export_button(table, name, title, key=key)


def overview_as_table(
    graph: LayerGraph, boxes: Collection[Box], key: str, colouring: Colouring | None = None, costs: bool = True
) -> None:
    """What an overview shows, one row a box; without its costs where they are still to be guessed."""
    rows = []
    for box in boxes:
        field = graph.receptive_fields[box.layers[-1].index]
        row = {
            "box": box.stage,
            "code": ", ".join(run.name for run in box.runs),
            "layers": len(box.layers),
            "out_shape": shape_text(box.layers[-1].out_shape),
            "params": box.params,
            "macs": box.macs,
            "activation_bytes": box.activation_bytes,
            "field": shape_text(field.size) if field else "",
        }
        row |= {"value": number_text(colouring.of(box.layers))} if colouring else {}
        rows.append(row if costs else {name: value for name, value in row.items() if name not in COSTS})
    table = pd.DataFrame(rows)
    same_table(table, f"{graph.name}_overview", graph.name, key, column_config=_columns(colouring))


def block_as_table(
    layers: tuple[Layer, ...],
    name: str,
    title: str,
    key: str,
    run: PictureRun | None = None,
    colouring: Colouring | None = None,
    costs: bool = True,
) -> None:
    """What the diagram of a block shows, one row a layer; with a run what the picture becomes in it.

    costs: False leaves them out, where they are still to be guessed.
    """
    names = branch_names(layers)
    shares = {
        index: share for layer in layers if run and layer.op == Op.CONCAT for index, share in run.shares(layer).items()
    }
    absent = [] if run else ["response", "share", "channels"]
    absent += [] if colouring else ["value"]
    absent += [] if costs else ["params", "macs"]
    rows = []
    for layer in layers:
        response = run.responses.get(layer.index) if run else None
        row = {
            "branch": names.get((layer.block, layer.branch), ""),
            "code": "/".join(name for name in (layer.block, layer.branch, layer.layer) if name),
            "op": layer.op,
            "out_shape": shape_text(layer.out_shape),
            "params": layer.params,
            "macs": layer.macs,
            "response": response.rms if response else None,
            "share": shares.get(layer.index),
            "channels": ", ".join(map(str, response.channels)) if response else "",
            "value": number_text(colouring.of((layer,))) if colouring else "",
        }
        rows.append({name: value for name, value in row.items() if name not in absent})
    same_table(pd.DataFrame(rows), name, title, key, column_config=_columns(colouring))


def family_as_table(graphs: Mapping[str, LayerGraph], key: str) -> None:
    """What the drawing of the family shows, one row a network."""
    same_table(
        family_table(graphs),
        "family",
        _("The Inception family"),
        key,
        placeholder="–",
        column_config={
            "network": _("Network"),
            "year": st.column_config.NumberColumn(_("Year"), format="%d"),
            "source": _("Source"),
            "after": _("After"),
            "added": _("What it added"),
            "params": st.column_config.NumberColumn(_("Parameters"), format="localized"),
            "layers": _("Layers"),
        },
    )


def slides_as_table(table: pd.DataFrame, name: str, title: str, key: str) -> None:
    """What the drawing of a window shows, one row an axis (`inception.views.window_table`)."""
    same_table(
        table,
        name,
        title,
        key,
        column_config={
            "axis": _("Axis"),
            "size": _("Pixels"),
            "before": _("Padding before"),
            "after": _("Padding after"),
            "kernel": _("Kernel"),
            "stride": _("Stride"),
            "out": _("Outputs"),
            "unread": _("Read by no window"),
        },
    )


def _columns(colouring: Colouring | None) -> dict[str, Any]:
    """The columns of overviews and blocks, in the reader's language."""
    return {
        "branch": st.column_config.TextColumn(_("Branch"), help=meaning("branch")),
        "box": _("Box"),
        "code": _("Name in the code"),
        "layers": st.column_config.NumberColumn(_("Layer count"), format="localized"),
        "op": _("Operation"),
        "out_shape": _("Output"),
        "params": st.column_config.NumberColumn(_("Parameters"), format="localized", help=meaning("parameters")),
        "macs": st.column_config.NumberColumn(_("MACs"), format="localized", help=meaning("mac")),
        "activation_bytes": st.column_config.NumberColumn(_("Outputs, bytes"), format="localized"),
        "field": st.column_config.TextColumn(_("Receptive field"), help=meaning("receptive-field")),
        "response": st.column_config.NumberColumn(
            _("Response"), format="%.4g", help=_("Root mean square of all values")
        ),
        "share": st.column_config.NumberColumn(
            _("Share"), format="percent", help=_("Of the concatenation that it joins")
        ),
        "channels": st.column_config.TextColumn(_("Strongest channels")),
        "value": colouring.name if colouring else "",
    }
