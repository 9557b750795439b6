"""In class: one figure at a time, a teacher's link, and diagrams on a full screen."""

import re

from playwright.sync_api import Locator, Page, expect

from .browser import ready

WIDGETS = ".stSelectbox, .stSlider, .stTextInput, .stButtonGroup, .stButton, .stPopover"
# The height of letters of a drawing on the screen: the browser's own matrix of the text, times the size it is set in.
SMALLEST = """svg => Math.min(...[...svg.querySelectorAll('text')].map(
    text => Number.parseFloat(text.getAttribute('font-size') ?? '14') * text.getScreenCTM().a))"""


def shown_figures(page: Page) -> Locator:
    return page.locator("[data-slide=on]")


def test_a_presentation_goes_by_keys_from_figure_to_figure_and_to_the_next_page(page: Page, app_url: str) -> None:
    page.set_viewport_size({"width": 1024, "height": 768})
    page.goto(f"{app_url}/blocks?model=inception_resnet_v1")
    ready(page)
    page.get_by_role("button", name="Present", exact=True).click()
    ready(page)
    expect(page).to_have_url(re.compile("present=true"))
    expect(page.get_by_test_id("stSidebar")).to_be_hidden()
    expect(shown_figures(page)).to_have_count(1)
    for number in (1, 2, 3):
        expect(page.get_by_role("status").filter(has_text="/")).to_have_text(re.compile(rf"^{number} / \d$"))
        expect(shown_figures(page)).to_be_visible()
        expect(page.locator(".legend")).to_be_visible(visible=number == 1)
        controls = page.locator(f".stMainBlockContainer :is({WIDGETS})")
        assert not any(control.is_visible() for control in controls.all())
        assert page.evaluate("document.documentElement.scrollWidth") <= 1024
        if number < 3:
            page.keyboard.press("ArrowRight")
            expect(page).to_have_url(re.compile(f"figure={number + 1}"))
    page.keyboard.press("ArrowLeft")
    expect(page).to_have_url(re.compile("figure=2"))
    page.get_by_role("button", name="Next").click()
    page.get_by_role("button", name="Next").click()
    expect(page.get_by_role("heading", level=2)).to_contain_text("Why do the paper, the code and the blogs disagree")
    ready(page)
    page.get_by_role("button", name="End the presentation").click()
    ready(page)
    expect(page.get_by_test_id("stSidebar")).to_be_visible()
    assert page.locator("[data-slide]").count() == 0


def test_a_presentation_cuts_off_no_branch(page: Page, app_url: str) -> None:
    page.set_viewport_size({"width": 1024, "height": 768})
    page.goto(f"{app_url}/tour?present=true&step=5")
    frame = page.locator(".frame.roomy")
    expect(frame).to_be_visible()
    ready(page)
    assert frame.evaluate("frame => frame.scrollWidth <= frame.clientWidth")
    assert frame.evaluate(SMALLEST) >= 11


def test_text_of_diagrams_is_large_on_a_full_screen(page: Page, app_url: str) -> None:
    page.set_viewport_size({"width": 1280, "height": 720})
    page.goto(f"{app_url}/blocks?model=inception_v4")  # the stem, a tall one
    svg = page.locator(".st-key-block_diagram svg[aria-label]")
    expect(svg).to_be_visible()
    ready(page)
    page.get_by_role("button", name="Full screen").click()
    expect(page.locator(".whole:fullscreen")).to_be_visible()
    page.wait_for_timeout(300)
    assert svg.evaluate(SMALLEST) >= 14
    page.get_by_role("button", name="Full screen").click()
    expect(page.locator(".whole:fullscreen")).to_have_count(0)


def test_a_teachers_link_hides_what_it_names(page: Page, app_url: str) -> None:
    page.goto(f"{app_url}/layers?model=inception_resnet_v2&search=1x7")
    ready(page)
    page.get_by_role("button", name="For the class").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("combobox", name="Hide").click()
    for name in ("Network", "Menu"):
        page.get_by_role("option", name=name, exact=True).click()
    link = dialog.locator("code")
    expect(link).to_contain_text("hide=network,menu")
    expect(dialog.get_by_alt_text("QR code of the link")).to_be_visible()
    address = link.inner_text()
    assert "model=inception_resnet_v2" in address
    assert "search=1x7" in address
    page.goto(address)
    expect(page.get_by_role("heading", level=2)).to_contain_text("Inception-ResNet-v2")
    ready(page)
    expect(page.get_by_role("combobox", name="Network")).to_be_hidden()
    expect(page.get_by_test_id("stSidebarNav")).to_be_hidden()
    expect(page.get_by_role("combobox", name="Input size, pixels")).to_be_visible()
    page.goto(f"{app_url}/layers?hide=network,everything")
    expect(page.get_by_role("alert")).to_contain_text("hide = network,everything")
