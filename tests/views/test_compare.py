from collections import OrderedDict
from dataclasses import replace

import pandas as pd
import pytest
from torch import nn

from inception import LayerGraph, create_model, trace
from inception.models.layers import Stage
from inception.views.compare import compare_models
from tests import reference

from ..graphs import zoo_graph

NAMES = ["inception_v4", "inception_resnet_v2", "inception_resnet_v2.paper"]


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    return compare_models([zoo_graph(name, 299) for name in NAMES])


def test_rows_of_a_stage_stand_together_in_order_of_execution(table: pd.DataFrame) -> None:
    assert list(table.stage.drop_duplicates()) == [
        "Stem",
        "Inception-A",
        "Inception-ResNet-A",
        "Reduction-A",
        "Inception-B",
        "Inception-ResNet-B",
        "Reduction-B",
        "Inception-C",
        "Inception-ResNet-C",
        "Head",
    ]
    assert table.stage.ne(table.stage.shift()).sum() == 10
    assert list(table.model[table.stage == "Stem"]) == NAMES
    assert list(table.model[table.stage == "Inception-ResNet-B"]) == NAMES[1:]


def test_every_network_keeps_its_own_order() -> None:
    graphs = [zoo_graph(name, 160) for name in ("inception_resnet_v1", "inception_v4", "inception_resnet_v2")]
    table = compare_models(graphs)
    for graph in graphs:
        own = list(dict.fromkeys(layer.stage for layer in graph.layers))
        assert list(table.stage[table.model == graph.name]) == own


def test_stages_have_the_shapes_and_blocks_of_the_paper(table: pd.DataFrame) -> None:
    rows = table.set_index(["model", "stage"])
    # Fig. 3 to 9 write these grids beside Inception-v4's blocks, Fig. 9 counts the blocks.
    v4 = rows.loc["inception_v4"]
    assert v4.out_shape[["Stem", "Inception-A"]].tolist() == ["384x35x35"] * 2
    assert v4.out_shape[["Reduction-A", "Inception-B"]].tolist() == ["1024x17x17"] * 2
    assert v4.out_shape[["Reduction-B", "Inception-C"]].tolist() == ["1536x8x8"] * 2
    assert v4.blocks[["Inception-A", "Inception-B", "Inception-C"]].tolist() == [4, 7, 3]
    # Fig. 15: 5, 10 and 5 residual blocks; TF-Slim's released network has twice as many.
    residual = [f"Inception-ResNet-{letter}" for letter in "ABC"]
    assert rows.loc["inception_resnet_v2.paper"].blocks[residual].tolist() == [5, 10, 5]
    assert rows.loc["inception_resnet_v2"].blocks[residual].tolist() == [10, 20, 10]


@pytest.mark.parametrize("name", NAMES)
def test_params_are_those_of_the_modules(table: pd.DataFrame, name: str) -> None:
    stages = [module for module in create_model(name, device="meta").children() if isinstance(module, Stage)]
    expected = {stage.title: sum(p.numel() for p in stage.parameters()) for stage in stages}
    rows = table[table.model == name]
    assert {stage: rows.params[rows.stage == stage].sum() for stage in expected} == expected


def test_stages_add_up_to_totals_and_totals_to_the_reference(table: pd.DataFrame) -> None:
    for name, rows in table.groupby("model"):
        for column in ("params", "macs", "activation_bytes"):
            assert rows[f"total_{column}"].nunique() == 1
            assert rows[column].sum() == rows[f"total_{column}"].iloc[0], (name, column)
    for name in ("inception_v4", "inception_resnet_v2"):
        layers = reference.table(f"{name}.layers_299.csv")
        macs = sum(int(layer["macs"] or 0) for layer in layers)
        assert table.total_macs[table.model == name].iloc[0] == macs


def test_one_network_at_two_sizes() -> None:
    table = compare_models([trace("inception_resnet_v1", size) for size in (160, (160, 299))])
    assert list(table.input[:2]) == ["3x160x160", "3x160x299"]
    assert table.params.iloc[0] == table.params.iloc[1]
    assert table.macs.iloc[0] < table.macs.iloc[1]


def test_the_same_twice_is_refused() -> None:
    graph = zoo_graph("inception_resnet_v1", 160)
    with pytest.raises(ValueError, match="inception_resnet_v1 at 3x160x160 is given more than once") as caught:
        compare_models([graph, graph])
    reference.assert_one_sentence(caught.value)


def chain(**layers: nn.Module) -> LayerGraph:
    model = nn.Sequential(OrderedDict({name: nn.Sequential(layer) for name, layer in layers.items()}))
    return replace(trace(model, 8), name=" ".join(layers))


def test_networks_that_are_not_ours() -> None:
    table = compare_models(
        [chain(stem=nn.Conv2d(3, 4, 3), pool=nn.MaxPool2d(2)), chain(stem=nn.Conv2d(3, 8, 3), wide=nn.Conv2d(8, 8, 3))]
    )
    assert table[["stage", "params", "out_shape"]].to_numpy().tolist() == [
        ["stem", 3 * 4 * 9 + 4, "4x6x6"],
        ["stem", 3 * 8 * 9 + 8, "8x6x6"],
        ["pool", 0, "4x3x3"],
        ["wide", 8 * 8 * 9 + 8, "8x4x4"],
    ]


def test_layers_outside_of_stages_stand_for_themselves() -> None:
    flat = trace(nn.Sequential(nn.Conv2d(3, 4, 3), nn.MaxPool2d(2)), 8)
    assert compare_models([flat])[["stage", "layers", "params"]].to_numpy().tolist() == [
        ["conv 0", 1, 3 * 4 * 9 + 4],
        ["max pool 1", 1, 0],
    ]


def test_stages_in_opposite_order_are_refused() -> None:
    one = chain(conv=nn.Conv2d(3, 3, 3), pool=nn.MaxPool2d(2))
    other = chain(pool=nn.MaxPool2d(2), conv=nn.Conv2d(3, 3, 3))
    with pytest.raises(ValueError, match="do not come in the same order") as caught:
        compare_models([one, other])
    reference.assert_one_sentence(caught.value)
