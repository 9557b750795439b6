"""A spinner round what may take long.

Streamlit's spinner starts a thread and sends a message each time, and pages ask again and again for what is there.
"""

from collections.abc import Hashable, Iterator
from contextlib import contextmanager

import streamlit as st

MOST = 10_000  # things that are remembered

_had: dict[Hashable, None] = {}  # what this server has had before


@contextmanager
def waiting(sentence: str, here: bool = False) -> Iterator[None]:
    """Says that a reader waits, unless what is asked for is here."""
    if here:
        yield
        return
    with st.spinner(sentence):
        yield


@contextmanager
def waiting_once(sentence: str, thing: Hashable) -> Iterator[None]:
    """The same for a thing that the server keeps once it has it."""
    with waiting(sentence, thing in _had):
        yield
    if len(_had) >= MOST:
        _had.clear()
    _had[thing] = None
