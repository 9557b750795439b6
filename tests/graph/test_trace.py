"""The trace of our networks: its edges, what it refuses, and that it leaves the module alone."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from inception import LayerGraph, Size, TraceError, create_model, list_models, trace
from tests import reference

from ..graphs import zoo_graph

NAMES = list_models()


def at(graph: LayerGraph, block: str, layer: str, branch: str = "") -> int:
    """The index of one layer."""
    found = [row.index for row in graph.layers if (row.block, row.branch, row.layer) == (block, branch, layer)]
    assert len(found) == 1, (block, branch, layer)
    return found[0]


def run_by_edges(graph: LayerGraph, model: nn.Module, x: Tensor) -> list[Tensor]:
    """Runs the model as the graph says: each layer's parts on the outputs of the layers it reads."""
    values = [x]
    for layer in graph.layers:
        out: tuple[Tensor, ...] = tuple(values[i] for i in layer.inputs)
        for part in layer.parts:
            out = (model.get_submodule(part.path)(*out),)
        values.append(out[0])
    return values[1:]


# Edges
@pytest.mark.parametrize("name", NAMES)
def test_running_along_the_edges_is_running_the_model(name: str) -> None:
    torch.manual_seed(0)
    model = create_model(name, width=0.05)
    x = torch.rand(1, 3, 96, 107)
    graph = trace(model, (96, 107))

    with torch.inference_mode():
        values = run_by_edges(graph, model, x)

        assert torch.equal(values[-1], model(x))
    assert [tuple(value.shape[1:]) for value in values] == [layer.out_shape for layer in graph.layers]
    for layer in graph.layers:
        sources = [x, *values]
        assert [tuple(sources[i].shape[1:]) for i in layer.inputs] == list(layer.in_shapes)


@pytest.mark.parametrize("name", NAMES)
def test_layers_read_earlier_ones_and_are_read(name: str) -> None:
    graph = zoo_graph(name, 75)

    assert [layer.index for layer in graph.layers] == list(range(1, len(graph.layers) + 1))
    for layer in graph.layers:
        assert layer.inputs
        assert all(0 <= source < layer.index for source in layer.inputs)
    assert [layer.index for layer in graph.layers if 0 in layer.inputs] == [1]
    assert {source for source, _ in graph.edges} == set(range(len(graph.layers)))
    assert graph.edges == sorted(graph.edges, key=lambda edge: edge[1])
    assert graph.output_shape == graph.layers[-1].out_shape


def test_concatenation_reads_the_ends_of_the_branches() -> None:
    graph = zoo_graph("inception_resnet_v2", 75)
    concat = graph.layers[at(graph, "Mixed_5b", "concat") - 1]

    assert concat.inputs == (
        at(graph, "Mixed_5b", "Conv2d_1x1", "Branch_0"),
        at(graph, "Mixed_5b", "Conv2d_0b_5x5", "Branch_1"),
        at(graph, "Mixed_5b", "Conv2d_0c_3x3", "Branch_2"),
        at(graph, "Mixed_5b", "Conv2d_0b_1x1", "Branch_3"),
    )
    # Every branch begins at the pool that ends the stem.
    stem_end = at(graph, "MaxPool_5a_3x3", "")
    for branch in range(4):
        first = next(x for x in graph.layers if (x.block, x.branch) == ("Mixed_5b", f"Branch_{branch}"))
        assert first.inputs == (stem_end,)


@pytest.mark.parametrize(
    ("name", "block", "before"),
    [
        ("inception_resnet_v2", "Block35_1", ("Mixed_5b", "concat")),
        ("inception_resnet_v2", "Block35_2", ("Block35_1", "residual sum")),
        ("inception_resnet_v2", "Block17_1", ("Mixed_6a", "concat")),
        ("inception_resnet_v2", "Block8", ("Block8_9", "residual sum")),
        ("inception_resnet_v1", "Block35_1", ("Conv2d_4b_3x3", "")),
        ("inception_resnet_v2.paper", "Block8_5", ("Block8_4", "residual sum")),
    ],
)
def test_residual_sum_reads_the_shortcut_then_the_linear_1x1(name: str, block: str, before: tuple[str, str]) -> None:
    graph = zoo_graph(name, 75)

    assert graph.layers[at(graph, block, "residual sum") - 1].inputs == (
        at(graph, *before),
        at(graph, block, "Conv2d_1x1"),
    )


