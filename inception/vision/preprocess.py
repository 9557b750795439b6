"""From a picture to a network's input, step by step."""

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from ..models.weights import Preprocessing


def crop_and_resize(image: Image.Image, size: tuple[int, int], preprocessing: Preprocessing) -> Image.Image:
    """The centre of an RGB picture, undistorted, at `size` (height, width) pixels.

    `crop` of what fits the frame is kept, as when the picture is scaled to size / crop and the centre is cut out.
    Cutting and scaling are one step, so that a long thin picture never grows large in between.
    """
    height, width = size
    scale = max(height / image.height, width / image.width) / preprocessing.crop
    left, top = (image.width - width / scale) / 2, (image.height - height / scale) / 2
    box = (
        max(0.0, left),
        max(0.0, top),
        min(left + width / scale, image.width),
        min(top + height / scale, image.height),
    )
    return image.resize((width, height), Image.Resampling[preprocessing.interpolation.upper()], box=box)


def to_input(image: Image.Image, preprocessing: Preprocessing) -> Tensor:
    """(1, 3, H, W) float32 input of an RGB picture that has the network's size."""
    pixels = torch.from_numpy(np.array(image, dtype=np.float32))
    return ((pixels - preprocessing.mean) / preprocessing.std).permute(2, 0, 1)[None]
