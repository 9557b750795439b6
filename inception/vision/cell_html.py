"""The arithmetic of one cell as HTML: what it reads, patch x kernel = products, and the steps to the number.

Everything that comes from somewhere is a link there: `data-go` holds the layer, channel, row and column, from which
cell_view.js makes the address.
"""

import base64
import io
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape

import numpy as np
from PIL import Image

from ..graph.layer import Layer
from ..graph.layer_graph import LayerGraph
from ..graph.op import SUMS, Op
from ..graph.spoken import spoken_layers
from ..text import running_text
from ..words import _, ngettext
from .cell_arithmetic import CellArithmetic, Term
from .cell_field import Box
from .cell_picture import grids_of, stacked, tint
from .cell_text import brief, channel_name, meaning, place_name, short, step_text
from .maps import png_bytes, thumbnail
from .products import COPIES, copied_from
from .record import Array, Record

STRIP = 12  # maps of a layer to choose from
LARGEST = 96  # rows of a map in the strip or beside a patch; a larger one is scaled down
ROLES = ("patch", "kernel", "products")


@dataclass(frozen=True)
class Answer:
    """One class that a network gives: where the walk back to the pixels begins."""

    place: int  # of the class
    title: str
    logit: float
    probability: float


@dataclass(frozen=True)
class View:
    """What is shown: the arithmetic of a cell, and what it was recorded with."""

    found: CellArithmetic
    seen: Record
    prepared: Image.Image
    field: Box | None  # the cell's receptive field; None where it is the whole picture
    answers: Sequence[Answer]  # the most probable first; none where the network embeds
    temperature: float
    strongest: Sequence[int]  # channels of the layer to choose from


def as_html(view: View) -> str:
    """All of it."""
    return "".join(
        [_answers(view), _strip(view), "<div class='parts'>", _where(view), _sum(view), "</div>", _readers(view)]
    )


def go(layer: Layer, channel: int, cell: tuple[int, int], inside: str, label: str = "", css: str = "") -> str:
    """A link to a cell. inside: HTML. label: what a screen reader says instead of it."""
    target = escape(json.dumps({"layer": layer.path, "channel": channel, "row": cell[0], "column": cell[1]}))
    said = f" aria-label='{escape(label)}' title='{escape(label)}'" if label else ""
    return f"<a class='go {css}' href='#' data-go='{target}'{said}>{inside}</a>"


def uri(image: Image.Image, format: str = "png") -> str:
    """A picture inside the page."""
    if format == "png":
        data = png_bytes(image, quick=True)
    else:
        file = io.BytesIO()
        image.save(file, "JPEG", quality=88)
        data = file.getvalue()
    return f"data:image/{format};base64,{base64.b64encode(data).decode()}"


def _answers(view: View) -> str:
    """The answer, from which a reader walks back; and how the logits become probabilities where one of them is open."""
    if not view.answers:
        return ""
    last, here = view.found.graph.layers[-1], view.found.layer
    if here is not last:
        best = view.answers[0]
        sentence = _("{name} {share:.1%}").format(name=best.title, share=best.probability)
        back = _("Walk back from the answer:")
        return f"<p class='answer'>{escape(back)} {go(last, best.place, (0, 0), escape(sentence))}</p>"
    shown = [one for one in view.answers if one.place == view.found.channel or one in view.answers[:4]]
    rows = []
    for one in shown:
        current = " aria-current='true'" if one.place == view.found.channel else ""
        rows.append(
            f"<tr{current}><th scope='row'>{go(last, one.place, (0, 0), escape(one.title))}</th>"
            f"<td>{short(one.logit)}</td><td>{short(one.logit / view.temperature)}</td>"
            f"<td class='share'><span style='--w:{one.probability:.4f}'></span>{one.probability:.1%}</td></tr>"
        )
    heads = (
        _("Class"),
        _("Its number"),
        _("divided by {temperature}").format(temperature=short(view.temperature)),
        _("Softmax"),
    )
    why = _(
        "Softmax: e to the power of each number, divided by the sum over all {count:,} classes. The division by the "
        "temperature before it makes the shares as sure as they are right."
    ).format(count=len(view.answers))
    head = "".join(f"<th scope='col'>{escape(text)}</th>" for text in heads)
    return f"<table class='softmax'><tr>{head}</tr>{''.join(rows)}</table><p class='note'>{escape(why)}</p>"


