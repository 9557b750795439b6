"""The traced tables against timm and facenet-pytorch, layer by layer, and against torchinfo."""

from functools import cache

import pytest
import torch
import torchinfo
from torch import nn

from inception import LayerGraph, create_model, list_models, trace
from inception.graph.layer import Layer
from tests import reference

from ..graphs import zoo_graph

OP = {"Conv2d": "conv", "MaxPool2d": "max pool", "AvgPool2d": "avg pool", "Linear": "linear"}
OTHER_SIZES = {
    name: list(dict.fromkeys(row["input"] for row in reference.table(f"{name}.shapes.csv")))
    for name in reference.LAYERS_MEASURED
}


@cache
def network(name: str) -> nn.Module:
    return create_model(name, device="meta")


def listed(graph: LayerGraph) -> list[Layer]:
    """The layers that the reference tables list: all with a window or weights but the pool of the head."""
    return [layer for layer in graph.layers if layer.op in OP.values() and "AvgPool_1a" not in layer.path]


@pytest.mark.parametrize(("name", "size"), reference.LAYERS_MEASURED.items())
def test_every_layer_equals_the_reference(name: str, size: int) -> None:
    expected = reference.table(f"{name}.layers_{size}.csv")
    graph = zoo_graph(name, size)
    rows = graph.table().set_index("index")
    layers = listed(graph)

    assert [layer.op for layer in layers] == [OP[row["op"]] for row in expected]
    for layer, theirs in zip(layers, expected, strict=True):
        row = rows.loc[layer.index]
        ours = {key: row[key] for key in ("in_shape", "out_shape", "kernel", "stride")}
        assert ours == {key: theirs[key] for key in ours}, (layer.path, theirs["path"])
        if theirs["padding"]:
            height, width = reference.sizes(theirs["padding"])
            assert row["pad"] == f"{height},{height},{width},{width}", layer.path
            if any(reference.sizes(theirs["padding"])):
                assert row["padding"] == "SAME", layer.path  # none of them pads and strides at once
            elif theirs["kernel"] != "1x1":
                assert row["padding"] == "VALID", layer.path
        assert layer.parts[0].params == int(theirs["params"]), layer.path  # a row's own count has the batch norm too
        assert row["macs"] == int(theirs["macs"] or 0), layer.path


@pytest.mark.parametrize(("name", "size"), [(name, size) for name, sizes in OTHER_SIZES.items() for size in sizes])
def test_shapes_equal_the_reference_at_other_sizes(name: str, size: str) -> None:
    expected = [row for row in reference.table(f"{name}.shapes.csv") if row["input"] == size]
    graph = trace(network(name), reference.sizes(size))
    rows = graph.table().set_index("index").loc[[layer.index for layer in listed(graph)]]

    assert list(rows["in_shape"]) == [row["in_shape"] for row in expected]
    assert list(rows["out_shape"]) == [row["out_shape"] for row in expected]


def test_the_reference_was_measured_at_all_sizes_we_promise() -> None:
    for name, size in reference.LAYERS_MEASURED.items():
        measured = {*OTHER_SIZES[name], f"{size}x{size}"}
        assert measured == {"150x150", "160x160", "224x224", "299x299", "331x331", "350x400"}


@pytest.mark.parametrize("name", list_models())
def test_the_last_grid(name: str) -> None:
    for size, grid in [((75, 80), (1, 1)), ((150, 150), (3, 3)), ((350, 400), (9, 11))]:
        pool = next(layer for layer in trace(network(name), size).layers if "AvgPool_1a" in layer.path)
        assert pool.in_shapes[0][1:] == grid
        assert pool.window is not None
        assert pool.window.kernel == grid  # it averages all of it
        assert pool.out_shape[1:] == (1, 1)


@pytest.mark.parametrize("name", list_models())
def test_params_and_macs_equal_torchinfo_layer_by_layer(name: str) -> None:
    """The second opinion is run on the same module; every module it calls is one part of one of our layers.

    torchinfo multiplies every parameter of a convolution with its output positions and counts every other
    parameter once. Its mult-adds therefore hold the biases (one addition a position, not a multiply-accumulate)
    and two a channel for batch norm, which is no matrix product and which we do not count.
    """
    model = network(name)
    summary = torchinfo.summary(model, input_size=(1, 3, 299, 299), device="meta", depth=99, verbose=0)
    theirs = [info for info in summary.summary_list if info.is_leaf_layer]
    graph = trace(model, 299)
    parts = [part for layer in graph.layers for part in layer.parts]

    assert [model.get_submodule(part.path) for part in parts] == [info.module for info in theirs]
    for part, info in zip(parts, theirs, strict=True):
        module = info.module
        assert part.params == info.trainable_params, part.path
        assert list(part.out_shape) == info.output_size[1:], part.path
        if isinstance(module, nn.Conv2d):
            bias = 0 if module.bias is None else module.bias.numel() * part.out_shape[1] * part.out_shape[2]
        elif isinstance(module, nn.Linear):
            bias = 0 if module.bias is None else module.bias.numel()
        else:
            assert part.macs == 0, part.path
            assert info.macs == info.trainable_params, part.path
            continue
        assert part.macs == info.macs - bias, part.path
    assert graph.params == summary.total_params == sum(p.numel() for p in model.parameters())
    assert graph.macs == sum(part.macs for part in parts)


@pytest.mark.parametrize("name", list_models())
def test_column_sums_equal_the_totals(name: str) -> None:
    graph = zoo_graph(name, 160)
    table = graph.table()

    assert table["params"].sum() == graph.params
    assert table["macs"].sum() == graph.macs
    assert list(table["index"]) == list(range(1, len(graph.layers) + 1))


@pytest.mark.parametrize("name", list_models())
def test_activation_bytes_are_those_of_a_real_run(name: str) -> None:
    model = create_model(name, width=0.02, repeats=(1, 2, 2))
    graph = trace(model, 107)
    measured: dict[str, int] = {}
    for layer in graph.layers:

        def note(module: nn.Module, inputs: object, out: torch.Tensor, path: str = layer.path) -> None:
            measured[path] = out.element_size() * out.numel()

        model.get_submodule(layer.parts[-1].path).register_forward_hook(note)
    with torch.inference_mode():
        model(torch.rand(1, 3, 107, 107))

    assert [layer.activation_bytes for layer in graph.layers] == [measured[layer.path] for layer in graph.layers]
