"""What the residual scale does: shortcut and residual measured at every residual sum of a network (section 3.3).

The paper scales residuals by 0.1 to 0.3 before it adds them, because wide networks otherwise "died" early in
training: the last layer before the average pool gave nothing but zeros. `ResidualInstrument` runs a network on a
picture with any scales and reports what every sum added to what; `recording` does so during any forward pass.
"""

import hashlib
import random
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, Literal, NamedTuple

import pandas as pd
import torch
from cachetools import LRUCache
from PIL import Image, ImageOps
from torch import Tensor, nn

from ..models.inception_resnet import INCEPTION_RESNET_V2, ResidualBlock
from ..models.layers import ConvUnit
from ..models.surgery import Scales, get_scales, residual_blocks, set_scales
from ..runtime.predictor import Predictor
from ..runtime.private_copy import private_copy

Norm = Literal["batch", "running"]
Row = dict[str, Any]

UNSCALED: Scales = (1.0, 1.0, 1.0)
RELEASED: Scales = INCEPTION_RESNET_V2.scales
COLUMNS = {
    "index": "int64",
    "stage": "str",
    "block": "str",
    "kind": "str",
    "relu": "bool",
    "scale": "float64",
    "shortcut_norm": "float64",
    "residual_norm": "float64",
    "ratio": "float64",
    "mean": "float64",
    "spread": "float64",
    "channels": "int64",
    "dead": "int64",
    "dead_share": "float64",
    "cells": "int64",
}
PIXELS = 8 * 75 * 75  # of all views of one measurement together
SMALLEST_CROP = 0.5  # side of a random crop, as a share of the largest that fits
KEPT_BYTES = 64 * 2**20  # of stage outputs that wait for the next measurement


@contextmanager
def recording(model: nn.Module) -> Iterator[list[Row]]:
    """While open, every forward pass of `model` appends one row for each residual sum; see `profile_table`."""
    rows: list[Row] = []
    hooks = []
    for path, block in residual_blocks(model).items():
        stage, _, name = path.rpartition(".")
        names: Row = {"stage": model.get_submodule(stage).title, "block": name, "kind": block.kind}
        hooks += [
            block.residual_sum.register_forward_hook(
                lambda sum, inputs, output, names=names: rows.append(names | _sum_row(sum.scale, inputs, output))
            ),
            block.register_forward_hook(
                lambda block, _inputs, output: rows[-1].update(
                    {"index": len(rows), "relu": block.relu is not None, **_dead(output)}
                )
            ),
        ]
    try:
        yield rows
    finally:
        for hook in hooks:
            hook.remove()


@torch.no_grad()
def _sum_row(scale: float, summands: tuple[Tensor, Tensor], total: Tensor) -> Row:
    shortcut, residual = summands
    pictures, channels = total.shape[:2]
    shortcut_norm = shortcut.norm().item() / pictures**0.5
    residual_norm = scale * residual.norm().item() / pictures**0.5
    mean = total.mean()
    return {
        "scale": scale,
        "shortcut_norm": shortcut_norm,
        "residual_norm": residual_norm,
        "ratio": residual_norm / shortcut_norm if shortcut_norm else float("nan"),
        "mean": mean.item(),
        "spread": (total - mean).norm().item() / total.numel() ** 0.5,  # in half the time of Tensor.std
        "channels": channels,
        "cells": total.numel() // channels,
    }


@torch.no_grad()
def _dead(output: Tensor) -> Row:
    largest = output.abs().amax(dim=(0, 2, 3))
    dead = len(largest) - int(largest.count_nonzero())
    return {"dead": dead, "dead_share": dead / len(largest)}


def profile_table(rows: list[Row]) -> pd.DataFrame:
    """What `recording` wrote, as a table: one row a residual sum in order, columns and types as in `COLUMNS`.

    stage is the paper's name, block TF-Slim's, kind A, B or C; relu: whether a ReLU follows the sum.
    shortcut_norm, residual_norm: Euclidean norms of the two summands for one picture (root of the mean square over
    the batch), the residual after its scale; ratio: the second over the first, not a number if the shortcut is 0.
    mean, spread: mean and standard deviation of the sum, before the ReLU.
    dead: how many of the `channels` are 0 in all `cells` (pictures x height x width) behind the ReLU; dead_share:
    dead / channels.
    """
    return pd.DataFrame(rows, columns=list(COLUMNS)).astype(COLUMNS)


class ProfileSummary(NamedTuple):
    """A table of `profile_table` in five numbers."""

    median_ratio: float  # of the scaled residual over the shortcut
    first_spread: float  # standard deviation of the first sum
    last_spread: float  # and of the last one
    dead: int  # channels that are 0 everywhere, of all sums
    channels: int  # of all sums


