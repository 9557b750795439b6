"""Where a network looks: against computations by hand, and against each other where the answer is known.

Two networks are constructed whose answers depend on a patch that we choose: one reads a single cell, the others are
networks of the zoo that pass on where a picture is red.
"""

import copy
from collections.abc import Callable
from functools import cache

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor, nn

import inception
from inception import LayerGraph
from inception.graph.layer import Layer
from inception.models.layers import Branch, ConvUnit, Stage, max_pool
from inception.runtime.predictor import Predictor
from inception.runtime.turns import forward_lock
from inception.vision.attributions import gradients as gradients_module
from inception.vision.attributions import occlusion as occlusion_module
from inception.vision.attributions.attribution import Attribution, AttributionError
from inception.vision.attributions.cams import grad_cam, layer_cam
from inception.vision.attributions.gradients import integrated_gradients
from inception.vision.attributions.occlusion import occlusion
from inception.vision.attributions.score import Explained
from inception.vision.cell_field import cell_field, field_box, noise_pictures
from inception.vision.inside import InsideError, block_ends
from inception.words import N_, Filled, speaking

SIZE = (123, 139)
RED = (150, 190, 60, 100)  # rows and columns of a patch, from the first to behind the last


@cache
def base(name: str) -> Predictor:
    return Predictor(name)


def predictor_of(model: nn.Module, like: str = "inception_v4") -> Predictor:
    predictor = copy.copy(base(like))
    predictor.name, predictor.model = "tiny", model.eval()
    return predictor


@cache
def narrow(name: str) -> tuple[Predictor, LayerGraph]:
    """A predictor of a narrow network whose signals neither fade nor grow, and its trace."""
    torch.manual_seed(0)
    model = inception.create_model(name, width=0.1, repeats=(1, 1, 2))
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d | nn.BatchNorm1d):
            module.momentum = 1.0  # the statistics of one batch
    with torch.no_grad():
        model.train()(torch.rand(4, 3, *SIZE) * 2 - 1)
    return predictor_of(model, "inception_resnet_v1" if "v1" in name else name), inception.trace(model, SIZE)


def picture(seed: int = 0) -> Image.Image:
    """Blurred noise: something at every scale."""
    small = Image.fromarray(np.random.default_rng(seed).integers(0, 256, (12, 14, 3), dtype=np.uint8))
    return small.resize((SIZE[1], SIZE[0]), Image.Resampling.BICUBIC)


def last_layer(graph: LayerGraph) -> Layer:
    return block_ends(graph)[-1]


# The answer depends on one patch
def reads_one_cell() -> tuple[Predictor, LayerGraph, Layer, tuple[int, int]]:
    """A network whose class 1 depends on a single cell of its last grid, that grid's layer, and the cell."""
    torch.manual_seed(1)
    cell, grid = (4, 9), 15
    linear = nn.Linear(6 * grid * grid, 2)
    model = nn.Sequential()
    model.stem = Stage(
        "Stem",
        Conv2d_1a_3x3=ConvUnit(3, 6, 3, stride=2, padding="valid"),
        Conv2d_2a_3x3=ConvUnit(6, 6, 3),
        MaxPool_3a_3x3=max_pool(),
    )
    model.head = Stage("Head", Logits=Branch(Flatten=nn.Flatten(), Logits=linear))
    weight = torch.zeros(2, 6, grid, grid)
    weight[1, :, *cell] = 1
    with torch.no_grad():
        linear.weight.copy_(weight.flatten(1))
        for module in model.modules():
            if isinstance(module, nn.Conv2d):
                module.weight.abs_()  # nothing cancels
    graph = inception.trace(model, 63)
    layer = graph.layer_at("stem.MaxPool_3a_3x3")
    assert layer
    assert layer.out_shape == (6, grid, grid)
    return predictor_of(model), graph, layer, cell


