"""The residual page in a real Chromium: a slider draws new curves, and training can be stopped and leaves no thread."""

import re

from playwright.sync_api import Locator, Page, expect

from .browser import ready
from .server import process_of

STEPS = 100  # the most that the page offers


def spreads(page: Page) -> Locator:
    """The lines of the third panel: the spread of the sums."""
    return page.locator(".st-key-picture_by_depth .subplot.xy3 .scatterlayer path.js-line")


def train_and_stop(page: Page, step: int) -> int:
    """Stops a training when this step is drawn; how many steps the page says it took."""
    page.get_by_role("button", name="Train both").click()
    # The first panel's marks: one for each step of the first network.
    marks = page.locator(".subplot.xy .scatterlayer .trace").first.locator("path.point")
    marks.nth(step - 1).wait_for(state="attached")
    page.get_by_role("button", name="Stop training").click()
    result = page.get_by_text(re.compile(rf"\d+ of {STEPS} steps"))
    expect(result).to_be_visible()
    ready(page)
    return int(result.inner_text().split(f" of {STEPS} steps")[0].split()[-1])


def look_at_a_slider(page: Page) -> None:
    """Sees that it draws new curves, which come back with the network's own scales."""
    ready(page)
    own, other = (spreads(page).nth(i) for i in (0, 1))
    before = str(own.get_attribute("d"))
    expect(page.get_by_text("0.17 · 0.10 · 0.20").first).to_be_visible()

    page.get_by_role("slider", name="Scale in Inception-ResNet-A").focus()
    page.keyboard.press("End")
    expect(page.get_by_text("1.00 · 0.10 · 0.20").first).to_be_visible()
    expect(own).not_to_have_attribute("d", before)

    page.get_by_role("button", name="As built").click()
    expect(page.get_by_text("0.17 · 0.10 · 0.20").first).to_be_visible()
    expect(own).to_have_attribute("d", before)
    expect(other).to_be_visible()


def test_training_stops_and_leaves_no_thread(page: Page, app_url: str) -> None:
    """And then the other view, where a slider draws new curves."""
    page.goto(f"{app_url}/residual_scale?model=inception_resnet_v1&size=96&residual_view=In+training")
    page.get_by_role("slider", name="Steps").focus()
    page.keyboard.press("End")
    ready(page)
    done = train_and_stop(page, 3)
    assert 3 <= done < STEPS
    server = process_of(app_url)
    threads = server.num_threads()  # those that the server keeps for later, once it has run anything, among them
    # More than the first chart has, which is there until then, and whose first network may be a step ahead.
    assert train_and_stop(page, done + 2) < STEPS
    for _ in range(40):  # idle workers of the server's own pools end within 10 seconds
        if server.num_threads() > threads:
            page.wait_for_timeout(500)
    assert server.num_threads() <= threads

    expect(page.get_by_text("Norm of the first gradient")).to_be_visible()
    page.get_by_role("radio", name="On a picture", exact=True).click()
    expect(spreads(page).first).to_be_visible()
    look_at_a_slider(page)
