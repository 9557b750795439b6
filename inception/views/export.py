"""Tables as files: the same table gives the same bytes on every call, from the page and from the command line.

CSV, JSON and Parquet are for programs and hold plain numbers; JSON and Parquet hold sizes as lists of numbers too, as
docs/table-format.md describes. Markdown, LaTeX and HTML are for readers: thousands are separated and other numbers
have three decimals. Excel holds typed numbers that look like that. No format appends totals, so that the sum of a
column is the network's total.
"""

import json
from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import dataclass
from datetime import datetime
from html import escape
from io import BytesIO
from typing import Any

import pandas as pd
import torchinfo
from pandas.api.types import is_integer_dtype, is_numeric_dtype
from torch import nn

from ..errors import InputError
from ..graph.layer_graph import LayerGraph
from ..graph.trace import TraceError, trace
from ..text import macs_text, shape_text
from ..words import _, current
from ..zoo import create_model
from .latex import latex_table, page_columns
from .numbers import NESTED, TABLE_FORMAT, list_columns, with_lists
from .rows import choose_columns

LAYER_COLUMNS = frozenset({"path", "out_shape", "rf_offset", "activation_bytes"})  # which table this is


class ExportError(InputError):
    """A format that does not exist, in one sentence."""


def export_table(
    table: pd.DataFrame, format: str, title: str | None = None, columns: Sequence[str] | None = None
) -> bytes:
    """`table` without its index as a file of that format, a key of `FORMATS`.

    title: heads the HTML document and the LaTeX table, and is a property of the Excel workbook; "Layer table" if None.
    columns: what the file has, in this order. By default everything; of a layer table LaTeX has what fits a page.
    Raises ExportError for an unknown format, InputError for an unknown column, LatexError for a table that fits no
    page.
    """
    if format not in FORMATS:
        sentence = _("unknown format {format}; known: {known}")
        raise ExportError(sentence.format(format=repr(format), known=", ".join(FORMATS)))
    spec = FORMATS[format]
    left_out: list[str] = []
    if columns is None and spec.is_page and set(table.columns) >= LAYER_COLUMNS:
        columns = page_columns(cell_texts(table))
        left_out = [name for name in table.columns if name not in columns]
    if spec.has_lists:
        table = with_lists(table)
    data = spec.render(choose_columns(table, columns), _("Layer table") if title is None else title)
    if not left_out:
        return data
    sentence = _("Columns that have no room here: {columns}")
    return f"% {sentence.format(columns=', '.join(left_out))}\n".encode() + data


def layer_title(graph: LayerGraph, keras: bool = False, rows: int = 0, of: int = 0) -> str:
    """The title of the graph's layer table: the network, its picture, its totals, and what did not run.

    rows, of: how many of its rows the table has, where a part of them is left out.
    """
    params, whose = (graph.table(keras=True)["params"].sum(), "Keras") if keras else (graph.params, "PyTorch")
    shape = graph.input_shape
    if len(shape) == 3:
        sentence = _("Layers of {network} at {size} px: {params:,} parameters ({library}'s count), {macs}")
    else:
        sentence = _("Layers of {network} for {shape}: {params:,} parameters ({library}'s count), {macs}")
    title = sentence.format(
        network=graph.name,
        size=shape_text(shape[1:]),
        shape=shape_text(shape),
        params=params,
        library=whose,
        macs=macs_text(graph.macs),
    )
    sentences = [title]
    if graph.unused:
        sentences.append(graph.unused_text)
    if rows < of:
        sentences.append(_("Here are {rows:,} of its {of:,} rows").format(rows=rows, of=of))
    return _(". ").join(sentences)


def table_name(
    graph: LayerGraph,
    *,
    folded: bool = False,
    opened: bool = False,
    flops: bool = False,
    keras: bool = False,
    part: bool = False,
) -> str:
    """A name for the file of a layer table that says how it was made: inception_v4_299x299_folded_keras_part.

    part: whether rows were left out.
    """
    ways = {"folded": folded, "opened": opened, "flops": flops, "keras": keras, "part": part}
    return "_".join([graph.name, shape_text(graph.input_size), *(way for way, taken in ways.items() if taken)])


