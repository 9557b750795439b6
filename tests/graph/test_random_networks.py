"""Random networks of all kinds of layer: parameters, multiply-accumulates and fields against what PyTorch itself says.

Weights are positive and computed in float64, so that nothing cancels: a pixel has a gradient exactly if a path leads
from it to the cell. A field may be blank, with a reason; it may not be wrong.
"""

import random
from collections.abc import Callable
from itertools import product

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from inception import LayerGraph, trace

Conv = nn.Conv2d
SEEDS = 100


class Function(nn.Module):
    def __init__(self, function: Callable[[Tensor], Tensor]):
        super().__init__()
        self.function = function

    def forward(self, x: Tensor) -> Tensor:
        return self.function(x)


class Residual(nn.Sequential):
    def forward(self, x: Tensor) -> Tensor:
        return x + super().forward(x)


class Branches(nn.Module):
    def __init__(self, *branches: nn.Module):
        super().__init__()
        self.branches = nn.ModuleList(branches)

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([branch(x) for branch in self.branches], 1)


class Attention(nn.Module):
    """Over the cells of the grid, each a token."""

    def __init__(self, channels: int):
        super().__init__()
        self.inner = nn.MultiheadAttention(channels, 1, batch_first=True)

    def forward(self, x: Tensor) -> Tensor:
        tokens = x.flatten(2).transpose(1, 2)
        tokens = self.inner(tokens, tokens, tokens)[0]
        return tokens.transpose(1, 2).unflatten(2, x.shape[2:])


def pair(dice: random.Random, least: int, most: int) -> tuple[int, int]:
    return dice.randint(least, most), dice.randint(least, most)