def argmax(values: np.ndarray) -> tuple[int, ...]:
    """Where the largest value is; where there are several, the middle of them."""
    return tuple(np.argwhere(values >= (1 - 1e-5) * values.max()).mean(axis=0).round().astype(int).tolist())


def in_box(shape: tuple[int, ...], top: int, left: int, bottom: int, right: int) -> np.ndarray:
    mask = np.zeros(shape, dtype=bool)
    mask[max(0, top) : bottom, max(0, left) : right] = True
    return mask


def test_all_agree_where_one_cell_is_read() -> None:
    predictor, graph, layer, cell = reads_one_cell()
    bright = Image.fromarray(np.random.default_rng(3).integers(150, 256, (63, 63, 3), dtype=np.uint8))
    box = field_box(graph, layer, cell)
    assert box.size == (11, 11)
    patch = in_box((63, 63), box.top, box.left, box.bottom, box.right)

    gradients = integrated_gradients(predictor, bright, 1)
    assert (gradients.values[~patch] == 0).all(), "no receptive field, no share"
    assert patch[argmax(gradients.values)]
    assert gradients.baseline is not None
    assert gradients.score - gradients.baseline > 1
    assert gradients.values.sum() == pytest.approx(gradients.score - gradients.baseline, rel=0.02)

    hidden = occlusion(predictor, bright, 1, windows=16)
    window = 8
    near = in_box((63, 63), box.top - window, box.left - window, box.bottom + window, box.right + window)
    assert np.abs(hidden.values[~near]).max() < 1e-5 * hidden.values.max(), "no window there reaches the patch"
    assert patch[argmax(hidden.values)]

    effective = cell_field(predictor, [bright], graph, layer, cell)
    assert effective.box == box
    assert (effective.gradient[~patch] == 0).all()
    assert patch[argmax(effective.gradient)]

    for values in (integrated_gradients(predictor, bright, 0).values, occlusion(predictor, bright, 0).values):
        assert np.abs(values).max() < 1e-6, "class 0 depends on nothing"


def sees_red(name: str) -> tuple[Predictor, LayerGraph]:
    """A network of the zoo whose class 1 answers how red a picture is.

    The first convolution takes red less green, all others hand on the middle of their window, residuals are 0: so
    every cell has to do with the middle of its receptive field, and pools alone widen that.
    """
    model = inception.create_model(name, num_classes=2, width=0.06)
    layers = [module for module in model.modules() if isinstance(module, nn.Conv2d | nn.Linear)]
    for module in layers:
        nn.init.zeros_(module.weight)
        if module.bias is not None:
            nn.init.zeros_(module.bias)
    for path, module in model.named_modules():
        if isinstance(module, nn.Conv2d) and "Block" not in path:
            nn.init.dirac_(module.weight)
    with torch.no_grad():
        layers[0].weight.zero_()[:, :2, 1, 1] = torch.tensor([1.0, -1.0])
        layers[-1].weight[1, 0] = 1
    return predictor_of(model), inception.trace(model, 203)


def with_a_red_patch() -> tuple[Image.Image, np.ndarray]:
    """A grey picture, as uneven as noise, with a red patch, and where that is."""
    grey = np.random.default_rng(0).integers(60, 256, (203, 203, 1), dtype=np.uint8).repeat(3, axis=2)
    top, bottom, left, right = RED
    grey[top:bottom, left:right] = (220, 20, 20)
    return Image.fromarray(grey), in_box((203, 203), top, left, bottom, right)


