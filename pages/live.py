"""Live inference: what does the network make of your picture?"""

from functools import partial
from math import inf

import pandas as pd
import streamlit as st

import inception
from inception.runtime.crop import Fit
from inception.runtime.devices import DTYPES, DeviceError
from inception.runtime.pool import networks
from inception.runtime.predictor import PictureNetwork, Predictor
from inception.runtime.preprocess import framed, lost_share, stretch, value_counts
from inception.runtime.remote import RemoteNetwork
from inception.runtime.speed import Setting, offered_settings
from inception.runtime.turns import OutOfMemory
from inception.text import running_text
from inception.vision.maps import png_bytes
from inception.vision.none_of_them import partners, says_none
from inception.vision.titles import class_title
from inception.weights.choice import UNTRAINED, WeightsChoice
from inception.words import N_, _
from inception.zoo import available_weights, get_variant
from pages.figures import common as figures
from pages.parts import address, choices, frame, tables
from pages.parts.class_search import found_classes, search_field
from pages.parts.crop_picker import crop_of
from pages.parts.decoded import decoded
from pages.parts.finding import finding
from pages.parts.glossary import prose
from pages.parts.kept import kept, put
from pages.parts.literal import literal
from pages.parts.pictures import uploads
from pages.parts.shots import picture_title
from pages.parts.subject import Subject, choose_subject, crop_note, graph_of_network, weights_note
from pages.parts.timing import show_timing
from pages.parts.trust import how_often_none, show_trust, trusted
from pages.parts.weights_chooser import network_with, offer_full_weights

TOP = 5
INTERPOLATIONS = {"bilinear": N_("bilinear"), "bicubic": N_("bicubic"), "lanczos": N_("lanczos")}
NONE = N_("None of them")  # a column
BESIDE = [2, 5]  # widths of a step of the preparation and of its words


def choose_setting(subject: Subject) -> PictureNetwork:
    """What computes the answer: PyTorch layer by layer unless the reader chooses otherwise."""
    if subject.own_weights:
        st.caption(_("Computed by eager PyTorch; other engines are for weights that are on this server."))
        return subject.network
    if isinstance(subject.network, RemoteNetwork):
        return subject.network  # an engine elsewhere has the setting that it was started with
    settings = offered_settings()
    first = Setting(subject.network.engine, str(subject.network.device), "float32")
    setting = st.selectbox(
        _("Computed by"),
        settings,
        format_func=lambda setting: f"{setting.engine}, {setting.device}, {setting.dtype}",
        help=_("Engine, device and number format; the page Speed compares them."),
        key=address.choice("engine", settings, first, key="setting", code=lambda s: f"{s.engine}-{s.device}-{s.dtype}"),
    )
    network = subject.network
    try:
        with st.spinner(_("Preparing the engine…")):
            return networks.get(network.name, network.weights, setting.device, DTYPES[setting.dtype], setting.engine)
    except (DeviceError, OutOfMemory) as error:
        sentence = _("{reason} The answer comes from eager float32 instead.")
        st.error(sentence.format(reason=error), icon=":material/memory:")
        return network


def classes(subject: Subject, network: PictureNetwork) -> pd.DataFrame:
    """Every class with its probability; kept in the session until the subject changes."""
    key = subject.key, _setting_of(network)
    with st.spinner(_("Running the network…")):
        return kept("classes", key, lambda: network.classify(subject.prepared), shared=subject.common)


def none_of_them(subject: Subject, network: PictureNetwork, table: pd.DataFrame) -> bool:
    """Whether the picture seems to show none of the classes; kept in the session until the subject changes."""
    key = subject.key, _setting_of(network)
    return kept("none", key, lambda: says_none(network, table, subject.prepared), shared=subject.common)


def why_none(subject: Subject) -> str:
    """What speaks for it, in words."""
    if partners(subject.network, subject.prepared.size):
        return _(
            "At least one of the networks that come with this app is unsure of every class, as it is with pictures of "
            "other things. Below are the classes that this network finds nearest."
        )
    return _(
        "All its outputs are low, as they are for pictures of other things. Below are the classes that it finds "
        "nearest."
    )


def shown_classes(table: pd.DataFrame) -> pd.DataFrame:
    """The table with the names of classes as readers see them; files keep those of the network."""
    return table.assign(label=table["label"].map(class_title))


