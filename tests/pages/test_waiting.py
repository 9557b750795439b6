"""A spinner costs a thread and a message: it stands only round what is not there yet."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import streamlit

from pages.parts import waiting

THING = ("thing", Path(__file__).name)


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What spinners said."""
    said: list[str] = []

    @contextmanager
    def spinner(sentence: str) -> Iterator[None]:
        said.append(sentence)
        yield

    monkeypatch.setattr(streamlit, "spinner", spinner)
    monkeypatch.setattr(waiting, "_had", {})
    return said


def test_only_what_is_not_here_is_waited_for(shown: list[str]) -> None:
    for here in (True, False):
        with waiting.waiting(f"here: {here}", here):
            pass
    assert shown == ["here: False"]


def test_what_the_server_keeps_is_waited_for_once(shown: list[str]) -> None:
    for thing in (THING, THING, "other"):
        with waiting.waiting_once(str(thing), thing):
            pass
    assert shown == [str(THING), "other"]


def test_what_failed_is_waited_for_again(shown: list[str]) -> None:
    for _time in range(2):
        with pytest.raises(ZeroDivisionError), waiting.waiting_once("again", THING):
            raise ZeroDivisionError
    assert shown == ["again", "again"]


def test_what_is_remembered_is_bounded(shown: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting, "MOST", 3)
    for number in range(10):
        with waiting.waiting_once(str(number), number):
            pass
    assert len(waiting._had) <= 3
