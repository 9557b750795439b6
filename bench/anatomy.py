"""Trace and table of the largest network against torchinfo.summary, torchview and TorchLens."""

from collections.abc import Iterator
from functools import partial
from typing import Any

import torch
import torchinfo
import torchlens
import torchview
from torchlens.options import CaptureOptions

import inception
from bench.run import Run
from bench.timing import Row, compare

NAME = "inception_resnet_v2"
# Overrides of a short run: TorchLens takes seconds for a whole network.
SMALL: dict[str, Any] = {"width": 0.25, "repeats": (1, 1, 1)}


def rows(run: Run) -> Iterator[Row]:
    """Ratios of the time that our table takes to the time of theirs."""
    build = partial(inception.create_model, NAME, **(SMALL if run.short else {}))
    model = build(device="meta")
    side = 75 if run.short else 299  # pixels of the picture that TorchLens runs the network on

    def table(network: Any) -> Any:
        return inception.trace(network, 299).table()

    def summary(network: Any) -> Any:
        return torchinfo.summary(network, input_size=(1, 3, 299, 299), device="meta", depth=9, verbose=0)

    def drawing(network: Any) -> Any:
        return torchview.draw_graph(network, input_size=(1, 3, 299, 299), device="meta", expand_nested=True, depth=9)

    def lens(network: Any) -> Any:
        # Else it would leave PyTorch's functions wrapped, and slow down whoever is measured after it.
        options = CaptureOptions(unwrap_when_done=True)
        return torchlens.trace(network, torch.zeros(1, 3, side, side), save=None, capture=options)

    yield compare(
        f"{NAME}: build, trace, receptive fields and table / build and torchinfo.summary, both on meta",
        lambda: table(build(device="meta")),
        lambda: summary(build(device="meta")),
        goal=1 / 3,
        runs=1 if run.short else 9,
    )
    yield compare(
        f"{NAME}: the same with the network built beforehand",
        lambda: table(model),
        lambda: summary(model),
        goal=1 / 3,
        runs=1 if run.short else 9,
    )
    yield compare(
        f"{NAME}: the same against a torchview graph",
        lambda: table(model),
        lambda: drawing(model),
        runs=1 if run.short else 5,
    )
    real = build()
    yield compare(
        f"{NAME}: the same against TorchLens, which runs the network on a picture",
        lambda: table(real),
        lambda: lens(real),
        goal=0.05,
        runs=1 if run.short else 3,
    )