def summary_text(model: str | nn.Module, input_size: Any) -> str:
    """The summary that torchinfo itself prints for a network and one picture, down to the last module.

    model, input_size: what `trace` takes. Raises what `trace` raises: ValueError for an unknown model, TraceError for
    a size that does not work.
    """
    graph = trace(model, input_size)
    sizes = [(1, *shape) for shape in (graph.input_shape, *graph.more_inputs)]
    columns = ("input_size", "output_size", "kernel_size", "num_params", "mult_adds")
    # A copy, because the hooks of torchinfo would stay in a module that fails.
    network = create_model(model, device="meta") if isinstance(model, str) else deepcopy(model).to("meta")
    depth = 1 + max(name.count(".") + 1 for name, _ in network.named_modules())
    options: dict[str, Any] = {"col_names": columns, "row_settings": ("var_names",), "depth": depth}
    try:
        summary = torchinfo.summary(network, sizes, dtypes=[*graph.dtypes], device="meta", verbose=0, **options)
    except RuntimeError as error:
        sentence = _("torchinfo cannot run {network}: {reason}")
        raise TraceError(sentence.format(network=graph.name, reason=error.__cause__ or error)) from error
    return f"{summary}\n"


def _csv(table: pd.DataFrame, title: str) -> bytes:
    return table.to_csv(index=False, lineterminator="\n").encode()


def _json(table: pd.DataFrame, title: str) -> bytes:
    values = table.astype(object)
    records = values.where(values.notna(), None).to_dict("records")
    rows = ",\n".join(json.dumps(record, ensure_ascii=False, allow_nan=False) for record in records)
    return f"[\n{rows}\n]\n".encode()


def _markdown(table: pd.DataFrame, title: str) -> bytes:
    texts = cell_texts(table).map(lambda text: text.replace("|", r"\|"))
    sides = ["right" if is_numeric_dtype(dtype) else "left" for dtype in table.dtypes]
    return (texts.to_markdown(index=False, tablefmt="pipe", disable_numparse=True, colalign=sides) + "\n").encode()


def _latex(table: pd.DataFrame, title: str) -> bytes:
    numbers = [is_numeric_dtype(dtype) for dtype in table.dtypes]
    return latex_table(cell_texts(table), numbers, title).encode()


HTML_STYLE = """
:root { color-scheme: light dark; --ink: #1a1a1a; --paper: #fff; --line: #d0d0d0; --head: #f1f1f1; }
@media (prefers-color-scheme: dark) { :root { --ink: #e8e8e8; --paper: #17181a; --line: #44474b; --head: #25272a; } }
body { margin: 1rem; color: var(--ink); background: var(--paper); font: 0.875rem/1.4 system-ui, sans-serif; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
caption { padding-bottom: 0.75rem; text-align: start; font-size: 1rem; font-weight: 600; }
th, td { padding: 0.2rem 0.6rem; border-bottom: 1px solid var(--line); text-align: start; white-space: nowrap; }
thead th { position: sticky; top: 0; background: var(--head); }
tbody th { font-weight: inherit; }
.number { text-align: end; }
"""


def _html(table: pd.DataFrame, title: str) -> bytes:
    classes = [' class="number"' if is_numeric_dtype(dtype) else "" for dtype in table.dtypes]

    def cells(row: list[str], tags: list[str]) -> str:
        return "".join(
            f"<{tag}{css}>{escape(text)}</{tag.split()[0]}>" for tag, css, text in zip(tags, classes, row, strict=True)
        )

    columns = list(map(str, table.columns))
    head = cells(columns, ['th scope="col"'] * len(columns))
    row_tags = ['th scope="row"', *["td"] * (len(columns) - 1)]
    rows = "\n".join(f"<tr>{cells(row, row_tags)}</tr>" for row in cell_texts(table).to_numpy().tolist())
    return f"""<!DOCTYPE html>
<html lang="{current().replace("_", "-")}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(title)}</title>
<style>{HTML_STYLE}</style>
</head>
<body>
<main>
<table>
<caption>{escape(title)}</caption>
<thead>
<tr>{head}</tr>
</thead>
<tbody>
{rows}
</tbody>
</table>
</main>
</body>
</html>
""".encode()


