"""What a session has computed, kept under a name until what it was computed from changes.

What tells of no reader all sessions keep together: a class that opens a page computes it once.
"""

from collections.abc import Callable, Hashable
from typing import Any, TypeVar

import streamlit as st

T = TypeVar("T")
MOST_SHARED = 256  # values that all sessions keep together


def kept(name: str, key: Hashable, compute: Callable[[], T], most: int = 1, shared: bool = False) -> T:
    """What was computed under this name for this key, or else what `compute` gives now.

    key: everything that the value depends on. most: how many keys a name holds; those that were not asked for longest
    make room. shared: whether it tells of no reader, and is small, so that all sessions keep it together.
    """
    if shared:
        found: T = _shared(name, repr(key), compute)
        return found
    own: T | None = peek(name, key)
    if own is None:
        own = compute()
    put(name, key, own, most)
    return own


def peek(name: str, key: Hashable) -> Any:
    """What is kept under a name for this key; None where there is nothing."""
    return _held(name).get(key)


def put(name: str, key: Hashable, value: object, most: int = 1) -> None:
    """Keeps a value as the latest of its name."""
    others = [(other, held) for other, held in _held(name).items() if other != key]
    # A new dict every time, so that a run of the session that is still ending sees the old one or the new one whole.
    st.session_state[_entry(name)] = dict([*others, (key, value)][-most:])


def forget(name: str) -> None:
    """Drops everything that is kept under a name."""
    st.session_state.pop(_entry(name), None)


def _held(name: str) -> dict[Hashable, Any]:
    held: dict[Hashable, Any] = st.session_state.get(_entry(name), {})
    return held


def _entry(name: str) -> str:
    """Its key in the session's state, where the widgets keep their values too."""
    return f"kept_{name}"


@st.cache_data(max_entries=MOST_SHARED, show_spinner=False)
def _shared(name: str, key: str, _compute: Callable[[], Any]) -> Any:  # `_`: no part of the key
    return _compute()
