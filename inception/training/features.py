"""What a frozen network makes of pictures that a head is to learn."""

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from ..paths import TEACH
from ..runtime.crop import Crop, Fit
from ..runtime.image import load_image
from ..runtime.predictor import Predictor
from .head import Examples, Floats

NEW = "new"  # folder of the sample pictures that are not learnt from
CORNER = 0.85  # side of a view that is cut out of a corner, as a share of the picture's
VIEWS = 6  # with all that are varied
COPY = 640  # most pixels of a side of the copies that a session keeps


def samples() -> dict[str, dict[str, Path]]:
    """The sample classes and the files of each by name; under `NEW` further pictures, to be judged."""
    found: dict[str, dict[str, Path]] = {}
    with (TEACH / "photographs.csv").open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines):
            path = TEACH / row["file"]
            found.setdefault(path.parent.name, {})[path.stem.replace("_", " ")] = path
    return found


def small_copy(data: bytes) -> bytes:
    """A picture as a small JPEG, upright, so that hundreds of a reader's fit in memory; raises ImageError."""
    image = load_image(data)
    image.thumbnail((COPY, COPY))
    file = io.BytesIO()
    image.save(file, "JPEG", quality=95, subsampling=0)
    return file.getvalue()


def features_of(
    network: Predictor, image: Image.Image, size: tuple[int, int], varied: bool = False, fit: Fit = Fit.CENTRE
) -> Floats:
    """(views, D) features of an RGB picture, each view prepared at `size`, in a pass of its own; raises OutOfMemory.

    varied: whether the mirror image and the four corners are looked at beside the picture as it comes. fit: how each
    gets the shape of the network's frame.
    """
    views = [image, ImageOps.mirror(image), *corners(image)] if varied else [image]
    return np.stack([network.features(network.prepare(view, size, Crop(None, fit))) for view in views])


def corners(image: Image.Image) -> list[Image.Image]:
    """Four views of a picture, each without a strip on two sides."""
    width, height = (max(1, round(CORNER * side)) for side in image.size)
    lefts, tops = (0, image.width - width), (0, image.height - height)
    return [image.crop((left, top, left + width, top + height)) for left in lefts for top in tops]


def examples_of(classes: Mapping[str, Sequence[Floats]]) -> Examples:
    """What a head learns, of the features of each class's pictures; raises HeadError for a class without any."""
    pictures = [(features, number) for number, several in enumerate(classes.values()) for features in several]
    features = np.stack([features for features, _ in pictures]) if pictures else np.zeros((0, 1, 1), np.float32)
    return Examples(features, np.array([number for _, number in pictures], dtype=np.int64), tuple(classes))