def test_forks_inside_a_branch() -> None:
    """Inception-C's 1x3 and 3x1 stand side by side on the same 1x1 (Fig. 6)."""
    graph = zoo_graph("inception_v4", 75)
    one = at(graph, "Mixed_7b", "Conv2d_0a_1x1", "Branch_1")
    wide, high = (at(graph, "Mixed_7b", layer, "Branch_1") for layer in ("Conv2d_0b_1x3", "Conv2d_0c_3x1"))

    assert graph.layers[wide - 1].inputs == graph.layers[high - 1].inputs == (one,)
    assert graph.layers[at(graph, "Mixed_7b", "concat", "Branch_1") - 1].inputs == (wide, high)


def test_a_row_is_a_conv_unit() -> None:
    graph = zoo_graph("inception_resnet_v2", 299)

    def ops(block: str, layer: str, branch: str = "") -> list[str]:
        return [part.op for part in graph.layers[at(graph, block, layer, branch) - 1].parts]

    assert ops("Conv2d_1a_3x3", "") == ["conv", "batch norm", "relu"]
    assert ops("Block35_1", "Conv2d_1x1") == ["conv"]  # linear
    assert ops("Block35_1", "residual sum") == ["residual sum", "relu"]
    assert ops("Block8", "residual sum") == ["residual sum"]  # TF-Slim's last block
    blog = zoo_graph("inception_resnet_v2.keras_blog", 299)
    linear = blog.layers[at(blog, "Block35_1", "Conv2d_1x1") - 1]
    assert [part.op for part in linear.parts] == ["conv", "batch norm", "relu"]  # where it should be linear


# Input sizes
@pytest.mark.parametrize("name", NAMES)
def test_75_pixels_are_the_smallest_picture(name: str) -> None:
    assert zoo_graph(name, 75).input_shape == (3, 75, 75)
    model = create_model(name, device="meta", width=0.02, repeats=(1, 1, 1))
    for size in ((74, 74), (74, 200), (200, 74), (30, 30), (3, 3), (1, 1)):
        with pytest.raises(TraceError) as caught:
            trace(model, size)
        message = str(caught.value)
        reference.assert_one_sentence(caught.value)
        assert f"{size[0]}x{size[1]}" in message
        named = [path for path, module in model.named_modules() if path and path in message]
        assert any(isinstance(model.get_submodule(path), nn.Conv2d | nn.MaxPool2d) for path in named), message
        with pytest.raises(RuntimeError):  # and PyTorch agrees
            model(torch.empty(1, 3, *size, device="meta"))


def test_too_small_a_picture_names_the_first_layer_that_does_not_fit() -> None:
    with pytest.raises(
        TraceError, match=r"inception_v4.*74x74.*reduction_b\.Mixed_7a\.Branch_0\.Conv2d_1a_3x3.*3x3.*2x2"
    ):
        trace("inception_v4", 74)
    with pytest.raises(TraceError, match=r"1x1.*stem\.Conv2d_1a_3x3"):
        trace("inception_resnet_v2", 1)


@pytest.mark.parametrize(
    "size",
    [0, -299, (0, 299), (299, -1), (299,), (1, 3, 299, 299), (), "299", 299.0, (299.0, 299.0), None, True, 10**9],
    ids=str,
)
def test_bad_input_size(size: Any) -> None:
    with pytest.raises(TraceError) as caught:
        trace("inception_v4", size, width=0.02, repeats=(1, 1, 1))
    reference.assert_one_sentence(caught.value)


