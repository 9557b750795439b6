"""A lesson in three sessions: a teacher opens, shows and asks; two students follow, answer and see the truth."""

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from inception.rooms.store import rooms_here
from inception.vision.samples import samples
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
    press(teacher, "Reveal the answers")
    assert truth.says in texts(one.run())
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


def test_every_question_of_the_tour_can_be_asked() -> None:
    assert TITLES.keys() == QUESTIONS.keys()
    assert next(iter(samples()))