def _strip(view: View) -> str:
    """The strongest maps of the layer, to choose one from."""
    layer, output = view.found.layer, view.seen[view.found.layer.index]
    if output.ndim != 3:
        return ""
    cell = view.found.row, view.found.column
    links = []
    for channel in view.strongest:
        name = _("channel {number}").format(number=channel)
        css = "map-here" if channel == view.found.channel else "map"
        inside = f"<img src='{_map_uri(output[channel])}' alt=''><span>{channel}</span>"
        links.append(go(layer, channel, cell, inside, name, css))
    title = _("Its maps, the strongest first: choose a channel")
    return f"<h4>{escape(title)}</h4><div class='strip'>{''.join(links)}</div>"


def _where(view: View) -> str:
    """The photograph with the receptive field, and the map with the cell."""
    found, (width, height) = view.found, view.prepared.size
    box = view.field.within(height, width) if view.field else Box(0, 0, height, width)
    rectangle = _outline(box.left, box.top, box.right - box.left, box.bottom - box.top)
    whole = (box.bottom - box.top, box.right - box.left) == (height, width)
    sees = _("On the picture: all of it can change this number.")
    if not whole:
        sees = _("On the picture: the {height}x{width} pixels that can change this number.").format(
            height=box.bottom - box.top, width=box.right - box.left
        )
    alt = escape(_("what the network sees of the picture"))
    photograph = (
        f"<figure><div class='photo'><img src='{uri(view.prepared, 'jpeg')}' alt='{alt}'>"
        f"<svg viewBox='0 0 {width} {height}' aria-hidden='true'>{rectangle}</svg></div>"
        f"<figcaption>{escape(sees)}</figcaption></figure>"
    )
    output = view.seen[found.layer.index]
    if output.ndim != 3:
        return f"<div class='where'>{photograph}</div>"
    rows, columns = output.shape[1:]
    name = _("Map of channel {channel}, {rows} rows and {columns} columns: arrow keys move the cell.").format(
        channel=found.channel, rows=rows, columns=columns
    )
    place = {"layer": found.layer.path, "channel": found.channel, "row": found.row, "column": found.column}
    how = _("This map: click a cell, or move with the arrow keys.")
    own = (
        f"<figure><div class='own' role='application' tabindex='0' data-key='own' aria-label='{escape(name)}' "
        f"data-grid='{escape(json.dumps([rows, columns]))}' data-place='{escape(json.dumps(place))}'>"
        f"<img src='{uri(thumbnail(output[found.channel], max(rows, columns)))}' alt=''>"
        f"<svg viewBox='0 0 {columns} {rows}' aria-hidden='true'>{_outline(found.column, found.row, 1, 1)}</svg></div>"
        f"<div class='moves'>{_moves()}</div>"
        f"<figcaption>{escape(how)}</figcaption></figure>"
    )
    return f"<div class='where'>{photograph}{own}</div>"


def _moves() -> str:
    """Buttons that move the cell; cell_view.js gives them their work."""
    labels = {
        "left": ("◀", _("One column to the left")),
        "up": ("▲", _("One row up")),
        "down": ("▼", _("One row down")),
        "right": ("▶", _("One column to the right")),
    }
    buttons = [
        f"<button data-key='{name}' aria-label='{escape(label)}' title='{escape(label)}'>{sign}</button>"
        for name, (sign, label) in labels.items()
    ]
    play = (_("Play along the row"), _("Stop"), _("Next cell of the row"))
    texts = escape(json.dumps(play))
    return "".join(buttons) + f"<button class='play' data-key='play' data-texts='{texts}'></button>"


def _outline(x: float, y: float, width: float, height: float) -> str:
    place = f"x='{x}' y='{y}' width='{width}' height='{height}'"
    return f"<rect class='under' {place}/><rect class='over' {place}/>"


def _sum(view: View) -> str:
    """The sentence, the channels that give most, and the steps."""
    found = view.found
    spoken = spoken_layers(found.graph.layers)[found.layer.index].whole
    title = _("This number is {value}").format(value=short(found.value))
    at = _("{layer}: channel {channel}, row {row}, column {column}, each counted from 0").format(
        layer=spoken, channel=found.channel, row=found.row, column=found.column
    )
    head = (
        f"<h3 tabindex='-1'>{escape(title)}</h3><p class='at'>{escape(at)} <code>{escape(place_name(found.layer))}"
        f"</code></p><p class='meaning'>{escape(meaning(found))}</p>"
    )
    return f"<div class='sum' aria-live='polite'>{head}{''.join(_sources(view))}{_steps(found)}{_pixels(view)}</div>"


