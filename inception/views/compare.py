"""Networks side by side, a row for each stage of each network."""

from collections.abc import Iterable, Sequence

import pandas as pd

from ..errors import InputError
from ..graph.layer import Layer
from ..graph.layer_graph import LayerGraph
from ..graph.stages import merged_order, stages_of
from ..text import shape_text
from ..words import _


def compare_models(graphs: Sequence[LayerGraph]) -> pd.DataFrame:
    """One row a stage and network, in the order of execution; rows of one stage stand together.

    Columns: stage (the paper's name), model, input (channels x height x width of its picture), blocks and layers
    (how many of them the stage has), out_shape, params, macs and activation_bytes of the stage as in the layer
    table, and total_params, total_macs and total_activation_bytes of the whole network.
    Raises ValueError when a network is given twice at the same input size, or when no order suits all networks.
    """
    keys = [(graph.name, graph.input_shape) for graph in graphs]
    for name, shape in keys:
        if keys.count((name, shape)) > 1:
            sentence = _("{network} at {shape} is given more than once")
            raise InputError(sentence.format(network=name, shape=shape_text(shape)))
    stages = [stages_of(graph.layers) for graph in graphs]
    return pd.DataFrame(
        {
            "stage": stage,
            "model": graph.name,
            "input": shape_text(graph.input_shape),
            "blocks": len({layer.block for layer in layers_of[stage]}),
            "layers": len(layers_of[stage]),
            "out_shape": shape_text(layers_of[stage][-1].out_shape),
            **_sums("", layers_of[stage]),
            **_sums("total_", graph.layers),
        }
        for stage in merged_order([list(layers_of) for layers_of in stages])
        for graph, layers_of in zip(graphs, stages, strict=True)
        if stage in layers_of
    )


def _sums(prefix: str, layers: Iterable[Layer]) -> dict[str, int]:
    layers = list(layers)
    return {
        f"{prefix}params": sum(layer.params for layer in layers),
        f"{prefix}macs": sum(layer.macs for layer in layers),
        f"{prefix}activation_bytes": sum(layer.activation_bytes for layer in layers),
    }
