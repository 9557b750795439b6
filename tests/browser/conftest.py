"""A served app and a Chromium page that fails the test on console errors and on requests to other hosts."""

import os
import re
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, expect, sync_playwright

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
]


@pytest.fixture(scope="session")
def way_out() -> int:
    """The port through which the app would reach other hosts: nothing listens there, so the app is offline."""
    return free_port()


@pytest.fixture(scope="session")
def app_url(tmp_path_factory: pytest.TempPathFactory, way_out: int) -> Iterator[str]:
    """The app, served for the whole session."""
    with served_app(tmp_path_factory.mktemp("server") / "log.txt", HTTPS_PROXY=f"http://127.0.0.1:{way_out}") as url:
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
    """Whether it is an error of the app; on a deep link Streamlit's own page finds its server by trial and error."""
    return message.type == "error" and "/_stcore/" not in message.location.get("url", "")


@pytest.fixture
def page(browser: Browser, app_url: str) -> Iterator[Page]:
    """A fresh page of 1280x800. Console errors and requests to other hosts fail the test."""
    context = browser.new_context(viewport={"width": 1280, "height": 800}, accept_downloads=True)
    tab = context.new_page()
    problems: list[str] = []
    host = urlsplit(app_url).netloc
    tab.on("console", lambda message: problems.append(f"console: {message.text}") if is_error(message) else None)
    tab.on("pageerror", lambda error: problems.append(f"page error: {error}"))
    tab.on(
        "request",
        lambda request: (
            problems.append(f"request to another host: {request.url}")
            if re.match(r"(https?|wss?):", request.url) and urlsplit(request.url).netloc != host
            else None
        ),
    )
    tab.set_default_timeout(PATIENCE)
    expect.set_options(timeout=PATIENCE)
    yield tab
    context.close()
    assert not problems, "\n".join(problems)
