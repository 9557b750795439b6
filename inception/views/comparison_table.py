"""Networks beside each other as tables: what `side_by_side_dot` and `overlay_dot` draw."""

from collections.abc import Sequence

import pandas as pd

from ..graph.blocks import Run
from ..graph.layer import Layer
from ..graph.layer_graph import LayerGraph
from ..text import shape_text
from ..words import _
from .changes import change_of
from .overlay import pair_layers
from .overview import change_of_row, side_by_side


def side_by_side_table(graphs: Sequence[LayerGraph]) -> pd.DataFrame:
    """One row for each part that stages play and each network that has a stage for it, in the order of the diagram.

    Columns part, network, stages, blocks, out_shape, params, macs, differences (from the first network, in words) and,
    of two networks, change (as in `CHANGES`).
    """
    rows = []
    for row in side_by_side(graphs):
        change = {"change": change_of_row(row).name} if len(graphs) == 2 else {}
        present = [cell for cell in row if cell]
        for cell in present:
            runs = [run for box in cell.boxes for run in box.runs]
            rows.append(
                {
                    "part": present[0].boxes[-1].stage,
                    "network": cell.graph.name,
                    "stages": ", ".join(box.stage for box in cell.boxes),
                    "blocks": ", ".join(map(_times, runs)),
                    "out_shape": shape_text(cell.boxes[-1].layers[-1].out_shape),
                    "params": sum(box.params for box in cell.boxes),
                    "macs": sum(box.macs for box in cell.boxes),
                    "differences": _("; ").join(cell.differences),
                    **change,
                }
            )
    return pd.DataFrame(rows)


def overlay_table(one: Sequence[Layer], other: Sequence[Layer], names: tuple[str, str]) -> pd.DataFrame:
    """Two versions of a block layer by layer: columns branch, layer, change, and out_shape and params of each version.

    names: what to call the versions; the last four columns are called after them.
    """
    rows = []
    for pair in pair_layers(one, other):
        first, change = pair.layers[0], change_of(pair.versions).name
        row: dict[str, object] = {"branch": first.branch, "layer": first.layer, "change": change}
        for name, layer in zip(names, pair.versions, strict=True):
            row[f"out_shape/{name}"] = shape_text(layer.out_shape) if layer else ""
            row[f"params/{name}"] = layer.params if layer else None
        rows.append(row)
    return pd.DataFrame(rows)


def _times(run: Run) -> str:
    return f"{run.name} x{len(run.blocks)}" if len(run.blocks) > 1 else run.name
