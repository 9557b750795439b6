"""The source of a block, and in it the line where each layer's module is made."""

import inspect
import re
from collections.abc import Iterator
from functools import cache

import pytest

from inception import create_model, list_models, models, trace
from inception.graph.blocks import BlockType, block_types
from inception.models.layers import Branch, ConvUnit, Parallel, Stage
from inception.models.network import Network
from inception.views import source
from inception.views.source import block_source
from inception.zoo import VARIANTS, Variant

from ..graphs import zoo_graph


@pytest.fixture(scope="module", autouse=True)
def networks() -> Iterator[None]:
    """Builds each network once: `block_source` builds one to look for the modules of a block."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(source, "create_model", cache(create_model))
        yield


def kind_of(name: str, id: str) -> BlockType:
    return next(kind for kind in block_types(zoo_graph(name).layers) if kind.id == id)


def makes(line: str, name: str) -> bool:
    """Whether a line of Python makes a module of that name; names may be f-strings, as in f"Conv2d_0b_1x{kernel}"."""
    if re.search(rf'\b(self\.)?{name} ?=|\["{name}"\] =|"{name}"[:,]', line):
        return True
    formatted = re.search(r'f"([^"]+)":', line)
    return bool(formatted and re.fullmatch(re.sub(r"\{.*?\}", ".+", formatted[1]), name))


@pytest.mark.parametrize("name", list_models())
def test_every_layer_has_the_line_that_makes_its_module(name: str) -> None:
    for kind in block_types(zoo_graph(name).layers):
        found = block_source(name, kind.layers)
        lines = found.text.splitlines()
        assert found.lines.keys() == {layer.index for layer in kind.layers}, kind.id
        for layer in kind.layers:
            assert makes(lines[found.lines[layer.index] - 1], layer.path.split(".")[-1]), layer.path
        several = len({layer.block for layer in kind.layers}) > 1
        # A layer stands in its own branch, not in one that has a layer of the same name.
        for branch in {layer.branch for layer in kind.layers if layer.branch}:
            start = next(i for i, line in enumerate(lines, 1) if makes(line, branch))
            own = [layer for layer in kind.layers if layer.branch == branch and layer.op != "concat"]
            numbers = [found.lines[layer.index] for layer in own]
            assert all(number >= start for number in numbers), (kind.id, branch)
            assert len(set(numbers)) == len(numbers) or several, (kind.id, branch)


def test_lines_of_the_last_linear_layer_and_of_names_with_a_number_in_them() -> None:
    head = kind_of("inception_v4", "head")
    found = block_source("inception_v4", head.layers)
    assert 'logits.add_module("Logits", nn.Linear(' in found.text.splitlines()[found.lines[head.layers[-1].index] - 1]
    assert found.summary.startswith("Head: from the 8x8 grid to classes")
    blog = kind_of("inception_resnet_v2.keras_blog", "inception-resnet-c")
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
