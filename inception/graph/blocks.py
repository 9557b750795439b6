"""Blocks of a traced network: which stand in a row and are equal, and what each kind is called."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby
from typing import Any

from ..errors import InputError
from .layer import Layer


@dataclass(frozen=True)
class Run:
    """Equal blocks in a row, e.g. the ten Block35 of Inception-ResNet-A; each block is a tuple of layers."""

    blocks: tuple[tuple[Layer, ...], ...]

    @property
    def stage(self) -> str:
        return self.blocks[0][0].stage

    @cached_property
    def name(self) -> str:
        """Block35 for Block35_1 to Block35_10, Mixed_5b-5e for Mixed_5b to Mixed_5e."""
        first, last = self.blocks[0][0].block, self.blocks[-1][0].block
        if first == last:
            return first
        stem, _, end = first.rpartition("_")
        return stem if end.isdigit() else f"{first}-{last.rpartition('_')[2]}"


def runs(layers: Sequence[Layer]) -> list[Run]:
    """The blocks of `layers`, equal neighbours put together. Everything but names and paths makes blocks equal."""
    blocks = [tuple(block) for _, block in groupby(layers, key=lambda layer: (layer.stage, layer.block))]
    return [Run(tuple(run)) for _, run in groupby(blocks, key=_signature)]


def _signature(block: tuple[Layer, ...]) -> Any:
    return block[0].stage, [
        (
            layer.branch,
            layer.layer,
            [(p.op, p.in_shapes, p.out_shape, p.window, p.params, p.scale) for p in layer.parts],
        )
        for layer in block
    ]


@dataclass(frozen=True)
class BlockType:
    """What one diagram shows: one block of a run, or a whole stage whose blocks all differ (stem, head)."""

    title: str
    name: str
    repeat: int
    layers: tuple[Layer, ...]


def block_types(layers: Sequence[Layer]) -> list[BlockType]:
    """The kinds of blocks of a network in order of execution."""
    types = []
    for stage, stage_runs in groupby(runs(layers), key=lambda run: run.stage):
        members = list(stage_runs)
        if len(members) > 1 and all(len(run.blocks) == 1 for run in members):
            whole = tuple(layer for run in members for layer in run.blocks[0])
            types.append(BlockType(stage, stage, 1, whole))
            continue
        for run in members:
            title = stage if len(members) == 1 or run is members[0] else f"{stage}, last"
            types.append(BlockType(title, run.name, len(run.blocks), run.blocks[0]))
    return types


def find_block(layers: Sequence[Layer], name: str) -> BlockType:
    """The kind of block of that title, e.g. Inception-ResNet-A, or TF-Slim name, e.g. Block35 or Block35_3.

    Upper and lower case are the same. Raises ValueError with the known names otherwise.
    """
    types = block_types(layers)
    type_of = {layer.index: type for type in types for layer in type.layers}
    first_of = {block[0].block: run.blocks[0][0] for run in runs(layers) for block in run.blocks}
    by_name = {block.casefold(): type_of[first.index] for block, first in first_of.items()}
    for field in ("name", "title"):
        by_name |= {getattr(type, field).casefold(): type for type in reversed(types)}
    if name.casefold() not in by_name:
        known = (f"{type.title} ({type.name})" if type.name != type.title else type.title for type in types)
        raise InputError(f"there is no block {name!r}; known: {'; '.join(known)}")
    return by_name[name.casefold()]
