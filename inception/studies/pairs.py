"""The 1xk and kx1 convolutions of a traced network: in a row, where they replace a square kernel, and side by side."""

from collections import Counter
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations
from typing import Any

import pandas as pd
from torch import nn

from ..graph.layer import Layer
from ..graph.layer_graph import LayerGraph
from ..graph.op import Op
from ..graph.trace import trace
from ..graph.window import Pair
from ..text import shape_text
from ..words import _

# Columns of two convolutions in a row: where they stand, and their widths.
TWO_IN_A_ROW = {
    "stage": "str",
    "block": "str",
    "branch": "str",
    "first": "str",
    "second": "str",
    "first_path": "str",
    "second_path": "str",
    "kernel": "int64",
    "in_channels": "int64",
    "middle_channels": "int64",
    "out_channels": "int64",
    "grid": "str",
}
PAIR_COLUMNS = {
    "pair": "int64",
    **TWO_IN_A_ROW,
    "weights": "int64",
    "square_weights": "int64",
    "saving": "int64",
    "ratio": "float64",
    "macs": "int64",
    "square_macs": "int64",
}
SIDE_BY_SIDE_COLUMNS = {
    name: dtype
    for name, dtype in PAIR_COLUMNS.items()
    if name not in {"middle_channels", "square_weights", "saving", "ratio", "square_macs"}
}


# In a network
@dataclass(frozen=True)
class FactorPair:
    """Two convolutions of a network, one 1xk and one kx1, in order of execution."""

    first: Layer
    second: Layer
    kernel: int


def find_pairs(graph: LayerGraph) -> tuple[FactorPair, ...]:
    """Every 1xk + kx1 in a row, in either order, in execution order.

    The first is read by the second alone, so that one kxk could stand in their place. A convolution belongs to one
    pair: 7x1, 1x7, 7x1, 1x7 are two. Grouped and depthwise convolutions do not count, because they do not mix all
    channels.
    """
    lines = _line_convolutions(graph)
    readers = Counter(source for source, _ in graph.edges)
    pairs = []
    for second in tuple(lines.values()):
        first = lines.get(second.inputs[0]) if len(second.inputs) == 1 else None
        if first and readers[first.index] == 1 and _kernel(first) == _kernel(second)[::-1]:
            pairs.append(FactorPair(first, second, max(_kernel(first))))
            del lines[second.index]  # it cannot be the first of another pair
    return tuple(pairs)


def find_side_by_side(graph: LayerGraph) -> tuple[FactorPair, ...]:
    """Every 1xk and kx1 that read the same layer and are read by the same ones (Inception-C of Inception-v4, Fig. 6).

    They widen the block instead of factorising a kernel: together they see a cross, not the square.
    """
    in_a_row = {layer.index for pair in find_pairs(graph) for layer in (pair.first, pair.second)}
    lines = {index: layer for index, layer in _line_convolutions(graph).items() if index not in in_a_row}
    pairs = []
    for first, second in combinations(tuple(lines.values()), 2):
        if (
            first.index in lines
            and second.index in lines
            and first.inputs == second.inputs
            and _readers(graph, first) == _readers(graph, second)
            and _kernel(first) == _kernel(second)[::-1]
        ):
            pairs.append(FactorPair(first, second, max(_kernel(first))))
            del lines[first.index], lines[second.index]
    return tuple(pairs)


def pair_table(graph: LayerGraph) -> pd.DataFrame:
    """One row for each of `find_pairs`, with the square kernel it replaces: in_channels to out_channels, kxk.

    Columns: pair (from 1), stage, block, branch, first and second (layers), first_path and second_path, kernel (k),
    in_channels, middle_channels, out_channels, grid (output, height x width), weights and square_weights (without
    biases and batch norm), saving (the difference), ratio (square / pair), macs and square_macs (batch 1).
    """
    rows = []
    for number, pair in enumerate(find_pairs(graph), 1):
        row = _pair_cells(number, pair)
        middle, outputs = pair.first.out_shape[0], pair.second.out_shape[0]
        square_weights, square_macs = square_counts(row["in_channels"], outputs, pair.kernel, pair.second.out_shape[1:])
        row |= {
            "middle_channels": middle,
            "out_channels": outputs,
            "square_weights": square_weights,
            "saving": square_weights - row["weights"],
            "ratio": square_weights / row["weights"],
            "square_macs": square_macs,
        }
        rows.append(row)
    return pd.DataFrame(rows, columns=list(PAIR_COLUMNS)).astype(PAIR_COLUMNS)


