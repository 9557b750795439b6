"""Faces found in a picture, by MTCNN (Zhang et al. 2016), whose weights come with this project.

Scales, thresholds and the order of the steps are those of the paper's code and of facenet-pytorch, but for `SURE`. The
face weights were trained on MTCNN's boxes, and their threshold was measured with them.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from safetensors.torch import load_file
from torch import Tensor, nn

from ..models.mtcnn import Mtcnn
from ..paths import FACE_DETECTOR
from ..runtime.crop import Box
from ..runtime.turns import enough_memory, forward_lock
from ..words import _

LEAST_FACE = 20  # pixels of a side
FACTOR = 0.709  # from one scale to the next: about half the area
CELL, STRIDE = 12, 2  # pixels that a cell of P-Net sees, and from one cell to the next
LIKELY = (0.6, 0.7)  # how sure P-Net and R-Net must be of a face
# How sure O-Net must be. Others take 0.7; on this project's photographs that takes dogs and a lorikeet for faces, and
# this takes none, while all faces are found. It was chosen by these pictures, so they do not test it
# (docs/experiments.md).
SURE = 0.95
R_SIDE, O_SIDE = 24, 48  # pixels that R-Net and O-Net see
BATCH = 256  # candidates at once

MARGIN, FRAME = 32, 160  # pixels round a face of those that the network gets; as in FaceNet's test on LFW

Boxes = NDArray[np.float64]  # (N, 4): left, top, right, bottom
Scores = NDArray[np.float64]  # (N,)


@dataclass(frozen=True)
class FoundFace:
    """A face in a picture."""

    box: Box  # as MTCNN gives it, without a margin; it can reach over the edges of the picture
    confidence: float  # of the detector, from 0 to 1

    @property
    def area(self) -> float:
        """In square pixels of the picture."""
        left, top, right, bottom = self.box
        return (right - left) * (bottom - top)

    def with_margin(self, size: tuple[int, int]) -> Box:
        """The box as facenet-pytorch cuts it out of a picture (width, height): with a margin, inside the picture.

        The margin is `MARGIN` of the `FRAME` pixels to which the box is stretched, half on each side.
        """
        edges = []
        for side, length in enumerate(size):
            low, high = self.box[side], self.box[side + 2]
            margin = MARGIN * (high - low) / (FRAME - MARGIN)
            edges.append((max(low - margin / 2, 0.0), min(high + margin / 2, float(length))))
        (left, right), (top, bottom) = edges
        return left, top, right, bottom


def find_faces(image: Image.Image) -> tuple[FoundFace, ...]:
    """The faces in an RGB picture, the largest first; none where MTCNN is sure of none.

    Faces narrower than `LEAST_FACE` pixels are not looked for. Raises OutOfMemory.
    """
    too_little = _("There is too little memory on {device} to find faces.").format(device="cpu")
    with forward_lock, enough_memory(torch.device("cpu"), too_little), torch.inference_mode():
        nets = _mtcnn()
        boxes = _proposals(nets.pnet, image)
        for net, side, likely in ((nets.rnet, R_SIDE, LIKELY[1]), (nets.onet, O_SIDE, SURE)):
            boxes = _squares(boxes)
            scores, shifts = _looked_at(net, image, boxes, side)
            sure = scores > likely
            boxes, scores = _shifted(boxes[sure], shifts[sure]), scores[sure]
            # Two boxes of one face that O-Net gives can lie one inside the other.
            kept = _best(boxes, scores, 0.7, inside=net is nets.onet)
            boxes, scores = boxes[kept], scores[kept]
    found = [FoundFace(tuple(box), score) for box, score in zip(boxes.tolist(), scores.tolist(), strict=True)]
    return tuple(sorted(found, key=lambda face: -face.area))


@cache
def _mtcnn() -> Mtcnn:
    nets = Mtcnn()
    nets.load_state_dict(load_file(FACE_DETECTOR))
    return nets.eval().requires_grad_(False)


def _proposals(net: nn.Module, image: Image.Image) -> Boxes:
    """What P-Net takes for faces, at every scale from the smallest face to the whole picture."""
    found, sure = [np.empty((0, 4))], [np.empty(0)]
    scale = CELL / LEAST_FACE
    while min(image.size) * scale >= CELL:
        size = int(image.width * scale + 1), int(image.height * scale + 1)
        scores, shifts = net(_input(image.resize(size, Image.Resampling.BOX)))
        cells = torch.nonzero(scores[0] > LIKELY[0])
        rows, columns = cells.T
        corners = STRIDE * cells.flip(1).double().numpy()  # (N, 2): x, y
        boxes = np.concatenate([np.floor((corners + 1) / scale), np.floor((corners + CELL) / scale)], axis=1)
        likely = scores[0, rows, columns].double().numpy()
        boxes = np.concatenate([boxes, shifts[0, :, rows, columns].T.double().numpy()], axis=1)
        kept = _best(boxes[:, :4], likely, 0.5)
        found.append(_shifted(boxes[kept, :4], boxes[kept, 4:]))
        sure.append(likely[kept])
        scale *= FACTOR
    boxes, likely = np.concatenate(found), np.concatenate(sure)
    return boxes[_best(boxes, likely, 0.7)]


def _looked_at(net: nn.Module, image: Image.Image, boxes: Boxes, side: int) -> tuple[Scores, Boxes]:
    """What R-Net or O-Net says of candidates: how likely each is a face, and how far its edges are off."""
    scores, shifts = [np.empty(0)], [np.empty((0, 4))]
    for start in range(0, len(boxes), BATCH):
        pieces = [_input(_cut(image, box, side)) for box in boxes[start : start + BATCH]]
        likely, moved = net(torch.cat(pieces))
        scores.append(likely.double().numpy())
        shifts.append(moved.double().numpy())
    return np.concatenate(scores), np.concatenate(shifts)


def _cut(image: Image.Image, box: NDArray[np.float64], side: int) -> Image.Image:
    """A box as a square picture; black where it reaches over the edges."""
    left, top, right, bottom = (int(edge) for edge in box)
    part = image.crop((left, top, max(right, left + 1), max(bottom, top + 1)))
    return part.resize((side, side), Image.Resampling.BILINEAR)


def _input(image: Image.Image) -> Tensor:
    """(1, 3, H, W) with values from -1 to 1."""
    pixels = torch.from_numpy(np.array(image, dtype=np.float32))
    return ((pixels - 127.5) / 128).permute(2, 0, 1)[None]


def _shifted(boxes: Boxes, shifts: Boxes) -> Boxes:
    """Boxes with their edges moved by shares of their width and height."""
    width_height = boxes[:, 2:] - boxes[:, :2]
    return boxes + shifts * np.concatenate([width_height, width_height], axis=1)


def _squares(boxes: Boxes) -> Boxes:
    """Squares on the middle of boxes, as wide as their longer side."""
    middle = (boxes[:, :2] + boxes[:, 2:]) / 2
    half = (boxes[:, 2:] - boxes[:, :2]).max(axis=1, keepdims=True, initial=0) / 2
    return np.concatenate([middle - half, middle + half], axis=1)


def _best(boxes: Boxes, scores: Scores, overlap: float, inside: bool = False) -> NDArray[np.int64]:
    """Which boxes stay when each takes away those that it overlaps and that are less likely.

    overlap: the most that two may share, of the area that they cover together, or `inside` the smaller one.
    """
    areas = (boxes[:, 2:] - boxes[:, :2]).prod(axis=1)
    waiting, kept = np.argsort(-scores, kind="stable"), []
    while len(waiting):
        best, others = waiting[0], waiting[1:]
        kept.append(best)
        low = np.maximum(boxes[best, :2], boxes[others, :2])
        high = np.minimum(boxes[best, 2:], boxes[others, 2:])
        shared = np.clip(high - low, 0, None).prod(axis=1)
        whole = np.minimum(areas[best], areas[others]) if inside else areas[best] + areas[others] - shared
        waiting = others[shared <= overlap * whole]
    return np.array(kept, dtype=np.int64)
