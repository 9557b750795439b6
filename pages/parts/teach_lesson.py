"""A head that trains before one's eyes: its pictures' features, its buttons, its curves."""

import time
from collections.abc import Hashable, Iterable
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import Any

import streamlit as st
from PIL import Image
from streamlit.delta_generator import DeltaGenerator

import inception
from inception.runtime.crop import Crop, Fit
from inception.runtime.predictor import Predictor
from inception.training.features import VIEWS, examples_of, features_of
from inception.training.head import STEPS, Examples, Head, HeadTraining, Step
from inception.words import N_, _
from pages.figures import common as figures
from pages.figures import teach as teach_figures
from pages.parts.kept import forget, kept, peek
from pages.parts.queue import place_for
from pages.parts.subject import graph_of_network
from pages.parts.teach_pictures import MOST_CLASSES, MOST_NEW, MOST_PICTURES, Taught

EACH = 10  # steps between two drawings: each takes a telephone a tenth of a second and more
PAUSE = 0.2  # seconds between them, so that eyes can follow
TRAIN, STOP, GO_ON = N_("Train"), N_("Stop"), N_("Go on")  # the buttons
MOST_FEATURES = MOST_CLASSES * MOST_PICTURES + MOST_NEW + 10


@dataclass(frozen=True)
class Source:
    """Whose features are learnt, and how pictures come in."""

    network: Predictor
    size: tuple[int, int]  # height and width of prepared pictures
    varied: bool  # whether views beside the picture as it comes are learnt from
    fit: Fit  # how they get the shape of the network's frame

    @property
    def key(self) -> Hashable:
        """Tells one source from another in a session."""
        return self.network.name, self.network.weights, self.network.fingerprint, self.size, self.fit

    def features(self, data: bytes, varied: bool = False) -> Any:
        """(views, D) of a picture; those of this session that are known already are not computed again."""

        def compute() -> Any:
            return features_of(self.network, inception.load_image(data), self.size, varied, self.fit)

        return kept("teach_features", self._key(data, varied), compute, most=MOST_FEATURES)

    def prepared(self, data: bytes) -> Image.Image:
        """What the network sees of a picture."""
        return self.network.prepare(inception.load_image(data), self.size, Crop(None, self.fit))

    def macs(self, pictures: Iterable[bytes], varied: bool) -> int:
        """Multiply-accumulates of the features of pictures that are not known yet."""
        unknown = [data for data in pictures if peek("teach_features", self._key(data, varied)) is None]
        return len(unknown) * (VIEWS if varied else 1) * graph_of_network(self.network).macs

    def _key(self, data: bytes, varied: bool) -> Hashable:
        return self.key, varied, sha256(data).digest()


@dataclass
class Lesson:
    """A training of this session, as far as it has come."""

    key: Hashable  # of what it learns, and from whom
    training: HeadTraining
    chart: int  # pictures of each class that it learns from; 0 for all
    steps: list[Step] = field(default_factory=list)
    running: bool = True

    def head(self, names: tuple[str, ...]) -> Head:
        """As it stands, with the names that the classes have now."""
        return replace(self.training.head, names=names)


def key_of(source: Source, classes: list[Taught], most: int) -> Hashable:
    """What a training depends on; names of classes can change without it."""
    pictures = tuple(tuple(sha256(data).digest() for data in one.pictures.values()) for one in classes)
    return source.key, source.varied, pictures, most


def examples(source: Source, classes: list[Taught]) -> Examples:
    """What the head learns; says how far it is with pictures that the network has not seen yet.

    Raises HeadError for classes that cannot be learnt, BusyError.
    """
    pictures = [data for one in classes for data in one.pictures.values()]
    with place_for(source.network, source.macs(pictures, source.varied)):
        bar = st.progress(0.0, _("The network looks at the pictures…"))
        found: dict[str, list[Any]] = {}
        seen = 0
        for one in classes:
            rows = found.setdefault(one.name, [])
            for data in one.pictures.values():
                rows.append(source.features(data, source.varied))
                seen += 1
                sentence = _("The network looks at the pictures: {seen} of {whole}")
                bar.progress(seen / len(pictures), sentence.format(seen=seen, whole=len(pictures)))
        bar.empty()
    return examples_of(found)


def wish(button: str) -> None:
    """Notes which button was pressed, for when nothing is being trained."""
    st.session_state["teach_wish"] = button


def lesson_here(source: Source, classes: list[Taught], most: int) -> Lesson | None:
    """The training of this session after what the last button asked for; none when what it learnt has changed.

    The first one of trained weights begins by itself. Raises HeadError for classes that cannot be learnt.
    """
    here: Lesson | None = st.session_state.get("teach_lesson")
    button = st.session_state.pop("teach_wish", None)
    key = key_of(source, classes, most)
    if here is not None and here.key != key:
        here = st.session_state.pop("teach_lesson") and None
    first = "teach_lesson_begun" not in st.session_state and source.network.trained
    if button == TRAIN or (here is None and first):
        st.session_state["teach_lesson_begun"] = True
        training = HeadTraining.of(examples(source, classes), most or None)
        here = st.session_state["teach_lesson"] = Lesson(key, training, most)
    elif here is not None and button:
        here.running = button == GO_ON
    return here


def buttons(here: Lesson | None) -> None:
    """Train, stop and go on: always all three, because one that came or went would move the others."""
    running = here is not None and here.running
    can_go_on = here is not None and not here.training.done and not running
    with st.container(horizontal=True):
        for button, icon, usable in (
            (TRAIN, "model_training", not running),
            (STOP, "stop", running),
            (GO_ON, "resume", can_go_on),
        ):
            st.button(
                _("Train again") if button == TRAIN and here else _(button),
                key=f"teach_{button}",
                type="primary" if button == TRAIN else "secondary",
                icon=f":material/{icon}:",
                disabled=not usable,
                on_click=wish,
                args=(button,),
            )


def show_lesson(here: Lesson) -> None:
    """The curves; while it runs it goes on until the end, or until any control ends the script at the next drawing."""
    drawing = st.empty()
    if not here.running:
        draw(here, drawing)
        return
    for step in here.training.steps():
        # The first step of a training that goes on is the last one of before.
        here.steps = [*here.steps[: step.number], step]
        if step.number % EACH == 0:
            draw(here, drawing)
            time.sleep(PAUSE)
    here.running = False
    st.rerun()  # the buttons above are other ones now


def draw(here: Lesson, drawing: DeltaGenerator) -> None:
    """The curves so far."""
    figure = teach_figures.lesson_figure(here.steps, STEPS, here.training.examples.chance)
    drawing.plotly_chart(figure, config=figures.PLAIN)


def forget_lesson() -> None:
    """Drops the training, its features and whatever head was loaded; the next visit begins anew."""
    for name in ("teach_features", "teach_curves", "teach_random", "teach_prepared"):
        forget(name)
    for key in ("teach_lesson", "teach_lesson_begun", "teach_loaded", "teach_refused", "teach_wish"):
        st.session_state.pop(key, None)
