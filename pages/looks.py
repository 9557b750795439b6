"""Where it looks: which pixels speak for an answer?"""

from collections.abc import Callable
from time import monotonic

import streamlit as st

from inception import LayerGraph
from inception.graph.layer import Layer
from inception.text import running_text, shape_text
from inception.vision.attributions.attribution import GRAD_CAM, GRADIENTS, LAYER_CAM, OCCLUSION, Attribution
from inception.vision.attributions.cams import grad_cam, layer_cam
from inception.vision.attributions.choice import (
    CAMS,
    PASSES,
    by_chance,
    first_layer,
    first_method,
    scores_of,
    takes_a_second,
)
from inception.vision.attributions.gradients import integrated_gradients
from inception.vision.attributions.occlusion import occlusion
from inception.vision.attributions.quality import SMOOTHED
from inception.vision.attributions.score import Target
from inception.vision.maps import color_bar, npz_bytes, png_bytes
from inception.words import N_, _
from pages.parts import address, choices, frame, selection, tables
from pages.parts.class_search import choose_class
from pages.parts.face_pictures import CHOSEN, cropped_faces, face_code, shown_name
from pages.parts.finding import finding
from pages.parts.glossary import prose
from pages.parts.kept import kept, peek, put
from pages.parts.queue import place_for
from pages.parts.subject import Subject, choose_subject, crop_note, weights_note
from pages.parts.timing import show_timing

EXPLAINED = {
    OCCLUSION: N_(
        "Hides one part of the picture after the other and looks how far the score falls. Slow, but nothing is assumed "
        "about the network (Zeiler and Fergus 2014)."
    ),
    LAYER_CAM: N_(
        "Asks one layer: which of its cells raise the score of the class, each by its own gradient? Fast, and as fine "
        "as the layer's grid (Jiang et al. 2021)."
    ),
    GRAD_CAM: N_(
        "Asks one layer too, with one weight for a whole channel. Fast, and made for the last grid (Selvaraju et al. "
        "2017)."
    ),
    GRADIENTS: N_(
        "Adds up the gradient along the way from a black picture to yours, pixel by pixel; all pixels together give "
        "the difference of the two scores (Sundararajan et al. 2017)."
    ),
}
BREATH = 0.15  # seconds from one look for a click to the next


def choose_method(graph: LayerGraph) -> str:
    """The method: the one that tells most in about a second, until the reader takes another.

    A layer that is selected, on another page or in the URL, is asked.
    """
    asked = selection.selected_layer(graph) in selection.grid_layers(graph)
    first = first_method(graph, CAMS if asked else tuple(EXPLAINED))
    key = address.choice("method", EXPLAINED, first, code=address.slug, texts={name: name for name in EXPLAINED})
    method = st.radio(_("Method"), list(EXPLAINED), format_func=_, key=key)
    prose(_(EXPLAINED[method]), small=True)
    return method


def choose_target(subject: Subject) -> tuple[Target, str]:
    """What the picture is asked about: a class, or the likeness to another face; and a name of it."""
    if not subject.network.embeds:
        return choose_class(kept("looks_classes", subject.key, lambda: subject.network.classify(subject.prepared)))
    others = {face.name: face for face in cropped_faces() if face.name != st.session_state[CHOSEN]}
    if not others:
        st.info(_("A face is compared with another: bring one on the page Faces."), icon=":material/face:")
        st.stop()
    key = address.choice("other", others, code=face_code)
    other = st.selectbox(_("Compared with the face of"), list(others), format_func=shown_name, key=key)
    face = others[other].seen(subject.network, subject.graph.input_size)
    return kept("looks_face", (subject.key, hash(face.tobytes())), lambda: subject.network.embed(face)), shown_name(
        other
    )


def choose_layer(graph: LayerGraph, method: str) -> Layer:
    """A layer with a grid, at first the one that tells most."""
    layer = selection.layer_box(graph, selection.grid_layers(graph), first_layer(method, graph), "looks_layer")
    sentence = _("The map has its {grid} cells; earlier layers have finer grids.")
    prose(sentence.format(grid=shape_text(layer.out_shape[1:])), small=True)
    return layer


