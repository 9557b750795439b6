"""The counterfactual: a network built with square kernels in place of its 1xk and kx1 pairs."""

from collections.abc import Mapping
from typing import Any, cast

import pandas as pd
import torch
from torch import nn

from ..graph.layer_graph import LayerGraph
from ..graph.op import Op
from ..graph.trace import trace
from ..graph.window import Pair
from ..models.layers import Branch, ConvUnit
from ..text import shape_text
from ..zoo import create_model, get_variant
from .factorize import FACTORISED, SQUARE, counts_against
from .pairs import FactorPair, find_pairs


# The counterfactual
def square_network(
    name: str, device: str | torch.device = "cpu", dtype: torch.dtype = torch.float32, **overrides: Any
) -> nn.Module:
    """The network of that name with a kxk kernel in place of every 1xk + kx1 pair of `find_pairs`, in eval mode.

    The first unit of a pair becomes convolution kxk (in to out, SAME), batch norm and ReLU, and the second goes: one
    kernel is one unit, so the batch norm and ReLU between the halves go with it, as in a network that was never
    factorised. Shapes and receptive fields outside the pairs stay as they were. Side-by-side pairs stay, for they
    replace no square kernel. Weights are PyTorch's random initialisation: trained halves do not multiply to a kernel.
    overrides and errors as in `create_model`.
    """
    model = create_model(name, None, device, dtype, **overrides)
    for pair in find_pairs(trace(model, get_variant(name).input_size)):
        _put_square(model, pair)
    return model.to(dtype).eval()


def compare_networks(name: str, input_size: int | Pair | None = None, **overrides: Any) -> pd.DataFrame:
    """The network of that name and its `square_network`, a row each, both built on the meta device and traced.

    input_size: pixels of a square picture or (H, W); the variant's own by default. Columns: network, convs, params,
    macs, activation_bytes, params_ratio, macs_ratio, activation_ratio, rf (the largest of a convolution,
    height x width in pixels of the picture), out_shape. Raises TraceError for a picture that is too small.
    """
    return compare_graphs(network_graphs(name, input_size, **overrides), SQUARE)


def compare_graphs(graphs: Mapping[str, LayerGraph], against: str) -> pd.DataFrame:
    """A row for each network by its name, with the ratios of `against` to it; columns as of `compare_networks`."""
    rows = []
    for title, graph in graphs.items():
        convs = [layer for layer in graph.layers if layer.op == Op.CONV]
        sizes = [field.size for layer in convs if (field := graph.receptive_fields[layer.index])]
        rows.append(
            {
                "network": title,
                "convs": len(convs),
                **counts_against(graph, graphs[against]),
                "rf": shape_text((max(h for h, _ in sizes), max(w for _, w in sizes))),
                "out_shape": shape_text(graph.output_shape),
            }
        )
    return pd.DataFrame(rows)


def network_graphs(name: str, input_size: int | Pair | None, **overrides: Any) -> dict[str, LayerGraph]:
    size = get_variant(name).input_size if input_size is None else input_size
    return {
        FACTORISED: trace(name, size, **overrides),
        SQUARE: trace(square_network(name, "meta", **overrides), size),
    }


def _put_square(model: nn.Module, pair: FactorPair) -> None:
    branch_path, _, first = pair.first.path.rpartition(".")
    second = pair.second.path.rpartition(".")[2]
    parent_path, _, branch_name = branch_path.rpartition(".")
    branch = model.get_submodule(branch_path)
    old = cast(ConvUnit, branch.get_submodule(first)).conv
    with torch.device(old.weight.device):
        square = ConvUnit(old.in_channels, pair.second.out_shape[0], pair.kernel, bias=old.bias is not None)
    layers: dict[str, nn.Module] = {}
    for name, layer in branch.named_children():
        if name == first:
            layers[f"{name.rpartition('_')[0]}_{pair.kernel}x{pair.kernel}"] = square
        elif name != second:
            layers[name] = layer
    setattr(model.get_submodule(parent_path), branch_name, Branch(**layers))
