"""The source of a block, and in it the line where each layer's module is made."""

import inspect
import re

import pytest

from inception import list_models, models, trace
from inception.graph.blocks import BlockType, block_types
from inception.models.layers import Branch, ConvUnit, Parallel, Stage
from inception.models.network import Network
from inception.views.source import block_source
from inception.zoo import VARIANTS, Variant

KINDS = [(name, type) for name in list_models() for type in block_types(trace(name).layers)]


def makes(line: str, name: str) -> bool:
    """Whether a line of Python makes a module of that name; names may be f-strings, as in f"Conv2d_0b_1x{kernel}"."""
    if re.search(rf'\b(self\.)?{name} ?=|\["{name}"\] =|"{name}"[:,]', line):
        return True
    formatted = re.search(r'f"([^"]+)":', line)
    return bool(formatted and re.fullmatch(re.sub(r"\{.*?\}", ".+", formatted[1]), name))


@pytest.mark.parametrize(("name", "type"), KINDS, ids=lambda value: value if isinstance(value, str) else value.id)
def test_every_layer_has_the_line_that_makes_its_module(name: str, type: BlockType) -> None:
    found = block_source(name, type.layers)
    lines = found.text.splitlines()
    assert found.lines.keys() == {layer.index for layer in type.layers}
    for layer in type.layers:
        assert makes(lines[found.lines[layer.index] - 1], layer.path.split(".")[-1]), layer.path
    branches = {layer.branch for layer in type.layers if layer.branch}
    for branch in branches:  # a layer stands in its own branch, not in one that has a layer of the same name
        start = next(i for i, line in enumerate(lines, 1) if makes(line, branch))
        numbers = [found.lines[layer.index] for layer in type.layers if layer.branch == branch and layer.op != "concat"]
        assert all(number >= start for number in numbers)
        assert len(set(numbers)) == len(numbers) or len({layer.block for layer in type.layers}) > 1


def test_lines_of_the_last_linear_layer_and_of_names_with_a_number_in_them() -> None:
    head = next(type for name, type in KINDS if name == "inception_v4" and type.id == "head")
    found = block_source("inception_v4", head.layers)
    assert 'logits.add_module("Logits", nn.Linear(' in found.text.splitlines()[found.lines[head.layers[-1].index] - 1]
    assert found.summary.startswith("Head: from the 8x8 grid to classes")
    blog = next(t for n, t in KINDS if n == "inception_resnet_v2.keras_blog" and t.id == "inception-resnet-c")
    found = block_source("inception_resnet_v2.keras_blog", blog.layers)
    (line,) = {found.lines[layer.index] for layer in blog.layers if layer.layer == "Conv2d_0b_1x7"}
    assert 'f"Conv2d_0b_1x{kernel}": conv(' in found.text.splitlines()[line - 1]


class Plain(Parallel):
    """A block as the next network could write it.

    A helper variable, a dictionary and a call over several lines.
    """

    def __init__(self, channels: int):
        deep = Branch(
            Conv2d_0a_1x1=ConvUnit(
                channels,
                2,
                1,
            ),
            fork=Parallel(
                Conv2d_0b_1x3=ConvUnit(2, 2, (1, 3)),
                Conv2d_0c_3x1=ConvUnit(2, 2, (3, 1)),
            ),
        )
        branches = {"Branch_0": Branch(Conv2d_0a_1x1=ConvUnit(channels, 3, 1))}
        branches["Branch_1"] = deep
        super().__init__(**branches)


class NextNetwork(Network):
    def __init__(self) -> None:
        super().__init__()
        self.stage = Stage("Stage", Mixed_1a=Plain(3))


def test_a_block_written_in_another_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(VARIANTS, "next", Variant("next", "Next", NextNetwork, 8, "", ""))
    monkeypatch.setattr(models, "__name__", "tests.views")  # this file stands for a network's
    layers = trace("next").layers

    found = block_source("next", layers)

    lines = [line.strip() for line in found.text.splitlines()]
    assert [lines[found.lines[layer.index] - 1] for layer in layers] == [
        '"Branch_0": Branch(Conv2d_0a_1x1=ConvUnit(channels, 3, 1))}'.join(["branches = {", ""]),
        "Conv2d_0a_1x1=ConvUnit(",
        "Conv2d_0b_1x3=ConvUnit(2, 2, (1, 3)),",
        "Conv2d_0c_3x1=ConvUnit(2, 2, (3, 1)),",
        "self.concat = Concat()",
        "self.concat = Concat()",
    ]
    assert found.summary == "A block as the next network could write it."
    assert found.why == "A helper variable, a dictionary and a call over several lines."
    assert found.text.startswith(inspect.getsource(Plain))
