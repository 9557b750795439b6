"""One number of a feature map taken apart into the sum of products that it is, with the network's own numbers.

Each layer is products first; their sum is the first step, and bias, batch norm and ReLU are those after it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from PIL import Image
from torch import nn

from ..graph.layer import Layer
from ..graph.layer_graph import LayerGraph
from ..graph.op import Op
from ..graph.trace import trace
from ..runtime.predictor import Predictor
from ..words import N_, _
from .cell_error import CellError, check_cell
from .products import Products, products_of
from .record import Record, record, with_sources

if TYPE_CHECKING:
    import pandas as pd

TERMS = 5  # channels that are named one by one; of a linear layer as many for the number and as many against it
TOLERANCE = 1e-4  # of the network's number, by which the parts may miss it
ROUNDING = 1e-5  # of what is added up without its signs: what float32 may lose where the parts cancel each other

# Names of steps, stable in files and JSON; people read their translation. The first one by operation, "sum" elsewhere.
FIRST_STEPS: dict[str, str] = {
    Op.MAX_POOL: N_("max"),
    Op.AVG_POOL: N_("mean"),
    Op.L2_NORMALIZE: N_("divided by the norm"),
    **dict.fromkeys((Op.CONCAT, Op.DROPOUT, Op.FLATTEN, Op.BATCH_NORM, Op.RELU), N_("copy")),
}
SUM, BIAS, BATCH_NORM, RELU = N_("sum"), N_("bias"), N_("batch norm"), N_("relu")


@dataclass(frozen=True)
class Step:
    """What is done to the number, and what it is then."""

    name: str
    value: float  # after it
    scale: float = 1.0  # of a batch norm: value = scale x (value before) + shift
    shift: float = 0.0  # of a batch norm, or the bias


@dataclass(frozen=True)
class Term:
    """What one channel that a layer reads gives to the sum."""

    source: int  # index of the layer that it is from; 0 is the picture
    channel: int  # from 0
    value: float
    place: int  # among the channels of `CellArithmetic.products`


@dataclass(frozen=True)
class CellArithmetic:
    """The sum of products behind one cell of a layer, and the steps from it to the network's own number."""

    model: str  # of the zoo
    graph: LayerGraph
    layer: Layer
    channel: int  # this and the next two count from 0
    row: int
    column: int
    value: float  # the network's own activation
    products: Products
    steps: tuple[Step, ...]  # the first is the sum of all products, the last gives `value`

    @cached_property
    def terms(self) -> tuple[Term, ...]:
        """The channels that give most, of either sign, the largest first."""
        values = self.products.values
        order = np.argsort(-np.abs(values), kind="stable")
        if self.layer.op == Op.LINEAR:
            named = [*order[values[order] > 0][:TERMS], *order[values[order] < 0][:TERMS]]
        else:
            named = [*order[:TERMS]]
        sources, channels = self.products.sources, self.products.channels
        return tuple(Term(int(sources[i]), int(channels[i]), float(values[i]), int(i)) for i in named)

    @property
    def others(self) -> int:
        """How many channels are added up besides."""
        return len(self.products.channels) - len(self.terms)

    @cached_property
    def rest(self) -> float:
        """What the other channels give together."""
        return float(np.delete(self.products.values, [term.place for term in self.terms]).sum())

    def as_json(self) -> dict[str, Any]:
        """What `cell --json` writes."""
        return {
            "model": self.model,
            "layer": self.layer.path,
            "op": str(self.layer.op),
            "channel": self.channel,
            "row": self.row,
            "column": self.column,
            "value": self.value,
            "steps": [{"name": step.name, "value": step.value} for step in self.steps],
            "terms": [{"channel": term.channel, "value": term.value} for term in self.terms],
            "rest": self.rest,
        }

    def table(self) -> pd.DataFrame:
        """Every multiplication: columns source (index of a layer), channel, row, column, input, weight and product.

        Rows and columns are those of the grid that is read; what is negative or beyond it is padding.
        """
        import pandas as pd

        products = self.products
        count, height, width = products.patches.shape
        rows, columns = np.meshgrid(products.rows, products.columns, indexing="ij")
        return pd.DataFrame(
            {
                "source": products.sources.repeat(height * width),
                "channel": products.channels.repeat(height * width),
                "row": np.tile(rows.ravel(), count),
                "column": np.tile(columns.ravel(), count),
                "input": products.patches.ravel(),
                "weight": products.kernels.ravel(),
                "product": products.products.ravel(),
            }
        )


