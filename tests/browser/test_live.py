"""The reader's own picture in a real browser: several uploads, no camera, two networks, attributions, files."""

import csv
import io
import re
import socket
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Locator, Page, expect

from .browser import open_exports, pick, ready

ROOT = Path(__file__).parents[2]


@pytest.fixture
def pictures(tmp_path: Path) -> list[Path]:
    paths = [tmp_path / "red.png", tmp_path / "green.jpg"]
    for path, color in zip(paths, ("red", "green"), strict=True):
        Image.new("RGB", (300, 200), color).save(path)
    return paths


def picture_box(page: Page) -> Locator:
    return page.get_by_role("combobox", name="Picture")


def bars(page: Page) -> Locator:
    """The charts of probabilities on the screen."""
    return page.locator(".js-plotly-plot").filter(has_text="Probability")


def method(page: Page, name: str) -> Locator:
    """The choice of a method of Where it looks, whose names stand in sentences of the page, too."""
    return page.get_by_test_id("stRadio").get_by_text(name, exact=True)


def saved(page: Page, button: str, which: int = 0) -> bytes:
    """What a download button gives, by default the first of that name."""
    offered = open_exports(page, button, which)  # at rest: else a click would ask for a file that is gone
    with page.expect_download() as download:
        offered.click()
    page.keyboard.press("Escape")
    return download.value.path().read_bytes()


def test_several_uploads_with_a_bad_one_among_them(
    page: Page, app_url: str, pictures: list[Path], tmp_path: Path
) -> None:
    """On a machine without a camera, whose page stays usable."""
    bad = tmp_path / "notes.png"
    bad.write_bytes(b"only words")
    page.goto(f"{app_url}/live?model=inception_v4&size=96")
    expect(bars(page)).to_have_count(1)
    ready(page)
    page.get_by_text("Use the camera").click()
    expect(page.get_by_text("upload a picture instead")).to_be_visible()
    page.locator("input[type=file]").first.set_input_files([*pictures, bad])
    expect(page.get_by_role("alert").filter(has_text="notes.png")).to_contain_text("The other pictures stay.")
    expect(picture_box(page)).to_have_value("your picture: green.jpg")
    expect(page.get_by_role("heading", name="All your pictures")).to_be_visible()
    expect(bars(page)).to_have_count(1)
    pick(page, "Picture", "your picture: red.png")
    expect(picture_box(page)).to_have_value("your picture: red.png")
    with Image.open(io.BytesIO(saved(page, "Prepared picture (PNG)"))) as prepared:
        assert prepared.size == (96, 96)
        assert prepared.getpixel((48, 48)) == (255, 0, 0)
    for sample in ("astronaut", "koala", "astronaut"):  # one can be chosen again after an upload
        pick(page, "Picture", sample)
        expect(picture_box(page)).to_have_value(sample)
    pick(page, "Picture", "your picture: red.png")
    page.get_by_role("link", name="Where it looks").click()
    expect(picture_box(page)).to_have_value("your picture: red.png")


def test_two_networks_on_one_picture(page: Page, app_url: str) -> None:
    page.goto(f"{app_url}/live?model=inception_v4&size=96")
    pick(page, "Another network", "inception_resnet_v2.paper, untrained")
    expect(page.get_by_text("Untrained: random numbers").first).to_be_visible()
    expect(bars(page)).to_have_count(3)
    expect(page.get_by_text(re.compile("^They (agree|differ)"))).to_be_visible()


def test_search_over_all_classes(page: Page, app_url: str) -> None:
    page.goto(f"{app_url}/live?model=inception_resnet_v2.paper&size=96")
    ready(page)
    page.get_by_text("All 1,000 classes").click()
    page.get_by_placeholder("part of a name").fill("no such thing")
    page.keyboard.press("Enter")
    expect(page.get_by_text("No class of this network has")).to_be_visible()
    rows = saved(page, "Download these rows").decode().splitlines()
    assert len(rows) == 1001, "the file has them all"