@pytest.mark.parametrize("name", ["inception_v4", "inception_resnet_v2", "inception_resnet_v2.paper"])
def test_all_agree_on_a_red_patch(name: str) -> None:
    predictor, graph = sees_red(name)
    image, patch = with_a_red_patch()
    layer = last_layer(graph)
    field = graph.receptive_fields[layer.index]
    assert field

    cam = grad_cam(predictor, image, graph, layer, 1)
    assert cam.score > 0.1
    assert patch[argmax(cam.values)]
    assert cam.values.min() >= 0
    active = np.argwhere(predictor.activations(image, layer)[0])
    assert 0 < len(active) < 0.3 * np.prod(layer.out_shape[1:])
    centers = [field.offset[0] + (field.size[0] - 1) / 2 + field.stride[0] * i for i in range(layer.out_shape[1])]
    inner = np.clip(np.indices((203, 203)), centers[0], centers[-1])  # level beyond
    distance = np.min([np.abs(inner - np.reshape([centers[i] for i in cell], (2, 1, 1))).max(0) for cell in active], 0)
    assert (cam.values[distance >= field.stride[0]] == 0).all(), "0 from the next cell on"
    assert cam.values[distance < 1].min() > 0

    gradients = integrated_gradients(predictor, image, 1, steps=8)
    assert (gradients.values[~patch] == 0).all(), "grey adds nothing, wherever it is"
    assert gradients.values.min() >= 0
    assert patch[argmax(gradients.values)]
    assert gradients.values.sum() == pytest.approx(gradients.score, rel=1e-3)
    assert gradients.baseline == pytest.approx(0, abs=1e-6)

    hidden = occlusion(predictor, image, 1)
    window = 2 * -(-203 // 9)
    near = in_box((203, 203), RED[0] - window, RED[2] - window, RED[1] + window, RED[3] + window)
    assert patch[argmax(hidden.values)]
    assert np.abs(hidden.values[~near]).max() < 1e-5

    row, column = argmax(predictor.activations(image, layer)[0])
    effective = cell_field(predictor, [image], graph, layer, (row, column))
    looked_at = effective.gradient > 0
    assert looked_at.any()
    assert patch[looked_at].all(), "the strongest cell looks at the patch alone"
    box = effective.box.within(203, 203)
    assert not looked_at[~in_box((203, 203), box.top, box.left, box.bottom, box.right)].any()

    nothing = grad_cam(predictor, image, graph, layer, 0)
    assert not nothing.values.any()
    assert nothing.dead.startswith("The gradient of the score of")


# By hand
def by_hand(predictor: Predictor, layer: Layer, score: Callable[[Tensor], Tensor]) -> np.ndarray:
    """Grad-CAM of a picture's cells: weights are the mean gradients of the channels."""
    kept: list[Tensor] = []
    module = predictor.model.get_submodule(layer.parts[-1].path)
    hook = module.register_forward_hook(lambda _module, _inputs, output: kept.append(output))
    result = score(predictor.model(predictor.to_input(picture())))
    hook.remove()
    (gradient,) = torch.autograd.grad(result, kept[0])
    cells = (gradient.mean(dim=(2, 3), keepdim=True) * kept[0]).sum(dim=1)[0].relu()
    return cells.detach().numpy()


def check_at_fields(found: Attribution, cells: np.ndarray, graph: LayerGraph, layer: Layer) -> None:
    """The values of cells stand in the middle of their fields, and half-way between two cells is their mean."""
    field = graph.receptive_fields[layer.index]
    assert field
    middle = [field.offset[axis] + field.size[axis] // 2 for axis in (0, 1)]
    assert field.size[0] % 2 == field.size[1] % 2 == 1
    checked, tiny = 0, 1e-6 * float(cells.max())
    for row, column in np.ndindex(*cells.shape):
        y, x = middle[0] + field.stride[0] * row, middle[1] + field.stride[1] * column
        if 0 <= y < SIZE[0] and 0 <= x < SIZE[1]:
            assert found.values[y, x] == pytest.approx(cells[row, column], rel=1e-3, abs=tiny)
            checked += 1
            half = x + field.stride[1] // 2
            if column + 1 < cells.shape[1] and half < SIZE[1] and field.stride[1] % 2 == 0:
                mean = cells[row, column : column + 2].mean()
                assert found.values[y, half] == pytest.approx(mean, rel=1e-3, abs=tiny)
    assert checked >= 0.5 * cells.size
    y, x = (min(max(0, m), side - 1) for m, side in zip(middle, SIZE, strict=True))
    assert found.values[0, 0] == pytest.approx(found.values[y, x], rel=1e-5), "level beyond the outermost cell"


@pytest.mark.parametrize("name", ["inception_v4", "inception_resnet_v2"])
def test_grad_cam_of_any_layer_by_hand(name: str) -> None:
    predictor, graph = narrow(name)
    chosen = [last_layer(graph), graph.layers[2], graph.layers[len(graph.layers) // 3]]
    chosen += [next(layer for layer in graph.layers if layer.op == op) for op in ("concat", "max pool")]
    for layer in chosen:
        maps = (by_hand(predictor, layer, lambda logits, i=i: logits[0, i]) for i in range(50))  # type: ignore[misc]
        target, cells = next((target, cells) for target, cells in enumerate(maps) if cells.max() > 0)
        found = grad_cam(predictor, picture(), graph, layer, target)
        check_at_fields(found, cells, graph, layer)
        assert not found.signed
        assert found.color_range == (0, found.values.max())
    logits = predictor.classify(picture()).sort_values("index")["probability"]
    scores = [grad_cam(predictor, picture(), graph, chosen[0], target).score for target in (7, 8)]
    assert np.exp(scores[0] - scores[1]) == pytest.approx(logits.iloc[7] / logits.iloc[8], rel=1e-3)


def test_gradients_add_up_to_the_difference_of_the_scores() -> None:
    predictor, _ = narrow("inception_resnet_v2")
    found = integrated_gradients(predictor, picture(), 5, steps=60)
    with torch.no_grad():
        scores = [predictor.model(predictor.to_input(image))[0, 5].item() for image in (picture(), black())]
    assert found.score == pytest.approx(scores[0], rel=1e-4)
    assert found.baseline == pytest.approx(scores[1], rel=1e-4)
    assert abs(scores[0] - scores[1]) > 0.1
    assert found.values.sum(dtype=np.float64) == pytest.approx(scores[0] - scores[1], rel=0.03)
    assert found.values.shape == SIZE
    assert found.signed
    assert found.values.min() < 0 < found.values.max()


def black() -> Image.Image:
    return Image.new("RGB", (SIZE[1], SIZE[0]))


def test_gradients_by_hand() -> None:
    """Gauss-Legendre by numpy: sum of weights times gradients at the nodes, times the difference of the inputs."""
    predictor, _ = narrow("inception_resnet_v2")
    end, start = predictor.to_input(picture()), predictor.to_input(black())
    nodes, weights = np.polynomial.legendre.leggauss(5)
    total = torch.zeros_like(end)
    for node, weight in zip((nodes + 1) / 2, weights / 2, strict=True):
        x = (start + float(node) * (end - start)).requires_grad_()
        (gradient,) = torch.autograd.grad(predictor.model(x)[0, 3], x)
        total += float(weight) * gradient
    expected = ((end - start) * total).sum(dim=1)[0].numpy()
    found = integrated_gradients(predictor, picture(), 3, steps=5).values
    np.testing.assert_allclose(found, expected, rtol=1e-2, atol=1e-4 * np.abs(expected).max())


def naive_occlusion(score: Callable[[Image.Image], float], windows: int) -> np.ndarray:
    """Grey windows one by one; each pixel has the mean fall over those that hide it."""
    height, width = SIZE
    steps = [-(-side // (windows + 1)) for side in SIZE]
    total, count = np.zeros(SIZE), np.zeros(SIZE)
    tops, lefts = (
        range(0, max(1, side - 2 * step + step), step) for side, step in zip((height, width), steps, strict=True)
    )
    whole = score(picture())
    for top in tops:
        for left in lefts:
            area = np.s_[top : top + 2 * steps[0], left : left + 2 * steps[1]]
            pixels = np.array(picture(), dtype=np.float64)
            pixels[area] = 127.5
            total[area] += whole - score(pixels)  # type: ignore[arg-type]
            count[area] += 1
    assert count.min() > 0
    return total / count


def to_tensor(image: Image.Image | np.ndarray) -> Tensor:
    pixels = np.array(image, dtype=np.float32)
    return torch.from_numpy((pixels - 127.5) / 127.5).permute(2, 0, 1)[None]


@pytest.mark.parametrize("windows", [3, 5])
def test_occlusion_window_by_window(windows: int) -> None:
    predictor, _ = narrow("inception_v4")

    def score(image: Image.Image) -> float:
        with torch.no_grad():
            return predictor.model(to_tensor(image))[0, 2].item()

    found = occlusion(predictor, picture(), 2, windows=windows)
    expected = naive_occlusion(score, windows)
    np.testing.assert_allclose(found.values, expected, atol=1e-3 * np.abs(expected).max())
    assert found.score == pytest.approx(score(picture()), rel=1e-4)
    assert found.signed


# Embeddings
def test_likeness_of_two_faces() -> None:
    predictor, _ = narrow("inception_resnet_v1")
    own, other = predictor.embed(picture()), predictor.embed(picture(1))
    shift = float(own @ predictor.embed(black()))

    gradients = integrated_gradients(predictor, picture(), own, steps=60)
    assert gradients.score == pytest.approx(1, abs=1e-4)
    assert gradients.baseline == pytest.approx(shift, abs=1e-4)
    assert gradients.values.sum() == pytest.approx(1 - shift, rel=0.1)

    hidden = occlusion(predictor, picture(), 3 * other, windows=3)
    assert hidden.score == pytest.approx(float(own @ other), abs=1e-4), "length does not count"

    def score(image: Image.Image) -> float:
        pixels = torch.from_numpy((np.array(image, dtype=np.float32) - 127.5) / 128).permute(2, 0, 1)[None]
        with torch.no_grad():
            return float(predictor.model(pixels)[0].numpy() @ other)

    expected = naive_occlusion(score, 3)
    np.testing.assert_allclose(hidden.values, expected, atol=1e-3 * np.abs(expected).max())
    assert "likeness to the reference" in hidden.meaning


def test_grad_cam_of_a_face_by_hand() -> None:
    """Before the embedding is scaled, so that a face compared with itself has a gradient."""
    predictor, graph = narrow("inception_resnet_v1")
    own = predictor.embed(picture())
    unscaled = predictor_of(copy.deepcopy(predictor.model), "inception_resnet_v1")
    unscaled.model.set_submodule("head.Normalize", nn.Identity())
    layer = next(layer for layer in graph.layers if layer.block == "Conv2d_4a_3x3")
    found = grad_cam(predictor, picture(), graph, layer, 2 * own)
    cells = by_hand(unscaled, layer, lambda embedding: (embedding[0] * torch.tensor(own)).sum())
    assert cells.max() > 0
    check_at_fields(found, cells, graph, layer)
    with torch.no_grad():
        length = unscaled.model(unscaled.to_input(picture())).norm().item()
    assert found.score == pytest.approx(length, rel=1e-4), "an embedding reaches its own length in its own direction"


# LayerCAM
def test_layer_cam_of_any_layer_by_hand() -> None:
    """Each cell of each channel has its own gradient for a weight, where that is above 0."""
    predictor, graph = narrow("inception_v4")
    for layer in (last_layer(graph), graph.layers[2], graph.layers[len(graph.layers) // 3]):
        kept: list[Tensor] = []
        module = predictor.model.get_submodule(layer.parts[-1].path)
        hook = module.register_forward_hook(lambda _module, _inputs, output, kept=kept: kept.append(output))
        score = predictor.model(predictor.to_input(picture()))[0, 7]
        hook.remove()
        (gradient,) = torch.autograd.grad(score, kept[0])
        activations = kept[0].detach().numpy()[0]
        cells = (gradient.numpy()[0].clip(min=0) * activations).sum(axis=0)
        assert (activations >= 0).all(), "so no cell is below 0"
        assert (gradient < 0).any()
        found = layer_cam(predictor, picture(), graph, layer, 7)
        check_at_fields(found, cells, graph, layer)
        assert not found.dead
        assert found.score == pytest.approx(score.item(), rel=1e-4)


def test_a_dead_map_says_why() -> None:
    predictor, graph, layer, _ = reads_one_cell()
    bright = Image.fromarray(np.full((63, 63, 3), 200, dtype=np.uint8))
    for cam in (grad_cam, layer_cam):
        assert "is 0 in every cell of MaxPool_3a_3x3" in cam(predictor, bright, graph, layer, 0).dead
    assert integrated_gradients(predictor, bright, 0, steps=2).dead.startswith("The gradient of the score of")
    assert occlusion(predictor, bright, 0, windows=2).dead.startswith("Whatever is hidden, the score of")
    assert not integrated_gradients(predictor, bright, 1, steps=2).dead
    assert not occlusion(predictor, bright, 1, windows=2).dead
    linear = predictor.model.get_submodule("head.Logits.Logits")
    with torch.no_grad():
        linear.weight.neg_()  # type: ignore[operator]
    found = grad_cam(predictor, bright, graph, layer, 1)
    assert not found.values.any()
    assert "is below 0" in found.dead
    model = inception.create_model("inception_v4", width=0.1)
    small = inception.trace(model, 75)
    only = last_layer(small)
    assert only.out_shape[1:] == (1, 1)
    image = picture().resize((75, 75))
    found = next(f for t in range(50) if (f := layer_cam(predictor_of(model), image, small, only, t)).values.any())
    assert "has a single cell" in found.dead


# Manners
def test_half_precision_is_explained_in_full() -> None:
    """In float32 from the rounded weights on; black and white are the same number in any dtype."""
    predictor, graph = narrow("inception_v4")
    half, rounded = copy.copy(predictor), copy.copy(predictor)
    half.model, half.dtype = copy.deepcopy(predictor.model).bfloat16(), torch.bfloat16
    rounded.model = copy.deepcopy(half.model).float()
    image = picture().convert("1").convert("RGB")
    layer = graph.layers[len(graph.layers) // 2]
    target = next(i for i in range(50) if grad_cam(rounded, image, graph, layer, i).values.any())
    for explain in (
        lambda p: grad_cam(p, image, graph, layer, target),
        lambda p: integrated_gradients(p, image, 1, steps=3),
        lambda p: occlusion(p, image, 1, windows=2),
    ):
        exact, found = explain(rounded).values, explain(half).values
        assert found.dtype == np.float32
        assert found.any()
        np.testing.assert_allclose(found, exact, atol=1e-3 * np.abs(exact).max())
    assert {parameter.dtype for parameter in half.model.parameters()} == {torch.bfloat16}


Explain = Callable[[Callable[[int, int], None]], Attribution]


def explainers() -> dict[str, Explain]:
    predictor, _ = narrow("inception_v4")
    return {
        "gradients": lambda progress: integrated_gradients(predictor, picture(), 1, steps=7, progress=progress),
        "occlusion": lambda progress: occlusion(predictor, picture(), 1, windows=3, progress=progress),
    }


@pytest.mark.parametrize(("method", "total"), [("gradients", 7), ("occlusion", 10)])
def test_others_get_their_turn_between_batches(method: str, total: int) -> None:
    predictor, _ = narrow("inception_v4")
    seen: list[int] = []

    def progress(done: int, of: int) -> None:
        assert of == total
        seen.append(done)
        assert not forward_lock.locked()
        predictor.classify(picture(1))

    explainers()[method](progress)
    assert seen == sorted(set(seen))
    assert seen[-1] == total
    assert max(np.diff([0, *seen])) <= 4, "small batches"


@pytest.mark.parametrize("method", ["gradients", "occlusion"])
def test_work_can_be_stopped_and_leaves_nothing_behind(method: str) -> None:
    predictor, _ = narrow("inception_v4")
    calls: list[int] = []

    class Stop(Exception):  # noqa: N818
        pass

    def stop(done: int, _total: int) -> None:
        calls.append(done)
        if len(calls) == 2:
            raise Stop

    with pytest.raises(Stop):
        explainers()[method](stop)
    assert len(calls) == 2, "nothing runs after it"
    assert not forward_lock.locked()
    assert not any(module._forward_hooks or module._backward_hooks for module in predictor.model.modules())
    assert all(p.grad is None and p.requires_grad for p in predictor.model.parameters())


def test_size_of_batches_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def both() -> list[np.ndarray]:
        return [explain(lambda _done, _total: None).values for explain in explainers().values()]

    before = both()
    monkeypatch.setattr(gradients_module, "STEP_BATCH", 5)
    monkeypatch.setattr(occlusion_module, "WINDOW_BATCH", 1)
    for one, other in zip(before, both(), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-3 * np.abs(one).max())


def test_a_map_over_its_picture() -> None:
    values = np.zeros(SIZE, dtype=np.float32)
    values[10, 20], values[30, 40] = 3, -5
    signed = Attribution(values, True, Filled(""), 0.0)
    assert signed.color_range == (-5, 5), "few pixels are not cut off where all others are 0"
    values = np.random.default_rng(0).normal(size=SIZE).astype(np.float32)
    values[0, 0] = 1000
    low, high = Attribution(values, True, Filled(""), 0.0).color_range
    assert low == -high
    assert 2 < high < 4
    assert (np.abs(values) > high).mean() == pytest.approx(0.005, abs=0.001)
    assert signed.over(picture()).size == picture().size
    assert signed.over(picture(), 0).tobytes() == picture().convert("L").convert("RGB").tobytes()
    assert Attribution(np.zeros(SIZE, dtype=np.float32), True, Filled(""), 0.0).over(picture()).size == picture().size


def test_wrong_asks_are_one_sentence() -> None:
    classes, graph = narrow("inception_v4")
    faces, _ = narrow("inception_resnet_v1")
    embedding = faces.embed(picture())
    for target in (1000, -1):
        with pytest.raises(AttributionError, match=rf"^tiny has classes 0 to 999, no class {target}\.$"):
            occlusion(classes, picture(), target)
    with pytest.raises(AttributionError, match="tells classes apart"):
        integrated_gradients(classes, picture(), embedding)
    with pytest.raises(AttributionError, match="has no classes"):
        integrated_gradients(faces, picture(), 3)
    for wrong in (embedding[:-1], 0 * embedding, np.nan * embedding):
        with pytest.raises(AttributionError, match=rf"has {len(embedding)} finite numbers, not all 0\."):
            occlusion(faces, picture(), wrong)
    with pytest.raises(AttributionError, match=r"head\.Logits.* has no grid of cells"):
        grad_cam(classes, picture(), graph, graph.layers[-1], 0)
    with pytest.raises(InsideError, match="traced at 123x139"):
        grad_cam(classes, noise_pictures((80, 80), 1)[0], graph, graph.layers[3], 0)
    for steps in (0, 201):
        with pytest.raises(AttributionError, match=f"steps must be from 1 to 200, not {steps}"):
            integrated_gradients(classes, picture(), 0, steps=steps)
    for windows in (0, 17):
        with pytest.raises(AttributionError, match=f"windows must be from 1 to 16, not {windows}"):
            occlusion(classes, picture(), 0, windows=windows)


def test_a_kept_map_speaks_the_language_of_whoever_reads_it() -> None:
    sentence = N_("Whatever is hidden, the score of {what} stays {score:.3g}.")
    dead = Filled(sentence, what=Explained("cat"), score=1.0)
    found = Attribution(np.zeros(SIZE, dtype=np.float32), True, Filled(""), 1.0, tells_nothing=dead)
    assert found.dead == "Whatever is hidden, the score of “cat” stays 1."
    with speaking("zh_CN"):
        assert "“猫”的得分始终是 1" in found.dead