def show_answer(subject: Subject, network: PictureNetwork) -> pd.DataFrame:
    """The most probable classes, and all others on demand."""
    table = classes(subject, network)
    shown = shown_classes(table)
    if none_of_them(subject, network, table):
        sentence = _("**None of the {count}, it seems.** The nearest is {name}, {probability:.1%}.").format(
            count=len(table), name=literal(shown["label"].iloc[0]), probability=shown["probability"].iloc[0]
        )
        st.info(running_text(sentence, why_none(subject)), icon=":material/help:")
    elif subject.network.trained:  # in words, because a browser needs a second for its first chart
        name, probability = figures.shorten(shown["label"].iloc[0], 44), shown["probability"].iloc[0]
        st.subheader(_("{name}, {probability:.1%}").format(name=name, probability=probability), anchor=False)
        if len(shown) > 1:
            sentence = _("**{ratio:,.3g} times as probable as the next**, {label}.")
            ratio = probability / max(shown["probability"].iloc[1], 1e-300)
            finding(sentence.format(ratio=ratio, label=literal(shown["label"].iloc[1])))
    if subject.network.trained:  # under the percentage, on a phone too
        sentence = _(
            "It can only choose among {count:,} classes. A picture of anything else gets one of their names all the "
            "same."
        )
        prose(sentence.format(count=len(table)))
    st.plotly_chart(figures.probability_bars(shown.head(TOP)), config=figures.PLAIN)
    show_timing(network, subject.prepared)
    with st.expander(
        _("All {count:,} classes").format(count=len(table)),
        icon=":material/search:",
        key=address.switch("classes"),
        on_change="rerun",
    ):
        ranked = table.assign(rank=range(1, len(table) + 1))
        found = found_classes(shown_classes(ranked), search_field(_("Search"), "words"))
        if not found.empty:
            tables.show_table(
                found.assign(percent=100 * found["probability"]),
                height=tables.table_height(len(found), most=8),
                column_order=["rank", "label", "percent"],
                column_config={
                    "rank": st.column_config.NumberColumn("#", width=40, format="localized"),
                    "label": st.column_config.TextColumn(_("Class"), width=130),
                    "percent": st.column_config.NumberColumn(_("Probability"), width=90, format="%.2f %%"),
                },
            )
        title = _("{network}: classes of the picture").format(network=subject.network.name)
        tables.export_button(ranked, "classes", title)
    return table


def fitting_text(subject: Subject) -> str:
    """What was cut off, added or stretched, in words."""
    preparation, crop = subject.network.preprocessing, subject.crop
    left, top, right, bottom = crop.region(*subject.picture_size)
    if crop.box:
        given = _("Of the picture the network gets a box of {width:,.0f} x {height:,.0f} pixels.")
    else:
        given = _("The picture has {width:,.0f} x {height:,.0f} pixels.")
    given = given.format(width=right - left, height=bottom - top)
    dark = _("What is dark here is lost.")
    darkened = [dark] if crop.box else []
    if crop.fit is Fit.CENTRE:
        lost = lost_share(subject.picture_size, subject.graph.input_size, preparation, crop)
        if not lost:
            fits = _("They have the shape of the network's frame, so nothing is cut off.")
            return running_text(_("**1. Cut.**"), given, fits)
        centre = _("Its centre, {share:.0%} of it, goes in.").format(share=1 - lost)
        return running_text(_("**1. Cut.**"), given, centre, dark)
    if crop.fit is Fit.PAD:
        filled = _("All of it goes in, and what is missing of the network's frame gets its mean colour.")
        return running_text(_("**1. Pad.**"), given, filled, *darkened)
    times = stretch(subject.picture_size, subject.graph.input_size, crop)
    squashed = _("All of it goes in, and things look {times:.2f} times as wide for their height.")
    return running_text(_("**1. Squash.**"), given, squashed.format(times=times), *darkened)


def show_why_small(subject: Subject) -> None:
    """What a small network can stand for, and the way to the full one."""
    known = subject.network.description
    if known is None or not known.training:
        return
    st.subheader(_("A small network, and the full one"))
    words, button = st.columns([3, 1], gap="large")
    words.markdown(
        _(
            "This network has every block, branch and stride of the full one with {width:.0%} of its channels, so the "
            "way of a picture through it, and how far each of its cells sees, are those of the full network. It has "
            "learnt little: {count} things, from pictures of {detail} pixels. Its weights fit into {megabytes} MB. The "
            "full weights name a thousand things in pictures of {full} pixels."
        ).format(
            width=known.overrides["width"],
            count=known.num_classes,
            detail=known.preprocessing.detail or known.input_size,
            megabytes=known.megabytes,
            full=get_variant(known.variant).input_size,
        )
    )
    with button:
        offer_full_weights(known.variant)


