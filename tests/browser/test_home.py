"""Home in a real Chromium: one screen, a picture in motion, and doors that lead somewhere."""

from playwright.sync_api import Page, expect

from .browser import ready

UP = ".st-key-door_up"
MOVES = "document.querySelector('.strip-map img').getAnimations().some(animation => animation.playState === 'running')"


def fits(page: Page, width: int, height: int) -> None:
    """Sees that all of it is on a screen of this size, where a term can be explained."""
    expect(page.locator(".strip figure")).to_have_count(10)
    last = page.get_by_text("Teaching?").bounding_box()
    assert last is not None
    assert last["y"] + last["height"] <= height
    assert page.evaluate("document.querySelector('.stMain').scrollWidth") <= width
    term = page.locator(".term").first
    term.focus()
    expect(term.locator(".tip")).to_be_visible()
    page.keyboard.press("Escape")
    expect(term.locator(".tip")).to_be_hidden()
    term.blur()
    term.focus()
    expect(term.locator(".tip")).to_be_visible()
    term.blur()


def test_it_fits_on_one_screen(page: Page, app_url: str) -> None:
    """A wide one, and a phone's. Nothing moves for who asks for less motion."""
    page.emulate_media(reduced_motion="reduce")
    page.goto(app_url)
    ready(page)
    assert not page.evaluate(MOVES)
    fits(page, 1280, 800)
    doors = [page.locator(door).bounding_box() for door in (".st-key-door_tour a", ".st-key-door_around a", UP)]
    assert len({(box["y"], box["height"]) for box in doors if box}) == 1, "the doors stand in one line"
    page.set_viewport_size({"width": 390, "height": 844})
    page.wait_for_timeout(300)  # the menu folds
    ready(page)
    fits(page, 390, 844)


def test_the_picture_moves_until_it_is_held(page: Page, app_url: str) -> None:
    page.emulate_media(reduced_motion="no-preference")
    page.goto(app_url)
    ready(page)
    page.wait_for_function(MOVES)
    page.get_by_label("Hold still").check()
    page.wait_for_function(f"!({MOVES})")
    page.get_by_role("link", name="Look around").click()
    expect(page.get_by_role("heading", name="What does the whole network look like?")).to_be_visible()
