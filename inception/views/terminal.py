"""Tables on a terminal: as many columns as its width has room for, drawn by rich."""

import io
from collections.abc import Sequence

import pandas as pd
from pandas.api.types import is_numeric_dtype
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ..words import _
from .export import cell_texts
from .numbers import SPLIT
from .rows import choose_columns

GAP = 2  # blanks between columns
MISSING = "–"


def terminal_table(
    table: pd.DataFrame, title: str, width: int, columns: Sequence[str] | None = None, first: Sequence[str] = ()
) -> str:
    """The table as lines of at most `width` characters, its title below them, where a terminal stays after scrolling.

    columns: what is shown; cells that are too long for the width go on in the next line. Without it, as many of `first`
    as stand side by side, the most important first, and a line that names the others; all columns where `first` is
    empty.
    Raises InputError for an unknown column.
    """
    shown = choose_columns(table, columns)
    texts = cell_texts(shown)
    for name in texts:
        if name in SPLIT or is_numeric_dtype(shown[name].dtype):  # a name may well be empty
            texts[name] = texts[name].replace("", MISSING)
    left_out: list[str] = []
    if columns is None and first:
        names = _that_fit(texts, [name for name in first if name in shown], width)
        left_out = [str(name) for name in shown if name not in names]
        shown, texts = shown[names], texts[names]
    # Between columns rich draws a blank; the padding is what is left of the gap.
    drawn = Table(box=SIMPLE_HEAD, padding=(0, GAP - 1, 0, 0), pad_edge=False, show_edge=False)
    for name, dtype in shown.dtypes.items():
        drawn.add_column(str(name), justify="right" if is_numeric_dtype(dtype) else "left", overflow="fold")
    for row in texts.to_numpy().tolist():
        drawn.add_row(*map(Text, row))
    lines = io.StringIO()
    console = Console(file=lines, width=width, color_system=None, highlight=False, markup=False, emoji=False)
    console.print(drawn)
    console.print(f"\n{title}", overflow="fold")
    if left_out:
        console.print(_("--columns shows others: {columns}").format(columns=", ".join(left_out)), overflow="fold")
    return "".join(f"{line.rstrip()}\n" for line in lines.getvalue().splitlines())


def _that_fit(texts: pd.DataFrame, first: Sequence[str], width: int) -> list[str]:
    """Those of the columns that stand side by side, in the order of the table; empty ones need no room."""
    chosen: list[str] = []
    for name in first:
        if texts[name].isin(["", MISSING]).all():
            continue
        needed = GAP + max(len(name), *texts[name].str.len())
        if needed <= width + GAP or not chosen:
            chosen.append(name)
            width -= needed
        else:
            break
    return [str(name) for name in texts if name in chosen]