def show_preparation(subject: Subject) -> None:
    """From the picture to the numbers that go in, step by step, each with its words beside it."""
    preparation, size = subject.network.preprocessing, subject.graph.input_size
    height, width = size
    counts = value_counts(subject.prepared, preparation)
    st.subheader(_("How it was prepared"))
    figure, beside = st.columns(BESIDE, gap="medium", vertical_alignment="center")
    frame = kept(
        "framed", subject.key, lambda: png_bytes(framed(subject.picture, size, preparation, subject.crop), quick=True)
    )
    figure.image(frame, width="stretch", alt=_("The part of the picture that goes in"))
    beside.markdown(fitting_text(subject))
    figure, beside = st.columns(BESIDE, gap="medium", vertical_alignment="center")
    seen = _("What the network sees: {size}").format(size=choices.picture_size(subject.graph))
    figure.image(subject.prepared, width="stretch", alt=seen)
    if preparation.detail:
        resized = _(
            "**2. Resize.** Scaled to {width} x {height} pixels, {interpolation}, by way of {detail} pixels, "
            "because it learnt from such."
        )
    else:
        resized = _("**2. Resize.** Scaled to {width} x {height} pixels, {interpolation}.")
    beside.markdown(
        resized.format(
            width=width,
            height=height,
            interpolation=_(INTERPOLATIONS[preparation.interpolation]),
            detail=preparation.detail,
        )
    )
    figure, beside = st.columns(BESIDE, gap="medium", vertical_alignment="center")
    figure.plotly_chart(figures.value_histogram(counts), config=figures.PLAIN)
    beside.markdown(
        _(
            "**3. Normalise.** Each value from 0 to 255 becomes {formula}, so that they lie around 0. This is what "
            "goes in."
        ).format(formula=preparation.formula)
    )
    with tables.exports("prepared"):
        tables.download_button(
            _("Prepared picture (PNG)"), lambda: png_bytes(subject.prepared), "prepared.png", "image/png"
        )


def other_networks(subject: Subject) -> list[tuple[str, WeightsChoice]]:
    """What else on this server can look at the picture: name and weights."""
    choices: list[tuple[str, WeightsChoice]] = []
    for name in inception.list_models():
        embeds = get_variant(name).embeds
        choices += [(name, weights) for weights in available_weights(name) if weights.num_classes or not embeds]
        choices += [] if embeds else [(name, UNTRAINED)]
    here = (subject.network.name, subject.network.weights)
    return [choice for choice in choices if choice != here]


def show_comparison(subject: Subject, answer: pd.DataFrame) -> None:
    """Two networks on one picture."""

    def title(choice: tuple[str, WeightsChoice]) -> str:
        name, weights = choice
        return f"{name}, {weights.title}"

    st.subheader(_("Beside another network"))
    others = other_networks(subject)
    choice = st.selectbox(
        _("Another network"),
        others,
        index=None,
        key=address.choice("beside", others, None, code=lambda choice: f"{choice[0]}-{choice[1].label}"),
        format_func=title,
        placeholder=_("Choose a network"),
    )
    if choice is None:
        st.caption(_("Choose one, and both answer about the same picture."))
        return
    other: Predictor = network_with(*choice)
    graph = graph_of_network(other)
    prepared = [subject.prepared, other.prepare(subject.picture, graph.input_size, subject.crop)]
    try:
        with st.spinner(_("Running the other network…")):
            answers = [answer, other.classify(prepared[1])]
    except OutOfMemory as error:
        st.error(str(error), icon=":material/memory:")
        return
    networks_here = (subject.network, other)
    for column, network, table, seen in zip(st.columns(2), networks_here, answers, prepared, strict=True):
        with column:
            sentence = _("**{network}**, {weights}, at {height}x{width} px")
            weights = literal(network.weights.title)
            st.markdown(sentence.format(network=network.name, weights=weights, height=seen.height, width=seen.width))
            if not network.trained:
                st.caption(_("Untrained: random numbers, no knowledge."))
            bars = figures.probability_bars(shown_classes(table.head(TOP)))
            st.plotly_chart(bars, config=figures.PLAIN, key=f"bars_{id(network)}")
            show_timing(network, seen)
    both = pd.concat(
        [
            table.assign(network=network.name, weights=network.weights.title, rank=range(1, len(table) + 1))
            for network, table in zip(networks_here, answers, strict=True)
        ],
        ignore_index=True,
    )
    tables.export_button(both, "two_networks", _("Classes of one picture by two networks"))
    first, second = (class_title(table["label"].iloc[0]) for table in answers)
    sentence = _("They agree: {first}.") if first == second else _("They differ: {first} against {second}.")
    prose(sentence.format(first=first, second=second), small=True)


