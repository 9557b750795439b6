"""Faces: are these two pictures the same person?"""

from collections.abc import Callable, Iterable
from functools import partial
from hashlib import sha256
from typing import Any

import pandas as pd
import streamlit as st
from PIL import Image, ImageEnhance, ImageOps

import inception
from inception import LayerGraph
from inception.paths import SAMPLES
from inception.runtime.image import MAX_BYTES
from inception.runtime.predictor import PictureNetwork
from inception.runtime.turns import OutOfMemory
from inception.studies.lfw import PAPER, PAPER_SQUARED_THRESHOLD, PAPER_THRESHOLD, WIKI_TEST, lfw_table
from inception.vision.faces import (
    FARTHEST,
    MAX_PICTURES,
    MIN_SIDE,
    Face,
    FaceError,
    cosine_at,
    embeddings_npz,
    face_of,
    pair_table,
    picture_name,
)
from inception.weights.choice import WeightsChoice
from inception.zoo import VARIANTS
from pages.figures import common as figures
from pages.figures import faces as face_figures
from pages.parts import choices, frame, tables
from pages.parts.kept import forget as forget_kept
from pages.parts.kept import kept
from pages.parts.pictures import arrived, problems, release
from pages.parts.timing import show_timing
from pages.parts.weights_chooser import choose_weights, network_with

SAMPLE_NAMES = ASTRONAUT, DARK, CAMERAMAN, CAT = "astronaut", "astronaut, darker", "cameraman", "a cat"
THUMBNAIL = 76  # pixels on the screen

PAIRS: dict[str, Any] = {
    "first": st.column_config.TextColumn("First", width=110),
    "second": st.column_config.TextColumn("Second", width=110),
    "distance": st.column_config.NumberColumn("Distance", width=64, format="%.4f", help="Euclidean, from 0 to 2"),
    "verdict": st.column_config.TextColumn(
        "Verdict", width=80, help="Same where the distance is at most the threshold"
    ),
    "cosine": st.column_config.NumberColumn("Cosine", width=70, format="%.4f", help="Of the angle between embeddings"),
}
LFW: dict[str, Any] = {
    "weights": "Weights",
    "compared": st.column_config.TextColumn("Compared by", width=310),
    "accuracy": st.column_config.NumberColumn("Accuracy", format="%.4f", help="Share of LFW's pairs judged rightly"),
    "wrong": st.column_config.NumberColumn("Wrong of 6,000", format="localized"),
    "found": st.column_config.NumberColumn(
        "At 1 in 1,000",
        format="%.4f",
        help="Share of the pairs of one person that are found when the threshold lets 1 in 1,000 other pairs pass "
        "(VAL at FAR 0.001)",
    ),
    "source": st.column_config.LinkColumn("Source", display_text=r"https://([^/]+)"),
}


@st.cache_resource(show_spinner=False)
def sample_faces() -> list[Face]:
    """What the page shows before there are pictures of the reader's own."""

    def sample(file: str) -> Image.Image:
        return inception.load_image(SAMPLES / f"{file}.jpg")

    dark = ImageEnhance.Brightness(ImageOps.mirror(sample("astronaut"))).enhance(0.55)
    return [
        face_of(sample("astronaut"), ASTRONAUT).cropped(226, 122, 150),
        face_of(dark, DARK).cropped(286, 126, 124),
        face_of(sample("photographer"), CAMERAMAN).cropped(222, 138, 150),
        face_of(sample("cat"), CAT),
    ]


# Pictures never go into st.cache_data or st.cache_resource, which all sessions share.
def faces() -> list[Face]:
    """The pictures of this session."""
    return st.session_state.setdefault("faces", list(sample_faces()))


def own(pictures: Iterable[Face]) -> list[Face]:
    """Those that the reader brought."""
    return [face for face in pictures if face.name not in SAMPLE_NAMES]


