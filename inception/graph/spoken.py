"""What people call blocks and layers: "Inception-A ×4", "first 3x3 convolution". Code names follow them."""

from collections.abc import Sequence
from functools import lru_cache
from itertools import groupby
from typing import NamedTuple

from ..text import running_text, shape_text
from ..words import N_, _, current, speaking
from .blocks import is_whole, runs
from .identity import Same
from .layer import Layer
from .op import Op

STAGES = (N_("Stem"), N_("Head"))  # the stages whose names are words; all others are names
ORDINALS = (
    N_("first"),
    N_("second"),
    N_("third"),
    N_("fourth"),
    N_("fifth"),
    N_("sixth"),
    N_("seventh"),
    N_("eighth"),
    N_("ninth"),
    N_("tenth"),
)
TH = N_("{number}th")
ENDINGS = {1: N_("{number}st"), 2: N_("{number}nd"), 3: N_("{number}rd")}  # by the last digit, all others like TH
OPERATIONS: dict[str, str] = {
    Op.CONV: N_("convolution"),
    Op.TRANSPOSED_CONV: N_("transposed convolution"),
    Op.LINEAR: N_("linear layer"),
    Op.MAX_POOL: N_("max pool"),
    Op.AVG_POOL: N_("average pool"),
    Op.BATCH_NORM: N_("batch norm"),
    Op.RELU: N_("ReLU"),
    Op.FLATTEN: N_("flattening"),
    Op.CONCAT: N_("concatenation"),
    Op.SUM: N_("sum"),
    Op.RESIDUAL_SUM: N_("residual sum"),
    Op.L2_NORMALIZE: N_("scaling to length 1"),
}


class Spoken(NamedTuple):
    """What people call a layer."""

    place: str  # Inception-A 2 of 4, third branch; empty in a network without stages
    name: str  # second 3x3 convolution

    @property
    def whole(self) -> str:
        """Inception-A 2 of 4, third branch: second 3x3 convolution."""
        return _("{place}: {layer}").format(place=self.place, layer=self.name) if self.place else self.name


def spoken_stage(blocks: int, stage: str) -> str:
    """Inception-A ×4; the stage alone where one block, or a stem of different ones, makes it."""
    return f"{_(stage)} ×{blocks}" if blocks > 1 else _(stage)


def spoken_stages(layers: Sequence[Layer]) -> dict[str, str]:
    """What people call each stage, by the paper's name of it, in order of execution."""
    counts = {stage: len(blocks) for stage, blocks in _blocks(layers).items()}
    return {stage: spoken_stage(count, stage) for stage, count in counts.items()}


def spoken_blocks(layers: Sequence[Layer]) -> dict[str, str]:
    """What people call each block, by TF-Slim's name of it: Inception-A 2 of 4; its stage where this has no other."""
    return {
        part[0].block: _place(stage, number, len(blocks))
        for stage, blocks in _blocks(layers).items()
        for number, block in enumerate(blocks, 1)
        for part in block
    }


def spoken_layers(layers: Sequence[Layer]) -> dict[int, Spoken]:
    """What people call each layer, by its index: "Stem: first 3x3 convolution".

    In a branch: "Inception-A 2 of 4, third branch: second 3x3 convolution". Layers of one kind are counted where they
    stand: in their branch, or between the branches of their stage or block.
    """
    # Pages ask several times in a run, and looking up each word asks for the reader's language.
    if isinstance(layers, tuple):
        return _spoken_layers(Same(layers), current())
    return _named(layers)


@lru_cache(maxsize=32)
def _spoken_layers(layers: Same[tuple[Layer, ...]], language: str) -> dict[int, Spoken]:
    with speaking(language):
        return _named(layers.thing)


def _named(layers: Sequence[Layer]) -> dict[int, Spoken]:
    names = {}
    for stage, blocks in _blocks(layers).items():
        forks = [block for block in blocks[0] if any(layer.branch for layer in block)] if len(blocks) == 1 else []
        for number, block in enumerate(blocks, 1):
            inside = [layer for part in block for layer in part]
            place = _place(stage, number, len(blocks))
            for part in block:
                where = place
                if len(forks) > 1 and part in forks:
                    fork = _("{place}, {ordinal} fork")
                    where = running_text(fork.format(place=place, ordinal=_ordinal(forks.index(part) + 1)))
                branches = list(dict.fromkeys(layer.branch for layer in part if layer.branch))
                for layer in part:
                    if layer.branch and len(branches) > 1:
                        ordinal = _ordinal(branches.index(layer.branch) + 1)
                        spot = running_text(_("{place}, {ordinal} branch").format(place=where, ordinal=ordinal))
                        peers = [other for other in part if other.branch == layer.branch]
                    elif any(other.branch for other in part):
                        spot, peers = where, [other for other in part if not other.branch]
                    else:
                        spot, peers = where, [other for other in inside if not other.branch]
                    names[layer.index] = Spoken(spot, _counted(layer, peers))
    return names


def _place(stage: str, number: int, count: int) -> str:
    """Inception-A 2 of 4."""
    place = _(stage)
    return place if count == 1 else _("{stage} {number} of {count}").format(stage=place, number=number, count=count)


def _blocks(layers: Sequence[Layer]) -> dict[str, list[list[tuple[Layer, ...]]]]:
    """The blocks of each stage, each as its parts: one, or for a stem, which is one block, all that TF-Slim names."""
    found: dict[str, list[list[tuple[Layer, ...]]]] = {}
    for stage, members in groupby(runs(layers), key=lambda run: run.stage):
        stage_runs = list(members)
        blocks = [block for run in stage_runs for block in run.blocks]
        whole = is_whole(stage_runs) or len({len(block) for block in blocks}) > 1
        found.setdefault(stage, []).extend([blocks] if whole else [[block] for block in blocks])
    return found


def _counted(layer: Layer, peers: Sequence[Layer]) -> str:
    """First 3x3 convolution; without a number where there is one only."""
    kind = _kind(layer)
    same = [other for other in peers if _kind(other) == kind]
    if len(same) == 1:
        return kind
    return _("{ordinal} {layer}").format(ordinal=_ordinal(same.index(layer) + 1), layer=kind)


def _kind(layer: Layer) -> str:
    """3x3 convolution."""
    operation = _(OPERATIONS.get(layer.op, layer.op))
    if layer.window is None:
        return operation
    return _("{kernel} {operation}").format(kernel=shape_text(layer.window.kernel), operation=operation)


def _ordinal(number: int) -> str:
    """First, second; 11th, 21st for what has no word."""
    if number <= len(ORDINALS):
        return _(ORDINALS[number - 1])
    last = number % 10 if number // 10 % 10 != 1 else 0
    return _(ENDINGS.get(last, TH)).format(number=number)