def _sources(view: View) -> Iterable[str]:
    """The terms, under the names of what they are from."""
    found, previous = view.found, None
    names = spoken_layers(found.graph.layers)
    for place, term in enumerate(found.terms):
        if term.source != previous:
            name = names[term.source].whole if term.source else _("the picture")
            if found.layer.op in SUMS and term.source:
                name = (_("shortcut: {layer}"), _("residual: {layer}"))[term.place].format(layer=name)
            origin = _("From {source}").format(source=name)
            yield f"<h4>{escape(origin)}</h4>"
        if found.layer.op == Op.LINEAR and place and term.value < 0 <= found.terms[place - 1].value:
            against = _("Against it")
            yield f"<h4>{escape(against)}</h4>"
        previous = term.source
        yield _term(view, term)


def _term(view: View, term: Term) -> str:
    found = view.found
    patch, kernel, products = grids_of(found, term)
    source = found.graph.layers[term.source - 1] if term.source else None
    name = channel_name(found.graph, term.source, term.channel)
    strongest = tuple(int(axis) for axis in np.unravel_index(np.abs(products).argmax(), products.shape))
    label, handed_on = escape(name), ""
    if source:
        maker, channel, at = _made(found.graph, source, term.channel, _inside(found, *strongest))
        label = go(maker, channel, at, label, _("Open {what}").format(what=name))
        if maker is not source:
            made = _("It comes unchanged from {layer}, channel {channel}.")
            maker_name = spoken_layers(found.graph.layers)[maker.index].whole
            made = running_text(made.format(layer=maker_name, channel=channel))
            handed_on = f"<p class='note'>{escape(made)}</p>"
    line = f"{short(patch.item())} × {short(kernel.item())} =" if patch.size == 1 else ""
    head = (
        f"<div class='head'>{_thumbnail(view, term)}<b>{label}</b><span class='line'>{line}</span>"
        f"<span class='total'>{short(term.value, signed=True)}</span></div>"
    )
    head += handed_on
    if line:
        return f"<div class='term'>{head}</div>"
    grids = [
        f"<div class='grid'>{sign}{_grid(view, term, source, role, grid)}</div>"
        for role, sign, grid in zip(ROLES, ("", "<i>×</i>", "<i>=</i>"), (patch, kernel, products), strict=True)
    ]
    css = "rows" if stacked(patch.shape) else "grids"
    return f"<div class='term'>{head}<div class='{css}'>{''.join(grids)}</div></div>"


def _made(graph: LayerGraph, layer: Layer, channel: int, cell: tuple[int, int]) -> tuple[Layer, int, tuple[int, int]]:
    """Where a number is made that a layer has: concatenations and the like, which only hand it on, are passed over."""
    while layer.op in COPIES:
        index, before, place = copied_from(layer, channel, cell)
        if not index:  # the picture
            return layer, channel, cell
        layer, channel, cell = graph.layers[index - 1], before, place
    return layer, channel, cell


def _inside(found: CellArithmetic, row: int, column: int) -> tuple[int, int]:
    """The cell of the grid at a place of the patch; the nearest one where that lies on padding."""
    rows, columns = found.products.grid
    places = found.products
    return min(max(places.rows[row], 0), rows - 1), min(max(places.columns[column], 0), columns - 1)


def _grid(view: View, term: Term, source: Layer | None, role: str, grid: np.ndarray) -> str:
    """Numbers with the colour of their sign; those of the patch lead to their cell."""
    found, largest = view.found, float(np.nanmax(np.abs(grid), initial=0))
    titles = {"patch": _("patch"), "kernel": _("kernel"), "products": _("products")}
    padding = escape(_("padding"))
    body = []
    for row in range(grid.shape[0]):
        cells = []
        for column in range(grid.shape[1]):
            value = float(grid[row, column])
            css = "neg" if value < 0 else "pos"
            text = brief(value)
            at = _("row {row}, column {column}").format(
                row=found.products.rows[row], column=found.products.columns[column]
            )
            if role == "patch" and not found.products.on_grid(row, column):
                text, css = f"<span title='{padding}'>·</span>", "padding"
            elif role == "patch" and source:
                maker, channel, cell = _made(found.graph, source, term.channel, _inside(found, row, column))
                text = go(maker, channel, cell, text, f"{at}: {text}")
            elif found.layer.op == Op.MAX_POOL and role == "products" and found.products.kernels[0, row, column]:
                css += " winner"
            cells.append(f"<td class='{css}' style='--t:{tint(value, largest):.2f}'>{text}</td>")
        body.append(f"<tr>{''.join(cells)}</tr>")
    return f"<table><caption>{escape(titles[role])}</caption>{''.join(body)}</table>"


