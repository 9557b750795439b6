"""The frame of every page: the controls in the sidebar, the header, and the sentence of whatever cannot be done."""

from collections.abc import Sequence

import streamlit as st
from streamlit.navigation.page import StreamlitPage
from streamlit.runtime.pages_manager import PagesManager

import inception
from inception.errors import InceptionError
from inception.runtime.devices import use_threads
from inception.runtime.engine_client import engine
from inception.size import SizeError
from inception.text import running_text
from inception.words import _
from inception.zoo import VARIANTS
from pages.parts import choices
from pages.parts.choices import SIZES, dead_link
from pages.parts.language import language_switch
from pages.parts.literal import literal
from pages.parts.page_list import HOME, PAGES, PageEntry
from pages.parts.stand_in import fitting


def run(chosen: StreamlitPage) -> None:
    """Draws the sidebar and runs the chosen page; what cannot be done is one sentence, and the sidebar stays usable."""
    page = PAGES[chosen.url_path or HOME.name]
    try:
        network_controls(page)
        with st.sidebar:
            language_switch()
        use_threads()
        client, note = engine(), st.empty()
        try:
            chosen.run()
        finally:
            if client is not None and client.gone:
                alone = _("This server computes by itself until it is back.")
                note.warning(literal(running_text(client.gone_sentence, alone)), icon=":material/cloud_off:")
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
        sentence = _("There is no network called {name}. The sidebar lists the networks that there are.")
        dead_link(sentence.format(name=literal(asked)))
    with st.sidebar:
        name = st.selectbox(
            _("Network"),
            inception.list_models(),
            key="model",
            bind="query-params",
            on_change=lambda: st.session_state.update(asked_model=None),
        )
        st.selectbox(
            _("Input size, pixels"),
            SIZES,
            index=None,
            key="size",
            bind="query-params",
            accept_new_options=True,
            placeholder=_(page.own_size) or _("{size}, as published").format(size=VARIANTS[name].input_size),
            help=_(
                "One number for a square, or height x width, such as 350x400. Each side has from 75 to 1024 pixels. "
                "If you leave it empty, the page chooses: most pages take the size of the published network. Pages on "
                "your picture take the size at which the weights were trained. The page on the residual scale takes a "
                "small size, because that is quick."
            ),
        )
        described = _("**{network}.** After {source}.")
        st.caption(described.format(network=_(VARIANTS[name].title), source=_(VARIANTS[name].source)))
    try:
        choices.chosen_size()
    except SizeError:
        st.header(headline(page, name))
        raise


def open_page(name: str, fits: Sequence[str] = ()) -> str:
    """First call of every page, with its name in the list of pages: shows its headline.

    fits: the networks that the page has something for, where that is not all. Returns the one that the page is about:
    the chosen one, or the first of those where the chosen one does not fit.

    Until `st.navigation` has run in a server, Streamlit takes a folder called pages/ for its old kind of multi-page
    app, and a link straight to a page opens it without the frame. Turned off here, the rerun goes through app.py.
    """
    if PagesManager.uses_pages_directory:
        PagesManager.uses_pages_directory = False
        st.rerun()
    network = fitting(fits) if fits else choices.chosen_variant().name
    st.header(headline(PAGES[name], network))
    return network


def headline(page: PageEntry, network: str) -> str:
    """The question that a page answers, after the name of the network that it is about."""
    if not page.one_network:
        return _(page.question)
    return _("{network} · {question}").format(network=_(VARIANTS[network].title), question=_(page.question))
