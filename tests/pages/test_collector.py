"""What the garbage collector walks through after a run of a page, and that nothing stays for good."""

import gc
import weakref

import pytest
from streamlit.testing.v1 import AppTest

from pages.parts import collector
from pages.parts.page_list import PAGES


class Circle:
    """An object that refers to itself, so that only the collector can free it."""

    def __init__(self) -> None:
        self.me = self


@pytest.fixture(autouse=True)
def as_new(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if no page had run in this process."""
    monkeypatch.setattr(collector, "_walked", {})
    gc.unfreeze()


def test_a_run_leaves_little_to_walk_through(app: AppTest) -> None:
    app.switch_page(PAGES["layers"].path).run()
    assert not app.exception
    assert len(gc.get_objects()) < gc.get_freeze_count() / 10


def test_what_was_frozen_is_freed_later() -> None:
    circle = Circle()
    left = weakref.ref(circle)
    collector.freeze("layers")
    del circle
    collector.freeze("layers")
    gc.collect()
    assert left() is not None, "it was not frozen"
    collector._walked["layers"] -= collector.EVERY
    collector.freeze("layers")
    assert left() is None
