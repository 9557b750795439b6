"""What comes out of the printer: no controls, no sidebar, and every row of a table that scrolls on the screen."""

import io
import re

from playwright.sync_api import Page, expect
from pypdf import PdfReader

import inception

from .browser import ready


def printed(page: Page) -> str:
    """The text of the sheets, without blanks, because cells break lines."""
    reader = PdfReader(io.BytesIO(page.pdf(prefer_css_page_size=True)))
    return re.sub(r"\s", "", "".join(sheet.extract_text() for sheet in reader.pages))


def test_the_whole_layer_table_prints_and_no_control(page: Page, app_url: str) -> None:
    page.emulate_media(color_scheme="dark")
    page.goto(f"{app_url}/layers?layer=stem.Conv2d_2a_3x3")
    expect(page.locator(".katex-display").first).to_be_visible()
    ready(page)
    text = printed(page)
    rows = inception.trace("inception_v4", 299).table()
    lines = [f"{index}{block}" for index, block in zip(rows["index"], rows["block"], strict=True)]
    assert [line for line in lines if line not in text] == []
    for control in ("Inputsize,pixels", "Copylink", "Download", "Language"):
        assert control not in text
    page.emulate_media(media="print", color_scheme="dark")
    for element in (page.locator("h2"), page.locator(".on-paper td").first):
        assert element.evaluate("e => getComputedStyle(e).color") == "rgb(17, 17, 17)"
    page.set_viewport_size({"width": 703, "height": 1000})  # of an A4 sheet
    formulas = page.locator(".katex-display > .katex")
    edges = formulas.evaluate_all("all => all.map(formula => formula.getBoundingClientRect().right)")
    assert edges, "no formula"
    assert max(edges) <= 703


def test_slides_show_the_page_without_what_stands_around_it(page: Page, app_url: str) -> None:
    page.goto(f"{app_url}/layers?embed=true&model=inception_resnet_v1")
    expect(page.get_by_role("heading", level=2)).to_contain_text("Inception-ResNet-v1")
    ready(page)
    expect(page.get_by_test_id("stSidebar")).to_be_hidden()
    expect(page.get_by_test_id("stHeader")).to_be_hidden()
    assert page.locator("h2").evaluate("e => e.getBoundingClientRect().top") < 40
