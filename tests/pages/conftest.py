"""What the tests of several pages need."""

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch
from streamlit.components.v2 import manifest_scanner
from streamlit.runtime.pages_manager import PagesManager
from streamlit.runtime.scriptrunner.script_cache import ScriptCache
from streamlit.testing.v1 import AppTest, app_test, local_script_runner

from inception.weights import download
from pages.parts.page_list import PAGES

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session", autouse=True)
def components() -> Iterator[None]:
    """Looks through the installed packages for components once: AppTest does so in every run of a script."""
    with pytest.MonkeyPatch.context() as patch:
        scan = cache(manifest_scanner.scan_component_manifests)
        patch.setattr(manifest_scanner, "scan_component_manifests", scan)
        yield


@pytest.fixture(scope="session", autouse=True)
def scripts() -> Iterator[None]:
    """Compiles each page once, as a server does: AppTest reads and compiles app.py and the page in every run."""
    once = ScriptCache()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(app_test, "ScriptCache", lambda: once)
        patch.setattr(local_script_runner, "ScriptCache", lambda: once)
        yield


@pytest.fixture
def in_the_frame(monkeypatch: pytest.MonkeyPatch) -> None:
    """Begins each run with app.py, as in a server in which it has run before.

    AppTest makes a PagesManager for each run, as if the server had just started: the run would begin with the page
    without its frame, and start over, which loses the click.
    """
    made = PagesManager.__init__

    def make(self: PagesManager, *args: Any, **options: Any) -> None:
        made(self, *args, **options)
        PagesManager.uses_pages_directory = False

    monkeypatch.setattr(PagesManager, "__init__", make)


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
