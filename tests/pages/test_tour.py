"""The tour: every step in both languages, before and after an answer, left and taken up again, and on paper."""

from html import escape
from io import BytesIO

import pytest
from streamlit.testing.v1 import AppTest

from inception import words
from pages.parts.page_list import PAGES
from pages.parts.tour_answers import QUESTIONS
from pages.parts.tour_progress import NUMBERS, read_answers, write_answers
from pages.parts.tour_question import Choice
from pages.parts.tour_sheet import entries, sheet_html, sheet_pdf
from pages.parts.tour_steps import STEPS, Step

from .shown import unexplained
from .test_pages import healthy

WRONG = {
    "work": "parameters",
    "grid": "150",
    "branches": "branch1",
    "bottleneck": "9",
    "pair": "7",
    "reduction": "kept",
    "field": "picture",
    "shortcut": "same",
    "scale": "doubled",
    "race": "v4",
    "versions": "keras_blog",
    "look": "0-0",
}

DRAWN = ("work", "branches", "bottleneck", "pair", "reduction", "shortcut", "versions")  # steps that open on a diagram


def open_tour(app: AppTest, **query: str) -> AppTest:
    for name, text in query.items():
        app.query_params[name] = text
    return healthy(app.switch_page("pages/tour.py").run())


def texts(app: AppTest) -> str:
    """What stands on the page, without what terms say of themselves."""
    return unexplained("\n".join(text.value for text in app.markdown))


def diagrams_and_their_tables(app: AppTest) -> tuple[int, int]:
    """How many diagrams stand on the page, and how many tables that say the same."""
    names = [getattr(node.proto, "component_name", "") for node in app._tree if hasattr(node, "proto")]
    drawn = sum(name in ("diagram_view", "svg_picture") for name in names)
    return drawn, sum(box.label in ("The same as a table", "同样内容的表格") for box in app.expander)


def links(app: AppTest) -> list[str]:
    return [link.proto.label for link in app.get("page_link")]


@pytest.mark.parametrize("language", ["en", "zh_CN"])
def test_each_step_asks_and_then_says_why_the_answer_is_wrong(app: AppTest, language: str) -> None:
    open_tour(app, lang=language)
    with words.speaking(language):
        asked = {id: question.ask() for id, question in QUESTIONS.items()}
        why = {id: question.judge(WRONG[id]).why for id, question in asked.items()}
    for number, step in enumerate(STEPS, 1):
        app.pills(key="tour_step").set_value(str(number))
        if step.id != "look" or language == "en":  # AppTest cannot run on with the list of pictures in Chinese
            healthy(app.run())
            assert asked[step.id].prompt in texts(app), step.id
            assert asked[step.id].says not in texts(app), "not before the guess"
            drawn, told = diagrams_and_their_tables(app)
            assert drawn == told == (step.id in DRAWN), step.id
            assert step.id == "versions" or not any({"params", "macs"} & {*table.value} for table in app.dataframe)
        app.session_state["tour_answers"] = {step.id: WRONG[step.id]}
        healthy(app.run())
        assert why[step.id] in texts(app), step.id
        drawn, told = diagrams_and_their_tables(app)
        assert drawn == told, step.id
        assert app.session_state["address"].query["answers"] == f"{step.id}:{WRONG[step.id]}"
        app.session_state["tour_answers"] = {}


def test_a_click_answers_and_can_be_taken_back(app: AppTest) -> None:
    open_tour(app, step="4")
    question = QUESTIONS["bottleneck"].ask()
    assert isinstance(question, Choice)
    healthy(app.button(key=f"answer_bottleneck_{question.truth}").click().run())
    assert "(your answer)" in texts(app)
    assert all(option.why.split(":")[0] in texts(app) for option in question.options), (
        "the wrong ones are explained too"
    )
    healthy(app.button(key="again").click().run())
    assert "(your answer)" not in texts(app)


def test_a_number_is_guessed(app: AppTest) -> None:
    open_tour(app, step="2")
    app.number_input(key="tour_number_grid").set_value(150)
    next(button for button in app.button if button.label == "That is my guess").click()
    healthy(app.run())
    assert app.session_state["tour_answers"] == {"grid": "150"}


def test_a_link_brings_step_and_answers_back_and_bad_ones_are_said(app: AppTest) -> None:
    open_tour(app, step="7", answers="work:macs,field:beyond")
    assert app.subheader[0].value == "7. How far does a cell see?"
    assert app.session_state["tour_answers"] == {"work": "macs", "field": "beyond"}
    healthy(app.switch_page("pages/race.py").run())
    healthy(app.switch_page("pages/tour.py").run())
    assert app.session_state["tour_answers"] == {"work": "macs", "field": "beyond"}, "on other pages they are kept"


@pytest.mark.parametrize(
    "query", [{"step": "99"}, {"answers": "work"}, {"answers": "nothing:1"}, {"answers": "work:all"}]
)
def test_what_a_link_asks_for_in_vain_is_one_sentence(app: AppTest, query: dict[str, str]) -> None:
    open_tour(app, **query)
    assert len(app.warning) == 1
    assert app.subheader[0].value == "1. The problem"


def test_other_pages_lead_back_to_the_step_that_led_there(app: AppTest) -> None:
    app.query_params["tour"] = "5"
    healthy(app.switch_page("pages/factorisation.py").run())
    assert "Back to step 5 of the tour" in links(app)
    del app.query_params["tour"]
    healthy(app.switch_page("pages/tour.py").run())
    healthy(app.switch_page("pages/factorisation.py").run())
    assert not any("of the tour" in label for label in links(app))


@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.id)
def test_every_step_leads_to_a_page_that_takes_its_state(app: AppTest, step: Step) -> None:
    for name, text in step.query().items():
        app.query_params[name] = text
    healthy(app.switch_page(PAGES[step.page].path).run())
    assert not app.warning


def test_answers_travel_in_the_address() -> None:
    assert read_answers(write_answers(WRONG)) == WRONG
    assert len(NUMBERS) == len(STEPS) + 1


@pytest.mark.parametrize("language", ["en", "zh_CN"])
def test_sheets_have_the_answers_only_where_they_should(language: str) -> None:
    from fontTools.ttLib import TTFont

    from inception.paths import FONT

    drawn = TTFont(FONT).getBestCmap()
    with words.speaking(language):
        found = entries(WRONG)
        truths = [one.truth for one in found]
        blank, key, mine = (sheet_html(found, kind) for kind in ("worksheet", "key", "summary"))
        assert not any(escape(truth) in blank for truth in truths)
        assert all(escape(truth) in key for truth in truths)
        assert all(escape(one.own) in mine for one in found)
        pdf = BytesIO(sheet_pdf(found, "key")).getvalue()
    assert pdf.startswith(b"%PDF")
    letters = set("".join(one.prompt + one.truth + one.heading + "".join(one.options) for one in found)) - {"\n"}
    assert letters <= {chr(code) for code in drawn}, "the font of the PDF has every letter"


def test_a_server_without_the_bundled_weights_says_so_and_goes_on(
    app: AppTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pages.parts.tour_networks.available_weights", lambda _name: [])
    open_tour(app, step="12")
    assert "is not on this server" in app.error[0].value
    healthy(app.pills(key="tour_step").set_value("7").run())
    assert not app.error
