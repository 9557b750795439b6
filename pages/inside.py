"""Inside: what becomes of your picture on its way through the network?"""

from collections.abc import Iterable
from typing import Any

import pandas as pd
import streamlit as st

from inception.text import shape_text
from inception.vision.inside import (
    Array,
    BlockMaps,
    LayerMaps,
    ResidualMaps,
    branching_blocks,
    inside_block,
    silent_channels,
    through_network,
)
from inception.vision.maps import contact_sheet, map_image, npz_bytes, png_bytes
from inception.words import _, ngettext
from pages.figures import common as figures
from pages.parts import choices, frame, selection, tables
from pages.parts.kept import kept
from pages.parts.subject import Subject, choose_subject, crop_note, weights_note
from pages.parts.timing import show_timing

MAPS = 12  # of a layer on the screen
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


def depths_of(subject: Subject) -> list[LayerMaps]:
    """What every block hands on; kept in the session until the subject changes."""

    def look() -> list[LayerMaps]:
        with st.spinner(_("Running the network once and keeping what each block hands on…")):
            return through_network(subject.network, subject.prepared, subject.graph, MAPS)

    return kept("depths", subject.key, look)


def show_maps(maps: Array, captions: list[str], signed: bool = False) -> None:
    """Maps side by side, each on its own scale; those that are 0 everywhere are named, because they would be black."""
    live = [(one, caption) for one, caption in zip(maps, captions, strict=True) if one.any()]
    silent = [caption for one, caption in zip(maps, captions, strict=True) if not one.any()]
    with st.container(horizontal=True, gap="small"):
        for one, caption in live:
            st.image(map_image(one, SIDE, signed), caption=caption, width=SIDE)
    if silent:
        sentence = _(
            ":material/visibility_off: 0 in every cell for this picture, so there is nothing to show of: {channels}."
        )
        st.caption(sentence.format(channels=_(", ").join(silent)))


def downloads(groups: Groups, table: pd.DataFrame, name: str, title: str, signed: bool = False) -> None:
    """The maps of all groups as a picture and as numbers, and the table."""
    maps = [one for maps, _ in groups.values() for one in maps]
    captions = [f"{group} {channel}" for group, (_, channels) in groups.items() for channel in channels]
    arrays: dict[str, Array | list[int]] = {}
    for group, (some, channels) in groups.items():
        prefix = f"{group}_" if len(groups) > 1 else ""
        arrays |= {f"{prefix}maps": some, f"{prefix}channels": channels}
    with st.container(horizontal=True, vertical_alignment="bottom"):
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
        tables.export_button(table, name, title)


def of_channels(channels: Iterable[int]) -> list[str]:
    """Captions of the maps of channels."""
    return [_("channel {number}").format(number=channel) for channel in channels]


def strongest(table: pd.DataFrame, maps: Array) -> list[int]:
    """The channels that the maps are of."""
    return [int(channel) for channel in table["channel"][: len(maps)]]


def show_depth(subject: Subject) -> str:
    """The slider over depth and what the block there hands on; the block's name."""
    depths = {maps.layer.block: maps for maps in depths_of(subject)}
    block = st.select_slider(
        _("Depth: from the first block to the last"), list(depths), key="depth", persist_state="session"
    )
    maps = depths[block]
    layer = maps.layer
    selection.facts(subject.graph, layer)
    channels = strongest(maps.channels, maps.maps)
    show_maps(maps.maps, of_channels(channels))
    silent = silent_channels(maps.channels)
    if silent:
        sentence = ngettext(
            ":material/volume_off: Of its {count:,} channels {silent:,} is 0 in every cell: this picture has nothing "
            "that it answers to, or its ReLU passes nothing at all.",
            ":material/volume_off: Of its {count:,} channels {silent:,} are 0 in every cell: this picture has nothing "
            "that they answer to, or their ReLU passes nothing at all.",
            silent,
        )
        st.caption(sentence.format(count=len(maps.channels), silent=silent))
    st.caption(
        _(
            "The {shown} of {count:,} channels with the strongest mean response. Dark is 0, or a map's smallest value "
            "where that is below 0. Bright is a map's largest value. Each map has a scale of its own."
        ).format(shown=len(maps.maps), count=len(maps.channels))
    )
    all_channels = _("All {count:,} channels of {block}").format(count=len(maps.channels), block=block)
    with st.expander(all_channels, icon=":material/table_rows:"):
        st.dataframe(
            maps.channels, hide_index=True, height=tables.table_height(len(maps.channels), 8), column_config=columns()
        )
        name = f"{subject.network.name}_{block}"
        title = _("{network}, {block}: channels on a picture").format(network=subject.network.name, block=block)
        downloads({"channel": (maps.maps, channels)}, maps.channels, name, title)
    return block


def show_block(subject: Subject, block: str) -> None:
    """The branches of a block before they are joined, and its two summands where it has a residual sum."""
    with st.spinner(_("Running the network and opening {block}…").format(block=block)):
        found = inside_block(subject.network, subject.prepared, subject.graph, block, MAPS)
    st.plotly_chart(figures.share_bars(found.shares), config=figures.PLAIN)
    st.caption(
        _(
            "A branch's share of the sum of squares of all values in the concatenation, beside its share of the "
            "channels: a branch whose first bar is the longer one answers this picture more strongly than its width "
            "alone explains."
        )
    )
    show_branches(found)
    branches = {part.layer.branch: (part.maps, strongest(part.channels, part.maps)) for part in found.branches}
    name = f"{subject.network.name}_{block}"
    title = _("{network}, {block}: branches").format(network=subject.network.name, block=block)
    downloads(branches, found.shares, f"{name}_branches", title)
    if found.residual is not None:
        show_residual(found.residual, name)


def show_branches(found: BlockMaps) -> None:
    """The strongest channels of each branch."""
    for branch in found.branches:
        layer = branch.layer
        st.markdown(f"**{layer.branch}**, {layer.layer}, {shape_text(layer.out_shape)}")
        show_maps(branch.maps[:6], of_channels(branch.channels["channel"][:6]))


def show_residual(residual: ResidualMaps, name: str) -> None:
    """What the shortcut carries and what the block adds."""
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
        show_maps(maps[:6], of_channels(channels), signed=True)
    st.caption(
        _(
            "The channels to which the residual adds most. Blue is below 0, red above it, white is 0; each map has a "
            "scale of its own."
        )
    )
    with st.expander(_("All channels of the sum"), icon=":material/table_rows:"):
        st.dataframe(
            residual.channels,
            hide_index=True,
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
controls, result = st.columns([1, 3], gap="large")
with controls:
    subject = choose_subject()
    goes_in = _("What goes in: {size}").format(size=choices.picture_size(subject.graph))
    st.image(subject.prepared, caption=goes_in, width="stretch")
with result:
    weights_note(subject)
    crop_note(subject)
    depth = show_depth(subject)
    show_timing(subject.network, subject.prepared)
    st.subheader(_("Inside a block"))
    blocks = branching_blocks(subject.graph)
    block = st.selectbox(
        _("Block"),
        blocks,
        index=blocks.index(depth) if depth in blocks else 0,
        key=f"opened_{subject.network.name}_{depth}",
        help=_("The blocks with branches; it follows the slider above."),
    )
    show_block(subject, block)
