"""The seat of this session in a room: a teacher's, who steers it, or a student's, whose screen follows.

The browser keeps the seat in a cookie, so that it is there after a reload and after a restart of the server.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from secrets import token_urlsafe

import streamlit as st
from streamlit.runtime.scriptrunner import RerunException

from inception.errors import InceptionError
from inception.rooms.errors import NoRoomError, RoomError
from inception.rooms.store import HOURS, Rooms, Shown, plain_code, rooms_here, spoken_code
from inception.text import running_text
from inception.words import N_, _
from pages.parts import address
from pages.parts.journal import note_refusal
from pages.parts.literal import literal
from pages.parts.page_list import PAGES

COOKIE = "inception_room"
EVERY = 2  # seconds between two looks at what the teacher shows
PRIVATE = ("lang", "answers")  # names in the address that stay each reader's own; answers are those to the tour
ENDED = N_("The room has ended. You go on by yourself.")


@dataclass
class Seat:
    """Where this session sits."""

    code: str = ""  # of the room; "" outside of one
    student: str = field(default_factory=lambda: token_urlsafe(12))  # what only this browser knows
    key: str = ""  # what only the teacher's browser knows
    version: int = -1  # of the room, as this session has drawn it
    showing: tuple[str, dict[str, str]] | None = None  # the page and its choices that were last sent or followed
    out: bool = False  # whether the student has stepped out of following
    question: bool = False  # whether a question is open that this student has not answered
    trouble: str = ""  # why the room cannot be seen now, in a sentence
    trial: bool = False  # whether the browser keeps the teacher's seat, and this session only tries the students'
    refused: str = ""  # why what this reader did was not done, until it is shown


def seat() -> Seat:
    """The seat of this session."""
    if "room_seat" not in st.session_state:
        st.session_state["room_seat"] = _from_cookie()
    here: Seat = st.session_state["room_seat"]
    return here


def open_room() -> None:
    """Opens a room and sits down as its teacher; a sentence says why where that cannot be."""
    here = seat()
    with refusals():
        here.code, here.key = rooms_here().open(here.student)
        _sit(here)


def enter(typed: str) -> None:
    """Sits down as a student in the room with a code, as somebody types it. Raises RoomError."""
    code, here = plain_code(typed), seat()
    if here.key and here.code == code:  # a second tab of the teacher, whose browser still steers after a reload
        here.trial, here.student = True, token_urlsafe(12)
    rooms_here().enter(code, here.student)
    here.code, here.key, here.out = code, "", rooms_here().is_out(code, here.student)
    _sit(here)


def steer(typed: str, key: str) -> bool:
    """Sits down as the teacher of a room, if that is its key. Raises RoomError."""
    code, here = plain_code(typed), seat()
    if not rooms_here().steers(code, key, here.student):
        return False
    here.code, here.key = code, key
    _sit(here)
    return True


def leave() -> None:
    """Stands up; the browser forgets the room."""
    here = seat()
    here.code, here.key, here.question, here.trouble = "", "", False, ""
    if not here.trial:
        address.set_cookie(COOKIE, "", 0)
    here.trial = False


def step(out: bool) -> None:
    """Steps out of following the teacher, or back in."""
    here = seat()
    with refusals():
        rooms_here().step(here.code, here.student, out)
        here.out = out
        if not out:
            here.showing, here.version = None, -1  # goes to where the teacher is


def go_to_teacher() -> None:
    """Shows what the teacher shows, once."""
    seat().showing, seat().version = None, -1


@contextmanager
def refusals() -> Iterator[None]:
    """Round what a reader does: keeps the sentence of what cannot be done for `show_refused`."""
    try:
        yield
    except InceptionError as error:
        note_refusal(error)
        seat().refused = str(error)


def show_refused() -> None:
    """Says once what was not done and why."""
    here = seat()
    if here.refused:
        st.warning(literal(here.refused), icon=":material/block:")
    here.refused = ""


def follow(page: str) -> None:
    """Begins a run of a student's session: goes to where the teacher is, if that has changed."""
    here = seat()
    if not here.code or here.key:
        return
    shown = look()
    if shown is None or here.out or not shown.following or shown.page not in PAGES:
        return
    if page == "room" and here.question:  # let them answer
        return
    if here.showing != (shown.page, shown.query):
        here.showing = shown.page, shown.query
        address.send(shown.query, PRIVATE)
        if shown.page != page:
            st.switch_page(PAGES[shown.page].path)


