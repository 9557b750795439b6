"""The room as its teacher sees it: the way in, what the class sees, the question and the answers as they come."""

from urllib.parse import urlencode, urlsplit

import streamlit as st

from inception.rooms.export import answers_csv
from inception.rooms.questions import Question, Tally
from inception.rooms.store import HOURS, rooms_here
from inception.text import running_text
from inception.words import _, ngettext
from pages.parts import components
from pages.parts.qr import qr_svg
from pages.parts.room_ask import choose_question
from pages.parts.room_door import told_code
from pages.parts.room_question import results, told, waiting_for_answers
from pages.parts.room_ready import to_its_step
from pages.parts.seat import leave, refusals, seat, show_refused

EVERY = 2  # seconds between two looks at the answers
SPREAD = "room_spread"  # in the session: whether the teacher sees the answers before all do
HERE_ALONE = ("localhost", "127.0.0.1", "[::1]", "::1")


def show() -> None:
    """The way in on the left, questions and answers on the right."""
    here, rooms = seat(), rooms_here()
    closed = rooms.closed(here.code)
    left, right = st.columns([1, 2], gap="large")
    with left:
        if not closed:
            _way_in()
        _steering(closed)
    with right:
        _answers()
        if not closed:
            _ask()
        _earlier(rooms.tallies(here.code, here.key))


def _address() -> str:
    """Where this page is, as this browser reaches it."""
    address = urlsplit(st.context.url or "")
    path = address.path.rstrip("/")
    return f"{address.scheme}://{address.netloc}{path if path.endswith('/room') else path + '/room'}"


def _link() -> str:
    """Where students come in."""
    return f"{_address()}?code={told_code()}"


def _way_in() -> None:
    link = _link()
    st.markdown(f"# {told_code()}")
    with st.container(width=260):
        components.picture(qr_svg(link, _("QR code of the room {code}").format(code=told_code())), "room_qr")
    st.code(link, language=None, wrap_lines=True)
    st.caption(_("To try it as a student yourself, open this link in a private window."))
    if urlsplit(link).hostname in HERE_ALONE:
        st.warning(
            _(
                "This address works on this machine alone. Serve the app with `--host 0.0.0.0`, and open it by the "
                "address that your students' devices reach."
            ),
            icon=":material/lan:",
        )
    _count()


@st.fragment(run_every=EVERY)
def _count() -> None:
    with refusals():
        count = rooms_here().students(seat().code)
        sentence = ngettext("**{count} student** has joined.", "**{count} students** have joined.", count)
        help_ = _("Everyone who ever came in. Nobody is known here, so who has closed the page still counts.")
        st.markdown(sentence.format(count=count), help=help_)


def _steering(closed: bool) -> None:
    here = seat()
    if closed:
        st.info(_("The lesson has ended; the answers stay until the room is deleted."))
    else:
        st.toggle(
            _("Students' screens follow mine"),
            value=rooms_here().shown(here.code).following,
            key="room_leads",
            on_change=_lead,
            help=_(
                "Page, network, step and selection. Language stays each student's own, and so does a picture of yours."
            ),
        )
        with st.popover(_("Come back later"), icon=":material/key:", width="stretch"):
            st.markdown(
                _("This browser knows that the room is yours. For another one, keep this link and show it to nobody:")
            )
            st.code("&".join([_link(), urlencode({"key": here.key})]), language=None, wrap_lines=True)
    _end(closed)


def _end(closed: bool) -> None:
    if not closed:
        st.button(_("Close the lesson"), icon=":material/stop_circle:", on_click=_close, width="stretch")
    with st.popover(_("Delete the room"), icon=":material/delete:", width="stretch"):
        sentence = _("The room and all answers are deleted now, instead of {hours} hours after it was opened.")
        st.markdown(sentence.format(hours=HOURS))
        st.button(_("Delete it now"), on_click=_delete)


@st.fragment(run_every=EVERY)
def _answers() -> None:
    """The latest question with its answers, which grow while one looks."""
    here, rooms = seat(), rooms_here()
    show_refused()
    with refusals():
        asked = rooms.asked(here.code)
        if asked is None:
            return
        tallies = rooms.tallies(here.code, here.key)
        said = told(asked.question)
        st.subheader(said.prompt, anchor=False)
        key = f"room_results_{asked.number}"
        if asked.revealed or st.session_state.get(SPREAD):
            results(key, tallies[-1], said, truth=asked.revealed)
        else:
            waiting_for_answers(key, tallies[-1], said)
        if not asked.revealed:
            help_ = _("While this is off, a projector shows how many have answered, and not what.")
            st.toggle(_("Show how the answers are spread"), key=SPREAD, help=help_)
        elif asked.question.ready:
            to_its_step(asked.question)
        with st.container(horizontal=True, vertical_alignment="center"):
            if not asked.revealed:
                st.button(_("Reveal the answers"), type="primary", icon=":material/visibility:", on_click=_reveal)
            if any(tally.answers for tally in tallies):
                st.download_button(
                    _("Answers (CSV)"),
                    answers_csv(tallies),
                    file_name="answers.csv",
                    mime="text/csv",
                    icon=":material/download:",
                    on_click="ignore",
                )


def _ask() -> None:
    first = rooms_here().asked(seat().code) is None
    with st.expander(_("Ask the class"), icon=":material/how_to_vote:", expanded=first):
        question = choose_question()
        st.button(
            _("Ask this"),
            type="primary" if first else "secondary",
            icon=":material/send:",
            disabled=question is None,
            on_click=_put,
            args=(question,),
        )


def _earlier(tallies: list[Tally]) -> None:
    """The questions before the latest, each with its answers."""
    for number, tally in reversed(list(enumerate(tallies[:-1], 1))):
        said = told(tally.question)
        title = _("Question {number}: {question}").format(number=number, question=said.prompt)
        with st.expander(running_text(title)):
            results(f"room_earlier_{number}", tally, said, truth=True)


def _put(question: Question) -> None:
    here = seat()
    with refusals():
        rooms_here().ask(here.code, here.key, question)


def _reveal() -> None:
    here = seat()
    with refusals():
        rooms_here().reveal(here.code, here.key)


def _lead() -> None:
    here = seat()
    with refusals():
        rooms_here().lead(here.code, here.key, st.session_state["room_leads"])


def _close() -> None:
    here = seat()
    with refusals():
        rooms_here().close(here.code, here.key)


def _delete() -> None:
    here = seat()
    with refusals():
        rooms_here().delete(here.code, here.key)
        leave()
