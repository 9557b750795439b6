"""The language of a session: what the address says, else what the reader chose, else the browser's, else English."""

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from inception import words
from inception.words import _
from pages.parts import address


def session_language() -> str:
    """The code of the language that this session's pages speak; English outside of a session."""
    if get_script_run_ctx(suppress_warning=True) is None:
        return words.ENGLISH
    asked = st.session_state.get("lang") or st.query_params.get("lang") or st.context.locale
    return words.match(asked) or words.ENGLISH


def language_switch() -> None:
    """The control in the sidebar; a choice that is not the browser's own language stands in the address."""
    known = words.languages()
    own = words.match(st.context.locale) or words.ENGLISH
    st.selectbox(_("Language"), list(known), format_func=known.__getitem__, key=address.choice("lang", known, own))


# Callbacks and fragments run without the frame, so every sentence asks for its session's language itself.
words.follow(session_language)
