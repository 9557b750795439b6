"""Finds a Chromium, or gets one; and waits for the app in it."""

import shutil
import subprocess
from contextlib import suppress
from pathlib import Path
from re import Pattern

from playwright.sync_api import Error, Locator, Page, TimeoutError, sync_playwright

from ..debian import program

SOON = 3_000  # ms for another button of a list that is open already
SHELL = "chromium-headless-shell"  # has no window to draw, which makes it a sixth cheaper
NAMES = (SHELL, "chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
OFTEN = 100  # ms between two looks at the page: by default Playwright has every frame drawn to look at it


def find_chromium() -> str | None:
    """Path of a Chromium: on PATH, else one of Debian's packages where we may install it, else playwright's own."""
    packages = (SHELL, "chromium")
    return (
        next(filter(None, (program(*NAMES, packages=(package,)) for package in packages)), None) or _from_playwright()
    )


def _from_playwright() -> str | None:
    command = [shutil.which("playwright") or "playwright", "install", "chromium"]
    try:
        subprocess.run(command, capture_output=True, check=True, timeout=600)
    except (OSError, subprocess.SubprocessError):
        return None
    with sync_playwright() as playwright:
        path = playwright.chromium.executable_path
    return path if Path(path).exists() else None


RESTS = (
    "document.querySelector('[data-testid=stApp][data-test-script-state=notRunning]')"
    " && document.querySelector('h2') && [...document.images].every(image => image.complete && image.naturalWidth)"
    " && [...document.querySelectorAll('[data-testid=stPlotlyChart]')].every(chart => chart.querySelector('.main-svg'))"
)


def ready(page: Page) -> None:
    """Waits until the app has taken a change in, finished the runs it caused, and the browser shows it whole.

    Between two runs the app rests for a moment, before the first as well, so it must do so twice. Every picture must
    be whole. A chart that is drawn late moves what lies below it, and closes its lists.
    """
    resting = False
    while not resting:
        page.wait_for_timeout(300)
        page.wait_for_function(RESTS, polling=OFTEN)
        page.wait_for_timeout(200)
        try:
            resting = bool(page.evaluate(f"Boolean({RESTS})"))
        except Error as error:  # the page reloads, as it does when its server has started again
            if "context was destroyed" not in str(error):
                raise


def open_exports(page: Page, button: str = "Download", which: int = 0) -> Locator:
    """A button in what a page offers to take home, shown; which: of several with this name, in order, -1 the last."""
    ready(page)
    body = page.get_by_test_id("stPopoverBody")
    found = body.get_by_role("button", name=button).first
    opening = page.locator("[class*=st-key-export_] button, button[class*=st-key-export_]").filter(visible=True)
    order = range(opening.count())
    for number in order if which >= 0 else reversed(order):
        opening.nth(number).click()
        body.get_by_role("button").first.wait_for()
        with suppress(TimeoutError):  # its buttons come one by one
            found.wait_for(timeout=SOON)
        if found.is_visible():
            if which in (0, -1):
                return found
            which -= 1
        page.keyboard.press("Escape")
        body.wait_for(state="hidden")
    raise AssertionError(f"no figure offers {button}")


def pick(page: Page, box: str, option: str | Pattern[str]) -> None:
    """Chooses an option of a select box of a page that rests, by its whole name or a pattern."""
    ready(page)
    combobox = page.get_by_role("combobox", name=box, exact=True)
    combobox.scroll_into_view_if_needed()
    page.wait_for_timeout(300)  # a list closes when its page scrolls
    combobox.click()
    if isinstance(option, str):
        combobox.fill(option)  # a long list draws only what is in sight
    page.get_by_role("option", name=option, exact=True).click()
    ready(page)
