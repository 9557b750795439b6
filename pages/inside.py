"""Inside: what becomes of your picture on its way through the network?"""

from collections.abc import Hashable, Iterable, Mapping
from typing import Any

import pandas as pd
import streamlit as st

from inception import LayerGraph, words
from inception.graph.branches import branch_names
from inception.graph.layer import Layer
from inception.graph.op import Op
from inception.graph.spoken import spoken_layers
from inception.text import shape_text
from inception.views.findings import numbers_left
from inception.vision.cell_text import place_name
from inception.vision.inside import (
    Array,
    BlockMaps,
    LayerMaps,
    ResidualMaps,
    block_ends,
    block_layers,
    block_maps,
    branching_blocks,
    layer_maps,
    silent_channels,
)
from inception.vision.maps import contact_sheet, map_file, npz_bytes, png_bytes
from inception.vision.record import Record
from inception.words import _, ngettext
from pages.figures import common as figures
from pages.parts import address, choices, frame, selection, tables
from pages.parts.cell_view import Place, chosen_place, record_of, show_cell
from pages.parts.finding import finding
from pages.parts.glossary import prose
from pages.parts.kept import kept
from pages.parts.subject import Subject, choose_subject, crop_note, weights_note
from pages.parts.timing import show_timing

MAPS = 12  # of a layer on the screen
OPENS_ON = 2  # place of the layer that is shown first, whose maps still look like the picture
DRAWN = 8  # groups of maps that a session keeps as pictures
SIDE = 88  # pixels of a map on the screen
SHEET_SIDE = 160  # pixels of a map in a file

Groups = dict[str, tuple[Array, list[int]]]  # maps and their channels, by what they are of


def columns() -> dict[str, Any]:
    """The columns of the tables of channels, in the reader's language."""
    return {
        "channel": st.column_config.NumberColumn(_("Channel"), width=70, format="localized"),
        "mean": st.column_config.NumberColumn(_("Mean"), format="%.4g"),
        "largest": st.column_config.NumberColumn(_("Largest"), format="%.4g"),
        "active": st.column_config.NumberColumn(_("Active"), format="percent", help=_("Share of the cells above 0")),
        "shortcut_norm": st.column_config.NumberColumn(_("Shortcut"), format="%.4g", help=_("Euclidean norm")),
        "residual_norm": st.column_config.NumberColumn(_("Scaled residual"), format="%.4g", help=_("Euclidean norm")),
        "ratio": st.column_config.NumberColumn(_("Ratio"), format="%.3f", help=_("Residual over shortcut")),
        "cosine": st.column_config.NumberColumn(_("Cosine"), format="%.3f", help=_("Of the angle between the two")),
    }


def show_maps(key: Hashable, maps: Array, captions: list[str], signed: bool = False) -> None:
    """Maps side by side, each on its own scale; those that are 0 everywhere are named, because they would be black.

    key: what tells these maps from all others in a session, which keeps them as pictures.
    """

    def drawn() -> list[bytes]:
        return [map_file(one, SIDE, signed) if one.any() else b"" for one in maps]

    pictures = kept("inside_maps", key, drawn, most=DRAWN)
    with st.container(horizontal=True, gap="small"):
        for picture, caption in zip(pictures, captions, strict=True):
            if picture:
                st.image(picture, caption=caption, width=SIDE, alt=caption)
    silent = [caption for picture, caption in zip(pictures, captions, strict=True) if not picture]
    if silent:
        sentence = _(
            ":material/visibility_off: 0 in every cell for this picture, so there is nothing to show of: {channels}."
        )
        prose(sentence.format(channels=_(", ").join(silent)), small=True)


def downloads(groups: Groups, table: pd.DataFrame, name: str, title: str, signed: bool = False) -> None:
    """The maps of all groups as a picture and as numbers, and the table."""
    maps = [one for maps, _ in groups.values() for one in maps]
    captions = [f"{group} {channel}" for group, (_, channels) in groups.items() for channel in channels]
    arrays: dict[str, Array | list[int]] = {}
    for group, (some, channels) in groups.items():
        prefix = f"{group}_" if len(groups) > 1 else ""
        arrays |= {f"{prefix}maps": some, f"{prefix}channels": channels}
    with tables.exports(name):
        tables.download_button(
            _("{count} maps (PNG)").format(count=len(maps)),
            lambda: png_bytes(contact_sheet(maps, captions, SHEET_SIDE, signed=signed)),
            f"{name}.png",
            "image/png",
            key=f"png_{name}",
        )
        tables.download_button(
            _("{count} maps (NPZ)").format(count=len(maps)),
            lambda: npz_bytes(**arrays),
            f"{name}.npz",
            key=f"npz_{name}",
        )
        tables.table_export(table, name, title)


