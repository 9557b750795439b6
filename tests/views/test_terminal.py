"""Tables at the width of a window, and parts of tables."""

import pandas as pd
import pytest

from inception import InceptionError, LayerGraph
from inception.cli.networks import TABLE_FIRST
from inception.views.rows import rows_of_stage, sort_rows
from inception.views.terminal import terminal_table

from ..graphs import zoo_graph
from ..reference import assert_one_sentence


@pytest.fixture(scope="module")
def graph() -> LayerGraph:
    return zoo_graph("inception_v4")


@pytest.mark.parametrize(("width", "least"), [(80, 6), (100, 8), (160, 12)])
def test_a_table_is_as_wide_as_the_window_and_no_cell_is_cut(graph: LayerGraph, width: int, least: int) -> None:
    table = graph.table()
    lines = terminal_table(table, "The title", width, first=TABLE_FIRST).splitlines()
    assert max(map(len, lines)) <= width
    shown = lines[0].split()
    assert len(shown) >= least
    assert {"layer", "out_shape", "params", "macs"} <= set(shown)
    rows = lines[2 : 2 + len(table)]
    for row, values in zip(rows, table.to_dict("records"), strict=True):  # one line each
        assert {f"{values['params']:,}", f"{values['macs']:,}", values["out_shape"]} <= set(row.split())
        assert values["layer"] in row
    assert lines[len(table) + 3] == "The title"
    rest = " ".join(lines[len(table) + 4 :]).removeprefix("--columns shows others: ").split(", ")
    assert sorted([*shown, *rest]) == sorted(table.columns)


def test_chosen_columns_that_are_too_wide_go_on_in_the_next_line(graph: LayerGraph) -> None:
    table = graph.table()
    text = terminal_table(table, "T", 40, ["path", "in_shape", "macs"])
    assert max(map(len, text.splitlines())) <= 40
    assert "…" not in text
    assert "--columns" not in text


def test_a_number_that_is_not_there_is_a_dash() -> None:
    table = pd.DataFrame({"name": ["", "b"], "macs": pd.array([None, 0], "Int64"), "rf": ["", "3x3"]})
    lines = terminal_table(table, "T", 40).splitlines()
    assert lines[2].split() == ["–", "–"]
    assert lines[3].split() == ["b", "0", "3x3"]


def test_rows_are_sorted_by_numbers_sizes_and_texts(graph: LayerGraph) -> None:
    table = graph.table()
    params = sort_rows(table, "params")["params"].tolist()
    assert params == sorted(params, reverse=True)
    kernels = sort_rows(table, "kernel")["kernel"].tolist()
    assert kernels[0] == "8x8"  # the last pool, and not 7x1, which is the last by the alphabet
    assert kernels[-1] == ""
    layers = sort_rows(table, "layer")["layer"].tolist()
    assert layers[0] == "AvgPool_0a_3x3"
    assert layers[-1] == ""
    same = sort_rows(table, "stage")
    assert same[same["stage"] == "Stem"]["index"].tolist() == table[table["stage"] == "Stem"]["index"].tolist()
    blanks = pd.DataFrame({"n": pd.array([1, None, 2], "Int64")})
    assert sort_rows(blanks, "n")["n"].tolist() == [2, 1, pd.NA]


def test_what_is_not_there_gets_a_sentence(graph: LayerGraph) -> None:
    assert set(rows_of_stage(graph.table(), "inception-c")["stage"]) == {"Inception-C"}
    with pytest.raises(InceptionError, match="no stage 'Neck'; known: Stem, Inception-A, ") as caught:
        rows_of_stage(graph.table(), "Neck")
    assert_one_sentence(caught.value)
    with pytest.raises(InceptionError, match="no column 'cost'; known: index, stage, ") as caught:
        sort_rows(graph.table(), "cost")
    assert_one_sentence(caught.value)
