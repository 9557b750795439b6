"""One number taken apart: the parts add up to what the network computes, for every kind of layer of every network."""

import copy
import random
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image
from torch import Tensor, nn

import inception
from inception import LayerGraph
from inception.graph.op import Op
from inception.paths import BUNDLED, SAMPLES
from inception.runtime.predictor import Predictor
from inception.vision.cell_arithmetic import TERMS, CellArithmetic, cell_arithmetic, explain_cell
from inception.vision.cell_error import CellError
from inception.vision.cell_picture import draw_arithmetic
from inception.vision.cell_text import meaning
from inception.vision.record import record
from inception.weights.choice import WeightsKind

SIZE = (107, 91)
CELLS = 2  # of each layer
KINDS = {
    *(Op.CONV, Op.LINEAR, Op.MAX_POOL, Op.AVG_POOL, Op.CONCAT, Op.RESIDUAL_SUM),
    *(Op.DROPOUT, Op.FLATTEN, Op.L2_NORMALIZE),
}


@pytest.fixture(scope="module")
def base() -> Predictor:
    return Predictor("inception_v4", "inception_v4.cifar10")


def narrow(base: Predictor, name: str) -> tuple[Predictor, LayerGraph]:
    """A predictor of a narrow network whose batch norms do something, and its trace."""
    torch.manual_seed(0)
    model = inception.create_model(name, width=0.1, repeats=(1, 1, 2) if "resnet" in name else None)
    for module in model.modules():
        if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):
            module.momentum = 1.0  # the statistics of one batch
            nn.init.uniform_(module.weight, -1, 1.5)
            nn.init.uniform_(module.bias, -0.5, 0.5)
    with torch.no_grad():
        model.train()(torch.rand(2, 3, *SIZE) * 2 - 1)
    predictor = copy.copy(base)
    predictor.name, predictor.model = name, model.eval()
    return predictor, inception.trace(model, SIZE)


def picture(size: tuple[int, int] = SIZE) -> Image.Image:
    return Image.fromarray(np.random.default_rng(0).integers(0, 256, (*size, 3), dtype=np.uint8))


def outputs(predictor: Predictor, graph: LayerGraph, prepared: Image.Image) -> dict[int, Tensor]:
    """What each layer hands on, by hooks of its own."""
    found: dict[int, Tensor] = {}
    for layer in graph.layers:
        predictor.model.get_submodule(layer.parts[-1].path).register_forward_hook(
            lambda _module, _inputs, output, index=layer.index: found.update({index: output[0].clone()})
        )
    with torch.inference_mode():
        predictor.model(predictor.to_input(prepared))
    return found


def check(found: CellArithmetic, activation: float) -> None:
    """The products of the table, and then the steps, give the activation."""
    table = found.table()
    number = size = float(table["product"].sum())
    np.testing.assert_allclose(
        table["product"], np.where(table["weight"] == 0, 0, table["input"] * table["weight"]), rtol=1e-9
    )
    size = float(table["product"].abs().sum())
    assert found.steps[0].value == pytest.approx(number, rel=1e-6, abs=1e-6 * size)
    for step in found.steps[1:]:
        number = max(number, 0.0) if step.name == "relu" else step.scale * number + step.shift
        size = abs(step.scale) * size + abs(step.shift)
        assert step.value == pytest.approx(number, rel=1e-4, abs=1e-5 * size)
    assert number == pytest.approx(activation, rel=1e-4, abs=1e-5 * size)
    assert found.value == found.steps[-1].value == activation
    parts = sum(term.value for term in found.terms) + found.rest
    assert parts == pytest.approx(found.steps[0].value, rel=1e-5, abs=1e-6 * size)
    assert len(found.terms) + found.others == len(found.products.channels)


def test_the_parts_add_up_in_every_layer_of_every_network(base: Predictor) -> None:
    seen_kinds, names = set(), set()
    for name in inception.list_models():
        predictor, graph = narrow(base, name)
        expected = outputs(predictor, graph, picture())
        seen = record(predictor, picture(), graph.layers)
        chance = random.Random(0)
        for layer in graph.layers:
            channels, rows, columns = (*layer.out_shape, 1, 1)[:3]
            for cell in [(chance.randrange(rows), chance.randrange(columns)) for _ in range(CELLS - 1)] + [(0, 0)]:
                channel = chance.randrange(channels)
                found = cell_arithmetic(predictor, graph, seen, layer, channel, *cell)
                output = expected[layer.index]
                check(found, float(output[channel] if output.dim() == 1 else output[channel, *cell]))
                assert layer.op == Op.DROPOUT or any(figure.isdigit() for figure in meaning(found))
            seen_kinds.add(layer.op)
            names |= {step.name for step in found.steps}
    assert seen_kinds == KINDS
    assert names == {"sum", "max", "mean", "copy", "divided by the norm", "bias", "batch norm", "relu"}


