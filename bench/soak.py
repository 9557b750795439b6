"""Thirty sessions over all pages for an hour: what a server has gathered by then that it should have let go.

Sessions come and go: each stays for some clicks, now and then brings a picture, and closes its tab. What a server holds
is compared at two moments of rest, after a first part of the time and at the end, each when Streamlit has forgotten the
sessions that have left and the server has swept up after them (`pages.parts.collector`).

The first look has to come when what all sessions share is there: traces, drawings and answers about samples in both
languages, and the networks. That grows until every page has been asked for in every language beside others, which took
1,500 clicks; five minutes have 2,000. One thing goes on filling for an hour, within `INCEPTION_KEPT_UPLOADS`: the
pictures that readers brought, as files, which a reload finds again. Here they are some 10 kB each.
"""

import random
import re
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import psutil

from bench.classroom import known_pictures
from bench.run import Run
from bench.student import LostError, Student
from bench.timing import Row, measured
from pages.parts.collector import AT_REST
from pages.parts.page_list import HOME, PAGES
from tests.browser.server import process_of

SESSIONS, SHORT_SESSIONS = 30, 2
STAYS = 12  # clicks of a session
PAUSE = 4.0  # seconds between two, mean
FORGOTTEN = 130.0  # seconds after which Streamlit lets go of a session whose tab is closed
SWEPT = 2.5 * AT_REST  # seconds after which a server at rest has swept up what they left
WARM_UP = 0.3  # share of the time until the first look, which is no sooner than
FILLED = 300.0  # seconds, or half of the time where that is less
TAKES_PICTURES = "live"
BAD = re.compile(r"Traceback|\bERROR\b|\bCRITICAL\b|Exception")


@dataclass(frozen=True)
class Look:
    """What a server holds at rest. files: open ones. temporary: files that it has left in its temporary folder."""

    memory: int  # bytes
    threads: int
    files: int
    temporary: int

    @classmethod
    def at(cls, server: psutil.Process, folder: Path) -> "Look":
        """Now."""
        left = sum(path.is_file() for path in folder.rglob("*"))
        return cls(server.memory_info().rss, server.num_threads(), server.num_fds(), left)


def rows(run: Run) -> Iterator[Row]:
    """Memory, threads, files and the log after the time that `--minutes` gives; a short run makes a few clicks."""
    claims = [
        Row(f"{SESSIONS} sessions, {run.minutes:g} minutes: memory at rest, end / begin", "x", 1.05),
        Row("threads at rest, end - begin", "", 0.0),
        Row("open files at rest, end - begin", "", 0.0),
        Row("temporary files that stay", "", 0.0),
        Row("lines of errors in the log", "", 0.0),
        Row("clicks that were not answered", "", 0.0),
    ]
    yield from measured(claims, partial(soaked, run))


def soaked(run: Run) -> list[tuple[float, str]]:
    """What `rows` claims."""
    with run.served() as app:
        server = process_of(app.url)
        whole = 60 * run.minutes
        warm_up = max(WARM_UP * whole, min(FILLED, whole / 2))
        parts = (0.0, 0.0) if run.short else (warm_up, whole - warm_up)
        looks, clicks, lost = [], 0, 0
        for part, seconds in enumerate(parts):
            visitors = Visitors(app.url, seconds, part, SHORT_SESSIONS if run.short else SESSIONS)
            visitors.come_and_go()
            clicks, lost = clicks + visitors.clicks, lost + visitors.lost
            rest(app.url, 0.0 if run.short else FORGOTTEN)
            looks.append(Look.at(server, app.temporary))
        first, last = looks
        errors = [line for line in app.log.read_text().splitlines() if BAD.search(line)]
    return [
        (last.memory / first.memory, f"{last.memory / 1e6:,.0f} MB / {first.memory / 1e6:,.0f} MB"),
        (last.threads - first.threads, f"{last.threads} - {first.threads}"),
        (last.files - first.files, f"{last.files} - {first.files}"),
        (last.temporary, ""),
        (len(errors), errors[0] if errors else ""),
        (lost, f"of {clicks:,}"),
    ]


@dataclass
class Visitors:
    """So many at a time, until the time is over. part: which part of the soak it is, for other dice."""

    url: str
    seconds: float
    part: int
    sessions: int
    clicks: int = 0
    lost: int = 0  # clicks that were not answered
    errors: list[Exception] = field(default_factory=list)  # of this program
    over: threading.Event = field(default_factory=threading.Event)  # before its time
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def come_and_go(self) -> None:
        """Returns when all have left. What ends it sooner, such as a signal, waits for nobody.

        An answer may take minutes; whoever waits for one ends with this process.
        """
        end = time.monotonic() + self.seconds
        pictures = known_pictures(self.sessions)
        threads = [
            threading.Thread(target=self._visitor, args=(number, picture[:2], end), daemon=True)
            for number, picture in enumerate(pictures)
        ]
        try:
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        finally:
            self.over.set()
        if self.errors:
            raise self.errors[0]

    def _visitor(self, number: int, picture: tuple[str, bytes], end: float) -> None:
        """One session after the other."""
        dice = random.Random(f"{self.part} {number}")
        while True:
            try:
                self._session(dice, picture, end)
            except LostError:
                self._count(lost=1)
            except Exception as error:  # whatever it is, the bench says it
                self.errors.append(error)
                return
            if self.over.is_set() or time.monotonic() > end:
                return

    def _session(self, dice: random.Random, picture: tuple[str, bytes], end: float) -> None:
        with Student(self.url, dice.choice(("en-US", "zh-CN"))) as student:
            student.open(dice.choice(list(PAGES)) if self.seconds else TAKES_PICTURES)
            for _ in range(STAYS if self.seconds else 1):
                self._count(clicks=1)
                click(student, dice, picture)
                pause = dice.expovariate(1 / PAUSE) if self.seconds else 0
                if self.over.wait(pause) or (self.seconds and time.monotonic() > end):
                    return

    def _count(self, clicks: int = 0, lost: int = 0) -> None:
        with self._lock:
            self.clicks, self.lost = self.clicks + clicks, self.lost + lost


def click(student: Student, dice: random.Random, picture: tuple[str, bytes]) -> None:
    """Goes to another page; where it takes a picture, brings one now and then."""
    page = dice.choice(list(PAGES))
    student.go("" if page == HOME.name else page)
    if page == TAKES_PICTURES and dice.random() < 0.5:
        label = next(box.label for box in student.of_kind("file_uploader"))
        student.upload(label, *picture)


def rest(url: str, seconds: float) -> None:
    """Waits until the sessions that have left are forgotten, which Streamlit does when the next one comes or goes."""
    time.sleep(seconds)
    with Student(url) as student:
        student.open("glossary")
    time.sleep(min(seconds, SWEPT))
