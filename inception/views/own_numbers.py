"""A reader's own numbers for layers, from a CSV or JSON file: which column, and which layers they belong to.

JSON is a list of rows, an object from layers to numbers, or what Google's Model Explorer reads as node data: an object
`results` from nodes to objects with a `value`, by itself or under the name of a graph.
"""

import csv
import io
import json
import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from os import PathLike
from typing import Any

from ..files import FileError, read_text
from ..graph.layer import Layer
from ..graph.layer_graph import LayerGraph
from ..words import _
from .colouring import Colouring, Together

MAX_BYTES = 2 * 2**20
MAX_ROWS = 20_000
MAX_COLUMNS = 200
NAME_COLUMNS = (
    "path",
    "layer",
    "name",
    "node",
    "node_id",
    "id",
    "module",
)  # that say which layer, best first
PARTS = ("block", "branch", "layer")  # columns that say it together, as in the tables of this project
VALUE = "value"  # the column of files that have one number a layer

Row = Mapping[str, Any]


@dataclass(frozen=True)
class OwnNumbers:
    """A file of numbers, one row a layer."""

    file: str  # its name
    names: tuple[str, ...]  # of the layers, one a row
    columns: Mapping[str, tuple[float | None, ...]]  # numbers by column; None where a row has none

    def match(self, graph: LayerGraph, column: str, together: Together = "mean") -> "Match":
        """Which layers of a network the rows are about."""
        layers = _layers_by_name(graph)
        values: dict[int, float] = {}
        lost = []
        for name, value in zip(self.names, self.columns[column], strict=True):
            layer = layers.get(_normal(name))
            if layer is None:
                lost.append(name)
            elif value is not None:
                values[layer.index] = value
        return Match(Colouring(column, values, together), len(values), tuple(lost))


@dataclass(frozen=True)
class Match:
    """What of a file belongs to a network."""

    colouring: Colouring
    layers: int  # that have a number
    lost: tuple[str, ...]  # names of rows that stand for no layer, or for several


def read_numbers(source: bytes | str | PathLike[str], file: str = "") -> OwnNumbers:
    """The numbers in a CSV or JSON file, given by its content or its path; `file` is its name.

    Raises FileError for a file that is too large, is neither, or has no column of numbers.
    """
    text, file = read_text(source, MAX_BYTES, file)
    rows = _json_rows(text, file) if text.lstrip()[:1] in ("{", "[") else _csv_rows(text, file)
    if len(rows) > MAX_ROWS:
        raise FileError(_("{file} has more than {most:,} rows.").format(file=file, most=MAX_ROWS))
    names = [_name(row) for row in rows]
    columns = {}
    for column in list(dict.fromkeys(str(key) for row in rows for key in row))[:MAX_COLUMNS]:
        numbers = tuple(_number(row.get(column)) for row in rows)
        if column.casefold() not in (*NAME_COLUMNS, *PARTS) and any(number is not None for number in numbers):
            columns[column] = numbers
    if not columns:
        raise FileError(_("{file} has no column of numbers beside the names of layers.").format(file=file))
    return OwnNumbers(file, tuple(names), columns)


def _csv_rows(text: str, file: str) -> list[Row]:
    head = text.partition("\n")[0]
    separator = max(",;\t", key=head.count)
    try:
        rows: list[Row] = list(csv.DictReader(io.StringIO(text), delimiter=separator))
    except csv.Error as error:
        raise FileError(_("{file} is not CSV that can be read.").format(file=file)) from error
    if not rows or len(rows[0]) < 2:
        sentence = _("{file} needs a first line with names of columns, a column that names layers, and one of numbers.")
        raise FileError(sentence.format(file=file))
    return [{str(key).strip(): value for key, value in row.items() if key is not None} for row in rows]


def _json_rows(text: str, file: str) -> list[Row]:
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise FileError(_("{file} is not JSON that can be read.").format(file=file)) from error
    if isinstance(content, dict):
        graphs = [content] if "results" in content else list(content.values())
        found = [one["results"] for one in graphs if isinstance(one, dict) and isinstance(one.get("results"), dict)]
        nodes = {name: node for results in found for name, node in results.items()} if found else content
        content = [
            {"name": name, **(node if isinstance(node, dict) else {VALUE: node})} for name, node in nodes.items()
        ]
    if not isinstance(content, list) or not content or not all(isinstance(row, dict) for row in content):
        sentence = _("{file} needs a list of rows, an object from layers to numbers, or Model Explorer's node data.")
        raise FileError(sentence.format(file=file))
    return content


def _name(row: Row) -> str:
    """What a row says of its layer: a path, or block, branch and layer together."""
    by_name = {str(key).casefold(): value for key, value in row.items()}
    if by_name.get("path"):
        return str(by_name["path"])
    if "block" in by_name and "layer" in by_name:
        return "/".join(str(by_name[part]) for part in PARTS if by_name.get(part))
    for column in NAME_COLUMNS:
        if by_name.get(column):
            return str(by_name[column])
    return str(next(iter(row.values()), ""))


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or value is None:
        return None
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def _normal(name: str) -> str:
    return name.strip().replace("/", ".").casefold()


def _layers_by_name(graph: LayerGraph) -> dict[str, Layer]:
    """Layers by every name that stands for one of them alone; the name of a block stands for its last layer."""
    paths = {_normal(part.path): layer for layer in graph.layers for part in layer.parts}
    paths |= {_normal(layer.path): layer for layer in graph.layers}
    names = [(_normal(_join(layer)), layer) for layer in graph.layers]
    names += [(_normal(layer.layer), layer) for layer in graph.layers if layer.layer]
    count = Counter(name for name, _index in {(name, layer.index) for name, layer in names})
    blocks = {_normal(layer.block): layer for layer in graph.layers if layer.block}
    own = {name: layer for name, layer in names if count[name] == 1 and name}
    return blocks | own | paths


def _join(layer: Layer) -> str:
    return "/".join(name for name in (layer.block, layer.branch, layer.layer) if name)
