"""What people call blocks and layers."""

import pytest
from torch import nn

import inception
from inception import words
from inception.graph.spoken import spoken_layers, spoken_stages


def test_stages_say_how_many_blocks_they_have() -> None:
    """The counts of the paper's figures and of the released networks."""
    named = {name: list(spoken_stages(inception.trace(name).layers).values()) for name in inception.list_models()}
    assert named["inception_v4"] == [
        "Stem", "Inception-A ×4", "Reduction-A", "Inception-B ×7", "Reduction-B", "Inception-C ×3", "Head",
    ]  # fmt: skip
    assert named["inception_resnet_v2"][1:4] == ["Inception-A", "Inception-ResNet-A ×10", "Reduction-A"]
    assert named["inception_resnet_v1"][1] == "Inception-ResNet-A ×5"
    assert named["inception_v3"][5] == "Inception-C ×2"


@pytest.mark.parametrize("name", ["inception_v4", "inception_resnet_v2", "inception_v3"])
def test_no_two_layers_have_one_name(name: str) -> None:
    layers = inception.trace(name).layers
    names = spoken_layers(layers)
    assert list(names) == [layer.index for layer in layers]
    assert len({spoken.whole for spoken in names.values()}) == len(layers)


def test_layers_are_counted_where_they_stand() -> None:
    graph = inception.trace("inception_v4")
    names = spoken_layers(graph.layers)
    named = {f"{layer.block}/{layer.branch}/{layer.layer}": names[layer.index].whole for layer in graph.layers}
    assert named["Conv2d_1a_3x3//"] == "Stem: first 3x3 convolution"
    assert named["Mixed_4a/Branch_1/Conv2d_0b_1x7"] == "Stem, second fork, second branch: 1x7 convolution"
    assert named["Mixed_5c/Branch_2/Conv2d_0c_3x3"] == "Inception-A 2 of 4, third branch: second 3x3 convolution"
    assert named["Logits//Logits"] == "Head: linear layer"
    with words.speaking("zh_CN"):
        names = spoken_layers(graph.layers)
        assert names[1].whole == "主干（stem）：第一个 3x3 卷积"
        assert any(spoken.place == "Reduction-B 的第一个分支" for spoken in names.values())


def test_later_ones_are_counted_as_people_say_it() -> None:
    layers = inception.trace(nn.Sequential(*(nn.Conv2d(1, 1, 1) for _ in range(24))), (1, 4, 4)).layers
    named = [spoken_layers(layers)[number].name.split()[0] for number in (1, 10, 11, 12, 13, 20, 21, 22, 23, 24)]
    assert named == ["first", "tenth", "11th", "12th", "13th", "20th", "21st", "22nd", "23rd", "24th"]
