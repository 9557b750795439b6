"""Occlusion, which hides one part of the picture after the other and looks how far the score falls."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import product

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import nn

from ...runtime.onednn import bfloat16_model, quick_in_bfloat16
from ...runtime.predictor import Predictor
from ...runtime.progress import Progress, no_progress
from ...words import N_, Filled
from ..elsewhere import engine_view
from ..inside import Array
from .attribution import Attribution
from .first_blocks import FirstBlocks, plan
from .gradients import Preview, no_preview
from .score import Check, Explained, Target, call_between_layers, check_count, explained_model, go_on, score_of, what_of

WINDOWS, MAX_WINDOWS = 8, 16
# Pictures in one turn: less than a second on two cores. The first map takes 10 passes and the others 55, both multiples
# of 5: for each size of batch oneDNN orders all weights anew.
WINDOW_BATCH, QUICK_BATCH = 4, 5
FIRST = 3  # windows down and across that make a first, coarse map
TRIED = 5  # windows that are computed in float32 too, to see what bfloat16 does to them
# The most that rounding may do to these: root mean square of the differences over the spread of the falls. A pixel is
# the mean of four windows, which halves errors of this size; they leave a correlation of 1 / sqrt(1 + 0.2²) = 0.98. The
# spread is that of the middle half, as the standard deviation of a normal distribution with such a half, so that one
# large fall does not excuse errors in all others.
ROUNDING = 0.4
QUARTILES = 1.349  # standard deviations of a normal distribution between its quartiles

Window = tuple[int, int]  # how many windows are above it, and left of it


@dataclass(frozen=True)
class _Frame:
    """Where the windows are."""

    size: tuple[int, int]  # height and width of the picture
    stride: tuple[int, int]  # pixels from a window to the next, down and across
    window: tuple[int, int]  # height and width of a window
    counts: tuple[int, int]  # windows down and across

    @classmethod
    def of(cls, size: tuple[int, int], windows: int) -> "_Frame":
        stride = tuple(-(-side // (windows + 1)) for side in size)
        window = tuple(min(2 * step, side) for step, side in zip(stride, size, strict=True))
        counts = tuple(-(-(side - w) // s) + 1 for side, w, s in zip(size, window, stride, strict=True))
        return cls(size, stride, window, counts)  # type: ignore[arg-type]

    def area(self, window: Window) -> tuple[slice, slice]:
        """Rows and columns that a window hides."""
        rows, columns = (
            slice(step * i, step * i + high) for i, step, high in zip(window, self.stride, self.window, strict=True)
        )
        return rows, columns

    def first(self) -> list[NDArray[np.intp]]:
        """The rows and the columns of the windows that make a first map: evenly spread, with the outermost."""
        return [np.unique(np.linspace(0, n - 1, min(FIRST, n)).round().astype(np.intp)) for n in self.counts]

    def coarse_first(self) -> list[Window]:
        """All windows, those of the first map before the others."""
        rows, columns = self.first()
        first = [(int(row), int(column)) for row, column in product(rows, columns)]
        every = product(range(self.counts[0]), range(self.counts[1]))
        return first + [window for window in every if window not in first]

    def blocks(self, falls: dict[Window, float]) -> Array:
        """The first map, (H, W): each pixel has the fall of the first window whose middle is nearest."""
        rows, columns = self.first()
        grid = np.array([[falls[int(row), int(column)] for column in columns] for row in rows], dtype=np.float32)
        nearest = []
        for side, step, high, chosen in zip(self.size, self.stride, self.window, (rows, columns), strict=True):
            middles = chosen * step + (high - 1) / 2
            nearest.append(np.abs(np.arange(side)[:, None] - middles).argmin(axis=1))
        return grid[np.ix_(*nearest)]

    def means(self, falls: dict[Window, float]) -> Array:
        """The map (H, W): each pixel has the mean fall of the windows that hide it."""
        total, count = np.zeros(self.size), np.zeros(self.size)
        for window, fall in falls.items():
            total[self.area(window)] += fall
            count[self.area(window)] += 1
        return (total / count).astype(np.float32)


@dataclass(frozen=True)
class _Scores:
    """What computes the scores of a picture with windows hidden."""

    predictor: Predictor
    network: FirstBlocks
    target: Target
    frame: _Frame
    batch: int  # pictures in one turn

    def of(self, windows: Sequence[Window | None]) -> list[float]:
        """The score for each window; None hides nothing."""
        areas = [None if window is None else self.frame.area(window) for window in windows]
        with self.predictor.turn(), torch.inference_mode():
            # 0 after normalisation is the mean colour.
            return score_of(self.network.rest, self.target, self.network.with_hidden(areas)).tolist()


def _network(predictor: Predictor, model: nn.Module, prepared: Image.Image, frame: _Frame) -> FirstBlocks:
    """The model, which computes of hidden pictures what differs in them."""
    picture = predictor.to_input(prepared).float()
    steps = plan(model, picture.shape[1:], [frame.area(window) for window in frame.coarse_first()])
    return FirstBlocks(model, steps, picture, predictor.memory_format)


def _quick(exact: _Scores, check: Check) -> _Scores:
    """The same scores in bfloat16, sooner and rounded."""
    model = bfloat16_model(explained_model(exact.predictor, exact.target))
    call_between_layers(model, check)
    network = replace(exact.network, model=model, picture=exact.network.picture.to(torch.bfloat16))
    return replace(exact, network=network, batch=QUICK_BATCH)


def _rounding_shows(falls: dict[Window, float], exact: _Scores) -> bool:
    """Whether the falls of the first windows differ from the exact ones by more than `ROUNDING` allows."""
    tried = list(falls)[:TRIED]
    whole, *scores = exact.of([None, *tried])
    expected = whole - np.array(scores)
    error = np.sqrt(np.square([falls[window] for window in tried] - expected).mean())
    low, high = np.percentile(expected, (25, 75))
    return bool(error > ROUNDING * (high - low) / QUARTILES)


@engine_view("attributions/occlusion")
def occlusion(
    predictor: Predictor,
    prepared: Image.Image,
    target: Target,
    windows: int = WINDOWS,
    progress: Progress = no_progress,
    *,
    quick: bool = False,
    preview: Preview = no_preview,
    check: Check = go_on,
) -> Attribution:
    """Occlusion (Zeiler and Fergus 2014): how far the score falls when a window of the picture turns grey.

    target: index of a class, or an embedding (D,) to compare with. windows: down and across, 1 to 16, each twice as
    high and wide as the step to the next. Each is a forward pass, of whose first blocks only what the window changes is
    computed. A pixel has the mean of the windows that hide it.
    progress: called with passes done and all passes, after each batch and out of turn; what it raises ends the work.
    quick: whether the passes may round to bfloat16, where the processor is quick in it. A few windows are computed in
    float32 too, and where rounding shows, all of them.
    preview: called once, with the map of nine windows. check: called between layers; what it raises ends the work at
    once. Raises AttributionError, OutOfMemory.
    """
    check_count("windows", windows, MAX_WINDOWS)
    frame = _Frame.of((prepared.height, prepared.width), windows)
    model = explained_model(predictor, target)
    exact = _Scores(predictor, _network(predictor, model, prepared, frame), target, frame, WINDOW_BATCH)
    scores = _quick(exact, check) if quick and quick_in_bfloat16(predictor.device) else exact
    call_between_layers(model, check)
    order, first = frame.coarse_first(), len(list(product(*frame.first())))
    what, found = what_of(predictor, target), dict[Window | None, float]()

    def hide(windows: Sequence[Window | None]) -> None:
        for begin in range(0, len(windows), scores.batch):
            batch = windows[begin : begin + scores.batch]
            found.update(zip(batch, scores.of(batch), strict=True))
            progress(len(found), 1 + len(order))

    def falls() -> dict[Window, float]:
        return {window: found[None] - score for window, score in found.items() if window is not None}

    hide([None, *order[:first]])
    if first < len(order):
        preview(_attribution(frame.blocks(falls()), found[None], what, frame))
    if scores is not exact and _rounding_shows(falls(), exact):
        scores = exact
        found.clear()
        hide([None, *order[:first]])
    hide(order[first:])
    return _attribution(frame.means(falls()), found[None], what, frame)


def _attribution(values: Array, score: float, what: Explained, frame: _Frame) -> Attribution:
    height, width = frame.window
    facts = {"what": what, "score": score, "height": height, "width": width}
    says = N_(
        "How far the score of {what} ({score:.3g}) falls when a grey window of {height}x{width} px hides a pixel, on "
        "average over such windows; below 0 (blue) it rises."
    )
    nothing = N_("Whatever is hidden, the score of {what} stays {score:.3g}.")
    dead = None if values.any() else Filled(nothing, **facts)
    return Attribution(values, True, Filled(says, **facts), score, tells_nothing=dead)
