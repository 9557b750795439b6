"""Faces in a real Chromium: two pictures, their distance, the threshold, files, and that the server writes nothing."""

import csv
import io
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from playwright.sync_api import Browser, Locator, Page, expect
from safetensors.torch import save_file

from inception import create_model, load_image
from inception.paths import FACE_SAMPLES

from .browser import open_exports, pick, ready

OPEN = "faces?model=inception_resnet_v1&size=96"


@pytest.fixture
def pictures(tmp_path: Path) -> list[Path]:
    """Two faces before noise, which no format makes small: more than the megabyte that used to go through the disk."""
    paths = [tmp_path / "anna.png", tmp_path / "berta.png"]
    for seed, (path, face) in enumerate(zip(paths, ("grace_hopper", "filippo_giunchedi"), strict=True)):
        noise = np.random.default_rng(seed).integers(0, 256, (700, 800, 3), dtype=np.uint8)
        image = Image.fromarray(noise)
        image.paste(load_image(FACE_SAMPLES / f"{face}.jpg").resize((320, 350)), (60, 40))
        image.save(path)
        assert path.stat().st_size > 1.2e6
    return paths


def upload(page: Page, *files: Path) -> None:
    page.locator("input[type=file]").first.set_input_files(files)
    ready(page)


def metric(page: Page, label: str) -> Locator:
    return page.get_by_test_id("stMetric").filter(has_text=label)


def downloaded(page: Page, button: str) -> bytes:
    offered = open_exports(page, button)
    with page.expect_download() as download:
        offered.click()
    page.keyboard.press("Escape")
    return download.value.path().read_bytes()


def test_two_pictures_and_their_distance(
    page: Page, browser: Browser, app_url: str, pictures: list[Path], written: Path, tmp_path: Path
) -> None:
    page.goto(f"{app_url}/{OPEN}")
    expect(metric(page, "Distance of the closest pair")).to_be_visible()
    ready(page)
    before = written.read_text()

    upload(page, *pictures)
    distance = metric(page, "Distance")
    expect(distance).to_contain_text("no verdict: untrained")
    expect(metric(page, "Pairs of the same person")).to_contain_text("–")
    expect(page.get_by_test_id("stImage").filter(has_text="anna").locator("img")).to_be_visible()
    value = float(distance.get_by_test_id("stMetricValue").inner_text())
    assert 0 < value < 2

    rows = list(csv.DictReader(io.StringIO(downloaded(page, "Download these rows").decode())))
    assert [(row["first"], row["second"], row["same"]) for row in rows] == [("anna", "berta", "")], (
        "untrained weights judge no one"
    )
    assert float(rows[0]["distance"]) == pytest.approx(value, abs=6e-4)
    archive = np.load(io.BytesIO(downloaded(page, "Download the embeddings")), allow_pickle=False)
    assert archive["names"].tolist() == ["anna", "berta"]
    assert np.linalg.norm(archive["embeddings"][0] - archive["embeddings"][1]) == pytest.approx(value, abs=6e-4)

    broken = tmp_path / "broken.png"
    broken.write_bytes(pictures[0].read_bytes()[:5000])
    upload(page, broken)
    expect(page.get_by_role("alert").filter(has_text="broken.png: The picture cannot be decoded")).to_be_visible()
    expect(distance).to_contain_text(f"{value:.3f}")

    another = browser.new_context()
    stranger = another.new_page()
    stranger.goto(f"{app_url}/{OPEN}")
    expect(metric(stranger, "Distance of the closest pair")).to_be_visible()
    expect(stranger.get_by_text("anna")).to_have_count(0)
    another.close()

    image = str(page.get_by_test_id("stImage").filter(has_text="anna").locator("img").get_attribute("src"))
    address = image if image.startswith("http") else f"{app_url}{image}"
    assert page.request.get(address, max_retries=3).ok
    page.get_by_role("button", name="Forget all").click()
    ready(page)
    expect(page.get_by_text("anna")).to_have_count(0)
    assert page.request.get(address, max_retries=3).status == 404
    metrics = page.request.get(f"{app_url}/_stcore/metrics", max_retries=3).text()
    assert "UploadedFileManager" not in metrics, "no upload is left in the server's memory"
    assert written.read_text() == before, "the server opened a file for writing"


