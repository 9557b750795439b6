"""Colours of a diagram that come from passes of a picture: how strongly layers answer it, and how long they take."""

import sys
from pathlib import Path

import torch
from PIL.Image import Image as Pixels

from ..graph.layer_graph import LayerGraph
from ..runtime.image import load_image
from ..runtime.layer_times import layer_milliseconds
from ..size import Size
from ..views.colouring import NAMES, Colouring
from ..vision.cell_field import noise_pictures
from ..vision.elsewhere import graph_of
from ..vision.every_layer import run_picture
from ..vision.picture_notes import response_colouring
from ..words import N_, _
from ..zoo import VARIANTS
from .output import UsageError
from .vision import network_of


def measured_colouring(
    model: str, shows: str, picture: Path | None, weights: str | None, size: Size | None
) -> tuple[LayerGraph, Colouring]:
    """The trace of a network as its weights are, and its milliseconds or its response for each of its layers.

    Without weights the response is that of the first weights on this machine, and the milliseconds are those of random
    ones, which take as long as any in a network of full width. Time needs no picture. What was measured is said on
    standard error. Raises UsageError, ImageError, CheckpointError.
    """
    if model not in VARIANTS:
        sentence = _("--colour-by {shows} runs a network, so it takes one that the command models lists, not {model}")
        raise UsageError(sentence.format(shows=shows, model=model))
    if shows == "response" and picture is None:
        raise UsageError(_("--colour-by response needs a picture: --picture FILE"))
    image: Pixels | None = load_image(picture) if picture else None
    network = network_of(model, "untrained" if shows == "milliseconds" and weights is None else weights, "cpu")
    graph = graph_of(network, size or (network.input_size, network.input_size))
    prepared = network.prepare(image, graph.input_size) if image else noise_pictures(graph.input_size, 1)[0]
    sentence = N_("{model} with {weights}, at {height}x{width} px")
    if shows == "response":
        colouring = response_colouring(run_picture(network, prepared, graph, graph.layers))
    else:
        sentence = N_("{model} with {weights}, at {height}x{width} px, a pass on {threads} of this machine's threads")
        colouring = Colouring(_(NAMES[shows]), dict(layer_milliseconds(network, prepared, graph)))
    height, width = graph.input_size
    facts = {"model": model, "weights": network.weights.title, "height": height, "width": width}
    print(_(sentence).format(threads=torch.get_num_threads(), **facts), file=sys.stderr)
    return graph, colouring
