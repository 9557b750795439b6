"""What the tests of several pages need."""

from collections.abc import Callable, Hashable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
import torch
from PIL import Image
from streamlit.testing.v1 import AppTest

from bench import session
from inception.runtime import speed
from inception.runtime.crop import Fit
from inception.runtime.predictor import Predictor
from inception.training import head
from inception.training.features import features_of
from inception.training.head import CurvePoint, Examples
from inception.weights import download
from pages.parts import collector, teach_lesson
from pages.parts.page_list import PAGES

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session", autouse=True)
def as_in_a_server() -> Iterator[None]:
    """Spares AppTest what a server does once."""
    with session.as_in_a_server():
        yield


@pytest.fixture(scope="session", autouse=True)
def little_beside_the_pages() -> Iterator[None]:
    """Spares pages passes whose milliseconds no test reads, and most walks through what all tests before have left."""
    with patch.object(speed, "MIN_RUNS", 1), patch.object(collector, "SHARE", collector.SHARE / 10):
        yield


@pytest.fixture(scope="session", autouse=True)
def lessons_are_short() -> Iterator[None]:
    """Spares *Teach it* what its sessions would compute again of the same pictures, and most drawings on the way."""
    learning_curve = head.learning_curve
    known: dict[Hashable, Any] = {}

    def once(key: Hashable, compute: Callable[[], Any]) -> Any:
        if key not in known:
            known[key] = compute()
        return known[key].copy()  # so that a session that forgets leaves nothing of its own behind

    def features(
        network: Predictor, image: Image.Image, size: tuple[int, int], varied: bool = False, fit: Fit = Fit.CENTRE
    ) -> head.Floats:
        key = network.fingerprint, sha256(image.tobytes()).digest(), image.size, size, varied, fit
        found: head.Floats = once(key, lambda: features_of(network, image, size, varied, fit))
        return found

    def curve(examples: Examples, shuffled: bool = False) -> list[CurvePoint]:
        key = sha256(examples.features.tobytes()).digest(), examples.classes.tobytes(), examples.names, shuffled
        found: list[CurvePoint] = once(key, lambda: learning_curve(examples, shuffled))
        return found

    with (
        patch.object(teach_lesson, "features_of", features),
        patch.object(teach_lesson, "PAUSE", 0),
        patch.object(teach_lesson, "EACH", 50),
        patch.object(head, "learning_curve", curve),
    ):
        yield


@pytest.fixture
def in_the_frame() -> Iterator[None]:
    """Begins each run with app.py, as in a server in which it has run before."""
    with session.in_the_frame():
        yield


def app_on(page: str) -> AppTest:
    """The app in a new session that opens a page."""
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=120)
    app.switch_page(PAGES[page].path)
    return app


def open_at(app: AppTest, page: str, **choices: str) -> AppTest:
    """A page as a link to it with these choices opens it: one run, where clicks on the page before would take more."""
    app.query_params.update(choices)
    return app.switch_page(PAGES[page].path).run()


@pytest.fixture
def app(in_the_frame: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> AppTest:
    """The app on a machine with nothing but the project, started from another folder than its own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("INCEPTION_WEIGHTS", str(tmp_path / "weights"))
    monkeypatch.setattr("huggingface_hub.try_to_load_from_cache", lambda *_: None)
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path / "hub"))
    monkeypatch.setattr(download, "_downloads", {})  # those that failed in other tests of this process
    return AppTest.from_file(str(ROOT / "app.py"), default_timeout=120)
