"""The frame of every page: the controls in the sidebar, the header, and the sentence of whatever cannot be done."""

from collections.abc import Sequence

import streamlit as st
from streamlit.navigation.page import StreamlitPage
from streamlit.runtime.pages_manager import PagesManager

import inception
from inception.errors import InceptionError
from inception.runtime.devices import use_threads
from inception.size import SizeError
from inception.zoo import VARIANTS
from pages.parts import choices
from pages.parts.choices import SIZES, dead_link
from pages.parts.language import language_switch
from pages.parts.literal import literal
from pages.parts.page_list import HOME, PAGES, PageEntry


def run(chosen: StreamlitPage) -> None:
    """Draws the sidebar and runs the chosen page; what cannot be done is one sentence, and the sidebar stays usable."""
    page = PAGES[chosen.url_path or HOME.name]
    try:
        network_controls(page)
        with st.sidebar:
            language_switch()
        use_threads()
        chosen.run()
    except InceptionError as error:
        st.error(literal(str(error)), icon=":material/error:")


def network_controls(page: PageEntry) -> None:
    """The network and the input size: in the sidebar of every page, and in the URL.

    A control that is bound to the URL keeps its value when a link inside the app leads to a page with another one, so
    what such a link asks for is put in here. A text that is no size ends the page with a sentence.
    """
    if st.session_state.get("page") != page.name:
        st.session_state["page"] = page.name
        asked = st.session_state["asked_model"] = st.query_params.get("model")
        if asked in VARIANTS:
            st.session_state["model"] = asked
    asked = st.session_state["asked_model"]
    if asked and asked not in VARIANTS:
        dead_link(f"There is no network called {literal(asked)}; the sidebar has those that there are.")
    with st.sidebar:
        name = st.selectbox(
            "Network",
            inception.list_models(),
            key="model",
            bind="query-params",
            on_change=lambda: st.session_state.update(asked_model=None),
        )
        st.selectbox(
            "Input size, pixels",
            SIZES,
            index=None,
            key="size",
            bind="query-params",
            accept_new_options=True,
            placeholder=page.own_size or f"{VARIANTS[name].input_size}, as published",
            help="One number for a square, or height x width such as 350x400. From 75 to 1024. If it is empty, it is "
            "that of the published network, on the pages on your picture that at which the weights were trained, and "
            "in the laboratory of the residual scale a small one, so that it is quick.",
        )
        st.caption(f"**{VARIANTS[name].title}.** After {VARIANTS[name].source}.")
    try:
        choices.chosen_size()
    except SizeError:
        st.header(page.question)
        raise


def open_page(name: str) -> None:
    """First call of every page, with its name in the list of pages: shows the question that it answers.

    Until `st.navigation` has run in a server, Streamlit takes a folder called pages/ for its old kind of multi-page
    app, and a link straight to a page opens it without the frame. Turned off here, the rerun goes through app.py.
    """
    if PagesManager.uses_pages_directory:
        PagesManager.uses_pages_directory = False
        st.rerun()
    st.header(PAGES[name].question)


def offer_networks(sentence: str, names: Sequence[str], icon: str) -> None:
    """Ends a page that the chosen network has nothing for: a sentence, and buttons that switch to those that do."""
    st.info(f"{sentence} {', '.join(names[:-1])} and {names[-1]}.", icon=icon)
    with st.container(horizontal=True):
        for name in names:
            st.button(
                f"Switch to {name}",
                icon=":material/swap_horiz:",
                on_click=lambda name=name: st.session_state.update(model=name),
            )
    st.stop()
