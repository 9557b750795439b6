"""From a click or a slider to the new content, in a real Chromium against the served app."""

import re
from collections.abc import Callable, Iterator
from functools import partial
from statistics import median

from playwright.sync_api import Locator, Page, expect

from bench.run import Run
from bench.timing import Row, measured, seconds
from tests.browser.browser import ready

RUNS = 9
SCALE_STEP = 0.01  # of the sliders on Residual scale
BOXES = "svg .node[role=button]"  # of a diagram
CHART = ".st-key-picture_by_depth .js-plotly-plot"
# The numbers behind the chart. Its lines on the screen will not do: a move may be less than a pixel.
CHARTED = f"JSON.stringify(document.querySelector('{CHART}').data.map(line => line.y))"
RESTS = "document.querySelector('[data-testid=stApp][data-test-script-state=notRunning]')"


def rows(run: Run) -> Iterator[Row]:
    """Medians of `RUNS` after one warm-up, each in a tab of its own."""
    acts: list[tuple[str, float, Callable[[Page, str, int], float]]] = [
        ("Blocks: click on a layer to its figures, source line and box marked", 0.4, block_click),
        ("Atlas: click on a box to its block opened", 1.0, overview_click),
        ("Factorised convolutions: kernel slider to new figures", 0.3, kernel_slider),
    ]
    for number, stage in enumerate("A" if run.short else "ABC"):
        what = f"Residual scale, inception_resnet_v2: slider of the {stage} blocks to new curves"
        acts.append((what, 0.3, partial(scale_slider, number=number)))
    with run.server() as url:
        for what, goal, act in acts:
            yield from measured([Row(what, "s", goal)], partial(in_a_tab, run, url, act))


def in_a_tab(run: Run, url: str, act: Callable[[Page, str, int], float]) -> list[tuple[float, str]]:
    """The median of an act, as the value of its row."""
    with run.tab() as page:
        return [(act(page, url, 1 if run.short else RUNS), "")]


def open_page(page: Page, address: str, last: Locator) -> None:
    """Opens a page and waits until it rests; last: what is among the last things to appear on it."""
    page.goto(address)
    last.first.wait_for()
    ready(page)


def block_click(page: Page, url: str, runs: int) -> float:
    open_page(page, f"{url}/blocks?model=inception_resnet_v2&block=Inception-ResNet-B", page.locator(BOXES))
    names = ["1x7 conv", "7x1 conv"]
    layers = ["Conv2d_0b_1x7", "Conv2d_0c_7x1"]

    def click(n: int) -> float:
        return until_shown(
            page.locator(BOXES).filter(has_text=names[n % 2]).click,
            page.locator("svg .node.selected").filter(has_text=names[n % 2]),
            page.locator("pre .selected").filter(has_text=layers[n % 2]),
            page.get_by_text(re.compile(rf"{layers[n % 2]} · \S+: conv, from")),
        )

    return median_of(click, runs)


def overview_click(page: Page, url: str, runs: int) -> float:
    open_page(page, f"{url}/atlas?model=inception_resnet_v2", page.locator(BOXES))
    names = ["Block17", "Block35"]
    headings = ["Inception-ResNet-B", "Inception-ResNet-A"]

    def click(n: int) -> float:
        return until_shown(
            page.locator(BOXES).filter(has_text=names[n % 2]).first.click,
            page.get_by_role("heading", name=headings[n % 2]),
        )

    return median_of(click, runs)


def kernel_slider(page: Page, url: str, runs: int) -> float:
    open_page(page, f"{url}/factorisation", page.get_by_role("slider"))
    page.get_by_role("slider").first.focus()
    kernels = ["9x9", "7x7"]

    def move(n: int) -> float:
        key = "ArrowRight" if n % 2 == 0 else "ArrowLeft"
        return until_shown(partial(page.keyboard.press, key), page.get_by_text(f"{kernels[n % 2]}, parameters"))

    return median_of(move, runs)


def scale_slider(page: Page, url: str, runs: int, number: int) -> float:
    """Every move is from a page at rest to a scale that was not measured before."""
    open_page(page, f"{url}/residual_scale?model=inception_resnet_v2", page.locator(f"{CHART} .main-svg"))
    page.get_by_role("slider").nth(number).focus()
    caption = page.get_by_text("As A · B · C:")
    built = [float(scale) for scale in re.findall(r"\d\.\d\d", caption.inner_text())]

    def move(n: int) -> float:
        scales = [scale + (n + 1) * SCALE_STEP * (place == number) for place, scale in enumerate(built)]
        written = " · ".join(f"{scale:.2f}" for scale in scales)
        before = page.evaluate(CHARTED)

        def press() -> None:
            page.keyboard.press("ArrowRight")
            page.wait_for_function(f"before => {CHARTED} != before", arg=before)

        time = until_shown(press, page.get_by_text(f"As A · B · C: {written}"))
        page.wait_for_function(RESTS)  # the table under the chart comes after the curves
        return time

    return median_of(move, runs)


def until_shown(act: Callable[[], object], *effects: Locator) -> float:
    """Seconds from an act until all its effects are on the page.

    Raises AssertionError if one is there before, because then the wait for it would measure nothing.
    """
    for effect in effects:
        expect(effect).to_have_count(0)

    def act_and_wait() -> None:
        act()
        for effect in effects:
            effect.wait_for()

    return seconds(act_and_wait)


def median_of(act: Callable[[int], float], runs: int) -> float:
    """The median of the seconds that an act takes, which gets its number, after one warm-up if there are several."""
    warm_up = 1 if runs > 1 else 0
    return median([act(n) for n in range(warm_up + runs)][warm_up:])
