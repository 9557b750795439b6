"""The door of a room: a teacher opens one, a student comes in with its code."""

import streamlit as st

from inception.rooms.errors import RoomError
from inception.rooms.store import CODE, HOURS, LETTERS, spoken_code
from inception.words import _
from pages.parts import address
from pages.parts.journal import note_refusal
from pages.parts.literal import literal
from pages.parts.seat import enter, open_room, seat, steer


def arrive() -> None:
    """Takes code and key out of a link, and sits down where they lead."""
    code = address.bind("code", "", str, str, key="room_code")
    key = address.bind("key", "", str, str, key="room_key")
    address.leave_out("code")
    address.leave_out("key")
    st.session_state["room_code"] = st.session_state["room_key"] = ""
    if not code:
        return
    try:
        if not (key and steer(code[: address.LONGEST], key[: address.LONGEST])):
            enter(code[: address.LONGEST])
    except RoomError as error:
        note_refusal(error)
        st.error(literal(str(error)), icon=":material/error:")
        return
    st.rerun()


def show() -> None:
    """Both doors."""
    join, open_ = st.columns(2, gap="large")
    with join, st.container(border=True):
        st.subheader(_("Join a room"))
        st.markdown(_("Your teacher shows a code. Nobody asks for your name, and your answers are not tied to you."))
        with st.form("room_join", border=False):
            typed = st.text_input(
                _("Code of the room"), max_chars=20, placeholder=spoken_code(LETTERS[:CODE]), key="room_typed"
            )
            if st.form_submit_button(_("Join"), type="primary", icon=":material/login:") and typed.strip():
                _join(typed)
    with open_, st.container(border=True):
        st.subheader(_("Open a room for a class"))
        st.markdown(
            _(
                "Students' screens follow yours from page to page, and you ask questions and see the answers come in. "
                "A room needs no accounts, stores no names and no pictures, and is deleted after {hours} hours."
            ).format(hours=HOURS)
        )
        st.button(_("Open a room"), type="primary", icon=":material/groups:", on_click=open_room)


def _join(typed: str) -> None:
    try:
        enter(typed)
    except RoomError as error:
        note_refusal(error)
        st.error(literal(str(error)), icon=":material/error:")
        return
    st.rerun()


def told_code() -> str:
    """The code of this session's room, as people read it out."""
    return spoken_code(seat().code)
