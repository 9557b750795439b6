"""Crops, distances and pairs of faces, against torch, NumPy's formulas and what is published."""

import io
import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from inception.runtime.predictor import Predictor
from inception.studies.lfw import LFW_RESULTS, PAPER_THRESHOLD, lfw_table
from inception.vision.faces import (
    MAX_PIXELS,
    MIN_SIDE,
    NAME_LENGTH,
    Face,
    FaceError,
    cosine_at,
    cosine_matrix,
    distance_matrix,
    embeddings_npz,
    face_of,
    pair_table,
    picture_name,
    square_within,
)


def on_sphere(count: int, dimensions: int = 512, seed: int = 0) -> np.ndarray:
    points = np.random.default_rng(seed).normal(size=(count, dimensions))
    return points / np.linalg.norm(points, axis=1, keepdims=True)


def gradient(width: int, height: int) -> Image.Image:
    """Red is the column, green the row."""
    rows, columns = np.mgrid[:height, :width] % 256
    return Image.fromarray(np.stack([columns, rows, columns * 0], axis=-1).astype(np.uint8))


def test_distances_are_torchs() -> None:
    points = on_sphere(9).astype(np.float32)
    tensor = torch.from_numpy(points).double()
    # Norms differ from 1 by float32's rounding, which the function takes out.
    np.testing.assert_allclose(distance_matrix(points), torch.cdist(tensor, tensor), atol=1e-6)
    expected = torch.nn.functional.cosine_similarity(tensor[:, None], tensor[None], dim=-1)
    np.testing.assert_allclose(cosine_matrix(points), expected, atol=1e-12)


def test_squared_distance_is_two_minus_two_cosines() -> None:
    points = on_sphere(7, 3)
    np.testing.assert_allclose(distance_matrix(points) ** 2, 2 - 2 * cosine_matrix(points), atol=1e-12)
    axes = [[1, 0, 0], [0, 1, 0], [-1, 0, 0], [1, 0, 0]]
    root = math.sqrt(2)
    expected = [[0, root, 2, 0], [root, 0, root, root], [2, root, 0, 2], [0, root, 2, 0]]
    np.testing.assert_allclose(distance_matrix(axes), expected)
    for angle in (0.0, 0.3, 1.0, 3.0):
        assert cosine_at(2 * math.sin(angle / 2)) == pytest.approx(math.cos(angle))


def test_every_pair_once_with_its_verdict() -> None:
    # At 60 and 90 degrees, whose chords are 1 and the root of 2.
    points = np.array([[1, 0], [0.5, math.sqrt(3) / 2], [0, 1], [0, 1]])
    table = pair_table(["a", "b", "c", "d"], points, 1.1)
    assert list(table.columns) == ["first", "second", "distance", "cosine", "same"]
    pairs = list(zip(table["first"], table["second"], strict=True))
    assert pairs == [("a", "b"), ("a", "c"), ("a", "d"), ("b", "c"), ("b", "d"), ("c", "d")]
    assert table["distance"].tolist() == pytest.approx(
        [1, math.sqrt(2), math.sqrt(2), *[math.sqrt(2 - math.sqrt(3))] * 2, 0]
    )
    assert table["cosine"].tolist() == pytest.approx([0.5, 0, 0, math.sqrt(3) / 2, math.sqrt(3) / 2, 1])
    assert table["same"].tolist() == [True, False, False, True, True, True]


def test_at_the_threshold_is_the_same() -> None:
    """Section 4 of the FaceNet paper counts D <= d; identical pictures are the same person at every threshold."""
    points = [[1, 0], [-1, 0], [1, 0]]
    assert pair_table(["a", "b", "c"], points, 2.0)["same"].all()
    assert pair_table(["a", "b", "c"], points, 0.0)["same"].tolist() == [False, True, False]


@given(st.integers(2, 8), st.integers(0, 99), st.floats(0, 2), st.floats(0, 2))
def test_a_larger_threshold_never_takes_a_same_back(count: int, seed: int, first: float, second: float) -> None:
    names = [str(i) for i in range(count)]
    tables = [pair_table(names, on_sphere(count, 4, seed), threshold) for threshold in sorted((first, second))]
    assert not (tables[0]["same"] & ~tables[1]["same"]).any()
    assert len(tables[0]) == count * (count - 1) // 2


@pytest.mark.parametrize(
    ("embeddings", "sentence"),
    [
        ([1.0, 0.0], "one row for each picture"),
        ([[]], "one row for each picture"),
        ([[1.0, math.nan]], "not finite"),
        ([[math.inf, 0.0]], "not finite"),
        ([[3.0, 4.0]], "unit length"),
        ([[0.0, 0.0]], "unit length"),
    ],
)
def test_what_is_no_embedding(embeddings: object, sentence: str) -> None:
    with pytest.raises(FaceError, match=sentence):
        distance_matrix(embeddings)  # type: ignore[arg-type]


@pytest.mark.parametrize("threshold", [-0.1, 2.1, math.nan, math.inf])
def test_thresholds_are_distances(threshold: float) -> None:
    with pytest.raises(FaceError, match="from 0 to 2"):
        pair_table(["a", "b"], on_sphere(2), threshold)


@pytest.mark.parametrize("names", [["a"], ["a", "a"], ["a", "b", "c"]])
def test_names_belong_to_embeddings(names: list[str]) -> None:
    with pytest.raises(FaceError, match="name of its own"):
        pair_table(names, on_sphere(2), 1.0)


