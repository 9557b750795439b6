"""The questions of the tour in a room: their answers and their truth come from the networks, in each reader's language.

What is stored of one is its name, and the names of its options.
"""

import streamlit as st
from PIL import Image, ImageEnhance

from inception import words
from inception.rooms.questions import Answer, Kind, Question
from inception.words import ENGLISH, _, speaking
from pages.parts.page_list import PAGES
from pages.parts.room_told import Told, as_url
from pages.parts.tour_answers import QUESTIONS
from pages.parts.tour_question import Choice, Number, Place
from pages.parts.tour_steps import STEPS

TITLES = {step.id: step.title for step in STEPS}  # marked texts; to ask all would run every network first
SHADE = 0.35  # of the brightness, where the truth of a place is not


@st.cache_data(show_spinner=False)
def ready_question(name: str) -> Question:
    """A question of the tour as a room stores it; its text is English there, for the file of answers."""
    with speaking(ENGLISH):
        asked = QUESTIONS[name].ask()
    if isinstance(asked, Choice):
        options = tuple(option.id for option in asked.options)
        return Question(Kind.CHOICE, asked.prompt, options, truth=options.index(asked.truth), ready=name)
    if isinstance(asked, Number):
        return Question(Kind.NUMBER, asked.prompt, truth=asked.truth, ready=name)
    return Question(Kind.PLACE, asked.prompt, picture=name, ready=name)


def told_ready(question: Question) -> Told:
    """What such a question says, in the language of this session."""
    return _told(question.ready, question.options, words.current())


@st.cache_data(max_entries=64, show_spinner=False)
def _told(name: str, options: tuple[str, ...], language: str) -> Told:
    """Made once for all readers of a language: some run a network."""
    asked = QUESTIONS[name].ask()
    if isinstance(asked, Choice):
        return Told(asked.prompt, tuple(asked.option(id).text for id in options), says=asked.says)
    if isinstance(asked, Number):
        return Told(asked.prompt, says=asked.says)
    return Told(asked.prompt, picture=as_url(asked.picture), marked=as_url(_marked(asked)), says=asked.says)


def _marked(asked: Place) -> Image.Image:
    """The picture, dark where no answer is right."""
    inside = Image.fromarray(asked.inside).convert("L").resize(asked.picture.size)
    picture = asked.picture.convert("RGB")
    return Image.composite(picture, ImageEnhance.Brightness(picture).enhance(SHADE), inside)


def to_its_step(question: Question) -> None:
    """A link to the figure in the tour that such a question belongs to."""
    label = _("Its figure in the tour: {title}").format(title=_(TITLES[question.ready]))
    page = PAGES["tour"]
    number = list(TITLES).index(question.ready) + 1
    st.page_link(page.path, label=label, icon=f":material/{page.icon}:", query_params={"step": str(number)})


def verdict(question: Question, answer: Answer) -> str:
    """What the tour says of an answer; "" of a place, whose truth is on the picture."""
    if question.kind is Kind.PLACE or isinstance(answer, tuple):
        return ""
    asked = QUESTIONS[question.ready].ask()
    return asked.judge(question.options[int(answer)] if question.kind is Kind.CHOICE else f"{answer!r}").why
