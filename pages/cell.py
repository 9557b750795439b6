"""One cell: how much of your picture can it see?"""

import streamlit as st

from inception import LayerGraph
from inception.graph.layer import Layer
from inception.text import running_text, shape_text
from inception.vision.cell_field import CellField, cell_field, draw_field, noise_pictures
from inception.vision.maps import npz_bytes, png_bytes
from inception.words import N_, _
from pages.figures import common as figures
from pages.parts import frame, selection, tables
from pages.parts.kept import kept
from pages.parts.subject import Subject, choose_subject, crop_note, weights_note
from pages.parts.timing import show_timing

ON_PICTURE, ON_NOISE = N_("On your picture"), N_("On noise")
NOISE = 8  # pictures


def choose_layer(graph: LayerGraph) -> Layer:
    """A layer whose cells each see a part of the picture; it is selected on all pages."""
    layers = selection.grid_layers(graph)
    return selection.layer_box(graph, layers, layers[len(layers) // 3], "cell_layer")


def choose_cell(layer: Layer) -> tuple[int, int]:
    """A row and a column of the layer's grid, at first its middle."""
    rows, columns = layer.out_shape[1:]

    def slider(name: str, label: str, alone: str, count: int) -> int:
        if count == 1:
            st.caption(alone)
            return 0
        label = label.format(count=count)
        return st.slider(label, 1, count, (count + 1) // 2, key=f"{name}_{layer.path}_{count}") - 1

    return (
        slider("row", _("Row of {count}"), _("The grid has one row."), rows),
        slider("column", _("Column of {count}"), _("The grid has one column."), columns),
    )


def field_of(subject: Subject, layer: Layer, cell: tuple[int, int], channel: int | None, on: str) -> CellField:
    """The field of the cell; kept in the session until something changes."""

    def look() -> CellField:
        pictures = [subject.prepared] if on == ON_PICTURE else noise_pictures(subject.graph.input_size, NOISE)
        bar = st.progress(0.0, _("Forwards to the cell and back to the pixels…"))

        def progress(done: int, total: int) -> None:
            bar.progress(done / total, _("Picture {done} of {total}").format(done=done, total=total))

        found = cell_field(subject.network, pictures, subject.graph, layer, cell, channel, progress)
        bar.empty()
        return found

    return kept("field", (subject.key, layer.path, cell, channel, on), look)


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
controls, result = st.columns([1, 3], gap="large")
with controls:
    subject = choose_subject()
    layer = choose_layer(subject.graph)
    cell = choose_cell(layer)
    on = st.radio(_("Gradient"), [ON_PICTURE, ON_NOISE], format_func=_)
    channels = layer.out_shape[0]
    channel = st.number_input(
        _("Channel"),
        0,
        channels - 1,
        None,
        placeholder=_("all {count:,} together").format(count=channels),
        key=f"channel_{layer.path}",
    )
with result:
    weights_note(subject)
    crop_note(subject)
    field = field_of(subject, layer, cell, channel, on)
    drawing = draw_field(subject.prepared, field)
    left, right = st.columns([3, 2], gap="medium")
    left.image(drawing, width="stretch")
    left.markdown(field.meaning)
    right.metric(_("Exact field, pixels"), shape_text(field.box.size))
    side = field.side_holding(0.95)
    right.metric(_("Holds 95 % of the gradient, pixels"), f"{side}x{side}" if side else "–")
    shares = field.shares()
    if len(shares):
        right.plotly_chart(figures.share_curve(shares, max(field.box.size)), config=figures.PLAIN)
    st.markdown(explained(subject, field))
    name = f"{subject.network.name}_{layer.block}_{layer.layer}_row_{cell[0] + 1}_column_{cell[1] + 1}"
    with st.container(horizontal=True, vertical_alignment="bottom"):
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
        tables.export_button(shares, f"{name}_shares", _("{name}: share of the gradient").format(name=name))
    show_timing(subject.network, subject.prepared)
