"""Kinds of blocks: which there are, and that ids and titles name one each."""

import re

import pytest
from torch import nn

from inception import InceptionError, list_models, trace
from inception.graph.blocks import block_types, find_block
from inception.models.layers import ConvUnit, Stage
from tests.graph.widening import Widening, block

from ..graphs import zoo_graph

# What stood in addresses before there were ids; they must open the same blocks as ever.
RESIDUAL = ["Inception-ResNet-A", "Reduction-A", "Inception-ResNet-B", "Reduction-B", "Inception-ResNet-C"]
TITLES = {
    "inception_v4": ["Stem", "Inception-A", "Reduction-A", "Inception-B", "Reduction-B", "Inception-C", "Head"],
    "inception_resnet_v1": ["Stem", *RESIDUAL, "Inception-ResNet-C, last", "Head"],
    "inception_resnet_v2": ["Stem", "Inception-A", *RESIDUAL, "Inception-ResNet-C, last", "Head"],
    "inception_resnet_v2.paper": ["Stem", *RESIDUAL, "Head"],
    "inception_resnet_v2.keras_blog": ["Stem", *RESIDUAL, "Head"],
    "inception_resnet_v2.faceid": ["Stem", "Inception-A", *RESIDUAL, "Inception-ResNet-C, last", "Head"],
}
WIDENING = [
    ("stem", "Stem", "Stem", 1),
    ("inception-a-mixed_5b", "Inception-A (Mixed_5b)", "Mixed_5b", 1),
    ("inception-a-mixed_5c", "Inception-A (Mixed_5c)", "Mixed_5c", 1),
    ("inception-a-mixed_5d", "Inception-A (Mixed_5d)", "Mixed_5d", 1),
    ("inception-b-mixed_6b", "Inception-B (Mixed_6b)", "Mixed_6b", 1),
    ("inception-b-mixed_6c-6d", "Inception-B (Mixed_6c-6d)", "Mixed_6c-6d", 2),
    ("inception-b-mixed_6e", "Inception-B (Mixed_6e)", "Mixed_6e", 1),
    ("head", "Head", "Logits", 1),
]


@pytest.mark.parametrize("name", TITLES)
def test_titles_of_old_addresses_open_the_same_blocks(name: str) -> None:
    for size in (299, 160):
        types = block_types(zoo_graph(name, size).layers)
        assert [type.title for type in types] == TITLES[name]
        assert len({type.layers[0].path for type in types}) == len(types)


@pytest.mark.parametrize("name", list_models())
def test_every_kind_is_found_by_each_of_its_names(name: str) -> None:
    layers = zoo_graph(name).layers
    types = block_types(layers)
    assert len({type.id for type in types}) == len({type.title for type in types}) == len(types)
    for type in types:
        assert re.fullmatch(r"[a-z0-9_-]+", type.id)
        assert find_block(layers, type.id) == find_block(layers, type.title.upper()) == type
    names = [layer.block for layer in layers]
    assert {find_block(layers, block).layers[0].stage for block in names} == {layer.stage for layer in layers}


def test_blocks_of_one_plan_are_kinds_of_their_own() -> None:
    layers = trace(Widening().eval(), 16).layers
    types = block_types(layers)
    assert [(type.id, type.title, type.name, type.repeat) for type in types] == WIDENING
    assert sum(len(type.layers) * type.repeat for type in types) == len(layers)
    assert find_block(layers, "Mixed_6d").name == "Mixed_6c-6d"
    assert find_block(layers, "inception-A").name == "Mixed_5b"  # a stage stands for its first kind


def test_names_that_come_again_get_numbers() -> None:
    """Two stages with one title, and three runs whose blocks TF-Slim would call alike."""
    stages = [
        Stage("A", Block_1=block(3, 1), Block_2=block(5, 1), Block_3=block(5, 2), Block=block(6, 2)),
        Stage("B", Conv=ConvUnit(6, 6, 1)),
        Stage("A", Block_4=block(6, 2)),
    ]
    types = block_types(trace(nn.Sequential(*stages), 8).layers)
    assert len({type.id for type in types}) == len({type.title for type in types}) == len(types) == 6
    assert [type.id for type in types][-2:] == ["b", "a"]

    twice = [Stage("A", Block_1=block(3, 1)), Stage("B", Conv=ConvUnit(5, 5, 1)), Stage("A", Block_4=block(5, 2))]
    layers = trace(nn.Sequential(*twice), 8).layers
    assert [(type.id, type.title) for type in block_types(layers)] == [("a", "A"), ("b", "B"), ("a-2", "A (2)")]
    assert find_block(layers, "a-2").layers[0].block == "Block_4"


def test_an_unknown_kind_is_told_the_known_ones() -> None:
    layers = trace(Widening().eval(), 16).layers
    with pytest.raises(InceptionError, match=r"known: Stem; Inception-A \(Mixed_5b\); .*; Head \(Logits\)$"):
        find_block(layers, "Mixed_9z")
