"""What the colours of a diagram show: the kind, what the trace knows, what was measured, or a reader's own numbers."""

from collections.abc import Sequence
from typing import cast, get_args

import streamlit as st

from inception.files import FileError
from inception.graph.layer import Layer
from inception.graph.layer_graph import LayerGraph
from inception.runtime.layer_times import layer_milliseconds
from inception.text import running_text
from inception.views.colouring import NAMES, TOGETHER, Colouring, Scale, Traced, number_text, traced_colouring
from inception.views.own_numbers import MAX_BYTES, OwnNumbers, read_numbers
from inception.vision.picture_notes import response_colouring
from inception.words import N_, _, ngettext
from pages.parts import address
from pages.parts.kept import kept
from pages.parts.literal import literal
from pages.parts.network_drawing import run_of
from pages.parts.streamlit_words import say_limit
from pages.parts.subject import Subject

COLOURS = {
    "kind": N_("Kind of operation"),
    "params": N_("Parameters"),
    "macs": N_("MACs"),
    "activation_bytes": N_("Activation memory"),
    "rf": N_("Receptive field"),
    "milliseconds": N_("Milliseconds, measured"),
    "response": N_("Response on this picture"),
    "own": N_("Your own numbers"),
}
OWN_TYPES = ("csv", "tsv", "txt", "json")  # of files with a reader's own numbers
NEED_PICTURE = ("milliseconds", "response")
NAMED = 5  # rows of a file in a sentence


def choose_colouring(graph: LayerGraph, subject: Subject | None, wanted: Sequence[Layer]) -> Colouring | None:
    """The control, and what the colours show; None for the kind of operation.

    wanted: the layers that are drawn, for the response. Without a subject nothing that needs a picture is offered.
    """
    options = [name for name in COLOURS if subject or name not in NEED_PICTURE]
    name = st.selectbox(
        _("Colour by"), options, format_func=lambda name: _(COLOURS[name]), key=address.choice("colour", options)
    )
    if name == "own":
        return _own_colouring(graph)
    if name in get_args(Traced):
        return traced_colouring(graph, cast("Traced", name))
    if name == "milliseconds" and subject:
        return _measured(subject)
    if name == "response" and subject:
        return response_colouring(run_of(subject, wanted))
    return None


def _measured(subject: Subject) -> Colouring:
    """The milliseconds of each layer; measured once for a subject."""

    def measure() -> dict[int, float]:
        with st.spinner(_("Timing every layer…")):
            return dict(layer_milliseconds(subject.network, subject.prepared, subject.graph))

    return Colouring(_(NAMES["milliseconds"]), kept("layer_times", subject.key, measure))


def _own_colouring(graph: LayerGraph) -> Colouring | None:
    """Takes a file, and says which of its rows are about this network."""
    say_limit("own_numbers", MAX_BYTES >> 20, OWN_TYPES)
    file = st.file_uploader(
        _("Numbers for layers (CSV or JSON)"),
        type=OWN_TYPES,
        max_upload_size=MAX_BYTES >> 20,
        key="own_numbers",
        help=_(
            "A row for each layer: its path or its name in the layer table, and any columns of numbers. The layer "
            "table's own CSV will do, and so does node data for Google's Model Explorer. It stays in this session."
        ),
    )
    numbers: OwnNumbers | None = st.session_state.get("own_numbers_read")
    if file is not None:
        try:
            numbers = st.session_state["own_numbers_read"] = read_numbers(file.getvalue(), file.name)
        except FileError as error:
            st.error(literal(str(error)), icon=":material/error:")
    if numbers is None:
        return None
    columns = list(numbers.columns)
    column = st.selectbox(_("Column"), columns, key=address.choice("own_column", columns))
    address.leave_out("own_column")  # what stands in a reader's file stays in the session
    together = st.selectbox(
        _("A box of several layers shows"),
        list(TOGETHER),
        format_func=lambda name: _(TOGETHER[name]),
        key=address.choice("own_together", TOGETHER, "mean"),
    )
    match = numbers.match(graph, column, together)
    line = ngettext(
        "{file}: {layers} of {count} layer has a number.",
        "{file}: {layers} of {count} layers have a number.",
        len(graph.layers),
    ).format(file=literal(numbers.file), layers=match.layers, count=len(graph.layers))
    if match.lost:
        names = _(", ").join(literal(name[:60]) for name in match.lost[:NAMED])
        lost = ngettext(
            "{count} row is about no layer of this network, or about several: {names}.",
            "{count} rows are about no layer of this network, or about several: {names}.",
            len(match.lost),
        )
        if len(match.lost) > NAMED:
            lost = _("{count} rows are about no layer of this network, or about several, such as {names}.")
        line = running_text(line, lost.format(count=len(match.lost), names=names))
    st.caption(line)
    return match.colouring if match.layers else None


def colour_legend(name: str, scale: Scale) -> None:
    """The colours of numbers: a bar from the lowest to the highest, and whether the scale is logarithmic."""
    stops = ", ".join(scale.color(_at(scale, place / 8)) for place in range(9))
    marks = "".join(f"<span>{number_text(mark)}</span>" for mark in scale.marks)
    title = _("Colour: {name}")
    if scale.log:
        title = _("Colour: {name}, on a logarithmic scale; white is 0")
    st.html(
        f'<div class="legend" style="font-size:.85rem;max-width:24rem">{title.format(name=literal(name))}'
        f'<div style="height:.8em;border:1px solid #767676;border-radius:3px;'
        f'background:linear-gradient(to right,{stops})"></div>'
        f'<div style="display:flex;justify-content:space-between">{marks}</div></div>'
    )


def _at(scale: Scale, share: float) -> float:
    """The number at a share of the scale."""
    if scale.log:
        return float(scale.low * (scale.high / scale.low) ** share) if scale.low > 0 else scale.high * share
    return scale.low + (scale.high - scale.low) * share
