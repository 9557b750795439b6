"""Every page opens from a link in a real Chromium, in every language, wide and on a phone; some answer a control."""

import re
from typing import Literal

import pytest
from playwright.sync_api import Page, expect

from pages.parts.page_list import HOME, PAGES
from tools.accented_language import CODE, accented

from ..languages import foreign_texts
from .axe import findings
from .browser import ready
from .texts import texts_of

# Whether the app has sent its font; the machines of tests have no Chinese letters of their own.
CHINESE_FONT = "[...document.fonts].some(font => font.family.includes('Noto Sans CJK') && font.status === 'loaded')"
PATHS = ["" if page is HOME else page.name for page in PAGES.values()]

# How axe looks at each page. Its colours are the same at both widths.
LOOKS: tuple[tuple[int, Literal["light", "dark"]], ...] = ((1280, "light"), (390, "dark"))


@pytest.mark.parametrize("path", PATHS)
def test_page_opens_in_another_language(page: Page, app_url: str, path: str) -> None:
    """Wide and on a phone, where axe looks at it too. In English all pages are walked through from the wheel."""
    page.set_viewport_size({"width": 1280, "height": 800})
    page.goto(f"{app_url}/{path}?model=inception_resnet_v1&size=96&lang={CODE}")
    expect(page.get_by_role("heading", level=2)).to_contain_text("?")
    ready(page)
    expect(page.get_by_text("has encountered an error")).to_have_count(0)
    if path != "glossary":  # which has its terms in all languages side by side
        assert list(foreign_texts(texts_of(page), CODE)) == []
    if path == "live":  # Streamlit's own words are English
        expect(page.get_by_role("button", name=accented("Upload"), exact=True)).to_be_visible()
    for width, scheme in LOOKS:
        page.emulate_media(color_scheme=scheme)
        page.set_viewport_size({"width": width, "height": 800})
        page.wait_for_timeout(300)  # charts and diagrams follow
        ready(page)
        taken = page.evaluate("document.documentElement.scrollWidth")
        assert taken <= width, f"the page itself scrolls sideways at {width} px"
        assert findings(page) == [], f"axe at {width} px, {scheme}"


def test_chinese_brings_its_letters(page: Page, app_url: str) -> None:
    page.set_viewport_size({"width": 390, "height": 800})
    page.goto(f"{app_url}/layers?lang=zh_CN")
    ready(page)
    assert list(foreign_texts(texts_of(page), "zh_CN")) == []
    assert page.evaluate(CHINESE_FONT)


def test_a_saved_chart_has_the_fonts_of_the_page(page: Page, app_url: str) -> None:
    page.goto(f"{app_url}/layers?model=inception_resnet_v1&size=96&lang=zh_CN&saves=svg&below=charts")
    ready(page)
    chart = page.get_by_test_id("stPlotlyChart").first
    chart.hover()  # which fetches the fonts
    page.wait_for_timeout(1000)
    with page.expect_download() as download:
        chart.locator(".modebar-btn").first.click()
    svg = download.value.path().read_text(encoding="utf-8")
    assert re.findall('@font-face { font-family: "([^"]+)"', svg) == ["Source Sans", "Noto Sans CJK SC"]


def test_calculator_answers_its_slider(page: Page, app_url: str) -> None:
    page.goto(f"{app_url}/factorisation")
    expect(page.get_by_text("3,211,520", exact=True).first).to_be_visible()
    expect(page.get_by_text("918,016", exact=True).first).to_be_visible()
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
