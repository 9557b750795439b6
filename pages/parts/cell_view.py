"""One number on a page: its place in session and address, the pass that is kept for it, and its arithmetic."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import streamlit as st

from inception import LayerGraph, words
from inception.graph.layer import Layer
from inception.vision.cell_arithmetic import cell_arithmetic
from inception.vision.cell_error import CellError, check_cell
from inception.vision.cell_field import field_box
from inception.vision.cell_html import STRIP, Answer, View, as_html
from inception.vision.cell_picture import draw_arithmetic
from inception.vision.maps import png_bytes, strongest_channels
from inception.vision.record import Record, record, with_sources
from inception.vision.titles import class_title
from inception.words import _
from pages.parts import address, components, selection, tables
from pages.parts.kept import kept, peek, put
from pages.parts.subject import Subject

WHOLE_PASS = 16 * 2**20  # bytes up to which a session keeps what every layer hands on; above, only what is looked at
PLACE = ("channel", "row", "column")


@dataclass(frozen=True)
class Place:
    """A number of a layer. All three count from 0."""

    channel: int
    row: int
    column: int

    @property
    def query(self) -> dict[str, str]:
        """As links say it."""
        return {name: str(getattr(self, name)) for name in PLACE}


def record_of(subject: Subject, layer: Layer, also: Sequence[Layer] = ()) -> Record:
    """What a layer hands on, those that it reads, and others; of a small network one pass is kept for all its layers.

    Of a large one the last two passes are kept. The first takes in the answer too, with which a walk begins.
    """
    graph, answer = subject.graph, len(subject.graph.layers)
    needed = {one.index for one in (*with_sources(graph, layer), *also)} | {answer}
    if sum(one.activation_bytes for one in graph.layers) <= WHOLE_PASS:
        needed = set(range(1, answer + 1))
    passes: tuple[Record, ...] = peek("cell_record", subject.key) or ()
    found = next((one for one in reversed(passes) if needed <= one.keys()), None)
    if found is None:
        known = {answer: passes[-1][answer]} if passes else {}  # so that the pass can end where the layer is
        layers = [graph.layers[index - 1] for index in sorted(needed - known.keys())]
        found = record(subject.quick, subject.prepared, layers) | known
        passes = (*passes[-1:], found)
    put("cell_record", subject.key, passes)
    return found


def chosen_place(layer: Layer, seen: Record) -> Place:
    """The number of a layer that the address names or that was chosen before; else the strongest map's middle cell."""
    first, numbers = _first(layer, seen), []
    for name, count in zip(PLACE, (*layer.out_shape, 1, 1), strict=False):
        key = place_key(name, layer)
        address.number(name, 0, count - 1, getattr(first, name), key=key)
        numbers.append(int(st.session_state[key]))
    return Place(*numbers)


def place_key(name: str, layer: Layer) -> str:
    """Under which a session keeps the channel, row or column that is chosen of a layer."""
    return f"{name}_of_{layer.path}"


def choose(layer: Layer, place: Place) -> None:
    """Chooses a number of a layer; for callbacks."""
    for name in PLACE:
        st.session_state[place_key(name, layer)] = getattr(place, name)


def _first(layer: Layer, seen: Record) -> Place:
    rows, columns = (*layer.out_shape, 1, 1)[1:3]
    return Place(strongest_channels(seen[layer.index], 1)[0], rows // 2, columns // 2)


def answers_of(subject: Subject, seen: Record) -> list[Answer]:
    """All classes, the most probable first; none where the network embeds."""
    if subject.network.embeds:
        return []
    table = subject.network.table_of(seen[len(subject.graph.layers)])
    temperature = subject.network.temperature
    return [
        Answer(place, class_title(label), logit * temperature, share)
        for place, label, logit, share in zip(
            *(table[name].tolist() for name in ("index", "label", "logit", "probability")), strict=True
        )
    ]


def show_cell(subject: Subject, layer: Layer, place: Place, key: str) -> None:
    """The arithmetic of a number of a layer, where every part is a link to where it comes from."""
    graph, seen = subject.graph, record_of(subject, layer)
    found = cell_arithmetic(subject.network, graph, seen, layer, place.channel, place.row, place.column)
    grid = len(layer.out_shape) == 3 and graph.receptive_fields[layer.index]
    view = View(
        found,
        seen,
        subject.prepared,
        field_box(graph, layer, (place.row, place.column)) if grid else None,
        kept("cell_answers", (subject.key, words.current()), lambda: answers_of(subject, seen)),
        subject.network.temperature,
        kept("strongest", (subject.key, layer.path), lambda: strongest_channels(seen[layer.index], STRIP)),
    )
    html = kept("cell_html", (subject.key, layer.path, place, words.current()), lambda: as_html(view), most=8)
    components.cell(html, key, lambda target: walk(graph, target))
    name = f"{subject.network.name}_{layer.path}_{place.channel}_{place.row}_{place.column}"
    with tables.exports(key):
        tables.download_button(
            _("This sum (PNG)"), lambda: png_bytes(draw_arithmetic(found)), f"{name}.png", "image/png"
        )
        tables.table_export(found.table(), name, _("{name}: every multiplication").format(name=name), key=key)


def walk(graph: LayerGraph, target: dict[str, Any]) -> None:
    """Goes where a link of the arithmetic leads."""
    layer = graph.layer_at(str(target["layer"]))
    place = Place(*(int(target[name]) for name in PLACE))
    if layer is None:
        return
    try:
        check_cell(layer, place.channel, place.row, place.column)
    except CellError:  # a network that has been replaced since the page was drawn
        return
    selection.select_layer(layer)
    choose(layer, place)
