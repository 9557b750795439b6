"""A picture on its way through the folded network: a few maps of each stage, small enough for a moving strip."""

import base64
from dataclasses import dataclass
from html import escape

import numpy as np
from PIL import Image

from ..graph.layer import Layer
from ..graph.layer_graph import LayerGraph
from ..graph.spoken import spoken_layers, spoken_stages
from ..runtime.predictor import Predictor
from ..text import shape_text
from ..views.overview import overview_boxes
from ..words import _, ngettext
from .inside import block_ends, through_network
from .maps import heat_map, png_bytes
from .titles import class_title

MAPS = 12  # of each stop
LARGEST, SMALLEST = 96, 40  # pixels on the screen of the first and of the smallest map


@dataclass(frozen=True)
class Stop:
    """What one stage hands on for a picture."""

    layer: Layer
    color: str  # of the stage's kind, as #rrggbb
    sheet: Image.Image  # the strongest `MAPS` channels one below another, a pixel a cell


@dataclass(frozen=True)
class LightStrip:
    """A picture, what the stages of a network make of it, and what the network says."""

    graph: LayerGraph
    prepared: Image.Image
    stops: tuple[Stop, ...]
    label: str  # the most probable class, in English
    probability: float


def light_strip(predictor: Predictor, prepared: Image.Image, graph: LayerGraph) -> LightStrip:
    """The strip of a prepared picture: the first layer, one half-way through the stem, and the end of each stage.

    Raises InsideError for a picture of another size than the graph's, OutOfMemory.
    """
    boxes = overview_boxes(graph, "stage")
    ends = block_ends(graph)
    stem = [layer for layer in ends if layer.stage == ends[0].stage]
    shown = [stem[0], stem[len(stem) // 2], *{layer.stage: layer for layer in ends}.values()]
    found = {made.layer: made for made in through_network(predictor, prepared, graph, MAPS)}
    colors = {layer: box.kind.color for box in boxes for layer in box.layers}
    stops = tuple(Stop(layer, colors[layer], _sheet(list(found[layer].maps))) for layer in dict.fromkeys(shown))
    answer = predictor.classify(prepared).iloc[0]
    return LightStrip(graph, prepared, stops, str(answer["label"]), float(answer["probability"]))


def _sheet(maps: list[np.ndarray]) -> Image.Image:
    """Maps (H, W) one below another, each on its own scale."""
    images = [heat_map(one, min(0.0, float(one.min())), float(one.max())) for one in maps]
    width, height = images[0].size
    sheet = Image.new("RGB", (width, height * len(images)))
    for place, image in enumerate(images):
        sheet.paste(image, (0, place * height))
    return sheet


def strip_html(strip: LightStrip, picture_name: str) -> str:
    """The strip as HTML, for style.css: the maps change one after the other, as if the picture ran through.

    picture_name: what the picture shows, for those who do not see it.
    """
    stages = spoken_stages(strip.graph.layers)
    layers = spoken_layers(strip.graph.layers)
    sides = _sides([stop.layer.out_shape[-1] for stop in strip.stops])
    items = [f'<figure class="strip-photo"><img src="{_data(strip.prepared)}" alt="{escape(picture_name)}"></figure>']
    for place, (stop, side) in enumerate(zip(strip.stops, sides, strict=True)):
        first = place == 0
        name = layers[stop.layer.index].name if first else stages[stop.layer.stage]
        if not first and any(later.layer.stage == stop.layer.stage for later in strip.stops[place + 1 :]):
            name = _("{stage}, halfway").format(stage=name)
        channels, *grid = stop.layer.out_shape
        shape = ngettext("{count:,} map, {grid}", "{count:,} maps, {grid}", channels)
        shape = shape.format(count=channels, grid=shape_text(tuple(grid)))
        count = stop.sheet.height // stop.sheet.width
        items.append(
            f'<figure style="--side:{side}px;--stage:{stop.color};--place:{place};--maps:{count}">'
            f'<div class="strip-map"><img src="{_data(stop.sheet)}" alt=""></div>'
            f"<figcaption><b>{escape(name)}</b><span>{shape}</span></figcaption></figure>"
        )
    answer = _("{label} {share:.0%}").format(label=class_title(strip.label), share=strip.probability)
    items.append(f'<figure class="strip-answer" style="--place:{len(sides)}"><b>{escape(answer)}</b></figure>')
    label = escape(
        _("{picture} on its way through {network}: a few feature maps of each stage, and the answer {answer}").format(
            picture=picture_name, network=strip.graph.name, answer=answer
        )
    )
    hold = escape(_("Hold still"))
    return (
        f'<div class="strip" role="group" aria-label="{label}"><label class="strip-hold"><input type="checkbox"> {hold}'
        f"</label>{''.join(items)}</div>"
    )


def _sides(cells: list[int]) -> list[int]:
    """Pixels on the screen of square maps: the root of their cells, as 5 cells must be seen beside 55."""
    roots = [float(np.sqrt(number)) for number in cells]
    low, high = min(roots), max(roots)
    span = high - low or 1.0
    return [round(SMALLEST + (LARGEST - SMALLEST) * (root - low) / span) for root in roots]


def _data(image: Image.Image) -> str:
    return f"data:image/png;base64,{base64.b64encode(png_bytes(image)).decode()}"
