"""Faces compared: pictures and the crops of their faces, distances between embeddings, and who is the same person.

FaceNet (Schroff, Kalenichenko and Philbin, 2015, arXiv 1503.03832) maps a face to a point on the unit sphere, so that
faces of one person lie close together. For points on it the squared Euclidean distance is 2 - 2 times the cosine of the
angle between them: distances run from 0 to 2.

A picture is compared only by a crop that was found in it or drawn on it: the weights know faces that fill the frame,
and of anything else "the same person" means nothing. So a verdict takes an `EmbeddedFace`, and that a `FaceCrop`.
Everything here is computed in memory; nothing is written.
"""

import math
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from io import BytesIO
from pathlib import PurePath

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from PIL import Image

from ..errors import InputError
from ..runtime.crop import Box, Crop, Fit
from ..runtime.predictor import PictureNetwork
from ..words import _
from .face_detector import LEAST_FACE, FoundFace, find_faces

MAX_PICTURES = 12
MAX_PIXELS = 1_000_000  # of a picture that is kept: a face takes 160 of some 1,000 across
FARTHEST = 2.0  # two points of the unit sphere that lie opposite each other
UNIT_TOLERANCE = 0.02  # of an embedding's length, as bfloat16 rounds
NAME_LENGTH = 24

Array = NDArray[np.float64]


class FaceError(InputError):
    """A picture, a threshold or embeddings that cannot be compared, in one sentence."""


class Origin(StrEnum):
    """Where the crop of a face comes from."""

    FOUND = "found"  # the detector's box with its margin, which is what thresholds are measured with
    DRAWN = "drawn"  # by a person


@dataclass(frozen=True)
class FaceCrop:
    """The part of a picture that shows one face. The network gets it stretched, as in facenet-pytorch."""

    box: Box  # inside the picture
    origin: Origin

    @property
    def stretched(self) -> Crop:
        """What a network is given."""
        return Crop(self.box, Fit.SQUASH)


@dataclass(frozen=True)
class FacePicture:
    """A picture, the faces found in it, and the crop of the one that is compared."""

    name: str  # unique among the pictures that are compared
    image: Image.Image  # RGB
    found: tuple[FoundFace, ...]  # the largest first
    crop: FaceCrop | None  # None as long as no face was found or drawn

    def with_found(self, index: int) -> "FacePicture":
        """The same picture with the crop of another face that was found, counted from 0; raises FaceError."""
        if not 0 <= index < len(self.found):
            sentence = _("{picture}: faces found: {found}, so there is no face number {number}.")
            raise FaceError(sentence.format(picture=self.name, found=len(self.found), number=index + 1))
        return replace(self, crop=FaceCrop(self.found[index].with_margin(self.image.size), Origin.FOUND))

    def with_box(self, box: Box) -> "FacePicture":
        """The same picture with a box that a person drew; raises CropError where it is none or not inside."""
        Crop(box).region(*self.image.size)
        return replace(self, crop=FaceCrop(box, Origin.DRAWN))

    def seen(self, network: PictureNetwork, size: tuple[int, int] | None = None) -> Image.Image:
        """What the network sees of the face at `size` (height, width), by default that of its training.

        Raises FaceError where no face was found or drawn.
        """
        if self.crop is None:
            sentence = _("{picture}: no face was found in this picture, and no box was drawn round one.")
            raise FaceError(sentence.format(picture=self.name))
        side = network.input_size
        return network.prepare(self.image, size or (side, side), self.crop.stretched)


@dataclass(frozen=True)
class EmbeddedFace:
    """The point on the unit sphere to which a network maps the crop of a face."""

    name: str  # of the picture
    crop: FaceCrop
    embedding: NDArray[np.float32]  # (D,)
    trained: bool  # whether the network's weights learnt anything


def face_picture(image: Image.Image, name: str) -> FacePicture:
    """A picture to compare, scaled down to `MAX_PIXELS`, with the crop of the largest face that is found in it.

    Raises FaceError for a picture that is too small or too thin, OutOfMemory.
    """
    scale = min(1.0, math.sqrt(MAX_PIXELS / (image.width * image.height)))
    width, height = (max(1, int(side * scale)) for side in image.size)
    if min(width, height) <= LEAST_FACE:
        sentence = _("The picture is too small or too thin: {size} pixels.")
        raise FaceError(sentence.format(size=f"{image.width}x{image.height}"))
    kept = image if scale == 1 else image.resize((width, height), Image.Resampling.LANCZOS)
    picture = FacePicture(name, kept, find_faces(kept), None)
    return picture.with_found(0) if picture.found else picture


