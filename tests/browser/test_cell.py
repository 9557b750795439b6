"""One number taken apart in a browser: by keyboard, and back to where it comes from."""

import re

from playwright.sync_api import Page, expect

from inception.paths import SAMPLES

from .browser import ready

LAYER = "layer=stem.Conv2d_2a_3x3"


def test_from_an_upload_to_the_pixels_by_keys_alone(page: Page, app_url: str) -> None:
    """On a telephone's width, where what a key has opened comes into sight."""
    page.emulate_media(reduced_motion="reduce")
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(f"{app_url}/atlas?model=inception_v4&{LAYER}")
    ready(page)
    page.locator("summary").filter(has_text="Picture and weights").press("Enter")
    page.get_by_role("button", name="Your own pictures").press("Enter")
    expect(page.get_by_test_id("stFileUploaderDropzone")).to_be_visible()
    expect(page.get_by_role("button", name="Help for Your pictures")).to_be_focused()
    with page.expect_file_chooser() as chooser:
        page.get_by_test_id("stFileUploaderDropzone").get_by_role("button").last.press("Enter")
    chooser.value.set_files(SAMPLES / "horse.jpg")
    ready(page)
    page.get_by_role("button", name="Help for Your pictures").press("Escape")
    expect(page.get_by_role("button", name="Your own pictures")).to_be_focused()
    ready(page)
    page.locator("svg .node[role=button]").filter(has_text="second 3x3").press("Enter")
    expect(page.locator(".st-key-atlas_opened_block h3")).to_be_in_viewport()
    ready(page)
    page.get_by_role("link", name="All its maps").press("Enter")
    at = page.locator(".cell .at")
    expect(at).to_contain_text("row 26, column 26", timeout=60_000)  # the middle of 53x53
    ready(page)
    own = page.locator(".own")
    own.focus()
    page.keyboard.press("ArrowRight")
    expect(at).to_contain_text("row 26, column 27")
    expect(own).to_be_focused()
    expect(page).to_have_url(re.compile("column=27"))
    page.get_by_role("button", name="Next cell of the row").press("Enter")
    expect(at).to_contain_text("row 26, column 28")
    page.locator(".sum .head a").first.press("Enter")
    expect(at).to_contain_text("first 3x3 convolution")
    expect(page.locator(".cell h3")).to_be_focused()
    expect(page.get_by_text("These are the pixels.")).to_be_visible()
    expect(page).to_have_url(re.compile("picture=own-.*layer=stem.Conv2d_1a_3x3"))


def test_the_field_grows(page: Page, app_url: str) -> None:
    page.emulate_media(reduced_motion="reduce")
    page.goto(f"{app_url}/cell?model=inception_v4&layer=stem.Conv2d_1a_3x3")
    growth = page.locator(".growth")
    expect(growth.locator(".field")).to_have_text("sees 3x3 pixels", timeout=60_000)
    growth.get_by_role("button", name="Next layer").click()
    expect(growth.locator(".field")).to_have_text("sees 7x7 pixels")
    ready(page)
    growth.get_by_role("link", name="Open this layer").click()
    expect(page.get_by_role("combobox", name="Layer")).to_have_value(re.compile("Conv2d_2a_3x3"))
