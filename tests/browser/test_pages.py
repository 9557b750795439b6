"""Every page opens from a link in a real Chromium, wide and on a phone, and two of them answer a control."""

import pytest
from playwright.sync_api import Page, expect

from pages.parts.page_list import HOME, PAGES

from .browser import ready

PATHS = ["" if page is HOME else page.name for page in PAGES.values()]


@pytest.mark.parametrize("path", PATHS)
def test_page_opens(page: Page, app_url: str, path: str) -> None:
    for width in (1280, 390):
        page.set_viewport_size({"width": width, "height": 800})
        page.goto(f"{app_url}/{path}?model=inception_resnet_v1&size=96")
        expect(page.get_by_role("heading", level=2)).to_contain_text("?")
        ready(page)
        expect(page.get_by_text("has encountered an error")).to_have_count(0)
        taken = page.evaluate("document.documentElement.scrollWidth")
        assert taken <= width, f"the page itself scrolls sideways at {width} px"


def test_calculator_answers_its_slider(page: Page, app_url: str) -> None:
    page.goto(f"{app_url}/factorisation")
    expect(page.get_by_text("3,211,520", exact=True)).to_be_visible()
    expect(page.get_by_text("918,016", exact=True)).to_be_visible()
    page.get_by_role("slider").first.focus()
    page.keyboard.press("ArrowRight")
    expect(page.get_by_text("9x9, parameters")).to_be_visible()
    expect(page.get_by_text("256·(256·9·9 + 1)")).to_be_visible()


def test_a_difference_leads_into_the_table(page: Page, app_url: str) -> None:
    page.goto(f"{app_url}/differences?topic=stem")
    page.get_by_role("link", name="inception_resnet_v2: MaxPool_5a_3x3").first.click()
    expect(page.get_by_role("heading", name="Which shape does the tensor have here")).to_be_visible()
    expect(page.get_by_role("combobox", name="Network")).to_have_value("inception_resnet_v2")
    expect(page.get_by_text("MaxPool_5a_3x3 · 192x35x35")).to_be_visible()


def test_the_atlas_leads_to_the_block_of_another_network(page: Page, app_url: str) -> None:
    page.goto(f"{app_url}/atlas?atlas=v4%2C+v1+and+v2+side+by+side")
    page.locator("svg .node[role=button]").filter(has_text="Block17").last.click()
    page.get_by_role("link", name="Source and rows of this block").click()
    expect(page.get_by_role("heading", name="What does each block look like inside")).to_be_visible()
    expect(page.get_by_role("combobox", name="Network")).to_have_value("inception_resnet_v2")
    expect(page.locator("svg").get_by_text("output 1088x17x17")).to_be_visible()