def of_channels(channels: Iterable[int]) -> list[str]:
    """Captions of the maps of channels."""
    return [_("channel {number}").format(number=channel) for channel in channels]


def strongest(table: pd.DataFrame, maps: Array) -> list[int]:
    """The channels that the maps are of."""
    return [int(channel) for channel in table["channel"][: len(maps)]]


def choose_layer(graph: LayerGraph) -> Layer:
    """The slider over depth and the layers of the block that it is on; what is chosen is selected on all pages."""
    ends = {layer.block: layer for layer in block_ends(graph)}
    layer = selection.selected_layer(graph) or graph.layers[OPENS_ON]
    st.session_state["depth"] = layer.block if layer.block in ends else list(ends)[-1]
    st.select_slider(
        _("Depth: from the first block to the last"),
        list(ends),
        key="depth",
        on_change=lambda: selection.select_layer(ends[st.session_state["depth"]]),
    )
    names = spoken_layers(graph.layers)
    inside = {one.path: one for one in graph.layers if (one.stage, one.block) == (layer.stage, layer.block)}
    # With a key for each block, no choice comes from the browser that is not among the options.
    key = f"inside_{graph.name}_{layer.stage}_{layer.block}"
    st.session_state[key] = layer.path
    st.selectbox(
        _("Layer"),
        list(inside),
        format_func=lambda path: selection.layer_name(inside[path], names),
        key=key,
        on_change=lambda: selection.select_layer(inside[st.session_state[key]]),
    )
    return layer


def choose_block(graph: LayerGraph) -> str:
    """The block that is opened: at first that of the slider, if it has branches, else one with a residual."""
    blocks = branching_blocks(graph)
    depth = st.session_state["depth"]
    residual = (layer.block for layer in graph.layers if layer.op == Op.RESIDUAL_SUM and layer.block in blocks)
    first = depth if depth in blocks else next(residual, blocks[0])
    return st.selectbox(
        _("Block"),
        blocks,
        key=address.choice("opened", blocks, first, key=f"opened_{graph.name}_{depth}"),
        help=_("The blocks with branches; it follows the slider above."),
    )


def show_layer(subject: Subject, layer: Layer, seen: Record) -> None:
    """A layer of the network, one of its numbers, and all its channels."""
    finding(numbers_left(subject.graph, layer))
    selection.facts(subject.graph, layer)
    place = chosen_place(layer, seen)
    show_cell(subject, layer, place, "inside_cell")
    links(subject, layer, place)
    if len(layer.out_shape) == 3:
        show_channels(subject, layer, kept("layer_maps", (subject.key, layer.path), lambda: maps_of(layer, seen)))


def maps_of(layer: Layer, seen: Record) -> LayerMaps:
    """The strongest maps of a layer, and a few numbers of all its channels."""
    return layer_maps(layer, seen[layer.index], MAPS)


def links(subject: Subject, layer: Layer, place: Place) -> None:
    """Where else the layer is shown."""
    query = {"model": subject.network.name, "layer": layer.path}
    with st.container(horizontal=True):
        pages = {
            "atlas": (_("Its block in the atlas"), "map"),
            "cell": (_("How much of the picture this cell sees"), "filter_center_focus"),
        }
        for name, (label, icon) in pages.items():
            if name == "atlas" or len(layer.out_shape) == 3:
                params = query | (place.query if name == "cell" else {})
                st.page_link(f"pages/{name}.py", label=label, icon=f":material/{icon}:", query_params=params)


def show_channels(subject: Subject, layer: Layer, maps: LayerMaps) -> None:
    """What there is to say of all channels of a layer, and its maps as files."""
    silent = silent_channels(maps.channels)
    if silent:
        sentence = ngettext(
            ":material/volume_off: Of its {count:,} channels {silent:,} is 0 in every cell: this picture has nothing "
            "that it answers to, or its ReLU passes nothing at all.",
            ":material/volume_off: Of its {count:,} channels {silent:,} are 0 in every cell: this picture has nothing "
            "that they answer to, or their ReLU passes nothing at all.",
            silent,
        )
        prose(sentence.format(count=len(maps.channels), silent=silent), small=True)
    prose(
        _(
            "The {shown} of {count:,} channels with the strongest mean response. Dark is 0, or a map's smallest value "
            "where that is below 0. Bright is a map's largest value. Each map has a scale of its own."
        ).format(shown=len(maps.maps), count=len(maps.channels)),
        small=True,
    )
    called = place_name(layer)
    all_channels = _("All {count:,} channels of {block}").format(count=len(maps.channels), block=called)
    with st.expander(all_channels, icon=":material/table_rows:"):
        tables.show_table(maps.channels, height=tables.table_height(len(maps.channels), 8), column_config=columns())
        name = f"{subject.network.name}_{layer.path}"
        title = _("{network}, {block}: channels on a picture").format(network=subject.network.name, block=called)
        channels = strongest(maps.channels, maps.maps)
        downloads({"channel": (maps.maps, channels)}, maps.channels, name, title)


