"""Teach it in a real Chromium: classes of own pictures, a head trained, stopped, kept, loaded, asked; nothing left."""

import json
import re
from pathlib import Path

from playwright.sync_api import Locator, Page, expect

from inception.training.features import NEW, samples

from .browser import pick, ready

OPEN = "teach?model=inception_resnet_v1"
NAMES = ("fish", "hammer", "windmill")


def metric(page: Page, label: str) -> Locator:
    return page.get_by_test_id("stMetric").filter(has_text=label)


def upload(page: Page, number: int, *files: Path) -> None:
    """Into the uploader of that number on the page."""
    page.get_by_test_id("stFileUploader").nth(number).locator("input[type=file]").set_input_files(files)
    ready(page)


def downloaded(page: Page, button: str) -> Path:
    ready(page)
    with page.expect_download() as download:
        page.get_by_role("button", name=button).click()
    return download.value.path()


def own_classes(page: Page) -> None:
    """The sample photographs again, as a reader brings them."""
    page.get_by_role("button", name="Start with empty classes").click()
    ready(page)
    page.get_by_role("button", name="Add a class").click()
    ready(page)
    for number, name in enumerate(NAMES):
        box = page.get_by_label("Name of the class").nth(number)
        box.fill(name)
        box.press("Enter")
        ready(page)
        upload(page, number, *samples()[name].values())
    expect(page.get_by_text("5 pictures")).to_have_count(3)


def fits(page: Page) -> bool:
    """Whether the page is no wider than the window."""
    return bool(page.evaluate("document.documentElement.scrollWidth <= innerWidth"))


def caveat_follows(page: Page) -> bool:
    """Whether "it can only choose among your classes" follows the answer at once."""
    caveat = page.get_by_text(re.compile("It can only choose among your classes")).bounding_box()
    answer = page.locator("h4").bounding_box()
    assert caveat
    assert answer
    return 0 <= caveat["y"] - answer["y"] - answer["height"] < 32


def test_own_classes_are_learnt_and_judged(page: Page, app_url: str, tmp_path: Path) -> None:
    """On a screen of 1280 pixels, and from the new picture on on a telephone of 390."""
    page.goto(f"{app_url}/{OPEN}")
    expect(metric(page, "Right, of the pictures that were left out")).to_contain_text("of 15")
    ready(page)
    own_classes(page)
    expect(metric(page, "Right, of the pictures")).to_have_count(0)

    for train in ("Train", "Train again"):
        page.get_by_role("button", name=train, exact=True).click()
        page.get_by_role("button", name="Stop", exact=True).click()
        expect(page.get_by_role("button", name="Go on")).to_be_enabled()
        ready(page)
    page.get_by_role("button", name="Go on").click()
    ready(page)
    expect(page.get_by_role("button", name="Go on")).to_be_disabled()
    expect(metric(page, "Right, of the pictures that were left out")).to_contain_text("of 15")
    expect(page.get_by_text(re.compile("of 15 speaks for anything from"))).to_be_visible()

    assert fits(page)

    data = downloaded(page, "Download the head").read_bytes()
    header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
    assert json.loads(header["__metadata__"]["classes"]) == list(NAMES)
    mine = tmp_path / "mine.safetensors"
    mine.write_bytes(data)

    page.set_viewport_size({"width": 390, "height": 800})
    ready(page)
    picture = samples()[NEW]["smock mill"]
    judged = page.get_by_test_id("stFileUploader").filter(has_text="New pictures")
    judged.locator("input[type=file]").set_input_files(picture)
    ready(page)
    expect(page.get_by_role("combobox", name="Picture to be judged")).to_have_value("smock_mill")
    answer = page.locator("h4").inner_text()
    assert answer.split(",")[0] in NAMES
    assert caveat_follows(page), "what the percentage leaves out stands below it and above the chart"
    assert fits(page)

    image = str(page.get_by_test_id("stImage").first.locator("img").get_attribute("src"))
    address = image if image.startswith("http") else f"{app_url}{image}"
    assert page.request.get(address, max_retries=3).ok
    page.get_by_role("button", name="Forget all").click()
    ready(page)
    assert page.request.get(address, max_retries=3).status == 404

    page.get_by_role("button", name="Load a head").click()
    page.get_by_test_id("stFileUploader").filter(has_text="A head from this page").locator(
        "input[type=file]"
    ).set_input_files(mine)
    ready(page)
    page.keyboard.press("Escape")
    expect(page.get_by_text("judges now. It knows fish, hammer and windmill")).to_be_visible()
    upload_again = page.get_by_test_id("stFileUploader").filter(has_text="New pictures")
    upload_again.locator("input[type=file]").set_input_files(picture)
    ready(page)
    assert page.locator("h4").inner_text() == answer

    pick(page, "Weights", re.compile("Untrained"))
    expect(page.get_by_text("It judges as soon as what it fits is chosen.")).to_be_visible()
    metrics = page.request.get(f"{app_url}/_stcore/metrics", max_retries=3).text()
    assert "UploadedFileManager" not in metrics, "no upload is left in the server's memory"
