"""The few modules every network of this package is made of.

Padding is written as in the paper and TF-Slim: ``"same"`` (zeros keep the grid size) or ``"valid"``
(no zeros; marked *V* in the paper's figures). Blocks take the paper's channels and a `channel_scaler`,
so that one description serves every width.
"""

import math
from collections import OrderedDict
from collections.abc import Callable, Sequence
from string import ascii_lowercase
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..errors import InputError
from ..words import _

BATCH_NORM_EPS = 1e-3  # TF-Slim's value; timm and facenet-pytorch keep it

MOST_REPEATS = 25  # blocks of one kind in a row; TF-Slim's names run out of letters after that

Kernel = int | tuple[int, int]
Repeats = tuple[int, int, int]
Scaler = Callable[[int], int]


def channel_scaler(width: float) -> Scaler:
    """A function from the paper's number of channels to that of a network of this width, at least 1.

    width: multiplies all channel counts, like the alpha of MobileNet.
    Raises ValueError unless ``0 < width``.
    """
    if not (isinstance(width, int | float) and 0 < width < math.inf):
        raise InputError(_("width must be a number above 0, not {value!r}").format(value=width))
    return lambda channels: max(1, round(channels * width))


def check_repeats(repeats: Repeats) -> Repeats:
    """`repeats` as three whole numbers from 1 to 25; raises ValueError otherwise."""
    if not (
        isinstance(repeats, Sequence)
        and len(repeats) == 3
        and all(isinstance(n, int) and 1 <= n <= MOST_REPEATS for n in repeats)
    ):
        sentence = _("repeats must be three whole numbers from 1 to {most}, not {value!r}")
        raise InputError(sentence.format(most=MOST_REPEATS, value=repeats))
    return repeats[0], repeats[1], repeats[2]


def check_count(name: str, value: int, least: int) -> None:
    """Raises ValueError unless the override `name` is a whole number from `least`."""
    if not (isinstance(value, int) and value >= least):
        sentence = _("{name} must be a whole number from {least}, not {value!r}")
        raise InputError(sentence.format(name=name, least=least, value=value))


class ConvUnit(nn.Module):
    """Convolution, batch norm, ReLU: what the paper and TF-Slim call one convolution.

    (N, in_channels, H, W) to (N, out_channels, H', W'). The convolution has no bias, because batch norm
    would subtract it again; ``bias=True`` exists for variants that spend those parameters nevertheless.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Kernel,
        stride: int = 1,
        padding: str = "same",
        bias: bool = False,
    ):
        super().__init__()
        self.conv = nn.Conv2d(in_channels, out_channels, kernel_size, stride, padding, bias=bias)
        self.bn = nn.BatchNorm2d(out_channels, eps=BATCH_NORM_EPS)
        self.relu = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        return self.relu(self.bn(self.conv(x)))


def max_pool() -> nn.MaxPool2d:
    """The paper's only max pool: 3x3, stride 2, VALID."""
    return nn.MaxPool2d(kernel_size=3, stride=2)


def avg_pool(count_zeros: bool = False) -> nn.AvgPool2d:
    """The average pool inside blocks: 3x3, stride 1, SAME.

    count_zeros: at the border part of the window lies on padded zeros. False leaves them out of the mean, as
    TensorFlow does; True divides by nine everywhere, as timm and torchvision do in Inception-v3.
    """
    return nn.AvgPool2d(kernel_size=3, stride=1, padding=1, count_include_pad=count_zeros)


class Concat(nn.Module):
    """Joins (N, C_i, H, W) tensors along the channels: the figures' *filter concat*."""

    def forward(self, *branches: Tensor) -> Tensor:
        return torch.cat(branches, dim=1)


class ResidualSum(nn.Module):
    """``shortcut + scale * residual``, both (N, C, H, W).

    Section 3.3 scales residuals by 0.1 to 0.3 because networks with more than about 1000 filters
    otherwise "die" early in training (Fig. 20).
    """

    def __init__(self, scale: float):
        super().__init__()
        self.scale = scale

    def forward(self, shortcut: Tensor, residual: Tensor) -> Tensor:
        return shortcut + self.scale * residual

    def extra_repr(self) -> str:
        return f"scale={self.scale}"


class L2Normalize(nn.Module):
    """Scales every row of (N, C) to length 1, so that distances between embeddings compare directions."""

    def forward(self, x: Tensor) -> Tensor:
        return F.normalize(x, p=2.0, dim=1)


class Branch(nn.Sequential):
    """Layers in a row under TF-Slim's names, given as keywords in order of execution."""

    def __init__(self, **layers: nn.Module):
        super().__init__(OrderedDict(layers))


class Parallel(nn.Module):
    """Branches side by side on the same (N, C, H, W) input, their outputs concatenated."""

    def __init__(self, **branches: nn.Module):
        super().__init__()
        self.branches = tuple(branches)
        for name, branch in branches.items():
            self.add_module(name, branch)
        self.concat = Concat()

    def forward(self, x: Tensor) -> Tensor:
        return self.concat(*[getattr(self, name)(x) for name in self.branches])


class Stage(nn.Sequential):
    """Consecutive blocks that the paper gives one name (`title`), e.g. *Inception-ResNet-A*."""

    out_channels: int

    def __init__(self, title: str, **blocks: nn.Module):
        super().__init__(OrderedDict(blocks))
        self.title = title


def mixed_names(grid: int, count: int) -> list[str]:
    """TF-Slim's names of `count` equal blocks: Mixed_5b, Mixed_5c, ... (the letter a is the reduction's)."""
    return [f"Mixed_{grid}{letter}" for letter in ascii_lowercase[1 : 1 + count]]


def block_stage(title: str, names: Sequence[str], make_block: Callable[[int], Any], in_channels: int) -> Stage:
    """A stage of blocks of one kind, each fed by the one before. `make_block` gets a block's input channels."""
    blocks = {}
    for name in names:
        blocks[name] = make_block(in_channels)
        in_channels = blocks[name].out_channels
    stage = Stage(title, **blocks)
    stage.out_channels = in_channels
    return stage
