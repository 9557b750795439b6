"""Blocks: what does each block look like inside, and where is it written?"""

import streamlit as st

from inception.graph.blocks import BlockType, block_types, find_block
from inception.graph.layer import Layer
from inception.size import Size
from inception.text import running_text
from inception.views.comparison_table import overlay_table
from inception.views.diagram import diagram_caption, diagram_dot, node_name, parts_by_name
from inception.views.findings import costliest_branch, folded_blocks
from inception.views.overlay import overlay_dot
from inception.words import _, ngettext
from pages.parts import address, choices, components, diagrams, frame, selection, tables
from pages.parts.comparison import show_as_table
from pages.parts.finding import finding
from pages.parts.glossary import prose


def block_of(layer: Layer | None) -> BlockType | None:
    """The kind of block that a layer is in: the one it is drawn in, or for the later ones of equal blocks the first."""
    if layer is None:
        return None
    drawn_in = (block for block in types.values() if layer in block.layers)
    return next(drawn_in, None) or find_block(graph.layers, layer.block or layer.stage)


frame.open_page("blocks")

graph = choices.chosen_graph()
finding(folded_blocks(graph))
types = {block.title: block for block in block_types(graph.layers)}
selected = selection.selected_layer(graph)
of_selected = block_of(selected)
first = of_selected.title if of_selected else next(iter(types))
key = address.choice("block", types, first, code=address.slug)
title = st.pills(_("Block"), list(types), key=key, required=True) or first
block = types[title]
source = diagrams.source_of(graph.name, block)
parts = parts_by_name(block.layers)
drawn = selected if selected in block.layers else None  # not so in the later ones of equal blocks


def select_box(box: str) -> None:
    """A click on a box of the diagram; the ReLU behind a sum belongs to the sum."""
    selection.select_layer(parts[box][0])


def select_line(line: int) -> None:
    """A click on a line of the source: the layer made there, or the next one below."""
    below = [(made_at, index) for index, made_at in source.lines.items() if made_at >= line]
    if below:
        selection.select_layer(graph.layers[min(below)[1] - 1])


switches = st.container(horizontal=True, gap="large")
other = choices.chosen_variant().other_version
versions = {}
if other:
    other_graph = choices.graph_of(other, Size(*graph.input_size))
    versions = {kind.title: kind for kind in block_types(other_graph.layers)}
overlaid = title in versions and switches.toggle(
    _("Lay {network} over it").format(network=other), key=address.switch("overlay")
)
units = overlaid or not switches.toggle(_("Batch norm and ReLU in boxes of their own"), key=address.switch("opened"))
if overlaid:
    dot = overlay_dot(
        block.layers, versions[title].layers, (graph.name, other), _("{block}, both versions").format(block=title)
    )
else:
    dot = diagram_dot(block.layers, title, units)

picture, details = st.columns(2, gap="large")
with picture:
    diagrams.legend()
    components.diagram(
        diagrams.svg_of(dot, _("{block} of {network}").format(block=title, network=graph.name)),
        key="block_diagram",
        selected=node_name(drawn) if drawn and not overlaid else None,
        on_click=(lambda _box: None) if overlaid else select_box,
    )
    if overlaid:
        sentence = _("Where they differ: {network} / {other}. Dashed boxes are in one of the two only.")
        st.caption(sentence.format(network=graph.name, other=other))
    prose(
        _(
            "V: VALID padding, so no zeros are added. linear: no ReLU follows. residual x 0.1: what the branches found "
            "is multiplied by 0.1 before it is added."
        ),
        small=True,
    )
    if overlaid:
        differences = overlay_table(block.layers, versions[title].layers, (graph.name, other))
        show_as_table(differences, f"{graph.name}_{other}_{title}", title, "block_overlay_table")
    diagrams.diagram_export(
        dot,
        f"{graph.name}_{title}",
        diagram_caption(graph, _("{block}, with that of {other} over it").format(block=title, other=other))
        if overlaid
        else diagram_caption(graph, title),
    )

with details:
    prose(running_text(f"**{_(source.summary)}**", _(source.why)))
    if graph.input_size != (299, 299):
        st.caption(_("Grid sizes in the text and in the source are those for a picture of 299x299 pixels."))
    if most := costliest_branch(block.layers):
        st.markdown(most)
    if block.repeat > 1:
        repeated = ngettext(
            "It stands {count} time in a row ({blocks}). This is the first one.",
            "It stands {count} times in a row ({blocks}). This is the first one.",
            block.repeat,
        )
        st.markdown(repeated.format(count=block.repeat, blocks=block.name))
    if selected and of_selected == block:
        with st.container(key="layer_facts"):
            selection.facts(graph, selected)
        address.scroll_to("layer_facts", "layer")
    else:
        st.caption(_("Select a layer in the diagram, the table or the source."))
    several = len({layer.block for layer in block.layers}) > 1
    table = graph.table()
    rows = table[table["index"].isin([layer.index for layer in block.layers])]
    rows, columns = (
        (tables.with_short_names(rows), tables.short_columns()) if several else (rows, tables.short_numbers())
    )
    tables.layer_rows(graph, rows, tables.BLOCK_COLUMNS, drawn, columns)
    components.code(
        source.text,
        key="block_source",
        selected=source.lines.get(drawn.index) if drawn else None,
        label=_("PyTorch source of {block}").format(block=title),
        on_click=select_line,
    )
