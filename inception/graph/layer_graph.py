"""`LayerGraph`: what a trace yields. Tables, diagrams, charts and exports are views of it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from .layer import Layer, Shape
from .receptive_field import PIXEL, ReceptiveField, union
from .table import layer_table

if TYPE_CHECKING:
    import pandas as pd

# Layers without a window whose cells depend on the same cell of what they read. Of others we do not know.
CELL_BY_CELL = {
    "concat", "sum", "residual sum", "add", "sub", "mul", "truediv", "batch norm", "dropout", "flatten", "linear",
    "l2 normalize", "contiguous", "relu", "relu6", "leakyrelu", "prelu", "elu", "silu", "gelu", "sigmoid", "tanh",
    "hardswish",
}  # fmt: skip


@dataclass(frozen=True)
class LayerGraph:
    """The layers of one network for one picture, in execution order, with the edges between them.

    keras_gamma: whether Keras would count a gamma for each channel of a batch norm.
    """

    name: str
    input_shape: tuple[int, int, int]
    layers: tuple[Layer, ...]
    keras_gamma: bool = True

    @property
    def input_size(self) -> tuple[int, int]:
        """(height, width) of the picture."""
        return self.input_shape[1:]

    @property
    def edges(self) -> list[tuple[int, int]]:
        """(from, to) pairs of layer indexes; 0 is the picture."""
        return [(source, layer.index) for layer in self.layers for source in layer.inputs]

    def layer_at(self, path: str) -> Layer | None:
        """The layer of that path, or with a part of that path; None if there is none."""
        return next((layer for layer in self.layers if path in (layer.path, *(p.path for p in layer.parts))), None)

    @property
    def output_shape(self) -> Shape:
        return self.layers[-1].out_shape

    @property
    def params(self) -> int:
        return sum(layer.params for layer in self.layers)

    @property
    def macs(self) -> int:
        return sum(layer.macs for layer in self.layers)

    @cached_property
    def receptive_fields(self) -> tuple[ReceptiveField | None, ...]:
        """The field of each layer's cells, the picture's pixel first; None where no single box fits every cell."""
        fields: list[ReceptiveField | None] = [PIXEL]
        for layer in self.layers:
            sources = [fields[i] for i in layer.inputs]
            field = union([source for source in sources if source]) if all(sources) else None
            if field and layer.window:
                field = field.through(layer.window)
            elif field and len(layer.in_shapes[0]) == 3 and len(layer.out_shape) == 1:
                field = field.over(layer.in_shapes[0][1:])
            elif layer.op not in CELL_BY_CELL or any(shape[1:] != layer.out_shape[1:] for shape in layer.in_shapes):
                field = None
            fields.append(field)
        return tuple(fields)

    def table(
        self, collapse: bool = False, units: bool = True, flops: bool = False, keras: bool = False
    ) -> pd.DataFrame:
        """One row a layer in execution order; see `inception.graph.table` for the columns and the switches."""
        return layer_table(
            self.layers,
            self.receptive_fields[1:],
            self.keras_gamma,
            collapse=collapse,
            units=units,
            flops=flops,
            keras=keras,
        )
