"""From an upload on the page Live inference to the answer, with what comes with the project and nothing else."""

from collections.abc import Iterator
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter

import pandas as pd
from playwright.sync_api import Locator, Page, expect, sync_playwright

from bench.timing import Row
from inception.paths import BUNDLED
from inception.weights.known import known_weights
from tests.browser.browser import find_chromium
from tests.browser.server import served_app

PHOTOGRAPHS = Path(__file__).parents[1] / "assets" / "photographs"
COUNT = 5


def rows() -> Iterator[Row]:
    """Cold: an upload to a server that has just started, once its page can take one; warm: the median of later ones."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=["--no-sandbox", "--disable-gpu"])
        for model in [weights.variant for weights in known_weights().values() if not weights.published]:
            with TemporaryDirectory() as folder, served_app(Path(folder) / "log.txt") as url:
                page = browser.new_page(viewport={"width": 1280, "height": 900})
                page.goto(f"{url}/live?model={model}")
                page.locator("input[type=file]").first.wait_for(state="attached", timeout=60_000)
                times = [upload(page, path) for path in recognised(model)]
                page.close()
            yield Row(f"Live inference, {model}: first upload to its answer, cold", times[0], "s", 3.0)
            yield Row(f"Live inference, {model}: upload to its answer, warm", median(times[1:]), "s", 3.0)
        browser.close()


def recognised(model: str) -> list[Path]:
    """Photographs that the network knows, each of another class, so that an answer is never that of the one before."""
    answers = pd.read_csv(BUNDLED / f"{model}.cifar10.photographs.csv")
    # The page opens on a cat, and has no answer in large for what seems to be none of the classes.
    known = answers[(answers["rank"] == 1) & (answers["label"] != "cat") & ~answers["none"]]
    return [PHOTOGRAPHS / file for file in known.drop_duplicates("label")["file"][:COUNT]]


def answer(page: Page) -> Locator:
    """The most probable class on the screen, and how probable."""
    return page.get_by_role("heading", level=3).first


def upload(page: Page, path: Path) -> float:
    """Seconds from choosing the file to its class on the screen, in words; the bars follow."""
    start = perf_counter()
    page.locator("input[type=file]").first.set_input_files(path)
    expect(answer(page)).to_contain_text(f"{path.parent.name}, ", timeout=60_000)
    return perf_counter() - start