def summarise(profile: pd.DataFrame) -> ProfileSummary:
    """What a table of `profile_table` comes to."""
    spread = profile["spread"]
    return ProfileSummary(
        float(profile["ratio"].median()),
        float(spread.iloc[0]),
        float(spread.iloc[-1]),
        int(profile["dead"].sum()),
        int(profile["channels"].sum()),
    )


def random_crop(image: Image.Image, size: tuple[int, int], random: random.Random) -> Image.Image:
    """A part of an RGB picture at `size` (height, width), undistorted: anywhere, from half its side, maybe mirrored."""
    height, width = size
    scale = random.uniform(SMALLEST_CROP, 1) * min(image.height / height, image.width / width)
    left = random.uniform(0, image.width - scale * width)
    top = random.uniform(0, image.height - scale * height)
    crop = image.resize((width, height), box=(left, top, left + scale * width, top + scale * height))
    return ImageOps.mirror(crop) if random.random() < 0.5 else crop


class ResidualInstrument:
    """Measures a network's residual sums under any scales, without touching the network.

    scales: as the network was built. rectified: whether residuals pass a ReLU before the sum, so that none is below 0.
    token: tells it from all other instruments, also from those that are gone.

    It works on a private copy of the modules, in float32, so any number of sessions may use one instrument, and the
    network elsewhere at the same time. Raises ResidualError for a network without residual sums.
    """

    def __init__(self, network: Predictor):
        self.network, self.token = network, secrets.token_hex(8)
        self.scales = get_scales(network.model)
        self.rectified = all(isinstance(b.Conv2d_1x1, ConvUnit) for b in residual_blocks(network.model).values())
        self._model = private_copy(network)
        self._norms = [module for module in self._model.modules() if isinstance(module, nn.BatchNorm2d)]
        for norm in self._norms:
            norm.track_running_stats = False  # the running statistics are the network's: never updated here
        stages = [list(stage.modules()) for stage in self._model.children()]
        last = max(i for i, modules in enumerate(stages) if any(isinstance(m, ResidualBlock) for m in modules))
        self._stages = list(self._model.children())[: last + 1]
        # What each stage gave, and the rows of its sums; only whoever has the turn touches it.
        self._kept: LRUCache[tuple[object, ...], tuple[Tensor, list[Row]]] = LRUCache(
            KEPT_BYTES, lambda kept: kept[0].nbytes
        )

    def views(self, image: Image.Image, size: tuple[int, int]) -> list[Image.Image]:
        """What is measured of an RGB picture at `size` (height, width): what the network sees, then random crops.

        Together they have at most the pixels of eight 75x75 pictures, the smallest these networks take: 1 view from
        151 px up, 8 at 75 px. A small picture ends in a grid of one cell: with several views a channel at 0 says more
        than that one cell was at 0, and batch norm has a spread to divide by. The crops are always the same for the
        same picture and size.
        """
        count = max(1, PIXELS // (size[0] * size[1]))
        generator = random.Random(0)
        return [self.network.prepare(image, size), *(random_crop(image, size, generator) for _ in range(count - 1))]

    def measure(self, views: list[Image.Image], scales: Scales, norm: Norm) -> pd.DataFrame:
        """The `profile_table` of one pass of `views`, RGB pictures of one size, under scales from 0 to 1.

        norm "batch": batch norm uses the mean and variance of these views, as in the first step of training. "running":
        it uses those stored in the network, as when the network is used. A network fresh from its initialisation has
        0 and 1 stored: nothing is normalised then, and as PyTorch's initial weights shrink what passes through them,
        the signal fades. So "batch" shows what training starts from, "running" what loaded weights do.

        The views run through the network stage by stage; stages that nothing changed for are not run again.
        Raises ResidualError for scales out of range, OutOfMemory.
        """
        pixels = hashlib.sha256(b"".join(view.tobytes() for view in views)).digest()
        key: tuple[object, ...] = (pixels, views[0].size, norm)
        with self.network.turn(), torch.inference_mode(), recording(self._model) as rows:
            x = torch.cat([self.network.to_input(view) for view in views]).float()
            set_scales(self._model, scales)
            for module in self._norms:
                module.train(norm == "batch")
            for stage in self._stages:
                blocks = [block for block in stage.children() if isinstance(block, ResidualBlock)]
                key = (*key, *(block.residual_sum.scale for block in blocks), "end of stage")
                if key in self._kept:
                    x, known = self._kept[key]
                    rows += known
                else:
                    before = len(rows)
                    x = stage(x)
                    with suppress(ValueError):  # an output larger than the whole cache is not kept
                        self._kept[key] = x, rows[before:]
        return profile_table(rows)
