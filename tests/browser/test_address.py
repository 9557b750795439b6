"""What the address promises in a real browser: a link that can be copied, Back, and uploads that outlive a reload."""

from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from .browser import ready

GONE = "The picture of this link is not here."


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    path = tmp_path / "my garden.png"
    Image.linear_gradient("L").resize((400, 300)).convert("RGB").save(path)
    return path


def test_back_undoes_the_last_choice_and_returns_to_the_page_as_it_was_left(page: Page, app_url: str) -> None:
    page.goto(f"{app_url}/layers?stage=Stem&below=charts")
    ready(page)
    page.get_by_role("radio", name="MACs", exact=True).click()
    expect(page).to_have_url(f"{app_url}/layers?stage=stem&below=charts&cost=macs")
    expect(page).to_have_title("Layers · Inception-v4")
    page.get_by_role("link", name="Blocks", exact=True).click()
    expect(page).to_have_url(f"{app_url}/blocks")
    ready(page)
    page.go_back()
    expect(page).to_have_url(f"{app_url}/layers?stage=stem&below=charts&cost=macs")
    ready(page)
    page.go_back()
    ready(page)
    expect(page).to_have_url(f"{app_url}/layers?stage=stem&below=charts")
    expect(page.get_by_role("radio", name="Parameters", exact=True)).to_have_attribute("aria-checked", "true")


def test_a_link_to_a_layer_scrolls_to_what_it_opens_and_is_copied_or_shown(page: Page, app_url: str) -> None:
    link = f"{app_url}/layers?layer=inception_b.Mixed_6b.Branch_1.Conv2d_0b_1x7"
    page.goto(link)
    expect(page.locator(".st-key-explanation")).to_be_in_viewport(timeout=90_000)
    ready(page)
    button = page.get_by_role("button", name="Copy link")
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    button.click()
    expect(page.get_by_text("Copied", exact=True)).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == link
    page.context.clear_permissions()
    page.evaluate("() => { navigator.clipboard.writeText = () => Promise.reject(new Error()); }")
    button.click()
    expect(page.get_by_role("textbox", name="Copy this link")).to_have_value(link)


def test_an_upload_outlives_a_reload_in_its_own_browser_only(
    page: Page, app_url: str, browser: Browser, picture: Path
) -> None:
    page.goto(f"{app_url}/live?size=96")
    ready(page)
    page.locator("input[type=file]").first.set_input_files(picture)
    chosen = page.get_by_role("combobox", name="Picture")
    expect(chosen).to_have_value("your picture: my garden.png")
    ready(page)
    link = page.url
    assert "picture=own-" in link
    assert "garden" not in link
    page.reload()
    expect(chosen).to_have_value("your picture: my garden.png")
    other = browser.new_context().new_page()
    other.goto(link)
    expect(other.get_by_role("alert").filter(has_text=GONE)).to_be_visible()
    expect(other.get_by_role("combobox", name="Picture")).to_have_value("cat")
    other.context.close()
    page.context.clear_cookies()