@given(
    st.integers(MIN_SIDE, 400), st.integers(MIN_SIDE, 400), *[st.floats(-1e6, 1e6, allow_nan=False) for _ in range(3)]
)
def test_squares_lie_inside(width: int, height: int, x: float, y: float, side: float) -> None:
    square = square_within((width, height), x, y, side)
    left, top, right, bottom = square.box
    assert right - left == bottom - top == square.side >= MIN_SIDE
    assert left >= 0
    assert top >= 0
    assert right <= width
    assert bottom <= height
    again = square_within((width, height), square.x, square.y, square.side)
    assert again == square, "a slider that is set to what it shows changes nothing"


def test_a_square_inside_is_kept() -> None:
    assert square_within((300, 200), 150, 100, 60).box == (120, 70, 180, 130)
    assert square_within((300, 200), 151, 99, 61).side == 61


@pytest.mark.parametrize("numbers", [(math.nan, 1, 1), (1, math.inf, 1), (1, 1, math.nan)])
def test_squares_are_finite(numbers: tuple[float, float, float]) -> None:
    with pytest.raises(FaceError, match="finite"):
        square_within((300, 200), *numbers)


def test_the_crop_is_those_pixels() -> None:
    face = face_of(gradient(250, 200), "a").cropped(100, 80, 40)
    pixels = np.asarray(face.crop())
    assert pixels.shape == (40, 40, 3)
    assert pixels[0, 0].tolist() == [80, 60, 0]
    assert pixels[-1, -1].tolist() == [119, 99, 0]
    assert face.centred().square.box == (25, 0, 225, 200)


@pytest.mark.parametrize(("xs", "ys"), [((40.0, 100.0), (50.0, 70.0)), ((100.0, 40.0), (70.0, 50.0))])
def test_a_box_becomes_a_square_around_it(xs: tuple[float, float], ys: tuple[float, float]) -> None:
    """From whichever corner it was drawn."""
    assert face_of(gradient(250, 200), "a").cropped_around(xs, ys).square.box == (40, 30, 100, 90)


def test_large_pictures_are_kept_small() -> None:
    face = face_of(Image.new("RGB", (4000, 3000)), "a")
    assert face.image.width * face.image.height <= MAX_PIXELS
    assert face.image.width / face.image.height == pytest.approx(4 / 3, abs=0.01)
    small = gradient(500, 400)
    kept = face_of(small, "a")
    assert np.array_equal(np.asarray(kept.image), np.asarray(small))
    assert kept.square.side == 400


@pytest.mark.parametrize("size", [(20, 200), (1, 1), (32000, 20)])
def test_too_small_or_too_thin(size: tuple[int, int]) -> None:
    with pytest.raises(FaceError, match=f"picture is too small or too thin: {size[0]}x{size[1]} pixels"):
        face_of(Image.new("RGB", size), "me")


@pytest.mark.parametrize(
    ("filename", "name"),
    [
        ("me.jpg", "me"),
        ("../../etc/passwd", "passwd"),
        ("Zoë & Noé.png", "Zoë Noé"),
        ("<b>bold</b>.png", "b"),
        ("a*b_c`[d](e).jpeg", "a b_c d (e)"),
        ("***.png", "picture"),
        ("", "picture"),
        ("x" * 300 + ".png", "x" * NAME_LENGTH),
    ],
)
def test_names_are_short_and_plain(filename: str, name: str) -> None:
    assert picture_name(filename, []) == name


def test_names_are_unique() -> None:
    taken: list[str] = []
    for _ in range(4):
        taken.append(picture_name("me.jpg", taken))
    assert taken == ["me", "me (2)", "me (3)", "me (4)"]


def test_the_archive_loads_without_pickle() -> None:
    points = on_sphere(3).astype(np.float32)
    data = embeddings_npz(["a", "Zoë", "c"], points, "inception_resnet_v1", "mine.pt")
    with np.load(io.BytesIO(data), allow_pickle=False) as archive:
        assert archive["names"].tolist() == ["a", "Zoë", "c"]
        assert np.array_equal(archive["embeddings"], points)
        assert archive["embeddings"].dtype == np.float32
        assert (str(archive["network"]), str(archive["weights"])) == ("inception_resnet_v1", "mine.pt")
    assert data == embeddings_npz(["a", "Zoë", "c"], points, "inception_resnet_v1", "mine.pt")


def test_a_network_and_its_crops() -> None:
    """The same crop gives distance 0, another one does not, and the network sees what was cut out."""
    network = Predictor("inception_resnet_v1")
    face: Face = face_of(gradient(250, 200), "a")

    def embedding(face: Face) -> np.ndarray:
        return network.embed(network.prepare(face.crop(), (75, 75)))

    points = [embedding(face), embedding(face.cropped(60, 60, 50)), embedding(face.cropped(125, 100, 200))]
    table = pair_table(["whole", "part", "whole again"], points, PAPER_THRESHOLD)
    assert table["distance"].tolist()[1] == 0
    assert 0 < table["distance"].tolist()[0] < 2


def test_published_figures() -> None:
    """Facts from their sources: the FaceNet paper's section 5.6 and FaceNet's wiki."""
    assert pytest.approx(1.1145, abs=1e-4) == PAPER_THRESHOLD
    table = {row["accuracy"]: row for row in lfw_table().to_dict("records")}
    assert (table[0.9965]["wrong"], table[0.9965]["found"]) == (21, 0.98367)
    assert table[0.9905]["wrong"] == 57
    assert table[0.9963]["wrong"] == 22
    assert all(result.source.startswith("https://") for result in LFW_RESULTS)
    assert all(0.98 < result.accuracy < 1 for result in LFW_RESULTS)
