"""A move of the last residual scale against a pass through the whole network, and what recording adds to a pass."""

from collections.abc import Iterator
from itertools import count

import numpy as np
import torch
from PIL import Image

from bench.run import Run
from bench.timing import Row, compare
from inception.runtime.predictor import Predictor
from inception.studies.residual import RELEASED, ResidualInstrument

NAME = "inception_resnet_v2"
SIZE, SHORT_SIZE = (160, 160), (75, 75)
SHORT_WEIGHTS = f"{NAME}.cifar10"  # of a quarter of the width


def rows(run: Run) -> Iterator[Row]:
    """What a move of a slider saves of a pass, and what measuring adds to one."""
    size, runs = (SHORT_SIZE, 1) if run.short else (SIZE, 9)
    network = Predictor(NAME, SHORT_WEIGHTS if run.short else None)
    instrument = ResidualInstrument(network)
    pictures = _pictures(size)
    view = next(pictures)
    inputs = network.to_input(view)
    scales = (number / 1000 for number in count(1))  # none is measured twice

    def last_scale() -> None:
        instrument.measure([view], (*RELEASED[:2], next(scales)), "running")

    def everything() -> None:
        instrument.measure([next(pictures)], RELEASED, "running")

    def plain() -> None:
        with network.turn() as model, torch.inference_mode():
            model(inputs)

    what = f"{NAME} at {size[0]} px"
    yield compare(
        f"{what}: residual sums after a move of the C scale / after a change of picture",
        last_scale,
        everything,
        1 / 3,
        runs,
    )
    yield compare(f"{what}: residual sums of a new picture / a plain forward pass", everything, plain, runs=runs)


def _pictures(size: tuple[int, int]) -> Iterator[Image.Image]:
    """Noise, never the same."""
    generator = np.random.default_rng(0)
    while True:
        yield Image.fromarray(generator.integers(0, 256, (*size, 3), dtype=np.uint8))
