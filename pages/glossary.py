"""Glossary: what do the words mean?"""

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from inception import words
from inception.errors import InceptionError
from inception.text import found_names
from inception.words import _
from pages.parts import address, frame, glossary
from pages.parts.finding import finding
from pages.parts.glossary_terms import TERMS, Term
from pages.parts.literal import literal
from pages.parts.page_list import PAGES


def show(term: Term) -> DeltaGenerator:
    """One term: its names, what it means and a link; gives the place of its number."""
    with st.container(border=True, key=f"entry_{term.id}"):
        st.markdown(glossary.all_names(term))
        st.markdown(_(term.meaning))
        where, number = st.columns([2, 5], vertical_alignment="center")
        page = PAGES[term.page]
        where.page_link(page.path, label=_(page.title), icon=f":material/{page.icon}:", query_params=term.query or None)
        place = number.empty()
        place.caption("…")
        return place


def show_number(term: Term, place: DeltaGenerator) -> None:
    """The number of a term, or why this server has none."""
    try:
        place.caption(glossary.fact(term.id, words.current()))
    except InceptionError as error:  # a server may be without the weights that some numbers are of
        place.caption(_("– {reason}").format(reason=literal(str(error))))


frame.open_page("glossary")
finding(
    _("**{count} terms, each with one sentence, one number** that this app computes, and one link.").format(
        count=len(TERMS)
    )
)
typed = st.text_input(
    _("Search"),
    key=address.written("search", key="glossary_words"),
    placeholder=_("stride, softmax, receptive field…"),
)
terms = sorted(TERMS.values(), key=lambda term: _(term.name).casefold())
texts = [" ".join([_(term.name), *glossary.other_names(term), _(term.meaning)]) for term in terms]
shown = [terms[place] for place in found_names(typed, texts)] if typed else terms
columns = st.columns(2)
places = {}
for number, term in enumerate(shown):
    with columns[number % 2]:
        places[term.id] = show(term)
# All the words are there before the first number, because the first ones of a server take seconds.
for term in shown:
    show_number(term, places[term.id])
if not shown:
    st.info(_("No term matches. Try one word, in English or Chinese."), icon=":material/search_off:")
