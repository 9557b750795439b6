"""The picture in the network: from a click on a cell to its arithmetic, and the atlas and Through the network anew.

What the server does is measured in whole runs of the pages, in seconds of a processor with the networks that come with
the project, and in forward passes with a full one. A forward pass is that of the engine that is the fastest here of
those that can hand out maps; both take turns. Beside the pages stands what of them is the pass and its maps.
"""

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import count, cycle
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any
from unittest.mock import patch

import torch
from PIL import Image
from safetensors.torch import save_file
from streamlit.testing.v1 import AppTest

import inception
from bench.run import Run
from bench.session import click, server_seconds, session
from bench.timing import Row, compare, measured, seconds
from inception.graph.layer_graph import LayerGraph
from inception.graph.op import Op
from inception.runtime.pool import Pool
from inception.runtime.predictor import PictureNetwork, TorchNetwork
from inception.settings import variable
from inception.views.overview import overview_boxes
from inception.vision.every_layer import layers_to_look_into, run_picture
from inception.vision.record import record, with_sources
from inception.vision.samples import samples
from inception.weights.choice import WeightsChoice
from inception.weights.known import Weights, known_weights
from pages.parts.cell_view import place_key

NAME = "inception_v4"
OPENS_ON = 2  # place of the layer that Through the network shows first
CLICKS, VISITS = 9, 9


def rows(run: Run) -> Iterator[Row]:
    """Clicks with the networks that the app opens on, then clicks and visits with a full one."""
    own = [weights for weights in known_weights().values() if not weights.published]
    for weights in own[:1] if run.short else own:
        what = f"{weights.tag}: click on a cell to its arithmetic, the server's part"
        yield from measured([Row(what, "s", 0.3)], partial(clicks, weights, 1 if run.short else CLICKS))
    if run.short:
        yield from against_a_pass(f"{NAME}.cifar10", 1)
        return
    with TemporaryDirectory() as folder, patch.dict(os.environ, {variable("weights"): folder}):
        torch.manual_seed(0)
        file = Path(folder) / "full.safetensors"
        save_file({key: value.contiguous() for key, value in inception.create_model(NAME).state_dict().items()}, file)
        yield from against_a_pass(str(file), VISITS)


def clicks(weights: Weights, runs: int) -> list[tuple[float, str]]:
    """The median of clicks on cells of the layer on which Through the network opens."""
    layer = inception.trace(weights.variant, weights.input_size, **weights.network).layers[OPENS_ON]
    with session("inside", model=weights.variant) as app:
        acts = [partial(click, app, **{place_key("row", layer): row}) for row in range(1, runs + 1)]
        return [(median(seconds(act, server_seconds) for act in acts), "")]


def against_a_pass(weights: str, runs: int) -> Iterator[Row]:
    """Whole runs of pages with a network, and their passes alone, in forward passes of its fastest engine."""
    pool, choice = Pool(), WeightsChoice.of(weights)
    network = pool.predictor(NAME, choice)
    quick = pool.quick(network)
    graph = inception.trace(network.model, network.input_size)
    pictures = [inception.load_image(sample.path) for sample in samples().values()]
    prepared = network.prepare(pictures[0], graph.input_size)
    fastest = min((network, quick), key=lambda one: _milliseconds(one, prepared))
    state = {"model": NAME, f"weights_{NAME}": choice}
    beside = ThreadPoolExecutor(1)  # in which passes run, as they do in a server

    def one_pass() -> None:
        beside.submit(fastest.outputs, [prepared]).result()

    layer = graph.layers[OPENS_ON]
    title = f"{NAME}, {'as it comes' if choice.known else 'full'}, {graph.input_size[0]} px"

    def against(what: str, ours: Callable[[], Any], goal: float) -> Row:
        what = f"{title}: {what} / a forward pass of {fastest.engine}"
        return compare(what, ours, one_pass, goal, runs, server_seconds)

    def alone(what: str, ours: Callable[[], Any]) -> Row:
        return against(what, lambda: beside.submit(ours).result(), 1.3)

    with session("inside", **state) as app:
        place = count(1)
        yield against("click on a cell", lambda: click(app, **{place_key("row", layer): next(place)}), 1.2)
        others = cycle([one.path for one in graph.layers[layer.index :: 19] if one.op == Op.CONV])  # at all depths
        yield against("click on a cell of another layer", lambda: click(app, layer=next(others)), 1.2)
        click(app, layer=layer.path)
        yield against("Through the network, a visit with another picture", another_picture(app), 1.3)
        app.switch_page("pages/atlas.py")
        yield against("atlas with maps, a visit with another picture", another_picture(app), 1.3)
    yield alone("the pass and the maps of the atlas", maps_of_atlas(quick, graph, prepared))
    yield alone("the pass and the maps of Through the network", maps_of_layer(quick, graph, prepared))
    beside.shutdown()


def another_picture(app: AppTest) -> Callable[[], None]:
    """A visit with each sample picture in turn, of none of which the session has kept what the page computes."""
    names = cycle(list(samples())[1:])
    return lambda: click(app, picture=next(names))


def maps_of_atlas(network: TorchNetwork, graph: LayerGraph, prepared: Image.Image) -> Callable[[], object]:
    """What all boxes of the atlas show."""
    layers = layers_to_look_into(graph, [box.layers[-1] for box in overview_boxes(graph)])
    return partial(run_picture, network, prepared, graph, layers)


def maps_of_layer(network: TorchNetwork, graph: LayerGraph, prepared: Image.Image) -> Callable[[], object]:
    """What Through the network shows of a layer and of the answer."""
    return partial(record, network, prepared, [*with_sources(graph, graph.layers[OPENS_ON]), graph.layers[-1]])


def _milliseconds(network: PictureNetwork, prepared: Image.Image) -> float:
    """The median of a few warm passes."""
    for _pass in range(4):
        network.outputs([prepared])
    return median(network.milliseconds((1, 3, prepared.height, prepared.width)))
