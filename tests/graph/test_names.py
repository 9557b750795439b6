"""Names of stages, blocks, branches and layers: the paper's and TF-Slim's."""

import re
from functools import cache

import pytest

from inception import LayerGraph, create_model, list_models
from tests import reference

from ..graphs import zoo_graph

# From TF-Slim's inception_v4.py and inception_resnet_v2.py and FaceNet's inception_resnet_v1.py.
SAMPLES = {
    "inception_v4": [
        ("Stem", "Conv2d_1a_3x3", "", ""),
        ("Stem", "Mixed_3a", "Branch_0", "MaxPool_0a_3x3"),
        ("Stem", "Mixed_3a", "Branch_1", "Conv2d_0a_3x3"),
        ("Stem", "Mixed_3a", "", "concat"),
        ("Stem", "Mixed_4a", "Branch_1", "Conv2d_0b_1x7"),
        ("Stem", "Mixed_5a", "Branch_1", "MaxPool_1a_3x3"),
        ("Inception-A", "Mixed_5e", "Branch_2", "Conv2d_0c_3x3"),
        ("Reduction-A", "Mixed_6a", "Branch_0", "Conv2d_1a_3x3"),
        ("Inception-B", "Mixed_6h", "Branch_2", "Conv2d_0e_1x7"),
        ("Inception-B", "Mixed_6h", "Branch_3", "AvgPool_0a_3x3"),
        ("Reduction-B", "Mixed_7a", "Branch_1", "Conv2d_0c_7x1"),
        ("Inception-C", "Mixed_7d", "Branch_2", "Conv2d_0e_3x1"),
        ("Inception-C", "Mixed_7d", "", "concat"),
        ("Head", "Logits", "", "AvgPool_1a"),
        ("Head", "Logits", "", "Logits"),
    ],
    "inception_resnet_v1": [
        ("Stem", "MaxPool_3a_3x3", "", ""),
        ("Stem", "Conv2d_4b_3x3", "", ""),
        ("Inception-ResNet-A", "Block35_5", "Branch_2", "Conv2d_0c_3x3"),
        ("Inception-ResNet-B", "Block17_10", "Branch_1", "Conv2d_0b_1x7"),
        ("Inception-ResNet-C", "Block8_5", "", "residual sum"),
        ("Inception-ResNet-C", "Block8", "Branch_1", "Conv2d_0c_3x1"),
        ("Head", "Bottleneck", "", ""),
    ],
    "inception_resnet_v2": [
        ("Stem", "MaxPool_5a_3x3", "", ""),
        ("Inception-A", "Mixed_5b", "Branch_1", "Conv2d_0b_5x5"),
        ("Inception-A", "Mixed_5b", "", "concat"),
        ("Inception-ResNet-A", "Block35_10", "Branch_0", "Conv2d_1x1"),
        ("Inception-ResNet-A", "Block35_10", "", "Conv2d_1x1"),
        ("Inception-ResNet-A", "Block35_10", "", "residual sum"),
        ("Reduction-A", "Mixed_6a", "Branch_2", "MaxPool_1a_3x3"),
        ("Inception-ResNet-B", "Block17_20", "Branch_1", "Conv2d_0c_7x1"),
        ("Reduction-B", "Mixed_7a", "Branch_3", "MaxPool_1a_3x3"),
        ("Inception-ResNet-C", "Block8_9", "", "concat"),
        ("Inception-ResNet-C", "Block8", "", "residual sum"),
        ("Head", "Conv2d_7b_1x1", "", ""),
    ],
}
# Their blocks in order, without the count of a repeated one.
BLOCKS = {
    "inception_v4": "Conv2d_1a_3x3 Conv2d_2a_3x3 Conv2d_2b_3x3 Mixed_3a Mixed_4a Mixed_5a "
    "Mixed_5b Mixed_5c Mixed_5d Mixed_5e Mixed_6a Mixed_6b Mixed_6c Mixed_6d Mixed_6e Mixed_6f Mixed_6g Mixed_6h "
    "Mixed_7a Mixed_7b Mixed_7c Mixed_7d Logits",
    "inception_resnet_v2": "Conv2d_1a_3x3 Conv2d_2a_3x3 Conv2d_2b_3x3 MaxPool_3a_3x3 Conv2d_3b_1x1 Conv2d_4a_3x3 "
    "MaxPool_5a_3x3 Mixed_5b Block35 Mixed_6a Block17 Mixed_7a Block8 Conv2d_7b_1x1 Logits",
}


