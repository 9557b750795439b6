"""Blocks of a traced network: which stand in a row and are equal, and what each kind is called."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby
from typing import Any

from ..errors import InputError
from ..words import _
from .layer import Layer


@dataclass(frozen=True)
class Run:
    """Equal blocks in a row, e.g. the ten Block35 of Inception-ResNet-A."""

    blocks: tuple[tuple[Layer, ...], ...]  # the layers of each block

    @property
    def stage(self) -> str:
        """The paper's name of the stage that the blocks stand in."""
        return self.blocks[0][0].stage

    @cached_property
    def name(self) -> str:
        """Block35 for Block35_1 to Block35_10, Mixed_5b-5e for Mixed_5b to Mixed_5e."""
        first, last = self.blocks[0][0].block, self.blocks[-1][0].block
        if first == last:
            return first
        stem, _mark, end = first.rpartition("_")
        return stem if end.isdigit() else f"{first}-{last.rpartition('_')[2]}"


def runs(layers: Sequence[Layer]) -> list[Run]:
    """The blocks of `layers`, equal neighbours put together. Everything but names and paths makes blocks equal."""
    blocks = [tuple(block) for _name, block in groupby(layers, key=lambda layer: (layer.stage, layer.block))]
    return [Run(tuple(run)) for _kind, run in groupby(blocks, key=_signature)]


def _signature(block: tuple[Layer, ...]) -> Any:
    return block[0].stage, [
        (
            layer.branch,
            layer.layer,
            [(p.op, p.in_shapes, p.out_shape, p.window, p.kernel, p.stride, p.params, p.scale) for p in layer.parts],
        )
        for layer in block
    ]


def is_whole(stage_runs: Sequence[Run]) -> bool:
    """Whether the blocks of a stage say something only together, as those of a stem do.

    So it is where no block stands twice, unless all are of one plan and differ in numbers only: Inception-v3's
    Mixed_5b, 5c and 5d have the same branches and layers, and each hands on other channels.
    """
    if len(stage_runs) == 1 or any(len(run.blocks) > 1 for run in stage_runs):
        return False
    plans = [[(layer.branch, layer.layer, layer.op) for layer in run.blocks[0]] for run in stage_runs]
    return len(plans[0]) == 1 or any(plan != plans[0] for plan in plans)


@dataclass(frozen=True)
class BlockType:
    """A kind of block, which one diagram shows: a block of a run, or a whole stage whose blocks all differ."""

    id: str  # unique in its network and safe in an address, e.g. inception-resnet-a
    title: str  # for readers, unique too: Inception-ResNet-A, or Inception-A (Mixed_5b) where a stage has several kinds
    name: str  # TF-Slim's: Block35 for a run of blocks, the stage's name for a whole stage
    repeat: int  # how many equal blocks stand in a row
    layers: tuple[Layer, ...]  # of the first of these blocks, or of the whole stage


def block_types(layers: Sequence[Layer]) -> list[BlockType]:
    """The kinds of blocks of a network in order of execution."""
    kinds: list[tuple[str, str, int, tuple[Layer, ...]]] = []
    for stage, members in groupby(runs(layers), key=lambda run: run.stage):
        stage_runs = list(members)
        if is_whole(stage_runs):
            kinds.append((stage, stage, 1, tuple(layer for run in stage_runs for layer in run.blocks[0])))
        else:
            for title, run in zip(_titles(stage, stage_runs), stage_runs, strict=True):
                kinds.append((title, run.name, len(run.blocks), run.blocks[0]))
    titles = _told_apart([title for title, *_ in kinds], " ({})")
    ids = _told_apart([_slug(title) for title in titles], "-{}")
    return [BlockType(id, title, *kind[1:]) for id, title, kind in zip(ids, titles, kinds, strict=True)]


def _titles(stage: str, stage_runs: Sequence[Run]) -> list[str]:
    """What the kinds of blocks of one stage are called."""
    if len(stage_runs) == 1:
        return [stage]
    names = [run.name for run in stage_runs]
    if len(set(names)) == len(names):
        return [f"{stage} ({name})" for name in names]
    if len(names) == 2:  # TF-Slim calls the last block of Inception-ResNet-C like those before it, without a number
        return [stage, f"{stage}, last"]
    return [f"{stage} ({run.blocks[0][0].block})" for run in stage_runs]


def _slug(text: str) -> str:
    return re.sub(r"[^a-z0-9_]+", "-", text.lower()).strip("-") or "block"


def _told_apart(texts: Iterable[str], number: str) -> list[str]:
    """The texts, those that were there before with the first number that makes them unique."""
    unique: dict[str, None] = {}
    for text in texts:
        candidate, count = text, 1
        while candidate in unique:
            count += 1
            candidate = text + number.format(count)
        unique[candidate] = None
    return list(unique)


def find_block(layers: Sequence[Layer], name: str) -> BlockType:
    """The kind of block of that id or title, e.g. Inception-ResNet-A, or TF-Slim name, e.g. Block35 or Block35_3.

    The name of a stage with several kinds of blocks stands for the first of them.
    Upper and lower case are the same. Raises InputError with the known names otherwise.
    """
    types = block_types(layers)
    type_of = {layer.index: type for type in types for layer in type.layers}
    first_of = {block[0].block: run.blocks[0][0] for run in runs(layers) for block in run.blocks}
    by_name = {type.layers[0].stage.casefold(): type for type in reversed(types)}
    by_name |= {block.casefold(): type_of[first.index] for block, first in first_of.items()}
    for field in ("name", "title", "id"):
        by_name |= {getattr(type, field).casefold(): type for type in reversed(types)}
    if name.casefold() not in by_name:
        known = (
            _("{title} ({name})").format(title=type.title, name=type.name)
            if type.name not in type.title
            else type.title
            for type in types
        )
        sentence = _("there is no block {name}; known: {known}")
        raise InputError(sentence.format(name=repr(name), known=_("; ").join(known)))
    return by_name[name.casefold()]
