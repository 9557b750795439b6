"""The app of the installed wheel, served by the console command from an empty folder, in a real Chromium.

Every page opens in it in accented English, wide and on a phone. Links to single pages, and other languages, are seen in
the other tests.
"""

import os
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import pytest
from PIL import ImageColor
from playwright.sync_api import Page, expect

from pages.parts.page_list import PAGES
from tools.accented_language import CODE, accented

from ..languages import add_third_language, foreign_texts
from .axe import findings
from .browser import ready
from .server import ROOT, serving
from .texts import texts_of

View = Literal["wide", "phone"]
WIDTHS: dict[View, int] = {"wide": 1280, "phone": 390}  # pixels
HAS_COLOR = """color => [...document.querySelectorAll('[data-testid=stButtonGroup] *')]
    .some(part => getComputedStyle(part).color === color)"""
WITH_A_THIRD_LANGUAGE = "import pathlib\n\nfrom inception import words\n\nwords.LOCALE = pathlib.Path({!r})\n"


@pytest.fixture(scope="module")
def app_url(installed: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """What `inception-explorer app` serves; it speaks accented English, too."""
    folder = tmp_path_factory.mktemp("server")
    languages = add_third_language(folder / "locale")
    start = folder / "start"
    start.mkdir()
    (start / "sitecustomize.py").write_text(WITH_A_THIRD_LANGUAGE.format(os.fspath(languages)))
    command = [str(installed / "inception-explorer"), "app", "--host", "127.0.0.1", "--port"]
    with serving(command, folder / "log.txt", {"PYTHONPATH": str(start)}) as url:
        yield url
        assert "sitecustomize" not in (folder / "log.txt").read_text()


def show(page: Page, view: View) -> None:
    """Wide in light colours, or on a phone in dark ones."""
    page.emulate_media(color_scheme="light" if view == "wide" else "dark")
    page.set_viewport_size({"width": WIDTHS[view], "height": 800})
    page.wait_for_timeout(300)  # charts and diagrams follow
    ready(page)


def look_at(page: Page, name: str, view: View) -> list[str]:
    """What is wrong with the page as it stands in one of its views."""
    wrong = []
    if view == "wide" and name != "glossary":  # which has its terms in all languages side by side
        wrong = list(foreign_texts(texts_of(page), CODE))
    if page.evaluate("document.documentElement.scrollWidth") > WIDTHS[view]:
        wrong.append("the page itself scrolls sideways")
    return wrong + findings(page)


def test_every_page_in_another_language(page: Page, app_url: str) -> None:
    """Wide in light colours and on a phone in dark ones, where axe looks at it too.

    A page opens in the view in which the one before it was seen last: to show any in another view is to draw it anew.
    """
    views: list[View] = ["wide", "phone"]
    page.emulate_media(color_scheme="light")
    page.goto(f"{app_url}?model=inception_resnet_v1&size=96&lang={CODE}")
    expect(page.get_by_test_id("stSidebarNavLink")).to_have_count(len(PAGES))
    wrong = {}
    for entry in PAGES.values():
        # On a phone the menu is closed, and what opens it is tested elsewhere.
        page.get_by_test_id("stSidebarNavLink").filter(has_text=accented(entry.title)).dispatch_event("click")
        expect(page.get_by_role("heading", level=2)).to_contain_text(accented(entry.question))
        ready(page)
        expect(page.get_by_text("has encountered an error")).to_have_count(0)
        wrong[entry.name] = look_at(page, entry.name, views[0])
        show(page, views[1])
        wrong[entry.name] += look_at(page, entry.name, views[1])
        views.reverse()
    assert {name: found for name, found in wrong.items() if found} == {}


def test_it_has_the_settings_of_the_project(page: Page, app_url: str) -> None:
    settings = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text(encoding="utf-8"))
    red, green, blue = ImageColor.getrgb(settings["theme"]["light"]["primaryColor"])[:3]
    page.goto(f"{app_url}/layers")
    page.wait_for_function(HAS_COLOR, arg=f"rgb({red}, {green}, {blue})")
    ready(page)
    assert settings["client"]["toolbarMode"] == "viewer"
    expect(page.get_by_test_id("stAppDeployButton")).to_have_count(0)
