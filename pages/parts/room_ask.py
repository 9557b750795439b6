"""What a teacher asks a class: a number, a choice, or a place on a sample picture."""

import streamlit as st

from inception.rooms.errors import AnswerError
from inception.rooms.questions import LONGEST_OPTION, LONGEST_TEXT, MOST_OPTIONS, Answer, Kind, Question
from inception.vision.samples import samples
from inception.words import N_, _
from pages.parts.literal import literal
from pages.parts.room_question import as_list, point, told
from pages.parts.room_ready import TITLES, ready_question, told_ready

SOURCES = (N_("From the tour"), N_("Your own"))
KINDS = {Kind.NUMBER: N_("A number"), Kind.CHOICE: N_("A choice"), Kind.PLACE: N_("A place on a picture")}


def choose_question() -> Question | None:
    """The controls for a question; None, with a sentence where something is written, while it is not whole."""
    source = st.segmented_control(
        _("Question"),
        SOURCES,
        format_func=_,
        required=True,
        default=SOURCES[0],
        key="room_source",
        label_visibility="collapsed",
    )
    return _from_tour() if source == SOURCES[0] else _own()


def _from_tour() -> Question | None:
    """One of the tour's, whose answer the app computes once it is chosen: some run a network."""
    chosen = st.selectbox(
        _("Question of the tour"),
        list(TITLES),
        format_func=lambda name: _(TITLES[name]),
        key="room_ready",
        index=None,
        placeholder=_("Choose a question"),
    )
    if chosen is None:
        st.caption(_("Choose a question first."))
        return None
    question = ready_question(chosen)
    said = told_ready(question)
    st.markdown(said.prompt)
    if said.options:
        st.markdown(as_list(said.options))
    st.caption(_("Each student reads it in their own language, and the app computes what is right."))
    return question


def _own() -> Question | None:
    kind = st.segmented_control(
        _("The answer is"),
        list(KINDS),
        format_func=lambda kind: _(KINDS[kind]),
        required=True,
        default=Kind.NUMBER,
        key="room_kind",
    )
    text = st.text_area(_("Question"), max_chars=LONGEST_TEXT, height=80, key="room_text")
    options: tuple[str, ...] = ()
    picture = ""
    truth: Answer | None
    if kind is Kind.CHOICE:
        options = _options()
        truth = _right_option(options)
    elif kind is Kind.PLACE:
        picture, truth = _right_place(text)
    else:
        truth = st.number_input(_("The right number, if there is one"), value=None, key="room_number", format="%.10g")
    try:
        return Question(kind, text.strip(), options, picture, truth)
    except AnswerError as error:
        st.caption(literal(str(error)))
        return None


def _options() -> tuple[str, ...]:
    """The answers to choose from, as they were written."""
    written = st.text_area(
        _("Answers to choose from, one a line"),
        max_chars=MOST_OPTIONS * (LONGEST_OPTION + 1),
        height=120,
        key="room_options",
    )
    return tuple(line.strip() for line in written.splitlines() if line.strip())


def _right_option(options: tuple[str, ...]) -> int | None:
    if len(options) < 2:
        return None
    return st.selectbox(
        _("The right answer, if there is one"),
        range(len(options)),
        index=None,
        format_func=options.__getitem__,
        key="room_right",
        placeholder=_("none"),
    )


def _right_place(text: str) -> tuple[str, Answer | None]:
    """The picture, and the right place if the teacher points at one."""
    offered = samples()
    name = st.selectbox(_("Picture"), list(offered), format_func=lambda name: offered[name].title, key="room_picture")
    held = st.session_state.get("room_place")
    truth = held[1] if held and held[0] == name else None
    st.caption(_("Point at the right place, if there is one:"))
    said = told(Question(Kind.PLACE, text.strip() or "?", picture=name))
    point(f"room_point_{name}", said, truth, lambda place: st.session_state.update(room_place=(name, tuple(place))))
    if truth:
        st.button(_("No right place"), on_click=lambda: st.session_state.pop("room_place", None))
    return name, truth
