"""From an upload on the page Live inference to the answer, with what comes with the project and nothing else."""

from collections.abc import Iterator
from functools import partial
from itertools import islice
from pathlib import Path
from statistics import median
from time import perf_counter

import pandas as pd
from playwright.sync_api import Page, expect

import inception
from bench.run import Run
from bench.timing import Row, measured
from inception.paths import BUNDLED, PHOTOGRAPHS
from inception.runtime.predictor import Predictor
from inception.vision.none_of_them import says_none
from inception.weights.known import known_weights
from tests.browser.browser import ready

COUNT, SHORT_COUNT = 5, 2  # uploads for each network
OPENS_ON = "cat"  # the sample picture that the page shows first


def rows(run: Run) -> Iterator[Row]:
    """Cold: an upload to a server that has just started, once its page can take one; warm: the median of later ones."""
    models = [weights.variant for weights in known_weights().values() if not weights.published]
    for model in models[:1] if run.short else models:
        first, *later = islice(recognised(model), SHORT_COUNT if run.short else COUNT)
        with run.server() as url, run.tab() as page:
            cold = Row(f"Live inference, {model}: first upload to its answer, cold", "s", 3.0)
            yield from measured([cold], partial(cold_upload, page, f"{url}/live?model={model}", first))
            warm = Row(f"Live inference, {model}: upload to its answer, warm", "s", 3.0)
            yield from measured([warm], partial(warm_uploads, page, later))


def cold_upload(page: Page, address: str, photograph: tuple[Path, str]) -> list[tuple[float, str]]:
    """Seconds of an upload as soon as the page can take one."""
    page.goto(address)
    page.locator("input[type=file]").first.wait_for(state="attached", timeout=60_000)
    return [(upload(page, *photograph), "")]


def warm_uploads(page: Page, photographs: list[tuple[Path, str]]) -> list[tuple[float, str]]:
    """The median of uploads to a page at rest."""
    times = []
    for photograph in photographs:
        ready(page)
        times.append(upload(page, *photograph))
    return [(median(times), "")]


def upload(page: Page, path: Path, label: str) -> float:
    """Seconds from choosing the file to its class on the screen, in words; the bars follow."""
    answer = page.get_by_role("heading", level=3).filter(has_text=f"{label}, ")
    expect(answer).to_have_count(0)  # or the wait for it would measure nothing
    start = perf_counter()
    page.locator("input[type=file]").first.set_input_files(path)
    answer.wait_for(timeout=60_000)
    return perf_counter() - start


def recognised(model: str) -> Iterator[tuple[Path, str]]:
    """Photographs and what the network answers for them: each another class, so that every answer is a new one.

    The page has no answer in large for what seems to be none of the classes, so there are none of those.
    """
    answers = pd.read_csv(BUNDLED / f"{model}.cifar10.photographs.csv")
    known = answers[(answers["rank"] == 1) & (answers["answer"] != OPENS_ON)]
    surest = known.sort_values("probability", ascending=False).drop_duplicates("answer")
    network = Predictor(model, f"{model}.cifar10")
    for file, answer in zip(surest["file"], surest["answer"], strict=True):
        prepared = network.prepare(inception.load_image(PHOTOGRAPHS / file), (network.input_size, network.input_size))
        if not says_none(network, network.classify(prepared), prepared):
            yield PHOTOGRAPHS / file, str(answer)