def take(key: str) -> None:
    """Moves what a widget took in into the session; the first pictures of the reader's own replace the samples."""
    uploads = arrived(key)
    if not uploads:  # the widget also calls this when its files were released
        return
    pictures = list(faces()) if own(faces()) else []
    room = MAX_PICTURES - len(pictures)
    found = []
    with st.spinner("Decoding…"):
        for upload in uploads[:room]:
            name = picture_name(upload.name, [*SAMPLE_NAMES, *(face.name for face in pictures)])
            try:
                pictures.append(face_of(inception.load_image(upload.getvalue()), name))
            except (inception.ImageError, FaceError) as error:
                found.append(f"{upload.name}: {error} The other pictures stay.")
    if len(uploads) > room:
        found.append(f"At most {MAX_PICTURES} pictures can be compared at once; {len(uploads) - room} were left out.")
    for upload in uploads:
        release(upload)
    if pictures:
        st.session_state["faces"] = pictures
    st.session_state["face_problems"] = found
    st.session_state["face_widget"] = st.session_state.get("face_widget", 0) + 1


def forget() -> None:
    """Drops everything that the reader brought."""
    forget_kept("face_embeddings")
    for key in ("faces", "face_problems", "face"):
        st.session_state.pop(key, None)


def add_samples() -> None:
    """The samples beside the reader's own pictures, as many as there is room for."""
    st.session_state["faces"] = [*own(faces()), *sample_faces()][:MAX_PICTURES]


def picture_controls() -> None:
    """Uploads, the camera, and which pictures stay."""
    key = f"face_upload_{st.session_state.get('face_widget', 0)}"
    st.file_uploader(
        "Your pictures",
        accept_multiple_files=True,
        key=key,
        on_change=take,
        args=(key,),
        max_upload_size=MAX_BYTES >> 20,
        help=f"Two to {MAX_PICTURES}: JPEG, PNG, WebP, GIF, BMP or TIFF.",
    )
    for problem in problems("face_problems"):
        st.error(problem, icon=":material/broken_image:")
    # Only then does the browser ask for it.
    if st.toggle("Use the camera", help="Browsers allow it on pages served by https or from this machine."):
        key = f"face_camera_{st.session_state.get('face_widget', 0)}"
        st.camera_input("A picture from the camera", key=key, on_change=take, args=(key,))
    mine = own(faces())
    with st.container(horizontal=True):
        if len(mine) == len(faces()):
            st.button("Add the samples", icon=":material/add:", on_click=add_samples)
        st.button(
            "Forget all",
            icon=":material/delete:",
            on_click=forget,
            disabled=not mine and not problems("face_problems"),
        )
    st.caption(
        ":material/lock: Pictures and embeddings stay in this session: the server keeps them in memory, never writes "
        "them to disk, and shows them to nobody else. They are gone soon after the page is closed, or at once with "
        "*Forget all*."
    )


def threshold_control() -> float:
    """The largest distance that counts as the same person."""
    threshold = st.slider(
        "The same person up to a distance of",
        0.0,
        FARTHEST,
        round(PAPER_THRESHOLD, 2),
        0.01,
        key="face_threshold",
        persist_state="session",
        help="0 is the same point, 2 the opposite side of the sphere.",
    )
    st.caption(
        f"A cosine of at least {cosine_at(threshold):.2f}. {PAPER_THRESHOLD:.2f} is what FaceNet's authors found for "
        "LFW (below)."
    )
    return threshold


def embeddings_of(network: PictureNetwork, prepared: list[Image.Image]) -> list[Any]:
    """The embedding of each picture; those of this session that are known already are not computed again."""

    def embedding(image: Image.Image) -> Any:
        key = network.name, network.weights, image.size, sha256(image.tobytes()).digest()
        return kept("face_embeddings", key, partial(network.embed, image), most=len(prepared))

    return [embedding(image) for image in prepared]


def gallery(pictures: list[Face], prepared: list[Image.Image], graph: LayerGraph) -> None:
    """What the network sees of each picture."""
    with st.container(horizontal=True, gap="small"):
        for face, image in zip(pictures, prepared, strict=True):
            st.image(image, caption=face.name, width=THUMBNAIL)
    st.caption(f"What the network sees: the crops at {choices.picture_size(graph)}.")


