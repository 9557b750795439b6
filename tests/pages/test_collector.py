"""What the garbage collector walks through after a run of a page, and that nothing stays for good."""

import gc
import tomllib
import weakref

import pytest
from streamlit.testing.v1 import AppTest

from inception.paths import APP
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
    monkeypatch.setattr(collector, "_next", 0.0)
    gc.unfreeze()


def test_a_run_leaves_little_to_walk_through(app: AppTest) -> None:
    app.switch_page(PAGES["layers"].path).run()
    assert not app.exception
    assert len(gc.get_objects()) < gc.get_freeze_count() / 10


def test_what_was_frozen_is_freed_later() -> None:
    circle = Circle()
    left = weakref.ref(circle)
    collector.tidy("layers")
    del circle
    collector.tidy("layers")
    gc.collect()
    assert left() is not None, "it was not frozen"
    collector._walked["layers"] -= collector.EVERY
    collector._next = 0.0
    collector.tidy("layers")
    assert left() is None


def test_walks_take_a_small_share_of_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many sessions there are, and however often they click."""
    now, walks = [0.0], []

    def walk(*generation: int) -> int:
        walks.append(generation)
        now[0] += 1.0
        return 0

    monkeypatch.setattr(collector, "monotonic", lambda: now[0])
    collector.tidy("layers")
    monkeypatch.setattr(gc, "collect", walk)
    collector.tidy("layers")
    for _click in range(1000):
        now[0] += 0.1
        collector.tidy("layers")
    assert 1 < len(walks) <= 1 + now[0] * collector.SHARE


def test_streamlit_leaves_it_to_the_app() -> None:
    """It would walk after every run: with two hundred sessions a server did little else."""
    settings = tomllib.loads((APP.parent / ".streamlit" / "config.toml").read_text(encoding="utf-8"))
    assert settings["runner"] == {"postScriptGC": False}
