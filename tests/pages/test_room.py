"""A lesson in three sessions: a teacher opens, shows and asks; two students follow, answer and see the truth."""

from pathlib import Path
from typing import Any

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from inception.rooms.questions import Kind, Question, Tally
from inception.rooms.store import rooms_here
from inception.vision.samples import samples
from pages.figures.answers import choice_bars, number_bars
from pages.parts import seat as seats
from pages.parts.page_list import PAGES
from pages.parts.room_ready import TITLES, ready_question
from pages.parts.tour_answers import QUESTIONS

from .conftest import ROOT
from .test_pages import healthy


@pytest.fixture(autouse=True)
def database(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("INCEPTION_DATABASE_URL", f"sqlite:///{tmp_path}/rooms.sqlite3")


def session(page: str = "room", **query: str) -> AppTest:
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=120)
    for name, text in query.items():
        app.query_params[name] = text
    app.switch_page(PAGES[page].path)
    return healthy(app.run())


def press(app: AppTest, label: str) -> AppTest:
    next(button for button in app.button if button.label == label).click()
    return healthy(app.run())


def texts(app: AppTest) -> str:
    return "\n".join(node.value for kind in (app.markdown, app.success, app.warning, app.info) for node in kind)


def links(app: AppTest) -> list[Any]:
    return [link.proto for link in app.get("page_link")]


def address(app: AppTest) -> dict[str, str]:
    """What the session's address says."""
    query: dict[str, str] = app.session_state["address"].query
    return query


def test_a_lesson_in_three_sessions(app: AppTest) -> None:
    teacher = press(session(), "Open a room")
    seat = teacher.session_state["room_seat"]
    assert f"{seat.code[:4]}-{seat.code[4:]}" in texts(teacher)
    assert seat.key not in str(address(teacher))
    one, two = session(code=seat.code.lower()), session(code=seat.code, lang="zh_CN")
    assert "您已加入" in texts(two)
    assert not [button for button in one.button if button.label in ("Reveal the answers", "Close the lesson")]

    # The teacher goes to the glossary; so does who follows, in their own language, and who has stepped out does not.
    press(two, "退出跟随")
    teacher.switch_page(PAGES["zoo"].path)
    healthy(teacher.run())
    assert one.run().header[0].value == PAGES["zoo"].question
    assert two.run().header[0].value != one.header[0].value
    assert "自行浏览" in texts(two)
    press(two, "跟随老师")
    assert address(two)["lang"] == "zh_CN"
    assert "您在课堂" in texts(two)

    teacher.switch_page(PAGES["room"].path)
    healthy(teacher.run())
    key = seat.key
    rooms_here().ask(seat.code, key, ready_question("pair"))
    truth = QUESTIONS["pair"].ask()
    for student, value in ((one, 3.0), (two, 7.0)):
        healthy(student.run())
        student.number_input(f"room_answer_{1}").set_value(value)
        student.button[0 if student.button[0].label in ("Send my answer", "提交回答") else 1].click()
        healthy(student.run())
    assert "Your answer is in" in texts(one)
    assert "回答已经收到" in texts(two)
    assert "2 answers." in texts(healthy(teacher.run()))
    assert not teacher.get("plotly_chart"), "a projector would give the answers away"
    teacher.toggle("room_spread").set_value(True)
    assert healthy(teacher.run()).get("plotly_chart")
    press(teacher, "Reveal the answers")
    assert teacher.get("plotly_chart")
    number = list(TITLES).index("pair") + 1
    for shown in (teacher, one.run()):
        assert [link.query_string for link in links(shown) if link.label.startswith("Its figure")] == [f"step={number}"]
    assert truth.says in texts(one)
    assert truth.judge("3.0").why in texts(one)
    assert "2 个回答" in texts(two.run())

    press(teacher, "Close the lesson")
    assert "The lesson has ended" in texts(one.run())
    press(teacher, "Delete it now")
    one.run()
    assert "The room has ended" in texts(one)


def test_who_is_not_let_in_gets_one_sentence(app: AppTest) -> None:
    app.switch_page(PAGES["room"].path)
    app.run()
    app.text_input[0].set_value("ABCD-2345")
    press(app, "Join")
    assert [error.value for error in app.error] == ["There is no room with this code, or it has ended."]
    wrong = session(code="ABCD-2345", key="guessed")
    assert len(wrong.error) == 1


def test_a_teacher_who_tries_it_as_a_student_keeps_the_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("streamlit.session_state", {})
    cookies: list[str] = []
    monkeypatch.setattr("pages.parts.address.set_cookie", lambda name, *_rest: cookies.append(name))
    code, key = rooms_here().open("teacher")
    st.session_state["room_seat"] = seats.Seat(code, "teacher", key)
    seats.enter(code)
    assert not seats.seat().key
    assert rooms_here().students(code) == 1
    seats.leave()
    assert not cookies, "after a reload the browser would be a student"


def test_the_right_choice_is_seen_and_counts_are_whole() -> None:
    asked = Question(Kind.CHOICE, "?", ("one", "two"), truth=1)
    figure = choice_bars(asked.options, Tally.of(asked, [0]), 1)
    assert [note.text for note in figure.layout.annotations] == ["one", "<b>✓ two</b>"]
    assert len(figure.layout.shapes) == 1
    assert figure.layout.xaxis.dtick == 1
    assert number_bars(Tally.of(Question(Kind.NUMBER, "?"), [3.0]), None).layout.yaxis.dtick == 1


def test_every_question_of_the_tour_can_be_asked() -> None:
    assert TITLES.keys() == QUESTIONS.keys()
    assert next(iter(samples()))
