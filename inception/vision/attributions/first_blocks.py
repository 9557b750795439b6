"""The first blocks of a network on copies of one picture that differ in a small part only.

What such a block gives is the same for all copies, but for the cells that see the part that differs. So it runs on the
whole picture once, and for each copy on as much of its input as those cells need. The result is the same, as no cell
is left out that could change. From block to block that part grows; where it is most of the grid, the network goes on
with whole grids.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor, nn

from ...graph.trace import trace

WORTH = 0.8  # of a block's input: where the part is larger, cutting it out saves no time
HEAD = "head"  # the stage that gives the answer, and has no grid

Span = tuple[int, int]  # the first cell of a row or column of cells, and the one behind the last
Area = tuple[slice, slice]  # rows and columns


@dataclass(frozen=True)
class Axis:
    """What the cells of a block's output see of its input, down or across."""

    window: int  # cells of the input that one cell sees
    stride: int  # from what one cell sees to what the next one sees
    offset: int  # where what the first cell sees begins; below 0 in the padding
    inputs: int  # how many cells the input has
    outputs: int  # how many cells the output has

    def seeing(self, span: Span) -> Span:
        """The cells of the output that see one of a span of the input; an empty span where none does."""
        first = max(0, (span[0] - self.offset - self.window) // self.stride + 1)
        return first, max(first, min(self.outputs, -(-(span[1] - self.offset) // self.stride)))

    def needed(self, span: Span) -> Span:
        """What a span of the output is computed from, and before it no more than makes the strides agree."""
        first = self.offset + self.stride * span[0]
        behind = self.offset + self.stride * (span[1] - 1) + self.window
        return max(0, first - first % self.stride), min(self.inputs, behind)

    def side(self, spans: Iterable[Span]) -> int:
        """Cells of a cut-out that is large enough for each of these spans of the output, and may end with the input."""
        most = max((behind - first for first, behind in map(self.needed, spans)), default=self.inputs)
        return most + (self.inputs - most) % self.stride

    def start(self, span: Span, side: int) -> int:
        """Where such a cut-out begins in the input."""
        return min(self.needed(span)[0], self.inputs - side) if span[0] < span[1] else 0


@dataclass(frozen=True)
class Step:
    """A block, and how large a part of its input is cut out for it."""

    path: str
    axes: tuple[Axis, Axis]  # down and across
    sides: tuple[int, int]

    def behind(self, part: tuple[Span, Span]) -> tuple[Span, Span]:
        """The part of the output that can change where a part of the input does."""
        down, across = (axis.seeing(span) for axis, span in zip(self.axes, part, strict=True))
        return down, across

    def corner(self, part: tuple[Span, Span]) -> tuple[int, int]:
        """Where the cut-out for a part of the output begins in the input, down and across."""
        top, left = (axis.start(span, side) for axis, span, side in zip(self.axes, part, self.sides, strict=True))
        return top, left


def plan(model: nn.Module, shape: Sequence[int], areas: Sequence[Area]) -> list[Step]:
    """The blocks at the beginning of a network (stages in a row) for which cutting out is worth it.

    shape: of its input without the batch, (C, H, W). areas: what changes in the copies.
    """
    parts = {((rows.start, rows.stop), (columns.start, columns.stop)) for rows, columns in areas}
    steps: list[Step] = []
    for path, block in _blocks(model):
        graph = trace(block, tuple(shape))
        field, shape_after = graph.receptive_fields[graph.outputs[0]], graph.output_shape
        if field is None:
            break
        axes = tuple(
            Axis(*numbers)
            for numbers in zip(field.size, field.stride, field.offset, shape[1:], shape_after[1:], strict=True)
        )
        parts = {
            (down, across)
            for down, across in ((axes[0].seeing(part[0]), axes[1].seeing(part[1])) for part in parts)
            if down[0] < down[1] and across[0] < across[1]
        }
        sides = axes[0].side(part[0] for part in parts), axes[1].side(part[1] for part in parts)
        if sides[0] * sides[1] > WORTH * shape[1] * shape[2]:
            break
        steps.append(Step(path, (axes[0], axes[1]), sides))
        shape = shape_after
    return steps


@dataclass(frozen=True)
class FirstBlocks:
    """A network that computes no more of copies of a picture than differs in them."""

    model: nn.Module
    steps: list[Step]
    picture: Tensor  # (1, C, H, W), normalised, in the model's dtype
    memory_format: torch.memory_format

    @cached_property
    def _grids(self) -> list[Tensor]:
        """The picture, and what each of the first blocks makes of it."""
        grids = [self.picture]
        for step in self.steps:
            grids.append(self.model.get_submodule(step.path)(grids[-1]))
        return grids

    def with_hidden(self, areas: Sequence[Area | None]) -> Tensor:
        """What the first blocks make of the picture (N, C, H, W) with each area set to 0; None changes nothing."""
        parts = [_part(area) for area in areas]
        patches = [self.picture.new_zeros(self.picture.shape[1], *map(_length, part)) for part in parts]
        for step, grid in zip(self.steps, self._grids, strict=False):
            after = [step.behind(part) for part in parts]
            corners = [step.corner(part) for part in after]
            high, wide = step.sides
            cut = [grid[0, :, top : top + high, left : left + wide] for top, left in corners]
            outputs = self.model.get_submodule(step.path)(self._patched(cut, corners, parts, patches))
            patches = []
            for output, corner, part in zip(outputs, corners, after, strict=True):
                rows, columns = (
                    slice(span[0] - start // axis.stride, span[1] - start // axis.stride)
                    for span, start, axis in zip(part, corner, step.axes, strict=True)
                )
                patches.append(output[:, rows, columns])
            parts = after
        whole = [self._grids[-1][0]] * len(areas)
        return self._patched(whole, [(0, 0)] * len(areas), parts, patches)

    def rest(self, grids: Tensor) -> Tensor:
        """The answers of the network, from what the first blocks gave."""
        if not self.steps:
            return self.model(grids)
        for _path, block in _blocks(self.model)[len(self.steps) :]:
            grids = block(grids)
        return self.model.get_submodule(HEAD)(grids)

    def _patched(
        self, grids: list[Tensor], corners: list[tuple[int, int]], parts: list[tuple[Span, Span]], patches: list[Tensor]
    ) -> Tensor:
        """Copies (N, C, H, W) of parts of a grid that begin at corners of it, with what has changed put into each."""
        copies = torch.stack(grids).contiguous(memory_format=self.memory_format)
        for copy, (top, left), ((first, _), (left_end, _)), patch in zip(copies, corners, parts, patches, strict=True):
            above, before = first - top, left_end - left
            place = copy[
                :, max(0, above) : max(0, above + patch.shape[1]), max(0, before) : max(0, before + patch.shape[2])
            ]
            place.copy_(patch[:, max(0, -above) :, max(0, -before) :][:, : place.shape[1], : place.shape[2]])
        return copies


def _blocks(model: nn.Module) -> list[tuple[str, nn.Module]]:
    """The blocks before the head with their paths; none where the network is not one of stages with a head."""
    stages = dict(model.named_children())
    if HEAD not in stages:
        return []
    before = list(stages)[: list(stages).index(HEAD)]
    return [(f"{stage}.{name}", block) for stage in before for name, block in stages[stage].named_children()]


def _part(area: Area | None) -> tuple[Span, Span]:
    rows, columns = area or (slice(0, 0), slice(0, 0))
    return (rows.start, rows.stop), (columns.start, columns.stop)


def _length(span: Span) -> int:
    return span[1] - span[0]
