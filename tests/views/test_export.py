"""Every format is read back with another library than the one that wrote it, where there is one."""

import json
import re
import zipfile
from collections.abc import Callable, Iterable
from html.parser import HTMLParser
from io import BytesIO

import pandas as pd
import pytest

from inception import LayerGraph
from inception.views.export import FORMATS, ExportError, export_table, layer_title
from inception.words import speaking

from ..graphs import zoo_graph

AWKWARD = ["=1+1", "@x", "-5", "1x7", "8", "1e5", "a|b", "<b>&amp;", "\\x{}$#_~^%", "http://x.y", "éß", "", "a,b", '"']


def awkward_table() -> pd.DataFrame:
    """Texts that some format could take for something else, beside counts, measures and a count that may be missing."""
    numbers = range(len(AWKWARD))
    return pd.DataFrame(
        {
            "a_b%": AWKWARD,
            "count": [10_000_000_000 + n for n in numbers],
            "measure": [1000 + n / 8 for n in numbers],
            "maybe": pd.array([None if n % 2 else n for n in numbers], dtype="Int64"),
        }
    )


class _Document(HTMLParser):
    """Tags with their attributes, texts by tag, and the cells of the table."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: dict[str, str] = {}
        self.rows: list[list[str]] = []
        self.inside = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self.texts[tag] = ""
        self.inside = tag
        if tag == "tr":
            self.rows.append([])
        elif tag in ("td", "th"):
            self.rows[-1].append("")

    def handle_endtag(self, tag: str) -> None:
        self.inside = ""

    def handle_data(self, data: str) -> None:
        if self.inside in ("td", "th"):
            self.rows[-1][-1] += data
        elif self.inside:
            self.texts[self.inside] += data


def parse_html(data: bytes) -> _Document:
    parser = _Document()
    parser.feed(data.decode())
    return parser


def read_html(data: bytes) -> pd.DataFrame:
    head, *rows = parse_html(data).rows
    return pd.DataFrame(rows, columns=head, dtype=str)


def read_markdown(data: bytes) -> pd.DataFrame:
    lines = [
        [cell.strip().replace(r"\|", "|") for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        for line in data.decode().splitlines()
    ]
    head, _, *rows = lines
    return pd.DataFrame(rows, columns=head, dtype=str)


def read_latex(data: bytes) -> pd.DataFrame:
    def cells(line: str) -> list[str]:
        for name, character in (("backslash", r"\\"), ("asciitilde", "~"), ("asciicircum", "^")):
            line = line.replace(rf"\text{name}", rf"\{character}")
        return [re.sub(r"\\(.)", r"\1", cell).strip() for cell in re.split(r"(?<!\\)&", line.removesuffix(r" \\"))]

    lines = re.sub(r"\\allowbreak\{\}|\{\}|(?<!\\)[{}](?=\[|\*)", "", data.decode()).splitlines()
    head = cells(lines[lines.index(r"\toprule") + 1])
    if r"\endlastfoot" in lines:
        body = lines[lines.index(r"\endlastfoot") + 1 : lines.index(r"\end{longtable}")]
    else:
        body = lines[lines.index(r"\midrule") + 1 : lines.index(r"\bottomrule")]
    return pd.DataFrame([cells(line) for line in body], columns=head, dtype=str)


READERS: dict[str, Callable[[bytes], pd.DataFrame]] = {
    "csv": lambda data: pd.read_csv(BytesIO(data), keep_default_na=False, dtype=str),
    "json": lambda data: pd.DataFrame(json.loads(data), dtype=object),
    "markdown": read_markdown,
    "latex": read_latex,
    "html": read_html,
    "xlsx": lambda data: pd.read_excel(BytesIO(data), keep_default_na=False, dtype=object),
    "parquet": lambda data: pd.read_parquet(BytesIO(data)),
}


def as_numbers(column: pd.Series) -> list[float | None]:
    texts = ["" if pd.isna(value) else str(value).replace(",", "") for value in column]
    return [float(text) if text else None for text in texts]


@pytest.fixture(scope="module")
def graph() -> LayerGraph:
    return zoo_graph("inception_resnet_v1", 160)


def test_a_reader_for_every_format() -> None:
    assert list(READERS) == list(FORMATS)


def as_text(cell: object, column: str) -> object:
    """Lists of sizes as the table writes them."""
    if cell is None:
        return ""
    if isinstance(cell, str | int) or not isinstance(cell, Iterable):
        return cell
    if column == "in_shape":
        return " + ".join("x".join(map(str, shape)) for shape in cell)
    sizes = list(map(str, cell))
    if column in ("rf_stride", "rf_offset") and len(set(sizes)) == 1:
        return sizes[0]
    return ("," if column == "pad" else "x").join(sizes)


@pytest.mark.parametrize("collapse", [False, True])
@pytest.mark.parametrize("format", FORMATS)
def test_layer_table_comes_back_whole_and_sums_to_the_totals(graph: LayerGraph, format: str, collapse: bool) -> None:
    table = graph.table(collapse=collapse)
    back = READERS[format](export_table(table, format))
    assert format == "latex" or list(back.columns) == list(table.columns)  # a page has no room for everything
    assert {"block", "layer", "out_shape", "params", "macs"} <= set(back.columns)
    numbers = ["index", "params", "macs", "activation_bytes", *(["repeat"] if collapse else [])]
    for column in back.columns:
        if column in numbers:
            assert as_numbers(back[column]) == table[column].tolist()
        else:
            assert [as_text(cell, column) for cell in back[column]] == table[column].tolist()
    assert sum(as_numbers(back["params"])) == graph.params == 23_482_624  # type: ignore[arg-type]
    assert sum(as_numbers(back["macs"])) == graph.macs  # type: ignore[arg-type]


@pytest.mark.parametrize("format", FORMATS)
def test_awkward_cells_survive(format: str) -> None:
    table = awkward_table()
    back = READERS[format](export_table(table, format, "A & B"))
    assert back.iloc[:, 0].tolist() == AWKWARD
    for column in ("count", "measure", "maybe"):
        assert as_numbers(back[column]) == as_numbers(table[column])


@pytest.mark.parametrize("format", FORMATS)
def test_rows_left_by_a_filter_and_their_index_play_no_part(format: str) -> None:
    table = awkward_table()
    some = export_table(table[table["count"] % 2 == 0], format)
    assert some == export_table(table[table["count"] % 2 == 0].reset_index(drop=True), format)
    assert READERS[format](some)["a_b%"].tolist() == AWKWARD[::2]


@pytest.mark.parametrize("format", FORMATS)
def test_no_rows(format: str) -> None:
    back = READERS[format](export_table(awkward_table().iloc[:0], format))
    assert len(back) == 0
    assert format == "json" or list(back.columns) == list(awkward_table().columns)


@pytest.mark.parametrize("format", FORMATS)
def test_the_table_is_left_alone(format: str) -> None:
    table = awkward_table()
    export_table(table, format)
    pd.testing.assert_frame_equal(table, awkward_table())


def test_unknown_format() -> None:
    with pytest.raises(ExportError, match=r"unknown format 'pdf'; known: csv, json, markdown, latex, html, xlsx, parq"):
        export_table(awkward_table(), "pdf")


def test_suffixes_and_media_types_are_distinct() -> None:
    assert len({format.suffix for format in FORMATS.values()}) == len(FORMATS)
    assert len({format.mime for format in FORMATS.values()}) == len(FORMATS)
    assert [name for name, format in FORMATS.items() if not format.is_text] == ["xlsx", "parquet"]


def test_title_states_the_totals(graph: LayerGraph) -> None:
    assert layer_title(graph) == (
        "Layers of inception_resnet_v1 at 160x160 px: 23,482,624 parameters (PyTorch's count), 1.418 GMACs"
    )


@pytest.mark.parametrize("format", ["csv", "json", "markdown", "latex", "html"])
def test_texts_are_utf8_lines(format: str) -> None:
    data = export_table(awkward_table(), format)
    assert b"\r" not in data
    assert data.endswith(b"\n")
    assert "éß" in data.decode()


def test_json_numbers_are_numbers() -> None:
    row = json.loads(export_table(awkward_table(), "json"))[1]
    assert row == {"a_b%": "@x", "count": 10_000_000_001, "measure": 1000.125, "maybe": None}
    assert type(row["count"]) is int


def test_markdown_aligns_numbers() -> None:
    lines = export_table(awkward_table(), "markdown").decode().splitlines()
    assert re.fullmatch(r"\|:-+\|-+:\|-+:\|-+:\|", lines[1])
    assert len({len(line) for line in lines}) == 1
    assert "| 10,000,000,001 | 1,000.125 |" in lines[3]


def test_html_is_an_accessible_document() -> None:
    data = export_table(awkward_table(), "html", "1 <b>&amp; 2")
    assert data.startswith(b"<!DOCTYPE html>\n")
    document = parse_html(data)
    assert ("html", {"lang": "en"}) in document.tags
    assert ("meta", {"charset": "utf-8"}) in document.tags
    assert document.texts["title"] == document.texts["caption"] == "1 <b>&amp; 2"
    scopes = [attributes["scope"] for tag, attributes in document.tags if tag == "th"]
    assert scopes == ["col"] * 4 + ["row"] * len(AWKWARD)
    classes = [attributes.get("class") for tag, attributes in document.tags if tag in ("td", "th")]
    assert classes == [None, "number", "number", "number"] * (1 + len(AWKWARD))
    assert not any({"src", "href"} & set(attributes) for _, attributes in document.tags)  # it stands alone
    style = document.texts["style"]
    assert "prefers-color-scheme: dark" in style
    assert "tabular-nums" in style


def test_excel_cells_are_typed_and_nothing_is_a_formula() -> None:
    data = export_table(awkward_table(), "xlsx", "A title")
    back = READERS["xlsx"](data)
    assert {type(value) for value in back["a_b%"]} == {str}
    assert {type(value) for value in back["count"]} == {int}
    with zipfile.ZipFile(BytesIO(data)) as book:
        sheet, styles, core = (
            book.read(name).decode() for name in ("xl/worksheets/sheet1.xml", "xl/styles.xml", "docProps/core.xml")
        )
    assert "<f>" not in sheet
    assert "hyperlink" not in sheet
    assert re.search(r'<pane ySplit="1"[^>]*state="frozen"/>', sheet)
    assert f'<autoFilter ref="A1:D{len(AWKWARD) + 1}"/>' in sheet
    assert all(f'formatCode="{code}"' in styles for code in ("#,##0", "#,##0.000", "@"))
    assert "A title" in core
    widths = [float(width) for width in re.findall(r'<col [^>]*width="([\d.]+)"', sheet)]
    assert widths[1] > len("10,000,000,000")  # a number wider than its column would show as ####


def test_excel_holds_no_time_of_writing() -> None:
    with zipfile.ZipFile(BytesIO(export_table(awkward_table(), "xlsx"))) as book:
        dates = re.findall(r"\d{4}-\d\d-\d\dT", book.read("docProps/core.xml").decode())
        assert set(dates) == {"1980-01-01T"}
        assert {entry.date_time for entry in book.infolist()} == {(1980, 1, 1, 0, 0, 0)}


def test_parquet_is_typed() -> None:
    back = READERS["parquet"](export_table(awkward_table(), "parquet"))
    pd.testing.assert_frame_equal(back, awkward_table())


def test_titles_speak_the_reader_s_language_and_columns_do_not() -> None:
    graph = zoo_graph("inception_v4")
    with speaking("zh_CN"):
        title = layer_title(graph, rows=1, of=2)
        page = export_table(graph.table(), "html", title).decode()
        data = export_table(graph.table(), "csv", title)
    assert '<html lang="zh-CN">' in page
    assert "inception_v4 的各层，输入 299x299 像素" in page
    assert data == export_table(graph.table(), "csv", "any")
    assert '<th scope="col">block</th>' in page
