"""The app of the installed wheel, served by the console command from an empty folder, in a real Chromium."""

import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import ImageColor
from playwright.sync_api import Page, expect

from pages.parts.page_list import PAGES

from ..languages import foreign_texts
from .browser import ready
from .server import ROOT, serving
from .texts import texts_of

WITH_FILES = ("atlas", "zoo", "race", "live", "faces", "tour")  # pages that show what lies in files of the package
HAS_COLOR = """color => [...document.querySelectorAll('[data-testid=stButtonGroup] *')]
    .some(part => getComputedStyle(part).color === color)"""


@pytest.fixture(scope="module")
def app_url(installed: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """What `inception-explorer app` serves."""
    command = [str(installed / "inception-explorer"), "app", "--host", "127.0.0.1", "--port"]
    with serving(command, tmp_path_factory.mktemp("server") / "log.txt", {"PYTHONPATH": ""}) as url:
        yield url


def test_pages_open(page: Page, app_url: str) -> None:
    page.goto(app_url)
    links = page.get_by_test_id("stSidebarNavLink")
    expect(links).to_have_count(len(PAGES))
    for name in WITH_FILES:
        page.get_by_role("link", name=PAGES[name].title, exact=True).click()
        expect(page.get_by_role("heading", level=2)).to_contain_text("?")
        ready(page)
        expect(page.get_by_text("has encountered an error")).to_have_count(0)
        assert list(foreign_texts(texts_of(page), "en")) == []


def test_it_has_the_settings_of_the_project(page: Page, app_url: str) -> None:
    settings = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text(encoding="utf-8"))
    red, green, blue = ImageColor.getrgb(settings["theme"]["light"]["primaryColor"])[:3]
    page.goto(f"{app_url}/layers")
    page.wait_for_function(HAS_COLOR, arg=f"rgb({red}, {green}, {blue})")
    ready(page)
    assert settings["client"]["toolbarMode"] == "viewer"
    expect(page.get_by_test_id("stAppDeployButton")).to_have_count(0)
