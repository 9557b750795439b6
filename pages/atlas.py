"""Atlas, the home page: what does the whole network look like?"""

from collections.abc import Collection

import streamlit as st

from inception.graph.layer import Layer
from inception.graph.layer_graph import LayerGraph
from inception.size import Size
from inception.text import and_list
from inception.views.diagram import diagram_caption, diagram_dot, node_name, parts_by_name
from inception.views.findings import costliest_stage, largest_and_smallest
from inception.views.overview import (
    STAGE_KINDS,
    Box,
    Level,
    SizeBy,
    box_hover,
    overview_boxes,
    overview_dot,
    side_by_side,
    side_by_side_dot,
)
from inception.words import N_, _
from inception.zoo import VARIANTS
from pages.parts import choices, components, diagrams, frame, selection
from pages.parts.finding import finding

LEVELS: dict[Level, str] = {"block": N_("Blocks"), "stage": N_("Stages")}
SIZES: dict[SizeBy, str] = {"channels": N_("Channels"), "params": N_("Parameters"), "macs": N_("MACs")}
VIEWS = [N_("One network"), N_("v4, v1 and v2 side by side")]
NETWORKS = [variant.name for variant in VARIANTS.values() if variant.side_by_side]


def details(graph: LayerGraph, box: Box) -> None:
    """The opened box: its block as a diagram, and the layer selected in it."""
    block = box.type
    st.subheader(f"{box.stage} · {block.name} ×{block.repeat}" if block.repeat > 1 else block.title)
    st.caption(box_hover(graph, box).replace("\n", " · "))
    parts = parts_by_name(block.layers)
    selected = selection.selected_layer(graph)

    def select(name: str) -> None:
        selection.select_layer(parts[name][0])

    components.diagram(
        diagrams.svg_of(
            diagram_dot(block.layers, block.title),
            _("{block} of {network}").format(block=block.title, network=graph.name),
        ),
        key="atlas_block",
        selected=node_name(selected) if selected in block.layers else None,
        on_click=select,
    )
    if selected in box.layers:
        selection.facts(graph, selected)
    with st.container(horizontal=True):
        st.page_link(
            "pages/blocks.py",
            label=_("Source and rows of this block"),
            icon=":material/code:",
            query_params={"model": graph.name, "block": block.title},
        )
        st.page_link(
            "pages/layers.py",
            label=_("The layer table"),
            icon=":material/table_rows:",
            query_params={"model": graph.name},
        )


def open_box(box: Box) -> None:
    """Opens a box, which stays open until another one or a layer is selected.

    Kept are its stage and the first block it stands for, because its place changes with the view and the network.
    """
    st.session_state["atlas_box"] = box.stage, first_block(box), st.session_state.get("layer")


def opened_box(boxes: Collection[Box], selected: Layer | None) -> Box | None:
    """The box that was opened last; that of the selected layer where the layer was selected later, as by a link.

    Where a whole stage is one box, it stands for each of its blocks; where the opened block has no box, the stage's
    first one stands for it.
    """
    stage, block, selected_then = st.session_state.get("atlas_box", (None, None, None))
    if selected and selected.path != selected_then:
        return next((box for box in boxes if selected in box.layers), None)
    of_stage = [box for box in boxes if box.stage == stage]
    return next((box for box in of_stage if first_block(box) == block), of_stage[0] if of_stage else None)


def first_block(box: Box) -> str:
    """The name of the first block that a box stands for; no other box of its stage has it."""
    return box.layers[0].block


def one_network(graph: LayerGraph) -> None:
    """The folded network, and beside it what is opened."""
    finding(costliest_stage(graph))
    level_control, size_control, place_control = st.columns([2, 3, 3], vertical_alignment="bottom")
    level = level_control.segmented_control(
        _("A box is"), list(LEVELS), default="block", required=True, format_func=lambda level: _(LEVELS[level])
    )
    size_by = size_control.segmented_control(
        _("Width shows"), list(SIZES), default="channels", required=True, format_func=lambda size: _(SIZES[size])
    )
    in_place = place_control.toggle(_("Unfold the opened box in place"))
    boxes = {box.id: box for box in overview_boxes(graph, level)}
    opened = opened_box(boxes.values(), selection.selected_layer(graph))
    dot = overview_dot(graph, level, size_by, [opened.id] if opened and in_place else [])
    unfolded = parts_by_name(opened.layers) if opened and in_place else {}

    def click(name: str) -> None:
        if name in unfolded:
            selection.select_layer(unfolded[name][0])
        else:
            open_box(boxes[name])

    overview, beside = st.columns([1, 1], gap="large")
    with overview:
        components.diagram(
            diagrams.svg_of(dot, _("Overview of {network}").format(network=graph.name)),
            key="atlas_overview",
            selected=opened.id if opened else None,
            on_click=click,
        )
        diagrams.legend(STAGE_KINDS)
    with beside:
        if opened:
            details(graph, opened)
        else:
            st.info(
                _("Click a box to open its block here. In the block, click a layer to see its figures."),
                icon=":material/touch_app:",
            )
            st.metric(_("Parameters"), f"{graph.params:,}")
            st.metric(_("Multiply-accumulates for one picture"), f"{graph.macs:,}")
    diagrams.diagram_export(dot, f"{graph.name}_overview", diagram_caption(graph, _("Overview")))


def three_networks() -> None:
    """v4, v1 and v2 aligned by stage."""
    size = choices.chosen_size() or Size.square(max(VARIANTS[name].input_size for name in NETWORKS))
    graphs = [choices.graph_of(name, size) for name in NETWORKS]
    finding(largest_and_smallest(graphs))
    dot = side_by_side_dot(graphs)
    # A stage of a network has one cell, whose place changes with the networks.
    cells = {cell.id: cell for row in side_by_side(graphs) for cell in row if cell}
    stages = {cell.id: (cell.graph.name, cell.boxes[-1].stage) for cell in cells.values()}
    kept = st.session_state.get("atlas_cell")
    opened = next((cell for cell in cells.values() if stages[cell.id] == kept), None)
    titles = and_list([_(VARIANTS[name].title) for name in NETWORKS])
    components.diagram(
        diagrams.svg_of(dot, _("{networks} side by side").format(networks=titles)),
        key="atlas_three",
        selected=opened.id if opened else None,
        on_click=lambda cell: st.session_state.update(atlas_cell=stages[cell]),
    )
    diagrams.legend(STAGE_KINDS)
    st.caption(_("All for a picture of {size}.").format(size=choices.picture_size(graphs[0])))
    if opened:
        details(opened.graph, opened.boxes[-1])
    diagrams.diagram_export(dot, "side_by_side", diagram_caption(graphs[0], _("Stages"), *graphs[1:]))


frame.open_page("atlas")
if choices.choose_view("atlas", VIEWS) == VIEWS[0]:
    one_network(choices.chosen_graph())
else:
    three_networks()
