"""Tour: how does Inception work, step by step?"""

import streamlit as st

from inception.words import _
from pages.parts import components, frame
from pages.parts import tour_progress as progress
from pages.parts.finding import finding
from pages.parts.glossary import prose
from pages.parts.page_list import PAGES
from pages.parts.pictures import choose_picture
from pages.parts.tour_answers import look
from pages.parts.tour_figures import AFTER, BEFORE, map_over, way_of_picture
from pages.parts.tour_question import AnswerError, Asked, Place
from pages.parts.tour_steps import PLACES, STEPS, Step
from pages.parts.tour_summary import show_summary
from pages.parts.tour_view import asked, show_place, show_question


def steps_bar(answers: progress.Answers) -> None:
    """All steps as numbers, with a mark on those that are answered."""
    done = {str(number) for number, step in enumerate(STEPS, 1) if step.id in answers}

    def label(step: str) -> str:
        if step == progress.SUMMARY:
            return _("Summary")
        return f"{step} :material/check:" if step in done else step

    st.pills(
        _("Steps"), progress.NUMBERS, key=progress.STEP, required=True, format_func=label, label_visibility="collapsed"
    )


def next_and_back(place: int) -> None:
    """The buttons to the steps before and behind, which have keys."""
    with st.container(horizontal=True, key="tour_buttons"):
        if place:
            st.button(
                _("Back"),
                icon=":material/arrow_back:",
                shortcut="b",
                on_click=progress.go_to,
                args=(progress.NUMBERS[place - 1],),
            )
        if place < len(STEPS):
            st.button(
                _("Next"),
                icon=":material/arrow_forward:",
                type="primary",
                shortcut="n",
                on_click=progress.go_to,
                args=(progress.NUMBERS[place + 1],),
            )


def go_on(number: int, step: Step) -> None:
    """What to do with it, and the page where that is done; which leads back."""
    page = PAGES[step.page]
    prose(_("**Try it:** {sentence}").format(sentence=_(step.try_it)))
    st.page_link(
        page.path,
        label=_("Open it in {page}").format(page=_(page.title)),
        icon=f":material/{page.icon}:",
        query_params=step.query() | {"tour": str(number)},
    )


def question_of(step: Step) -> tuple[Asked, bytes]:
    """The question of a step, and the picture that it is about where the reader chooses one."""
    if step.id != "look":
        return asked(step.id), b""
    with st.expander(_("Choose a picture"), icon=":material/image:"):
        data = choose_picture(inviting=True)
    with st.spinner(_("Forwards and backwards through the network once…")):
        return look(data), data


def show_step(number: int, step: Step, answers: progress.Answers) -> None:
    """A step: its text and figure on the left, its question on the right."""
    st.subheader(_("{number}. {title}").format(number=number, title=_(step.title)))
    figure, beside = st.columns([3, 2], gap="large")
    with figure:
        prose(_(step.text).format(**PLACES))
        question, picture = question_of(step)
    answer = answers.get(step.id)
    try:
        if answer is not None:
            question.judge(answer)
    except AnswerError as error:
        progress.drop_what_is_none(step.id, error)
        answer = None
    with beside, st.container(border=True, key="tour_question"):
        show_question(step.id, question, answer)
    with figure:
        if answer is not None:
            finding(question.says)
        show_figure(step, question, answer, picture)
    with beside:
        if answer is not None:
            go_on(number, step)
        next_and_back(number - 1)
    if picture and answer is not None:
        way_of_picture(picture)
    components.bring_into_view("finding", progress.guesses())  # on a telephone it stands above what was pressed


def show_figure(step: Step, question: Asked, answer: str | None, picture: bytes) -> None:
    """What is to be seen before the guess, and what behind it."""
    if isinstance(question, Place):
        seen = question.picture if answer is None else map_over(question, picture)
        show_place(step.id, question, answer, seen)
        return
    (BEFORE if answer is None else AFTER)[step.id]()


frame.open_page("tour")
st.session_state["tour_cards"] = 0
step = progress.chosen_step()
answers = progress.answers()
progress.remember(step, answers)
with st.container(key="tour_top"):
    steps_bar(answers)
components.bring_into_view("tour_top", progress.NUMBERS.index(step))
if step == progress.SUMMARY:
    show_summary(answers)
    next_and_back(len(STEPS))
else:
    show_step(int(step), STEPS[int(step) - 1], answers)
