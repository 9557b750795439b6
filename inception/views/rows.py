"""A part of a table: rows of a stage, the largest of a column, chosen columns."""

from collections.abc import Sequence

import pandas as pd
from pandas.api.types import is_numeric_dtype

from ..errors import InputError
from ..words import _
from .numbers import with_lists


def choose_columns(table: pd.DataFrame, columns: Sequence[str] | None) -> pd.DataFrame:
    """The table with these columns in this order; None for all of them. Raises InputError for an unknown one."""
    if columns is None:
        return table
    for name in columns:
        _known(table, name)
    return table[list(dict.fromkeys(columns))]


def rows_of_stage(table: pd.DataFrame, stage: str) -> pd.DataFrame:
    """The rows of one stage, upper and lower case alike. Raises InputError with the stages where there is none."""
    rows = table[table["stage"].str.casefold() == stage.casefold()]
    if rows.empty:
        stages = ", ".join(name for name in dict.fromkeys(table["stage"]) if name)
        raise InputError(_("there is no stage {stage}; known: {known}").format(stage=repr(stage), known=stages))
    return rows


def sort_rows(table: pd.DataFrame, column: str) -> pd.DataFrame:
    """The rows by a column: the largest number or sizes first, texts by the alphabet, missing values last.

    Equal rows stay in their order. Raises InputError for an unknown column.
    """
    _known(table, column)
    cells = with_lists(table)[column]
    if not is_numeric_dtype(cells.dtype) and cells.map(lambda cell: isinstance(cell, str)).all():
        return table.iloc[sorted(range(len(table)), key=lambda i: (not cells.iloc[i], cells.iloc[i].casefold()))]
    missing = [cell is None or (not isinstance(cell, list) and pd.isna(cell)) for cell in cells]
    there = sorted((i for i in range(len(table)) if not missing[i]), key=lambda i: cells.iloc[i], reverse=True)
    return table.iloc[[*there, *(i for i in range(len(table)) if missing[i])]]


def _known(table: pd.DataFrame, column: str) -> None:
    if column not in table.columns:
        sentence = _("there is no column {column}; known: {known}")
        raise InputError(sentence.format(column=repr(column), known=", ".join(map(str, table.columns))))