def test_convolutions_of_the_readers_own_file_at_an_odd_size(tmp_path: Path) -> None:
    """A padded corner against PyTorch's own convolution of the patch, with the file's own kernel."""
    shutil.copy(BUNDLED / "inception_resnet_v1.cifar10.safetensors", tmp_path / "own.safetensors")
    predictor = Predictor("inception_resnet_v1", str(tmp_path / "own.safetensors"))
    assert predictor.weights.kind is WeightsKind.FILE
    path = "inception_resnet_a.Block35_2.Branch_1.Conv2d_0b_3x3"
    for layer, cell in ((path, (0, 0)), ("stem.Conv2d_1a_3x3", (7, 44)), ("head.Classifier", (0, 0))):
        found = predictor.explain_cell(picture((95, 121)), layer, 2, *cell)
        graph = inception.trace(predictor.model, (95, 121))
        own = predictor.activations(picture((95, 121)), graph.find_layer(layer))
        check(found, float(own[2] if own.ndim == 1 else own[2, *cell]))
    padded = predictor.explain_cell(picture((95, 121)), path, 2).table().query("row < 0 or column < 0")
    assert (padded["input"] == 0).all()
    assert len(padded) == 5 * len(predictor.model.get_submodule(f"{path}.conv").weight[0])  # type: ignore[index]


def test_what_a_sum_leaves_out_and_what_padding_counts(base: Predictor) -> None:
    predictor, graph = narrow(base, "inception_v3")
    seen = record(predictor, picture(), graph.layers)
    pools = {layer.window.filling: layer for layer in graph.layers if layer.window and layer.op == Op.AVG_POOL}
    corner = cell_arithmetic(predictor, graph, seen, pools["zeros"], 0)
    if pools["zeros"].window.pad[0]:  # type: ignore[union-attr]
        assert set(corner.products.kernels.ravel()) == {1 / 9}
    predictor, graph = narrow(base, "inception_v4")
    seen = record(predictor, picture(), graph.layers)
    pool = next(layer for layer in graph.layers if layer.window and layer.window.filling == "nothing")
    corner = cell_arithmetic(predictor, graph, seen, pool, 0)
    assert sorted(set(corner.products.kernels.ravel())) == [0, 1 / 4]
    assert "4 cells on the grid; the 5 of padding do not count" in meaning(corner)
    linear = cell_arithmetic(predictor, graph, seen, graph.layers[-1], 7)
    values = pd.Series(linear.products.values)
    most = [*values.nlargest(TERMS), *values.nsmallest(TERMS)]
    assert [term.value for term in linear.terms] == pytest.approx(most), "for the class, then against it"


def test_another_number_than_the_networks_is_not_passed_off(base: Predictor) -> None:
    predictor, graph = narrow(base, "inception_v4")
    layer = graph.layers[3]
    seen = record(predictor, picture(), graph.layers[:4])
    seen[layer.index] = seen[layer.index] + 1
    with pytest.raises(CellError, match=r"the parts add up to .*, but the network has"):
        cell_arithmetic(predictor, graph, seen, layer, 0)


def test_half_precision_is_taken_apart_in_full(base: Predictor) -> None:
    predictor, _graph = narrow(base, "inception_resnet_v2")
    predictor.dtype, predictor.model = torch.bfloat16, predictor.model.bfloat16()
    found = explain_cell(predictor, picture(), "inception_resnet_a.Block35_1.residual_sum", 1, 2, 3)
    rounded = torch.tensor(found.value).bfloat16().item()
    assert found.value != rounded or found.value == 0
    assert not any(module._forward_hooks for module in predictor.model.modules())


def test_the_form_of_the_json_and_the_picture(base: Predictor) -> None:
    prepared = base.prepare(inception.load_image(SAMPLES / "cat.jpg"), (112, 112))
    found = base.explain_cell(prepared, "Mixed_6h/Branch_1/Conv2d_0b_1x7", 0, 2, 3)
    entry = found.as_json()
    assert list(entry) == ["model", "layer", "op", "channel", "row", "column", "value", "steps", "terms", "rest"]
    assert (entry["model"], entry["op"], entry["channel"], entry["row"], entry["column"]) == (
        "inception_v4", "conv", 0, 2, 3,
    )  # fmt: skip
    assert entry["layer"] == "inception_b.Mixed_6h.Branch_1.Conv2d_0b_1x7"
    assert [step["name"] for step in entry["steps"]] == ["sum", "batch norm", "relu"]
    assert [list(term) for term in entry["terms"]] == [["channel", "value"]] * TERMS
    image = draw_arithmetic(found)
    ink = np.asarray(image.convert("L")) < 128
    assert ink.any()
    assert not ink[:, -20:].any(), "nothing runs out of the picture"
    assert not ink[-20:].any()


def test_wrong_asks_are_one_sentence(base: Predictor) -> None:
    for asked, sentence in (
        (("stem.Conv2d_1a_3x3", 8, 0, 0), "has channels 0 to 7, no channel 8."),
        (("stem.Conv2d_1a_3x3", 0, 53, 0), "has rows 0 to 52, no row 53."),
        (("stem.Conv2d_1a_3x3", 0, 0, -1), "has columns 0 to 44, no column -1."),
        (("head.Logits.Logits", 0, 1, 0), "has rows 0 to 0, no row 1."),
    ):
        with pytest.raises(CellError, match=sentence):
            base.explain_cell(picture(), *asked)
    with pytest.raises(inception.InceptionError, match="has no layer 'nope'"):
        base.explain_cell(picture(), "nope", 0)
