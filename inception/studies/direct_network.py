"""The counterfactual: a network built without the 1x1 convolutions before its kxk ones."""

from typing import Any, cast

import pandas as pd
import torch
from torch import nn

from ..graph.layer_graph import LayerGraph
from ..graph.trace import trace
from ..graph.window import Pair
from ..models.layers import ConvUnit
from ..zoo import create_model, get_variant
from .bottleneck import DIRECT, REDUCED, Bottleneck, find_bottlenecks
from .square_network import compare_graphs


def direct_network(
    name: str, device: str | torch.device = "cpu", dtype: torch.dtype = torch.float32, **overrides: Any
) -> nn.Module:
    """The network of that name without the 1x1 units of `find_bottlenecks`, in eval mode.

    The kxk unit behind each reads the wide input itself; kernel, stride, padding and output stay. Shapes outside these
    places stay as they were. Weights are PyTorch's random initialisation. overrides and errors as in `create_model`.
    """
    model = create_model(name, None, device, dtype, **overrides)
    for place in find_bottlenecks(trace(model, get_variant(name).input_size)):
        _leave_out(model, place)
    return model.to(dtype).eval()


def compare_with_direct(name: str, input_size: int | Pair | None = None, **overrides: Any) -> pd.DataFrame:
    """The network of that name and its `direct_network`, a row each, both built on the meta device and traced.

    input_size, columns and errors as in `square_network.compare_networks`; ratios are without / with.
    """
    size = get_variant(name).input_size if input_size is None else input_size
    graphs: dict[str, LayerGraph] = {
        REDUCED: trace(name, size, **overrides),
        DIRECT: trace(direct_network(name, "meta", **overrides), size),
    }
    return compare_graphs(graphs, DIRECT)


def _leave_out(model: nn.Module, place: Bottleneck) -> None:
    """Both units stand in one row of modules, which runs what is in it."""
    parent_path, _, second = place.second.path.rpartition(".")
    first = place.first.path.rpartition(".")[2]
    row = model.get_submodule(parent_path)
    narrow = cast(ConvUnit, row.get_submodule(first)).conv
    old = cast(ConvUnit, row.get_submodule(second)).conv
    with torch.device(old.weight.device):
        wide = ConvUnit(
            narrow.in_channels,
            old.out_channels,
            cast(Pair, old.kernel_size),
            old.stride[0],
            cast(str, old.padding),
            bias=old.bias is not None,
        )
    setattr(row, second, wide)
    delattr(row, first)
