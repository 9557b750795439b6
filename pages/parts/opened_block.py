"""The opened block of a network: branch by branch, with the maps of the picture at every layer."""

from dataclasses import dataclass

import streamlit as st

from inception.graph.branches import branch_names
from inception.graph.layer import Layer
from inception.graph.layer_graph import LayerGraph
from inception.graph.op import Op
from inception.text import running_text
from inception.views.colouring import Colouring
from inception.views.diagram import diagram_dot, node_name, parts_by_name
from inception.views.notes import Notes
from inception.views.overview import Box, box_hover
from inception.views.thumbnails import with_pictures
from inception.vision.every_layer import PictureRun
from inception.vision.maps import map_image
from inception.vision.picture_notes import picture_notes, share_text
from inception.words import _
from pages.parts import components, diagrams, selection
from pages.parts.colour_chooser import colour_legend
from pages.parts.glossary import prose
from pages.parts.network_drawing import pictures_of, run_of
from pages.parts.same_table import block_as_table
from pages.parts.subject import Subject

LARGE = 132  # pixels of a map of the selected layer


@dataclass(frozen=True)
class OpenedBlock:
    """What is opened: a block, or a stage whose blocks say something only together."""

    box: Box
    block: str  # TF-Slim's name of the block

    @property
    def layers(self) -> tuple[Layer, ...]:
        """What is drawn: the block, not the first of those that stand in a row; a whole stage as its kind of block."""
        if self.box.type.name == self.box.stage:
            return self.box.type.layers
        blocks = {block[0].block: block for run in self.box.runs for block in run.blocks}
        return blocks.get(self.block, self.box.type.layers)

    @property
    def in_a_row(self) -> list[str]:
        """The names of the equal blocks that it is one of."""
        runs = [run for run in self.box.runs if any(block[0].block == self.block for block in run.blocks)]
        return [block[0].block for run in runs[:1] for block in run.blocks]


def show_block(graph: LayerGraph, opened: OpenedBlock, subject: Subject | None, colouring: Colouring | None) -> None:
    """The block as a diagram, the layer selected in it, and the same as a table."""
    block, layers = opened.box.type, opened.layers
    st.subheader(f"{opened.box.stage} · {block.name} ×{block.repeat}" if block.repeat > 1 else block.title)
    st.caption(box_hover(graph, opened.box).replace("\n", " · "))
    run = run_of(subject, layers) if subject else None
    if run:
        st.markdown(finding(run, layers))
    notes = picture_notes(run, layers, colouring) if run else Notes(colouring=colouring, branches=True)
    dot = diagram_dot(layers, block.title, notes=notes)
    svg = diagrams.svg_of(dot, _("{block} of {network}").format(block=block.title, network=graph.name))
    if subject and run:
        svg = with_pictures(svg, pictures_of(subject, run, {node_name(layer): layer for layer in layers}))
    parts, selected = parts_by_name(layers), selection.selected_layer(graph)
    if colouring:
        colour_legend(colouring.name, colouring.scale([(layer,) for layer in layers]))
    else:
        diagrams.legend()
    components.diagram(
        svg,
        key="atlas_block",
        selected=node_name(selected) if selected in layers else None,
        on_click=lambda name: _select(parts[name][0]) if name in parts else None,
    )
    if run:
        prose(
            _(
                "An edge into a concatenation is as wide as the branch's share of the sum of squares of all that is "
                "joined. The maps are those of the channels with the strongest mean response, each on its own scale: "
                "dark is 0 or the smallest value, bright the largest."
            ),
            small=True,
        )
    if selected and selected in layers:
        with st.container(key="atlas_layer"):
            show_layer(graph, selected, run)
    else:
        st.caption(_("Select a layer for its figures, and the way to its maps and numbers."))
    components.bring_into_view("atlas_layer", st.session_state.get("atlas_layer_turn", 0))
    block_as_table(layers, f"{graph.name}_{block.id}", block.title, "atlas_block_table", run, colouring)
    links(graph, opened)


def _select(layer: Layer) -> None:
    """Selects a layer that was clicked, whose figures then come into sight."""
    selection.select_layer(layer)
    st.session_state["atlas_layer_turn"] = st.session_state.get("atlas_layer_turn", 0) + 1


def finding(run: PictureRun, layers: tuple[Layer, ...]) -> str:
    """What the block does with this picture, in a sentence with its ratio."""
    names = branch_names(layers)
    sentences = []
    for layer in layers:
        if layer.op == Op.CONCAT and not layer.branch and (shares := run.shares(layer)):
            source = max(shares, key=lambda index: shares[index])
            end = next((one for one in layers if one.index == source), None)
            if end and (end.block, end.branch) in names:
                sentence = _("On this picture **{branch}** gives **{share}** of the response of {block}.")
                branch, block = names[end.block, end.branch], layer.block
                sentences.append(sentence.format(branch=branch, share=share_text(shares[source]), block=block))
        if (summands := run.summands(layer)) and summands.shortcut:
            sentence = _("The residual is **{ratio}** times as long as the shortcut that it is added to.")
            sentences.append(sentence.format(ratio=f"{summands.residual / summands.shortcut:.3g}"))
    return running_text(*sentences[-2:])


def show_layer(graph: LayerGraph, layer: Layer, run: PictureRun | None) -> None:
    """The selected layer: what people call it, its figures, its maps larger, and where to go on."""
    selection.facts(graph, layer)
    response = run.responses.get(layer.index) if run else None
    if response and response.channels:
        with st.container(horizontal=True, gap="small"):
            for channel, one in zip(response.channels, response.maps, strict=True):
                caption = _("channel {number}").format(number=channel)
                st.image(map_image(one, LARGE), caption=caption, width=LARGE, alt=caption)
    query = {"model": graph.name, "layer": layer.path}
    with st.container(horizontal=True):
        st.page_link("pages/inside.py", label=_("All its maps"), icon=":material/layers:", query_params=query)
        st.page_link(
            "pages/cell.py", label=_("What a cell sees"), icon=":material/filter_center_focus:", query_params=query
        )


def links(graph: LayerGraph, opened: OpenedBlock) -> None:
    """Where to go on from a block."""
    with st.container(horizontal=True):
        st.page_link(
            "pages/blocks.py",
            label=_("Source and rows of this block"),
            icon=":material/code:",
            query_params={"model": graph.name, "block": opened.box.type.title},
        )
        st.page_link(
            "pages/layers.py",
            label=_("The layer table"),
            icon=":material/table_rows:",
            query_params={"model": graph.name},
        )
