"""Where it looks: which pixels speak for an answer?"""

import streamlit as st

from inception import LayerGraph
from inception.graph.layer import Layer
from inception.runtime.progress import Progress
from inception.text import shape_text
from inception.vision.attributions import STEPS, WINDOWS, Attribution, Target, grad_cam, integrated_gradients, occlusion
from inception.vision.inside import block_ends
from inception.vision.maps import color_bar, npz_bytes, png_bytes
from pages.parts import choices, frame, selection, tables
from pages.parts.class_search import choose_class
from pages.parts.face_pictures import CHOSEN, cropped_faces
from pages.parts.kept import peek, put
from pages.parts.subject import Subject, choose_subject, crop_note, weights_note
from pages.parts.timing import show_timing

GRAD_CAM, GRADIENTS, OCCLUSION = "Grad-CAM", "Integrated gradients", "Occlusion"
EXPLAINED = {
    GRAD_CAM: "Asks one layer: which of its cells raise the score of the class? Fast, and as coarse as the layer's "
    "grid (Selvaraju et al. 2017).",
    GRADIENTS: "Adds up the gradient along the way from a black picture to yours, pixel by pixel; all pixels together "
    "give the difference of the two scores (Sundararajan et al. 2017).",
    OCCLUSION: "Hides one part of the picture after the other and looks how far the score falls. Slow, but nothing is "
    "assumed about the network (Zeiler and Fergus 2014).",
}


def choose_target(subject: Subject) -> tuple[Target, str]:
    """What the picture is asked about: a class, or the likeness to another face; and a name of it."""
    if not subject.network.embeds:
        return choose_class(subject.network.classify(subject.prepared))
    others = {face.name: face for face in cropped_faces() if face.name != st.session_state[CHOSEN]}
    if not others:
        st.info("A face is compared with another: bring one on the page Faces.", icon=":material/face:")
        st.stop()
    other = st.selectbox("Compared with the face of", list(others))
    return subject.network.embed(others[other].seen(subject.network, subject.graph.input_size)), other


def choose_layer(graph: LayerGraph) -> Layer:
    """A layer with a grid, at first the last one, as Selvaraju et al. advise."""
    layer = selection.layer_box(graph, selection.grid_layers(graph), block_ends(graph)[-1], "looks_layer")
    st.caption(f"The map has its {shape_text(layer.out_shape[1:])} cells; earlier layers have finer grids.")
    return layer


def attribution(subject: Subject, method: str, target: Target, name: str, layer: Layer | None) -> Attribution | None:
    """The map, kept in the session until something changes; None until the reader asks for the long work."""
    asked = target if isinstance(target, int) else target.tobytes()
    key = (subject.key, method, asked, layer.path if layer else None)
    known = peek("attribution", key)
    if isinstance(known, Attribution):
        return known
    if method == GRAD_CAM:
        assert layer is not None
        with st.spinner("Forwards and backwards through the network once…"):
            result = grad_cam(subject.network, subject.prepared, subject.graph, layer, target)
    else:
        passes = f"{STEPS} times forwards and backwards" if method == GRADIENTS else f"about {WINDOWS**2} times"
        if not st.button(f"Run the network {passes}", icon=":material/play_arrow:", type="primary"):
            return None
        st.button("Stop computing", icon=":material/stop:")  # any click ends a run
        bar = st.progress(0.0, "Waiting for a turn…")

        def progress(done: int, total: int) -> None:
            bar.progress(min(1.0, done / total), f"Pass {done} of {total}")

        long_work: Progress = progress
        run = integrated_gradients if method == GRADIENTS else occlusion
        result = run(subject.network, subject.prepared, target, progress=long_work)
    put("attribution", key, result)
    if method != GRAD_CAM:
        st.rerun()
    return result


def show(subject: Subject, found: Attribution, name: str) -> None:
    """The map over the picture, and the files."""
    opacity = st.slider("Strength of the map over the picture", 0.0, 1.0, 0.6, 0.05)
    over = found.over(subject.prepared, opacity)
    left, right = st.columns(2)
    left.image(over, width="stretch")
    right.image(
        subject.prepared, caption=f"What the network sees: {choices.picture_size(subject.graph)}", width="stretch"
    )
    low, high = found.color_range
    left.image(
        color_bar(found.signed), caption=f"From {low:.3g} on the left to {high:.3g} on the right", width="stretch"
    )
    st.markdown(found.meaning)
    if not subject.network.embeds:
        st.caption("The score of a class is its logit: what the last layer gives, before the softmax.")
    with st.container(horizontal=True):
        tables.download_button(
            "Picture (PNG)",
            lambda: png_bytes(over),
            f"{name}.png",
            "image/png",
        )
        tables.download_button(
            "Numbers (NPZ)",
            lambda: npz_bytes(values=found.values, picture=subject.prepared),
            f"{name}.npz",
        )


frame.open_page("looks")
controls, result = st.columns([1, 3], gap="large")
with controls:
    subject = choose_subject()
    method = st.radio("Method", list(EXPLAINED), key="method")
    st.caption(EXPLAINED[method])
    target, target_name = choose_target(subject)
    layer = choose_layer(subject.graph) if method == GRAD_CAM else None
with result:
    weights_note(subject)
    crop_note(subject)
    found = attribution(subject, method, target, target_name, layer)
    if found is None:
        st.image(
            subject.prepared, caption=f"What the network sees: {choices.picture_size(subject.graph)}", width="content"
        )
    else:
        show(subject, found, f"{subject.network.name}_{method.lower().replace(' ', '_')}")
        show_timing(subject.network, subject.prepared)