def answer(pairs: pd.DataFrame, names: list[str], threshold: float, trained: bool) -> None:
    """The verdicts as a number, a picture and words; of untrained weights only what the distances are."""
    closest = pairs.nsmallest(1, "distance").iloc[0]
    nearest, count = st.columns(2)
    nearest.metric(
        "Distance" if len(pairs) == 1 else "Distance of the closest pair",
        f"{closest['distance']:.3f}",
        face_figures.verdict(closest["same"], trained) if trained else "no verdict: untrained",
        delta_color="off",
        delta_arrow="off",
        help=f"{closest['first']} and {closest['second']}",
    )
    counted = "Pairs of the same person" if trained else "Pairs within the threshold"
    count.metric(counted, f"{pairs['same'].sum()} of {len(pairs)}", help="At this threshold")
    st.plotly_chart(face_figures.distance_figure(names, pairs, threshold, trained), config=figures.PLAIN)
    same, different = (face_figures.verdict(same, trained) for same in (True, False))
    st.caption(f"Blue: {same}, at most {threshold:.2f} apart. Orange: {different}.")


# Streamlit holds on to the callbacks of widgets that are gone, so these get the name of a picture and not the picture.
def crop(name: str, change: Callable[[Face], Face]) -> None:
    """Gives a picture another square."""
    st.session_state["faces"] = [change(face) if face.name == name else face for face in faces()]


def move(name: str) -> None:
    """The square where the sliders are."""
    x, y, side = (st.session_state[f"face_{part}"] for part in ("x", "y", "side"))
    crop(name, lambda face: face.cropped(x, y, side))


def draw(name: str, chart: str) -> None:
    """The square round the box that was drawn on the picture."""
    if boxes := st.session_state[chart].selection.box:
        crop(name, lambda face: face.cropped_around(boxes[0]["x"], boxes[0]["y"]))
        st.session_state["face_drawn"] = st.session_state.get("face_drawn", 0) + 1


def remove(name: str) -> None:
    """Takes a picture out."""
    st.session_state["faces"] = [face for face in faces() if face.name != name]


def crop_controls() -> None:
    """One picture with its crop, to be moved by drawing or by sliders."""
    pictures = {face.name: face for face in faces()}
    if not pictures:
        return
    choices.keep_if_offered("face", pictures, next(iter(pictures)))
    name = st.selectbox("Crop of", list(pictures), key="face")
    face = pictures[name]
    # With another key the chart starts without the box that was drawn.
    chart = f"face_crop_{name}_{st.session_state.get('face_drawn', 0)}"
    st.plotly_chart(
        face_figures.crop_figure(face),
        config=figures.PLAIN,
        key=chart,
        on_select=partial(draw, name, chart),
        selection_mode="box",
    )
    st.caption("Draw a box round the face, or move the square:")
    width, height = face.image.size
    sliders = {
        "Centre, across": ("face_x", 0, width, face.square.x),
        "Centre, down": ("face_y", 0, height, face.square.y),
        "Side": ("face_side", MIN_SIDE, min(width, height), face.square.side),
    }
    for label, (slider, low, high, value) in sliders.items():
        st.session_state[slider] = value
        st.slider(label, low, high, key=slider, format="%d px", on_change=move, args=(name,))
    with st.container(horizontal=True):
        st.button("Centre", icon=":material/center_focus_strong:", on_click=crop, args=(name, Face.centred))
        st.button("Remove", icon=":material/close:", on_click=remove, args=(name,))


def compare(graph: LayerGraph, weights: WeightsChoice, threshold: float) -> None:
    """The pictures as the network sees them, the verdicts, and below all columns the numbers."""
    pictures = faces()
    names = [face.name for face in pictures]
    network = network_with(graph.name, weights)
    prepared = [network.prepare(face.crop(), graph.input_size) for face in pictures]
    gallery(pictures, prepared, graph)
    if len(pictures) < 2:
        st.info("Two pictures or more can be compared.", icon=":material/face:")
        return
    with st.spinner("Running the network…"):
        embeddings = embeddings_of(network, prepared)
    pairs = pair_table(names, embeddings, threshold)
    if not network.trained:
        st.warning(
            "**Untrained weights.** The numbers in this network are random. It puts all pictures close together, "
            "whoever is on them, so *same* and *different* say nothing about persons here.",
            icon=":material/science:",
        )
    answer(pairs, names, threshold, network.trained)
    show_timing(network, prepared[0])
    with below:
        numbers(pairs.assign(threshold=threshold), names, embeddings, network, graph)


