"""From a picture to a network's input, step by step."""

import numpy as np
import pandas as pd
import torch
from PIL import Image
from torch import Tensor

from ..weights.preprocessing import Preprocessing
from .crop import Box, Crop, Fit

WHOLE_CENTRE = Crop()  # what networks are tested on
BINS = 64


def crop_box(
    picture: tuple[int, int], size: tuple[int, int], preprocessing: Preprocessing, crop: Crop = WHOLE_CENTRE
) -> Box:
    """The part of a picture (width, height) that gets into a frame of `size` (height, width), in pixels of the picture.

    Padded and squashed it is all that was asked for. Of a centre, `crop` of what fits the frame is kept, as when the
    picture is scaled to size / crop and the centre is cut out. Raises CropError for a box outside the picture.
    """
    left, top, right, bottom = region = crop.region(*picture)
    if crop.fit is not Fit.CENTRE:
        return region
    height, width = size
    scale = max(height / (bottom - top), width / (right - left)) / preprocessing.crop
    left_of_centre = left + (right - left - width / scale) / 2
    above_centre = top + (bottom - top - height / scale) / 2
    return (
        max(left, left_of_centre),
        max(top, above_centre),
        min(left_of_centre + width / scale, right),
        min(above_centre + height / scale, bottom),
    )


def crop_and_resize(
    image: Image.Image, size: tuple[int, int], preprocessing: Preprocessing, crop: Crop = WHOLE_CENTRE
) -> Image.Image:
    """An RGB picture, or the part of it that `crop` names, at `size` (height, width) pixels.

    Cutting and scaling are one step, so that a long thin picture never grows large in between. Where the network
    learnt from smaller pictures, this one loses the detail they did not have on the way. Raises CropError for a box
    outside the picture.
    """
    height, width = size
    method = Image.Resampling[preprocessing.interpolation.upper()]
    box = crop_box(image.size, size, preprocessing, crop)
    detail = preprocessing.detail
    small = width, height
    if detail:
        small = round(width * detail / min(size)), round(height * detail / min(size))
    if crop.fit is Fit.PAD:
        seen = Image.new("RGB", small, padding_color(image, box))
        inner = padded_size(box, small)
        part = image.resize(inner, method, box=box)
        seen.paste(part, ((small[0] - inner[0]) // 2, (small[1] - inner[1]) // 2))
    else:
        seen = image.resize(small, method, box=box)
    return seen.resize((width, height), method) if detail else seen


def padded_size(box: Box, frame: tuple[int, int]) -> tuple[int, int]:
    """(width, height) of a part of a picture that is as large as fits a frame of (width, height) undistorted."""
    left, top, right, bottom = box
    scale = min(frame[0] / (right - left), frame[1] / (bottom - top))
    return max(1, round(scale * (right - left))), max(1, round(scale * (bottom - top)))


def padding_color(image: Image.Image, box: Box) -> tuple[int, int, int]:
    """Red, green and blue from 0 to 255: the mean colour of a part of an RGB picture.

    On photographs cut to long and to high shapes, the networks that come with the app were right more often with it
    than with grey, black or white.
    """
    red, green, blue = image.resize((1, 1), Image.Resampling.BOX, box=box).getpixel((0, 0))  # type: ignore[misc]
    return red, green, blue


def lost_share(picture: tuple[int, int], size: tuple[int, int], preprocessing: Preprocessing, crop: Crop) -> float:
    """Which share of the part that was asked for of a picture (width, height) is cut off, from 0 to 1."""
    return 1 - _area(crop_box(picture, size, preprocessing, crop)) / _area(crop.region(*picture))


def stretch(picture: tuple[int, int], size: tuple[int, int], crop: Crop) -> float:
    """How many times as wide, against its height, a part of a picture (width, height) is when it has been squashed."""
    left, top, right, bottom = crop.region(*picture)
    height, width = size
    return (width / (right - left)) / (height / (bottom - top))


def framed(
    image: Image.Image, size: tuple[int, int], preprocessing: Preprocessing, crop: Crop = WHOLE_CENTRE
) -> Image.Image:
    """The whole picture with what the network does not get darkened, at most 640 pixels a side.

    Where it is padded, with the padding: RGBA then, as the corners beside picture and padding show nothing.
    """
    seen = crop_box(image.size, size, preprocessing, crop)
    frame = _frame_round(seen, size) if crop.fit is Fit.PAD else seen
    whole = min(0.0, frame[0]), min(0.0, frame[1]), max(image.width, frame[2]), max(image.height, frame[3])
    scale = min(1.0, 640 / max(whole[2] - whole[0], whole[3] - whole[1]))

    def place(box: Box) -> tuple[int, int, int, int]:
        left, top, right, bottom = (round(scale * (edge - whole[i % 2])) for i, edge in enumerate(box))
        return left, top, max(right, left + 1), max(bottom, top + 1)

    small = image.resize((max(1, round(scale * image.width)), max(1, round(scale * image.height))), reducing_gap=2)
    shown = Image.new("RGBA", place(whole)[2:])
    dark = Image.blend(small, Image.new("RGB", small.size), 1 - 110 / 255)
    corner = place((0, 0, image.width, image.height))[:2]
    shown.paste(dark, corner)
    if crop.fit is Fit.PAD:
        shown.paste(padding_color(image, seen), place(frame))
    lit = place(seen)
    shown.paste(small.crop((lit[0] - corner[0], lit[1] - corner[1], lit[2] - corner[0], lit[3] - corner[1])), lit)
    return shown if crop.fit is Fit.PAD else shown.convert("RGB")


def _frame_round(box: Box, size: tuple[int, int]) -> Box:
    """The frame of `size` (height, width) into which a part of a picture is padded, in pixels of the picture."""
    left, top, right, bottom = box
    scale = max((bottom - top) / size[0], (right - left) / size[1])
    x, y, across, down = (left + right) / 2, (top + bottom) / 2, scale * size[1] / 2, scale * size[0] / 2
    return x - across, y - down, x + across, y + down


def _area(box: Box) -> float:
    left, top, right, bottom = box
    return (right - left) * (bottom - top)


def to_input(image: Image.Image, preprocessing: Preprocessing) -> Tensor:
    """(1, 3, H, W) float32 input of an RGB picture that has the network's size."""
    pixels = torch.from_numpy(np.array(image, dtype=np.float32))
    mean, std = (torch.tensor(numbers, dtype=torch.float32) for numbers in (preprocessing.mean, preprocessing.std))
    return ((pixels - mean) / std).permute(2, 0, 1)[None]


def value_counts(prepared: Image.Image, preprocessing: Preprocessing) -> pd.DataFrame:
    """How many pixels of a prepared picture have which normalised value: columns value, red, green, blue.

    The bins are the same for all three colours and go from the least value that any of them can take to the greatest.
    """
    values = to_input(prepared, preprocessing)[0].numpy()
    mean, std = np.array(preprocessing.mean), np.array(preprocessing.std)
    black, white = ((value - mean) / std for value in (0, 255))
    edges = np.linspace(black.min(), white.max(), BINS + 1)
    values = values.clip(edges[0], edges[-1])  # the input is float32, so black and white can lie just outside
    counts = {name: np.histogram(plane, edges)[0] for name, plane in zip(("red", "green", "blue"), values, strict=True)}
    return pd.DataFrame({"value": (edges[:-1] + edges[1:]) / 2, **counts})
