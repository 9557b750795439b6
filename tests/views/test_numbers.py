"""Sizes as numbers, read back by DuckDB, which shares no code with the libraries that write the files."""

import re
from pathlib import Path
from typing import Any

import duckdb
import openpyxl
import pandas as pd
import pytest
from pyarrow import parquet
from torch import nn

from inception import LayerGraph, trace
from inception.graph.window import Window
from inception.views.export import export_table
from inception.views.numbers import SPLIT, TABLE_FORMAT, with_columns, with_lists

from ..graphs import zoo_graph

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def graph() -> LayerGraph:
    return zoo_graph("inception_v4", (350, 400))


def test_lists_are_those_of_the_layers(graph: LayerGraph) -> None:
    typed = with_lists(graph.table())
    for row, layer in zip(typed.to_dict("records"), graph.layers, strict=True):
        field, window = graph.receptive_fields[layer.index], layer.window
        assert field is not None
        assert row["in_shape"] == [list(shape) for shape in layer.in_shapes]
        assert row["out_shape"] == list(layer.out_shape)
        assert (row["rf"], row["rf_stride"], row["rf_offset"]) == (
            list(field.size),
            list(field.stride),
            list(field.offset),
        )
        assert row["kernel"] == (list(window.kernel) if window else None)
        assert row["pad"] == (list(window.pad) if window else None)
        dropped = window.dropped if isinstance(window, Window) else (0, 0)
        assert row["dropped"] == (list(dropped) if any(dropped) else None)


@pytest.mark.parametrize("format", ["json", "parquet", "csv"])
def test_another_reader_finds_numbers(graph: LayerGraph, format: str, tmp_path: Path) -> None:
    table = graph.table() if format != "csv" else with_columns(graph.table())
    (tmp_path / f"t.{format}").write_bytes(export_table(table, format))
    rows: Any = duckdb.sql(f"SELECT * FROM '{tmp_path / f't.{format}'}'")
    types = dict(zip(rows.columns, map(str, rows.types), strict=True))
    assert types["params"] == types["macs"] == "BIGINT"
    if format == "csv":
        numbers = {name for names in SPLIT.values() for name in names if name in types}
        assert {types[name] for name in numbers} == {"BIGINT"}
        assert len(numbers) == 22
        where = "rf_h > rf_w OR out_c = 1536 AND out_h = 9 AND out_w = 11"
    else:
        assert (types["in_shape"], types["rf"], types["out_shape"]) == ("BIGINT[][]", "BIGINT[]", "BIGINT[]")
        assert types["kernel"] == types["stride"] == types["pad"] == types["dropped"] == "BIGINT[]"
        where = "rf[1] > rf[2] OR out_shape = [1536, 9, 11]"
    found = rows.filter(where).project("index").fetchall()
    expected = [
        layer.index
        for layer, field in zip(graph.layers, graph.receptive_fields[1:], strict=True)
        if field and (field.size[0] > field.size[1] or layer.out_shape == (1536, 9, 11))
    ]
    assert expected
    assert sorted(index for (index,) in found) == expected
    assert rows.sum("params").fetchall() == [(graph.params,)]


def test_excel_has_numbers_in_columns_of_their_own(graph: LayerGraph, tmp_path: Path) -> None:
    (tmp_path / "t.xlsx").write_bytes(export_table(with_columns(graph.table()), "xlsx"))
    book = openpyxl.load_workbook(tmp_path / "t.xlsx")
    head, *rows = book["Table"].iter_rows(values_only=True)
    last = dict(zip(head, rows[-1], strict=True))
    field = graph.receptive_fields[-1]
    assert field is not None
    assert (last["rf_h"], last["rf_w"], last["rf_offset_h"]) == (*field.size, field.offset[0])
    assert (last["out_c"], last["out_h"], last["out_w"]) == (1000, None, None)
    properties = {each.name: each.value for each in book.custom_doc_props.props}
    assert properties == {"table_format": TABLE_FORMAT}


def test_parquet_says_its_version_and_has_the_same_types_without_rows(graph: LayerGraph, tmp_path: Path) -> None:
    table = graph.table()
    schemas = []
    for name, rows in (("all", table), ("one", table[table["op"] == "linear"])):
        (tmp_path / name).write_bytes(export_table(rows, "parquet", "A title"))
        schemas.append(parquet.read_schema(tmp_path / name))
    assert schemas[0].metadata[b"table_format"] == str(TABLE_FORMAT).encode()
    assert schemas[0].metadata[b"title"] == b"A title"
    assert [field.type for field in schemas[0]] == [field.type for field in schemas[1]]


def test_what_cannot_be_split_keeps_its_text(graph: LayerGraph) -> None:
    split = with_columns(graph.table())
    assert "out_shape" not in split
    assert "rf" not in split
    concat = split[split["op"] == "concat"].iloc[0]
    assert concat["inputs"] == len(concat["in_shape"].split(" + ")) == 2
    assert (concat["in_h"], concat["in_w"]) == (85, 98)
    assert pd.isna(concat["in_c"])  # they differ, and the text says how
    tokens = with_columns(pd.DataFrame({"out_shape": ["197x192", "1000"]}))
    assert list(tokens["out_shape"]) == ["197x192", "1000"]
    assert pd.isna(tokens["out_c"].iloc[0])


def test_columns_of_these_names_in_other_tables_are_left_alone() -> None:
    table = pd.DataFrame({"kernel": [7, 3], "stride": ["fast", ""], "input": ["3x8x9", ""]})
    typed = with_lists(table)
    assert typed["kernel"].tolist() == [7, 3]
    assert typed["stride"].tolist() == ["fast", ""]
    assert typed["input"].tolist() == [[3, 8, 9], None]


def test_fields_that_differ_by_side_keep_both_numbers() -> None:
    typed = with_lists(trace(nn.Conv2d(3, 3, (3, 1), (2, 1), (1, 0)), 9).table())
    assert (typed["rf"][0], typed["rf_stride"][0], typed["rf_offset"][0]) == ([3, 1], [2, 1], [-1, 0])


def test_the_page_on_formats_lists_every_column() -> None:
    page = (ROOT / "docs" / "table-format.md").read_text(encoding="utf-8")
    assert f"**version {TABLE_FORMAT}**" in page
    named = set(re.findall(r"`(\w+)`", page))
    other = {"input", "grid"}  # columns of other tables, which the layer table does not have
    assert set(SPLIT) <= named
    assert {part for name, parts in SPLIT.items() if name not in other for part in parts} <= named
