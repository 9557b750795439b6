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
    place.caption(number_of(term))


def number_of(term: Term) -> str:
    """The number of a term in a sentence, or why this server has none."""
    try:
        return glossary.fact(term.id, words.current())
    except InceptionError as error:  # a server may be without the weights that some numbers are of
        return _("– {reason}").format(reason=literal(str(error)))


def found(typed: str, terms: list[Term]) -> list[Term]:
    """The terms that all the words in `typed` stand in: those that are called so first, then by all that is said."""
    called = [glossary.looked_for_by(term) for term in terms]
    said = [" ".join([name, _(term.meaning), number_of(term)]) for name, term in zip(called, terms, strict=True)]
    return [terms[place] for place in dict.fromkeys([*found_names(typed, called), *found_names(typed, said)])]


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
shown = found(typed, terms) if typed else terms
st.caption(_("Behind each term stands its name in the app's other language."))
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
