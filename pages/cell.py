"""One cell: how much of your picture can it see?"""

from functools import partial
from typing import Any

import streamlit as st

from inception import LayerGraph
from inception.graph.layer import Layer
from inception.graph.spoken import spoken_layers
from inception.text import running_text, shape_text
from inception.views.findings import seen_by
from inception.vision.cell_field import CellField, cell_field, draw_field, field_box, growing_layers, noise_pictures
from inception.vision.cell_html import uri
from inception.vision.cell_text import place_name
from inception.vision.maps import npz_bytes, png_bytes
from inception.words import N_, _
from pages.figures import common as figures
from pages.parts import address, components, frame, selection, tables
from pages.parts.cell_view import chosen_place, place_key, record_of, show_cell
from pages.parts.finding import finding
from pages.parts.glossary import prose
from pages.parts.kept import kept
from pages.parts.subject import Subject, choose_subject, crop_note, weights_note
from pages.parts.timing import show_timing

ON_PICTURE, ON_NOISE = N_("On your picture"), N_("On noise")
NOISE = 8  # pictures
FIELDS = 8  # whose gradients a session keeps, so that the way back to a cell takes no pass


def choose_layer(graph: LayerGraph) -> Layer:
    """A layer whose cells each see a part of the picture; it is selected on all pages.

    At first one whose field is smaller than the picture, half-way to where it is larger.
    """
    layers = selection.grid_layers(graph)
    smaller = [layer for layer in layers if max(graph.receptive_field(layer).size) < min(graph.input_size)]
    box, button = st.columns([3, 1], vertical_alignment="bottom")
    with box:
        first = smaller[len(smaller) // 2] if smaller else layers[0]
        chosen = selection.layer_box(graph, layers, first, "cell_layer")
    last = [layer for layer in graph.grids if layer in layers][-1:]
    if last:
        help_ = _("The end of the last block, before the picture becomes one list of numbers")
        to_it = partial(selection.select_layer, last[0])
        button.button(
            _("Last grid"), icon=":material/last_page:", help=help_, on_click=to_it, disabled=chosen == last[0]
        )
    return chosen


def choose_cell(layer: Layer) -> None:
    """Sliders and a number for the channel and the cell that the address names."""
    channels, rows, columns = layer.out_shape

    def slider(name: str, label: str, alone: str, count: int) -> None:
        if count == 1:
            prose(alone, small=True)
        else:
            st.slider(label.format(last=count - 1), 0, count - 1, key=place_key(name, layer))

    slider("row", _("Row, 0 to {last}"), _("The grid has one row."), rows)
    slider("column", _("Column, 0 to {last}"), _("The grid has one column."), columns)
    st.number_input(_("Channel"), 0, channels - 1, key=place_key("channel", layer))


def show_growth(subject: Subject, selected: Layer) -> None:
    """The field of the middle cell, from the first layer to the last, as far as it grows."""
    graph = subject.graph
    names = spoken_layers(graph.layers)
    height, width = graph.input_size
    steps: list[dict[str, Any]] = []
    places = []
    for layer in growing_layers(graph):
        box = field_box(graph, layer, (layer.out_shape[1] // 2, layer.out_shape[2] // 2))
        sees = _("sees {field} pixels")
        if max(box.size[0] - height, box.size[1] - width) >= 0:
            sees = _("sees {field} pixels, all of the picture")
        places.append(layer.index)
        steps.append(
            {
                "path": layer.path,
                "name": names[layer.index].whole,
                "code": place_name(layer),
                "field": sees.format(field=shape_text(box.size)),
                "box": [box.top, box.left, *box.size],
            }
        )
    texts = {
        "start": _("Play from the first layer"),
        "stop": _("Stop"),
        "next": _("Next layer"),
        "open": _("Open this layer"),
        "label": _("Layer, from the first to the last"),
    }
    here = max((i for i, index in enumerate(places) if index <= selected.index), default=0)
    data = {
        "picture": uri(subject.prepared, "jpeg"),
        "size": [height, width],
        "layers": steps,
        "here": here,
        "texts": texts,
    }
    st.subheader(_("How the field grows"))
    components.growth(data, "growth", lambda path: open_layer(graph, path))


def open_layer(graph: LayerGraph, path: str) -> None:
    """Selects the layer of a path."""
    if layer := graph.layer_at(path):
        selection.select_layer(layer)


def field_of(subject: Subject, layer: Layer, cell: tuple[int, int], channel: int | None, on: str) -> CellField:
    """The field of the cell; those of the last cells are kept in the session."""

    def look() -> CellField:
        pictures = [subject.prepared] if on == ON_PICTURE else noise_pictures(subject.graph.input_size, NOISE)
        bar = st.progress(0.0, _("Forwards to the cell and back to the pixels…"))

        def progress(done: int, total: int) -> None:
            bar.progress(done / total, _("Picture {done} of {total}").format(done=done, total=total))

        found = cell_field(subject.network, pictures, subject.graph, layer, cell, channel, progress)
        bar.empty()
        return found

    return kept("field", (subject.key, layer.path, cell, channel, on), look, most=FIELDS)


def explained(subject: Subject, field: CellField) -> str:
    """What is drawn, as far as it is to be seen."""
    height, width = subject.graph.input_size
    if field.box.within(height, width).size == (height, width):
        exact = _(
            "The **exact receptive field** covers the whole picture: every pixel can change the cell. What lies beyond "
            "the picture is zeros."
        )
    else:
        exact = _(
            "The frame is the **exact receptive field**: a pixel outside it cannot change the cell at all. What lies "
            "beyond the picture is zeros."
        )
    effective = _(
        "Bright is where a small change of the picture changes the cell most: the **effective field**. More paths lead "
        "to the cell from round the cross, the middle, than from the edge, so before training it is densest there (Luo "
        "et al. 2016). What a network learns can move it, and so can the picture. The dashed square holds 95 % of it."
    )
    return running_text(exact, effective)


frame.open_page("cell")
controls, result = st.container(key="result_first").columns([1, 3], gap="large")
with controls:
    subject = choose_subject()
with result:
    weights_note(subject)
    crop_note(subject)
    layer = choose_layer(subject.graph)
    finding(seen_by(subject.graph, layer))
    seen = record_of(subject, layer)
place = chosen_place(layer, seen)
with controls:
    choose_cell(layer)
    gradients = [ON_PICTURE, ON_NOISE]
    on = st.radio(_("Gradient"), gradients, format_func=_, key=address.choice("gradient", gradients, code=address.slug))
    together = st.toggle(
        _("Of all {count:,} channels together").format(count=layer.out_shape[0]), key=address.switch("together")
    )
with result:
    looks = st.container()  # filled last: its gradient takes longer than the arithmetic
    st.subheader(_("What the number is made of"))
    show_cell(subject, layer, place, "cell_cell")
    query = {"model": subject.network.name, "layer": layer.path}
    with st.container(horizontal=True):
        st.page_link(
            "pages/inside.py",
            label=_("Through the network, from here"),
            icon=":material/layers:",
            query_params=query | place.query,
        )
        st.page_link("pages/atlas.py", label=_("Its block in the atlas"), icon=":material/map:", query_params=query)
    show_growth(subject, layer)
with looks:
    cell = place.row, place.column
    field = field_of(subject, layer, cell, None if together else place.channel, on)
    drawing = draw_field(subject.prepared, field)
    figure, beside = st.columns([3, 2], gap="medium")
    figure.image(drawing, width="stretch", alt=_("What the cell sees, on the picture"))
    shares = field.shares()
    if len(shares):
        figure.plotly_chart(figures.share_curve(shares, max(field.box.size)), config=figures.PLAIN)
    side = field.side_holding(0.95)
    with beside:
        st.metric(_("Exact field, pixels"), shape_text(field.box.size))
        st.metric(_("Holds 95 % of the gradient, pixels"), f"{side}x{side}" if side else "–")
        prose(field.meaning)
        prose(explained(subject, field))
    name = f"{subject.network.name}_{layer.block}_{layer.layer}_row_{cell[0]}_column_{cell[1]}"
    with tables.exports(name):
        tables.download_button(
            _("Picture (PNG)"),
            lambda: png_bytes(drawing),
            f"{name}.png",
            "image/png",
        )
        tables.download_button(
            _("Gradient (NPZ)"),
            lambda: npz_bytes(gradient=field.gradient),
            f"{name}.npz",
        )
        tables.table_export(shares, f"{name}_shares", _("{name}: share of the gradient").format(name=name))
with result:
    show_timing(subject.network, subject.prepared)