def test_a_download_without_a_network_and_one_that_is_cancelled(page: Page, app_url: str, way_out: int) -> None:
    page.goto(f"{app_url}/live?model=inception_v4&size=96")
    pick(page, "Weights", re.compile("not here yet"))
    page.get_by_role("button", name="Download 171 MB").click()
    expect(page.get_by_role("alert").filter(has_text="Everything else keeps working.")).to_be_visible()
    expect(page.get_by_role("button", name="Download 171 MB")).to_be_visible()
    expect(bars(page)).to_have_count(1)
    ready(page)
    with socket.create_server(("127.0.0.1", way_out)):  # connects, and never says a word
        page.get_by_role("button", name="Download 171 MB").click()
        page.get_by_role("button", name="Cancel").click()
        expect(page.get_by_role("button", name="Download 171 MB")).to_be_visible()
    expect(page.get_by_role("button", name="Cancel")).to_have_count(0)
    expect(bars(page)).to_have_count(1)


def test_maps_of_branches_and_of_both_summands(page: Page, app_url: str) -> None:
    page.goto(f"{app_url}/inside?model=inception_resnet_v1&size=96")
    pick(page, "Block", "Block35_1")
    expect(page.get_by_role("heading", name="Shortcut against residual")).to_be_visible()
    with np.load(io.BytesIO(saved(page, "maps (NPZ)"))) as branches:
        assert set(branches) == {f"Branch_{i}_{what}" for i in range(3) for what in ("maps", "channels")}
        assert branches["Branch_2_maps"].shape[1:] == (9, 9)
    page.get_by_text("All channels of the sum").click()
    with np.load(io.BytesIO(saved(page, "maps (NPZ)"))) as summands:
        both = summands["shortcut_maps"] + summands["residual_maps"]
        assert np.allclose(both, summands["sum_maps"], atol=1e-4)
    with Image.open(io.BytesIO(saved(page, "maps (PNG)"))) as sheet:
        assert sheet.width > 6 * 160


def test_where_it_looks(page: Page, app_url: str) -> None:
    """Other weights take another size; a layer's box has its shape in its options, so the browser knows others then."""
    page.goto(f"{app_url}/looks?model=inception_resnet_v1&size=96")
    expect(page.get_by_text("falls when a grey window")).to_be_visible()  # nobody asked for it
    expect(page.get_by_text("tells most of what takes about a second here")).to_be_visible()
    with Image.open(io.BytesIO(saved(page, "Picture (PNG)"))) as over:
        assert over.size == (96, 96)
    method(page, "LayerCAM").click()
    expect(page.get_by_text("From 0 on the left")).to_be_visible()
    with np.load(io.BytesIO(saved(page, "Numbers (NPZ)"))) as numbers:
        assert numbers["values"].shape == (96, 96)
        assert np.isfinite(numbers["values"]).all()
    method(page, "Grad-CAM").click()
    pick(page, "Weights", re.compile("^Untrained"))
    method(page, "Occlusion").click()
    expect(page.get_by_text("falls when a grey window")).to_be_visible()
    method(page, "Grad-CAM").click()
    expect(page.get_by_text("From 0 on the left")).to_be_visible()
    ready(page)
    expect(page.get_by_role("combobox", name="Layer")).to_have_value(re.compile("896x"))


def test_a_long_attribution_without_motion_and_stopped(page: Page, app_url: str) -> None:
    """Streamlit lets what is old fade, and signs turn, while it works; who wants less motion gets none."""
    page.emulate_media(reduced_motion="no-preference")
    page.goto(f"{app_url}/looks?model=inception_resnet_v2.paper&method=integrated-gradients")  # of full width: slow
    ready(page)
    page.get_by_role("button", name="Run the network").click()
    passes = page.get_by_text(re.compile(r"Pass \d+ of"))
    expect(passes).to_be_visible()
    page.wait_for_function("document.getAnimations().length > 0")
    page.emulate_media(reduced_motion="reduce")
    page.wait_for_timeout(200)
    assert page.evaluate("document.getAnimations().length") == 0
    expect(passes).not_to_have_text(passes.inner_text())
    assert page.evaluate("document.getAnimations().length") == 0
    expect(page.get_by_text("A first, coarse map")).to_be_visible()

    page.get_by_role("button", name="Stop computing").click()
    expect(page.get_by_role("button", name="Run the network")).to_be_visible()
    ready(page)
    expect(page.get_by_text("Pass ")).to_have_count(0)