def test_several_faces_none_and_a_box_drawn(page: Page, app_url: str) -> None:
    """Of the musicians' five faces another one; round a cat, in which no face is found, a box."""
    page.goto(f"{app_url}/{OPEN}")
    ready(page)
    seen = page.get_by_test_id("stImage").filter(has_text="musicians")
    pick(page, "Crop of", "musicians")
    expect(page.get_by_text("5 faces found.")).to_be_visible()
    before = seen.locator("img").first.get_attribute("src")
    page.get_by_test_id("stButtonGroup").get_by_text("3", exact=True).click()
    ready(page)
    expect(seen.locator("img").first).not_to_have_attribute("src", str(before))  # the embedding is another

    expect(page.get_by_text("No face found in cat")).to_be_visible()
    pick(page, "Crop of", "cat")
    chart = page.locator(".st-key-face_box_cat_chart_0 .nsewdrag")
    chart.hover()  # as soon as it is drawn and stands still
    box = chart.bounding_box()
    assert box
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x - 20, y - 20)
    page.mouse.down()
    page.mouse.move(x, y, steps=5)
    page.mouse.move(x + 20, y + 20, steps=5)
    page.mouse.up()
    expect(page.locator(".st-key-face_box_cat_chart_1")).to_be_visible()
    ready(page)
    expect(page.get_by_text("No face found")).to_have_count(0)
    # The middle of the chart is the middle of the picture, which is 451 pixels wide.
    left, right = (
        int(str(page.get_by_role("slider", name="Left and right edge").nth(i).input_value())) for i in (0, 1)
    )
    assert left < 451 / 2 < right
    assert abs(left + right - 451) < 24


def test_trained_weights_judge_the_crops(page: Page, app_url: str, weights_folder: Path) -> None:
    """Of the astronaut and the photographer, by weights under facenet-pytorch's names, at two thresholds."""
    weights = weights_folder / "mine.safetensors"
    torch.manual_seed(0)
    state = create_model("inception_resnet_v1").state_dict()
    for key, tensor in state.items():
        if key.endswith("running_var"):
            tensor.fill_(0.02)  # untrained ones put all faces together
    save_file(state, weights)
    try:
        page.goto(f"{app_url}/{OPEN}")
        ready(page)
        expect(metric(page, "Pairs of the same person")).to_contain_text(re.compile(r"\d+ of 15"))
        expect(page.get_by_text("these weights are untrained")).to_have_count(0)
        page.get_by_role("slider", name="The same person").focus()
        page.keyboard.press("Home")
        ready(page)
        expect(metric(page, "Pairs of the same person")).to_contain_text("0 of 15")
        rows = list(csv.DictReader(io.StringIO(downloaded(page, "Download these rows").decode())))
        assert {row["same"] for row in rows} == {"False"}
        assert len(rows) == 15
    finally:
        weights.unlink()


def test_a_file_under_a_published_name_is_not_taken_for_it(page: Page, app_url: str, weights_folder: Path) -> None:
    """The published weights stay chosen and absent; the file, whose SHA-256 is another, is offered by its own name."""
    page.goto(f"{app_url}/{OPEN}")
    pick(page, "Weights", re.compile("VGGFace2.*not here yet"))
    expect(page.get_by_role("button", name="Download 112 MB")).to_be_visible()
    arrived = weights_folder / "20180402-114759-vggface2.safetensors"
    save_file(create_model("inception_resnet_v1").state_dict(), arrived)
    try:
        for key in ("Home", "End"):
            page.get_by_role("slider", name="The same person").focus()
            page.keyboard.press(key)
            ready(page)
            expect(page.get_by_role("combobox", name="Weights")).to_have_value(re.compile("VGGFace2.*not here yet"))
        page.get_by_role("combobox", name="Weights").click()
        expect(page.get_by_role("option", name=arrived.name)).to_have_count(1)
        page.keyboard.press("Escape")
    finally:
        arrived.unlink()


def test_another_network_and_back_and_no_camera(page: Page, app_url: str) -> None:
    """The browser of the tests has no camera: the page says so and everything else stays."""
    page.goto(f"{app_url}/faces?model=inception_v4&size=96")
    ready(page)
    page.get_by_role("button", name="Switch to inception_resnet_v1").click()
    expect(metric(page, "Distance of the closest pair")).to_be_visible()
    expect(page).to_have_url(re.compile("model=inception_resnet_v1"))
    ready(page)
    page.get_by_text("Use the camera").click()
    expect(page.get_by_test_id("stCameraInput")).to_be_visible()
    expect(metric(page, "Distance of the closest pair")).to_be_visible()