def attribution(subject: Subject, method: str, target: Target, layer: Layer | None) -> Attribution | None:
    """The map, kept in the session until something changes; None until the reader asks for the long work."""
    asked = target if isinstance(target, int) else target.tobytes()
    key = (subject.key, method, asked, layer.path if layer else None)
    known = peek("attribution", key)
    if isinstance(known, Attribution):
        return known
    if layer is not None:
        cam = grad_cam if method == GRAD_CAM else layer_cam
        with st.spinner(_("Forwards and backwards through the network once…")):
            result = cam(subject.network, subject.prepared, subject.graph, layer, target)
    else:
        at_once = takes_a_second(method, subject.graph)
        if method == GRADIENTS:
            label = _("Run the network {count} times forwards and backwards").format(count=PASSES[method] // 2)
        else:
            label = _("Run the network {count} times").format(count=PASSES[method])
        if not at_once and not st.button(label, icon=":material/play_arrow:", type="primary", key="run_attribution"):
            return None
        result = long_work(subject, method, target)
    put("attribution", key, result)
    if layer is None:
        st.rerun()
    return result


def long_work(subject: Subject, method: str, target: Target) -> Attribution:
    """Occlusion or integrated gradients: a coarse map first, and any click ends it between two layers."""
    st.button(_("Stop computing"), icon=":material/stop:")
    text, share, last = _("Waiting for a turn…"), 0.0, monotonic()
    bar = st.progress(share, text)
    place = st.container()

    def progress(done: int, total: int) -> None:
        nonlocal text, share
        text, share = _("Pass {done} of {total}").format(done=done, total=total), min(1.0, done / total)
        bar.progress(share, text)

    def look_for_clicks() -> None:
        nonlocal last
        if monotonic() - last > BREATH:
            last = monotonic()
            bar.progress(share, text)  # Streamlit ends a run here if there was a click

    def preview(coarse: Attribution) -> None:
        says = _("A first, coarse map; the finer one follows.")
        place.image(coarse.over(subject.prepared), caption=says, alt=says)

    run: Callable[..., Attribution] = integrated_gradients if method == GRADIENTS else occlusion
    network = subject.network
    with place_for(network, PASSES[method] * subject.graph.macs):
        return run(
            network, subject.prepared, target, progress=progress, quick=True, preview=preview, check=look_for_clicks
        )


def choose_smoothing(subject: Subject, method: str) -> int | None:
    """To how many cells a map of single pixels is smoothed; None for not at all."""
    detail = subject.network.preprocessing.detail
    if method != GRADIENTS or not detail:
        return None
    smooth = st.toggle(
        _("Smoothed to {count} cells").format(count=detail),
        key=address.switch("smoothed", True),
        help=_(
            "The picture was reduced to {detail} pixels before the network saw it: finer structure is not in it."
        ).format(detail=detail),
    )
    return detail if smooth else None


def say_choice(subject: Subject, method: str, layer: Layer | None, smooth: bool) -> None:
    """Why the page opens on a map, and what was measured of the one that is shown."""
    graph, chance = subject.graph, by_chance()
    found = scores_of(SMOOTHED if smooth else method, layer, graph)
    if found is None:
        st.caption(_("{method} was measured on other layers than this one.").format(method=_(method)))
        return
    sentences = []
    if method == first_method(graph) and (layer is None or layer == first_layer(method, graph)):
        sentences.append(_("**{method}** tells most of what takes about a second here.").format(method=_(method)))
    measured = _(
        "Measured on {count} right answers for photographs: {changed:.0%} of them change when the fifth of the pixels "
        "that it marks most is hidden (by a smooth map of random numbers: {random_changed:.0%}). When a blurred "
        "picture gets its pixels back in the order of the map, the probability of the answer is {insertion:.0%} on "
        "average (in random order: {random_insertion:.0%})."
    )
    sentences.append(
        measured.format(
            count=found.photographs,
            changed=found.changed,
            random_changed=chance.changed,
            insertion=found.insertion,
            random_insertion=chance.insertion,
        )
    )
    known = subject.network.description
    if not (known and known.training):
        sentences.append(
            _(
                "That was measured on the small networks of this project. Nothing was measured on this one; it gets "
                "the map that asks the same place in the architecture."
            )
        )
    again = _("`python -m inception maps` measures it again, into assets/maps.csv.")
    st.caption(running_text(*sentences), help=again)


def seen(subject: Subject) -> str:
    """The caption of the prepared picture."""
    return _("What the network sees: {size}").format(size=choices.picture_size(subject.graph))


def show(subject: Subject, found: Attribution, name: str) -> None:
    """The map over the picture, and the files; a map that tells nothing is said in words."""
    over = found.over(subject.prepared, 0.6)
    if found.dead:
        st.info(running_text(_("**There is no map to show.**"), found.dead), icon=":material/visibility_off:")
    else:
        finding(_("**Half of the map lies on {share:.0%} of the picture.**").format(share=found.half))
        place = st.empty()  # of the map, above the slider that it depends on
        low, high = found.color_range
        ends = _("From {low:.3g} on the left to {high:.3g} on the right").format(low=low, high=high)
        st.image(color_bar(found.signed), caption=ends, width="stretch", alt=ends)
        key = address.number("strength", 0.0, 1.0, 0.6)
        opacity = st.slider(_("Strength of the map over the picture"), 0.0, 1.0, step=0.05, key=key)
        over = found.over(subject.prepared, opacity)
        place.image(over, width="stretch", alt=_("The map over the picture"))
    with tables.exports(name):
        if not found.dead:
            tables.download_button(_("Picture (PNG)"), lambda: png_bytes(over), f"{name}.png", "image/png")
        tables.download_button(
            _("Numbers (NPZ)"),
            lambda: npz_bytes(values=found.values, picture=subject.prepared),
            f"{name}.npz",
        )


def explain(subject: Subject, found: Attribution | None, method: str, layer: Layer | None, smooth: bool) -> None:
    """What the map means and how good it is, below the picture that it is of."""
    if found is not None:
        st.image(subject.prepared, caption=seen(subject), width="stretch", alt=seen(subject))
        if not found.dead:
            prose(found.meaning)
        if not subject.network.embeds:
            prose(_("The score of a class is its logit: what the last layer gives, before the softmax."), small=True)
    say_choice(subject, method, layer, smooth)
    if found is not None:
        show_timing(subject.network, subject.prepared)


frame.open_page("looks")
controls, result = st.container(key="result_first").columns([1, 3], gap="large")
with controls:
    subject = choose_subject()
    method = choose_method(subject.graph)
    target, target_name = choose_target(subject)
    layer = choose_layer(subject.graph, method) if method in CAMS else None
    if layer is None:
        selection.selected_layer(subject.graph)  # a link to one that is not there is said here too
    detail = choose_smoothing(subject, method)
with result:
    weights_note(subject)
    crop_note(subject)
    figure, beside = st.columns([3, 2], gap="medium")
with figure:
    found = attribution(subject, method, target, layer)
    if found is None:
        st.image(subject.prepared, caption=seen(subject), width="content", alt=seen(subject))
    else:
        found = found.smoothed(detail) if detail else found
        show(subject, found, f"{subject.network.name}_{method.lower().replace(' ', '_')}")
with beside:
    explain(subject, found, method, layer, detail is not None)
