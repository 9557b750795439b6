"""Pages open from links in a real Chromium and answer their controls."""

import re

from playwright.sync_api import Page, expect

from ..languages import foreign_texts
from .browser import ready
from .texts import texts_of

# Whether the app has sent its font; the machines of tests have no Chinese letters of their own.
CHINESE_FONT = "[...document.fonts].some(font => font.family.includes('Noto Sans CJK') && font.status === 'loaded')"


def test_chinese_brings_its_letters_into_saved_charts_too(page: Page, app_url: str) -> None:
    page.set_viewport_size({"width": 390, "height": 800})
    page.goto(f"{app_url}/layers?model=inception_resnet_v1&size=96&lang=zh_CN&saves=svg&below=charts")
    ready(page)
    assert list(foreign_texts(texts_of(page), "zh_CN")) == []
    page.wait_for_function(CHINESE_FONT)
    chart = page.get_by_test_id("stPlotlyChart").first
    chart.hover()  # which fetches the fonts
    page.wait_for_timeout(1000)
    with page.expect_download() as download:
        chart.locator(".modebar-btn").first.click()
    svg = download.value.path().read_text(encoding="utf-8")
    assert re.findall('@font-face { font-family: "([^"]+)"', svg) == ["Source Sans", "Noto Sans CJK SC"]


def test_calculator_answers_its_slider(page: Page, app_url: str) -> None:
    page.goto(f"{app_url}/factorisation")
    ready(page)
    expect(page.get_by_text("3,211,520", exact=True).first).to_be_visible()
    expect(page.get_by_text("918,016", exact=True).first).to_be_visible()
    page.get_by_role("slider").first.focus()
    page.keyboard.press("ArrowRight")
    expect(page.get_by_text("9x9, parameters")).to_be_visible()
    expect(page.get_by_text("256·(256·9·9 + 1)")).to_be_visible()
    page.set_viewport_size({"width": 390, "height": 800})
    page.wait_for_timeout(300)
    tops = [box.bounding_box() for box in (page.get_by_text("9x9, parameters"), page.get_by_role("slider").first)]
    assert tops[0]["y"] < tops[1]["y"], "on a phone the result stands above the controls"  # type: ignore[index]


def test_a_difference_leads_into_the_table(page: Page, app_url: str) -> None:
    page.goto(f"{app_url}/differences?topic=stem")
    ready(page)
    page.get_by_role("link", name="inception_resnet_v2: MaxPool_5a_3x3").first.click()
    expect(page.get_by_role("heading", name="Which shape does the tensor have here")).to_be_visible()
    expect(page.get_by_role("combobox", name="Network")).to_have_value("inception_resnet_v2")
    expect(page.get_by_text("MaxPool_5a_3x3 · 192x35x35")).to_be_visible()


def test_the_atlas_leads_to_the_block_of_another_network(page: Page, app_url: str) -> None:
    page.goto(f"{app_url}/atlas?atlas=v4%2C+v1+and+v2+side+by+side")
    ready(page)  # the block of the last network is the last one only when all are drawn
    page.locator("svg .node[role=button]").filter(has_text="Block17").last.click()
    page.get_by_role("link", name="Source and rows of this block").click()
    expect(page.get_by_role("heading", name="What does each block look like inside")).to_be_visible()
    expect(page.get_by_role("combobox", name="Network")).to_have_value("inception_resnet_v2")
    expect(page.locator("svg").get_by_text("output 1088x17x17")).to_be_visible()
