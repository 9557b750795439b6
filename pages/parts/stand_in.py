"""Another network for a page that has nothing for the chosen one, so that it opens on something that works."""

from collections.abc import Sequence

import streamlit as st

from inception.text import running_text
from inception.words import _
from inception.zoo import VARIANTS
from pages.parts import choices


def fitting(names: Sequence[str]) -> str:
    """The chosen network where it is among those that fit a page, else the first of these."""
    chosen = choices.chosen_variant().name
    return chosen if chosen in names else names[0]


def say_stand_in(name: str, reason: str, names: Sequence[str]) -> None:
    """Says that the page shows another network than the chosen one, why, and offers to choose one that fits.

    reason: Markdown, a sentence about the chosen network.
    """
    if name == choices.chosen_variant().name:
        return
    shown = _("So this page shows {network}.").format(network=_(VARIANTS[name].title))
    st.info(running_text(reason, shown), icon=":material/swap_horiz:")
    with st.container(horizontal=True):
        _switch(name)
        if others := [fits for fits in names if fits != name]:
            with st.popover(_("Another network")):
                for fits in others:
                    _switch(fits)


def _switch(name: str) -> None:
    label = _("Switch to {name}").format(name=name)
    st.button(label, icon=":material/swap_horiz:", on_click=lambda: st.session_state.update(model=name))
