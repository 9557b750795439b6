"""Downloads of the layer table in a real Chromium: the name of the file says what is in it."""

from collections.abc import Iterator
from io import BytesIO

import pandas as pd
import pytest
from playwright.sync_api import CDPSession, Page, expect

from .browser import open_exports, pick, ready


def downloaded(page: Page) -> tuple[str, bytes]:
    """The name and the bytes of what the button gives."""
    if not page.get_by_test_id("stPopoverBody").is_visible():
        open_exports(page)
    with page.expect_download() as download:
        page.get_by_role("button", name="Download these rows").click()
    return download.value.suggested_filename, download.value.path().read_bytes()


def test_a_download_is_named_after_what_it_shows(page: Page, app_url: str) -> None:
    page.goto(f"{app_url}/layers?model=inception_resnet_v1&size=160&collapse=true&keras=true")
    ready(page)
    name, data = downloaded(page)
    assert name == "inception_resnet_v1_160x160_folded_keras.csv"
    table = pd.read_csv(BytesIO(data), keep_default_na=False)
    page.keyboard.press("Escape")
    page.get_by_role("textbox", name="Search").fill("1x7")
    page.keyboard.press("Enter")
    open_exports(page)
    page.get_by_text("Download sizes as numbers").click()
    ready(page)
    name, data = downloaded(page)
    assert name == "inception_resnet_v1_160x160_folded_keras_part.csv"
    part = pd.read_csv(BytesIO(data))
    assert 0 < len(part) < len(table)
    assert part["kernel_w"].tolist() == [7] * len(part)
    pick(page, "Export as", "parquet")
    name, data = downloaded(page)
    assert name.endswith("_folded_keras_part.parquet")
    assert [list(kernel) for kernel in pd.read_parquet(BytesIO(data))["kernel"]] == [[1, 7]] * len(part)


def cell_of(page: Page, row: int) -> tuple[float, float]:
    """Where a row of the table has its third column, in the window."""
    table = page.get_by_test_id("stDataFrame").first
    table.scroll_into_view_if_needed()
    box = table.bounding_box()
    assert box
    return box["x"] + 200, box["y"] + 35 * (row + 1) + 17


def explained(page: Page) -> str:
    """The names of the layer that is explained."""
    return page.locator(".st-key-explanation [data-testid=stCaptionContainer]").inner_text()


def test_a_click_anywhere_in_a_row_explains_it_beside_the_table(page: Page, app_url: str) -> None:
    page.set_viewport_size({"width": 1280, "height": 800})
    page.goto(f"{app_url}/layers?model=inception_v4")
    ready(page)
    page.mouse.click(*cell_of(page, 4))
    ready(page)
    assert explained(page).startswith("#5 · Mixed_3a")
    table, panel = page.get_by_test_id("stDataFrame").first.bounding_box(), page.locator(".st-key-explanation")
    side = panel.bounding_box()
    assert table
    assert side
    assert side["x"] >= table["x"] + table["width"]
    expect(panel).to_be_in_viewport()
    page.mouse.click(*cell_of(page, 1))
    ready(page)
    assert explained(page).startswith("#2 ·")
    for _ in range(2):
        page.keyboard.press("n")
        ready(page)
    page.keyboard.press("p")
    ready(page)
    assert explained(page).startswith("#3 ·")
    for _ in range(5):
        page.keyboard.press("n")
    ready(page)
    assert explained(page).startswith("#8 ·"), "no press is lost, though they come faster than the page is made anew"
    page.mouse.click(*cell_of(page, 1))
    ready(page)
    assert explained(page).startswith("#2 ·"), "the cell that was clicked last can be clicked again"


@pytest.fixture
def fingers(page: Page) -> Iterator[CDPSession]:
    """Chromium's own commands for a page that takes touches until the test ends."""
    session = page.context.new_cdp_session(page)
    session.send("Emulation.setTouchEmulationEnabled", {"enabled": True})
    yield session
    session.send("Emulation.setTouchEmulationEnabled", {"enabled": False})
    session.detach()


def test_on_a_phone_a_tap_brings_the_explanation_into_sight(page: Page, fingers: CDPSession, app_url: str) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(f"{app_url}/layers?model=inception_v4")
    ready(page)
    name = page.locator(".st-key-explanation [data-testid=stCaptionContainer]")
    expect(name).not_to_be_in_viewport()
    x, y = cell_of(page, 2)
    fingers.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [{"x": x, "y": y}]})
    fingers.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    ready(page)
    expect(name).to_be_in_viewport()
    assert explained(page).startswith("#3 ·")
