"""Receptive fields and unreached pixels against what really depends on what: the gradient of one output cell.

Weights are positive and there is no ReLU below zero, so that nothing cancels: a pixel has a gradient exactly if a path
leads from it to the cell. Max pools pass their gradient to the largest cell only; while the gradient is taken they
stand for the sum over the same window.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from inception import LayerGraph, create_model, list_models, trace
from inception.graph.receptive_field import ReceptiveField

from ..graphs import zoo_graph

Pair = tuple[int, int]


# What the gradient says
@contextmanager
def summing_max_pools(model: nn.Module) -> Iterator[None]:
    pools = [module for module in model.modules() if isinstance(module, nn.MaxPool2d)]
    for pool in pools:
        pool.forward = lambda x, pool=pool: window_sum(pool, x)  # type: ignore[method-assign, misc]
    try:
        yield
    finally:
        for pool in pools:
            del pool.forward


def window_sum(pool: nn.MaxPool2d, x: Tensor) -> Tensor:
    kernel = (pool.kernel_size, pool.kernel_size) if isinstance(pool.kernel_size, int) else tuple(pool.kernel_size)
    ones = torch.ones(x.shape[1], 1, *kernel, dtype=x.dtype)
    return F.conv2d(x, ones, None, pool.stride, pool.padding, pool.dilation, groups=x.shape[1])


def make_positive(model: nn.Module) -> nn.Module:
    """Every weight the same small positive number, so that no sum over a deep network overflows or vanishes."""
    model.double().eval()
    with torch.no_grad():
        for module in model.modules():
            if isinstance(module, nn.Conv2d):
                module.weight.fill_(1 / module.weight[0].numel())
                if module.bias is not None:
                    module.bias.zero_()
    return model


def reached(model: nn.Module, size: Pair, cells: Any = ...) -> Tensor:
    """Which pixels (H, W) of the picture have a gradient of the sum of these output cells."""
    x = torch.ones(1, first_channels(model), *size, dtype=torch.float64, requires_grad=True)
    with summing_max_pools(model):
        model(x)[cells].sum().backward()
    assert x.grad is not None
    assert x.grad.isfinite().all()
    return x.grad[0].sum(0) > 0


def first_channels(model: nn.Module) -> int:
    return next((m.in_channels for m in model.modules() if isinstance(m, nn.Conv2d)), 1)


def box(mask: Tensor) -> tuple[Pair, Pair]:
    """First and last row, first and last column of what is reached."""
    rows, columns = mask.any(1).nonzero(), mask.any(0).nonzero()
    return (int(rows[0]), int(rows[-1])), (int(columns[0]), int(columns[-1]))


def inner_cell(field: ReceptiveField) -> Pair:
    """The first cell whose field does not reach over the top or left edge of the picture."""
    down, right = (-(field.offset[i] // field.stride[i]) for i in (0, 1))
    return down, right


def first_pixel(field: ReceptiveField) -> Pair:
    """Where the field of `inner_cell` begins."""
    cell = inner_cell(field)
    return field.offset[0] + cell[0] * field.stride[0], field.offset[1] + cell[1] * field.stride[1]


def assert_field_is_exact(model: nn.Module, field: ReceptiveField, margin: Pair) -> None:
    """Compares with the gradient of a cell in a picture that just holds its field, and `margin` more pixels.

    Such a cell depends on no zero of any padding, so its box is not cut off.
    """
    start = first_pixel(field)
    size = (start[0] + field.size[0] + margin[0], start[1] + field.size[1] + margin[1])

    rows, columns = box(reached(model, size, (..., *inner_cell(field))))

    assert (rows[0], columns[0]) == start
    assert (rows[1] - rows[0] + 1, columns[1] - columns[0] + 1) == field.size


# The figures of the networks
@cache
def traced(name: str) -> LayerGraph:
    return zoo_graph(name, 299)


def field_after(graph: LayerGraph, block: str) -> tuple[int, int, int]:
    """Size, stride and offset behind the last layer of a block."""
    index = [layer.index for layer in graph.layers if layer.block == block][-1]
    field = graph.receptive_fields[index]
    assert field is not None
    for pair in (field.size, field.stride, field.offset):
        assert pair[0] == pair[1]
    return field.size[0], field.stride[0], field.offset[0]


@pytest.mark.parametrize(
    ("name", "block", "expected"),
    [
        ("inception_v4", "Mixed_7d", (2071, 32, -998)),
        ("inception_resnet_v2", "Conv2d_7b_1x1", (3039, 32, -1482)),
        ("inception_resnet_v1", "Block8", (1631, 32, -778)),
        ("inception_resnet_v2", "MaxPool_3a_3x3", (15, 4, -2)),
        ("inception_resnet_v2", "Conv2d_4a_3x3", (23, 4, -2)),
        ("inception_resnet_v2", "MaxPool_5a_3x3", (31, 8, -2)),
        ("inception_resnet_v2", "Mixed_5b", (63, 8, -18)),
        ("inception_resnet_v2", "Mixed_6a", (415, 16, -186)),
        ("inception_resnet_v2", "Mixed_7a", (2399, 32, -1162)),
    ],
)
def test_figures_of_the_three_networks(name: str, block: str, expected: tuple[int, int, int]) -> None:
    assert field_after(traced(name), block) == expected


def test_fields_do_not_depend_on_the_size_of_the_picture() -> None:
    model = create_model("inception_resnet_v2", device="meta")
    small, large = trace(model, (75, 90)), trace(model, (331, 224))
    pool = next(layer.index for layer in small.layers if layer.layer == "AvgPool_1a_8x8")

    assert small.receptive_fields[:pool] == large.receptive_fields[:pool]


def test_one_dimensional_kernels_see_height_and_width_apart() -> None:
    table = zoo_graph("inception_v4", 299).table()
    branch = table[(table["block"] == "Mixed_4a") & (table["branch"] == "Branch_1")].set_index("layer")

    assert list(branch.loc["Conv2d_0b_1x7", ["rf", "rf_stride", "rf_offset"]]) == ["15x39", "4", "-2x-14"]
    assert list(branch.loc["Conv2d_0c_7x1", ["rf", "rf_stride", "rf_offset"]]) == ["39x39", "4", "-14"]


@pytest.mark.parametrize("axis", [0, 1], ids=["height", "width"])
@pytest.mark.parametrize("name", list_models())
def test_real_networks_equal_the_gradient(name: str, axis: int) -> None:
    """One channel a layer: the same windows in the same places. The picture is long enough for a whole field."""
    model = make_positive(create_model(name, width=1e-9, in_chans=1, num_classes=0))
    graph = trace(model, 299)
    pool = next(layer for layer in graph.layers if "AvgPool_1a" in layer.path)
    field = graph.receptive_fields[pool.index - 1]
    assert field is not None
    grid = nn.Sequential(*list(model.children())[:-1])
    if "Conv2d_7b_1x1" in dict(model.get_submodule("head").named_children()):
        grid.append(model.get_submodule("head.Conv2d_7b_1x1"))
    cell, start = inner_cell(field)[axis], first_pixel(field)[axis]
    length = start + field.size[axis] + 3

    mask = reached(grid, (length, 75) if axis == 0 else (75, length), (..., cell, 0) if axis == 0 else (..., 0, cell))

    assert box(mask)[axis] == (start, start + field.size[axis] - 1)


# Random networks
class Concat(nn.Module):
    def __init__(self, branches: list[nn.Module]):
        super().__init__()
        self.branches = nn.ModuleList(branches)

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([branch(x) for branch in self.branches], 1)


class Residual(nn.Module):
    def __init__(self, inner: nn.Module):
        super().__init__()
        self.inner = inner

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(x + self.inner(x))


kernels = st.tuples(st.integers(1, 4), st.integers(1, 4))
odd_kernels = st.tuples(st.sampled_from([1, 3, 5]), st.sampled_from([1, 3, 5]))
ones_and_twos = st.tuples(st.integers(1, 2), st.integers(1, 2))


@st.composite
def windows(draw: st.DrawFn, channels: int) -> nn.Module:
    """Any convolution or pool: 1xN kernels, strides, dilation, zeros, different in height and width."""
    kind = draw(st.sampled_from(["conv", "same", "max", "avg"]))
    kernel, stride, dilation = draw(kernels), draw(ones_and_twos), draw(ones_and_twos)
    if kind == "same":  # an even kernel gets one zero more at the end
        return nn.Conv2d(channels, channels, kernel, padding="same", dilation=dilation, bias=False)
    most = [k // 2 for k in kernel] if kind in ("max", "avg") else [3, 3]
    padding = (draw(st.integers(0, most[0])), draw(st.integers(0, most[1])))
    if kind == "max":
        return nn.MaxPool2d(kernel, stride, padding, dilation)
    if kind == "avg":
        return nn.AvgPool2d(kernel, stride, padding, count_include_pad=draw(st.booleans()))
    return nn.Conv2d(channels, channels, kernel, stride, padding, dilation, bias=False)


@st.composite
def grid_keepers(draw: st.DrawFn, channels: int) -> nn.Module:
    """One to three layers that leave the grid as it is."""
    layers: list[nn.Module] = []
    for _ in range(draw(st.integers(1, 3))):
        kernel = draw(odd_kernels)
        half = (kernel[0] // 2, kernel[1] // 2)
        if draw(st.booleans()):
            layers.append(nn.Conv2d(channels, channels, kernel, padding=half, bias=False))
        else:
            layers.append(nn.AvgPool2d(kernel, 1, half, count_include_pad=False))
    return nn.Sequential(*layers)


@st.composite
def reductions(draw: st.DrawFn, channels: int) -> nn.Module:
    """Branches with one stride, as in the reduction blocks: wider windows get the zeros that make the grids meet."""
    stride, shortest = draw(ones_and_twos), draw(ones_and_twos)
    branches: list[nn.Module] = []
    for _ in range(draw(st.integers(2, 3))):
        more = draw(ones_and_twos)
        kernel = (shortest[0] + 2 * more[0], shortest[1] + 2 * more[1])
        if draw(st.booleans()):
            last: nn.Module = nn.Conv2d(channels, 1, kernel, stride, more, bias=False)
        else:
            last = nn.MaxPool2d(kernel, stride, more)
        branches.append(nn.Sequential(draw(grid_keepers(channels)), last) if draw(st.booleans()) else last)
    return Concat(branches)


@st.composite
def networks(draw: st.DrawFn) -> nn.Module:
    """Two to four blocks in a row, one channel wide between them."""
    blocks: list[nn.Module] = [nn.Conv2d(1, 1, 1, bias=False)]
    for _ in range(draw(st.integers(2, 4))):
        kind = draw(st.sampled_from(["window", "residual", "branches", "reduction", "residual of branches"]))
        if kind == "window":
            blocks.append(draw(windows(1)))
        elif kind == "residual":
            blocks.append(Residual(draw(grid_keepers(1))))
        elif kind == "reduction":
            blocks.append(draw(reductions(1)))
        else:
            concat = Concat([draw(grid_keepers(1)) for _ in range(draw(st.integers(1, 3)))])
            blocks.append(concat if kind == "branches" else Residual(nn.Sequential(concat, nn.LazyConv2d(1, 1))))
        blocks.append(nn.LazyConv2d(1, 1, bias=False))
    model = nn.Sequential(*blocks)
    with torch.no_grad():
        model(torch.rand(1, 1, 150, 150))  # tells the lazy 1x1 convolutions how many channels they read
    return make_positive(model)


@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel lengths")
@settings(max_examples=150, deadline=None)
@given(model=networks(), margin=st.tuples(st.integers(0, 4), st.integers(0, 4)))
def test_random_networks_equal_the_gradient(model: nn.Module, margin: Pair) -> None:
    field = trace(model, 150).receptive_fields[-1]

    assert field is not None
    assert_field_is_exact(model, field, margin)


@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel lengths")
def test_even_same_kernels_get_one_zero_more_at_the_end() -> None:
    model = make_positive(nn.Sequential(nn.Conv2d(1, 1, (2, 4), padding="same"), nn.Conv2d(1, 1, 3, 2, padding=1)))

    graph = trace(model, 20)
    field = graph.receptive_fields[-1]

    assert graph.table()["pad"][0] == "0,1,1,2"
    assert field == ReceptiveField(size=(4, 6), stride=(2, 2), offset=(-1, -2))
    assert_field_is_exact(model, field, margin=(0, 0))


@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel lengths")
@settings(max_examples=150, deadline=None)
@given(
    layer=windows(1),
    size=st.tuples(st.integers(9, 20), st.integers(9, 20)),
)
def test_dropped_rows_and_columns_get_no_gradient(layer: nn.Module, size: Pair) -> None:
    """The rows and columns at the end that no window reaches; a last one in the hole of a dilated window is one too."""
    model = make_positive(nn.Sequential(nn.Conv2d(1, 1, 1, bias=False), layer))
    mask = reached(model, size)
    rows, columns = mask.any(1).nonzero(), mask.any(0).nonzero()

    window = trace(model, size).layers[-1].window

    assert window is not None
    assert window.dropped == (size[0] - 1 - int(rows[-1]), size[1] - 1 - int(columns[-1]))


@pytest.mark.parametrize("name", ["inception_v4", "inception_resnet_v2"])
@pytest.mark.parametrize("size", [(160, 160), (150, 171)])
def test_dropped_pixels_of_real_layers(name: str, size: Pair) -> None:
    """Each layer with a window on a grid of its own."""
    model = make_positive(create_model(name, width=1e-9, in_chans=1))
    table = trace(model, size).table().set_index("index")
    checked = 0
    for layer in trace(model, size).layers:
        window, module = layer.window, model.get_submodule(layer.parts[0].path)
        if window is None or isinstance(module, nn.AdaptiveAvgPool2d):
            continue
        x = torch.ones(1, layer.in_shapes[0][0], *window.grid, dtype=torch.float64, requires_grad=True)
        with summing_max_pools(module):
            module(x).sum().backward()
        assert x.grad is not None
        mask = x.grad[0].sum(0) > 0
        dropped = [int((~mask.any(axis)).sum()) for axis in (1, 0)]
        assert table.loc[layer.index, "dropped"] == ("{}x{}".format(*dropped) if any(dropped) else ""), layer.path
        checked += any(dropped)
    assert checked > 0


# Where no single box fits
def test_branches_that_drift_apart_have_no_common_field() -> None:
    """Both give one cell for this picture, but with different strides: elsewhere the cells would not lie together."""
    model = Concat([nn.Conv2d(1, 1, 5), nn.Conv2d(1, 1, 3, stride=3)])

    graph = trace(model, 5)

    assert graph.receptive_fields[-1] is None
    assert list(graph.table().iloc[-1][["rf", "rf_stride", "rf_offset"]]) == ["", "", ""]


def test_linear_layers_see_the_whole_grid() -> None:
    model = nn.Sequential(nn.Conv2d(1, 1, 3, stride=2), nn.Flatten(), nn.Linear(7 * 9, 5))

    field = trace(model, (15, 19)).receptive_fields[-1]

    assert field is not None
    assert (field.size, field.offset) == ((15, 19), (0, 0))


class Gate(nn.Module):
    """Squeeze and excitation: the mean over the grid decides on every cell."""

    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Conv2d(2, 2, 1)

    def forward(self, x: Tensor) -> Tensor:
        return x * torch.sigmoid(self.fc(x.mean((2, 3), keepdim=True)))


@pytest.mark.parametrize(
    "last",
    [
        nn.AdaptiveAvgPool2d(3),  # of an 8x8 grid: windows of different widths
        nn.Upsample(scale_factor=2),
        nn.ConvTranspose2d(2, 2, 3, 2),
        nn.ZeroPad2d(2),
        Gate(),
    ],
    ids=lambda module: type(module).__name__,
)
def test_an_unknown_window_is_not_taken_for_a_pixel(last: nn.Module) -> None:
    """Each cell's gradient must lie in the box we give; where we cannot know, none is given."""
    model = make_positive(nn.Sequential(nn.Conv2d(1, 2, 3), last))
    size = (10, 10)

    graph = trace(model, size)
    field = graph.receptive_fields[-1]

    if field is not None:
        grid = graph.output_shape[1:]
        for cell in [(i, j) for i in range(grid[0]) for j in range(grid[1])]:
            mask = reached(model, size, (..., *cell))
            if not mask.any():
                continue
            for axis, (first, final) in enumerate(box(mask)):
                start = field.offset[axis] + cell[axis] * field.stride[axis]
                assert start <= first
                assert final < start + field.size[axis]
