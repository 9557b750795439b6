"""What several test modules need."""

import gc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from . import wheel

HERE = Path(__file__).parent
# Folders and files under tests/ that `make test-fast` leaves out besides those marked one by one.
SLOW = (
    *("bench", "foreign", "pages", "serve", "training", "vision"),
    *("cli/test_vision.py", "deploy/test_killed.py", "deploy/test_servers.py", "models/test_outputs.py"),
    *("runtime/test_engines.py", "runtime/test_fuzz.py", "runtime/test_speed.py"),
    *("studies/test_residual.py", "test_wheel.py", "views/test_latex.py", "weights/test_own_weights.py"),
)
# What one process of `make test` runs as a whole, in this order: what takes long and waits much comes first, and what
# shares a browser, a server, an installed wheel or what pages keep stays together. Any other file is a part by itself,
# after these.
PARTS = (
    (
        *("browser/test_installed.py", "test_wheel.py"),
        *("browser/test_live.py", "browser/test_tour.py", "browser/test_teach.py"),
    ),
    ("browser/",),
    ("bench/test_benches.py",),
    ("serve/test_engine.py",),
    ("pages/",),
)


def pytest_configure() -> None:
    """Lets Python look for unreachable objects less often.

    With all libraries loaded half a million objects live, and visits to all took two fifths of the tests' time.
    """
    gc.set_threshold(50_000, 20, 20)


def pytest_collection_finish() -> None:
    """What is loaded by now stays until the end, so that no later search visits it."""
    gc.collect()
    gc.freeze()


def part_of(path: str) -> int:
    """The place in `PARTS` of what holds a file under tests/; that behind the last for one that is a part by itself."""
    found = (number for number, part in enumerate(PARTS) if path.startswith(part))
    return next(found, len(PARTS))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks tests by where they stand, so that no file has to repeat it; orders them by `PARTS`."""
    # Each file is asked once: there are far fewer than tests.
    files = {item.path: item.path.relative_to(HERE) for item in items}
    parts = {path: part_of(file.as_posix()) for path, file in files.items()}
    in_browser = {path for path, file in files.items() if file.is_relative_to("browser")}
    slow = {path for path, file in files.items() if any(file.is_relative_to(place) for place in SLOW)}
    items.sort(key=lambda item: parts[item.path])
    for item in items:
        if item.path in in_browser:
            item.add_marker(pytest.mark.browser)
        if item.path in slow:
            item.add_marker(pytest.mark.slow)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Gives each process of xdist a whole part at a time."""
    from xdist.scheduler import LoadFileScheduling

    def part(test: str) -> str:
        file = test.partition("::")[0]
        number = part_of(file.removeprefix(f"{HERE.name}/"))
        return file if number == len(PARTS) else str(number)

    scheduler = LoadFileScheduling(config, log)
    scheduler._split_scope = part
    return scheduler


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
