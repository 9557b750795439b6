"""Maps as pictures, sheets of pictures and files."""

import io
from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from PIL import Image, ImageDraw, ImageFont
from plotly.colors import cmocean, convert_colors_to_same_type, sequential, unlabel_rgb

from ..errors import InputError
from ..words import _

SIGNED = cmocean.balance[2:-2]  # its ends are both nearly black
SHADES = 2041  # of a scale of colours; one of them is half-way, and every eighth is in a palette of 256
MANY = 1000  # pixels of a thumbnail from which a palette pays
GAP = 8  # pixels between the maps of a sheet
TEXT = 12  # height of its captions


def strongest_channels(activations: NDArray[np.float32], count: int) -> list[int]:
    """Channels of (C, H, W) by mean response, the strongest first."""
    return by_mean(activations.reshape(len(activations), -1).mean(axis=1))[:count]


def by_mean(means: NDArray[np.float32]) -> list[int]:
    """Channels by their means, the strongest first."""
    order: list[int] = np.argsort(-means, kind="stable").tolist()
    return order


def map_image(activation: NDArray[np.float32], side: int, signed: bool = False) -> Image.Image:
    """One channel (H, W) as a picture `side` pixels high: dark is 0, bright its largest value.

    Where it has values below 0, dark is the smallest of them.
    signed: white is 0, blue below and red above it, as far as the value furthest from 0.
    Cells stay square and sharp.
    """
    if signed:
        high = float(np.abs(activation).max())
        low = -high
    else:
        low, high = min(0.0, float(activation.min())), float(activation.max())
    height, width = activation.shape
    image = heat_map(activation, low, high, signed)
    return image.resize((max(1, round(side * width / height)), side), Image.Resampling.NEAREST)


def thumbnail(activation: NDArray[np.float32], most: int = 80) -> Image.Image:
    """One channel (H, W) as a small picture in the colours of `map_image`: a pixel a cell, at most `most` a side.

    A picture of many pixels has a palette, so that it is a third of the bytes to compress.
    """
    low, high = min(0.0, float(activation.min())), float(activation.max())
    if max(activation.shape) > most:
        smaller = Image.fromarray(np.ascontiguousarray(activation))
        smaller.thumbnail((most, most), Image.Resampling.BOX)
        activation = np.asarray(smaller)
    if activation.size < MANY:
        return heat_map(activation, low, high)
    return _with_palette(activation, low, high)


def map_file(activation: NDArray[np.float32], side: int, signed: bool = False) -> bytes:
    """The PNG file of a `map_image`, for a page: with a palette where it can be, in a fifth of the time."""
    if signed:  # its white is in no palette of 256
        return png_bytes(map_image(activation, side, signed), quick=True)
    height, width = activation.shape
    image = _with_palette(activation, min(0.0, float(activation.min())), float(activation.max()))
    size = max(1, round(side * width / height)), side
    return png_bytes(image.resize(size, Image.Resampling.NEAREST), quick=True)


def _with_palette(activation: NDArray[np.float32], low: float, high: float) -> Image.Image:
    """A `heat_map` in a palette of 256 colours."""
    image = Image.fromarray(_places(activation, low, high, 255).astype(np.uint8))
    image.putpalette(_colors(False)[:: (SHADES - 1) // 255].tobytes())
    return image


def heat_map(values: NDArray[np.float32], low: float, high: float, signed: bool = False) -> Image.Image:
    """(H, W) as a picture of that size; values beyond `low` and `high` take the colours of these.

    Both scales are perceptually uniform and read by colour-blind people: Cividis (Nuñez, Anderton and Renslow 2018),
    and for signed values cmocean's balance (Thyng et al. 2016), whose white is half-way.
    """
    colors = _colors(signed)
    places = _places(values, low, high, len(colors) - 1, 0.5 * signed)
    return Image.fromarray(colors.take(places.astype(np.intp), axis=0, mode="clip"))


def _places(
    values: NDArray[np.float32], low: float, high: float, last: int, flat: float = 0.0
) -> NDArray[np.floating[Any]]:
    """Which of the shades from 0 to `last` each value has. flat: the share of them where all values are alike."""
    if high <= low:
        return np.full(values.shape, flat * last)
    places: NDArray[np.floating[Any]] = ((values - low) / (high - low) * last).clip(0, last).round()
    return places


@cache
def _colors(signed: bool) -> NDArray[np.uint8]:
    """(SHADES, 3): a scale of `heat_map` in so many even steps that a picture has all its colours."""
    named = convert_colors_to_same_type(SIGNED if signed else sequential.Cividis, colortype="rgb")[0]
    anchors = np.array([unlabel_rgb(color) for color in named])
    steps, places = np.linspace(0, 1, SHADES), np.linspace(0, 1, len(anchors))
    return np.stack([np.interp(steps, places, anchors[:, i]) for i in range(3)], axis=-1).round().astype(np.uint8)


def lay_over(
    picture: Image.Image,
    values: NDArray[np.float32],
    low: float,
    high: float,
    signed: bool = False,
    opacity: float = 0.6,
) -> Image.Image:
    """The `heat_map` of (H, W) over an RGB picture of that size, in grey, so that all colour is the map's."""
    return Image.blend(picture.convert("L").convert("RGB"), heat_map(values, low, high, signed), opacity)


def color_bar(signed: bool = False, size: tuple[int, int] = (256, 12)) -> Image.Image:
    """The colours of `heat_map` from low to high, as a legend of `size` (width, height)."""
    return heat_map(np.linspace(0, 1, size[0], dtype=np.float32)[None], 0, 1, signed).resize(size)


def contact_sheet(
    maps: NDArray[np.float32] | Sequence[NDArray[np.float32]],
    captions: Sequence[str],
    side: int,
    columns: int = 6,
    signed: bool = False,
) -> Image.Image:
    """Maps (H, W) of one size as `map_image`s in rows, each on its own scale with its caption below.

    A caption is cut at the width of its map. Raises ValueError unless there are maps and as many captions.
    """
    if not len(maps) or len(captions) != len(maps):
        sentence = _("A sheet needs maps and a caption for each, not {maps} and {captions}.")
        raise InputError(sentence.format(maps=len(maps), captions=len(captions)))
    images = [map_image(one, side, signed) for one in maps]
    width, height = images[0].width + GAP, side + TEXT + 2 * GAP
    columns = min(columns, len(images))
    sheet = Image.new("RGB", (columns * width + GAP, -(-len(images) // columns) * height + GAP), "white")
    font = ImageFont.load_default(TEXT)
    for i, (image, caption) in enumerate(zip(images, captions, strict=True)):
        left, top = GAP + i % columns * width, GAP + i // columns * height
        sheet.paste(image, (left, top))
        strip = Image.new("RGB", (image.width, TEXT + GAP), "white")
        ImageDraw.Draw(strip).text((0, 1), caption, "black", font)
        sheet.paste(strip, (left, top + side))
    return sheet


def png_bytes(image: Image.Image, quick: bool = False) -> bytes:
    """A picture as a PNG file; quick: in a third of the time, a fifth larger."""
    file = io.BytesIO()
    image.save(file, "PNG", compress_level=1 if quick else 6)
    return file.getvalue()


def npz_bytes(**arrays: ArrayLike | Image.Image) -> bytes:
    """Arrays and pictures as an NPZ file (`numpy.load` reads it) under the names of the keywords."""
    file = io.BytesIO()
    np.savez_compressed(file, allow_pickle=False, **{name: np.asarray(array) for name, array in arrays.items()})
    return file.getvalue()
