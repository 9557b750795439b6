"""What an operator learns of a server: lines in its log, and numbers in Prometheus' format.

A session's beginning and end, a refusal and a slow run are one line each, and say nothing of whoever it was: no
addresses, no names, no texts, no pictures. The numbers are beside Streamlit's own at `/_stcore/metrics`, from the first
session on.
"""

import math
import threading
import weakref
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import accumulate
from time import monotonic

import streamlit as st
from streamlit.logger import get_logger
from streamlit.runtime import Runtime
from streamlit.runtime.stats import CounterStat, GaugeStat, HistogramStat, Stat

from inception.errors import InceptionError
from inception.runtime.pool import networks
from inception.runtime.turns import forward_lock, long_work

SLOW = 10.0  # seconds of a run from which on it has a line of its own
BOUNDS = (0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 120.0, math.inf)  # of the histogram, in seconds
RUNS, REFUSALS, SESSIONS = "inception_run_seconds", "inception_refusals", "inception_sessions"
WORKING, WAITING = "inception_long_work_running", "inception_long_work_waiting"
PASSES, NETWORKS, BYTES = "inception_passes_waiting", "inception_networks", "inception_networks_bytes"

_log = get_logger("inception")


class Journal:
    """What has happened on this server; any thread may write."""

    stats_families = (RUNS, REFUSALS, SESSIONS, WORKING, WAITING, PASSES, NETWORKS, BYTES)

    def __init__(self) -> None:
        self._lock = threading.RLock()  # the collector may find the end of a session in a thread that holds it
        self._began = self._ended = 0
        self._runs: dict[str, list[int]] = {}  # by page: how many within each bound and not the one before
        self._seconds: Counter[str] = Counter()  # by page
        self._refusals: Counter[str] = Counter()  # by kind of error

    def begin(self, session: "Session") -> None:
        """A session begins; its end is noted when nothing holds it any more."""
        with self._lock:
            self._began += 1
            open_now = self._began - self._ended
        _log.info("session began, %d open", open_now)
        weakref.finalize(session, self._end, monotonic()).atexit = False

    def _end(self, began: float) -> None:
        with self._lock:
            self._ended += 1
            open_now = self._began - self._ended
        _log.info("session ended after %.0f s, %d open", monotonic() - began, open_now)

    def ran(self, page: str, seconds: float) -> None:
        """A run of a page has ended."""
        with self._lock:
            self._runs.setdefault(page, [0] * len(BOUNDS))[bisect_left(BOUNDS, seconds)] += 1
            self._seconds[page] += seconds  # type: ignore[assignment]
        if seconds >= SLOW:
            _log.info("slow: page %s took %.1f s", page, seconds)

    def refused(self, page: str, error: InceptionError) -> None:
        """Something was not done; of the sentence, which may quote what was asked for, only its kind is kept."""
        kind = type(error).__name__
        with self._lock:
            self._refusals[kind] += 1
        _log.info("refused: page %s, %s", page, kind)

    def get_stats(self, family_names: Sequence[str] | None = None) -> Mapping[str, Sequence[Stat]]:
        """What Streamlit serves of it: its families by name."""
        wanted = self.stats_families if family_names is None else family_names
        found = {RUNS: [], REFUSALS: [], SESSIONS: []} | {
            name: [GaugeStat(name, value, unit=unit, help=meaning)] for name, value, unit, meaning in _gauges()
        }  # type: dict[str, list[Stat]]
        with self._lock:
            for page, counts in self._runs.items():
                sums = tuple(zip(BOUNDS, accumulate(counts), strict=True))
                meaning = "Runs of a page, from a click to its last drawing."
                stat = HistogramStat(RUNS, sums, self._seconds[page], sum(counts), {"page": page}, "seconds", meaning)
                found[RUNS].append(stat)
            for kind, count in self._refusals.items():
                meaning = "What was answered with a sentence on why it cannot be done."
                found[REFUSALS].append(CounterStat(REFUSALS, count, {"kind": kind}, help=meaning))
            found[SESSIONS].append(CounterStat(SESSIONS, self._began, help="Sessions that have begun."))
        return {name: stats for name, stats in found.items() if name in wanted}


class Session:
    """What a session holds until it ends. page: the one that it runs."""

    page = ""


def note_refusal(error: InceptionError) -> None:
    """Notes what the reader of this session is told in a sentence."""
    session = st.session_state.get("journal")
    journal().refused(session.page if session else "", error)


def _gauges() -> Iterator[tuple[str, int, str, str]]:
    """Of this moment: name, value, unit, meaning."""
    yield WORKING, long_work.working, "", "Trainings and other long works that compute."
    yield WAITING, long_work.waiting, "", "Those that wait for a place."
    yield PASSES, forward_lock.waiting, "", "Threads that wait for their turn to run a network."
    yield NETWORKS, len(networks), "", "Networks in memory for all readers."
    yield BYTES, networks.nbytes, "bytes", "Memory of their weights."


@st.cache_resource(show_spinner=False)
def journal() -> Journal:
    """The one of this server, which Streamlit's metrics read from now on."""
    found = Journal()
    if Runtime.exists():  # not in the tests of a page
        Runtime.instance().stats_mgr.register_provider(found)
    return found


@contextmanager
def noted(page: str) -> Iterator[None]:
    """Round a run of a page."""
    if "journal" not in st.session_state:
        st.session_state["journal"] = Session()
        journal().begin(st.session_state["journal"])
    st.session_state["journal"].page = page
    began = monotonic()
    try:
        yield
    finally:
        journal().ran(page, monotonic() - began)
