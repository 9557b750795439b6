"""Thirty sessions over all pages for an hour: what a server has gathered by then that it should have let go.

Sessions come and go: each stays for some clicks, now and then brings a picture, and closes its tab. What a server holds
is compared at two moments of rest, after a first part of the time and at the end, each when Streamlit has forgotten the
sessions that have left.
"""

import random
import re
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import psutil

from bench.classroom import known_pictures
from bench.run import Run
from bench.student import LostError, Student
from bench.timing import Row, measured
from pages.parts.page_list import HOME, PAGES
from tests.browser.server import process_of, served_app

SESSIONS, SHORT_SESSIONS = 30, 2
STAYS = 12  # clicks of a session
PAUSE = 4.0  # seconds between two, mean
FORGOTTEN = 130.0  # seconds after which Streamlit lets go of a session whose tab is closed
WARM_UP = 0.3  # share of the time until the first look
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
    with tempfile.TemporaryDirectory() as folder:
        temporary, log = Path(folder, "tmp"), Path(folder, "log.txt")
        temporary.mkdir()
        with served_app(log, TMPDIR=str(temporary)) as url:
            server = process_of(url)
            whole = 60 * run.minutes
            parts = (0.0, 0.0) if run.short else (WARM_UP * whole, (1 - WARM_UP) * whole)
            looks, clicks, lost = [], 0, 0
            for part, seconds in enumerate(parts):
                done = visits(url, seconds, part, SHORT_SESSIONS if run.short else SESSIONS)
                clicks, lost = clicks + done[0], lost + done[1]
                rest(url, 0.0 if run.short else FORGOTTEN)
                looks.append(Look.at(server, temporary))
            first, last = looks
        errors = [line for line in log.read_text().splitlines() if BAD.search(line)]
    return [
        (last.memory / first.memory, f"{last.memory / 1e6:,.0f} MB / {first.memory / 1e6:,.0f} MB"),
        (last.threads - first.threads, f"{last.threads} - {first.threads}"),
        (last.files - first.files, f"{last.files} - {first.files}"),
        (last.temporary, ""),
        (len(errors), errors[0] if errors else ""),
        (lost, f"of {clicks:,}"),
    ]


def visits(url: str, seconds: float, part: int, sessions: int) -> tuple[int, int]:
    """Lets so many sessions be there at a time until the time is over: clicks, and those that were not answered."""
    end = time.monotonic() + seconds
    pictures = known_pictures(sessions)

    def visitor(number: int) -> tuple[int, int]:
        dice, clicks, lost = random.Random(f"{part} {number}"), 0, 0
        while True:
            stays = STAYS if seconds else 1
            try:
                with Student(url, dice.choice(("en-US", "zh-CN"))) as student:
                    student.open(dice.choice(list(PAGES)) if seconds else TAKES_PICTURES)
                    for _ in range(stays):
                        clicks += 1
                        click(student, dice, pictures[number][:2])
                        time.sleep(dice.expovariate(1 / PAUSE) if seconds else 0)
                        if seconds and time.monotonic() > end:
                            break
            except LostError:
                lost += 1
            if time.monotonic() > end:
                return clicks, lost

    with ThreadPoolExecutor(sessions) as threads:
        counted = list(threads.map(visitor, range(sessions)))
    return sum(clicks for clicks, _ in counted), sum(lost for _, lost in counted)


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
    time.sleep(min(seconds, 5.0))
