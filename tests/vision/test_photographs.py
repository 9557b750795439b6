"""The photographs that the networks are tested on: each is credited, freely licensed, small and can be opened."""

import csv
from collections import Counter
from pathlib import Path

import pytest
from PIL import Image

import inception

FOLDER = Path(inception.__file__).parents[1] / "assets" / "photographs"
COLUMNS = ["file", "label", "title", "author", "licence", "licence_url", "source"]
# CIFAR-10's classes as its authors name them (https://www.cs.toronto.edu/~kriz/cifar.html).
CLASSES = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"]
CC = "https://creativecommons.org"
# The free licences accepted here, each with the address of its text.
LICENCES = {
    "public domain": f"{CC}/publicdomain/mark/1.0/",
    "CC0 1.0": f"{CC}/publicdomain/zero/1.0/",
    "CC BY 2.0": f"{CC}/licenses/by/2.0/",
    "CC BY 2.5": f"{CC}/licenses/by/2.5/",
    "CC BY 4.0": f"{CC}/licenses/by/4.0/",
    "CC BY-SA 2.0": f"{CC}/licenses/by-sa/2.0/",
    "CC BY-SA 2.5": f"{CC}/licenses/by-sa/2.5/",
    "CC BY-SA 3.0": f"{CC}/licenses/by-sa/3.0/",
    "CC BY-SA 4.0": f"{CC}/licenses/by-sa/4.0/",
}
MAX_SIDE = 320  # pixels
MAX_FOLDER = 2_500_000  # bytes


def read() -> list[dict[str, str]]:
    with (FOLDER / "photographs.csv").open(newline="", encoding="utf-8") as file:
        reader = csv.DictReader(file)
        rows = list(reader)
    assert reader.fieldnames == COLUMNS
    return rows


ROWS = read()


def test_every_file_has_one_row_and_every_row_a_file() -> None:
    files = {path.relative_to(FOLDER).as_posix() for path in FOLDER.rglob("*") if path.is_file()}
    assert sorted(row["file"] for row in ROWS) == sorted(files - {"photographs.csv"})


def test_there_are_photographs_of_every_class_and_of_none() -> None:
    counts = Counter(row["label"] for row in ROWS)
    assert set(counts) == {*CLASSES, "other"}
    assert min(counts.values()) >= 1
    assert counts["other"] >= 15


def test_the_folder_is_small() -> None:
    assert sum(path.stat().st_size for path in FOLDER.rglob("*") if path.is_file()) < MAX_FOLDER


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["file"])
def test_a_photograph_is_credited(row: dict[str, str]) -> None:
    assert all(value and value == value.strip() for value in row.values())
    assert row["label"] == Path(row["file"]).parent.name
    assert row["licence_url"] == LICENCES[row["licence"]]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["file"])
def test_a_photograph_opens_and_carries_no_metadata(row: dict[str, str]) -> None:
    path = FOLDER / row["file"]
    assert max(inception.load_image(path).size) <= MAX_SIDE
    with Image.open(path) as image:
        assert image.format == "JPEG"
        assert set(image.info) <= {"jfif", "jfif_version", "jfif_unit", "jfif_density"}


def test_no_two_files_show_the_same_picture() -> None:
    pictures = [*(FOLDER / row["file"] for row in ROWS), *(FOLDER.parent / "samples").iterdir()]
    thumbnails = {inception.load_image(path).convert("L").resize((8, 8)).tobytes() for path in pictures}
    assert len(thumbnails) == len(pictures)
