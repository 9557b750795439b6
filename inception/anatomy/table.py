"""The layer table: a `LayerGraph` as a pandas DataFrame.

One row a layer. Columns: index (from 1), stage (the paper's name), block, branch, layer (TF-Slim's names), path (in
the model), op, kernel and stride (height x width), padding (SAME or VALID as declared), pad (zeros added at
top,bottom,left,right), in_shape and out_shape (channels x height x width; several inputs joined by " + "), dropped
(input rows x columns at the end that no window reaches), params (with the batch norm of the unit), macs
(multiply-accumulates of convolutions and linear layers, batch 1), activation_bytes (of the output, float32), rf,
rf_stride and rf_offset (receptive field, in pixels of the picture). A text cell with nothing to say is empty.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from .receptive_field import ReceptiveField
from .window import Pair, Window

if TYPE_CHECKING:
    from .graph import LayerGraph


def layer_table(graph: LayerGraph) -> pd.DataFrame:
    """The table of `graph`, one row a layer in execution order."""
    return pd.DataFrame(
        {
            "index": layer.index,
            "stage": layer.stage,
            "block": layer.block,
            "branch": layer.branch,
            "layer": layer.layer,
            "path": layer.path,
            "op": layer.op,
            **_window_cells(layer.window),
            "in_shape": " + ".join(map(shape_text, layer.in_shapes)),
            "out_shape": shape_text(layer.out_shape),
            "dropped": shape_text(layer.window.dropped) if layer.window and any(layer.window.dropped) else "",
            "params": layer.params,
            "macs": layer.macs,
            "activation_bytes": layer.activation_bytes,
            **_field_cells(field),
        }
        for layer, field in zip(graph.layers, graph.receptive_fields[1:], strict=True)
    )


def shape_text(sizes: tuple[int, ...]) -> str:
    """Sizes as the table writes them: 192x35x35."""
    return "x".join(map(str, sizes))


def _window_cells(window: Window | None) -> dict[str, str]:
    if window is None:
        return {"kernel": "", "stride": "", "padding": "", "pad": ""}
    return {
        "kernel": shape_text(window.kernel),
        "stride": shape_text(window.stride),
        "padding": window.padding,
        "pad": ",".join(map(str, window.pad)),
    }


def _field_cells(field: ReceptiveField | None) -> dict[str, str]:
    if field is None:
        return {"rf": "", "rf_stride": "", "rf_offset": ""}
    return {
        "rf": shape_text(field.size),
        "rf_stride": _one_or_two(field.stride),
        "rf_offset": _one_or_two(field.offset),
    }


def _one_or_two(pair: Pair) -> str:
    """One number where height and width agree."""
    return str(pair[0]) if pair[0] == pair[1] else shape_text(pair)
