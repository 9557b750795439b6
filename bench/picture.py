"""From a click on a cell to its arithmetic: what the server computes, with the network's own numbers."""

from collections.abc import Iterator
from statistics import median

import torch
from PIL import Image

import inception
from bench.run import Run
from bench.timing import Row, compare, measured, seconds
from inception.graph.layer import Layer
from inception.graph.layer_graph import LayerGraph
from inception.graph.op import Op
from inception.paths import SAMPLES
from inception.runtime.predictor import Predictor
from inception.views.overview import overview_boxes
from inception.vision.cell_arithmetic import cell_arithmetic
from inception.vision.cell_field import field_box
from inception.vision.cell_html import View, as_html
from inception.vision.every_layer import layers_to_look_into, run_picture
from inception.vision.maps import strongest_channels
from inception.vision.record import Record, record, with_sources

BUNDLED = "inception_v4.cifar10"
CLICKS = 9


def rows(run: Run) -> Iterator[Row]:
    """A click with the network that the app opens on, and one with the full network, for which it needs a pass."""
    picture = inception.load_image(SAMPLES / "cat.jpg")
    small = Predictor("inception_v4", BUNDLED)
    what = "inception_v4 as it comes with the project: click on a cell to its arithmetic"
    yield from measured([Row(what, "s", 0.3)], lambda: clicks(small, picture, small.input_size, run.short))
    full = small if run.short else Predictor("inception_v4")
    size = 75 if run.short else full.input_size
    prepared = full.prepare(picture, (size, size))
    graph = inception.trace(full.model, size)
    middle = graph.layers[len(graph.layers) // 2]
    layer = next(layer for layer in graph.layers[middle.index :] if layer.op == Op.CONV and layer.out_shape[1] > 1)

    def opened() -> str:
        seen = record(full, prepared, [*with_sources(graph, layer), graph.layers[-1]])
        return html_of(full, graph, seen, prepared, layer, (0, 0))

    def plain() -> torch.Tensor:
        with torch.inference_mode():
            return full.model(full.to_input(prepared))

    what = f"inception_v4, full, {size} px: a cell of another layer, with the pass for it / a plain forward pass"
    yield compare(what, opened, plain, 1.2, 1 if run.short else CLICKS)
    for network in (small,) if run.short else (small, full):
        yield atlas_row(network, picture, 1 if run.short else CLICKS)


def atlas_row(network: Predictor, picture: Image.Image, runs: int) -> Row:
    """The pass that the maps in all boxes of the atlas are from, in forward passes of the same network."""
    graph = inception.trace(network.model, network.input_size)
    prepared = network.prepare(picture, graph.input_size)
    layers = layers_to_look_into(graph, [box.layers[-1] for box in overview_boxes(graph)])
    return compare(
        f"{network.name} {network.weights.name or 'full'}: atlas with maps against a forward pass",
        lambda: run_picture(network, prepared, graph, layers),
        lambda: network.outputs([prepared]),
        1.3,
        runs,
    )


def clicks(network: Predictor, picture: Image.Image, size: int, short: bool) -> list[tuple[float, str]]:
    """The median of clicks on cells of a layer, of which the pass is kept."""
    prepared = network.prepare(picture, (size, size))
    graph = inception.trace(network.model, size)
    seen = record(network, prepared, graph.layers)
    layer = graph.layers[2]
    cells = [(place, place) for place in range(1 if short else CLICKS)]
    times = [seconds(lambda cell=cell: html_of(network, graph, seen, prepared, layer, cell)) for cell in cells]  # type: ignore[misc]
    return [(median(times), "")]


def html_of(
    network: Predictor, graph: LayerGraph, seen: Record, prepared: Image.Image, layer: Layer, cell: tuple[int, int]
) -> str:
    """The arithmetic of a cell as the page shows it."""
    strongest = strongest_channels(seen[layer.index], 12)
    found = cell_arithmetic(network, graph, seen, layer, strongest[0], *cell)
    field = field_box(graph, layer, cell)
    return as_html(View(found, seen, prepared, field, [], network.temperature, strongest))
