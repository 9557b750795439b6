"""What the benches of one run share: whether it is a short one, a Chromium and, in a short run, a server."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal, Self

from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from tests.browser.browser import find_chromium
from tests.browser.server import served_app


@dataclass(frozen=True)
class Served:
    """An app that answers: its address, its log, and the folder of its temporary files."""

    url: str
    log: Path
    temporary: Path


class Run:
    """One run of any benches; as a context manager it closes what they opened.

    short: whether it only shows that every row can be measured, so that small sizes and few repeats will do.
    minutes: how long the bench goes on that has no end of its own.
    """

    def __init__(self, short: bool = False, minutes: float = 60.0):
        self.short, self.minutes = short, minutes
        self._opened = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._opened.close()

    @cached_property
    def browser(self) -> Browser:
        """A headless Chromium, started when it is first asked for."""
        playwright = self._opened.enter_context(sync_playwright())
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=["--no-sandbox", "--disable-gpu"])
        self._opened.callback(browser.close)
        return browser

    @cached_property
    def _context(self) -> BrowserContext:
        # Nothing turns or fades in a short run, which would take more of the cores than the app.
        motion: Literal["reduce", "no-preference"] = "reduce" if self.short else "no-preference"
        return self.browser.new_context(viewport={"width": 1280, "height": 900}, reduced_motion=motion)

    @contextmanager
    def tab(self) -> Iterator[Page]:
        """A page of 1280x900, closed afterwards; like the tabs of one person, all share what the browser has cached."""
        page = self._context.new_page()
        try:
            yield page
        finally:
            page.close()

    @contextmanager
    def server(self) -> Iterator[str]:
        """The address of an app that has just started; in a short run all get the same one, to save its start."""
        with self.served() as served:
            yield served.url

    @contextmanager
    def served(self) -> Iterator[Served]:
        """The same, with its log and its temporary files."""
        if self.short:
            yield self._shared_server
        else:
            with _fresh_server() as served:
                yield served

    @cached_property
    def _shared_server(self) -> Served:
        return self._opened.enter_context(_fresh_server())


@contextmanager
def _fresh_server() -> Iterator[Served]:
    with TemporaryDirectory() as folder:
        log, temporary = Path(folder, "log.txt"), Path(folder, "tmp")
        temporary.mkdir()
        with served_app(log, TMPDIR=str(temporary)) as url:
            yield Served(url, log, temporary)
