"""Occlusion and integrated gradients of a network of full size: against captum's in float32, first map, and the stop.

Two kinds of weights are needed. How long it takes does not depend on them; but whether rounding keeps the map does, and
that is measured on a trained network, which comes with the project at a quarter of the width. The network of full width
averages what it sees, so that rounding does not show and all of it is quick.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from threading import Timer
from time import perf_counter, process_time

import numpy as np
import pandas as pd
import torch
from captum.attr import IntegratedGradients, Occlusion
from PIL import Image
from torch import Tensor, nn

import inception
from bench.run import Run
from bench.timing import Row, compare, measured
from inception.paths import PHOTOGRAPHS
from inception.runtime.predictor import Predictor
from inception.vision.attributions.attribution import Attribution
from inception.vision.attributions.gradients import STEPS, integrated_gradients
from inception.vision.attributions.occlusion import WINDOWS, occlusion
from inception.weights.known import known_weights

NAME, SIZE, SHORT_SIZE = "inception_v4", 299, 75
TRAINED = next(tag for tag, known in known_weights().items() if known.variant == NAME and not known.published)
TARGET = 0
# How the app made these maps before: pictures in one pass through the network, layer by layer in float32.
CAPTUM_STEPS, CAPTUM_WINDOWS = 2, 4
SHORT_COUNT = 5  # steps, and windows down and across: the fewest that have a coarse map before the whole one
STOPS, SHORT_STOPS = (0.3, 0.6, 0.9), (0.0,)  # seconds from the beginning of the work to a click
Explain = Callable[..., Attribution]
METHODS: dict[str, tuple[Explain, int]] = {
    "occlusion": (occlusion, WINDOWS),
    "gradients": (integrated_gradients, STEPS),
}


def rows(run: Run) -> Iterator[Row]:
    """Each method: time against captum's, seconds to a first map, seconds from a stop to the end; then agreement."""
    side, runs, stops = (SHORT_SIZE, 1, SHORT_STOPS) if run.short else (SIZE, 3, STOPS)
    network = averages(TRAINED if run.short else None)
    picture = bright_clouds(side)
    for name, (explain, count) in METHODS.items():
        size = SHORT_COUNT if run.short else count
        title = f"{NAME} at {side} px, {name}"
        quick = partial(explain, network, picture, TARGET, size, quick=True)
        yield compare(
            f"{title}: quick / captum in float32, processor time",
            quick,
            partial(captum, network, picture, name, size),
            0.5,
            runs,
            process_time,
        )
        yield from measured([Row(f"{title}: first coarse map", "s", 2.0)], partial(first_map, quick))
        yield from measured([Row(f"{title}: from a stop to its end", "s", 0.5)], partial(stopped, quick, stops))
    for name in METHODS:
        row = Row(f"{name} as trained: rank correlation of quick and exact maps, lowest", "")
        tags = [tag for tag, known in known_weights().items() if not known.published]
        size, count, tags = (SHORT_COUNT, 1, tags[:1]) if run.short else (METHODS[name][1], 10, tags)
        yield from measured([row], partial(agreement, name, size, count, tags))


def averages(weights: str | None) -> Predictor:
    """A network in which every filter averages what it sees, so that brightness is what it answers to.

    weights: those whose width it has; None for the full width.
    """
    network = Predictor(NAME, weights)
    with torch.no_grad():
        for module in network.model.modules():
            if isinstance(module, nn.Conv2d | nn.Linear):
                module.weight.fill_(1 / module.weight[0].numel())
    return network


def bright_clouds(side: int) -> Image.Image:
    """A picture that is brighter than grey everywhere, each part by another amount."""
    small = np.random.default_rng(0).integers(128, 256, (9, 9, 3), dtype=np.uint8)
    return Image.fromarray(small).resize((side, side), Image.Resampling.BICUBIC)


def photographs(count: int) -> list[Image.Image]:
    """The first ones of as many classes."""
    folders = [folder for folder in sorted(PHOTOGRAPHS.iterdir()) if folder.is_dir() and folder.name != "other"]
    return [inception.load_image(sorted(folder.glob("*.jpg"))[0]) for folder in folders[:count]]


def captum(network: Predictor, prepared: Image.Image, name: str, count: int) -> None:
    """The map as captum makes it with the network as it is; for gradients also how far the sum misses the integral."""

    def score(x: Tensor) -> Tensor:
        return network.model(x)[:, TARGET]

    for parameter in network.model.parameters():
        parameter.requires_grad_(False)
    picture = network.to_input(prepared)
    if name == "gradients":
        black = network.to_input(Image.new("RGB", prepared.size))
        IntegratedGradients(score).attribute(
            picture, black, n_steps=count, internal_batch_size=CAPTUM_STEPS, return_convergence_delta=True
        )
        return
    step = -(-prepared.width // (count + 1))
    with torch.no_grad():
        Occlusion(score).attribute(
            picture, (3, 2 * step, 2 * step), (3, step, step), baselines=0, perturbations_per_eval=CAPTUM_WINDOWS
        )


def first_map(explain: Explain) -> list[tuple[float, str]]:
    """Seconds until a coarse map is there."""
    start, at = perf_counter(), []
    explain(preview=lambda _coarse: at.append(perf_counter() - start))
    return [(at[0], f"of {perf_counter() - start:.1f} s in all")]


class Stop(Exception):  # noqa: N818
    """What a click does."""


def stopped(explain: Explain, stops: Sequence[float]) -> list[tuple[float, str]]:
    """Seconds from a click in the middle of the work to its end; the longest of several."""
    waits = []
    for delay in stops:
        clicked: list[float] = []

        def check(clicked: list[float] = clicked) -> None:
            if clicked:
                raise Stop

        timer = Timer(delay, lambda clicked=clicked: clicked.append(perf_counter()))
        timer.start()
        try:
            explain(check=check)
        except Stop:
            waits.append(perf_counter() - clicked[0])
        timer.cancel()
    return [(max(waits, default=0.0), f"{len(waits)} stops")]


def agreement(name: str, size: int, count: int, tags: Sequence[str]) -> list[tuple[float, str]]:
    """The lowest rank correlation of quick maps with those in float32, of trained networks on photographs."""
    explain, _ = METHODS[name]
    found = {}
    for tag in tags:
        variant = known_weights()[tag].variant
        network, here = Predictor(variant, tag), []
        for photograph in photographs(count):
            prepared = network.prepare(photograph, (network.input_size, network.input_size))
            target = int(network.classify(prepared)["index"].iloc[0])
            maps = [explain(network, prepared, target, size, quick=quick).values for quick in (False, True)]
            ranks = [pd.Series(values.ravel()).rank() for values in maps]
            here.append(ranks[0].corr(ranks[1]))
        found[variant] = min(here)
    each = ", ".join(f"{variant} {lowest:.4f}" for variant, lowest in found.items())
    return [(min(found.values()), f"{each}, of {count} photographs")]
