"""Pictures as they go into training: scaled up from 32 pixels, and varied.

Varied pictures serve two needs: there are more of them, and networks do not come to rely on the exact look of
32-pixel pictures, because readers' photographs come from other cameras and are scaled by other filters.
"""

import random
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

LEAST_DETAIL = 16  # pixels of a side that a blurred picture keeps at least
FILTERS = ("bilinear", "bicubic")


@dataclass(frozen=True)
class Variation:
    """How far pictures are varied."""

    zoom: tuple[float, float]  # least and greatest side of the part that is cut out, as a share of the picture's side
    stretch: float  # the largest logarithm of the aspect ratio
    shift: float  # of the centre at most, as a share of half the side, besides the room that zooming in leaves
    light: float  # the largest share by which brightness, contrast and saturation vary
    blurred: float  # share of the batches that lose detail first


STRONG = Variation(zoom=(0.65, 1.15), stretch=0.15, shift=0.125, light=0.25, blurred=0.2)
MILD = Variation(zoom=(0.85, 1.1), stretch=0.05, shift=0.1, light=0.1, blurred=0.0)


def scale_up(pictures: Tensor, size: int) -> Tensor:
    """(N, 3, H, W) uint8 to (N, 3, size, size) float32 from -1 to 1: bicubic, with Pillow's filter."""
    x = F.interpolate(pictures.float(), (size, size), mode="bicubic", antialias=True).clamp(0, 255)
    return (x - 127.5) / 127.5


def augmented(pictures: Tensor, size: int, generator: torch.Generator, variation: Variation = STRONG) -> Tensor:
    """(N, 3, H, W) uint8 to (N, 3, size, size) float32 from -1 to 1, each picture cut, mirrored and lit at random.

    The filter of the enlargement and, in a share of batches, the detail left beforehand vary from batch to batch.
    """
    n = len(pictures)
    choice = random.Random(int(torch.randint(2**62, (1,), generator=generator)))
    x = pictures.float() / 127.5 - 1
    if choice.random() < variation.blurred:
        detail = choice.randint(LEAST_DETAIL, x.shape[-1] - 1)
        x = F.interpolate(x, (detail, detail), mode="bilinear", antialias=True)

    def uniform(low: float, high: float) -> Tensor:
        return torch.empty(n).uniform_(low, high, generator=generator)

    zoom = uniform(*variation.zoom)
    stretch = uniform(-variation.stretch, variation.stretch).exp().sqrt()
    room = (1 - zoom).clamp(min=0) + variation.shift
    theta = torch.zeros(n, 2, 3)
    theta[:, 0, 0] = zoom * stretch * torch.where(uniform(0, 1) < 0.5, -1.0, 1.0)
    theta[:, 1, 1] = zoom / stretch
    theta[:, 0, 2] = uniform(-1, 1) * room
    theta[:, 1, 2] = uniform(-1, 1) * room
    grid = F.affine_grid(theta, [n, 3, size, size], align_corners=False).to(x.device)
    x = F.grid_sample(x, grid, mode=choice.choice(FILTERS), padding_mode="reflection", align_corners=False)

    def factor() -> Tensor:
        return uniform(1 - variation.light, 1 + variation.light)[:, None, None, None].to(x.device)

    grey = x.mean(dim=1, keepdim=True)
    x = grey + (x - grey) * factor()
    mean = x.mean(dim=(1, 2, 3), keepdim=True)
    x = mean + (x - mean) * factor()
    return ((x + 1) * factor() - 1).clamp(-1, 1)
