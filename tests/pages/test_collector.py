"""What the garbage collector walks through after a run of a page, and that nothing stays for good."""

import ctypes
import gc
import math
import tomllib
import weakref

import psutil
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
    monkeypatch.setattr(collector, "_walked", set())
    for name in ("_next", "_swept", "_ran"):
        monkeypatch.setattr(collector, name, 0.0)
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
    collector._swept -= collector.EVERY
    collector.tidy("layers")
    assert left() is None


def test_a_sweep_gives_memory_back_to_the_system() -> None:
    """What lies between things that stay, which glibc keeps otherwise."""
    if not hasattr(ctypes.CDLL(None), "malloc_trim"):
        pytest.skip("a C library with other ways")
    collector.sweep()
    blocks = [bytearray(65_536) for _ in range(2_000)]  # too small for a mapping of their own
    stay = blocks[::20]
    memory = psutil.Process().memory_info
    before = memory().rss
    del blocks
    kept = before - memory().rss
    collector.sweep()
    assert before - memory().rss > 80e6 > kept
    assert stay


@pytest.mark.parametrize("busy", [False, True])
def test_a_server_at_rest_is_swept(monkeypatch: pytest.MonkeyPatch, busy: bool) -> None:
    """A while after the last run of a page too, when Streamlit forgets the sessions that have left; then no more."""
    swept: list[float] = []
    now = [1000.0]

    class EnoughError(Exception):
        pass

    def sleep(seconds: float) -> None:
        now[0] += seconds
        if busy:
            collector._ran = now[0] - 1
        if now[0] > 1000 + 2 * collector.LINGER:
            raise EnoughError

    monkeypatch.setattr(collector, "monotonic", lambda: now[0])
    monkeypatch.setattr(collector, "sleep", sleep)
    monkeypatch.setattr(collector, "sweep", lambda: swept.append(now[0] - 1000))
    monkeypatch.setattr(collector, "_ran", now[0])
    with pytest.raises(EnoughError):
        collector._sweeps()
    if busy:
        assert not swept, "a reader waits meanwhile"
        return
    assert swept[0] <= collector.AT_REST
    assert swept[-1] > 120, "Streamlit has not forgotten them yet"
    assert swept[-1] <= collector.LINGER


def test_walks_take_a_small_share_of_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many sessions there are, and however often they click."""
    now, walks = [0.0], []

    def walk(*generation: int) -> int:
        walks.append(generation)
        now[0] += 1.0
        return 0

    monkeypatch.setattr(collector, "monotonic", lambda: now[0])
    monkeypatch.setattr(collector, "EVERY", math.inf)  # seconds to a sweep, which is rare enough
    collector.tidy("layers")
    monkeypatch.setattr(gc, "collect", walk)
    collector.tidy("layers")
    for _click in range(1000):
        now[0] += 2 / 1000 / collector.SHARE  # seconds
        collector.tidy("layers")
    assert 1 < len(walks) <= 1 + now[0] * collector.SHARE


def test_streamlit_leaves_it_to_the_app() -> None:
    """It would walk after every run: with two hundred sessions a server did little else."""
    settings = tomllib.loads((APP.parent / ".streamlit" / "config.toml").read_text(encoding="utf-8"))
    assert settings["runner"] == {"postScriptGC": False}
