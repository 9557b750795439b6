"""Who this session is among those that compute on this server, and what it is told while it waits."""

from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st
from streamlit.delta_generator import DeltaGenerator
from streamlit.runtime.scriptrunner import get_script_run_ctx

from inception.runtime import turns
from inception.runtime.predictor import Predictor
from inception.runtime.remote import RemoteNetwork
from inception.runtime.turns import Asker, Rank, Waiting, before_you, long_work
from inception.vision.attributions.choice import MACS


def session_asker() -> Asker:
    """The session that this thread runs the script of, and its rank; nobody in particular outside of one."""
    context = get_script_run_ctx(suppress_warning=True)
    if context is None:
        return Asker()
    seat = st.session_state.get("room_seat")  # not `seat()`, which may look into the database
    if seat is None or not seat.code:
        return Asker(context.session_id)
    return Asker(context.session_id, Rank.TEACHER if seat.key else Rank.CLASS)


def told(place: DeltaGenerator) -> Waiting:
    """Tells a reader who waits how many are before, in a place that is empty later; any click ends the waiting."""

    def tell(before: int) -> None:
        place.info(before_you(before), icon=":material/hourglass_top:")

    return tell


@contextmanager
def place_for(network: Predictor, macs: float) -> Iterator[None]:
    """Round work of so many multiply-accumulates: waits for a place where it takes longer than about a second here.

    Raises BusyError.
    """
    if macs <= MACS or isinstance(network, RemoteNetwork):
        yield
        return
    note = st.empty()
    with long_work.place(told(note)):
        note.empty()
        yield


turns.follow(session_asker)