def test_numpy_sizes_are_numbers_too() -> None:
    """Sizes often come out of a data frame or a picture's array."""
    size: Any = np.int64(80)
    assert trace("inception_v4", size, width=0.02).input_shape == (3, 80, 80)


def test_input_size_may_name_the_channels() -> None:
    model = create_model("inception_v4", device="meta", in_chans=4, width=0.02)

    assert trace(model, 80).input_shape == (4, 80, 80)
    assert trace(model, (80, 90)).input_shape == (4, 80, 90)
    assert trace(model, (4, 80, 90)) == trace(model, (80, 90))
    with pytest.raises(TraceError) as caught:
        trace(model, (3, 80, 90))
    reference.assert_one_sentence(caught.value)
    assert "stem.Conv2d_1a_3x3" in str(caught.value)


# What is traced stays as it was
@pytest.mark.parametrize("training", [True, False])
def test_module_is_untouched(training: bool) -> None:
    model = create_model("inception_resnet_v1", width=0.05, dtype=torch.float64).train(training)
    model.requires_grad_(False)
    before = {key: (id(tensor), tensor.clone()) for key, tensor in [*model.named_parameters(), *model.named_buffers()]}
    modules = list(model.modules())
    state = torch.get_rng_state()

    graph = trace(model, 160)

    assert all(module.training is training for module in model.modules())
    assert list(model.modules()) == modules
    after = dict([*model.named_parameters(), *model.named_buffers()])
    assert after.keys() == before.keys()
    for key, (identity, value) in before.items():
        assert id(after[key]) == identity
        assert after[key].device.type == "cpu"
        assert not after[key].requires_grad
        assert torch.equal(after[key], value)
    assert torch.equal(torch.get_rng_state(), state)
    assert graph.params == sum(p.numel() for p in model.parameters())


def test_weights_device_and_mode_do_not_matter() -> None:
    torch.manual_seed(0)
    overrides: dict[str, Any] = {"width": 0.05, "repeats": (1, 2, 2)}
    real = create_model("inception_resnet_v2", **overrides)

    expected = trace(real, 160).layers

    assert trace(create_model("inception_resnet_v2", device="meta", **overrides), 160).layers == expected
    assert trace(real.train(), 160).layers == expected
    assert trace(real.half(), 160).layers == expected
    assert trace("inception_resnet_v2", 160, **overrides).layers == expected


def test_overrides_belong_to_a_name() -> None:
    model = create_model("inception_v4", device="meta", width=0.05)

    with pytest.raises(ValueError, match="width") as caught:
        trace(model, 75, width=0.5)  # would be left out silently: the module is built already
    reference.assert_one_sentence(caught.value)


@pytest.mark.parametrize("model", ["resnet50", 3, None, nn.Conv2d, torch.zeros(3)], ids=str)
def test_neither_name_nor_module(model: Any) -> None:
    with pytest.raises(ValueError) as caught:  # noqa: PT011 (which one is open, the sentence counts)
        trace(model)
    reference.assert_one_sentence(caught.value)


def test_a_name_is_traced_once() -> None:
    """However its size is said; other overrides are other networks, and what is wrong is said each time."""
    graph = trace("inception_resnet_v1", 96)
    assert trace("inception_resnet_v1", (96, 96)) is trace("inception_resnet_v1", Size(96, 96)) is graph
    assert trace("inception_resnet_v1", (3, 96, 96)) == graph
    assert trace("inception_resnet_v1", 96, num_classes=10).output_shape == (10,)
    assert trace("inception_resnet_v1", 96, num_classes=10, width=0.5).params < graph.params
    assert trace("inception_resnet_v1", 96, repeats=[1, 1, 1]) == trace("inception_resnet_v1", 96, repeats=[1, 1, 1])
    assert trace(create_model("inception_resnet_v1", device="meta"), 96) is not graph
    for _again in range(2):
        with pytest.raises(TraceError, match="the grid vanishes"):
            trace("inception_resnet_v1", 20)