def show_block(subject: Subject, block: str, seen: Record) -> None:
    """The two summands of a block where it has a residual sum, and its branches before they are joined."""
    found = kept("block", (subject.key, block), lambda: block_maps(subject.graph, block, seen, MAPS))
    layers = [layer for layer in subject.graph.layers if layer.block == block]
    names = {branch: name for (_block, branch), name in branch_names(layers).items()}
    shares = found.shares.assign(branch=[names.get(branch, branch) for branch in found.shares["branch"]])
    name = f"{subject.network.name}_{block}"
    if found.residual is not None:
        show_residual((subject.key, block), found.residual, name)
        st.markdown(_("#### Its branches"))
    bars = kept("inside_bars", (subject.key, block, words.current()), lambda: figures.share_bars(shares))
    st.plotly_chart(bars, config=figures.PLAIN)
    prose(
        _(
            "A branch's share of the sum of squares of all values in the concatenation, beside its share of the "
            "channels: a branch whose first bar is the longer one answers this picture more strongly than its width "
            "alone explains."
        ),
        small=True,
    )
    show_branches((subject.key, block), found, names)
    branches = {part.layer.branch: (part.maps, strongest(part.channels, part.maps)) for part in found.branches}
    title = _("{network}, {block}: branches").format(network=subject.network.name, block=block)
    downloads(branches, found.shares, f"{name}_branches", title)


def show_branches(key: Hashable, found: BlockMaps, names: Mapping[str, str]) -> None:
    """The strongest channels of each branch. key: of the block. names: what people call the branches."""
    for branch in found.branches:
        layer = branch.layer
        code = [layer.branch, layer.layer, shape_text(layer.out_shape)]
        st.markdown(" · ".join([f"**{names.get(layer.branch, layer.branch)}**", *code]))
        show_maps((key, layer.branch), branch.maps[:6], of_channels(branch.channels["channel"][:6]))


def show_residual(key: Hashable, residual: ResidualMaps, name: str) -> None:
    """What the shortcut carries and what the block adds. key: of the block."""
    st.markdown(_("#### Shortcut against residual"))
    metrics = st.columns(4)
    metrics[0].metric(_("Shortcut, norm"), f"{residual.shortcut_norm:,.4g}")
    metrics[1].metric(_("Residual × {scale:g}, norm").format(scale=residual.scale), f"{residual.residual_norm:,.4g}")
    metrics[2].metric(_("Ratio"), f"{residual.ratio:.3f}", help=_("Scaled residual over shortcut"))
    metrics[3].metric(_("Cosine"), f"{residual.cosine:.3f}", help=_("1: the same direction, 0: at right angles"))
    channels = residual.channels["channel"][:6]
    rows = {_("Shortcut"): residual.shortcut, _("Scaled residual"): residual.residual, _("Sum"): residual.total}
    for title, maps in rows.items():
        st.markdown(f"**{title}**")
        show_maps((key, title), maps[:6], of_channels(channels), signed=True)
    prose(
        _(
            "The channels to which the residual adds most. Blue is below 0, red above it, white is 0; each map has a "
            "scale of its own."
        ),
        small=True,
    )
    with st.expander(_("All channels of the sum"), icon=":material/table_rows:"):
        tables.show_table(
            residual.channels,
            height=tables.table_height(len(residual.channels), 8),
            column_config=columns(),
        )
        shown = strongest(residual.channels, residual.total)
        groups = {"shortcut": residual.shortcut, "residual": residual.residual, "sum": residual.total}
        downloads(
            {group: (maps, shown) for group, maps in groups.items()},
            residual.channels,
            f"{name}_residual",
            _("{name}: shortcut and residual").format(name=name),
            signed=True,
        )


frame.open_page("inside")
controls, result = st.container(key="result_first").columns([1, 3], gap="large")
with controls:
    subject = choose_subject()
    goes_in = _("What goes in: {size}").format(size=choices.picture_size(subject.graph))
    st.image(subject.prepared, caption=goes_in, width="stretch", alt=goes_in, output_format="JPEG")
with result:
    weights_note(subject)
    crop_note(subject)
    layer_place, block_place = st.container(), st.container(key="inside_a_block")
    address.scroll_to("inside_a_block", "opened")
    with layer_place:
        layer = choose_layer(subject.graph)
    with block_place:
        st.subheader(_("Inside a block"))
        block = choose_block(subject.graph)
    with layer_place:
        # One pass for both, and for the arithmetic of the layer.
        seen = record_of(subject, layer, block_layers(subject.graph, block))
        show_layer(subject, layer, seen)
    with block_place:
        show_block(subject, block, seen)
    show_timing(subject.network, subject.prepared)