def test_what_a_cell_sees(page: Page, app_url: str) -> None:
    page.goto(f"{app_url}/cell?model=inception_resnet_v1&size=96&layer=stem.Conv2d_2b_3x3")
    expect(page.get_by_role("combobox", name="Layer")).to_have_value(
        "Stem: third 3x3 convolution · 3 · Conv2d_2b_3x3 · 16x45x45"
    )
    expect(page.get_by_text("The cell can depend on")).to_be_visible()
    ready(page)
    first = page.get_by_test_id("stImage").locator("img").first.get_attribute("src")
    page.get_by_role("slider").first.focus()
    page.keyboard.press("Home")
    ready(page)
    assert page.get_by_test_id("stImage").locator("img").first.get_attribute("src") != first
    with np.load(io.BytesIO(saved(page, "Gradient (NPZ)"))) as numbers:
        assert numbers["gradient"][40:].max() == 0, "the cell in the first row sees nothing of the lower half"
        assert numbers["gradient"].max() > 0


def test_speed_is_measured_row_by_row_and_can_be_stopped(page: Page, app_url: str) -> None:
    page.goto(f"{app_url}/speed?model=inception_resnet_v1&size=96")
    ready(page)
    page.get_by_role("button", name="Measure").click()
    expect(page.get_by_text(re.compile(r"^\d of \d"))).to_be_visible()
    page.get_by_role("button", name="Stop measuring").click()
    ready(page)
    expect(page.locator(".js-plotly-plot").filter(has_text="Pictures a second")).to_be_visible()
    expect(page.get_by_role("button", name="Measure")).to_be_enabled()


def test_a_machine_without_a_network_names_what_a_picture_shows(page: Page, app_url: str) -> None:
    """With the network that the app opens on and weights that come with it; other hosts are never asked."""
    photographs = ROOT / "assets" / "photographs"
    page.goto(f"{app_url}/live?picture=astronaut")
    expect(bars(page)).to_have_count(1)
    expect(page.get_by_text("None of the 10, it seems.")).to_be_visible()
    ready(page)
    page.get_by_role("button", name="Sample pictures").click()
    expect(page.get_by_text("Not among its ten things: what does it say?")).to_be_attached()
    page.get_by_role("button", name="fire engine").click()
    expect(page.get_by_role("heading", name="truck, ")).to_be_visible()
    expect(page.get_by_role("button", name="fire engine")).to_have_count(0)
    expect(page).to_have_url(re.compile(r"picture=fire"))
    expect(page.get_by_text("None of the 10, it seems.")).to_have_count(0)
    first = bars(page).locator(".annotation-text").first
    with (ROOT / "assets" / "weights" / "inception_v4.cifar10.photographs.csv").open(newline="") as lines:
        answers = list(csv.DictReader(lines))
    for label in ("cat", "airplane"):
        known = next(row for row in answers if row["label"] == label and row["rank"] == "1")
        page.locator("input[type=file]").first.set_input_files(photographs / known["file"])
        expect(picture_box(page)).to_have_value(f"your picture: {Path(known['file']).name}")
        expect(first).to_have_text(label)
        ready(page)
    expect(page.get_by_text("It learnt from 32-pixel pictures")).to_be_visible()
    strange = next(row for row in answers if row["label"] == "other" and row["none"] == "True")
    page.locator("input[type=file]").first.set_input_files(photographs / strange["file"])
    expect(page.get_by_text("None of the 10, it seems.")).to_be_visible()
    expect(page.get_by_role("heading", name="How far to trust it")).to_be_visible()
    expect(page.get_by_text("What it mixes up")).to_be_visible()
    rows = saved(page, "Download these rows", which=-1).decode().splitlines()
    assert len(rows) == 1 + 64, "every photograph of the project"
