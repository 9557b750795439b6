"""What a picture becomes inside a network: at every depth, branch by branch, shortcut against residual.

Each view takes one forward pass through a private copy of the network, in float32 whatever the dtype of the predictor.
It keeps the maps of a few channels, and a few numbers of every channel.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor, nn

from ..errors import InputError
from ..graph.layer import Layer
from ..graph.layer_graph import LayerGraph
from ..graph.op import Op
from ..runtime.predictor import Predictor
from ..runtime.private_copy import private_copy
from ..text import shape_text
from ..words import _
from .elsewhere import engine_view
from .maps import by_mean
from .record import Record, record
from .wire import travels

MAPS = 24  # channels of a layer that are kept

Array = NDArray[np.float32]


class InsideError(InputError):
    """A block without branches, or a picture of another size than the trace, in one sentence."""


@travels
@dataclass(frozen=True)
class LayerMaps:
    """What a layer hands on for one picture."""

    layer: Layer
    # One row for each channel, the strongest mean response first: channel (from 0), mean, largest, and active (the
    # share of its cells that are above 0).
    channels: pd.DataFrame
    maps: Array  # (K, H, W), of the first K channels of that table


@travels
@dataclass(frozen=True)
class ResidualMaps:
    """Both summands of a residual sum for one picture; the residual is always the one after its scale."""

    scale: float
    shortcut_norm: float  # Euclidean norm over all channels and cells
    residual_norm: float  # the same of the residual
    ratio: float  # residual_norm over shortcut_norm; not a number if the shortcut is 0
    cosine: float  # of the angle between the two; not a number if either is 0
    channels: pd.DataFrame  # these four for each channel, with its number; the largest residual_norm first
    shortcut: Array  # (K, H, W), of the first K channels of that table
    residual: Array  # (K, H, W), of the same channels
    total: Array  # (K, H, W), their sum before the ReLU


@travels
@dataclass(frozen=True)
class BlockMaps:
    """What a block makes of one picture."""

    block: str  # TF-Slim's name
    branches: tuple[LayerMaps, ...]  # the last layer of each branch, in the order of the concatenation
    # One row for each branch: branch, layer, channels, channel_share (of the concatenation's channels), mean, active
    # (the share of its values that are above 0), and share (of the sum of squares over the whole concatenation; not a
    # number if that is 0).
    shares: pd.DataFrame
    residual: ResidualMaps | None  # None for blocks without a residual sum


def check_size(prepared: Image.Image, graph: LayerGraph) -> None:
    """Raises InsideError unless the picture has the size that `graph` was traced at."""
    size = (prepared.height, prepared.width)
    if size != graph.input_size:
        sentence = _("The picture has {size} px, but the network was traced at {traced} px.")
        raise InsideError(sentence.format(size=shape_text(size), traced=shape_text(graph.input_size)))


def block_ends(graph: LayerGraph) -> list[Layer]:
    """The last layer of each block that hands on a grid, in order of depth."""
    ends = {(layer.stage, layer.block): layer for layer in graph.layers}
    return [layer for layer in ends.values() if len(layer.out_shape) == 3]


def last_of_grids(graph: LayerGraph) -> list[Layer]:
    """The last layer on each size of grid that blocks hand on, the last grid first."""
    last = {layer.out_shape[1:]: layer for layer in block_ends(graph)}
    return list(last.values())[::-1]


def silent_channels(channels: pd.DataFrame) -> int:
    """How many channels in the table of a `LayerMaps` are 0 in every cell."""
    return int(((channels["mean"] == 0) & (channels["largest"] == 0)).sum())


def branching_blocks(graph: LayerGraph) -> list[str]:
    """Names of the blocks that `inside_block` opens, in order of depth."""
    return [layer.block for layer in graph.layers if _joins_branches(layer)]


@engine_view("inside")
def through_network(
    predictor: Predictor, prepared: Image.Image, graph: LayerGraph, count: int = MAPS
) -> list[LayerMaps]:
    """What every block hands on for a prepared picture, in order of depth, with maps of the `count` strongest channels.

    Raises InsideError for a picture of another size than the graph's, OutOfMemory.
    """
    check_size(prepared, graph)
    model = private_copy(predictor)
    found: list[LayerMaps] = []
    for layer in block_ends(graph):
        model.get_submodule(layer.parts[-1].path).register_forward_hook(
            lambda _module, _inputs, output, layer=layer: found.append(layer_maps(layer, _numpy(output), count))
        )
    _run(predictor, model, prepared)
    return found


@engine_view("inside/block")
def inside_block(
    predictor: Predictor, prepared: Image.Image, graph: LayerGraph, block: str, count: int = MAPS
) -> BlockMaps:
    """The branches of a block (TF-Slim's name) before they are joined, and what a residual sum adds to what.

    Raises InsideError for a block without branches and a picture of another size than the graph's, OutOfMemory.
    """
    check_size(prepared, graph)
    return block_maps(graph, block, record(predictor, prepared, block_layers(graph, block)), count)


def block_layers(graph: LayerGraph, block: str) -> list[Layer]:
    """The layers that `block_maps` needs: what the block's joints read. Raises InsideError as `inside_block` does."""
    indexes = {index for joint in _joints(graph, block) if joint for index in joint.inputs}
    return [graph.layers[index - 1] for index in sorted(indexes) if index]


def block_maps(graph: LayerGraph, block: str, seen: Record, count: int = MAPS) -> BlockMaps:
    """What `inside_block` gives, of a pass that recorded the `block_layers`."""
    concat, residual_sum = _joints(graph, block)
    ends = [graph.layers[index - 1] for index in concat.inputs]
    outputs = [seen[index] for index in concat.inputs]
    return BlockMaps(
        block,
        tuple(layer_maps(layer, output, count) for layer, output in zip(ends, outputs, strict=True)),
        _shares(ends, outputs),
        _residual_maps(residual_sum, [seen[index] for index in residual_sum.inputs], count) if residual_sum else None,
    )


def _joints(graph: LayerGraph, block: str) -> tuple[Layer, Layer | None]:
    """Where a block's branches are joined, and its residual sum if it has one."""
    layers = [layer for layer in graph.layers if layer.block == block]
    concat = next((layer for layer in layers if _joins_branches(layer)), None)
    if concat is None:
        sentence = _("{block} has no branches; blocks with branches: {blocks}.")
        raise InsideError(sentence.format(block=block, blocks=_(", ").join(branching_blocks(graph))))
    return concat, next((layer for layer in layers if layer.op == Op.RESIDUAL_SUM), None)


def _joins_branches(layer: Layer) -> bool:
    """Whether it is a block's own concatenation, not that of a fork inside a branch."""
    return layer.op == Op.CONCAT and not layer.branch


def _run(predictor: Predictor, model: nn.Module, prepared: Image.Image) -> None:
    with predictor.turn(), torch.inference_mode():
        model(predictor.to_input(prepared).float())


def _numpy(output: Tensor) -> Array:
    """(1, C, H, W) as (C, H, W)."""
    return output[0].cpu().numpy()


def layer_maps(layer: Layer, activations: Array, count: int = MAPS) -> LayerMaps:
    """What a layer hands on, (C, H, W), with maps of the `count` strongest channels."""
    cells = activations.reshape(len(activations), -1)
    means = cells.mean(axis=1)
    order = by_mean(means)
    channels = pd.DataFrame(
        {
            "channel": order,
            "mean": means[order],
            "largest": cells.max(axis=1)[order],
            "active": (np.count_nonzero(cells > 0, axis=1) / cells.shape[1])[order],
        }
    )
    return LayerMaps(layer, channels, activations[order[:count]])


def _shares(ends: list[Layer], outputs: list[Array]) -> pd.DataFrame:
    table = pd.DataFrame(
        {
            "branch": [layer.branch for layer in ends],
            "layer": [layer.layer for layer in ends],
            "channels": [len(output) for output in outputs],
            "mean": [float(output.mean(dtype=np.float64)) for output in outputs],
            "active": [np.count_nonzero(output > 0) / output.size for output in outputs],
            "share": [float(np.square(output, dtype=np.float64).sum()) for output in outputs],
        }
    )
    table["share"] /= table["share"].sum() or float("nan")
    table.insert(3, "channel_share", table["channels"] / table["channels"].sum())
    return table


def _residual_maps(layer: Layer, summands: list[Array], count: int) -> ResidualMaps:
    scale = layer.parts[0].scale
    assert scale is not None, "every residual sum has one"
    shortcut, residual = summands
    residual = np.float32(scale) * residual
    whole = _against(shortcut.reshape(1, -1), residual.reshape(1, -1)).iloc[0]
    channels = _against(shortcut.reshape(len(shortcut), -1), residual.reshape(len(residual), -1))
    channels.insert(0, "channel", range(len(channels)))
    channels = channels.sort_values("residual_norm", ascending=False, kind="stable", ignore_index=True)
    kept = channels["channel"].to_numpy()[:count]
    return ResidualMaps(
        scale,
        shortcut_norm=float(whole["shortcut_norm"]),
        residual_norm=float(whole["residual_norm"]),
        ratio=float(whole["ratio"]),
        cosine=float(whole["cosine"]),
        channels=channels,
        shortcut=shortcut[kept],
        residual=residual[kept],
        total=shortcut[kept] + residual[kept],
    )


def _against(shortcut: Array, residual: Array) -> pd.DataFrame:
    """Norms, ratio and cosine of two (rows, values), row by row."""
    one, other = shortcut.astype(np.float64), residual.astype(np.float64)
    norms = np.linalg.norm(one, axis=1), np.linalg.norm(other, axis=1)
    product = (one * other).sum(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(norms[0] > 0, norms[1] / norms[0], np.nan)
        cosine = product / (norms[0] * norms[1])
    return pd.DataFrame({"shortcut_norm": norms[0], "residual_norm": norms[1], "ratio": ratio, "cosine": cosine})