def pair_title(graph: LayerGraph) -> str:
    """The title of its tables of pairs: the network, its picture, and for each k pairs and weights."""
    totals = list(pair_totals(graph).itertuples())
    size = shape_text(graph.input_size)
    if not totals:
        return _("Pairs of 1xk and kx1 in {network} at {size} px: none").format(network=graph.name, size=size)
    counts = _("; ").join(
        _("{pairs} of k = {kernel} with {weights:,} weights for {square_weights:,}").format(
            pairs=row.pairs, kernel=row.kernel, weights=row.weights, square_weights=row.square_weights
        )
        for row in totals
    )
    sentence = _("Pairs of 1xk and kx1 in {network} at {size} px: {counts}")
    return sentence.format(network=graph.name, size=size, counts=counts)


def side_by_side_table(graph: LayerGraph) -> pd.DataFrame:
    """One row for each of `find_side_by_side`: the columns of `pair_table` that do not speak of a square kernel.

    out_channels are those of both together.
    """
    rows = []
    for number, pair in enumerate(find_side_by_side(graph), 1):
        rows.append({**_pair_cells(number, pair), "out_channels": pair.first.out_shape[0] + pair.second.out_shape[0]})
    return pd.DataFrame(rows, columns=list(SIDE_BY_SIDE_COLUMNS)).astype(SIDE_BY_SIDE_COLUMNS)


def pair_totals(graph: LayerGraph) -> pd.DataFrame:
    """One row for each k in `pair_table`, the largest first.

    Columns: kernel, pairs, weights, square_weights, saving, ratio, macs, square_macs.
    """
    totals = (
        pair_table(graph)
        .groupby("kernel", as_index=False)
        .agg(
            pairs=("pair", "count"),
            **{name: (name, "sum") for name in ("weights", "square_weights", "saving", "macs", "square_macs")},
        )
        .sort_values("kernel", ascending=False, ignore_index=True)
    )
    totals.insert(5, "ratio", totals["square_weights"] / totals["weights"])
    return totals


def pairs_finding(graph: LayerGraph) -> str:
    """What the pairs of the largest k save in a network, in one sentence."""
    totals = pair_totals(graph)
    if totals.empty:
        return _("{network} has no 1xk and kx1 convolutions in a row.").format(network=graph.name)
    largest = totals.iloc[0]
    sentence = _(
        "**{pairs} pairs of 1x{kernel} and {kernel}x1 save {saved:.1f} of {square:.1f} million weights**: {ratio:.2f} "
        "times fewer than square kernels have."
    )
    return sentence.format(
        pairs=int(largest["pairs"]),
        kernel=int(largest["kernel"]),
        saved=largest["saving"] / 1e6,
        square=largest["square_weights"] / 1e6,
        ratio=largest["ratio"],
    )


def _line_convolutions(graph: LayerGraph) -> dict[int, Layer]:
    """The 1xk and kx1 convolutions between all channels, by index."""
    return {
        layer.index: layer
        for layer in graph.layers
        if layer.op == Op.CONV
        and min(_kernel(layer)) == 1 < max(_kernel(layer))
        and layer.parts[0].weights == layer.in_shapes[0][0] * layer.out_shape[0] * max(_kernel(layer))
    }


def _kernel(layer: Layer) -> Pair:
    return layer.window.kernel if layer.window else (1, 1)


def _readers(graph: LayerGraph, layer: Layer) -> set[int]:
    return {target for source, target in graph.edges if source == layer.index}


def _pair_cells(number: int, pair: FactorPair) -> dict[str, Any]:
    return {
        "pair": number,
        "stage": pair.first.stage,
        "block": pair.first.block,
        "branch": pair.first.branch,
        "first": pair.first.layer,
        "second": pair.second.layer,
        "first_path": pair.first.path,
        "second_path": pair.second.path,
        "kernel": pair.kernel,
        "in_channels": pair.first.in_shapes[0][0],
        "grid": shape_text(pair.second.out_shape[1:]),
        "weights": pair.first.parts[0].weights + pair.second.parts[0].weights,
        "macs": pair.first.macs + pair.second.macs,
    }


@lru_cache(maxsize=512)
def square_counts(inputs: int, outputs: int, kernel: int, grid: tuple[int, ...]) -> tuple[int, int]:
    """(weights, MACs) of the kxk convolution between all channels that yields `grid`."""
    conv = nn.Conv2d(inputs, outputs, kernel, padding="same", bias=False, device="meta")
    graph = trace(nn.Sequential(conv), (inputs, *grid))
    return graph.params, graph.macs
