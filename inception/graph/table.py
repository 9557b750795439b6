"""The layer table: a `LayerGraph` as a pandas DataFrame.

One row a layer. Columns:

index             from 1
stage             the paper's name
block             TF-Slim's name, as are branch and layer
repeat            how often the block stands in a row (collapsed tables only)
branch, layer     inside the block
path              of the module in the model
op                conv, max pool, avg pool, concat, residual sum, linear, ...; unused for parameters that did not run
kernel, stride    height x width
padding           SAME or VALID as declared, EXPLICIT for anything else
pad               zeros added at top,bottom,left,right
in_shape          channels x height x width; several inputs are joined by " + "
out_shape         the same
dropped           input rows x columns at the end that no window reaches
params            parameters, with the batch norm of the unit
macs              multiply-accumulates of matrix work, batch 1 (or flops, 2 a MAC); blank where nobody can vouch for it
activation_bytes  of the output, float32, batch 1
rf                receptive field, height x width, in pixels of the picture, as are the next two
rf_stride         between neighbouring cells
rf_offset         where the first cell's field starts; one number where height and width agree

A text cell with nothing to say is empty. A collapsed row's params, macs and activation_bytes are those of all the
blocks it stands for, so that the columns add up to the network's totals.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from math import prod
from typing import TYPE_CHECKING, Any

from ..text import shape_text
from .blocks import runs
from .layer import Layer, Part
from .receptive_field import ReceptiveField
from .unused import Unused
from .window import pair_text

if TYPE_CHECKING:
    import pandas as pd

Row = dict[str, Any]
SUMS = ("params", "macs", "activation_bytes")


def layer_table(
    layers: Sequence[Layer],
    fields: Sequence[ReceptiveField | None],
    keras_gamma: bool,
    *,
    collapse: bool = False,
    units: bool = True,
    flops: bool = False,
    keras: bool = False,
    unused: Sequence[Unused] = (),
) -> pd.DataFrame:
    """The table of `layers` in execution order.

    fields: the receptive field of each layer. keras_gamma: whether Keras would count a gamma for each channel of a
    batch norm.

    collapse: fold equal blocks in a row into one, with a `repeat` column; receptive fields are the last block's.
    units: a convolution, its batch norm and its ReLU share a row. False gives each a row of its own.
    flops: a `flops` column, two for each multiply-accumulate, instead of `macs`.
    keras: count parameters as Keras does, running mean and variance of batch norms included.
    unused: what gets a row after the layers, because its parameters did not run: without shapes and operations.
    """
    import pandas as pd  # not above: `import inception` would load it, and take a third longer

    field_of = dict(zip(layers, fields, strict=True))
    gamma = keras_gamma if keras else None

    def rows_of(block: Iterable[Layer]) -> list[Row]:
        return [
            _row(layer, parts, field_of[layer], gamma)
            for layer in block
            for parts in ([layer.parts] if units else [(part,) for part in layer.parts])
        ]

    if collapse:
        rows = [row for run in runs(layers) for row in _fold(run.name, [rows_of(block) for block in run.blocks])]
    else:
        rows = rows_of(layers)
    blank: Row = dict.fromkeys(rows[0], "") if rows else {}
    rows += [blank | _unused_cells(each, gamma) | ({"repeat": 1} if collapse else {}) for each in unused]
    table = pd.DataFrame(rows)
    table.insert(0, "index", range(1, len(table) + 1))
    if table["macs"].isna().any():
        table["macs"] = table["macs"].astype("Int64")  # whole numbers, and blanks where nobody can vouch for one
    if flops:
        table["macs"] *= 2
        table = table.rename(columns={"macs": "flops"})
    return table


def search(table: pd.DataFrame, words: str) -> pd.DataFrame:
    """The rows that contain every word of `words`, upper and lower case alike; numbers only whole, 1x7 not in 71x73."""
    patterns = [re.compile(rf"(?<!\d){re.escape(word)}(?!\d)") for word in words.lower().split()]
    if not patterns:
        return table.copy()
    rows = table.astype(str).agg(" ".join, axis=1).str.lower()
    return table[[all(pattern.search(row) for pattern in patterns) for row in rows]]


def keras_params(part: Part, gamma: bool) -> int:
    """Parameters as Keras counts: a batch norm's running mean and variance too, gamma only where it is trained."""
    return _keras_params(part.params, part.params, part.statistics, gamma) if part.statistics else part.params


def _keras_params(params: int, norm_params: int, statistics: int, gamma: bool) -> int:
    """PyTorch has a gamma and a beta for each channel of a batch norm, or neither."""
    return params + statistics - (0 if gamma else norm_params // 2)


def _row(layer: Layer, parts: tuple[Part, ...], field: ReceptiveField | None, keras_gamma: bool | None) -> Row:
    first, out_shape = parts[0], parts[-1].out_shape
    window = first.window
    dropped = window.dropped if window else (0, 0)
    return {
        "stage": layer.stage,
        "block": layer.block,
        "branch": layer.branch,
        "layer": layer.layer,
        "path": layer.path if parts is layer.parts else first.path,
        "op": str(first.op),
        "kernel": shape_text(first.kernel),
        "stride": shape_text(first.stride),
        "padding": window.padding if window else "",
        "pad": ",".join(map(str, window.pad)) if window else "",
        "in_shape": " + ".join(map(shape_text, first.in_shapes)),
        "out_shape": shape_text(out_shape),
        "dropped": shape_text(dropped) if any(dropped) else "",
        "params": sum(part.params if keras_gamma is None else keras_params(part, keras_gamma) for part in parts),
        "macs": None if any(part.doubt for part in parts) else sum(part.macs for part in parts),
        "activation_bytes": 4 * prod(out_shape),
        "rf": shape_text(field.size) if field else "",
        "rf_stride": pair_text(field.stride) if field else "",
        "rf_offset": pair_text(field.offset) if field else "",
    }


def _unused_cells(unused: Unused, keras_gamma: bool | None) -> Row:
    """The cells of a row for parameters that did not run: where they are and how many; everything else is empty."""
    params = unused.params
    if keras_gamma is not None:
        params = _keras_params(params, unused.norm_params, unused.statistics, keras_gamma)
    cells = {"stage": unused.stage, "path": unused.path, "op": "unused", "params": params}
    return cells | {"macs": 0, "activation_bytes": 0}


def _fold(name: str, blocks: list[list[Row]]) -> list[Row]:
    """The rows of equal blocks as those of one: sums of parameters, MACs and bytes, the last one's field."""
    folded = []
    for rows in zip(*blocks, strict=True):
        sums = {
            column: None if any(row[column] is None for row in rows) else sum(row[column] for row in rows)
            for column in SUMS
        }
        field = {column: rows[-1][column] for column in ("rf", "rf_stride", "rf_offset")}
        start = {"stage": rows[0]["stage"], "block": name, "repeat": len(rows)}
        folded.append({**start, **rows[0], **start, **sums, **field})
    return folded
