"""What branches are called, against the paper's figures."""

from inception.graph.blocks import find_block
from inception.graph.branches import branch_names, branch_starts
from inception.words import speaking

from ..graphs import zoo_graph


def named(network: str, block: str) -> list[str]:
    return list(branch_names(find_block(zoo_graph(network, 299).layers, block).layers).values())


def test_branches_of_the_paper_s_figures() -> None:
    """Fig. 4 to 6 of v4, Fig. 17 of v2, and a stem in which branches fork twice."""
    assert named("inception_v4", "Inception-A") == [
        "1x1",
        "3x3 after 1x1",
        "two 3x3 after 1x1",
        "1x1 after average pool",
    ]
    assert named("inception_v4", "Inception-B")[1:3] == ["1x7 then 7x1 after 1x1", "7x1, 1x7, 7x1, then 1x7 after 1x1"]
    assert named("inception_v4", "Inception-C")[1:3] == [
        "1x3 beside 3x1 after 1x1",
        "3x1, 1x3, then 1x3 beside 3x1 after 1x1",
    ]
    assert named("inception_resnet_v2", "Inception-ResNet-B") == ["1x1", "1x7 then 7x1 after 1x1"]
    assert named("inception_v4", "Stem")[:3] == ["max pool", "3x3", "3x3 after 1x1"]


def test_no_blank_stands_between_chinese_characters() -> None:
    with speaking("zh_CN"):
        assert named("inception_v4", "Inception-A")[1:3] == ["1x1 之后 3x3", "1x1 之后两个 3x3"]


def test_every_branch_starts_at_one_layer_that_reads_from_outside() -> None:
    for name in ("inception_v4", "inception_resnet_v1", "inception_v3"):
        layers = zoo_graph(name, 299).layers
        starts = branch_starts(layers)
        assert sorted(starts.values()) == sorted(branch_names(layers))
        by_index = {layer.index: layer for layer in layers}
        for index, branch in starts.items():
            assert all(
                (by_index[i].block, by_index[i].branch) != branch for i in by_index[index].inputs if i in by_index
            )