def _thumbnail(view: View, term: Term) -> str:
    """The map that the patch is from, with the patch outlined."""
    read, places = view.seen[term.source], view.found.products
    if read.ndim != 3:
        return ""
    rows, columns = read.shape[1:]
    top, left = places.rows[0], places.columns[0]
    outline = _outline(left, top, places.columns[-1] + 1 - left, places.rows[-1] + 1 - top)
    return (
        f"<div class='thumb'><img src='{_map_uri(read[term.channel])}' alt=''>"
        f"<svg viewBox='0 0 {columns} {rows}' aria-hidden='true'>{outline}</svg></div>"
    )


def _map_uri(one: Array) -> str:
    """A map as a small picture."""
    return uri(thumbnail(one, LARGEST))


def _steps(found: CellArithmetic) -> str:
    """From the channels to the number."""
    parts = []
    if found.others:
        named = sum(term.value for term in found.terms)
        some = ngettext("{count} channel {sum}", "{count} channels {sum}", len(found.terms))
        parts.append(some.format(count=len(found.terms), sum=short(named, signed=True)))
        rest = ngettext("the other channel {rest}", "the other {count:,} together {rest}", found.others)
        parts.append(rest.format(count=found.others, rest=short(found.rest, signed=True)))
    first = _("{name} = {value}").format(name=_(found.steps[0].name), value=short(found.steps[0].value))
    parts.append(first)
    for number, step in enumerate(found.steps[1:], 1):
        parts.append(_("{name} = {value}").format(name=step_text(found, number), value=short(step.value)))
    added = 2 if found.others else 0
    items = "".join(f"<li{' class=plus' * (i < added)}>{escape(part)}</li>" for i, part in enumerate(parts))
    return f"<ol class='chain'>{items}<li class='value'>{short(found.value)}</li></ol>"


def _pixels(view: View) -> str:
    """Where the walk ends: the pixel in the middle of the patch, and what the network gets of it."""
    found = view.found
    if found.products.sources[0] != 0:
        return ""
    row, column = _inside(found, len(found.products.rows) // 2, len(found.products.columns) // 2)
    pixel = view.prepared.getpixel((column, row))
    assert isinstance(pixel, tuple)
    numbers = [float(number) for number in view.seen[0][:, row, column]]
    sentence = _(
        "These are the pixels. The one in the middle, in row {row}, column {column}, is red {red}, green {green} and "
        "blue {blue} of 255; the network gets it as {numbers}."
    )
    red, green, blue = (int(part) for part in pixel[:3])
    text = sentence.format(
        row=row, column=column, red=red, green=green, blue=blue, numbers=_(", ").join(map(short, numbers))
    )
    return f"<p class='note'>{escape(text)}</p>"


def _readers(view: View) -> str:
    """Links on: the layers that read this one."""
    graph, found = view.found.graph, view.found
    readers = [layer for layer in graph.layers if found.layer.index in layer.inputs]
    if not readers:
        return ""
    names, links = spoken_layers(graph.layers), []
    for reader in readers:
        channel, cell = _onward(graph, reader, found)
        links.append(go(reader, channel, cell, escape(names[reader.index].whole)))
    title = _("Read by:")
    return f"<p class='readers'>{escape(title)} {' · '.join(links)}</p>"


def _onward(graph: LayerGraph, reader: Layer, found: CellArithmetic) -> tuple[int, tuple[int, int]]:
    """The channel and the cell of a reader to open: the same where it keeps them, else one that reads this cell."""
    channels, rows, columns = (*reader.out_shape, 1, 1)[:3]
    channel, row, column = found.channel, found.row, found.column
    if reader.op == Op.CONCAT:
        before = reader.inputs[: reader.inputs.index(found.layer.index)]
        channel += sum(graph.layers[index - 1].out_shape[0] for index in before)
    elif reader.op in (Op.CONV, Op.LINEAR):
        channel = 0
    if reader.window:
        row, column = row // reader.window.stride[0], column // reader.window.stride[1]
    return min(channel, channels - 1), (min(row, rows - 1), min(column, columns - 1))