def embed_face(network: PictureNetwork, picture: FacePicture, size: tuple[int, int] | None = None) -> EmbeddedFace:
    """The embedding of the crop of a picture, at `size` (height, width), by default that of the network's training.

    Raises FaceError where no face was found or drawn, InputError for a network of classes, OutOfMemory.
    """
    embedding = network.embed(picture.seen(network, size))
    assert picture.crop is not None  # or `seen` would have raised
    return EmbeddedFace(picture.name, picture.crop, embedding, network.trained)


def picture_name(filename: str, taken: Collection[str]) -> str:
    """A short name for a file, without path, suffix and signs that would be markup; unlike those that are taken."""
    stem = re.sub(r"[^\w .()+-]", " ", PurePath(filename).stem)
    name = " ".join(stem.split())[:NAME_LENGTH].strip() or _("picture")
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


def distance_terms(first: EmbeddedFace, second: EmbeddedFace) -> pd.DataFrame:
    """What the distance of two faces is made of: columns number (of the embedding, from 0), first, second and square.

    One row for each number, those that differ most first; the distance is the root of the sum of the squares.
    """
    one, other = _on_sphere([first.embedding, second.embedding])
    square = (one - other) ** 2
    table = pd.DataFrame({"number": range(len(one)), "first": one, "second": other, "square": square})
    return table.sort_values("square", ascending=False, kind="stable", ignore_index=True)


def cosine_at(distance: float) -> float:
    """The cosine of the angle between two points of the unit sphere that far apart."""
    return 1 - distance**2 / 2


def pair_table(faces: Sequence[EmbeddedFace], threshold: float) -> pd.DataFrame:
    """Every pair once: columns first, second, distance, cosine, and whether they are the same person.

    A pair is the same person if its distance is at most the threshold (section 4 of the FaceNet paper); `same` is
    missing where the weights are untrained. Raises FaceError where two faces have one name, or for a threshold not from
    0 to 2.
    """
    if not 0 <= threshold <= FARTHEST:
        sentence = _("The threshold must be a distance from 0 to {most:g}, not {value}.")
        raise FaceError(sentence.format(most=FARTHEST, value=threshold))
    names = [face.name for face in faces]
    if len(set(names)) != len(names):
        raise FaceError(_("Each face needs a name of its own."))
    points = [face.embedding for face in faces]
    distances, cosines = distance_matrix(points), cosine_matrix(points)
    first, second = np.triu_indices(len(faces), k=1)
    near = pd.Series(distances[first, second] <= threshold, dtype="boolean")
    trained = [faces[i].trained and faces[j].trained for i, j in zip(first.tolist(), second.tolist(), strict=True)]
    return pd.DataFrame(
        {
            "first": pd.Series([names[i] for i in first.tolist()], dtype="str"),
            "second": pd.Series([names[i] for i in second.tolist()], dtype="str"),
            "distance": distances[first, second],
            "cosine": cosines[first, second],
            "same": near.where(pd.Series(trained, dtype="bool"), pd.NA),
        }
    )


def embeddings_npz(faces: Sequence[EmbeddedFace], network: str, weights: str) -> bytes:
    """A NumPy archive that loads without pickle, one row a face in names, embeddings, boxes and origins.

    names (N,); embeddings (N, D) float32; boxes (N, 4): left, top, right, bottom in pixels; origins (N,): found or
    drawn; network and weights.
    """
    buffer = BytesIO()
    np.savez(
        buffer,
        names=np.array([face.name for face in faces], dtype=np.str_),
        embeddings=np.array([face.embedding for face in faces], dtype=np.float32),
        boxes=np.array([face.crop.box for face in faces], dtype=np.float64),
        origins=np.array([face.crop.origin.value for face in faces], dtype=np.str_),
        network=np.array(network),
        weights=np.array(weights),
    )
    return buffer.getvalue()


def embedding_grid(embedding: NDArray[np.float32]) -> NDArray[np.float32]:
    """(D,) numbers as the rows of a picture (H, W), as nearly twice as wide as high as D can be divided."""
    count = len(embedding)
    divisors = [rows for rows in range(1, count + 1) if count % rows == 0]
    rows = min(divisors, key=lambda rows: abs(math.log(count / rows**2 / 2)))
    return embedding.reshape(rows, -1)


def _on_sphere(embeddings: ArrayLike) -> Array:
    """Embeddings in float64, scaled to exactly unit length; what comes in may be off by rounding only."""
    points = np.array(embeddings, dtype=np.float64)
    if points.ndim != 2 or 0 in points.shape:
        raise FaceError(_("Embeddings are a table of numbers with one row for each picture."))
    if not np.isfinite(points).all():
        raise FaceError(_("The network gave numbers that are not finite, so there is nothing to compare."))
    lengths = np.linalg.norm(points, axis=1, keepdims=True)
    if not np.allclose(lengths, 1, atol=UNIT_TOLERANCE):
        raise FaceError(_("Embeddings must have unit length."))
    return points / lengths
