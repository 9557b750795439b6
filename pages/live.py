"""Live inference: what does the network make of your picture?"""

from pathlib import Path

import streamlit as st
from PIL import Image

import inception
from inception.models.weights import KNOWN_WEIGHTS, weights_folder
from inception.vision import map_image, strongest_channels
from pages import figures, widgets

SAMPLES = {path.stem: path for path in sorted(Path("assets/samples").glob("*.jpg"))}
MAPS = 24
MAP_SIDE = 132  # pixels on the screen


@st.cache_data(max_entries=64, show_spinner="Decoding the picture…")
def prepare(data: bytes, name: str, weights: str | None, size: tuple[int, int]) -> Image.Image:
    """What the network sees of an encoded picture."""
    return widgets.predictor(name, weights).prepare(inception.load_image(data), size)


widgets.open_page("What does the network make of your picture?")

graph = widgets.chosen_graph()
controls, picture, answer = st.columns([3, 3, 4], gap="large")

with controls:
    upload = st.file_uploader(
        "Your picture",
        help="JPEG, PNG, WebP, GIF, BMP or TIFF. It stays in this session.",
        on_change=lambda: st.session_state.update(source="upload"),
    )
    problem = st.empty()
    sample = st.selectbox(
        "or a sample",
        list(SAMPLES),
        format_func=lambda stem: stem.replace("_", " "),
        key="sample",
        bind="query-params",
        on_change=lambda: st.session_state.update(source="sample"),
    )
    weights = widgets.choose_weights(graph.name)
    if weights in KNOWN_WEIGHTS:
        known = KNOWN_WEIGHTS[weights]
        st.caption(f"{known.source} ({known.licence}). {known.accuracy}")
    else:
        st.caption(f"Weight files (.safetensors, .pt) in the server's folder {weights_folder()}/ appear in this list.")

try:
    network = widgets.predictor(graph.name, weights)
except inception.CheckpointError as error:
    answer.error(str(error), icon=":material/error:")
    st.stop()

# The last upload that could be read outlives a change of the page and a bad upload after it.
if upload is not None:
    try:
        prepare(upload.getvalue(), graph.name, weights, graph.input_size)
        st.session_state["picture"] = upload.getvalue()
    except inception.ImageError as error:
        problem.error(f"{error} The picture before it stays.", icon=":material/broken_image:")
uploaded = st.session_state.get("picture") if st.session_state.get("source") == "upload" else None
data = uploaded or SAMPLES[sample].read_bytes()
prepared = prepare(data, graph.name, weights, graph.input_size)

with picture:
    st.image(prepared, caption=f"What the network sees: the centre, {widgets.picture_size(graph)}", width="stretch")

with answer:
    if not network.trained:
        st.warning(
            "**Untrained weights.** The numbers in this network are random, so it cannot name anything. What its "
            "layers do to the picture can be seen below all the same.",
            icon=":material/science:",
        )
    elif network.embeds:
        st.info("This network gives a face embedding instead of classes.", icon=":material/face:")
    else:
        with st.spinner("Running the network…"):
            top = network.classify(prepared).head(5)
        st.plotly_chart(figures.probability_bars(top), config=figures.PLAIN)

st.subheader("Inside: activation maps")
layers = {layer.path: layer for layer in graph.layers if len(layer.out_shape) == 3}
selected = widgets.selected_layer(graph)
path = st.selectbox(
    "Layer",
    list(layers),
    index=list(layers).index(selected.path) if selected and selected.path in layers else 0,
    format_func=lambda path: widgets.layer_name(layers[path]),
)
layer = layers[path]
widgets.select_layer(layer)
with st.spinner("Running the network…"):
    activations = network.activations(prepared, layer)
channels = strongest_channels(activations, MAPS)
with st.container(horizontal=True, gap="small"):
    for channel in channels:
        st.image(map_image(activations[channel], MAP_SIDE), caption=f"channel {channel}", width=MAP_SIDE)
st.caption(
    f"The {len(channels)} of {len(activations):,} channels with the strongest mean response, strongest first. "
    "Dark is a map's smallest value, bright its largest; each map has a scale of its own."
)
