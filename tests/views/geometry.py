"""What stands where in a diagram: boxes, arrows and labels of an SVG that Graphviz laid out."""

import re
import xml.etree.ElementTree as ET
from itertools import pairwise

from PIL import ImageFont

SVG = "{http://www.w3.org/2000/svg}"
Box = tuple[float, float, float, float]  # left, top, right, bottom, in points
Point = tuple[float, float]
WIDE = 1.15  # as wide as those of DejaVu Sans, which stands in for Helvetica on many machines


def touches(svg: str) -> list[str]:
    """Labels of arrows and frames that touch a box, an arrow or another label; text that sticks out of its box."""
    root = ET.fromstring(svg)
    groups = [(g.get("class"), g) for g in root.iter(f"{SVG}g")]
    boxes = [(_title(g), _outline(g)) for kind, g in groups if kind == "node"]
    arrows = [(_title(g), _curve(g)) for kind, g in groups if kind == "edge"]
    labels = [
        (text.text or "", _text_box(text, WIDE))
        for kind, g in groups
        if kind in ("edge", "cluster")
        for text in g.iter(f"{SVG}text")
    ]
    labels = [(text, box) for text, box in labels if text.strip()]
    ends = [(_title(g), _text_box(text)) for kind, g in groups if kind == "node" for text in g.iter(f"{SVG}text")]
    found = [f"{text} on the box {name}" for text, label in labels for name, box in boxes if box and _meet(label, box)]
    found += [f"{text} on {name}" for text, label in labels for name, curve in arrows if _crosses(curve, label)]
    found += [f"{text} on the text of {name}" for text, label in labels for name, box in ends if _meet(label, box)]
    found += [
        f"{one} on {other}"
        for n, (one, label) in enumerate(labels)
        for other, second in labels[n + 1 :]
        if _meet(label, second)
    ]
    for kind, g in groups:
        outline = _outline(g) if kind == "node" else None
        for text in g.iter(f"{SVG}text") if outline else ():
            box = _text_box(text)
            if outline and (box[0] < outline[0] or box[2] > outline[2]):
                found.append(f"{text.text} sticks out of {_title(g)}")
    return found


def _title(group: ET.Element) -> str:
    return group.findtext(f"{SVG}title") or ""


def _numbers(text: str) -> list[Point]:
    values = [float(number) for number in re.findall(r"-?\d+(?:\.\d+)?", text)]
    return list(zip(values[::2], values[1::2], strict=True))


def _around(points: list[Point]) -> Box:
    xs, ys = zip(*points, strict=True)
    return min(xs), min(ys), max(xs), max(ys)


def _outline(group: ET.Element) -> Box | None:
    """The box of a node that has one."""
    shape = next(
        (e for e in group.iter() if e.tag in (f"{SVG}path", f"{SVG}polygon") and e.get("fill") != "none"), None
    )
    return _around(_numbers(shape.get("d") or shape.get("points") or "")) if shape is not None else None


def _curve(group: ET.Element) -> list[Point]:
    """Points along an arrow, its head included; Graphviz draws cubic Bézier curves."""
    points = []
    for path in group.iter(f"{SVG}path"):
        control = _numbers(path.get("d") or "")
        for i in range(0, len(control) - 3, 3):
            a, b, c, d = control[i : i + 4]
            for step in range(17):
                t = step / 16
                weights = (1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t**2 * (1 - t), t**3
                points.append(
                    (
                        sum(w * p[0] for w, p in zip(weights, (a, b, c, d), strict=True)),
                        sum(w * p[1] for w, p in zip(weights, (a, b, c, d), strict=True)),
                    )
                )
    for head in group.iter(f"{SVG}polygon"):
        points += _numbers(head.get("points") or "")
    return points


def _text_box(text: ET.Element, wider: float = 1) -> Box:
    """The ink of a line of text; the letters are those of Helvetica, which Pillow's own font is about as wide as."""
    size = float(text.get("font-size") or 14)
    words, font = text.text or "", ImageFont.load_default(size)
    width = font.getlength(words) * wider
    blank = width - font.getlength(words.lstrip()) * wider  # before the first letter
    x, y = float(text.get("x") or 0), float(text.get("y") or 0)
    left = {"middle": x - width / 2, "end": x - width}.get(text.get("text-anchor") or "", x)
    return left + blank, y - 0.72 * size, left + width, y + 0.2 * size


def _meet(one: Box, other: Box) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def _crosses(curve: list[Point], box: Box) -> bool:
    """Whether a line runs through a box; between two points it is looked at four times."""
    for (x1, y1), (x2, y2) in pairwise(curve):
        for step in range(4):
            x, y = x1 + (x2 - x1) * step / 4, y1 + (y2 - y1) * step / 4
            if box[0] < x < box[2] and box[1] < y < box[3]:
                return True
    return False
