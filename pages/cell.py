"""One cell: how much of your picture can it see?"""

import streamlit as st

from inception import LayerGraph
from inception.graph.layer import Layer
from inception.text import shape_text
from inception.vision.cell_field import CellField, cell_field, draw_field, noise_pictures
from inception.vision.maps import npz_bytes, png_bytes
from pages.figures import common as figures
from pages.parts import frame, selection, tables
from pages.parts.kept import kept
from pages.parts.subject import Subject, choose_subject, crop_note, weights_note
from pages.parts.timing import show_timing

ON_PICTURE, ON_NOISE = "On your picture", "On noise"
NOISE = 8  # pictures


def choose_layer(graph: LayerGraph) -> Layer:
    """A layer whose cells each see a part of the picture; it is selected on all pages."""
    layers = selection.grid_layers(graph)
    return selection.layer_box(graph, layers, layers[len(layers) // 3], "cell_layer")


def choose_cell(layer: Layer) -> tuple[int, int]:
    """A row and a column of the layer's grid, at first its middle."""
    rows, columns = layer.out_shape[1:]

    def slider(name: str, count: int) -> int:
        if count == 1:
            st.caption(f"The grid has one {name.lower()}.")
            return 0
        return st.slider(f"{name} of {count}", 1, count, (count + 1) // 2, key=f"{name}_{layer.path}_{count}") - 1

    return slider("Row", rows), slider("Column", columns)


def field_of(subject: Subject, layer: Layer, cell: tuple[int, int], channel: int | None, on: str) -> CellField:
    """The field of the cell; kept in the session until something changes."""

    def look() -> CellField:
        pictures = [subject.prepared] if on == ON_PICTURE else noise_pictures(subject.graph.input_size, NOISE)
        bar = st.progress(0.0, "Forwards to the cell and back to the pixels…")

        def progress(done: int, total: int) -> None:
            bar.progress(done / total, f"Picture {done} of {total}")

        found = cell_field(subject.network, pictures, subject.graph, layer, cell, channel, progress)
        bar.empty()
        return found

    return kept("field", (subject.key, layer.path, cell, channel, on), look)


def explained(subject: Subject, field: CellField) -> str:
    """What is drawn, as far as it is to be seen."""
    height, width = subject.graph.input_size
    exact = "The frame is the **exact receptive field**: a pixel outside it cannot change the cell at all"
    if field.box.within(height, width).size == (height, width):
        exact = "The **exact receptive field** covers the whole picture: every pixel can change the cell"
    return (
        f"{exact}; what lies beyond the picture is zeros. Bright is where a small change of the picture changes the "
        "cell most: the **effective field**. More paths lead to the cell from round the cross, the middle, than from "
        "the edge, so there it is densest before training (Luo et al. 2016); what a network learns can move it, and so "
        "can the picture. The dashed square holds 95 % of it."
    )


frame.open_page("cell")
controls, result = st.columns([1, 3], gap="large")
with controls:
    subject = choose_subject()
    layer = choose_layer(subject.graph)
    cell = choose_cell(layer)
    on = st.radio("Gradient", [ON_PICTURE, ON_NOISE])
    channels = layer.out_shape[0]
    channel = st.number_input(
        "Channel", 0, channels - 1, None, placeholder=f"all {channels:,} together", key=f"channel_{layer.path}"
    )
with result:
    weights_note(subject)
    crop_note(subject)
    field = field_of(subject, layer, cell, channel, on)
    drawing = draw_field(subject.prepared, field)
    left, right = st.columns([3, 2], gap="medium")
    left.image(drawing, width="stretch")
    left.markdown(field.meaning)
    right.metric("Exact field, pixels", shape_text(field.box.size))
    side = field.side_holding(0.95)
    right.metric("Holds 95 % of the gradient, pixels", f"{side}x{side}" if side else "–")
    shares = field.shares()
    if len(shares):
        right.plotly_chart(figures.share_curve(shares, max(field.box.size)), config=figures.PLAIN)
    st.markdown(explained(subject, field))
    name = f"{subject.network.name}_{layer.block}_{layer.layer}_row_{cell[0] + 1}_column_{cell[1] + 1}"
    with st.container(horizontal=True, vertical_alignment="bottom"):
        tables.download_button(
            "Picture (PNG)",
            lambda: png_bytes(drawing),
            f"{name}.png",
            "image/png",
        )
        tables.download_button(
            "Gradient (NPZ)",
            lambda: npz_bytes(gradient=field.gradient),
            f"{name}.npz",
        )
        tables.export_button(shares, f"{name}_shares", f"{name}: share of the gradient")
    show_timing(subject.network, subject.prepared)
