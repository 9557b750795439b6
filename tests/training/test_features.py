"""The sample pictures of the page Teach it: each is credited, free, small and can be opened."""

import csv

from PIL import Image

from inception.paths import TEACH
from inception.training.features import COPY, NEW, corners, samples, small_copy

FREE = {
    "CC0 1.0": "https://creativecommons.org/publicdomain/zero/1.0/",
    "public domain": "https://creativecommons.org/publicdomain/mark/1.0/",
}


def test_every_sample_is_credited_free_and_small() -> None:
    with (TEACH / "photographs.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert sorted(row["file"] for row in rows) == sorted(str(path.relative_to(TEACH)) for path in TEACH.rglob("*.jpg"))
    for row in rows:
        assert FREE[row["licence"]] == row["licence_url"]
        assert row["title"]
        assert row["author"]
        assert "https://" in row["source"]
        path = TEACH / row["file"]
        assert path.stat().st_size <= 30_000
        with Image.open(path) as image:
            assert max(image.size) <= 320
            assert not image.getexif()
    assert {name: len(files) for name, files in samples().items()} == {"fish": 5, "hammer": 5, "windmill": 5, NEW: 3}


def test_views_and_copies() -> None:
    image = Image.linear_gradient("L").convert("RGB").resize((200, 100))
    views = corners(image)
    assert {view.size for view in views} == {(170, 85)}
    assert len({view.tobytes() for view in views}) == 2, "the gradient runs downwards, so left and right are the same"
    data = next(iter(samples()[NEW].values())).read_bytes()
    copy = small_copy(data)
    assert copy[:2] == b"\xff\xd8"
    assert small_copy(data) == copy, "so that the same picture is known again"
    assert COPY >= 320
