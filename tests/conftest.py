"""What several test modules need."""

import gc
from collections.abc import Iterator
from pathlib import Path

import pytest

from . import wheel

HERE = Path(__file__).parent
# Folders and files under tests/ that `make test-fast` leaves out besides those marked one by one.
SLOW = (
    *("bench", "foreign", "pages", "serve", "training", "vision"),
    *("models/test_outputs.py", "runtime/test_engines.py", "runtime/test_fuzz.py", "runtime/test_speed.py"),
    *("studies/test_residual.py", "test_wheel.py", "views/test_latex.py", "weights/test_own_weights.py"),
)
# Files that take one process more than a minute, much of it waiting: nobody should wait for one that started last.
LONGEST = ("browser/test_installed.py", "browser/test_rooms.py", "serve/test_engine.py", "bench/test_benches.py")


def pytest_configure() -> None:
    """Lets Python look for unreachable objects less often.

    With all libraries loaded half a million objects live, and visits to all took two fifths of the tests' time.
    """
    gc.set_threshold(50_000, 20, 20)


def pytest_collection_finish() -> None:
    """What is loaded by now stays until the end, so that no later search visits it."""
    gc.collect()
    gc.freeze()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks tests by where they stand, so that no file has to repeat it; the longest files come first."""
    places = {HERE / file: place for place, file in enumerate(LONGEST)}
    items.sort(key=lambda item: places.get(item.path, len(places)))
    for item in items:
        if item.path.is_relative_to(HERE / "browser"):
            item.add_marker(pytest.mark.browser)
        if any(item.path.is_relative_to(HERE / place) for place in SLOW):
            item.add_marker(pytest.mark.slow)


@pytest.fixture
def no_bundled_weights() -> Iterator[None]:
    """As if this project came without weights of its own; afterwards they are back in their order."""
    from inception.weights.known import known_weights  # here, because xdist's own process needs no torch

    known = known_weights()
    everything = dict(known)
    for tag in [tag for tag, weights in everything.items() if not weights.published]:
        del known[tag]
    yield
    known.clear()
    known.update(everything)


@pytest.fixture(scope="session")
def built_wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this checkout."""
    return wheel.build(tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="session")
def installed(built_wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of commands of an environment in which that wheel is installed and the checkout is not to be seen."""
    return wheel.install(built_wheel, tmp_path_factory.mktemp("environment"))
