"""Atlas: what does the whole network look like, and what becomes of your picture in it?"""

from collections.abc import Collection, Mapping

import streamlit as st

from inception.graph.layer import Layer, Part
from inception.graph.layer_graph import LayerGraph
from inception.graph.spoken import spoken_layers
from inception.size import Size
from inception.text import and_list, shape_text
from inception.views.comparison_table import side_by_side_table
from inception.views.diagram import diagram_caption, parts_by_name
from inception.views.findings import costliest_stage, largest_and_smallest
from inception.views.notes import Notes
from inception.views.overview import (
    INCEPTION,
    RESIDUAL,
    STAGE_KINDS,
    Box,
    Level,
    SizeBy,
    overview_boxes,
    side_by_side,
    side_by_side_dot,
)
from inception.vision.titles import class_title
from inception.words import N_, _
from inception.zoo import VARIANTS
from pages.parts import address, choices, components, diagrams, frame, selection
from pages.parts.colour_chooser import choose_colouring, colour_legend
from pages.parts.comparison import compare_networks, show_as_table
from pages.parts.finding import finding
from pages.parts.glossary import prose
from pages.parts.kept import kept
from pages.parts.literal import literal
from pages.parts.network_drawing import NetworkDrawing, drawing_export, network_drawing, run_of
from pages.parts.opened_block import OpenedBlock, show_block
from pages.parts.same_table import overview_as_table
from pages.parts.subject import Subject, choose_subject, crop_note, weights_note

LEVELS: dict[Level, str] = {"block": N_("Blocks"), "stage": N_("Stages")}
SIZES: dict[SizeBy, str] = {
    "channels": N_("Channels"),
    "params": N_("Parameters"),
    "macs": N_("MACs"),
    "activation_bytes": N_("Activation memory"),
}
VIEWS = [N_("One network"), N_("v4, v1 and v2 side by side"), N_("Two networks compared")]
SHOWN = {"picture": N_("My picture in it"), "structure": N_("Structure only")}
NETWORKS = [variant.name for variant in VARIANTS.values() if variant.side_by_side]


def open_block(stage: str, block: str) -> None:
    """Opens a block, which stays open until another one or a layer is selected; the address says so.

    Kept are its stage and its name, because its place changes with the view and the network.
    """
    st.session_state["atlas_box"] = stage, block, st.session_state.get("layer")
    st.session_state["atlas_opened"] = block


def opened_block(graph: LayerGraph, boxes: Collection[Box], selected: Layer | None) -> OpenedBlock:
    """The block that was opened last, or named in the address; that of the selected layer where it was selected later.

    Where nothing was, the first block with branches. Where the opened block has no box in this network, the first one
    of its stage stands for it.
    """
    names = {layer.block: box for box in boxes for layer in box.layers}

    def read(text: str) -> str:
        if text not in names:
            raise ValueError(text)
        return text

    def sorry(asked: str, _shown: str) -> str:
        return _("{network} has no block called {block}.").format(network=graph.name, block=asked)

    asked, before = address.asked("opened"), st.session_state.get("atlas_box")
    if selected and asked is None and (before is None or selected.path != before[2]):
        open_block(selected.stage, selected.block)
    named = address.bind("opened", "", read, str, key="atlas_opened", sorry=sorry)
    if asked is not None and named in names:
        open_block(names[named].stage, named)
    stage, block, _then = st.session_state.get("atlas_box", (None, None, None))
    if block in names and names[block].stage == stage:
        return OpenedBlock(names[block], block)
    address.leave_out("opened")  # one of another network stays open there
    of_stage = next((box for box in boxes if box.stage == stage), None)
    box = of_stage or next((box for box in boxes if box.kind in (INCEPTION, RESIDUAL)), next(iter(boxes)))
    return OpenedBlock(box, box.layers[0].block)


def choose_layer(graph: LayerGraph) -> None:
    """The search: by what people call a layer, its name in the code or its operation."""
    spoken = spoken_layers(graph.layers)

    def label(path: str) -> str:
        layer = by_path[path]
        code = "/".join(name for name in (layer.block, layer.branch, layer.layer) if name)
        return f"{spoken[layer.index].whole} · {code} · {layer.op} · {shape_text(layer.out_shape)}"

    def jump() -> None:
        if path := st.session_state["atlas_search"]:
            layer = by_path[path]
            open_block(layer.stage, layer.block)
            selection.select_layer(layer)
            st.session_state["atlas_box"] = layer.stage, layer.block, layer.path
            st.session_state["atlas_jump"] = st.session_state.get("atlas_jump", 0) + 1
            st.session_state["atlas_search"] = None

    by_path = {layer.path: layer for layer in graph.layers}
    st.selectbox(
        _("Find a layer"),
        list(by_path),
        index=None,
        format_func=label,
        key="atlas_search",
        on_change=jump,
        placeholder=_("7x1, Mixed_6b, max pool…"),
    )


def choose_in_a_row(opened: OpenedBlock) -> None:
    """Which of equal blocks in a row is opened: they have the same form, and other weights and maps."""
    names = opened.in_a_row
    if len(names) < 2:
        return
    st.session_state["atlas_nth"] = opened.block
    st.select_slider(
        _("Which of the {count} blocks in a row").format(count=len(names)),
        names,
        key="atlas_nth",
        on_change=lambda: open_block(opened.box.stage, st.session_state["atlas_nth"]),
    )


