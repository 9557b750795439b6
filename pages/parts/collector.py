"""Keeps Python's garbage collector short, and gives the system back what sessions leave behind.

The collector walks through all objects of the process, while no session goes on. Loaded modules and kept networks are
more than half a million, 0.3 s of a core, and each session adds what its page holds. Streamlit would walk after every
run of a page, so that a hundred sessions kept a server busy with nothing else (`runner.postScriptGC`, off in
.streamlit/config.toml). Here what is there is taken out of later walks, `gc.freeze`, and swept now and then: soon where
no page runs, so that a server at rest holds no more than it did before the class came.
"""

import ctypes
import gc
import threading
from contextlib import suppress
from time import monotonic, sleep

from streamlit.runtime import Runtime

from pages.parts.decoded import forget_ended

EVERY = 300  # seconds from one sweep to the next while pages run: with a class in it, one takes a second or two
AT_REST = 20  # where no page has run for
QUIET = 3  # seconds
LINGER = 180  # seconds of sweeps after the last run of a page: Streamlit forgets a session that has left after 120
SHARE = 0.02  # of the time, at most, for walks through what sessions hold

_sweeping = threading.Lock()
_walked: set[str] = set()  # pages whose first run is over
_next = 0.0  # when what sessions hold may be walked through again
_swept = 0.0  # when the last sweep was over
_ran = 0.0  # when the last run of a page was over
_sweeper: threading.Thread | None = None


def tidy(page: str) -> None:
    """After a run of a page: frees what refers to itself alone, if that is due.

    What the first run of a page has left, such as modules, is taken out of later walks until the next sweep. What is
    frozen is freed all the same when nothing refers to it; only circles of objects wait for the sweep.
    """
    global _next, _ran
    began = _ran = monotonic()
    if Runtime.exists():  # not in the tests of a page
        _sweep_at_rest()
    if began >= _swept + EVERY:
        sweep()
    elif page not in _walked:
        gc.collect()
        gc.freeze()
    elif began >= _next:
        gc.collect()
    else:
        return
    _walked.add(page)
    now = monotonic()
    _next = now + (now - began) / SHARE


def sweep() -> None:
    """Walks through everything, and gives memory that is free back to the system."""
    global _swept
    if not _sweeping.acquire(blocking=False):
        return  # another thread is at it
    try:
        gc.unfreeze()
        gc.collect()
        forget_ended()
        gc.freeze()
        give_back()
        _swept = monotonic()
    finally:
        _sweeping.release()


def give_back() -> None:
    """Gives the system the pages of memory on which nothing lies any more; with glibc, which else keeps most."""
    with suppress(AttributeError, OSError, TypeError):  # another C library
        ctypes.CDLL(None).malloc_trim(0)


def _sweep_at_rest() -> None:
    """Begins the sweeps of this server, if they have not begun."""
    global _sweeper
    if _sweeper is not None:
        return
    with _sweeping:
        if _sweeper is None:
            _sweeper = threading.Thread(target=_sweeps, daemon=True, name="sweeper")
            _sweeper.start()


def _sweeps() -> None:
    while True:
        sleep(AT_REST)
        if QUIET <= monotonic() - _ran < LINGER:
            sweep()
