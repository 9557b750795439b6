"""What the tests of several pages need."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from streamlit.testing.v1 import AppTest

from bench import session
from inception.weights import download
from pages.parts.page_list import PAGES

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session", autouse=True)
def as_in_a_server() -> Iterator[None]:
    """Spares AppTest what a server does once."""
    with session.as_in_a_server():
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
