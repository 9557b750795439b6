"""Diagrams in a real Chromium: click, zoom, fold, select from the other side, export."""

import xml.etree.ElementTree as ET
from io import BytesIO

import pygraphviz
from PIL import Image
from playwright.sync_api import Locator, Page, expect
from pypdf import PdfReader

from .browser import open_exports, pick, ready


def box(page: Page, text: str) -> Locator:
    """The box of a diagram that shows this text."""
    return page.locator("svg .node[role=button]").filter(has_text=text)


def test_stage_then_layer_on_the_atlas_and_four_formats(page: Page, app_url: str) -> None:
    page.goto(f"{app_url}/atlas?model=inception_resnet_v2&shown=structure")
    ready(page)
    box(page, "Block17").click()
    expect(page.get_by_role("heading", name="Inception-ResNet-B")).to_be_visible()
    box(page, "Conv2d_0b_1x7").click()
    expect(page.get_by_text("143,360").or_(page.get_by_text("143,680")).first).to_be_visible()
    expect(page.locator("svg .node.selected").filter(has_text="Conv2d_0b_1x7")).to_be_visible()
    box(page, "Block35").click()
    expect(page.get_by_role("heading", name="Inception-ResNet-A")).to_be_visible()
    four_formats(page, "inception_resnet_v2", "Block17")


def test_what_is_opened_on_the_atlas_stays_open_and_unfolds_in_place(page: Page, app_url: str) -> None:
    """Its place among the boxes changes with the view and with the network; two boxes here are called Block8."""
    page.goto(f"{app_url}/atlas?model=inception_resnet_v2")
    ready(page)
    page.get_by_text("Boxes and bars").click()
    page.get_by_role("radio", name="Stages", exact=True).click()
    ready(page)
    box(page, "Reduction-A").click()
    heading = page.get_by_role("heading", level=3)
    expect(heading).to_have_text("Reduction-A")
    ready(page)
    page.get_by_role("radio", name="Blocks", exact=True).click()
    expect(page.locator("svg .node.selected")).to_contain_text("Mixed_6a")
    expect(heading).to_have_text("Reduction-A")
    ready(page)
    box(page, "Block8").last.click()
    expect(heading).to_have_text("Inception-ResNet-C, last")
    ready(page)
    box(page, "Mixed_7a").click()
    expect(heading).to_have_text("Reduction-B")
    pick(page, "Network", "inception_v4")
    expect(page.locator("svg .node.selected")).to_contain_text("Mixed_7a")
    expect(heading).to_have_text("Reduction-B")
    box(page, "Mixed_6a").click()
    expect(page.get_by_role("heading", name="Reduction-A")).to_be_visible()
    ready(page)
    page.get_by_text("Unfold the opened box in place").click()
    ready(page)
    expect(page.get_by_role("heading", name="Reduction-A")).to_be_visible()
    expect(box(page, "Conv2d_0b_3x3")).to_have_count(2)


def test_a_block_by_mouse_and_keyboard(page: Page, app_url: str) -> None:
    """Diagram, source and caption follow each other, the keyboard reaches the boxes, and what was zoomed stays so."""
    page.goto(f"{app_url}/blocks?model=inception_resnet_v2&block=Inception-ResNet-B")
    ready(page)
    box(page, "1x7 conv").click()
    expect(page.locator("pre .selected")).to_contain_text("Conv2d_0b_1x7=")
    expect(page.get_by_text("from 128x17x17 to 160x17x17")).to_be_visible()
    assert "Conv2d_0b_1x7" in page.url

    box(page, "7x1 conv").click()
    expect(page.locator("pre .selected")).to_contain_text("Conv2d_0c_7x1=")
    expect(page.get_by_text("from 160x17x17 to 192x17x17")).to_be_visible()

    page.locator("pre span[id]").filter(has_text="Conv2d_0a_1x1=").click()
    expect(page.locator("svg .node.selected")).to_contain_text("Conv2d_0a_1x1")
    expect(page.get_by_text("from 1088x17x17 to 128x17x17")).to_be_visible()

    target = box(page, "7x1 conv")
    target.focus()
    page.keyboard.press("Enter")
    expect(page.locator("svg .node.selected")).to_contain_text("7x1 conv")
    assert "Conv2d_0c_7x1" in (target.get_attribute("aria-label") or "")

    svg = page.locator(".frame svg")
    page.get_by_role("button", name="Show everything").click()
    whole = svg.get_attribute("viewBox")
    svg.hover()
    page.mouse.wheel(0, -240)
    expect(svg).not_to_have_attribute("viewBox", str(whole))
    zoomed = str(svg.get_attribute("viewBox"))
    box(page, "1x7 conv").click()
    expect(page.locator("svg .node.selected")).to_contain_text("1x7 conv")
    expect(svg).to_have_attribute("viewBox", zoomed)
    page.get_by_role("button", name="Show everything").click()
    expect(svg).to_have_attribute("viewBox", str(whole))

    four_formats(page, "inception_resnet_v2", "Conv2d_0b_1x7")


def exported(page: Page, format: str) -> bytes:
    if not page.get_by_test_id("stPopoverBody").is_visible():
        open_exports(page)
    page.get_by_role("combobox", name="Export as").fill(format)
    page.keyboard.press("Enter")
    ready(page)
    with page.expect_download() as download:
        page.get_by_role("button", name="Download this diagram").click()
    assert download.value.suggested_filename.endswith(f".{format}")
    return download.value.path().read_bytes()


def four_formats(page: Page, model: str, layer: str) -> None:
    """The diagram of the page in each format, by other readers than its writers: all name the layer."""
    svg = ET.fromstring(exported(page, "svg"))
    assert layer in "".join(svg.itertext())
    assert not list(svg.iter("{http://www.w3.org/2000/svg}script"))
    assert Image.open(BytesIO(exported(page, "png"))).width > 300
    text = "".join(sheet.extract_text() for sheet in PdfReader(BytesIO(exported(page, "pdf"))).pages)
    assert layer in text
    assert model in text
    assert pygraphviz.AGraph(string=exported(page, "dot").decode()).number_of_nodes() > 8
