"""Receptive fields of single kinds of layer, each cell against gradients: the right one, or none and the right reason.

Weights are positive and computed in float64, so that nothing cancels.
"""

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from inception import LayerGraph, trace

from .test_random_networks import Function, made_positive

SIDE = 20  # pixels of the picture
Text = tuple[str, str, str]

MIRRORED = "cells near the border depend on pixels that are mirrored into the padding"
ROUND = "the padding goes round to the other side of the picture"
CROPPED = "every cell also depends on padding inside the picture, beside a crop"
UNEVEN = "cells beside each other depend on boxes that do not move on regularly"
DIFFERENT = "cells beside each other depend on boxes of different form"


def conv(kernel: int, stride: int = 1, padding: int = 0, mode: Any = "zeros") -> nn.Conv2d:
    return nn.Conv2d(2, 2, kernel, stride, padding, padding_mode=mode)


def after(change: Callable[[Tensor], Tensor], *layers: nn.Module) -> nn.Sequential:
    return nn.Sequential(Function(change), *layers)


def unfolded(grid: int, **window: int) -> nn.Sequential:
    return after(lambda x: F.unfold(x, **window).unflatten(2, (grid, grid)))


# Each behind a 1x1 convolution to two channels: (size, stride, offset) in both directions, or the reason for none.
FIELDS: dict[str, tuple[nn.Module, Text | str]] = {
    "mirrored once": (conv(3, 1, 1, "reflect"), ("3", "1", "-1")),
    "mirrored twice": (nn.Sequential(conv(3, 2, 1, "reflect"), conv(3, 1, 1, "reflect")), ("7", "2", "-3")),
    "mirrored far": (nn.Sequential(nn.ReflectionPad2d(3), conv(3)), MIRRORED),
    "mirrored far, read later": (nn.Sequential(nn.ReflectionPad2d(3), conv(3), conv(3), conv(3)), ("7", "1", "-3")),
    "replicated": (nn.Sequential(nn.ReplicationPad2d(2), conv(3)), ("3", "1", "-2")),
    "replicated too far": (nn.ReplicationPad2d(1), MIRRORED),
    "round": (conv(3, 1, 1, "circular"), ROUND),
    "round, as a function": (after(lambda x: F.pad(x, (1, 1, 1, 1), mode="circular")), ROUND),
    "round, then all": (nn.Sequential(nn.CircularPad2d(1), nn.AdaptiveAvgPool2d(1)), (str(SIDE), "0", "0")),
    "unfolded": (unfolded(18, kernel_size=3), ("3", "1", "0")),
    "unfolded in steps": (unfolded(10, kernel_size=3, dilation=2, padding=2, stride=2), ("5", "2", "-2")),
    "resized by 1.5": (nn.Upsample(scale_factor=1.5), "resized by a factor that is no whole number"),
    "resized, then all": (nn.Sequential(nn.Upsample(scale_factor=1.5), nn.AdaptiveAvgPool2d(1)), (str(SIDE), "0", "0")),
    "corners on corners": (
        after(lambda x: F.interpolate(x[..., 1:, 1:], size=10, mode="bilinear", align_corners=True)), ("1", "2", "1")
    ),
    "transposed": (nn.ConvTranspose2d(2, 2, 3, 1, 1), ("3", "1", "-1")),
    "transposed, stride 2": (nn.ConvTranspose2d(2, 2, 4, 2, 1), UNEVEN),
    "transposed, odd": (nn.ConvTranspose2d(2, 2, 3, 2), DIFFERENT),
    "random slope": (nn.RReLU(), ("1", "1", "0")),
    "padding beside a crop": (after(lambda x: F.pad(x[..., 4:-4, 4:-4], (2, 2, 2, 2)), conv(3)), ("3", "1", "2")),
    "all beside a crop": (
        after(lambda x: F.pad(x[..., 4:-4, 4:-4], (2, 2, 2, 2)), nn.AvgPool2d(16)), ("12", "16", "4")
    ),
    "halves beside a crop": (after(lambda x: F.pad(x[..., 4:-4, 4:-4], (2, 2, 2, 2)), nn.AvgPool2d(8)), CROPPED),
    "negative padding": (after(lambda x: F.pad(x, (-2, 0, -2, 0))), ("1", "1", "2")),
}  # fmt: skip


def assert_seen(network: nn.Module, graph: LayerGraph) -> None:
    """No cell sees a pixel outside of its box, and some cell sees as much as the box has inside the picture."""
    field = graph.receptive_fields[-1]
    assert field is not None
    x = torch.rand(1, 1, SIDE, SIDE, dtype=torch.float64, requires_grad=True)
    out = network(x)
    for axis in (0, 1):
        exact = False
        for cell in range(out.shape[2 + axis]):
            (gradient,) = torch.autograd.grad(out.select(2 + axis, cell).sum(), x, retain_graph=True)
            places = gradient[0, 0].any(1 - axis).nonzero()
            start = field.offset[axis] + cell * field.stride[axis]
            end = start + field.size[axis]
            if len(places):
                first, last = int(places[0]), int(places[-1])
                assert start <= first
                assert last < end
                exact |= (first, last) == (max(0, start), min(SIDE, end) - 1)
        assert exact


def test_fields_of_kinds_equal_gradients() -> None:
    for name, (layer, expected) in FIELDS.items():
        network = made_positive(nn.Sequential(nn.Conv2d(1, 2, 1), layer))
        graph = trace(network, SIDE)
        row = graph.table().iloc[-1]
        if isinstance(expected, str):
            assert (graph.layers[-1].field, graph.layers[-1].field_note) == (None, expected), name
            continue
        size, stride, offset = expected
        assert (row["rf"], row["rf_stride"], row["rf_offset"]) == (f"{size}x{size}", stride, offset), name
        assert_seen(network, graph)