def layers(dice: random.Random, channels: int, height: int, width: int) -> list[nn.Module]:
    """A layer of each kind for this grid; some do not fit it."""
    a, b, half = dice.randint(0, 3), dice.randint(1, 3), dice.randint(0, 1)
    pad = (dice.randint(0, 2), dice.randint(0, 2), 1, 0)
    factors: list[tuple[float, ...]] = [(2, 2), (1, 2), (3, 3)]
    up = dice.choice([(2, 2, 0), (4, 2, 1), (3, 1, 1), (3, 3, 0)])
    return [
        Conv(channels, dice.choice([2, 4]), pair(dice, 1, 3), pair(dice, 1, 2), pair(dice, 0, 1)),
        Conv(channels, channels, pair(dice, 1, 4), padding="same"),
        Conv(channels, 2 * channels, pair(dice, 1, 3), pair(dice, 1, 2), groups=channels),
        Conv(channels, 4, 3, 1, 1, groups=2 - channels % 2),
        Conv(channels, channels, pair(dice, 1, 3), 1, pair(dice, 0, 2), pair(dice, 1, 2)),
        nn.ConvTranspose2d(channels, channels, *up),
        nn.AvgPool2d(pair(dice, 2, 3), pair(dice, 1, 3), 1),
        nn.AvgPool2d(3, 2, 1, count_include_pad=False),
        nn.LPPool2d(1, 2),
        nn.Upsample(scale_factor=dice.choice(factors)),
        nn.Upsample(scale_factor=2, mode="bilinear"),
        nn.PixelUnshuffle(2),
        nn.PixelShuffle(2),
        nn.ChannelShuffle(2 - channels % 2),
        nn.BatchNorm2d(channels),
        dice.choice([nn.Softplus(), nn.SiLU(), nn.ELU(), nn.Sigmoid(), nn.Dropout(), nn.GELU(), nn.Hardswish()]),
        Function(lambda x: x[:, :, a::b]),
        Function(lambda x: x[..., 1:-2, 2:-1]),
        Function(lambda x: x.chunk(2, 1)[half]),
        Function(lambda x: x.chunk(2, 2)[half]),
        Function(lambda x: F.pad(x, pad)),
        Function(lambda x: F.pad(x, (-1, 0, 0, -1))),
        Function(lambda x: x.flip(3)),
        Function(lambda x: torch.roll(x, (1, 2), (2, 3))),
        Function(lambda x: torch.cat(x.split([height // 2, height - height // 2], 2), 2)),
        Function(lambda x: x.permute(0, 2, 3, 1).flatten(1, 2).transpose(1, 2).unflatten(2, (height, width))),
        Function(lambda x: x * x.mean((2, 3), keepdim=True)),
        nn.GroupNorm(1, channels),
        Attention(channels) if height * width < 200 else nn.Identity(),
        Residual(Conv(channels, channels, 3, padding=1), nn.BatchNorm2d(channels)),
        Branches(Conv(channels, 2, 1), Conv(channels, 2, 3, padding=1), nn.AvgPool2d((1, 3), 1, (0, 1))),
    ]


def made_positive(network: nn.Module) -> nn.Module:
    network.double().eval()
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            if parameter.dim() > 1:
                parameter.uniform_(0.5, 1).div_(parameter[0].numel())
            elif name.endswith("bias"):
                parameter.zero_()
    return network


def random_network(seed: int) -> tuple[nn.Module, tuple[int, int]]:
    """Two to five layers that fit one another behind a first 1x1 convolution."""
    dice = random.Random(seed)
    torch.manual_seed(seed)
    size = dice.choice([(24, 28), (16, 16), (25, 30)])
    network = nn.Sequential(Conv(1, 2, 1))
    x = torch.rand(1, 2, *size)
    for _ in range(dice.randint(2, 5)):
        layer = dice.choice(layers(dice, *x.shape[1:]))
        try:
            with torch.no_grad():
                y = layer.eval()(x)
        except RuntimeError:
            continue
        if min(y.shape) > 0 and max(y.shape) < 100:
            network.append(layer)
            x = y
    return made_positive(network), size


def assert_counts(network: nn.Module, graph: LayerGraph, shape: tuple[int, ...]) -> None:
    assert graph.params == sum(p.numel() for p in network.parameters())
    assert graph.unused == ()
    meta = network.to("meta")
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        out = meta(torch.empty(1, *shape, device="meta", dtype=torch.float64))
    assert graph.macs == counter.get_total_flops() // 2
    assert graph.output_shape == tuple(out.shape[1:])


def assert_field(network: nn.Module, graph: LayerGraph, size: tuple[int, int]) -> bool:
    """Compares the last layer's field with the gradients of some cells; whether there was one."""
    layer = graph.layers[-1]
    if layer.field is None:
        assert layer.field_note
        return False
    x = torch.rand(1, 1, *size, dtype=torch.float64) + 0.5
    out = network(x.requires_grad_())
    rows, columns = out.shape[2:]
    for cell in product({0, rows // 3, rows - 1}, {0, columns // 2, columns - 1}):
        (gradient,) = torch.autograd.grad(out[(0, slice(None), *cell)].sum(), x, retain_graph=True)
        reached = gradient[0, 0] != 0
        for axis in (0, 1):
            places = reached.any(1 - axis).nonzero()
            start = layer.field.offset[axis] + cell[axis] * layer.field.stride[axis]
            end = start + layer.field.size[axis]
            if len(places):
                first, last = int(places[0]), int(places[-1])
                assert start <= first
                assert last < end
                inside = layer.field.stride[axis] == 0 or (0 < cell[axis] < out.shape[2 + axis] - 1 and start >= 0)
                if inside and end <= size[axis] and min(rows, columns) > 9:
                    assert (first, last) == (start, end - 1)
    return True


@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel lengths")
def test_random_networks() -> None:
    known = 0
    for seed in range(SEEDS):
        network, size = random_network(seed)
        graph = trace(network, (1, *size))
        try:
            known += assert_field(network, graph, size)
            assert_counts(network, graph, (1, *size))
        except AssertionError as error:
            raise AssertionError(f"network {seed}: {network}\n{graph.layers[-1].field}") from error
    assert known > SEEDS / 2  # not all is left blank


@pytest.mark.parametrize("dimensions", [1, 3])
def test_sequences_and_volumes(dimensions: int) -> None:
    """The same counts and fields in one dimension and in three."""
    conv, transposed = (getattr(nn, f"{name}{dimensions}d") for name in ("Conv", "ConvTranspose"))
    pool, norm = (getattr(nn, f"{name}{dimensions}d") for name in ("AvgPool", "BatchNorm"))
    network = made_positive(
        nn.Sequential(
            conv(1, 4, 3, 2, 1), norm(4), nn.SiLU(), conv(4, 4, 3, groups=4, dilation=2, padding=2),
            transposed(4, 2, 3, padding=1), pool(2),
        )
    )  # fmt: skip
    shape = (1, *[24] * dimensions)
    graph = trace(network, [shape])
    field = graph.layers[-1].field
    assert field is not None
    assert (field.size, field.stride, field.offset) == tuple((n,) * dimensions for n in (17, 4, -7))
    x = torch.rand(1, *shape, dtype=torch.float64, requires_grad=True)
    (gradient,) = torch.autograd.grad(network(x)[(0, slice(None), *[3] * dimensions)].sum(), x)
    places = gradient[0, 0].nonzero()
    assert (places.min(0).values == 5).all()
    assert (places.max(0).values == 21).all()
    assert_counts(network, graph, shape)
