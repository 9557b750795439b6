"""Two networks compared: what is the same, what has changed, and what only one of them has."""

import pandas as pd
import streamlit as st

from inception.graph.blocks import BlockType, block_types
from inception.size import Size
from inception.views.changes import CHANGES
from inception.views.comparison_table import overlay_table, side_by_side_table
from inception.views.diagram import diagram_caption
from inception.views.overlay import overlay_dot
from inception.views.overview import Cell, change_of_row, side_by_side, side_by_side_dot
from inception.words import _
from inception.zoo import VARIANTS
from pages.parts import address, choices, components, diagrams
from pages.parts.same_table import same_table

Row = list[Cell | None]


def compare_networks() -> None:
    """The chosen network beside another one, stage by stage; a click lays both versions of a stage over each other."""
    name = choices.chosen_variant().name
    others = [other for other in VARIANTS if other != name]
    default = choices.chosen_variant().other_version or others[0]
    other = st.selectbox(_("Compared with"), others, key=address.choice("against", others, default))
    size = choices.chosen_size() or Size.square(max(VARIANTS[each].input_size for each in (name, other)))
    graphs = [choices.graph_of(each, size) for each in (name, other)]
    rows = side_by_side(graphs)
    by_cell = {cell.id: row for row in rows for cell in row if cell}
    st.caption(_("All for a picture of {size}.").format(size=choices.picture_size(graphs[0])))
    wide, beside = st.columns([1, 1], gap="large")
    dot = side_by_side_dot(graphs, changes=True)
    opened = next((row for row in rows if _part(row) == st.session_state.get("atlas_part")), None)
    opened = opened or next((row for row in rows if all(row) and change_of_row(row) is not CHANGES[0]), rows[0])
    with wide:
        diagrams.legend(CHANGES)
        components.diagram(
            diagrams.svg_of(dot, _("{one} and {other} compared").format(one=name, other=other)),
            key="atlas_compared",
            selected=next(cell.id for cell in opened if cell),
            on_click=lambda id: st.session_state.update(atlas_part=_part(by_cell[id])) if id in by_cell else None,
        )
        show_as_table(side_by_side_table(graphs), f"{name}_{other}", f"{name}, {other}", "atlas_compared_table")
        diagrams.diagram_export(dot, f"{name}_{other}", diagram_caption(graphs[0], _("Stages"), graphs[1]))
    with beside:
        _show_row(opened, name, other)


def _part(row: Row) -> str:
    """What tells a row from others, whatever the networks: the paper's name of its stage."""
    return next(cell.boxes[-1].stage for cell in row if cell).replace("Inception-ResNet-", "Inception-")


def _show_row(row: Row, name: str, other: str) -> None:
    """The blocks of a row: both versions in one diagram, or the one that there is."""
    st.subheader(_part(row))
    for cell in row:
        if cell and cell.differences:
            st.markdown("\n".join(f"- {text}" for text in cell.differences))
    kinds = [_kinds(cell) for cell in row]
    first, second = (found[-1].layers if found else () for found in kinds)
    title = _("{block}, both versions").format(block=_part(row))
    dot = overlay_dot(first, second, (name, other), title, changes=True)
    components.diagram(diagrams.svg_of(dot, title), key="atlas_overlay", selected=None, on_click=lambda _box: None)
    sentence = _("Where they differ: {network} / {other}. Dashed boxes are in one of the two only.")
    st.caption(sentence.format(network=name, other=other))
    table = overlay_table(first, second, (name, other))
    show_as_table(table, f"{name}_{other}_{_part(row)}", title, "atlas_overlay_table")


def _kinds(cell: Cell | None) -> list[BlockType]:
    """The kinds of blocks of a cell."""
    if cell is None:
        return []
    stages = {box.stage for box in cell.boxes}
    return [kind for kind in block_types(cell.graph.layers) if kind.layers[0].stage in stages]


def show_as_table(table: pd.DataFrame, name: str, title: str, key: str) -> None:
    """What a diagram of several networks shows, as a table that opens, and as a file."""
    shown = table.assign(change=table["change"].map(_)) if "change" in table else table
    columns = {
        "part": _("Stage"),
        "network": _("Network"),
        "stages": _("Name in the paper"),
        "blocks": _("Blocks"),
        "out_shape": _("Output"),
        "branch": _("Branch"),
        "layer": _("Layer"),
        "params": st.column_config.NumberColumn(_("Parameters"), format="localized"),
        "macs": st.column_config.NumberColumn(_("MACs"), format="localized"),
        "differences": _("Differences"),
        "change": _("Change"),
    }
    for column in table.columns:
        quantity, _slash, network = column.partition("/")
        if network:  # one of two versions
            label = _("Parameters, {network}") if quantity == "params" else _("Output, {network}")
            columns[column] = label.format(network=network)
    same_table(shown, name, title, key, column_config=columns)
