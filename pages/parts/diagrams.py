"""Diagrams on a page: drawn, explained by a legend, downloaded."""

from collections.abc import Sequence

import streamlit as st

from inception.graph.blocks import BlockType
from inception.views.diagram import DIAGRAM_FORMATS, diagram_file, diagram_svg
from inception.views.kinds import KINDS, Kind
from inception.views.source import BlockSource, block_source
from inception.words import _
from pages.parts.tables import exports, file_export
from pages.parts.waiting import waiting_once


def svg_of(dot: str, title: str) -> str:
    """DOT text laid out; all sessions share the drawings."""
    with waiting_once(_("Drawing…"), ("drawing", hash((dot, title)))):
        return _svg(dot, title)


@st.cache_data(max_entries=256, show_spinner=False)
def _svg(dot: str, title: str) -> str:
    return diagram_svg(dot, title)


@st.cache_resource(max_entries=256, show_spinner=False)
def source_of(name: str, block: BlockType) -> BlockSource:
    """The source of a block of a network."""
    return block_source(name, block.layers)


def legend(kinds: Sequence[Kind] = KINDS) -> None:
    """The colours of kinds of operation or stage, in words."""
    swatches = "".join(
        f'<span style="white-space:nowrap;margin-right:1rem"><span style="display:inline-block;width:.8em;height:.8em;'
        f'border-radius:3px;background:{kind.tint};border:2px solid {kind.color}"></span> {_(kind.name)}</span>'
        for kind in kinds
    )
    st.html(f'<div class="legend" style="line-height:1.9;font-size:.85rem">{swatches}</div>')


def diagram_export(dot: str, name: str, caption: str) -> None:
    """A choice of format, and a download of the diagram in it with a caption."""
    files = {format: (f".{format}", mime) for format, mime in DIAGRAM_FORMATS.items()}
    with exports(name):
        file_export(_("Download this diagram"), files, name, lambda format: diagram_file(dot, format, caption))
