"""From a click or a slider to the new content, in a real Chromium against the served app."""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from playwright.sync_api import Page, sync_playwright

from bench.timing import Row, seconds
from tests.browser.browser import find_chromium
from tests.browser.server import served_app

RUNS = 9
SPREAD = ".st-key-picture_by_depth .subplot.xy3 .scatterlayer path.js-line"  # of the sum: every scale changes it


def rows() -> Iterator[Row]:
    """Medians of `RUNS` after one warm-up."""
    with TemporaryDirectory() as folder, served_app(Path(folder) / "log.txt") as url, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        yield Row("Blocks: click on a layer to its row, source line and box marked", block_click(page, url), "s", 0.4)
        yield Row("Atlas: click on a box to its block opened", overview_click(page, url), "s", 1.0)
        yield Row("Factorised convolutions: kernel slider to new figures", slider(page, url), "s", 0.3)
        for number, stage in enumerate("ABC"):
            what = f"Residual scale, inception_resnet_v2: slider of the {stage} blocks to new curves"
            yield Row(what, scale_slider(page, url, number), "s", 0.3)
        browser.close()


def block_click(page: Page, url: str) -> float:
    page.goto(f"{url}/blocks?model=inception_resnet_v2&block=Inception-ResNet-B")
    boxes = page.locator("svg .node[role=button]")
    boxes.first.wait_for()
    names = ["1x7 conv", "7x1 conv"]

    def click(n: int) -> None:
        box = boxes.filter(has_text=names[n % 2])
        box.click()
        page.locator("svg .node.selected").filter(has_text=names[n % 2]).wait_for()
        page.locator("pre .selected").filter(has_text=f"Conv2d_0{'bc'[n % 2]}").wait_for()

    return _median(click)


def overview_click(page: Page, url: str) -> float:
    page.goto(f"{url}/?model=inception_resnet_v2")
    page.locator("svg .node[role=button]").first.wait_for()
    names = ["Block17", "Block35"]
    headings = ["Inception-ResNet-B", "Inception-ResNet-A"]

    def click(n: int) -> None:
        page.locator("svg .node[role=button]").filter(has_text=names[n % 2]).first.click()
        page.get_by_role("heading", name=headings[n % 2]).wait_for()

    return _median(click)


def slider(page: Page, url: str) -> float:
    page.goto(f"{url}/factorisation")
    thumb = page.get_by_role("slider").first
    thumb.wait_for()
    thumb.focus()
    kernels = ["9x9", "7x7"]

    def move(n: int) -> None:
        page.keyboard.press("ArrowRight" if n % 2 == 0 else "ArrowLeft")
        page.get_by_text(f"{kernels[n % 2]}, parameters").wait_for()

    return _median(move)


def scale_slider(page: Page, url: str, number: int) -> float:
    """Every move is to a scale that was not measured before."""
    page.goto(f"{url}/residual_scale?model=inception_resnet_v2")
    page.locator(SPREAD).first.wait_for()
    page.get_by_role("slider").nth(number).focus()

    def move(_: int) -> None:
        before = page.locator(SPREAD).first.get_attribute("d")
        page.keyboard.press("ArrowRight")
        page.wait_for_function(
            "([curve, before]) => document.querySelector(curve)?.getAttribute('d') != before", arg=[SPREAD, before]
        )

    return _median(move)


def _median(act: Callable[[int], None]) -> float:
    return median([seconds(partial(act, n)) for n in range(RUNS + 1)][1:])
