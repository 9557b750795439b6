"""What a cell can see, against changed pixels and against autograd on the network itself."""

import copy
import random
from functools import cache

import numpy as np
import pytest
import torch
from PIL import Image, ImageColor
from torch import nn

import inception
from inception import LayerGraph
from inception.graph.layer import Layer
from inception.runtime.predictor import Predictor
from inception.runtime.turns import forward_lock
from inception.views.kinds import FACTORISED
from inception.vision.cell_error import CellError
from inception.vision.cell_field import (
    BEYOND,
    Box,
    CellField,
    cell_field,
    draw_field,
    field_box,
    noise_pictures,
)
from inception.vision.inside import InsideError

from ..graphs import zoo_graph

SIZE = (139, 155)
Cell = tuple[int, int]


@cache
def base() -> Predictor:
    return Predictor("inception_resnet_v1")


@cache
def narrow(name: str) -> tuple[Predictor, LayerGraph]:
    """A predictor of a narrow network whose signals neither fade nor grow, and its trace."""
    torch.manual_seed(0)
    model = inception.create_model(name, width=0.12)
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = 1.0  # the statistics of one batch
    with torch.no_grad():
        model.train()(torch.rand(2, 3, *SIZE) * 2 - 1)
    predictor = copy.copy(base())
    predictor.name, predictor.model = name, model.eval()
    return predictor, inception.trace(model, SIZE)


def some_cells(graph: LayerGraph, count: int) -> list[tuple[Layer, Cell]]:
    """Cells of different layers, most of them with fields smaller than the picture; every other one in a corner."""
    generator = random.Random(1)
    layers = [layer for layer in graph.layers if len(layer.out_shape) == 3 and layer.out_shape[1] > 1]
    small = [layer for layer in layers if (field := graph.receptive_fields[layer.index]) and max(field.size) < 139]
    cells: list[tuple[Layer, Cell]] = []
    for i, layer in enumerate(generator.sample(small, count - 2) + generator.sample(layers, 2)):
        height, width = layer.out_shape[1:]
        corner = generator.choice([(0, 0), (0, width - 1), (height - 1, 0), (height - 1, width - 1)])
        cells.append((layer, corner if i % 2 else (generator.randrange(height), generator.randrange(width))))
    return cells


def outside(box: Box) -> np.ndarray:
    """(H, W): which pixels of the picture are not in the box."""
    inner = box.within(*SIZE)
    mask = np.ones(SIZE, dtype=bool)
    mask[inner.top : inner.bottom, inner.left : inner.right] = False
    return mask


@pytest.mark.parametrize("name", inception.list_models())
def test_there_is_no_gradient_outside_the_exact_field(name: str) -> None:
    predictor, graph = narrow(name)
    pictures = noise_pictures(SIZE, 1)
    partly = 0
    for layer, cell in some_cells(graph, 10):
        found = cell_field(predictor, pictures, graph, layer, cell)
        mask = outside(found.box)
        partly += bool(mask.any())
        assert found.gradient.shape == SIZE
        assert (found.gradient[mask] == 0).all(), f"{layer.path} {cell}"
        assert found.gradient[~mask].max() > 0, f"{layer.path} {cell}"
    assert partly >= 8, "fields that leave something out"


@pytest.mark.parametrize("name", inception.list_models())
def test_pixels_outside_the_exact_field_change_nothing(name: str) -> None:
    predictor, graph = narrow(name)
    pixels, other = (np.array(picture) for picture in noise_pictures(SIZE, 2))
    whole = Image.fromarray(pixels)
    changed = 0
    for layer, cell in some_cells(graph, 6):
        box = field_box(graph, layer, cell)
        mask = outside(box)
        before = predictor.activations(whole, layer)[:, *cell]
        mixed = Image.fromarray(np.where(mask[..., None], other, pixels))
        np.testing.assert_allclose(predictor.activations(mixed, layer)[:, *cell], before, rtol=1e-4, atol=1e-5)
        inner = Image.fromarray(np.where(mask[..., None], pixels, other))
        changed += not np.allclose(predictor.activations(inner, layer)[:, *cell], before, rtol=1e-2)
    assert changed >= 4, "all but those at 0"


