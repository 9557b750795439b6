"""How far a reader has come on the tour: the step and the answers, in the address and in the browser.

Answers stand in the address, so that a reload, the button Back and a copied link bring them back. The browser keeps the
latest address of the tour besides, and offers to go on there. The server stores nothing.
"""

from collections.abc import Mapping
from urllib.parse import parse_qs, urlencode

import streamlit as st

from inception.words import _, ngettext
from pages.parts import address, components
from pages.parts.tour_question import LONGEST, AnswerError
from pages.parts.tour_steps import STEPS

SUMMARY = "summary"
NUMBERS = [*(str(number) for number in range(1, len(STEPS) + 1)), SUMMARY]
IDS = {step.id for step in STEPS}
STEP, ANSWERS, GUESSES = "tour_step", "tour_answers", "tour_guesses"  # keys in the session

Answers = Mapping[str, str]


def read_answers(text: str) -> dict[str, str]:
    """The answers in an address such as "work:macs,grid:149". Raises ValueError for anything else."""
    found = {}
    for part in text.split(","):
        id, mark, answer = part.partition(":")
        if not mark or id not in IDS or not 0 < len(answer) <= LONGEST or not answer.isprintable():
            raise ValueError(part)
        found[id] = answer
    return found


def write_answers(answers: Answers) -> str:
    """The answers as addresses have them."""
    return ",".join(f"{id}:{answer}" for id, answer in answers.items())


def chosen_step() -> str:
    """The number of the step that the address names, or `SUMMARY`."""
    key = address.choice("step", NUMBERS, key=STEP)
    step: str = st.session_state[key]
    return step


def answers() -> dict[str, str]:
    """What the reader has answered, by question."""
    none: Answers = {}
    found: Answers = address.bind("answers", none, read_answers, write_answers, key=ANSWERS)
    return dict(found)


def give(id: str, answer: str) -> None:
    """Takes an answer down, as one guess more."""
    st.session_state[GUESSES] = guesses() + 1
    st.session_state[ANSWERS] = st.session_state.get(ANSWERS, {}) | {id: answer}


def guesses() -> int:
    """How many guesses this session has made."""
    count: int = st.session_state.get(GUESSES, 0)
    return count


def take_back(id: str) -> None:
    """Forgets an answer, so that the question is open again."""
    st.session_state[ANSWERS] = {other: answer for other, answer in st.session_state[ANSWERS].items() if other != id}


def drop_what_is_none(id: str, error: AnswerError) -> None:
    """Says that a link has an answer that is none, and opens the question."""
    st.warning(str(error), icon=":material/link_off:")
    take_back(id)
    address.leave_out("answers")


def go_to(step: str) -> None:
    """Goes to a step."""
    st.session_state[STEP] = step


def start_over() -> None:
    """Forgets all answers and goes to the first step."""
    st.session_state[ANSWERS] = {}
    st.session_state["tour_begun"] = True
    go_to(NUMBERS[0])


def remember(step: str, answers: Answers) -> None:
    """Keeps the state in the browser; where there is none yet, offers to go on with what the browser has kept."""
    state = urlencode({"step": step, "answers": write_answers(answers)}) if answers else ""
    begun = st.session_state["tour_begun"] = bool(answers) or st.session_state.get("tour_begun", False)
    kept = components.memory("inception_tour", state, not begun, key="tour_memory")
    if begun or not kept:
        return
    found = {name: texts[0] for name, texts in parse_qs(kept[:2000]).items()}
    try:
        old = read_answers(found.get("answers", ""))
    except ValueError:
        return
    if found.get("step") not in NUMBERS:
        return

    def go_on() -> None:
        st.session_state[ANSWERS] = old
        go_to(found["step"])

    says = ngettext(
        "You were here before, and have answered {count} question.",
        "You were here before, and have answered {count} questions.",
        len(old),
    )
    with st.container(horizontal=True, vertical_alignment="center", key="tour_resume"):
        st.markdown(says.format(count=len(old)))
        st.button(_("Go on there"), icon=":material/resume:", on_click=go_on)
        st.button(_("Start over"), icon=":material/restart_alt:", on_click=start_over, key="tour_fresh")
