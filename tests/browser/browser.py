"""Finds a Chromium, or gets one; and waits for the app in it."""

import os
import shutil
import subprocess
from pathlib import Path

from playwright.sync_api import Page, TimeoutError, sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def find_chromium() -> str | None:
    """Path of a Chromium: on PATH, else Debian's package where we may install it, else playwright's own."""
    return _on_path() or _from_debian() or _from_playwright()


def _on_path() -> str | None:
    return next((path for name in NAMES if (path := shutil.which(name))), None)


def _from_debian() -> str | None:
    if not shutil.which("apt-get") or os.geteuid() != 0:
        return None
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in (["apt-get", "update", "-q"], ["apt-get", "install", "-yq", "--no-install-recommends", "chromium"]):
        if subprocess.run(command, env=environment, capture_output=True, check=False).returncode:
            return None
    return _on_path()


def _from_playwright() -> str | None:
    command = [shutil.which("playwright") or "playwright", "install", "chromium"]
    try:
        subprocess.run(command, capture_output=True, check=True, timeout=600)
    except (OSError, subprocess.SubprocessError):
        return None
    with sync_playwright() as playwright:
        path = playwright.chromium.executable_path
    return path if Path(path).exists() else None


def ready(page: Page) -> None:
    """Waits until the app has taken a change in and finished the run it caused."""
    page.wait_for_timeout(300)
    page.wait_for_selector('[data-testid="stApp"][data-test-script-state="notRunning"]')


def pick(page: Page, box: str, option: str) -> None:
    """Chooses an option; tries again where the app remade the box, and so closed its list, before the click."""
    for patience in (5_000, 10_000, 30_000):  # ms
        ready(page)
        page.get_by_role("combobox", name=box).click()
        try:
            return page.get_by_role("option", name=option).click(timeout=patience)
        except TimeoutError:
            page.keyboard.press("Escape")
    raise AssertionError(f"{box} never offered {option}")
