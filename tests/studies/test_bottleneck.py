"""1x1 convolutions before kxk ones, against sums by hand, torchinfo, and the networks really built without them."""

from math import prod
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torchinfo import summary

from inception import create_model, trace
from inception.graph.layer_graph import LayerGraph
from inception.studies.bottleneck import (
    EXAMPLE,
    bottleneck_kinds,
    bottleneck_table,
    bottlenecks_finding,
    build_ways,
    calculate_ways,
    find_bottlenecks,
    setting_of,
    ways_in_words,
    widest_that_saves,
    width_table,
)
from inception.studies.direct_network import compare_with_direct, direct_network
from inception.studies.factorize import Setting, option_table

from ..graphs import zoo_graph

THIN = Setting(3, 384, 64, 96, (35, 35), bias=False, batch_norm=True)  # in Inception-A of Inception-v4


# For any widths
def test_counts_are_those_by_hand() -> None:
    direct, reduced = calculate_ways(THIN)
    assert direct.arithmetic == "96·(384·3·3 + 2) = 331,968"
    assert reduced.arithmetic == "64·(384 + 2) + 96·(64·3·3 + 2) = 80,192"
    assert (direct.layers, reduced.layers) == ("3x3", "1x1 + 3x3")
    assert direct.graph.macs == 96 * 384 * 9 * 35 * 35
    assert reduced.graph.macs == (64 * 384 + 96 * 64 * 9) * 35 * 35
    assert option_table(calculate_ways(THIN))["params_ratio"].tolist() == [1.0, 331_968 / 80_192]
    assert direct.graph.output_shape == reduced.graph.output_shape == (96, 35, 35)


def test_counts_are_torchinfo_s() -> None:
    setting = Setting(5, 6, 2, 4, (8, 9), bias=False, batch_norm=True)
    for module, way in zip(build_ways(setting, "cpu").values(), calculate_ways(setting), strict=True):
        info = summary(module, (1, *setting.input_shape), verbose=0, device="cpu")
        assert info.total_params == way.graph.params
        convs = [each for each in info.summary_list if each.class_name == "Conv2d"]
        assert sum(each.macs for each in convs) == way.graph.macs
        assert module(torch.zeros(1, *setting.input_shape)).shape == (1, *way.graph.output_shape)


def test_it_saves_up_to_the_widest_and_no_further() -> None:
    ways = calculate_ways(THIN)
    widest = widest_that_saves(THIN, ways)
    costs = width_table(THIN, (widest.params, widest.params + 1, widest.macs, widest.macs + 1))
    assert costs["params"][0] < ways[0].graph.params <= costs["params"][1]
    assert costs["macs"][2] < ways[0].graph.macs <= costs["macs"][3]
    assert f"at most {widest.params:,} channels" in ways_in_words(THIN, ways)


def test_words_for_a_1x1_that_widens() -> None:
    stem = Setting(3, 64, 80, 192, (71, 71), bias=False, batch_norm=True)  # of Inception-ResNet-v1
    assert "here it saves nothing" in ways_in_words(stem, calculate_ways(stem))
    one = Setting(3, 1, 1, 1, (4, 4), bias=False)
    assert "it never saves parameters" in ways_in_words(one, calculate_ways(one))


# In a network
class Read(nn.Module):
    """A 1x1 that a 3x3 reads, and what else `also` does with it."""

    def __init__(self, first: nn.Module, second: nn.Module, also: bool = False) -> None:
        super().__init__()
        self.first, self.second, self.also = first, second, also

    def forward(self, x: Tensor) -> Tensor:
        x = self.first(x)
        return torch.cat([x, self.second(x)], 1) if self.also else self.second(x)


def row_of(first: nn.Module, second: nn.Module, also: bool = False) -> LayerGraph:
    return trace(Read(first, second, also), (4, 16, 16))