@pytest.mark.parametrize("channel", [None, 2])
def test_gradient_is_that_of_autograd(channel: int | None) -> None:
    predictor, graph = narrow("inception_resnet_v2")
    layer = graph.layer_at("inception_resnet_a.Block35_2.residual_sum")
    assert layer
    pictures = noise_pictures(SIZE, 3)
    expected = np.zeros(SIZE)
    for picture in pictures:
        x = predictor.to_input(picture).clone().requires_grad_()
        y = predictor.model.get_submodule("inception_resnet_a.Block35_2")(
            predictor.model.get_submodule("inception_resnet_a.Block35_1")(
                predictor.model.get_submodule("inception_a")(predictor.model.get_submodule("stem")(x))
            )
        )[0, :, 4, 7]
        (y.sum() if channel is None else y[channel]).backward()
        assert x.grad is not None
        expected += x.grad[0].abs().sum(dim=0).numpy() / 3
    found = cell_field(predictor, pictures, graph, layer, (4, 7), channel)
    np.testing.assert_allclose(found.gradient, expected, rtol=1e-3, atol=1e-6)
    assert found.channel == channel


def test_the_released_networks_last_cells() -> None:
    """3039/32/-1482: as published for the released Inception-ResNet-v2 (Araujo et al. 2019)."""
    graph = zoo_graph("inception_resnet_v2")
    layer = graph.layer_at("head.Conv2d_7b_1x1")
    assert layer
    assert field_box(graph, layer, (0, 0)) == Box(-1482, -1482, 1557, 1557)
    assert field_box(graph, layer, (1, 7)) == Box(-1450, -1258, 1589, 1781)
    assert field_box(graph, layer, (1, 7)).within(299, 299) == Box(0, 0, 299, 299)


def field_of(gradient: np.ndarray, box: Box) -> CellField:
    layer = zoo_graph("inception_v4").layers[0]
    return CellField(layer, (0, 0), None, box, gradient.astype(np.float32))


@pytest.mark.parametrize("box", [Box(3, 5, 20, 30), Box(-9, -9, 6, 8), Box(2, 10, 30, 60)])
def test_shares_against_squares_counted_one_by_one(box: Box) -> None:
    gradient = np.zeros((24, 40))
    inner = box.within(24, 40)
    area = gradient[inner.top : inner.bottom, inner.left : inner.right]
    area += np.random.default_rng(0).random(area.shape)
    field = field_of(gradient, box)
    row, column = box.center
    table = field.shares()
    assert table["share"].iloc[-1] == pytest.approx(1)
    assert table["side"].is_monotonic_increasing
    for side, share in zip(table["side"], table["share"], strict=True):
        held = sum(
            gradient[r, c]
            for r in range(24)
            for c in range(40)
            if abs(r - row) <= side / 2 and abs(c - column) <= side / 2
        )
        assert share == pytest.approx(held / gradient.sum(), rel=1e-5)
    side = field.side_holding(0.5)
    shares = dict(zip(table["side"], table["share"], strict=True))
    assert side is not None
    assert shares[side] >= 0.5 > max((share for s, share in shares.items() if s < side), default=0)


def test_squares_of_known_size() -> None:
    even = np.zeros((31, 31))
    even[5:26, 5:26] = 1  # 21 x 21 pixels alike: 95 % of them need more than a 19 x 19 square
    assert field_of(even, Box(5, 5, 26, 26)).side_holding(0.95) == 21
    assert field_of(even, Box(5, 5, 26, 26)).side_holding(19 * 19 / 441) == 19
    middle = np.zeros((31, 31))
    middle[15, 15] = 1
    assert field_of(middle, Box(5, 5, 26, 26)).side_holding(0.95) == 1


def test_a_cell_at_0_looks_nowhere() -> None:
    field = field_of(np.zeros((9, 9)), Box(0, 0, 5, 5))
    assert field.shares().empty
    assert field.side_holding(0.95) is None
    assert field.meaning.endswith("it depends on none (it is at 0).")
    draw_field(Image.new("RGB", (9, 9)), field)


