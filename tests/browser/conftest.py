"""A served app and a Chromium page that fails the test on console errors and on requests to other hosts."""

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Error, Page, Request, expect, sync_playwright

from ..languages import add_third_language
from .browser import find_chromium
from .server import free_port, served_app

PATIENCE = 30_000  # ms until what does not appear counts as missing
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # A page lives for seconds: to compile for speed what it runs, and to clear its memory meanwhile, costs a fifth of
    # its time and saves less.
    "--js-flags=--no-turbofan --no-maglev --no-concurrent-marking --min-semi-space-size=32 --max-semi-space-size=64",
]


@pytest.fixture(scope="session")
def way_out() -> int:
    """The port through which the app would reach other hosts: nothing listens there, so the app is offline."""
    return free_port()


@pytest.fixture(scope="session")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The list of what the app opened for writing."""
    path = tmp_path_factory.mktemp("written") / "written.txt"
    path.touch()
    return path


@pytest.fixture(scope="session")
def weights_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the app looks for files of weights: there are none until a test puts one there, and takes it away again."""
    return tmp_path_factory.mktemp("weights")


@pytest.fixture(scope="session")
def app_url(
    tmp_path_factory: pytest.TempPathFactory, way_out: int, written: Path, weights_folder: Path
) -> Iterator[str]:
    """The app, served for the whole session, because a server and the first page of one cost as much as most tests.

    It speaks accented English, too, notes what it writes, and races without training.
    """
    folder = tmp_path_factory.mktemp("server")
    languages = add_third_language(folder / "locale")
    start = f"from tests.browser.start import watched_and_quick; watched_and_quick({str(written)!r})"
    proxy, weights = f"http://127.0.0.1:{way_out}", str(weights_folder)
    with served_app(folder / "log.txt", languages, start=start, HTTPS_PROXY=proxy, INCEPTION_WEIGHTS=weights) as url:
        yield url


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """A headless Chromium; without one the test is skipped locally and fails in CI."""
    executable = find_chromium()
    if executable is None:
        message = "no Chromium: none on PATH, and neither apt-get nor playwright could install one"
        (pytest.fail if os.environ.get("CI") else pytest.skip)(message)
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=executable, args=ARGUMENTS)
        yield chromium
        chromium.close()


def is_error(message: ConsoleMessage) -> bool:
    """Whether it is an error of the app.

    On a deep link Streamlit's own page finds its server by trial and error. A picture that a run of the page replaced
    can be gone from the server before the browser asked for it; `ready` waits until those that stay are whole.
    """
    places = (urlsplit(message.location.get("url", "")).path, message.text)
    return message.type == "error" and not any(part in place for place in places for part in ("/_stcore/", "/media/"))


@pytest.fixture(scope="session")
def tab(browser: Browser) -> Page:
    """The tab of every test: it has read the app's scripts, which takes a new one longer than most tests."""
    tab = browser.new_context(accept_downloads=True).new_page()
    tab.set_default_timeout(PATIENCE)
    expect.set_options(timeout=PATIENCE)
    return tab


@pytest.fixture
def page(tab: Page, app_url: str) -> Iterator[Page]:
    """An empty page of 1280x800 that remembers nothing. Console errors and requests to other hosts fail the test.

    It asks for less motion: to draw what fades and turns took much of the tests' time. Tests of motion ask for it.
    """
    problems: list[str] = []
    host = urlsplit(app_url).netloc

    def on_console(message: ConsoleMessage) -> None:
        if is_error(message):
            problems.append(f"console: {message.text} {message.location.get('url', '')}")

    def on_error(error: Error) -> None:
        problems.append(f"page error: {error}")

    def on_request(request: Request) -> None:
        if re.match(r"(https?|wss?):", request.url) and urlsplit(request.url).netloc != host:
            problems.append(f"request to another host: {request.url}")

    tab.set_viewport_size({"width": 1280, "height": 800})
    tab.emulate_media(reduced_motion="reduce")
    listeners: list[tuple[Any, Any]] = [("console", on_console), ("pageerror", on_error), ("request", on_request)]
    for event, listener in listeners:
        tab.on(event, listener)
    yield tab
    if tab.url.startswith(app_url):
        tab.evaluate("localStorage.clear(), sessionStorage.clear()")
    tab.goto("about:blank")  # which ends what the server still does for it
    for event, listener in listeners:
        tab.remove_listener(event, listener)
    tab.emulate_media(media="null", color_scheme="null", reduced_motion="null", forced_colors="null")
    assert not problems, "\n".join(problems)
