"""A question in a room as its readers see it, each in their own language, and how the class answered it."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import streamlit as st

import inception
from inception.rooms.questions import Answer, Kind, Question, Tally
from inception.text import running_text
from inception.vision.samples import samples
from inception.words import _, ngettext
from pages.figures import answers as figures
from pages.figures import common
from pages.parts import components
from pages.parts.literal import literal
from pages.parts.room_ready import told_ready
from pages.parts.room_told import Told, as_url


def told(question: Question) -> Told:
    """What a question says. What a teacher wrote is shown as it is, and not as Markdown."""
    if question.ready:
        return told_ready(question)
    prompt = literal(question.text)
    if question.kind is Kind.PLACE:
        sample = samples().get(question.picture) or next(iter(samples().values()))
        return Told(prompt, picture=picture_url(sample.name), alt=sample.title)
    return Told(prompt, question.options, says=_says(question))


def _says(question: Question) -> str:
    if question.truth is None:
        return ""
    if question.kind is Kind.CHOICE:
        return _("Right is: **{answer}**.").format(answer=literal(question.options[int(_single(question.truth))]))
    return _("Right is: **{answer}**.").format(answer=f"{_single(question.truth):,.10g}")


@st.cache_data(show_spinner=False)
def picture_url(name: str) -> str:
    """A sample, no larger than it is shown."""
    return as_url(inception.load_image(samples()[name].path))


def point(key: str, said: Told, own: Answer | None, on_place: Callable[[list[float]], None]) -> None:
    """The picture, on which the reader points at a place."""
    label = _("Point at the place: click it, or move the mark with the arrow keys and press Enter.")
    data: dict[str, Any] = {"picture": said.picture, "alt": said.alt, "dots": [], "own": own, "truth": None}
    components.place({**data, "active": True, "label": label}, key, on_place)


def _show_places(key: str, said: Told, places: Sequence[Answer], right: Answer | None, label: str) -> None:
    """The picture with places on it, to look at."""
    data = {"picture": said.picture, "alt": said.alt, "dots": list(places), "own": None, "truth": right}
    components.place({**data, "active": False, "label": label}, key, lambda _place: None)


def waiting_for_answers(key: str, tally: Tally, said: Told) -> None:
    """What is asked and how many have answered, without saying what: a projector shows it to who has not yet."""
    if said.options:
        st.markdown(as_list(said.options))
    if tally.question.kind is Kind.PLACE:
        _show_places(key, said, [], None, said.prompt)
    st.markdown(_counted(tally))


def as_list(options: Sequence[str]) -> str:
    """The answers to choose from, as Markdown."""
    return "\n".join(f"- {literal(option)}" for option in options)


def results(key: str, tally: Tally, said: Told, truth: bool) -> None:
    """How the class answered, and what is right where that may be seen already."""
    question = tally.question
    right = question.truth if truth else None
    st.markdown(running_text(_counted(tally), _spread(tally)))
    if truth and (sentence := said.says):
        st.success(sentence, icon=":material/check_circle:")
    if question.kind is Kind.PLACE:
        shown = replace(said, picture=said.marked) if truth and said.marked else said
        _show_places(key, shown, tally.answers, right, _("Where the class pointed"))
        if right is not None:
            st.caption(_("The green square is the right place."))
        elif truth and said.marked:
            st.caption(_("Right is where the picture is bright."))
    elif question.kind is Kind.CHOICE:
        shown = figures.choice_bars(said.options, tally, None if right is None else int(_single(right)))
        st.plotly_chart(shown, config=common.PLAIN, key=key)
    elif tally.answers:
        shown = figures.number_bars(tally, None if right is None else _single(right))
        st.plotly_chart(shown, config=common.PLAIN, key=key)


def _counted(tally: Tally) -> str:
    count = len(tally.answers)
    return ngettext("**{count} answer.**", "**{count} answers.**", count).format(count=count)


def _spread(tally: Tally) -> str:
    """The numbers in a sentence, for who does not see the chart."""
    if tally.question.kind is not Kind.NUMBER or not tally.answers:
        return ""
    low, high = _single(tally.answers[0]), _single(tally.answers[-1])
    sentence = _("From {low} to {high}; half of them are at most {median}.")
    return sentence.format(low=f"{low:,.6g}", high=f"{high:,.6g}", median=f"{tally.median:,.6g}")


def _single(answer: Answer) -> float:
    assert not isinstance(answer, tuple)
    return answer