def look() -> Shown | None:
    """What the teacher shows; None where it cannot be seen now, or the room has ended and the session sits in none."""
    here = seat()
    here.trouble = ""
    try:
        rooms = rooms_here()
        shown = rooms.shown(here.code)
        if shown.version != here.version:
            asked = rooms.asked(here.code, here.student)
            here.question = bool(asked and not asked.revealed and asked.own is None) and not rooms.closed(here.code)
            here.version = shown.version
    except NoRoomError:
        leave()
        here.refused = _(ENDED)
        return None
    except InceptionError as error:
        here.trouble = str(error)
        return None
    return shown


@contextmanager
def showing(page: str) -> Iterator[None]:
    """Round the run of a page: shows it to the class, as it is then, where this session steers a room."""
    try:
        yield
    except RerunException:  # it begins anew, half drawn
        raise
    except BaseException:  # a page may end early, with a sentence
        _show(page)
        raise
    _show(page)


def banner(page: str) -> None:
    """Says what room the session is in, and looks now and then whether the teacher has gone on."""
    here = seat()
    show_refused()
    if here.code and not here.key:
        _watch(page)
    elif here.code and page != "room":
        with st.container(horizontal=True, vertical_alignment="center", key="room_banner"):
            st.markdown(
                _(":material/cast: The class in room **{code}** sees this page.").format(code=spoken_code(here.code))
            )
            st.page_link(PAGES["room"].path, label=_("To the room"), icon=":material/groups:")


@st.fragment(run_every=EVERY)
def _watch(page: str) -> None:
    """A student's banner. It runs alone: one look at the room by its code, as long as nothing has changed."""
    here, before = seat(), seat().version
    shown = look()
    if not here.code or (here.version != before and (page == "room" or not here.out)):
        st.rerun()
    with st.container(horizontal=True, vertical_alignment="center", key="room_banner"):
        if here.trouble:
            st.markdown(running_text(":material/cloud_off:", literal(here.trouble)))
        if shown is None:
            return
        if here.out:
            st.markdown(
                _(":material/explore: You look around by yourself, in room **{code}**.").format(
                    code=spoken_code(here.code)
                )
            )
            st.button(_("Follow the teacher"), icon=":material/cast:", on_click=step, args=(False,))
        elif shown.following:
            st.markdown(
                _(":material/cast: You follow the teacher, in room **{code}**.").format(code=spoken_code(here.code))
            )
            if shown.page in PAGES and shown.page != page and not (page == "room" and here.question):
                st.button(_("Go to the teacher's page"), icon=":material/arrow_forward:", on_click=go_to_teacher)
            st.button(_("Step out"), icon=":material/explore:", on_click=step, args=(True,))
        else:
            st.markdown(_(":material/groups: You are in room **{code}**.").format(code=spoken_code(here.code)))
        if page != "room" and here.question:
            st.page_link(PAGES["room"].path, label=_("**A question for you**"), icon=":material/how_to_vote:")


def _show(page: str) -> None:
    here = seat()
    if not here.key:
        return
    query = {} if page == "room" else {name: text for name, text in address.query().items() if name not in PRIVATE}
    if here.showing == (page, query):
        return
    with refusals():
        rooms_here().show(here.code, here.key, page, query)
        here.showing = page, query


def _sit(here: Seat) -> None:
    here.version, here.showing, here.question, here.trouble = -1, None, False, ""
    if not here.trial:
        address.set_cookie(COOKIE, f"{here.code}.{here.student}.{here.key}", HOURS * 3600)


def _from_cookie() -> Seat:
    """The seat that this browser has kept, if the room is still there."""
    found = re.fullmatch(r"(\w{8})\.([\w-]{8,40})\.([\w-]{0,40})", str(st.context.cookies.get(COOKIE)), re.ASCII)
    if not found:
        return Seat()
    here = Seat(found[1], found[2], found[3])
    with suppress(RoomError):
        rooms: Rooms = rooms_here()
        if here.key:
            if rooms.steers(here.code, here.key, here.student):
                return here
            return Seat(student=here.student)
        rooms.enter(here.code, here.student)
        here.out = rooms.is_out(here.code, here.student)
        return here
    return Seat(student=here.student)
