"""Maps in the boxes of a diagram: Graphviz leaves room for them, and they are put into what it has laid out.

So a drawing that was laid out once serves every picture, and nothing of a picture is written to a file on the way.
"""

import base64
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from PIL import Image

SIDE = 40  # points of a map in a box
PLACE = "#fdfcfb"  # the ground that marks room for a map, which nothing else has

Pictures = Mapping[str, Sequence[bytes]]  # PNG files of maps, by the SVG id of their box

_PARTS = re.compile(rf'<g id="(?P<box>[^"]+)" class="node">|<polygon fill="{PLACE}"[^>]*?points="(?P<points>[^"]+)"/>')


@dataclass(frozen=True)
class Place:
    """Room for one map in a drawing, in points."""

    box: str  # the SVG id of the box
    number: int  # of the map in its box, from 0
    start: int  # where its mark starts in the text of the SVG
    end: int
    left: float
    top: float
    width: float
    height: float


def places(svg: str) -> Iterator[Place]:
    """The room for maps in a drawing that Graphviz laid out, in the order of the text."""
    box, number = "", 0
    for found in _PARTS.finditer(svg):
        if found["box"]:
            box, number = found["box"], 0
            continue
        points = [tuple(map(float, point.split(","))) for point in found["points"].split()]
        xs, ys = [point[0] for point in points], [point[1] for point in points]
        size = max(xs) - min(xs), max(ys) - min(ys)
        yield Place(box, number, found.start(), found.end(), min(xs), min(ys), *size)
        number += 1


def with_pictures(svg: str, pictures: Pictures) -> str:
    """The drawing with maps in its boxes; room without a map stays empty."""
    parts, end = [], 0
    for place in places(svg):
        of_box = pictures.get(place.box, ())
        parts.append(svg[end : place.start])
        if place.number < len(of_box):
            data = base64.b64encode(of_box[place.number]).decode()
            parts.append(
                f'<image x="{place.left:g}" y="{place.top:g}" width="{place.width:g}" height="{place.height:g}" '
                f'style="image-rendering: pixelated" href="data:image/png;base64,{data}"/>'
            )
        end = place.end
    return "".join([*parts, svg[end:]])


def png_with_pictures(png: bytes, svg: str, pictures: Pictures, dpi: int) -> bytes:
    """The same for a PNG that was drawn from the same layout at `dpi` points an inch."""
    moved = re.search(r'class="graph" transform="[^"]*translate\(([-\d.]+) ([-\d.]+)\)', svg)
    x, y = map(float, moved.groups()) if moved else (0.0, 0.0)
    scale = dpi / 72
    sheet = Image.open(io.BytesIO(png)).convert("RGB")
    for place in places(svg):
        of_box = pictures.get(place.box, ())
        if place.number < len(of_box):
            one = Image.open(io.BytesIO(of_box[place.number])).convert("RGB")
            room = place.width * scale / one.width, place.height * scale / one.height
            size = tuple(max(1, round(side * min(room))) for side in one.size)
            middle = (x + place.left + place.width / 2) * scale, (y + place.top + place.height / 2) * scale
            corner = tuple(round(at - side / 2) for at, side in zip(middle, size, strict=True))
            sheet.paste(one.resize(size, Image.Resampling.NEAREST), corner)  # type: ignore[arg-type]
    file = io.BytesIO()
    sheet.save(file, "PNG")
    return file.getvalue()
