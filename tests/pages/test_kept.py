"""What a session computes is kept while its key stays, and the sessions of others see nothing of it."""

from typing import Any

import pytest
import streamlit

from pages.parts.kept import forget, kept, peek, put


@pytest.fixture(autouse=True)
def state(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The state of a session."""
    session: dict[str, Any] = {}
    monkeypatch.setattr(streamlit, "session_state", session)
    return session


def counted(calls: list[str], key: str, most: int = 1) -> str:
    def compute() -> str:
        calls.append(key)
        return key.upper()

    return kept("letters", key, compute, most)


def test_computed_once_until_the_key_changes() -> None:
    calls: list[str] = []
    assert [counted(calls, key) for key in "aabba"] == ["A", "A", "B", "B", "A"]
    assert calls == ["a", "b", "a"]


def test_several_keys_are_held_and_the_one_not_asked_for_longest_goes() -> None:
    calls: list[str] = []
    for key in "abacab":
        counted(calls, key, most=2)
    assert calls == ["a", "b", "c", "b"], "a was asked for again before c came"


def test_fewer_are_held_as_soon_as_fewer_are_wanted(state: dict[str, Any]) -> None:
    for key in "abc":
        put("letters", key, key, most=3)
    counted([], "b", most=1)
    assert [list(held) for held in state.values()] == [["b"]]


def test_names_do_not_meet() -> None:
    put("one", "key", 1)
    put("two", "key", 2)
    assert (peek("one", "key"), peek("two", "key"), peek("two", "other")) == (1, 2, None)
    forget("one")
    assert (peek("one", "key"), peek("two", "key")) == (None, 2)
    forget("one")


def test_what_fails_is_not_kept() -> None:
    with pytest.raises(ZeroDivisionError):
        kept("number", "key", lambda: 1 // 0)
    assert kept("number", "key", lambda: 7) == 7
