"""Which map a reader meets first: the one that tells most, of those that take about a second.

`maps.csv` has what was measured on the networks that come with the project (`quality`). Those come
first that do better than a smooth map of random numbers in both scores, and among them the one with the greatest sum of
both, each the mean over these networks at the size of their training. Networks of full width were trained on
ImageNet, whose weights do not come with the project, so nothing was measured on them; they get the same rule. Their
occlusion takes long, so it is a class activation map. It asks the last layer on the same size of grid, counted from the
network's end: it stands at the same place in the architecture.
"""

from dataclasses import dataclass
from functools import cache
from math import isnan

import pandas as pd

from ...graph.layer import Layer
from ...graph.layer_graph import LayerGraph
from ...paths import MAP_SCORES
from ..inside import last_of_grids
from .attribution import GRAD_CAM, GRADIENTS, LAYER_CAM, OCCLUSION
from .gradients import STEPS
from .occlusion import WINDOWS
from .quality import RANDOM

MACS = 40e9  # what two cores compute in about a second
PASSES = {GRAD_CAM: 2, LAYER_CAM: 2, GRADIENTS: 2 * STEPS, OCCLUSION: WINDOWS**2 + 1}  # a backward pass is one too
CAMS = (GRAD_CAM, LAYER_CAM)


@dataclass(frozen=True)
class Scores:
    """What a method reached on the bundled networks."""

    method: str
    back: int | None  # the grid that it asks, counted from the last; None where it asks no layer
    changed: float  # share of the right answers that hiding a fifth of the pixels changed
    insertion: float  # area under the probability of the answer while the pixels come back
    photographs: int  # answers, all networks together


@cache
def scores() -> tuple[Scores, ...]:
    """Every method and grid, the best first; the random map is among them."""
    table = pd.read_csv(MAP_SCORES)
    trained = table[table["size"] == table["trained"]]
    found = trained.groupby(["method", "back"], dropna=False).agg(
        changed=("changed", "mean"), insertion=("insertion", "mean"), photographs=("photographs", "sum")
    )
    rows = [
        Scores(method, None if isnan(back) else int(back), changed, insertion, photographs)
        for method, back, changed, insertion, photographs in found.reset_index().to_numpy().tolist()
    ]
    chance = next(row for row in rows if row.method == RANDOM)

    def rank(row: Scores) -> tuple[bool, float]:
        better = row.changed > chance.changed and row.insertion > chance.insertion
        return not better, -(row.changed + row.insertion)

    return tuple(sorted(rows, key=rank))


def by_chance() -> Scores:
    """What a smooth map of random numbers reaches."""
    return next(row for row in scores() if row.method == RANDOM)


def takes_a_second(method: str, graph: LayerGraph) -> bool:
    """Whether a method needs no more than about a second for a picture of the graph's size."""
    return PASSES[method] * graph.macs <= MACS


def first_method(graph: LayerGraph, among: tuple[str, ...] = tuple(PASSES)) -> str:
    """The best method that takes about a second; where none does, the best of those that ask a layer."""
    ranked = [row.method for row in scores() if row.method in among]
    quick = [method for method in ranked if takes_a_second(method, graph)]
    return next(method for method in [*quick, *ranked] if quick or method in CAMS)


def first_layer(method: str, graph: LayerGraph) -> Layer:
    """The layer that a class activation map asks first: the last one on the grid that did best."""
    grids = last_of_grids(graph)
    best = next(row.back for row in scores() if row.method == method)
    assert best is not None, "only methods that ask a layer have one"
    return grids[min(best, len(grids) - 1)]


def scores_of(method: str, layer: Layer | None, graph: LayerGraph) -> Scores | None:
    """What was measured of a method, for one that asks a layer at that layer; None where that was not measured."""
    back = None
    if method in CAMS:
        grids = last_of_grids(graph)
        if layer not in grids:
            return None
        back = grids.index(layer)
    return next((row for row in scores() if (row.method, row.back) == (method, back)), None)