@cache
def graph(name: str) -> LayerGraph:
    return zoo_graph(name, 75)


@pytest.mark.parametrize("name", SAMPLES)
def test_layers_have_tf_slims_names(name: str) -> None:
    names = {(layer.stage, layer.block, layer.branch, layer.layer) for layer in graph(name).layers}

    assert [sample for sample in SAMPLES[name] if sample not in names] == []


@pytest.mark.parametrize("name", BLOCKS)
def test_blocks_come_in_tf_slims_order(name: str) -> None:
    blocks = [re.sub(r"^(Block\d+)_\d+$", r"\1", layer.block) for layer in graph(name).layers]

    assert list(dict.fromkeys(blocks)) == BLOCKS[name].split()


@pytest.mark.parametrize("name", list_models())
def test_every_layer_is_found_under_its_names_once(name: str) -> None:
    layers = graph(name).layers

    assert len({(layer.stage, layer.block, layer.branch, layer.layer) for layer in layers}) == len(layers)


@pytest.mark.parametrize("name", list_models())
def test_every_path_leads_to_a_module(name: str) -> None:
    model = create_model(name, device="meta")

    for layer in graph(name).layers:
        assert layer.path
        unit = model.get_submodule(layer.path)
        parts = [model.get_submodule(part.path) for part in layer.parts]
        if unit is not parts[0]:  # a unit holds its parts and nothing else that computes
            assert parts == [module for module in unit.modules() if not list(module.children())], layer.path


def test_published_face_recognition_table() -> None:
    """Names, shapes, kernels, strides and padding of each block, for repeated ones those of the first."""
    expected = []
    for row in reference.table("faceid_v2_160.table.csv")[1:]:
        name = row["name"].split()[0]
        if name in ("Logits", "Bottleneck"):
            continue  # the head is named otherwise there
        layer = row["layer"].replace("input + scale*up", "residual sum")
        branch = "" if layer == "concat" else row["branch"]  # slip: Mixed_6a's concat stands under Branch_2
        if (name, branch) == ("Mixed_7a", "Branch_2"):  # slip: all three are called Conv2d_0a_1x1 there
            layer = {"1x1/1": "Conv2d_0a_1x1", "3x3/1": "Conv2d_0b_3x3", "3x3/2": "Conv2d_1a_3x3"}[
                f"{row['kernel']}/{row['stride']}"
            ]
        stride = f"{row['stride']}x{row['stride']}" if row["stride"] else ""
        # It calls every 1x1 SAME but one; with neither zeros nor loss both words are true.
        padding = "" if row["kernel"] == "1x1" else row["padding"]
        expected.append((name, branch, layer, row["out_shape"], row["kernel"], stride, padding))

    ours = []
    for cells in zoo_graph("inception_resnet_v2.faceid", 160).table().astype(str).to_dict("records"):
        name, _, count = (
            cells["block"].partition("_") if cells["block"].startswith("Block") else (cells["block"], "", "")
        )
        of_head = cells["stage"] == "Head" and name != "Conv2d_7b_1x1"
        if of_head or count not in ("", "1") or cells["block"] == "Block8":
            continue
        padding = "" if cells["kernel"] == "1x1" else cells["padding"]
        ours.append((name, *(cells[key] for key in ("branch", "layer", "out_shape", "kernel", "stride")), padding))

    assert ours == expected
