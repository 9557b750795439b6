"""The language of a session: what the address says, else what the reader chose, else the browser's, else English."""

from collections.abc import Callable

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from inception import words
from inception.words import _
from pages.parts import address

COOKIE = "inception_language"  # in which the browser keeps what its reader chose
KEPT = 365 * 24 * 3600  # seconds


def session_language() -> str:
    """The code of the language that this session's pages speak; English outside of a session."""
    if get_script_run_ctx(suppress_warning=True) is None:
        return words.ENGLISH
    for asked in ASKED:  # one after the other, because every sentence of a page asks, and the first mostly says it
        if known := words.match(asked()):
            return known
    return words.ENGLISH


def language_switch() -> None:
    """The control in the sidebar. The browser keeps a choice; one that is not its own stands in the address."""
    known = words.languages()
    own = words.match(st.context.locale) or words.ENGLISH
    chosen = words.match(_chosen())
    if chosen and "lang" not in st.session_state:
        st.session_state["lang"] = chosen
    # In every run, as the browser knows an option by its text.
    address.bind("lang", own, _read, str, again=True, instead=chosen)
    st.selectbox(_("Language"), list(known), format_func=known.__getitem__, key="lang", on_change=_keep)


def _read(code: str) -> str:
    """The language of a code as people write it, such as zh; raises KeyError where there is none."""
    if found := words.match(code):
        return found
    raise KeyError(code)


def _keep() -> None:
    st.session_state["chosen_language"] = st.session_state["lang"]
    address.set_cookie(COOKIE, st.session_state["lang"], KEPT)


def _chosen() -> str | None:
    """What the reader chose in this session, or in one before."""
    chosen: str | None = st.session_state.get("chosen_language") or st.context.cookies.get(COOKIE)
    return chosen


ASKED: tuple[Callable[[], str | None], ...] = (
    lambda: st.session_state.get("lang"),
    lambda: st.query_params.get("lang"),
    _chosen,
    lambda: st.context.locale,
)

# Callbacks and fragments run without the frame, so every sentence asks for its session's language itself.
words.follow(session_language)
