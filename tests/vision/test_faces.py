"""Crops, distances and pairs of faces, against torch, NumPy's formulas and what is published."""

import io
import math

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from safetensors.torch import save_file

import inception
from inception.paths import PHOTOGRAPHS, SAMPLES
from inception.runtime.crop import CropError
from inception.runtime.predictor import Predictor
from inception.studies.face_crops import CROP_RESULTS, PAIRS, PORTRAITS, crop_table
from inception.studies.lfw import LFW_RESULTS, PAPER_THRESHOLD, THRESHOLD, lfw_table
from inception.vision.faces import (
    MAX_PIXELS,
    NAME_LENGTH,
    EmbeddedFace,
    FaceCrop,
    FaceError,
    Origin,
    cosine_at,
    cosine_matrix,
    distance_matrix,
    distance_terms,
    embed_face,
    embedding_grid,
    embeddings_npz,
    face_picture,
    pair_table,
    picture_name,
)


def on_sphere(count: int, dimensions: int = 512, seed: int = 0) -> np.ndarray:
    points = np.random.default_rng(seed).normal(size=(count, dimensions))
    return points / np.linalg.norm(points, axis=1, keepdims=True)


def points_of(names: list[str], points: object, trained: bool = True) -> list[EmbeddedFace]:
    """Faces with crops at these points."""
    crop = FaceCrop((0, 0, 20, 30), Origin.FOUND)
    return [EmbeddedFace(name, crop, np.asarray(point), trained) for name, point in zip(names, points, strict=True)]  # type: ignore[call-overload]


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
    table = pair_table(points_of(["a", "b", "c", "d"], points), 1.1)
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
    faces = points_of(["a", "b", "c"], points)
    assert pair_table(faces, 2.0)["same"].all()
    assert pair_table(faces, 0.0)["same"].tolist() == [False, True, False]


@given(st.integers(2, 8), st.integers(0, 99), st.floats(0, 2), st.floats(0, 2))
def test_a_larger_threshold_never_takes_a_same_back(count: int, seed: int, first: float, second: float) -> None:
    names = [str(i) for i in range(count)]
    faces = points_of(names, on_sphere(count, 4, seed))
    tables = [pair_table(faces, threshold) for threshold in sorted((first, second))]
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
        pair_table(points_of(["a", "b"], on_sphere(2)), threshold)


def test_each_face_has_a_name_of_its_own() -> None:
    with pytest.raises(FaceError, match="name of its own"):
        pair_table(points_of(["a", "a"], on_sphere(2)), 1.0)


def test_untrained_weights_give_no_verdict() -> None:
    faces = [*points_of(["a", "b"], on_sphere(2)), *points_of(["c"], on_sphere(1), trained=False)]
    assert pair_table(faces, 2.0)["same"].isna().tolist() == [False, True, True]


def test_without_a_face_there_is_no_crop_and_nothing_to_compare() -> None:
    cat = face_picture(inception.load_image(SAMPLES / "cat.jpg"), "the cat")
    assert (cat.found, cat.crop) == ((), None)
    network = Predictor("inception_resnet_v1")
    for compared in (cat.seen, lambda network: embed_face(network, cat)):
        with pytest.raises(FaceError, match="the cat: no face was found in this picture, and no box was drawn"):
            compared(network)
    with pytest.raises(FaceError, match="faces found: 0, so there is no face number 1"):
        cat.with_found(0)
    drawn = cat.with_box((150, 60, 250, 160))
    assert drawn.crop == FaceCrop((150, 60, 250, 160), Origin.DRAWN)
    assert embed_face(network, drawn, (75, 75)).crop is drawn.crop
    with pytest.raises(CropError, match="does not lie inside"):
        cat.with_box((400, 0, 500, 100))


def test_one_of_several_faces_is_chosen() -> None:
    picture = face_picture(inception.load_image(PHOTOGRAPHS / "other" / "mariachi.jpg"), "band")
    boxes = [face.with_margin(picture.image.size) for face in picture.found]
    assert len(boxes) == 5
    assert picture.crop == FaceCrop(boxes[0], Origin.FOUND), "the largest"
    assert picture.with_found(3).crop == FaceCrop(boxes[3], Origin.FOUND)
    for number in (5, -1):
        with pytest.raises(FaceError, match="band: faces found: 5"):
            picture.with_found(number)


def test_the_network_sees_the_box_stretched() -> None:
    """Red is the column and green the row: all of the box is seen, and nothing else."""
    network = Predictor("inception_resnet_v1")
    picture = face_picture(gradient(250, 200), "a").with_box((40, 60, 240, 160))
    seen = np.asarray(picture.seen(network))
    assert seen.shape == (160, 160, 3)
    assert seen[0, 0].tolist() == pytest.approx([40, 60, 0], abs=1)
    assert seen[-1, -1].tolist() == pytest.approx([239, 159, 0], abs=1)


