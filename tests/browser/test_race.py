"""The training race in a real Chromium: curves grow side by side, wait, go on and stop; closed tabs do not train on.

Its steps are waits, see start.py.
"""

import re

from playwright.sync_api import Locator, Page, expect

from inception.runtime.turns import PLACES

from .browser import OFTEN, ready

POINTS = "chart => chart.calcdata ? chart.calcdata.slice(0, 2).map(line => line.length) : [0, 0]"


def chart(page: Page) -> Locator:
    return page.locator(".js-plotly-plot").first


def points(page: Page) -> list[int]:
    """How many steps each of the two loss curves has."""
    found: list[int] = chart(page).evaluate(POINTS)
    return found


def grown(page: Page, least: int) -> list[int]:
    """Waits until both curves have so many steps."""
    page.wait_for_function(
        f"least => {{ const chart = document.querySelector('.js-plotly-plot'); "
        f"return chart && Math.min(...({POINTS})(chart)) >= least; }}",
        arg=least,
        polling=OFTEN,
    )
    return points(page)


def press(page: Page, name: str) -> None:
    page.get_by_role("button", name=name, exact=True).click()


def steps_said(page: Page) -> int:
    """How many steps the page says the race took, once it rests."""
    said = page.get_by_text(re.compile(r"after \d+ of \d+ steps"))
    expect(said).to_be_visible()
    ready(page)
    return int(re.findall(r"after (\d+) of", said.inner_text())[0])


def start(page: Page) -> None:
    """Starts the race of a page that shows this view."""
    ready(page)
    press(page, "Start")


def test_a_live_race(page: Page, app_url: str) -> None:
    page.set_viewport_size({"width": 390, "height": 900})
    page.goto(f"{app_url}/race?race_view=Live")
    start(page)
    first = grown(page, 3)
    assert first[0] == first[1], "both have taken every step"
    more = grown(page, first[0] + 2)
    expect(page.get_by_role("button", name="Go on", exact=True)).to_be_disabled()

    press(page, "Pause")
    waiting = steps_said(page)
    assert waiting >= more[0]
    expect(page.get_by_text("Paused after")).to_be_visible()
    assert grown(page, waiting) == [waiting, waiting]
    page.wait_for_timeout(1500)
    assert points(page) == [waiting, waiting]

    press(page, "Go on")
    grown(page, waiting + 2)
    press(page, "Stop race")
    expect(page.get_by_text("Stopped after")).to_be_visible()
    assert steps_said(page) >= waiting + 2
    for name in ("Pause", "Go on", "Stop race"):
        expect(page.get_by_role("button", name=name, exact=True)).to_be_disabled()
    expect(page.get_by_text("Inception-ResNet-v2, last 20 steps")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), "nothing sticks out sideways"


def test_another_control_does_not_end_a_race(page: Page, app_url: str) -> None:
    page.goto(f"{app_url}/race?race_view=Live")
    start(page)
    before = grown(page, 2)[0]
    page.get_by_role("slider", name="Learning rate").focus()
    page.keyboard.press("ArrowRight")
    grown(page, before + 3)
    page.get_by_role("radio", name="Measured", exact=True).click()
    expect(page.get_by_text("What the paper claims")).to_be_visible()
    ready(page)  # nothing runs on behind this view
    page.get_by_role("radio", name="Live", exact=True).click()
    grown(page, before + 4)
    press(page, "Pause")
    expect(page.get_by_text("learning rate 0.045, seed 0")).to_be_visible()


def opened_from(page: Page) -> Page:
    """Another tab with what a page shows. It knows the scripts that this one has read, as no other new tab does."""
    with page.expect_popup() as opened:
        page.evaluate("open(location.href)")
    return opened.value


def test_closed_tabs_do_not_train_on(page: Page, app_url: str) -> None:
    """There are so many places on a server; those of tabs that were closed are free again."""
    page.goto(f"{app_url}/race?race_view=Live")
    tabs = [opened_from(page) for _ in range(PLACES)]
    for tab in tabs:
        start(tab)
    for tab in tabs:
        grown(tab, 1)
    start(page)
    expect(page.get_by_text("you are next")).to_be_visible()
    for tab in tabs:
        tab.close()
    grown(page, 1)  # a server notices a closed tab when it draws the next time
    expect(page.get_by_text("you are next")).to_be_hidden()
    press(page, "Stop race")
    expect(page.get_by_text("Stopped after")).to_be_visible()
