"""Twenty people at once: real sessions in a real Chromium, each with a picture of its own, against one server.

Their browsers share the server's cores here, where people have computers of their own. So they ask for less motion:
fading and turning signs in twenty windows that wait took as much of the cores as the networks did.
"""

from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from time import time

import numpy as np
from PIL import Image
from playwright.sync_api import FilePayload, Page, sync_playwright

from bench.timing import Row
from tests.browser.browser import find_chromium
from tests.browser.server import process_of, served_app

NAME = "inception_resnet_v2.paper"  # of full width, as no weights of ours are for it
PEOPLE = 20
ROUNDS = 3  # in which all ask at once
FEW = 4  # of them go on asking
WARM_UP = 60  # requests, after which every session holds as many pictures as it may
REQUESTS = 200
PATIENCE = 120_000  # ms
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


def rows() -> Iterator[Row]:
    """The longest wait of twenty against what they take one after the other; and the server's memory."""
    with TemporaryDirectory() as folder, served_app(Path(folder) / "log.txt") as url, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=["--no-sandbox", "--disable-gpu"])
        pages = [browser.new_context(reduced_motion="reduce").new_page() for _ in range(PEOPLE)]
        for page in pages:
            page.set_default_timeout(PATIENCE)
            page.goto(f"{url}/live?model={NAME}")
            page.locator("input[type=file]").wait_for(state="attached")
            page.get_by_text("median of").wait_for()
        used = []
        for number, page in enumerate(pages):
            wait_for_one(page, number)
            used.append(memory(url))
        yield Row(
            f"server memory with {PEOPLE} tabs that asked / with {FEW}",
            used[-1] / used[FEW - 1],
            "",
            1.05,
            f"{used[-1] / 1e6:,.0f} MB / {used[FEW - 1] / 1e6:,.0f} MB",
        )
        longest, orders = [], []
        for _ in range(ROUNDS):  # each with a serial total of its own: a page grows with the pictures it was given
            alone = sum(wait_for_one(page, number) for number, page in enumerate(pages, number + 1))
            number += PEOPLE
            asked, ended = wait_for_all(pages, number + 1)
            number += PEOPLE
            longest.append(max(end - start for start, end in zip(asked, ended, strict=True)) / alone)
            orders.append(np.corrcoef(np.arange(PEOPLE), np.argsort(np.argsort(ended)))[0, 1])
        yield Row(
            f"{PEOPLE} people: longest wait of {ROUNDS} rounds / all one after the other",
            max(longest),
            "",
            1.3,
            ", ".join(f"{wait:.2f}" for wait in longest),
        )
        yield Row(f"{PEOPLE} people: rank correlation of asking and being answered, least of {ROUNDS}", min(orders), "")
        for page in pages[FEW:]:
            page.context.close()
        for page in pages[:FEW]:
            page.goto(f"{url}/live?model={NAME}&size=96")
            page.get_by_text("median of").wait_for()
        requests = {}
        for stage in (WARM_UP, REQUESTS):
            for _ in range(stage):
                number += 1
                wait_for_one(pages[number % FEW], number)
            requests[stage] = memory(url)
        yield Row(
            f"server memory after {REQUESTS} more requests / before",
            requests[REQUESTS] / requests[WARM_UP],
            "",
            1.05,
            f"{requests[REQUESTS] / 1e6:,.0f} MB / {requests[WARM_UP] / 1e6:,.0f} MB",
        )
        browser.close()


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


def wait_for_all(pages: list[Page], first: int) -> tuple[list[float], list[float]]:
    """When each uploaded, one right after the other, and when each had its answer, in seconds since 1970."""
    asked = [upload(page, number) for number, page in enumerate(pages, first)]
    return asked, [answered(page) for page in pages]


def memory(url: str) -> int:
    """Bytes of the server's process that are in memory."""
    return int(process_of(url).memory_info().rss)