def answer(subject: Subject, drawing: NetworkDrawing) -> None:
    """What comes out: the most probable classes, from the pass that the maps are of."""
    output = run_of(subject, [box.layers[-1] for box in drawing.boxes.values()]).output
    if subject.network.embeds:
        prose(_("Out comes an embedding of {count} numbers.").format(count=len(output)), small=True)
        return
    for row in kept("atlas_answer", subject.key, lambda: subject.network.table_of(output).head(3)).itertuples():
        st.markdown(f"**{literal(class_title(str(row.label)))}** {row.probability:.1%}")


def one_network() -> None:
    """The folded network with the picture in it, and beside it what is opened."""
    found = st.container()
    shown_control, search_control = st.columns([2, 3], vertical_alignment="bottom")
    with shown_control:
        shown = choices.choose_one(_("Show"), SHOWN, "shown")
    overview, beside = st.columns([5, 8], gap="large")
    subject = None
    if shown == "picture":
        with overview, st.expander(_("Picture and weights"), icon=":material/image:"):
            subject = choose_subject()
        with beside:
            weights_note(subject)
            crop_note(subject)
    graph = subject.graph if subject else choices.chosen_graph()
    if subject and not subject.network.trained:
        subject = None  # random maps would look like an answer
    with found:
        finding(costliest_stage(graph))
    with search_control:
        choose_layer(graph)
    with overview:
        level, size_by, in_place = looks()
        boxes = {box.id: box for box in overview_boxes(graph, level)}
        opened = opened_block(graph, boxes.values(), selection.selected_layer(graph))
        ends = [box.layers[-1] for box in boxes.values()]
        colouring = choose_colouring(graph, subject, ends)
    unfolded = parts_by_name(opened.box.layers) if in_place else {}
    drawing = network_drawing(
        graph, subject, level, size_by, [opened.box.id] if in_place else [], Notes(colouring=colouring)
    )
    with overview:
        if colouring:
            colour_legend(colouring.name, colouring.scale([box.layers for box in boxes.values()]))
        else:
            diagrams.legend(STAGE_KINDS)
        show_overview(graph, drawing, opened, subject, unfolded)
        bars = _("Bars show {quantity}: they start at 0 and share one scale, so twice the length is twice as much.")
        prose(bars.format(quantity=_(SIZES[size_by])), small=True)
        overview_as_table(graph, boxes.values(), "atlas_table", colouring)
    with beside, st.container(key="atlas_opened_block"):
        choose_in_a_row(opened)
        show_block(graph, opened, subject, colouring)
    components.bring_into_view("atlas_opened_block", st.session_state.get("atlas_turn", 0))
    drawing_export(drawing, f"{graph.name}_overview", diagram_caption(graph, _("Overview")))


def show_overview(
    graph: LayerGraph,
    drawing: NetworkDrawing,
    opened: OpenedBlock,
    subject: Subject | None,
    unfolded: Mapping[str, tuple[Layer, Part]],
) -> None:
    """The folded network, whose boxes open by a click, and what comes out of it."""

    def click(name: str) -> None:
        if name in unfolded:
            selection.select_layer(unfolded[name][0])
        elif name in drawing.boxes:
            open_block(drawing.boxes[name].stage, drawing.boxes[name].layers[0].block)
            st.session_state["atlas_turn"] = st.session_state.get("atlas_turn", 0) + 1

    components.diagram(
        drawing.svg,
        key="atlas_overview",
        selected=opened.box.id,
        on_click=click,
        jump=st.session_state.get("atlas_jump", 0),
    )
    if subject:
        answer(subject, drawing)


def looks() -> tuple[Level, SizeBy, bool]:
    """How the overview looks: what a box is, what bars show, and whether the opened box is unfolded in its place."""
    with st.expander(_("Boxes and bars"), icon=":material/tune:"):
        level = choices.choose_one(_("A box is"), LEVELS, "boxes")
        size_by = choices.choose_one(_("Bars show"), SIZES, "bars")
        in_place = st.toggle(_("Unfold the opened box in place"), key=address.switch("unfolded"))
    return level, size_by, in_place


def three_networks() -> None:
    """v4, v1 and v2 aligned by stage."""
    size = choices.chosen_size() or Size.square(max(VARIANTS[name].input_size for name in NETWORKS))
    graphs = [choices.graph_of(name, size) for name in NETWORKS]
    finding(largest_and_smallest(graphs))
    dot = side_by_side_dot(graphs)
    # A stage of a network has one cell, whose place changes with the networks.
    cells = {cell.id: cell for row in side_by_side(graphs) for cell in row if cell}
    stages = {cell.id: (cell.graph.name, cell.boxes[-1].stage) for cell in cells.values()}
    last = st.session_state.get("atlas_cell")
    opened = next((cell for cell in cells.values() if stages[cell.id] == last), None)
    titles = and_list([_(VARIANTS[name].title) for name in NETWORKS])
    diagrams.legend(STAGE_KINDS)
    components.diagram(
        diagrams.svg_of(dot, _("{networks} side by side").format(networks=titles)),
        key="atlas_three",
        selected=opened.id if opened else None,
        on_click=lambda cell: st.session_state.update(atlas_cell=stages[cell]),
    )
    st.caption(_("All for a picture of {size}.").format(size=choices.picture_size(graphs[0])))
    show_as_table(side_by_side_table(graphs), "side_by_side", titles, "atlas_three_table")
    if opened:
        box = opened.boxes[-1]
        show_block(opened.graph, OpenedBlock(box, box.layers[0].block), None, None)
    diagrams.diagram_export(dot, "side_by_side", diagram_caption(graphs[0], _("Stages"), *graphs[1:]))


frame.open_page("atlas")
view = choices.choose_view("atlas", VIEWS)
if view == VIEWS[0]:
    one_network()
elif view == VIEWS[1]:
    three_networks()
else:
    compare_networks()
