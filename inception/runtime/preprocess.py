"""From a picture to a network's input, step by step."""

import numpy as np
import pandas as pd
import torch
from PIL import Image, ImageDraw
from torch import Tensor

from ..weights.preprocessing import Preprocessing

Box = tuple[float, float, float, float]

BINS = 64


def crop_box(image: Image.Image, size: tuple[int, int], preprocessing: Preprocessing) -> Box:
    """The part of a picture that ends up in the frame of `size` (height, width): left, top, right, bottom in pixels.

    `crop` of what fits the frame is kept, as when the picture is scaled to size / crop and the centre is cut out.
    """
    height, width = size
    scale = max(height / image.height, width / image.width) / preprocessing.crop
    left, top = (image.width - width / scale) / 2, (image.height - height / scale) / 2
    return (
        max(0.0, left),
        max(0.0, top),
        min(left + width / scale, image.width),
        min(top + height / scale, image.height),
    )


def crop_and_resize(image: Image.Image, size: tuple[int, int], preprocessing: Preprocessing) -> Image.Image:
    """The centre of an RGB picture, undistorted, at `size` (height, width) pixels.

    Cutting and scaling are one step, so that a long thin picture never grows large in between. Where the network
    learnt from smaller pictures, this one loses the detail they did not have on the way.
    """
    height, width = size
    box = crop_box(image, size, preprocessing)
    method = Image.Resampling[preprocessing.interpolation.upper()]
    if preprocessing.detail:
        short = min(size)
        small = round(width * preprocessing.detail / short), round(height * preprocessing.detail / short)
        return image.resize(small, method, box=box).resize((width, height), method)
    return image.resize((width, height), method, box=box)


def framed(image: Image.Image, size: tuple[int, int], preprocessing: Preprocessing) -> Image.Image:
    """The whole picture with what `crop_and_resize` leaves out darkened, at most 640 pixels a side."""
    scale = min(1.0, 640 / max(image.size))
    left, top, right, bottom = (scale * edge for edge in crop_box(image, size, preprocessing))
    small = image.resize((max(1, round(scale * image.width)), max(1, round(scale * image.height))), reducing_gap=2)
    mask = Image.new("L", small.size, 110)
    ImageDraw.Draw(mask).rectangle((left, top, right - 1, bottom - 1), fill=255)
    return Image.composite(small, Image.new("RGB", small.size), mask)


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
