"""The frame of every page: the controls in the sidebar, the header, and the sentence of whatever cannot be done."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar

import streamlit as st
from streamlit.navigation.page import StreamlitPage
from streamlit.runtime.pages_manager import PagesManager

import inception
from inception import words
from inception.errors import InceptionError
from inception.runtime.devices import use_threads
from inception.runtime.engine_client import engine
from inception.size import SizeError
from inception.text import running_text
from inception.words import _
from inception.zoo import VARIANTS
from pages.parts import address, choices, collector, components, glossary, presenter, seat, warming
from pages.parts.choices import SIZES
from pages.parts.journal import note_refusal, noted
from pages.parts.language import language_switch, session_language
from pages.parts.literal import literal
from pages.parts.page_list import HOME, PAGES, PageEntry
from pages.parts.stand_in import fitting
from pages.parts.streamlit_words import say_streamlits_words

_in_frame = ContextVar("_in_frame", default=False)  # whether `run` is running the page
TOUR = "tour"  # the page


def run(chosen: StreamlitPage) -> None:
    """Draws the sidebar and runs the chosen page; what cannot be done is one sentence, and the sidebar stays usable."""
    page = PAGES[chosen.url_path or HOME.name]
    with noted(page.name), warming.page_runs():
        run_page(page, chosen)


def run_page(page: PageEntry, chosen: StreamlitPage) -> None:
    """Draws everything round the page, and the page."""
    seat.follow(page.name)
    address.arrive(page.name)
    notes = st.container()
    with st.sidebar:
        networks, language, link = st.container(), st.container(key="shared_language"), st.container()
        in_class = st.container()
    with address.bar(link):
        try:
            with language:
                language_switch()
            say_streamlits_words()
            components.chart_font()
            components.popover_focus()  # not in the sidebar, which a phone draws only when it is opened
            with notes:
                seat.banner(page.name)
                presenter.follow(page)
                switched_note(page)
                back_to_tour(page)
            with in_class:
                presenter.buttons()
                components.term_tips()
            with networks:
                network_controls(page)
            use_threads()
            # Asked once here: each sentence by itself would ask the session for its language.
            with engine_note(), inside(), seat.showing(page.name), words.speaking(session_language()):
                chosen.run()
            collector.tidy(page.name)
        except InceptionError as error:
            note_refusal(error)
            st.error(literal(str(error)), icon=":material/error:")
        finally:
            address.show_problems(notes)


def switched_note(page: PageEntry) -> None:
    """Says that a link inside the app has switched the network, until the reader goes on to another page or network."""
    before, asked = st.session_state.get("model"), address.asked("model")
    if address.is_link():
        st.session_state["switched"] = (page.name, before, asked) if before != asked and asked in VARIANTS else None
    came_to, before, now = st.session_state.get("switched") or (None, None, None)
    if page.name == came_to and (asked or st.session_state["model"]) == now:
        sentence = _("**The link here has switched the network**, from {before} to {now}.")
        st.info(sentence.format(before=before, now=now), icon=":material/swap_horiz:")
        st.button(
            _("Back to {name}").format(name=before),
            icon=":material/undo:",
            on_click=lambda: st.session_state.update(model=before),
        )


@contextmanager
def inside() -> Iterator[None]:
    """Lets the page know that it is run by the frame."""
    token = _in_frame.set(True)
    try:
        yield
    finally:
        _in_frame.reset(token)


@contextmanager
def engine_note() -> Iterator[None]:
    """Says above the page, once it has run, that the engine which the settings name does not answer, where that is so.

    Raises SettingsError.
    """
    client = engine()
    if client is None:
        yield
        return
    note = st.container(key="engine_note")
    try:
        yield
    finally:
        if client.gone:
            alone = _("This server computes by itself until it is back.")
            note.warning(literal(running_text(client.gone_sentence, alone)), icon=":material/cloud_off:")


def back_to_tour(page: PageEntry) -> None:
    """Leads back to the step of the tour that a link has led from, on all pages until the reader is there."""
    step = address.number("tour", 1, 99, None, key="tour_left")
    if st.session_state[step] is None:
        return
    if page.name == TOUR:
        st.session_state[step] = None
        address.leave_out("tour")
        return
    number = str(st.session_state[step])
    with st.container(key="back_to_tour"):
        st.page_link(
            PAGES[TOUR].path,
            label=_("Back to step {number} of the tour").format(number=number),
            icon=":material/route:",
            query_params={"step": number},
        )


def network_controls(page: PageEntry) -> None:
    """The network and the input size, which all pages share and each shows where they do something.

    A text that is no size ends the page with a sentence.
    """
    models = inception.list_models()
    address.choice("model", models)
    variant = choices.chosen_variant()
    if "model" in page.controls:
        with st.container(key="shared_network"):
            st.selectbox(_("Network"), models, key="model")
            described = _("**{network}.** After {source}.")
            st.caption(described.format(network=_(variant.title), source=_(variant.source)))
    if "size" not in page.controls:
        return
    address.bind("size", None, str, str)
    own = _(page.own_size) or _("{size}, as published").format(size=variant.input_size)
    st.container(key="shared_size").selectbox(
        _("Input size, pixels"),
        SIZES,
        index=None,
        key="size",
        accept_new_options=True,
        placeholder=own,
        help=_(
            "Height and width of the picture that goes into the network: one number for a square, or height x width, "
            "such as 350x400. Each side has from 75 to 1024 pixels. Left empty, it is on this page: {own}."
        ).format(own=own),
    )
    try:
        choices.chosen_size()
    except SizeError:
        st.header(headline(page, variant.name))
        raise


def open_page(name: str, fits: Sequence[str] = ()) -> str:
    """First call of every page, with its name in the list of pages: shows its headline.

    fits: the networks that the page has something for, where that is not all. Returns the one that the page is about:
    the chosen one, or the first of those where the chosen one does not fit.

    Until `st.navigation` has run in a server, Streamlit takes a folder called pages/ for its old kind of multi-page
    app, and a link straight to a page opens it without the frame. Turned off here, the rerun goes through app.py. It is
    turned off for all sessions at once, so each asks for itself whether its run came here through the frame.
    """
    if not _in_frame.get():
        PagesManager.uses_pages_directory = False
        st.rerun()
    glossary.start_page()
    network = fitting(fits) if fits else choices.chosen_variant().name
    page = PAGES[name]
    tab = _("{page} · {network}") if page.one_network else "{page}"
    st.set_page_config(page_title=tab.format(page=_(page.title), network=_(VARIANTS[network].title)))
    st.header(headline(page, network))
    return network


def headline(page: PageEntry, network: str) -> str:
    """The question that a page answers, after the name of the network that it is about."""
    if not page.one_network:
        return _(page.question)
    return _("{network} · {question}").format(network=_(VARIANTS[network].title), question=_(page.question))
