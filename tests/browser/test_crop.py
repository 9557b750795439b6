"""Crops and many uploads in a real Chromium: 25 files at once, a long car padded, and a box drawn on it."""

import re
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from inception.paths import ROOT

from .browser import ready
from .test_live import picture_box


@pytest.fixture
def vans(tmp_path: Path) -> list[Path]:
    """25 pictures of a car from its side, 220x66 pixels, each a little brighter than the one before."""
    with Image.open(ROOT / "assets" / "photographs" / "automobile" / "minivan.jpg") as photograph:
        van = photograph.crop((47, 62, 267, 128))
    paths = [tmp_path / f"van_{number:02}.png" for number in range(25)]
    for number, path in enumerate(paths):
        van.point(lambda value, number=number: min(255, value + number)).save(path)
    return paths


def test_25_uploads_and_a_long_car(page: Page, app_url: str, vans: list[Path]) -> None:
    page.goto(f"{app_url}/live?model=inception_v4")
    ready(page)
    page.locator("input[type=file]").first.set_input_files(vans)
    expect(picture_box(page)).to_have_value("your picture: van_24.png")
    ready(page)
    expect(page.get_by_role("alert").filter(has_text="pictures are here")).to_have_count(0)
    picture_box(page).fill("van_00")
    expect(page.get_by_role("option", name="your picture: van_00.png")).to_be_visible()
    page.keyboard.press("Enter")
    expect(picture_box(page)).to_have_value("your picture: van_00.png")
    expect(page.get_by_role("alert").filter(has_text="Most of the picture is cut off")).to_contain_text("30% of it")
    ready(page)  # or the picture that it still asks for would be gone
    page.get_by_role("button", name="Pad it").click()
    expect(page.get_by_role("heading", name=re.compile(r"^automobile, 9\d\.\d%"))).to_be_visible()
    ready(page)
    caveat = page.get_by_text("It can only choose among 10 classes")
    expect(caveat).to_be_visible()
    below, bars = caveat.bounding_box(), page.locator(".js-plotly-plot").first.bounding_box()
    assert below
    assert bars
    assert below["y"] < bars["y"]
    expect(page.get_by_text("1. Pad.")).to_be_visible()
    expect(page).to_have_url(re.compile("fit=pad"))

    page.get_by_text("Only a part of it").click()
    ready(page)
    chart = page.locator(".nsewdrag").first
    chart.hover()
    box = chart.bounding_box()
    assert box
    for share, act in ((0.1, page.mouse.down), (0.3, None), (0.5, page.mouse.up)):
        page.mouse.move(box["x"] + share * box["width"], box["y"] + 1.6 * share * box["height"], steps=5)
        if act:
            act()
    expect(page.get_by_role("button", name="All of it again")).to_be_visible()
    ready(page)
    left, right = (int(str(page.get_by_role("slider").nth(edge).input_value())) for edge in (0, 1))
    assert abs(left - 22) <= 3
    assert abs(right - 110) <= 3
    expect(page.get_by_text(f"Of the picture the network gets a box of {right - left} x ")).to_be_visible()
    page.get_by_role("link", name="Where it looks").click()
    ready(page)
    expect(page.get_by_role("button", name="All of it again")).to_be_visible()
    expect(page).to_have_url(re.compile("fit=pad"))
    assert int(str(page.get_by_role("slider").nth(1).input_value())) == right
