"""Networks beside each other as tables, against what their traces count and what the paper says of them."""

import inception
from inception.graph.blocks import find_block
from inception.views.comparison_table import overlay_table, side_by_side_table

NAMES = ("inception_v4", "inception_resnet_v1", "inception_resnet_v2")


def test_every_stage_of_three_networks_has_its_row() -> None:
    graphs = [inception.trace(name, 299) for name in NAMES]
    table = side_by_side_table(graphs)
    for graph in graphs:
        rows = table[table["network"] == graph.name]
        assert rows["params"].sum() == graph.params
        assert rows["macs"].sum() == graph.macs
    blocks = table.set_index(["network", "part"])["blocks"]
    assert [blocks[name].filter(like="-B").iloc[0][-3:].strip(" x") for name in NAMES] == ["7", "10", "20"]
    assert "change" not in table
    assert not any(table["differences"][table["network"] == NAMES[0]]), "the others differ from the first"


def test_both_versions_of_a_block() -> None:
    graphs = [inception.trace(name, 299) for name in NAMES[1:]]
    first, second = (find_block(graph.layers, "Inception-ResNet-A").layers for graph in graphs)
    table = overlay_table(first, second, ("v1", "v2"))
    assert table["params/v1"].sum() == sum(layer.params for layer in first)
    assert table["params/v2"].sum() == sum(layer.params for layer in second)
    assert "changed" in set(table["change"])
