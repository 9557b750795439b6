"""Downloads of the layer table in a real Chromium: the name of the file says what is in it."""

from io import BytesIO

import pandas as pd
from playwright.sync_api import Page

from .browser import pick, ready


def downloaded(page: Page) -> tuple[str, bytes]:
    """The name and the bytes of what the button gives."""
    with page.expect_download() as download:
        page.get_by_role("button", name="Download these rows").click()
    return download.value.suggested_filename, download.value.path().read_bytes()


def test_a_download_is_named_after_what_it_shows(page: Page, app_url: str) -> None:
    page.goto(f"{app_url}/layers?model=inception_resnet_v1&size=160&collapse=true&keras=true")
    ready(page)
    name, data = downloaded(page)
    assert name == "inception_resnet_v1_160x160_folded_keras.csv"
    table = pd.read_csv(BytesIO(data), keep_default_na=False)
    page.get_by_role("textbox", name="Search").fill("1x7")
    page.keyboard.press("Enter")
    ready(page)
    page.get_by_role("button", name="View").click()
    page.get_by_text("Download sizes as numbers").click()
    page.keyboard.press("Escape")
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
