"""Operations are named once, in `inception.graph.op`."""

import ast
from pathlib import Path

import pytest

from inception import list_models
from inception.graph.op import Op

from ..graphs import zoo_graph

ROOT = Path(__file__).parents[2]
FILES = [file for folder in ("inception", "pages", "bench") for file in sorted((ROOT / folder).rglob("*.py"))]


def typed_operations(source: str) -> list[str]:
    """Texts that a source compares with the `op` of a layer or part."""
    return [
        str(text.value)
        for compare in ast.walk(ast.parse(source))
        if isinstance(compare, ast.Compare) and isinstance(compare.left, ast.Attribute) and compare.left.attr == "op"
        for side in compare.comparators
        for text in ast.walk(side)
        if isinstance(text, ast.Constant) and text.value in list(Op)
    ]


def test_no_file_types_an_operation_a_second_time() -> None:
    assert {str(file): found for file in FILES if (found := typed_operations(file.read_text(encoding="utf-8")))} == {}


def test_the_rule_would_notice() -> None:
    assert typed_operations('layer.op == "conv" and part.op in ("sum", "add")') == ["conv", "sum"]


@pytest.mark.parametrize("name", list_models())
def test_our_networks_have_operations_of_ours_only(name: str) -> None:
    graph = zoo_graph(name, 160)
    assert all(isinstance(part.op, Op) for layer in graph.layers for part in layer.parts)
    table = graph.table(units=False)
    assert all(type(op) is str for op in table["op"])  # plain text in tables and files
    assert set(table["op"]) <= {op.value for op in Op}
