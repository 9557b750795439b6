"""The sizes of a table as numbers: lists in JSON and Parquet, columns of their own for spreadsheets.

A table writes sizes as readers see them: 192x35x35, and 8 for a stride of 8 both ways. Here they become whole numbers.
docs/table-format.md describes the result.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

# Of what docs/table-format.md describes; files that can carry it do. A new meaning or type of a column is a new one.
TABLE_FORMAT = 2

NestedSizes = list[list[int]]  # one list of sizes for each input
Names = Mapping[str, tuple[str, ...]]

# Columns of sizes, and the columns that they become.
SPLIT: Names = {
    "kernel": ("kernel_h", "kernel_w"),
    "stride": ("stride_h", "stride_w"),
    "pad": ("pad_top", "pad_bottom", "pad_left", "pad_right"),
    "in_shape": ("in_c", "in_h", "in_w"),
    "out_shape": ("out_c", "out_h", "out_w"),
    "dropped": ("dropped_h", "dropped_w"),
    "rf": ("rf_h", "rf_w"),
    "rf_stride": ("rf_stride_h", "rf_stride_w"),
    "rf_offset": ("rf_offset_h", "rf_offset_w"),
    "input": ("input_c", "input_h", "input_w"),
    "grid": ("grid_h", "grid_w"),
}
INPUTS = "inputs"  # how many inputs a layer reads, before the sizes of in_shape
NESTED = ("in_shape",)  # a list of lists, because a layer may read several inputs
# One number stands for as many equal ones as the field has sizes.
PAIRED = ("rf_stride", "rf_offset")


def with_lists(table: pd.DataFrame) -> pd.DataFrame:
    """The table with a list of whole numbers in each cell of sizes, a list of lists in `in_shape`; None where empty."""
    columns = {str(name): table[name].tolist() for name in size_columns(table)}
    ranks = [len(sizes or ()) for sizes in map(_sizes, columns.get("rf", [""] * len(table)))]
    typed = table.copy()
    for name, texts in columns.items():
        lists: list[Any] = [*map(_nested if name in NESTED else _sizes, texts)]
        if name in PAIRED:
            lists = [
                sizes * rank if sizes and len(sizes) == 1 else sizes
                for sizes, rank in zip([*map(_sizes, texts)], ranks, strict=True)
            ]
        typed[name] = pd.Series(lists, index=table.index, dtype=object)
    return typed


def size_columns(table: pd.DataFrame) -> list[str]:
    """The columns whose cells are all sizes, or empty. Other tables have other things under these names."""
    return [
        str(name)
        for name, column in table.items()
        if name in SPLIT and all(isinstance(text, str) and (not text or _nested(text)) for text in column)
    ]


def list_columns(table: pd.DataFrame) -> list[str]:
    """The columns of a table of `with_lists` that hold lists."""
    return [
        str(name)
        for name, column in table.items()
        if name in SPLIT and column.dtype == object and all(cell is None or isinstance(cell, list) for cell in column)
    ]


def with_columns(table: pd.DataFrame) -> pd.DataFrame:
    """The table with a column for each number: rf_h and rf_w in the place of rf; a number that is not there is missing.

    A column of text stays, behind its numbers, where some of its cells cannot be split: inputs of different shapes,
    or shapes with other axes than channels, height and width.
    """
    columns: dict[str, pd.Series] = {}
    sizes = size_columns(table)
    for name, lists in with_lists(table).items():
        if name not in sizes:
            columns[str(name)] = table[name]
            continue
        if name in NESTED:
            columns[INPUTS] = _whole([len(shapes) if shapes else None for shapes in lists], table)
            cells = [_common(shapes) for shapes in lists]
        else:
            cells = [_axes(sizes, SPLIT[name]) for sizes in lists]
        for axis, part in enumerate(SPLIT[name]):
            columns[part] = _whole([cell[axis] if cell else None for cell in cells], table)
        if any(cell is None or None in cell[:1] for cell, text in zip(cells, table[name], strict=True) if text):
            columns[str(name)] = table[name]
    return pd.DataFrame(columns)


def _whole(numbers: Sequence[int | None], table: pd.DataFrame) -> pd.Series:
    return pd.Series(pd.array(numbers, dtype="Int64"), index=table.index)


def _sizes(text: object) -> list[int] | None:
    """The numbers of "192x35x35" or "0,0,3,3"; None for a text that is no list of sizes."""
    if not isinstance(text, str) or not re.fullmatch(r"-?\d+(?:x-?\d+)*|\d+(?:,\d+)+", text):
        return None
    return [int(number) for number in re.split("[x,]", text)]


def _nested(text: object) -> NestedSizes | None:
    shapes = [_sizes(each) for each in str(text).split(" + ")]
    return [shape for shape in shapes if shape] if all(shapes) else None


def _axes(sizes: list[int] | None, names: tuple[str, ...]) -> list[int | None] | None:
    """One number for each name; channels alone behind a flatten; None for other numbers of sizes."""
    if not sizes or len(sizes) == len(names):
        return list(sizes) if sizes else None
    return [*sizes, None, None] if len(sizes) == 1 and names[0].endswith("_c") else None


def _common(shapes: NestedSizes | None) -> list[int | None] | None:
    """Channels, height and width where all inputs agree on them."""
    cells = [_axes(shape, SPLIT["in_shape"]) for shape in shapes or ()]
    if not cells or not all(cells):
        return None
    return [axis[0] if len(set(axis)) == 1 else None for axis in zip(*(cell for cell in cells if cell), strict=True)]
