"""The tour in a real Chromium: from the first step to the last, with wrong and right answers, on a wide and a narrow
screen; left and taken up again.
"""

from playwright.sync_api import Page, expect

from inception.views import window_picture
from pages.parts.tour_answers import QUESTIONS
from pages.parts.tour_question import Choice, Number, Place
from pages.parts.tour_steps import STEPS

from .browser import ready

CUT = "[...document.images].some(image => image.getBoundingClientRect().right > innerWidth)"
WIDE, NARROW = {"width": 1280, "height": 800}, {"width": 390, "height": 844}


def answer(page: Page, id: str, right: bool) -> None:
    """Answers the question of the step that the page shows."""
    asked = QUESTIONS[id].ask()
    if isinstance(asked, Choice):
        option = next(option for option in asked.options if (option.id == asked.truth) == right)
        page.locator(f".st-key-answer_{id}_{option.id.replace('.', '-')} button").click()
    elif isinstance(asked, Number):
        page.get_by_label("Your guess").fill(f"{asked.truth:g}" if right else f"{asked.mistakes[0].value:g}")
        page.get_by_role("button", name="That is my guess").click()
    else:
        assert isinstance(asked, Place)
        picture = page.locator(".place img")
        picture.wait_for()
        box = picture.bounding_box()
        assert box is not None
        places = [(x / 20, y / 20) for x in range(2, 19) for y in range(2, 19)]
        x, y = next(at for at in places if asked.judge(f"{round(100 * at[0])}-{round(100 * at[1])}").right == right)
        picture.click(position={"x": x * box["width"], "y": y * box["height"]})
    expect(page.get_by_role("button", name="Guess again")).to_be_visible()


def test_the_tour_from_the_first_step_to_the_last(page: Page, app_url: str) -> None:
    page.set_viewport_size(WIDE)  # type: ignore[arg-type]
    page.goto(app_url)
    expect(page.get_by_role("combobox", name="Network")).to_be_in_viewport(ratio=1)
    ready(page)
    page.get_by_role("link", name="Take the tour").click()
    for number, step in enumerate(STEPS, 1):
        size, right = (WIDE, NARROW)[number % 2], number % 4 < 2  # each size sees right answers and wrong ones
        expect(page.get_by_role("heading", name=f"{number}. ")).to_be_in_viewport()
        page.set_viewport_size(size)  # type: ignore[arg-type]
        if step.id == "field":
            page.locator(".stMain img").first.wait_for()
            assert not page.evaluate(CUT), "the picture under the grid is shown whole"
        answer(page, step.id, right)
        expect(page.locator("[class*=st-key-tour_wrong_]")).to_have_count(0 if right else 1)
        if step.id == "grid":
            window = page.locator(".drawn svg")
            for view, layout in ((NARROW, window_picture.NARROW), (WIDE, window_picture.WIDE)):
                page.set_viewport_size(view)  # type: ignore[arg-type]
                expect(window).to_have_attribute("width", str(layout.width))  # its letters are not shrunk
        ready(page)  # a click that comes while a figure is drawn above can be lost in the browser
        expect(page.locator(".st-key-finding")).to_be_in_viewport()
        assert page.evaluate("document.querySelector('.stMain').scrollWidth") <= size["width"], step.id
        if number == 4:
            page.get_by_role("link", name="Open it in").click()
            page.get_by_role("link", name="Back to step 4 of the tour").click()
            expect(page.get_by_role("button", name="Guess again")).to_be_visible()
            ready(page)
        page.keyboard.press("n")
    score = page.get_by_text(f"{len(STEPS) // 2} of {len(STEPS)} guesses were right")
    expect(score).to_be_visible()
    ready(page)
    page.reload()
    expect(score).to_be_visible()
    page.goto(f"{app_url}/tour")
    page.get_by_role("button", name="Go on there").click()
    expect(score).to_be_visible()