def test_large_pictures_are_kept_small() -> None:
    picture = face_picture(Image.new("RGB", (4000, 3000)), "a")
    assert picture.image.width * picture.image.height <= MAX_PIXELS
    assert picture.image.width / picture.image.height == pytest.approx(4 / 3, abs=0.01)
    small = gradient(500, 400)
    assert np.array_equal(np.asarray(face_picture(small, "a").image), np.asarray(small))


@pytest.mark.parametrize("size", [(20, 200), (1, 1), (32000, 20)])
def test_too_small_or_too_thin(size: tuple[int, int]) -> None:
    with pytest.raises(FaceError, match=f"picture is too small or too thin: {size[0]}x{size[1]} pixels"):
        face_picture(Image.new("RGB", size), "me")


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
    faces = points_of(["a", "Zoë", "c"], points)
    data = embeddings_npz(faces, "inception_resnet_v1", "mine.pt")
    with np.load(io.BytesIO(data), allow_pickle=False) as archive:
        assert archive["names"].tolist() == ["a", "Zoë", "c"]
        assert np.array_equal(archive["embeddings"], points)
        assert archive["embeddings"].dtype == np.float32
        assert archive["boxes"].tolist() == [[0, 0, 20, 30]] * 3
        assert archive["origins"].tolist() == ["found"] * 3
        assert (str(archive["network"]), str(archive["weights"])) == ("inception_resnet_v1", "mine.pt")
    assert data == embeddings_npz(faces, "inception_resnet_v1", "mine.pt")


@pytest.mark.parametrize(("count", "shape"), [(512, (16, 32)), (1024, (16, 64)), (1, (1, 1)), (7, (1, 7))])
def test_an_embedding_is_a_picture(count: int, shape: tuple[int, int]) -> None:
    grid = embedding_grid(np.arange(count, dtype=np.float32))
    assert grid.shape == shape
    assert grid.ravel().tolist() == list(range(count))


def test_strangers_are_told_apart_by_their_crops(tmp_path_factory: pytest.TempPathFactory) -> None:
    """The verdict of trained weights is that of the crops, not of the pictures."""
    path = tmp_path_factory.mktemp("weights") / "spread.safetensors"
    state = inception.create_model("inception_resnet_v1").state_dict()
    for key, tensor in state.items():
        if key.endswith("running_var"):
            tensor.fill_(0.02)  # differences grow from layer to layer
    save_file(state, path)
    network = Predictor("inception_resnet_v1", path)
    people = [
        face_picture(inception.load_image(SAMPLES / f"{name}.jpg"), name) for name in ("astronaut", "photographer")
    ]
    by_hand = [
        network.embed(network.prepare(person.image, (75, 75), person.crop.stretched))
        for person in people
        if person.crop
    ]
    faces = [embed_face(network, person, (75, 75)) for person in people]
    pair = pair_table(faces, THRESHOLD)
    assert pair["distance"].tolist() == pytest.approx([np.linalg.norm(by_hand[0] - by_hand[1])], abs=1e-4)
    assert not pd.isna(pair["same"][0])
    whole = [embed_face(network, person.with_box((0, 0, *person.image.size)), (75, 75)) for person in people]
    assert pair_table(whole, THRESHOLD)["distance"][0] != pytest.approx(pair["distance"][0], abs=1e-3)


def test_what_was_measured_of_crops() -> None:
    assert PAIRS == PORTRAITS * (PORTRAITS - 1) // 2
    assert THRESHOLD == 1.11
    table = crop_table()
    assert len(table) == len(CROP_RESULTS)
    assert table["false_accepts"].is_monotonic_increasing
    assert table["found"].is_monotonic_decreasing


def test_published_figures() -> None:
    """Facts from their sources: the FaceNet paper's section 5.6 and FaceNet's wiki."""
    assert pytest.approx(1.1145, abs=1e-4) == PAPER_THRESHOLD
    table = {row["accuracy"]: row for row in lfw_table().to_dict("records")}
    assert (table[0.9965]["wrong"], table[0.9965]["found"]) == (21, 0.98367)
    assert table[0.9905]["wrong"] == 57
    assert table[0.9963]["wrong"] == 22
    assert all(result.source.startswith("https://") for result in LFW_RESULTS)
    assert all(0.98 < result.accuracy < 1 for result in LFW_RESULTS)


def test_a_distance_is_the_root_of_its_terms() -> None:
    faces = points_of(["a", "b"], on_sphere(2, 64))
    table = distance_terms(faces[0], faces[1])
    assert table["square"].is_monotonic_decreasing
    assert sorted(table["number"]) == list(range(64))
    assert table["square"].sum() ** 0.5 == pytest.approx(pair_table(faces, 1.0)["distance"].iloc[0], rel=1e-6)
