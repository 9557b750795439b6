"""A lesson: a teacher and two students in real browsers, in two languages, who follow, answer and see the truth.

Three more students only answer: they are sessions without a browser, which would cost more than all that they do.
"""

import csv
import io
import re
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from bench.student import Student
from inception.words import _, speaking
from pages.parts.page_list import PAGES

from .browser import ready
from .conftest import PATIENCE, is_error
from .server import free_port, process_of, served_app

LONG = 2 * PATIENCE  # three browsers load the app at once
SEND = ("Send my answer", "提交回答")
IS_IN = re.compile("Your answer is in|您的回答已经收到")
LANGUAGES = ("en-US", "zh-CN", "en-US")  # of the teacher and the two students


@pytest.fixture
def class_(browser: Browser) -> Iterator[list[Page]]:
    """The browsers of a teacher and of two students; an error in one of them fails the test."""
    problems: list[str] = []
    with ExitStack() as stack:
        pages = []
        for locale in LANGUAGES:
            context = browser.new_context(
                locale=locale, viewport={"width": 1280, "height": 800}, reduced_motion="reduce"
            )
            stack.callback(context.close)
            page = context.new_page()
            page.set_default_timeout(LONG)
            page.on(
                "console",
                lambda message: problems.append(message.text) if is_error(message) and not gone(message.text) else None,
            )
            page.on("pageerror", lambda error: None if gone(str(error)) else problems.append(str(error)))
            pages.append(page)
        expect.set_options(timeout=LONG)
        yield pages
        expect.set_options(timeout=PATIENCE)
    assert not problems, "\n".join(problems)


def gone(text: str) -> bool:
    """Whether an error says that the server does not answer, as it does while it is down."""
    signs = (
        "WebSocket",
        "Client Error",
        "ERR_CONNECTION",
        "Unable to preload",
        "Failed to fetch",
        "Network Error",
        "disconnected from server",
        "Streamlit still running",
    )
    return any(sign in text for sign in signs)


def heading(page: Page, text: str | re.Pattern[str]) -> None:
    expect(page.get_by_role("heading", level=2)).to_contain_text(text)


def answer(page: Page, number: int) -> None:
    box = page.get_by_role("spinbutton")
    expect(box).to_be_visible()
    ready(page)
    box.fill(str(number))
    box.press("Tab")
    page.get_by_role("button", name=re.compile(f"^({'|'.join(SEND)})$")).click()
    expect(page.get_by_text(IS_IN)).to_be_visible()


def come_and_answer(url: str, code: str, language: str, number: int) -> None:
    """A student without a browser, who comes in when the question stands already."""
    with Student(url, language) as student:
        student.open(f"room?code={code}")
        student.write("room_answer_1", number)
        student.press(*SEND)
        assert any(IS_IN.search(text) for text in student.texts), student.texts


def test_a_lesson(class_: list[Page], tmp_path: Path) -> None:
    teacher, chinese, mover = class_
    port = free_port()
    database = f"sqlite:///{tmp_path}/rooms/rooms.sqlite3"
    with served_app(tmp_path / "log.txt", port=port, INCEPTION_DATABASE_URL=database) as url:
        teacher.goto(f"{url}/room", wait_until="commit")
        teacher.get_by_role("button", name="Open a room").click()
        title = teacher.get_by_role("heading", level=1)
        expect(title).to_have_text(re.compile(r"^\w{4}-\w{4}$"))
        code = title.inner_text()
        expect(teacher.get_by_role("img", name=f"QR code of the room {code}")).to_be_visible()
        assert "key=" not in teacher.url

        for student in (chinese, mover):
            student.goto(f"{url}/room?code={code}", wait_until="commit")
        expect(teacher.get_by_text("2 students have joined.")).to_be_visible()

        teacher.get_by_role("link", name=PAGES["blocks"].title, exact=True).click()
        heading(mover, PAGES["blocks"].question)
        with speaking("zh_CN"):
            heading(chinese, _(PAGES["blocks"].question))
        mover.get_by_role("button", name="Step out").click()
        expect(mover.get_by_role("button", name="Follow the teacher")).to_be_visible()
        ready(teacher)
        teacher.goto(
            f"{url}/layers?model=inception_resnet_v1&layer=inception_resnet_a.Block35_2.concat", wait_until="commit"
        )
        with speaking("zh_CN"):
            heading(chinese, _(PAGES["layers"].question))
        expect(chinese).to_have_url(re.compile(r"layers\?.*layer=inception_resnet_a\.Block35_2\.concat"))
        heading(mover, PAGES["blocks"].question)
        mover.get_by_role("button", name="Follow the teacher").click()
        heading(mover, PAGES["layers"].question)

        teacher.get_by_role("link", name="To the room").click()
        teacher.get_by_role("radio", name="Your own").click()
        teacher.get_by_role("textbox", name="Question").fill("How many legs has a cat?")
        teacher.get_by_label("The right number").fill("4")
        teacher.get_by_label("The right number").press("Tab")
        teacher.get_by_role("button", name="Ask this").click()
        answer(chinese, 3)
        answer(mover, 4)
        come_and_answer(url, code, "zh-CN", 5)
        come_and_answer(url, code, "en-US", 6)
        expect(teacher.get_by_text("4 answers.")).to_be_visible()
        mover.reload()
        expect(mover.get_by_role("spinbutton")).to_have_value("4")
        come_and_answer(url, code, "en-US", 4)
        expect(teacher.get_by_text("5 answers.")).to_be_visible()
        process_of(url).kill()

    with ExitStack() as again:
        with teacher.expect_websocket(timeout=2 * LONG):  # until then its browser shows what it showed before
            again.enter_context(served_app(tmp_path / "log.txt", port=port, INCEPTION_DATABASE_URL=database))
        ready(teacher)
        expect(teacher.get_by_text("5 students have joined.")).to_be_visible()
        expect(teacher.get_by_text("5 answers.")).to_be_visible()
        expect(mover.get_by_role("spinbutton")).to_have_value("4")
        ready(teacher)
        teacher.get_by_role("button", name="Reveal the answers").click()
        expect(chinese.get_by_text("正确答案：4")).to_be_visible()
        expect(mover.get_by_text("Right is: 4")).to_be_visible()
        ready(teacher)
        with teacher.expect_download() as download:
            teacher.get_by_role("button", name="Answers (CSV)").click()
        rows = list(csv.DictReader(io.StringIO(download.value.path().read_text("utf-8-sig"))))
        assert [row["answer"] for row in rows] == ["3", "4", "4", "5", "6"]
        assert {row["truth"] for row in rows} == {"4"}
        teacher.get_by_role("button", name="Close the lesson").click()
        expect(mover.get_by_text("The lesson has ended.")).to_be_visible()
