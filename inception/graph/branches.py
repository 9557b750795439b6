"""What people call the branches of a block: "1x1", "3x3 after 1x1", "1x7 then 7x1 after 1x1"."""

from collections.abc import Sequence
from itertools import groupby

from ..text import running_text, shape_text
from ..words import N_, _
from .layer import Layer
from .op import Op

Branch = tuple[str, str]  # TF-Slim's names of the block and of the branch in it

TIMES = {2: N_("two {layer}"), 3: N_("three {layer}"), 4: N_("four {layer}")}
POOLS: dict[str, str] = {Op.MAX_POOL: N_("max pool"), Op.AVG_POOL: N_("average pool")}


def branches_of(layers: Sequence[Layer]) -> dict[Branch, list[Layer]]:
    """The layers of each branch, in order of execution."""
    branches: dict[Branch, list[Layer]] = {}
    for layer in layers:
        if layer.branch:
            branches.setdefault((layer.block, layer.branch), []).append(layer)
    return branches


def branch_names(layers: Sequence[Layer]) -> dict[Branch, str]:
    """What people call each branch of a block or stage, in the language of this thread."""
    return {branch: _branch_name(members) for branch, members in branches_of(layers).items()}


def branch_starts(layers: Sequence[Layer]) -> dict[int, Branch]:
    """By index, the layers at which a branch starts: all that they read is outside of it."""
    starts: dict[int, Branch] = {}
    for branch, members in branches_of(layers).items():
        inside = {layer.index for layer in members}
        starts |= {layer.index: branch for layer in members if not inside & {*layer.inputs}}
    return starts


def _branch_name(members: Sequence[Layer]) -> str:
    """The steps of a branch in words; a 1x1 or a pool that only prepares comes last, behind "after"."""
    depths: dict[int, int] = {}
    for layer in members:
        depths[layer.index] = 1 + max((depths[i] for i in layer.inputs if i in depths), default=-1)
    steps: list[str] = []
    for depth in sorted(set(depths.values())):
        # A fork inside a branch joins again in the concatenation, which is no step of its own.
        side_by_side = [_word(layer) for layer in members if depths[layer.index] == depth and layer.op != Op.CONCAT]
        if side_by_side:
            steps.append(side_by_side_name(side_by_side))
    first, rest = steps[0], steps[1:]
    prepares = members[0].op != Op.CONV or (members[0].window is not None and members[0].window.kernel == (1, 1))
    if not rest:
        return first
    if not prepares:
        return _after_each_other(steps)
    return running_text(_("{rest} after {first}").format(rest=_after_each_other(rest), first=first))


def _word(layer: Layer) -> str:
    """3x3 for a convolution, "max pool" for a pool."""
    if layer.op == Op.CONV and layer.window:
        return shape_text(layer.window.kernel)
    return _(POOLS.get(layer.op, layer.op))


def side_by_side_name(words: Sequence[str]) -> str:
    """What stands side by side: "1x3 beside 3x1"; equal ones are named once."""
    names = list(dict.fromkeys(words))
    text = names[0]
    for name in names[1:]:
        text = running_text(_("{one} beside {other}").format(one=text, other=name))
    return text


def _after_each_other(steps: Sequence[str]) -> str:
    words = []
    for step, same in groupby(steps):
        count = len(list(same))
        words += [_(TIMES[count]).format(layer=step)] if count in TIMES else [step] * count
    text = words[0]
    for number, word in enumerate(words[1:], 2):
        if number < len(words):
            sentence = _("{steps}, {last}")
        else:
            sentence = _("{steps} then {last}") if len(words) == 2 else _("{steps}, then {last}")
        text = sentence.format(steps=text, last=word)
    return running_text(text)
