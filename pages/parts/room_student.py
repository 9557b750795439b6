"""The room as a student sees it: the teacher's question, and after the reveal what the class said."""

from functools import partial
from typing import Any

import streamlit as st

from inception.rooms.questions import Kind
from inception.rooms.store import Asked, rooms_here
from inception.words import _
from pages.parts.literal import literal
from pages.parts.room_door import told_code
from pages.parts.room_question import point, results, told
from pages.parts.room_ready import to_its_step, verdict
from pages.parts.room_told import Told
from pages.parts.seat import leave, refusals, seat


def show() -> None:
    """The latest question, or that there is none yet."""
    here, rooms = seat(), rooms_here()
    asked = rooms.asked(here.code, here.student)
    closed = rooms.closed(here.code)
    if closed:
        st.info(_("The lesson has ended. Nobody follows any more, and no more answers are taken."))
    if asked is None:
        if not closed:
            st.markdown(_("You are in. Questions appear here; until then you see what your teacher shows."))
    else:
        _question(asked, closed)
    st.divider()
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(_("Room {code}. Your answers are counted without your name.").format(code=told_code()))
        st.button(_("Leave the room"), icon=":material/logout:", on_click=leave)


def _question(asked: Asked, closed: bool) -> None:
    said = told(asked.question)
    st.subheader(said.prompt, anchor=False)
    if asked.revealed:
        tally = rooms_here().revealed(seat().code)
        if asked.own is not None and asked.question.kind is not Kind.PLACE:
            own = _("Your answer: **{answer}**").format(answer=_written(asked, said))
            st.markdown(own)
            if asked.question.ready:
                st.markdown(verdict(asked.question, asked.own))
        if tally:
            results(f"room_results_{asked.number}", tally, said, truth=True)
        if asked.question.ready:
            to_its_step(asked.question)
        return
    if closed:
        return
    key = f"room_answer_{asked.number}"
    if asked.question.kind is Kind.PLACE:
        point(key, said, asked.own, partial(_answer, asked.number))
    else:
        with st.form(f"{key}_form", border=False):
            _control(asked, said, key)
            again = asked.own is not None
            label = _("Change my answer") if again else _("Send my answer")
            if st.form_submit_button(label, type="secondary" if again else "primary", icon=":material/send:"):
                value = st.session_state[key]
                if value is None:
                    st.warning(_("Choose an answer first."))
                else:
                    _answer(asked.number, value)
                    st.rerun()
    if asked.own is not None:
        st.success(
            _("Your answer is in. You can change it until your teacher reveals the answers."), icon=":material/done:"
        )


def _control(asked: Asked, said: Told, key: str) -> None:
    if asked.question.kind is Kind.NUMBER:
        st.number_input(_("Your number"), value=asked.own, key=key, placeholder=_("a number"), format="%.10g")
        return
    st.radio(
        _("Your answer"),
        range(len(said.options)),
        index=asked.own,
        format_func=said.options.__getitem__,
        key=key,
        label_visibility="collapsed",
    )


def _answer(number: int, value: Any) -> None:
    """Sends an answer; what cannot be taken is a sentence in the banner."""
    here = seat()
    with refusals():
        rooms_here().answer(here.code, here.student, number, value)
        here.question = False


def _written(asked: Asked, said: Told) -> str:
    return literal(said.options[asked.own]) if asked.question.kind is Kind.CHOICE else f"{asked.own:,.10g}"
