"""How much a map tells of what a network sees: two scores, and the table that chooses the map to begin with.

*Hiding*: the fifth of the pixels that a map calls most important turns grey; does the answer change? Occlusion has an
advantage there, because it is made by hiding.
*Insertion* (Petsiuk et al. 2018, *RISE*): from a blurred picture, in which the network sees little, to the real one;
the most important pixels come first. The area under the probability of the answer is the greater, the better the map
knows what the answer needs.
Where pixels are of the same importance, their order is random, so that no corner has an advantage. A smooth map made of
random numbers is measured beside the others: what is no better tells nothing.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from ...graph.layer_graph import LayerGraph
from ...graph.trace import trace
from ...runtime.image import load_image
from ...runtime.predictor import Predictor
from ...weights.known import known_weights
from ...words import N_, Filled
from .. import photographs
from ..inside import Array, last_of_grids
from .attribution import GRAD_CAM, GRADIENTS, LAYER_CAM, OCCLUSION, Attribution
from .cams import grad_cam, layer_cam
from .gradients import integrated_gradients
from .occlusion import occlusion

HIDDEN = 0.2  # share of the pixels that turn grey
INSERTIONS = 20  # steps from the blurred picture to the real one
BLUR = 1 / 10  # standard deviation of the blur, as a share of the picture's side
GREY = (127, 127, 127)
RANDOM_CELLS = 5  # down and across, of the random map
RANDOM_MAPS = 5  # for each picture
SIZES = (112, 160)  # pixels; 112 is that of the bundled networks' training
GRIDS = 3  # how many grids, counted from the last, are asked by Grad-CAM and LayerCAM
SMOOTHED, RANDOM = N_("Integrated gradients, smoothed"), N_("A random smooth map")


def order_of(values: Array) -> NDArray[np.intp]:
    """Pixels of a map (H, W), as indices of the flat map, the most important first; the same order every time."""
    shuffled = np.random.default_rng(0).permutation(values.size)
    return shuffled[np.argsort(-values.ravel()[shuffled], kind="stable")]


def hidden(prepared: Image.Image, values: Array) -> Image.Image:
    """The picture with the most important fifth of its pixels in grey."""
    pixels = np.array(prepared)
    pixels.reshape(-1, 3)[order_of(values)[: round(HIDDEN * values.size)]] = GREY
    return Image.fromarray(pixels)


def insertion(network: Predictor, prepared: Image.Image, values: Array, target: int) -> float:
    """The area, 0 to 1, under the probability of a class while the picture replaces its blurred self."""
    blurred = prepared.filter(ImageFilter.GaussianBlur(BLUR * prepared.width))
    pixels, order = np.array(blurred).reshape(-1, 3), order_of(values)
    sharp = np.array(prepared).reshape(-1, 3)
    steps = [blurred]
    for part in np.array_split(order, INSERTIONS):
        pixels[part] = sharp[part]
        steps.append(Image.fromarray(pixels.reshape(prepared.height, prepared.width, 3)))
    return float(np.trapezoid(probabilities(network, steps)[:, target], dx=1 / INSERTIONS))


def probabilities(network: Predictor, pictures: list[Image.Image]) -> NDArray[np.float64]:
    """(N, classes) of prepared pictures, calibrated as `classify` does."""
    logits = network.outputs(pictures).astype(np.float64) / network.temperature
    exponentials = np.exp(logits - logits.max(axis=1, keepdims=True))
    return exponentials / exponentials.sum(axis=1, keepdims=True)


def random_map(size: tuple[int, int], seed: int) -> Array:
    """A smooth map of `size` (height, width) that knows nothing."""
    cells = np.random.default_rng(seed).random((RANDOM_CELLS, RANDOM_CELLS), dtype=np.float32)
    return np.array(Image.fromarray(cells).resize((size[1], size[0]), Image.Resampling.BICUBIC))


@dataclass(frozen=True)
class Method:
    """A way to make maps, as a row of the table names it."""

    name: str
    maps: Callable[[Image.Image, int], list[Attribution]]  # of a prepared picture and a class
    layer: str = ""  # TF-Slim's name of the block
    grid: str = ""  # its cells, down x across
    back: int | None = None  # which size of grid it is, counted from the last: 0, 1, 2


def methods(network: Predictor, graph: LayerGraph) -> Iterator[Method]:
    """Everything that is compared."""
    for back, layer in enumerate(last_of_grids(graph)[:GRIDS]):
        grid = "x".join(map(str, layer.out_shape[1:]))
        for name, cam in ((GRAD_CAM, grad_cam), (LAYER_CAM, layer_cam)):

            def cam_of(prepared: Image.Image, target: int, cam=cam, layer=layer) -> list[Attribution]:  # type: ignore[no-untyped-def]
                return [cam(network, prepared, graph, layer, target)]

            yield Method(name, cam_of, layer.block, grid, back)

    # Both methods ask for the same maps, one after the other.
    known: dict[int, Attribution] = {}

    def gradients(prepared: Image.Image, target: int, smooth: bool = False) -> list[Attribution]:
        found = known.get(id(prepared)) or known.setdefault(
            id(prepared), integrated_gradients(network, prepared, target)
        )
        detail = network.preprocessing.detail
        return [found.smoothed(detail) if smooth and detail else found]

    yield Method(GRADIENTS, gradients)
    yield Method(SMOOTHED, partial(gradients, smooth=True))
    yield Method(OCCLUSION, lambda prepared, target: [occlusion(network, prepared, target)], grid="8x8")

    def random(prepared: Image.Image, _target: int) -> list[Attribution]:
        size = prepared.height, prepared.width
        return [Attribution(random_map(size, seed), False, Filled(""), 0.0) for seed in range(RANDOM_MAPS)]

    yield Method(RANDOM, random)


def measure(tag: str, side: int, only: str = "") -> pd.DataFrame:
    """Every method on the photographs that a bundled network names rightly at `side` x `side` pixels, a row each.

    only: the name of a method, where the others are not asked for.
    Columns model, size, trained (the size of its training), method, layer, grid, back (which size of grid, counted from
    the last), photographs (how many were named rightly), of (how many show one of the classes), changed (share of the
    answers that hiding changed), insertion (mean area), dead (share of the maps that tell nothing).
    """
    known = known_weights()[tag]
    network = Predictor(known.variant, tag)
    graph = trace(known.variant, side, **known.network)
    pictures, shown = [], 0
    for path, label in photographs.labelled().items():
        if label == photographs.OTHER:
            continue
        shown += 1
        prepared = network.prepare(load_image(path), (side, side))
        answer = network.classify(prepared)
        if answer["label"].iloc[0] == label:
            pictures.append((prepared, int(answer["index"].iloc[0])))
    rows = []
    for method in methods(network, graph):
        if only and method.name != only:
            continue
        changed, areas, dead = [], [], []
        for prepared, target in pictures:
            for found in method.maps(prepared, target):
                after = network.outputs([hidden(prepared, found.values)])[0]
                changed.append(int(after.argmax()) != target)
                areas.append(insertion(network, prepared, found.values, target))
                dead.append(bool(found.dead))
        rows.append(
            {
                "model": known.variant,
                "size": side,
                "trained": network.input_size,
                "method": method.name,
                "layer": method.layer,
                "grid": method.grid,
                "back": method.back,
                "photographs": len(pictures),
                "of": shown,
                "changed": np.mean(changed),
                "insertion": np.mean(areas),
                "dead": np.mean(dead),
            }
        )
    return pd.DataFrame(rows).astype({"back": "Int64"})