def test_meaning_has_both_sizes() -> None:
    gradient = np.zeros((30, 30))
    gradient[:4, :4] = 1
    field = field_of(gradient, Box(-3, -3, 4, 4))
    assert field.meaning == (
        "The cell can depend on 7x7 px, of which 4x4 px are on the picture; 95 % of its gradient lies in the middle "
        "7x7 px."
    )


def test_drawing_of_a_field_on_the_picture() -> None:
    picture = noise_pictures((40, 50), 1)[0]
    gradient = np.zeros((40, 50))
    gradient[10:31, 20:41] = 1
    drawn = np.asarray(draw_field(picture, field_of(gradient, Box(10, 20, 31, 41)), scale=4)).astype(int)
    assert drawn.shape == (160, 200, 3), "no margin is needed"
    pale = drawn[2:18, 2:18]
    original = np.asarray(picture).astype(int)[0:5, 0:5].repeat(4, 0).repeat(4, 1)[2:18, 2:18]
    assert (pale >= original).all()
    assert pale.min() > 140
    frame = drawn[10 * 4 - 2, 20 * 4 : 41 * 4]
    assert (frame == ImageColor.getrgb(FACTORISED.color)).all()


def test_drawing_of_a_field_beyond_the_picture() -> None:
    picture = noise_pictures((40, 40), 1)[0]
    field = field_of(np.ones((40, 40)), Box(-4, -100, 20, 30))
    drawn = np.asarray(draw_field(picture, field, scale=1))
    assert drawn.shape == (4 + 40, 10 + 40, 3), "all of 4 rows above, a quarter of the side on the left"
    assert tuple(drawn[12, 5]) == ImageColor.getrgb(FACTORISED.tint)
    assert tuple(drawn[40, 5]) == ImageColor.getrgb(BEYOND)
    assert tuple(drawn[1, 45]) == ImageColor.getrgb(BEYOND)


def test_noise_is_the_same_for_everyone() -> None:
    one, again = (noise_pictures((5, 7), 2) for _ in range(2))
    assert [picture.tobytes() for picture in one] == [picture.tobytes() for picture in again]
    assert one[0].size == (7, 5)
    assert one[0].tobytes() != one[1].tobytes()


def test_work_can_be_stopped_and_leaves_nothing_behind() -> None:
    predictor, graph = narrow("inception_v4")
    seen: list[tuple[int, int]] = []

    def stop(done: int, total: int) -> None:
        seen.append((done, total))
        assert not forward_lock.locked()
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        cell_field(predictor, noise_pictures(SIZE, 4), graph, graph.layers[5], (1, 1), progress=stop)
    assert seen == [(1, 4), (2, 4)]
    assert not forward_lock.locked()
    assert not any(module._forward_hooks for module in predictor.model.modules())
    assert all(parameter.grad is None for parameter in predictor.model.parameters())


def test_wrong_asks_are_one_sentence() -> None:
    predictor, graph = narrow("inception_v4")
    pictures = noise_pictures(SIZE, 1)
    with pytest.raises(CellError, match="has rows 0 to 68, no row 69"):
        cell_field(predictor, pictures, graph, graph.layers[0], (69, 0))
    with pytest.raises(CellError, match="has columns 0 to 76, no column -1"):
        field_box(graph, graph.layers[0], (0, -1))
    with pytest.raises(CellError, match="has channels 0 to 3, no channel 4"):
        cell_field(predictor, pictures, graph, graph.layers[0], (0, 0), channel=4)
    with pytest.raises(CellError, match="no grid of cells"):
        cell_field(predictor, pictures, graph, graph.layers[-1], (0, 0))
    with pytest.raises(CellError, match="1 to 64 pictures, not 0"):
        cell_field(predictor, [], graph, graph.layers[0], (0, 0))
    with pytest.raises(InsideError, match="traced at 139x155"):
        cell_field(predictor, noise_pictures((80, 80), 1), graph, graph.layers[0], (0, 0))
