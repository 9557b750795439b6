"""The glossary: terms explained where they stand, on hover and focus, and their facts for the page of all."""

import re
from functools import cache
from html import escape

import streamlit as st

from inception import words
from inception.text import running_text
from inception.words import _
from pages.parts.glossary_terms import TERMS, Numbers, Term

SHOWN = "terms_shown"  # in the session: what this run of the page has explained already
# What is not prose: code, formulas, links, icons, and HTML.
NOT_PROSE = re.compile(r"(`[^`]*`|\$[^$]*\$|\[[^\]]*\]\([^)]*\)|:[a-z_]+/[a-z_]+:|<[^>]*>|https?://\S+)")

EMPHASIS = re.compile(r"`[^`]*`|\$[^$]*\$|(?P<marks>\*\*?)(?P<inside>[^*]+)(?P=marks)")
TAGS = {"*": "em", "**": "strong"}


@cache
def _numbers() -> Numbers:
    return Numbers()


@cache
def fact(term_id: str, language: str) -> str:
    """The number of a term, in a sentence; computed once in a server for each language."""
    term = TERMS[term_id]
    with words.speaking(language):
        return _(term.fact).format(**term.values(_numbers()))


def meaning(term_id: str, *more: str) -> str:
    """What a term means, and more about it, for the help of a heading."""
    return running_text(_(TERMS[term_id].meaning), *more)


def other_names(term: Term) -> list[str]:
    """What a term is called in the other languages that there are, where that is something else."""
    return sorted(words.in_every_language(term.name) - {_(term.name)})


def looked_for_by(term: Term) -> str:
    """The words by which a term is found first: its names in every language, and others for the same."""
    return ", ".join(text for name in (term.name, term.also) if name for text in words.in_every_language(name))


def all_names(term: Term) -> str:
    """What a term is called in the reader's language, and in the others; Markdown."""
    others = _(", ").join(other_names(term))
    return _("**{term}** · {others}").format(term=_(term.name), others=others) if others else f"**{_(term.name)}**"


def start_page() -> None:
    """Lets the page explain each term anew where it first stands."""
    st.session_state[SHOWN] = set()


def explained(markdown: str) -> str:
    """Markdown in which each term that the page has not had before explains itself; for `unsafe_allow_html`.

    HTML in it is shown as it is written.
    """
    shown: set[str] = st.session_state.setdefault(SHOWN, set())
    pattern, by_form = _forms(words.current())

    def explain(match: re.Match[str]) -> str:
        term = TERMS[by_form[match[0].casefold().removesuffix("s")]]
        if term.id in shown or (
            term.name.isupper() and not match[0].removesuffix("s").isupper()
        ):  # "the same" is not SAME
            return match[0]
        shown.add(term.id)
        meaning = escape(_(term.meaning), quote=False)
        name = f"term-{term.id}"
        return (
            f'<span class="term" tabindex="0" aria-describedby="{name}">{match[0]}'
            f'<span class="tip" role="tooltip" id="{name}">{meaning}</span></span>'
        )

    pieces = NOT_PROSE.split(escape(markdown, quote=False).replace("&gt;", ">"))
    return _emphasised(
        "".join(piece if place % 2 else pattern.sub(explain, piece) for place, piece in enumerate(pieces))
    )


def _emphasised(markdown: str) -> str:
    """Markdown whose emphasis round terms is HTML.

    Between a letter and the HTML of a term, as in Chinese, which has no blanks, marks would not count as emphasis.
    """

    def written(match: re.Match[str]) -> str:
        if '<span class="term"' not in (match["inside"] or ""):
            return match[0]
        tag = TAGS[match["marks"]]
        return f"<{tag}>{match['inside']}</{tag}>"

    return EMPHASIS.sub(written, markdown)


def prose(markdown: str, small: bool = False) -> None:
    """Text of a page, with its terms explained on hover and focus. small: as a caption."""
    (st.caption if small else st.markdown)(explained(markdown), unsafe_allow_html=True)


@cache
def _forms(language: str) -> tuple[re.Pattern[str], dict[str, str]]:
    """A pattern of how the terms stand in texts of a language, the longest first, and the term of each form."""
    with words.speaking(language):
        forms = {_(term.name).partition("（")[0].casefold().removesuffix("s"): term.id for term in TERMS.values()}
    longest = sorted(forms, key=len, reverse=True)
    latin = (rf"(?<![\w-]){re.escape(form)}s?(?![\w-])" if form.isascii() else re.escape(form) for form in longest)
    return re.compile("|".join(latin), re.IGNORECASE), forms