def _xlsx(table: pd.DataFrame, title: str) -> bytes:
    buffer = BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_numbers": False, "strings_to_urls": False}
    with pd.ExcelWriter(buffer, engine="xlsxwriter", engine_kwargs={"options": options}) as writer:
        table.to_excel(writer, sheet_name="Table", index=False, freeze_panes=(1, 0), autofilter=True)
        # Without a fixed date the workbook holds the time at which it was written.
        writer.book.set_properties({"title": title, "created": datetime(1980, 1, 1)})
        writer.book.set_custom_property("table_format", TABLE_FORMAT)
        sheet = writer.sheets["Table"]
        sheet.set_row(0, None, writer.book.add_format({"bold": True}))
        sheet.ignore_errors({"number_stored_as_text": "A1:XFD1048576"})
        for i, (name, texts) in enumerate(cell_texts(table).items()):
            dtype = table.dtypes.iloc[i]
            style = "#,##0" if is_integer_dtype(dtype) else "#,##0.000" if is_numeric_dtype(dtype) else "@"
            # In characters; the header shares its cell with the filter's button.
            width = max(len(str(name)) + 4, *(len(text) + 2 for text in texts), 0)
            sheet.set_column(i, i, width, writer.book.add_format({"num_format": style}))
    return buffer.getvalue()


def _parquet(table: pd.DataFrame, title: str) -> bytes:
    import pyarrow as pa  # not above: it takes a tenth of a second, and only this format needs it
    from pyarrow import parquet

    sizes = pa.list_(pa.int64())
    types = {name: pa.list_(sizes) if name in NESTED else sizes for name in list_columns(table)}
    inferred = pa.Schema.from_pandas(table, preserve_index=False)
    schema = pa.schema([field.with_type(types.get(field.name, field.type)) for field in inferred])
    columns = pa.Table.from_pandas(table, schema=schema, preserve_index=False)
    metadata = {**(columns.schema.metadata or {}), b"title": title.encode(), b"table_format": b"%d" % TABLE_FORMAT}
    buffer = BytesIO()
    parquet.write_table(columns.replace_schema_metadata(metadata), buffer)
    return buffer.getvalue()


def cell_texts(table: pd.DataFrame) -> pd.DataFrame:
    """Every cell as a reader sees it: thousands separated, three decimals where not whole, nothing for missing."""
    return pd.DataFrame(
        {
            str(name): [_text(value, is_integer_dtype(column.dtype)) for value in column]
            for name, column in table.items()
        },
        dtype=str,
    )


def _text(value: Any, whole: bool) -> str:
    if pd.isna(value):
        return ""
    if isinstance(value, str):
        return value
    return f"{value:,}" if whole else f"{value:,.3f}"


@dataclass(frozen=True)
class Format:
    """A file format of tables."""

    suffix: str  # of file names, with its dot
    mime: str  # the media type
    is_text: bool  # whether a terminal can show it
    render: Callable[[pd.DataFrame, str], bytes]  # writes a table with a title
    has_lists: bool = False  # whether sizes are lists of numbers in it
    is_page: bool = False  # whether it is as wide as a page, and has no room for all of a layer table


FORMATS = {
    "csv": Format(".csv", "text/csv", True, _csv),
    "json": Format(".json", "application/json", True, _json, has_lists=True),
    "markdown": Format(".md", "text/markdown", True, _markdown),
    "latex": Format(".tex", "application/x-tex", True, _latex, is_page=True),
    "html": Format(".html", "text/html", True, _html),
    "xlsx": Format(".xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", False, _xlsx),
    "parquet": Format(".parquet", "application/vnd.apache.parquet", False, _parquet, has_lists=True),
}