def remember(subject: Subject, network: PictureNetwork, table: pd.DataFrame) -> None:
    """Keeps the answer for an upload, so that it need not be asked for again beside others."""
    if subject.data in uploads().values():
        answer = _short(table, none_of_them(subject, network, table))
        put("answers", _question(subject, network, subject.data), answer, most=len(uploads()))


def show_all(subject: Subject, network: PictureNetwork) -> None:
    """The answer for each picture of the session; those that were given before are kept."""

    def classify(data: bytes) -> tuple[str, float, bool]:
        prepared = network.prepare(decoded(data), subject.graph.input_size, crop_of(data))
        table = network.classify(prepared)
        return _short(table, says_none(network, table, prepared))

    rows = []
    with st.spinner(_("Running the network on all your pictures…")):
        for name, data in uploads().items():
            question = _question(subject, network, data)
            rows.append((name, *kept("answers", question, partial(classify, data), most=len(uploads()))))
    table = pd.DataFrame(rows, columns=["Picture", "Class", "Probability", NONE])
    if network.threshold == -inf:  # such weights know no “none of them”
        table = table.drop(columns=NONE)
    tables.show_table(
        table.assign(Picture=table["Picture"].map(picture_title), Class=table["Class"].map(class_title)),
        column_config={
            "Picture": _("Picture"),
            "Class": _("Class"),
            "Probability": st.column_config.NumberColumn(_("Probability"), format="percent"),
            NONE: _(NONE),
        },
    )
    show_timing(network, subject.prepared)
    title = _("{network}: answers for {count} pictures").format(network=subject.network.name, count=len(table))
    tables.export_button(table, "answers", title)


def _question(subject: Subject, network: PictureNetwork, data: bytes) -> tuple[object, ...]:
    return network.name, network.weights, _setting_of(network), subject.graph.input_size, hash(data), crop_of(data)


def _short(table: pd.DataFrame, none: bool) -> tuple[str, float, bool]:
    """Class, probability and whether it seems to be none of them."""
    return table["label"].iloc[0], table["probability"].iloc[0], none


def _setting_of(network: PictureNetwork) -> tuple[object, ...]:
    return network.engine, network.device, network.dtype


frame.open_page("live")
controls, result = st.container(key="result_first").columns([1, 3], gap="large")
with controls:
    subject = choose_subject(inviting=True)
answer, picture = result.columns(2, gap="large")  # on a phone the answer comes first
with picture:
    seen = _("What the network sees: {size}").format(size=choices.picture_size(subject.graph))
    st.image(subject.prepared, caption=seen, width="stretch", alt=seen)
with answer:
    weights_note(subject)
    crop_note(subject)
    if subject.network.embeds and not get_variant(subject.network.name).embeds:
        st.info(
            _(
                "**These weights have no classifier**, so the network gives features, the numbers from which a "
                "classifier would tell classes. *Through the network* and *Where it looks* show what it makes of the "
                "picture."
            ),
            icon=":material/data_array:",
        )
    elif subject.network.embeds:
        st.info(
            _(
                "**This network gives a face embedding** instead of classes: a point, near to that of other pictures "
                "of the same face. The page Faces compares such points."
            ),
            icon=":material/face:",
        )
    else:
        above = st.container()
        network = choose_setting(subject)
        with above:
            table = show_answer(subject, network)
        remember(subject, network, table)
        if trusted(subject.network, subject.graph):
            with picture:
                prose(how_often_none(subject.network))
if not subject.network.embeds and len(uploads()) > 1:
    st.subheader(_("All your pictures"))
    show_all(subject, network)
show_preparation(subject)
show_why_small(subject)
if not subject.network.embeds:
    show_comparison(subject, table)
    show_trust(subject.network, subject.graph)
