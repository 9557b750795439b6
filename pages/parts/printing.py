"""Tables on paper: what a sheet shows in the place of a table that scrolls on the screen."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

import pandas as pd

from inception.text import scaled

WIDE = 11  # columns from which a table gets sheets in landscape

LONGEST = 24  # letters of a word that a narrow column need not break


def printable_table(
    table: pd.DataFrame,
    columns: Sequence[str] | None = None,
    configs: Mapping[str, Any] | None = None,
    nothing: str = "",
) -> str:
    """All rows as HTML that only paper shows (assets/print.css), with the headings and formats of the screen.

    columns: which and in which order; by default all. configs: as `st.dataframe` takes them, a heading or a column's
    settings. nothing: stands in a cell that has nothing to say.
    """
    shown = [name for name in columns or table.columns if name in table]
    settings = {name: _settings((configs or {}).get(name)) for name in shown}
    heads = "".join(f"<th>{escape(str(settings[name].get('label') or name))}</th>" for name in shown)
    cells = [[_cell(value, _format(settings[name]), nothing) for value in table[name]] for name in shown]
    rows = "".join(f"<tr>{''.join(row)}</tr>" for row in zip(*cells, strict=True))
    wide = " wide" if len(shown) >= WIDE else ""
    return f'<table class="on-paper{wide}"><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>'


def _settings(config: Any) -> Mapping[str, Any]:
    return {"label": config} if isinstance(config, str) else config or {}


def _format(settings: Mapping[str, Any]) -> str:
    return (settings.get("type_config") or {}).get("format") or ""


def _cell(value: Any, format: str, nothing: str) -> str:
    if isinstance(value, list | tuple):
        return f"<td>{escape(', '.join(map(str, value)))}</td>"
    if value is None or pd.isna(value) or value == "":
        return f"<td>{escape(nothing)}</td>"
    if isinstance(value, bool) or not hasattr(value, "__float__"):
        text = "✓" if value is True else "" if value is False else str(value)
        unbroken = max(map(len, text.split()), default=0) > LONGEST
        return f'<td class="{"unbroken" if unbroken else "text"}">{escape(text)}</td>'
    return f'<td class="number">{escape(_number(value, format))}</td>'


def _number(value: Any, format: str) -> str:
    """A number as Streamlit writes it in this format."""
    if format == "localized":
        return f"{value:,}"
    if format == "percent":
        return f"{100 * value:.4g}%"
    if format == "bytes":
        return scaled(int(value), "B")
    return format % value if "%" in format else f"{value:.6g}" if isinstance(value, float) else str(value)
