"""`LayerGraph`: what a trace yields. Tables, diagrams, charts and exports are views of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from html import escape
from typing import TYPE_CHECKING, Any, cast

import torch

from ..errors import InputError
from ..text import macs_text, shape_text
from ..words import _
from . import drawer
from .layer import Layer, Shape
from .receptive_field import PIXEL, ReceptiveField
from .table import layer_table
from .unused import Unused
from .window import Pair

if TYPE_CHECKING:
    import pandas as pd

# What a notebook shows of the table at first sight.
HEAD_ROWS = 10
HEAD_COLUMNS = ["index", "block", "branch", "layer", "op", "kernel", "stride", "out_shape", "params", "macs", "rf"]


@dataclass(frozen=True, repr=False)
class LayerGraph:
    """The layers of one network for one picture, in execution order, with the edges between them.

    `inception.trace` makes one. It is a value: nothing in it changes, and it holds no weights.
    """

    name: str  # of the zoo, or the class of a module that is not ours
    input_shape: tuple[int, ...]  # (C, H, W) of the picture, or what else the network's first input is
    layers: tuple[Layer, ...]  # in execution order, from index 1
    keras_gamma: bool = True  # whether Keras would count a gamma for each channel of a batch norm
    outputs: tuple[int, ...] = ()  # indexes of the layers whose outputs the network returns, the main one first
    unused: tuple[Unused, ...] = ()  # modules whose parameters the traced pass did not use
    more_inputs: tuple[Shape, ...] = ()  # shapes of the network's other inputs
    dtypes: tuple[torch.dtype, ...] = ()  # of all inputs

    @property
    def diagram(self) -> Callable[..., Any]:
        """`inception.views.drawing.draw` of this graph."""
        return drawer.drawer_of(self)

    @property
    def input_size(self) -> Pair:
        """(height, width) of the picture; of another input what stands behind its channels."""
        return cast("Pair", self.input_shape[1:])

    @property
    def edges(self) -> list[tuple[int, int]]:
        """(from, to) pairs of layer indexes; 0 is the picture."""
        return [(source, layer.index) for layer in self.layers for source in layer.inputs]

    @property
    def output_shape(self) -> Shape:
        """The shape of what the network returns, without the batch; of several outputs that of the first."""
        last = self.outputs[0] if self.outputs else len(self.layers)
        return self.layers[last - 1].out_shape if last else self.input_shape

    @property
    def grids(self) -> tuple[Layer, ...]:
        """The layers that hand on a grid (C, H, W) of more than one cell; the last of them ends what a cell can see."""
        return tuple(one for one in self.layers if len(one.out_shape) == 3 and one.out_shape[1:] != (1, 1))

    @property
    def params(self) -> int:
        """Parameters that the traced pass uses, as PyTorch counts them; `unused` names the others."""
        return sum(layer.params for layer in self.layers)

    @property
    def macs(self) -> int:
        """Multiply-accumulates of the matrix work for one picture, without those of the layers that `doubts` names."""
        return sum(layer.macs for layer in self.layers)

    @property
    def doubts(self) -> tuple[Layer, ...]:
        """Layers whose multiply-accumulates nobody can vouch for; each one's `doubt` says why."""
        return tuple(layer for layer in self.layers if layer.doubt)

    @property
    def unused_text(self) -> str:
        """What did not run, as the beginning of a sentence without its full stop; empty where everything ran."""
        if len(self.unused) > 3:
            total = sum(unused.params for unused in self.unused)
            sentence = _("{part} and {count} others: {params:,} parameters do not run")
            return sentence.format(part=self.unused[0].title, count=len(self.unused) - 1, params=total)
        sentence = _("{part}: {params:,} parameters do not run")
        return _("; ").join(sentence.format(part=unused.title, params=unused.params) for unused in self.unused)

    def layer_at(self, path: str) -> Layer | None:
        """The layer of that path, or with a part of that path; None if there is none."""
        return next((layer for layer in self.layers if path in (layer.path, *(p.path for p in layer.parts))), None)

    def find_layer(self, key: Layer | int | str) -> Layer:
        """The layer that `key` stands for.

        key: a layer, its index from 1, its path in the model, or TF-Slim's name: "Mixed_6a" for the last layer of a
        block, "Mixed_6a/Branch_0/Conv2d_1a_3x3" for one inside it. Raises InputError where there is none.
        """
        if isinstance(key, Layer):
            return key
        if isinstance(key, int):
            if not 1 <= key <= len(self.layers):
                raise InputError(
                    _("{network} has layers 1 to {last}, no layer {layer}").format(
                        network=self.name, last=len(self.layers), layer=key
                    )
                )
            return self.layers[key - 1]
        if layer := self.layer_at(key):
            return layer
        wanted = key.casefold()
        for layer in reversed(self.layers):
            if wanted in (layer.block.casefold(), f"{layer.block}/{layer.branch}/{layer.layer}".casefold()):
                return layer
        sentence = _("{network} has no layer {layer}: give a path or a name of its table, or an index")
        raise InputError(sentence.format(network=self.name, layer=repr(key)))

    @cached_property
    def receptive_fields(self) -> tuple[ReceptiveField | None, ...]:
        """The field of each layer's cells, the picture's pixel first; None where no single box fits every cell.

        They are those of a network in use: batch norms take their running statistics, and nothing is dropped at random.
        """
        return PIXEL, *(layer.field for layer in self.layers)

    def receptive_field(self, layer: Layer | int | str) -> ReceptiveField:
        """The part of the picture on which one cell of a layer can depend: size, stride and offset in pixels.

        layer: what `find_layer` takes: a layer, its index, its path or TF-Slim's name.
        Raises InputError where there is no such layer, and where no single box describes all of its cells.
        """
        found = self.find_layer(layer)
        field = self.receptive_fields[found.index]
        if field is None:
            sentence = _("the cells of {layer} have no receptive field: {reason}")
            raise InputError(sentence.format(layer=found.path or found.op, reason=_(found.field_note)))
        return field

    def table(
        self,
        collapse: bool = False,
        units: bool = True,
        flops: bool = False,
        keras: bool = False,
        unused: bool = False,
    ) -> pd.DataFrame:
        """The layer table: one row a layer in execution order, in the columns that `inception.graph.table` lists.

        collapse: fold equal blocks in a row into one, with a `repeat` column.
        units: a convolution, its batch norm and its ReLU share a row. False gives each a row of its own.
        flops: a `flops` column, two for each multiply-accumulate, instead of `macs`.
        keras: count parameters as Keras does.
        unused: after the layers, a row for each module whose parameters did not run.
        """
        return layer_table(
            self.layers,
            self.receptive_fields[1:],
            self.keras_gamma,
            collapse=collapse,
            units=units,
            flops=flops,
            keras=keras,
            unused=self.unused if unused else (),
        )

    def __repr__(self) -> str:
        return f"<LayerGraph {self._summary()}>"

    def _summary(self) -> str:
        """The totals in a sentence."""
        sentence = _("{network}, {shape} picture: {layers:,} layers, {params:,} parameters, {macs}")
        if self.doubts:
            sentence = _(
                "{network}, {shape} picture: {layers:,} layers, {params:,} parameters, {macs} without "
                "{doubts} layers of which nobody can vouch for the count"
            )
        text = sentence.format(
            network=self.name,
            shape=shape_text(self.input_shape),
            layers=len(self.layers),
            params=self.params,
            macs=macs_text(self.macs),
            doubts=len(self.doubts),
        )
        return _("; ").join([text, self.unused_text]) if self.unused else text

    def _repr_html_(self) -> str:
        """What a notebook shows: the totals, and the head of the table."""
        head = self.table()[HEAD_COLUMNS].head(HEAD_ROWS)
        more = len(self.layers) - len(head)
        rest = "<p>" + _("and {count:,} more rows: {command}") + "</p>" if more else ""
        rest = rest.format(count=more, command="<code>graph.table()</code>")
        table = head.to_html(index=False, border=0, formatters=dict.fromkeys(("params", "macs"), "{:,}".format))
        return f"<p>{escape(f'LayerGraph {self._summary()}')}</p>{table}{rest}"
