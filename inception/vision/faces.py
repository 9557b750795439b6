"""Faces compared: square crops, distances between embeddings, and which pairs count as the same person.

FaceNet (Schroff, Kalenichenko and Philbin, 2015, arXiv 1503.03832) maps a face to a point on the unit sphere, so that
faces of one person lie close together. For points on it the squared Euclidean distance is 2 - 2 times the cosine of the
angle between them: distances run from 0 to 2. Everything here is computed in memory; nothing is written.
"""

import math
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import PurePath

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from PIL import Image

from ..errors import InputError

MAX_PICTURES = 12
MAX_PIXELS = 1_000_000  # of a picture that is kept: a face takes 160 of some 1,000 across
MIN_SIDE = 20  # of a crop; facenet-pytorch's detector looks for no smaller faces either
FARTHEST = 2.0  # two points of the unit sphere that lie opposite each other
UNIT_TOLERANCE = 0.02  # of an embedding's length, as bfloat16 rounds
NAME_LENGTH = 24

Array = NDArray[np.float64]


class FaceError(InputError):
    """A picture, a threshold or embeddings that cannot be compared, in one sentence."""


@dataclass(frozen=True)
class Square:
    """A square of a picture, in its pixels."""

    x: int  # of the centre, from the left
    y: int  # of the centre, from the top
    side: int

    @property
    def box(self) -> tuple[int, int, int, int]:
        """Left, top, right, bottom; the last two are just outside."""
        left, top = self.x - self.side // 2, self.y - self.side // 2
        return left, top, left + self.side, top + self.side


@dataclass(frozen=True)
class Face:
    """A picture and the square of it that the network gets."""

    name: str  # unique among the pictures that are compared
    image: Image.Image
    square: Square

    def crop(self) -> Image.Image:
        """The square cut out, at its own size."""
        return self.image.crop(self.square.box)

    def cropped(self, x: float, y: float, side: float) -> "Face":
        """The same picture with the square nearest to this one that lies inside it."""
        return replace(self, square=square_within(self.image.size, x, y, side))

    def cropped_around(self, xs: tuple[float, float], ys: tuple[float, float]) -> "Face":
        """The same picture with a square on the middle of a box, as wide as its longer side."""
        return self.cropped(sum(xs) / 2, sum(ys) / 2, max(abs(xs[1] - xs[0]), abs(ys[1] - ys[0])))

    def centred(self) -> "Face":
        """The same picture with the largest square in its centre."""
        width, height = self.image.size
        return self.cropped(width / 2, height / 2, min(width, height))


def face_of(image: Image.Image, name: str) -> Face:
    """A picture to compare, scaled down to `MAX_PIXELS`, with the largest square in its centre.

    Raises FaceError for a picture that is too small or too thin.
    """
    scale = min(1.0, math.sqrt(MAX_PIXELS / (image.width * image.height)))
    width, height = (max(1, int(side * scale)) for side in image.size)
    if min(width, height) <= MIN_SIDE:
        raise FaceError(f"The picture is too small or too thin: {image.width}x{image.height} pixels.")
    kept = image if scale == 1 else image.resize((width, height), Image.Resampling.LANCZOS)
    return Face(name, kept, Square(0, 0, MIN_SIDE)).centred()


def square_within(size: tuple[int, int], x: float, y: float, side: float) -> Square:
    """The square nearest to the one given, of at least `MIN_SIDE`, that lies inside a picture (width, height).

    Raises FaceError where a number is not finite or the picture is smaller than that.
    """
    width, height = size
    if not all(map(math.isfinite, (x, y, side))):
        raise FaceError("The centre and the side of a crop are finite numbers.")
    if min(size) < MIN_SIDE:
        raise FaceError(f"A picture of {width}x{height} pixels is smaller than the least crop, {MIN_SIDE}.")
    whole = min(max(round(side), MIN_SIDE), width, height)
    half = whole // 2
    left = min(max(round(x) - half, 0), width - whole)
    top = min(max(round(y) - half, 0), height - whole)
    return Square(left + half, top + half, whole)


def picture_name(filename: str, taken: Collection[str]) -> str:
    """A short name for a file, without path, suffix and signs that would be markup; unlike those that are taken."""
    stem = re.sub(r"[^\w .()+-]", " ", PurePath(filename).stem)
    name = " ".join(stem.split())[:NAME_LENGTH].strip() or "picture"
    numbered = (f"{name} ({number})" for number in range(2, len(taken) + 3))
    return next(candidate for candidate in (name, *numbered) if candidate not in taken)


def distance_matrix(embeddings: ArrayLike) -> Array:
    """(N, D) embeddings of unit length to (N, N) Euclidean distances, from 0 to 2; raises FaceError for others."""
    points = _on_sphere(embeddings)
    return np.stack([np.linalg.norm(points - point, axis=1) for point in points])


def cosine_matrix(embeddings: ArrayLike) -> Array:
    """(N, D) embeddings of unit length to (N, N) cosines of their angles, from -1 to 1; raises FaceError for others."""
    points = _on_sphere(embeddings)
    return np.clip(points @ points.T, -1.0, 1.0)


def cosine_at(distance: float) -> float:
    """The cosine of the angle between two points of the unit sphere that far apart."""
    return 1 - distance**2 / 2


def pair_table(names: Sequence[str], embeddings: ArrayLike, threshold: float) -> pd.DataFrame:
    """Every pair once: columns first, second, distance, cosine, and whether they are the same person.

    A pair is the same person if its distance is at most the threshold (section 4 of the FaceNet paper).
    Raises FaceError where names and embeddings do not match, or for a threshold not from 0 to 2.
    """
    if not 0 <= threshold <= FARTHEST:
        raise FaceError(f"The threshold must be a distance from 0 to {FARTHEST:g}, not {threshold}.")
    distances, cosines = distance_matrix(embeddings), cosine_matrix(embeddings)
    if len(names) != len(distances) or len(set(names)) != len(names):
        raise FaceError("Each embedding needs a name of its own.")
    first, second = np.triu_indices(len(names), k=1)
    return pd.DataFrame(
        {
            "first": pd.Series([names[i] for i in first.tolist()], dtype="str"),
            "second": pd.Series([names[i] for i in second.tolist()], dtype="str"),
            "distance": distances[first, second],
            "cosine": cosines[first, second],
            "same": distances[first, second] <= threshold,
        }
    )


def embeddings_npz(names: Sequence[str], embeddings: ArrayLike, network: str, weights: str) -> bytes:
    """A NumPy archive: names (N,), embeddings (N, D) float32, network and weights; it loads without pickle."""
    buffer = BytesIO()
    np.savez(
        buffer,
        names=np.array(names, dtype=np.str_),
        embeddings=np.asarray(embeddings, dtype=np.float32),
        network=np.array(network),
        weights=np.array(weights),
    )
    return buffer.getvalue()


def _on_sphere(embeddings: ArrayLike) -> Array:
    """Embeddings in float64, scaled to exactly unit length; what comes in may be off by rounding only."""
    points = np.array(embeddings, dtype=np.float64)
    if points.ndim != 2 or 0 in points.shape:
        raise FaceError("Embeddings are a table of numbers with one row for each picture.")
    if not np.isfinite(points).all():
        raise FaceError("The network gave numbers that are not finite, so there is nothing to compare.")
    lengths = np.linalg.norm(points, axis=1, keepdims=True)
    if not np.allclose(lengths, 1, atol=UNIT_TOLERANCE):
        raise FaceError("Embeddings must have unit length.")
    return points / lengths
