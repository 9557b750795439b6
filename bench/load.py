"""Twenty people at once: real sessions in a real Chromium, each with a picture of its own, against one server.

Their browsers share the server's cores here, where people have computers of their own. So they ask for less motion:
fading and turning signs in twenty windows that wait took as much of the cores as the networks did.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from io import BytesIO
from itertools import count, cycle, islice
from time import time

import numpy as np
from PIL import Image
from playwright.sync_api import FilePayload, Page

from bench.run import Run
from bench.timing import Row, measured
from tests.browser.server import process_of

PATIENCE = 120_000  # ms


@dataclass(frozen=True)
class Crowd:
    """Who asks what.

    people: each in a tab. rounds: in which all ask at once. few: of the people, who go on asking. warm_up: requests of
    these, after which every session holds as many pictures as it may; requests: those that follow, until memory is
    compared with what it was then. page: what all have open; quick: the same for the few, with small pictures.
    """

    people: int
    rounds: int
    few: int
    warm_up: int
    requests: int
    page: str
    quick: str


# The network is of full width, as no weights of ours are for it.
FULL = Crowd(20, 3, 4, 60, 200, "live?model=inception_resnet_v2.paper", "live?model=inception_resnet_v2.paper&size=96")
SHORT = Crowd(2, 1, 1, 1, 1, *2 * ("live?model=inception_resnet_v1&size=96",))

# Each page notes for itself when it has its answer: asking twenty pages again and again takes the cores that they need.
WATCH = """([name, patience]) => {
    const shown = input => input.value == `your picture: ${name}`
    window.answered = new Promise((resolve, reject) => {
        const timer = setInterval(() => {
            const idle = document.querySelector('[data-test-script-state=notRunning]')
            if (idle && [...document.querySelectorAll('input')].some(shown)) {
                clearInterval(timer)
                resolve(Date.now() / 1000)
            }
        }, 50)
        setTimeout(() => reject(`${name} was not answered`), patience)
    })
}"""


def rows(run: Run) -> Iterator[Row]:
    """The longest wait of all against what they take one after the other; and the server's memory."""
    crowd = SHORT if run.short else FULL
    numbers = count()  # of pictures
    tabs: list[Page] = []
    try:
        with run.server() as url:
            for _ in range(crowd.people):
                tabs.append(run.browser.new_context(reduced_motion="reduce").new_page())
                tabs[-1].set_default_timeout(PATIENCE)
                open_page(tabs[-1], f"{url}/{crowd.page}")
            many = f"server memory with {crowd.people} tabs that asked / with {crowd.few}"
            yield from measured([Row(many, "", 1.05)], partial(memory_by_tabs, tabs, crowd, url, numbers))
            claims = [
                Row(f"{crowd.people} people: longest wait of {crowd.rounds} rounds / all one after the other", "", 1.3),
                Row(f"{crowd.people} people: rank correlation of asking and being answered, least of rounds", ""),
            ]
            yield from measured(claims, partial(waits, tabs, crowd, numbers))
            after = f"server memory after {crowd.requests} more requests / before"
            yield from measured([Row(after, "", 1.05)], partial(memory_by_requests, tabs, crowd, url, numbers))
    finally:
        for tab in tabs:
            tab.context.close()


def open_page(tab: Page, address: str) -> None:
    """Opens a page and waits until it has answered about the picture that it opens on."""
    tab.goto(address)
    tab.locator("input[type=file]").wait_for(state="attached")
    tab.get_by_text("median of").wait_for()


def memory_by_tabs(tabs: list[Page], crowd: Crowd, url: str, numbers: Iterator[int]) -> list[tuple[float, str]]:
    """The server's memory when all have asked against when the few have."""
    used = []
    for tab in tabs:
        wait_for_one(tab, next(numbers))
        used.append(memory(url))
    return [ratio(used[-1], used[crowd.few - 1])]


def waits(tabs: list[Page], crowd: Crowd, numbers: Iterator[int]) -> list[tuple[float, str]]:
    """The longest wait when all ask at once, and how far they are answered in the order in which they asked."""
    longest, orders = [], []
    for _ in range(crowd.rounds):  # each with a serial total of its own: a page grows with the pictures it was given
        alone = sum(wait_for_one(tab, next(numbers)) for tab in tabs)
        asked = [upload(tab, next(numbers)) for tab in tabs]  # one right after the other
        ended = [answered(tab) for tab in tabs]
        longest.append(max(end - start for start, end in zip(asked, ended, strict=True)) / alone)
        orders.append(float(np.corrcoef(np.arange(len(tabs)), np.argsort(np.argsort(ended)))[0, 1]))
    return [(max(longest), ", ".join(f"{wait:.2f}" for wait in longest)), (min(orders), "")]


def memory_by_requests(tabs: list[Page], crowd: Crowd, url: str, numbers: Iterator[int]) -> list[tuple[float, str]]:
    """The server's memory after many requests of the few, once the others are gone, against before."""
    for tab in tabs[crowd.few :]:
        tab.context.close()
    if crowd.quick != crowd.page:
        for tab in tabs[: crowd.few]:
            open_page(tab, f"{url}/{crowd.quick}")
    turns = cycle(tabs[: crowd.few])
    used = []
    for requests in (crowd.warm_up, crowd.requests):
        for tab in islice(turns, requests):
            wait_for_one(tab, next(numbers))
        used.append(memory(url))
    return [ratio(used[1], used[0])]


def ratio(after: int, before: int) -> tuple[float, str]:
    """Of two amounts of memory, and both in words."""
    return after / before, f"{after / 1e6:,.0f} MB / {before / 1e6:,.0f} MB"


def upload(page: Page, number: int) -> float:
    """Brings a picture that no one else has; when, in seconds since 1970."""
    random = np.random.default_rng(number)
    file = BytesIO()
    Image.fromarray(random.integers(0, 256, (40, 40, 3), dtype=np.uint8)).resize((800, 600)).save(file, "JPEG")
    name = f"picture-{number}.jpg"
    payload: FilePayload = {"name": name, "mimeType": "image/jpeg", "buffer": file.getvalue()}
    page.evaluate(WATCH, [name, PATIENCE])
    began = time()
    page.locator("input[type=file]").set_input_files(payload)
    return began


def answered(page: Page) -> float:
    """Waits for the answer to what was uploaded last; when it came, in seconds since 1970."""
    return float(page.evaluate("window.answered"))


def wait_for_one(page: Page, number: int) -> float:
    """Seconds from an upload to its answer."""
    began = upload(page, number)
    return answered(page) - began


def memory(url: str) -> int:
    """Bytes of the server's process that are in memory."""
    return int(process_of(url).memory_info().rss)
