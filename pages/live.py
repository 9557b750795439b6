"""Live inference: what does the network make of your picture?"""

from pathlib import Path

import streamlit as st

import inception
from inception.models.weights import KNOWN_WEIGHTS, available_weights, weights_folder
from inception.vision import Predictor, map_image, strongest_channels
from pages import figures, widgets

SAMPLES = sorted(Path("assets/samples").glob("*.jpg"))
UNTRAINED = "untrained"
MAPS = 24
MAP_SIDE = 132  # pixels on the screen


@st.cache_resource(max_entries=3, show_spinner="Building the network and loading its weights…")
def predictor(name: str, weights: str | None) -> Predictor:
    """A network ready to run; all sessions share it."""
    return Predictor(name, weights)


def weights_title(weights: str) -> str:
    """What the list of weights shows."""
    if weights == UNTRAINED:
        return "Untrained (random weights)"
    return KNOWN_WEIGHTS[weights].title if weights in KNOWN_WEIGHTS else Path(weights).name


def choose_picture() -> bytes:
    """The reader's picture, kept when the page changes, or a sample."""
    upload = st.file_uploader("Your picture", help="JPEG, PNG, WebP, GIF, BMP or TIFF; it stays in this session.")
    if upload is not None:
        st.session_state["picture"] = upload.getvalue()
    options = [sample.stem for sample in SAMPLES]
    sample = st.pills(
        "or a sample",
        options,
        key="sample",
        bind="query-params",
        format_func=lambda stem: stem.replace("_", " "),
        on_change=lambda: st.session_state.pop("picture", None),
    )
    chosen = st.session_state.get("picture")
    return chosen or next(path for path in SAMPLES if path.stem == (sample or options[0])).read_bytes()


widgets.open_page("What does the network make of your picture?")

graph = widgets.chosen_graph()
variant = widgets.chosen_variant()
controls, picture, answer = st.columns([3, 3, 4], gap="large")

with controls:
    data = choose_picture()
    weights = st.selectbox(
        "Weights",
        [UNTRAINED, *available_weights(variant.name)],
        format_func=weights_title,
        key=f"weights_{variant.name}",
    )
    if weights in KNOWN_WEIGHTS:
        known = KNOWN_WEIGHTS[weights]
        st.caption(f"{known.source}, {known.licence}. {known.accuracy}.")
    else:
        st.caption(f"Files (.safetensors, .pt) in the folder {weights_folder()}/ of the server appear in this list.")

try:
    network = predictor(variant.name, None if weights == UNTRAINED else weights)
    prepared = network.prepare(inception.load_image(data), graph.input_size)
except (inception.ImageError, inception.CheckpointError) as error:
    answer.error(str(error), icon=":material/error:")
    st.stop()

with picture:
    st.image(prepared, caption=f"What the network sees: the centre, {widgets.picture_size(graph)}", width="stretch")

with answer:
    if not network.trained:
        st.warning(
            "**Untrained weights.** The numbers in this network are random, so it cannot name anything yet. "
            "The maps below show what its layers do to the picture all the same.",
            icon=":material/science:",
        )
    elif network.embeds:
        st.info("This network gives an embedding instead of classes.")
    else:
        with st.spinner("Running the network…"):
            top = network.classify(prepared).head(5)
        st.plotly_chart(figures.probability_bars(top), config=figures.PLAIN)

st.subheader("Inside: activation maps")
layers = {layer.index: layer for layer in graph.layers if len(layer.out_shape) == 3}
layer = layers[
    st.selectbox("Layer", list(layers), format_func=lambda index: widgets.layer_name(layers[index]), key="layer")
]
with st.spinner("Running the network…"):
    activations = network.activations(prepared, layer)
channels = strongest_channels(activations, MAPS)
st.image(
    [map_image(activations[channel], MAP_SIDE) for channel in channels],
    caption=[f"channel {channel}" for channel in channels],
)
st.caption(
    f"The {len(channels)} of {len(activations):,} channels with the strongest mean response, strongest first. "
    "Dark is a map's smallest value, bright its largest; each map has a scale of its own."
)
