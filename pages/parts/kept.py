"""What a session has computed, kept until what it was computed from changes."""

from collections.abc import Callable
from typing import Any, TypeVar

import streamlit as st

T = TypeVar("T")


def kept(name: str, key: object, compute: Callable[[], T]) -> T:
    """The value of `compute`, from this session's memory where it was computed for the same key before.

    A session keeps one value a name, the last. key: everything that the value depends on.
    """
    found: T | None = peek(name, key)
    if found is None:
        found = compute()
        put(name, key, found)
    return found


def peek(name: str, key: object) -> Any:
    """What is kept under a name for this key; None where there is nothing."""
    known, value = st.session_state.get(f"kept_{name}", (None, None))
    return value if known == key else None


def put(name: str, key: object, value: object) -> None:
    """Keeps a value, in place of the one before."""
    st.session_state[f"kept_{name}"] = key, value