def test_places_of_any_module() -> None:
    graph = row_of(nn.Conv2d(4, 2, 1), nn.Conv2d(2, 6, 5, stride=2))
    row = bottleneck_table(graph).iloc[0]
    assert (row["first_path"], row["second_path"], row["kernel"], row["grid"]) == ("first", "second", 5, "6x6")
    assert row["direct_params"] == 4 * 6 * 25 + 6
    assert row["direct_macs"] == 4 * 6 * 25 * 36
    assert row["params"] == 4 * 2 + 2 + 2 * 6 * 25 + 6
    assert setting_of(graph) == Setting(5, 4, 2, 6, (6, 6), bias=True)


def test_what_is_no_place() -> None:
    square, line = nn.Conv2d(4, 4, 3, padding=1), nn.Conv2d(4, 4, (1, 3), padding="same")
    for graph in (
        row_of(nn.Conv2d(4, 4, 1), square, also=True),
        row_of(nn.Conv2d(4, 4, 1), line),
        row_of(nn.Conv2d(4, 4, 1, stride=2), square),
        row_of(nn.Conv2d(4, 4, 1, groups=2), square),
        row_of(nn.Conv2d(4, 4, 1), nn.Conv2d(4, 4, 3, groups=4)),
        row_of(square, nn.Conv2d(4, 4, 3)),
    ):
        assert not find_bottlenecks(graph)
        assert "no 1x1 convolution" in bottlenecks_finding(graph)
        assert bottleneck_table(graph).empty
        assert bottleneck_kinds(graph).empty
        assert setting_of(graph) == EXAMPLE


@pytest.mark.parametrize("name", ["inception_v4", "inception_resnet_v1", "inception_resnet_v2", "inception_v3"])
def test_network_without_them_differs_in_these_places_alone(name: str) -> None:
    original = zoo_graph(name)
    table = bottleneck_table(original)
    assert not table.empty
    direct = trace(direct_network(name, "meta"), original.input_size)
    assert not find_bottlenecks(direct)
    assert len(original.layers) - len(direct.layers) == len(table)
    assert direct.params - original.params == table["saving"].sum()
    assert direct.macs - original.macs == (table["direct_macs"] - table["macs"]).sum()
    built = {layer.path: layer for layer in direct.layers}
    for layer in original.layers:
        if layer.path not in set(table["first_path"]):
            assert built[layer.path].out_shape == layer.out_shape
            assert built[layer.path].window == layer.window
    assert setting_of(original).kernel in (3, 5)
    # Each kind of place stands for itself as often as it says.
    kinds = bottleneck_kinds(original)
    assert kinds["times"].sum() == len(table)
    assert (kinds["saving"] * kinds["times"]).sum() == table["saving"].sum()


def test_places_are_those_of_the_paper() -> None:
    table = bottleneck_table(zoo_graph("inception_v4"))
    a = table[table["stage"] == "Inception-A"]
    assert len(a) == 2 * 4
    assert a[["in_channels", "middle_channels", "out_channels"]].drop_duplicates().to_numpy().tolist() == [
        [384, 64, 96]
    ]
    stem = bottleneck_table(zoo_graph("inception_resnet_v1")).iloc[0]
    assert stem["params_ratio"] < 1
    assert "At 1 place the 1x1 costs more" in bottlenecks_finding(zoo_graph("inception_resnet_v1"))


def test_the_network_without_them_runs() -> None:
    overrides: dict[str, Any] = {"width": 0.05, "repeats": (1, 1, 1), "num_classes": 5}
    model = direct_network("inception_resnet_v2", dtype=torch.float64, **overrides)
    assert not any(module.training for module in model.modules())
    assert model(torch.rand(1, 3, 80, 96, dtype=torch.float64)).shape == (1, 5)
    info = summary(model, (1, 3, 80, 96), verbose=0, device="cpu", dtypes=[torch.float64])
    assert info.total_params == sum(prod(parameter.shape) for parameter in model.parameters())
    table = compare_with_direct("inception_resnet_v2", (80, 96), **overrides).set_index("network")
    assert table.loc["without 1x1", "params"] == info.total_params
    whole = create_model("inception_resnet_v2", device="meta", **overrides)
    assert table.loc["with 1x1", "params"] == sum(parameter.numel() for parameter in whole.parameters())
    assert table.loc["with 1x1", "params_ratio"] == table["params"].iloc[1] / table["params"].iloc[0]