def explain_cell(
    predictor: Predictor, prepared: Image.Image, layer: Layer | int | str, channel: int, row: int = 0, column: int = 0
) -> CellArithmetic:
    """The sum of products behind one number that the network computes for a prepared picture.

    layer: what `LayerGraph.find_layer` takes: a layer, its index, its path or TF-Slim's name.
    channel, row, column: from 0; row and column are 0 behind a flatten.
    Raises CellError where there is no such cell, InputError where there is no such layer, OutOfMemory.
    """
    graph = trace(predictor.model, (prepared.height, prepared.width))
    found = graph.find_layer(layer.path if isinstance(layer, Layer) else layer)
    check_cell(found, channel, row, column)
    seen = record(predictor, prepared, with_sources(graph, found))
    return cell_arithmetic(predictor, graph, seen, found, channel, row, column)


def cell_arithmetic(
    predictor: Predictor, graph: LayerGraph, seen: Record, layer: Layer, channel: int, row: int = 0, column: int = 0
) -> CellArithmetic:
    """The same of a pass that was recorded: `seen` has the layer and all that it reads. Raises CellError."""
    check_cell(layer, channel, row, column)
    output = seen[layer.index]
    value = float(output[channel] if output.ndim == 1 else output[channel, row, column])
    products = products_of(predictor.model, seen, layer, channel, row, column)
    steps, scale = _steps(predictor.model, layer, channel, products)
    apart = abs(steps[-1].value - value)
    if apart > TOLERANCE * abs(value) + ROUNDING * scale:
        sentence = _("{layer}: the parts add up to {sum:g}, but the network has {value:g}.")
        raise CellError(sentence.format(layer=layer.path, sum=steps[-1].value, value=value))
    last = Step(steps[-1].name, value, steps[-1].scale, steps[-1].shift)  # rounded as the network rounds
    return CellArithmetic(predictor.name, graph, layer, channel, row, column, value, products, (*steps[:-1], last))


def _steps(model: nn.Module, layer: Layer, channel: int, products: Products) -> tuple[list[Step], float]:
    """From the sum of the products to the layer's number; and how large that could be if nothing cancelled."""
    number, size = float(products.values.sum()), float(np.nansum(np.abs(products.products)))
    first = model.get_submodule(layer.parts[0].path)
    steps = [Step(FIRST_STEPS.get(layer.op, SUM), number)]
    if layer.op in (Op.CONV, Op.LINEAR) and isinstance(first.bias, torch.Tensor):
        bias = first.bias[channel].item()
        number, size = number + bias, size + abs(bias)
        steps.append(Step(BIAS, number, shift=bias))
    after = layer.parts if layer.op in (Op.BATCH_NORM, Op.RELU) else layer.parts[1:]
    for part in after:
        if part.op == Op.BATCH_NORM:
            scale, shift = batch_norm_of(model.get_submodule(part.path), channel)
            number, size = scale * number + shift, abs(scale) * size + abs(shift)
            steps.append(Step(BATCH_NORM, number, scale, shift))
        elif part.op == Op.RELU:
            number = number if np.isnan(number) else max(number, 0.0)
            steps.append(Step(RELU, number))
        else:
            sentence = _("{layer}: how {operation} makes a number is not written down here.")
            raise CellError(sentence.format(layer=layer.path, operation=part.op))
    return steps, size


def batch_norm_of(module: nn.Module, channel: int) -> tuple[float, float]:
    """(scale, shift) that a batch norm in use is for one channel: y = scale x + shift."""
    numbers = [module.running_mean, module.running_var, module.weight, module.bias]
    mean, variance, gamma, beta = (
        plain if tensor is None else tensor[channel].item()  # type: ignore[index]
        for tensor, plain in zip(numbers, (0.0, 1.0, 1.0, 0.0), strict=True)
    )
    scale = gamma / float(np.sqrt(variance + module.eps))  # type: ignore[operator]
    return scale, beta - scale * mean
