"""One step of the tour on the page: its question, the answers that were given and what they are worth."""

from functools import partial

import streamlit as st
from PIL import Image

from inception import words
from inception.vision.cell_html import uri
from inception.words import _
from pages.parts import components
from pages.parts import tour_progress as progress
from pages.parts.glossary import prose
from pages.parts.tour_answers import QUESTIONS
from pages.parts.tour_question import Asked, Choice, Number, Place, place_of, place_text


@st.cache_resource(max_entries=64, show_spinner=False)
def _asked(id: str, language: str) -> Asked:
    return QUESTIONS[id].ask()


def asked(id: str) -> Asked:
    """A question in the reader's language, computed once in a server."""
    with st.spinner(_("Computing the question…")):
        return _asked(id, words.current())


def show_question(id: str, question: Asked, answer: str | None) -> None:
    """The question with what answers it, or with what each answer is worth."""
    st.markdown(_("**Before you see it:** {prompt}").format(prompt=question.prompt))
    if answer is None:
        ask(id, question)
        return
    judged = question.judge(answer)
    if isinstance(question, Choice):
        judge_options(question, answer)
    else:
        given = _("Your answer: **{answer}**.").format(answer=question.written(answer))
        verdict(given, judged.why, "right" if judged.right else "wrong")
        if not judged.right:
            verdict(question.says, "", "right")
        if isinstance(question, Number):
            other_guesses(question, answer)
    st.button(
        _("Guess again"),
        icon=":material/replay:",
        type="tertiary",
        on_click=progress.take_back,
        args=(id,),
        key="again",
    )


def ask(id: str, question: Asked) -> None:
    """What answers a question; a place is pointed at on the picture itself."""
    if isinstance(question, Choice):
        for option in question.options:
            st.button(
                option.text,
                key=f"answer_{id}_{option.id}",
                width="stretch",
                on_click=progress.give,
                args=(id, option.id),
            )
    elif isinstance(question, Number):
        with st.form(f"guess_{id}", border=False):
            if question.near:
                st.caption(
                    _("With decimals if you like; {near:.0%} too many or too few still counts as right.").format(
                        near=question.near
                    )
                )
            value = st.number_input(_("Your guess"), value=None, key=f"tour_number_{id}", step=None, format="%g")
            if st.form_submit_button(_("That is my guess"), type="primary") and value is not None:
                progress.give(id, f"{value:g}")
                st.rerun()
    else:
        st.caption(_("Click on the picture, or move the mark with the arrow keys and press Enter."))


def judge_options(question: Choice, answer: str) -> None:
    """Every option with its sentence: the right one, the one that was chosen, and the others."""
    for option in question.options:
        kind = "right" if option.id == question.truth else "wrong" if option.id == answer else "other"
        text = f"**{option.text}**"
        if option.id == answer:
            text = _("**{option}** (your answer)").format(option=option.text)
        verdict(text, option.why, kind)


def verdict(text: str, why: str, kind: str) -> None:
    """One answer as a card. kind: right, wrong or other."""
    number = st.session_state["tour_cards"] = st.session_state.get("tour_cards", 0) + 1
    icons = {"right": ":material/check_circle:", "wrong": ":material/cancel:", "other": ":material/circle:"}
    with st.container(key=f"tour_{kind}_{number}"):
        prose(f"{icons[kind]} {text}  \n{why}" if why else f"{icons[kind]} {text}")


def other_guesses(question: Number, answer: str) -> None:
    """What other people come to, and why it is wrong."""
    mine = question.judge(answer).why
    others = [mistake for mistake in question.mistakes if mistake.why != mine]
    with st.expander(_("Other guesses, and why they are wrong")):
        for mistake in others:
            st.markdown(f"**{mistake.value:,g}**  \n{mistake.why}")


def show_place(id: str, question: Place, answer: str | None, picture: Image.Image) -> None:
    """The picture on which a place is pointed at, with the place that was; behind it the picture with the map."""
    own = list(place_of(answer)) if answer else None
    data = {
        "picture": uri(picture.resize((480, 480)), "jpeg"),
        "alt": question.prompt,
        "dots": [],
        "own": own,
        "truth": None,
        "active": answer is None,
        "label": question.prompt,
    }
    components.place(data, f"tour_place_{id}", partial(_pointed, id))


def _pointed(id: str, place: list[float]) -> None:
    progress.give(id, place_text(*place))
