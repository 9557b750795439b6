"""The main job on real input: pick a network, read its table, download it, look at a block, upload a picture."""

import csv
import io
import re
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Page, expect

import inception
from inception.views.export import export_table

from .browser import open_exports, pick, ready


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    path = tmp_path / "gradient.png"
    Image.linear_gradient("L").resize((400, 300)).convert("RGB").save(path)
    return path


def test_walk(page: Page, app_url: str, picture: Path) -> None:
    page.goto(app_url)
    ready(page)
    page.get_by_test_id("stSidebarNavItems").get_by_role("link", name="Layers").click()
    expect(page.get_by_role("heading", name="Which shape does the tensor have here")).to_be_visible()
    pick(page, "Network", "inception_resnet_v2")
    expect(page.get_by_text("55.84 M")).to_be_visible()
    expect(page).to_have_url(f"{app_url}/layers?model=inception_resnet_v2")

    open_exports(page)
    with page.expect_download() as download:
        page.get_by_role("button", name="Download these rows").click()
    page.keyboard.press("Escape")
    content = download.value.path().read_bytes()
    assert content == export_table(inception.trace("inception_resnet_v2", 299).table(), "csv")
    rows = list(csv.DictReader(io.StringIO(content.decode())))
    assert sum(int(row["params"]) for row in rows) == 55_843_464

    page.get_by_role("link", name="Blocks", exact=True).click()
    expect(page.get_by_role("heading", name="What does each block look like inside?")).to_be_visible()
    ready(page)
    page.get_by_text("Inception-ResNet-B", exact=True).click()
    box = page.locator("svg .node[role=button]").filter(has_text="1x7 conv")
    expect(box).to_be_visible()
    expect(page.get_by_role("combobox", name="Network")).to_have_value("inception_resnet_v2")

    page.get_by_role("link", name="Live inference").click()
    expect(page.get_by_role("heading", name="What does the network make of your picture?")).to_be_visible()
    ready(page)
    page.locator("input[type=file]").first.set_input_files(picture)
    expect(page.get_by_role("combobox", name="Picture")).to_have_value("your picture: gradient.png")
    expect(page.get_by_text("It learnt from 32-pixel pictures")).to_be_visible()
    expect(page.get_by_text("What the network sees")).to_be_visible()
    expect(page.get_by_text("median of")).to_be_visible()

    page.get_by_role("link", name="Through the network").click()
    expect(page.get_by_role("heading", name="What becomes of your picture")).to_be_visible()
    expect(page.get_by_role("combobox", name="Picture")).to_have_value("your picture: gradient.png")
    first_maps = maps(page)
    assert len(first_maps) == 12
    layer = page.get_by_role("combobox", name="Layer")
    first = layer.input_value()
    page.get_by_role("slider").first.focus()
    page.keyboard.press("ArrowRight")
    expect(layer).not_to_have_value(first)
    assert maps(page) != first_maps

    page.set_viewport_size({"width": 390, "height": 844})
    page.wait_for_timeout(300)
    tops = [page.get_by_role("combobox", name=name).bounding_box()["y"] for name in ("Layer", "Picture")]  # type: ignore[index]
    assert tops[0] < tops[1], "on a phone the result, with the layer's choice, stands above the controls"


def maps(page: Page) -> list[str]:
    """The links to the strongest channels of the layer, which are drawn as their maps."""
    ready(page)
    links = page.get_by_role("link", name=re.compile(r"^channel \d+$"))
    expect(links.first).to_be_visible()
    drawn: list[str] = links.evaluate_all("links => links.map(link => link.outerHTML)")
    return drawn


BAD = [
    ("notes.jpg", b"these are only words", "is not a JPEG"),
    ("empty.png", b"", "empty"),
    ("drawing.svg", b"<svg xmlns='http://www.w3.org/2000/svg'/>", "vector graphic"),
]


def test_a_bad_upload_or_size_is_one_sentence_and_loses_nothing(page: Page, app_url: str, tmp_path: Path) -> None:
    page.goto(f"{app_url}/live?model=inception_resnet_v1&size=96")
    pick(page, "Picture", "koala")
    for name, content, sentence in BAD:
        path = tmp_path / name
        path.write_bytes(content)
        page.locator("input[type=file]").first.set_input_files(path)
        expect(page.get_by_role("alert").filter(has_text=name)).to_contain_text(sentence)
        expect(page.get_by_text("What the network sees")).to_be_visible()
        ready(page)
    size = page.get_by_role("combobox", name="Input size, pixels")
    size.click()
    size.fill("3x")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert").filter(has_text="'3x' is not an input size")).to_be_visible()
    ready(page)
    size.click()
    size.fill("75")
    page.keyboard.press("Enter")
    expect(page.get_by_text("What the network sees: 75x75 px")).to_be_visible()
    expect(page.get_by_role("combobox", name="Picture")).to_have_value("koala")
