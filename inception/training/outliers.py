"""Pictures of none of the classes, drawn by the program, so that a network learns not to be sure of everything.

Trained on photographs of ten classes alone, a network names one of them for noise or a page of text as well. Beside
each batch it sees some of these, and is to spread its answer evenly over all classes (outlier exposure, Hendrycks et
al. 2019, *Deep Anomaly Detection with Outlier Exposure*).
"""

import random
from collections.abc import Callable

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from .cifar10 import SIDE

CANVAS = 4 * SIDE  # pixels; reduced to SIDE, so that lines and letters are as soft as in a photograph
TILES = 4  # along a side of a picture whose parts are shuffled
WORDS = "the of and to in is that it was for on are as with at be this have from or by one had not but what"


def outliers(pictures: Tensor, generator: torch.Generator) -> Tensor:
    """As many (N, 3, 32, 32) uint8 pictures as there are, of random kinds; one kind shuffles the parts of these."""
    drawn = []
    for picture in pictures:
        choice = random.Random(int(torch.randint(2**62, (1,), generator=generator)))
        kind = choice.choice(KINDS)
        if kind is None:
            drawn.append(shuffled(picture, generator))
        else:
            image = kind(choice).resize((SIDE, SIDE), Image.Resampling.BOX)
            drawn.append(torch.from_numpy(np.array(image)).permute(2, 0, 1))
    return torch.stack(drawn) if drawn else pictures


def shuffled(picture: Tensor, generator: torch.Generator) -> Tensor:
    """A (3, H, W) picture whose parts have changed places: its colours and textures, but no thing."""
    channels, height, width = picture.shape
    tiles = picture.unfold(1, height // TILES, height // TILES).unfold(2, width // TILES, width // TILES)
    tiles = tiles.flatten(1, 2)[:, torch.randperm(TILES * TILES, generator=generator)]
    return tiles.unflatten(1, (TILES, TILES)).permute(0, 1, 3, 2, 4).reshape(channels, height, width)


def plain(choice: random.Random) -> Image.Image:
    """One colour, or two that fade into each other."""
    if choice.random() < 0.3:
        return _sheet(choice)
    mask = Image.linear_gradient("L").rotate(choice.choice((0, 90, 180, 270))).resize((CANVAS, CANVAS))
    return Image.composite(_sheet(choice), _sheet(choice), mask)


def noise(choice: random.Random) -> Image.Image:
    """Grey or coloured noise, from as fine as a pixel to a few soft patches."""
    bands, side = choice.choice((1, 3)), choice.choice((4, 8, 16, SIDE))
    values = np.random.default_rng(choice.randrange(2**32)).integers(0, 256, (side, side, bands), dtype=np.uint8)
    image = Image.fromarray(values.repeat(3 // bands, axis=2))
    return image.resize((CANVAS, CANVAS), choice.choice((Image.Resampling.NEAREST, Image.Resampling.BICUBIC)))


def pattern(choice: random.Random) -> Image.Image:
    """A checkerboard, a grid or stripes, turned or not."""
    image, colour = _sheet(choice, 2 * CANVAS), _colour(choice)
    draw, step = ImageDraw.Draw(image), choice.randint(6, 40)
    rows, columns = choice.choice(((True, True), (True, False), (False, True)))
    board = choice.random() < 0.5
    for i in range(0, 2 * CANVAS, step):
        for j in range(0, 2 * CANVAS, step):
            x, y = i // step % 2 if columns else 0, j // step % 2 if rows else 0
            if (x != y) if board else (x or y):
                draw.rectangle((i, j, i + step - 1, j + step - 1), colour)
    turned = image.rotate(choice.choice((0, 0, choice.uniform(0, 90))), Image.Resampling.BICUBIC)
    corner = CANVAS // 2
    return turned.crop((corner, corner, corner + CANVAS, corner + CANVAS))


def shapes(choice: random.Random) -> Image.Image:
    """A few boxes, ellipses, triangles and lines, as in a chart or a logo."""
    image = _sheet(choice)
    draw = ImageDraw.Draw(image)
    for _ in range(choice.randint(1, 8)):
        (left, right), (top, bottom) = (sorted(choice.sample(range(CANVAS), 2)) for _ in "xy")
        match choice.choice(("box", "ellipse", "triangle", "line")):
            case "box":
                draw.rectangle((left, top, right, bottom), _colour(choice))
            case "ellipse":
                draw.ellipse((left, top, right, bottom), _colour(choice))
            case "triangle":
                draw.polygon(((left, top), (right, top), (left, bottom)), _colour(choice))
            case _:
                draw.line((left, top, right, bottom), _colour(choice), choice.randint(1, 8))
    return image


def text(choice: random.Random) -> Image.Image:
    """A page, a line or a word."""
    paper = choice.randint(190, 255)
    image = Image.new("RGB", (CANVAS, CANVAS), (paper, paper, choice.randint(170, 255)))
    draw, size = ImageDraw.Draw(image), choice.choice((7, 9, 12, 18, 30, 48))
    font = ImageFont.load_default(size)
    ink, left = (choice.randint(0, 90),) * 3, choice.randint(-8, 24)
    for y in range(choice.randint(0, CANVAS // 2), CANVAS, choice.randint(size + 1, 2 * size)):
        draw.text((left, y), " ".join(choice.choices(WORDS.split(), k=choice.randint(2, 12))), ink, font)
    if choice.random() < 0.2:
        return image.point(lambda value: 255 - value)
    return image


def _colour(choice: random.Random) -> tuple[int, int, int]:
    return choice.randrange(256), choice.randrange(256), choice.randrange(256)


def _sheet(choice: random.Random, side: int = CANVAS) -> Image.Image:
    return Image.new("RGB", (side, side), _colour(choice))


KINDS: tuple[Callable[[random.Random], Image.Image] | None, ...] = (plain, noise, pattern, shapes, text, None)