def numbers(
    pairs: pd.DataFrame,
    names: list[str],
    embeddings: list[Any],
    network: PictureNetwork,
    graph: LayerGraph,
) -> None:
    """Every pair in words, and the files."""
    st.subheader("Pair by pair")
    table, files = st.columns([3, 2], gap="medium")
    table.dataframe(
        pairs.assign(verdict=[face_figures.verdict(same, network.trained) for same in pairs["same"]]),
        hide_index=True,
        column_order=list(PAIRS),
        column_config=PAIRS,
        height=tables.table_height(len(pairs), most=8),
    )
    with files:
        tables.export_button(pairs, "face_pairs", f"Distances between faces, {graph.name}")
        tables.download_button(
            "Download the embeddings (NPZ)",
            lambda: embeddings_npz(names, embeddings, graph.name, network.weights.label),
            "face_embeddings.npz",
        )
        st.caption(
            f"{len(embeddings[0])} numbers an embedding, of length 1. {graph.name} at {choices.picture_size(graph)}, "
            f"weights: {network.weights.label}, {str(network.dtype).removeprefix('torch.')} on {network.device}."
        )


def explanation() -> None:
    """What the threshold means, what others measured with one, and what the crop has to do with it."""
    st.subheader("What the threshold means")
    st.markdown(
        "The network puts each face on a sphere of radius 1 in a space of many dimensions. Two points on it are at "
        "most 2 apart, and distance *d* and angle say the same: $d^2 = 2 - 2\\cos\\theta$. The threshold is the "
        "largest distance that still counts as one person. **A small one takes one person for two, a large one takes "
        "two persons for one**; no value is free of both mistakes.\n\n"
        "Published figures come from *Labeled Faces in the Wild* (LFW): 6,000 pairs, half of them one person, and a "
        "threshold chosen on nine tenths of the pairs and tried on the last. The "
        f"[FaceNet paper]({PAPER}) (section 5.6) found {PAPER_SQUARED_THRESHOLD} for the squared distance, "
        f"{PAPER_THRESHOLD:.2f} here, with its own network. FaceNet's code finds one for the weights below in the same "
        f"way but prints none, so take {PAPER_THRESHOLD:.2f} as a start, not as a law."
    )
    lfw = lfw_table()
    st.dataframe(lfw, hide_index=True, column_config=LFW, height=tables.table_height(len(lfw)), placeholder="–")
    st.markdown(
        "Nothing in this table was measured here; *Euclidean, nothing else* is how this page compares. LFW shows "
        "well-known persons in press pictures; those who are in VGGFace2 too were not taken out of it (FaceNet's "
        "wiki). On other faces the same threshold can do far worse: a "
        "user of an older FaceNet model found that with LFW's threshold [15 % of the pairs of different persons passed]"
        "(https://github.com/davidsandberg/facenet/issues/625) on pictures of Asian faces. Choose a threshold on "
        "pictures like those it will judge, and never decide about a person by it."
    )
    st.markdown(
        "**The crop matters.** facenet-pytorch's weights expect faces found and cut out by its detector MTCNN, scaled "
        f"to 160x160 pixels, with a margin round the face: [32 of the 160 pixels]({WIKI_TEST}) in FaceNet's test, 14 "
        "in facenet-pytorch's. MTCNN's boxes are stretched to squares, not turned upright. No detector runs here: cut "
        "by hand, so that the face fills about four fifths of the square."
    )


frame.open_page("faces")
graph = choices.chosen_graph()
if not choices.chosen_variant().embeds:
    frame.offer_networks(
        f"**{graph.name} names classes, it does not compare faces.** These give an embedding, a point for each face:",
        [variant.name for variant in VARIANTS.values() if variant.embeds],
        ":material/face:",
    )

controls, result, details = st.columns([3, 5, 3], gap="medium")
below = st.container()
with controls:
    picture_controls()
    weights = choose_weights(graph.name, embedding=True)
    threshold = threshold_control()
with result:
    try:
        compare(graph, weights, threshold)
    except (FaceError, OutOfMemory) as error:
        st.error(str(error), icon=":material/error:")
with details:
    crop_controls()
explanation()
