"""A server gets ready while no page runs, and what it does then is what pages ask for."""

import threading

import pytest

import inception
from inception.zoo import VARIANTS
from pages.parts import warming


def test_it_waits_while_a_page_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(warming, "REST", 0.01)
    began, done = threading.Event(), threading.Event()

    with warming.page_runs():
        worker = threading.Thread(target=warming.get_ready, args=([began.set, done.set],))
        worker.start()
        assert not began.wait(0.2)
        with warming.page_runs():  # another reader's, which ends first
            pass
        assert not began.wait(0.1)
    worker.join(10)
    assert done.is_set()


def test_every_trace_that_the_zoo_page_asks_for_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    made: set[tuple[str, int]] = set()
    monkeypatch.setattr(inception, "trace", lambda name, size: made.add((name, size)))
    for step in warming.traces():
        step()
    assert made == {(name, size) for name, variant in VARIANTS.items() for size in (variant.input_size, 299)}
