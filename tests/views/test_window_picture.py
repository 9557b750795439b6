"""What the pictures mark against what PyTorch reads, and that they can be read by everyone."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from xml.etree import ElementTree

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from inception import list_models
from inception.graph.window import Pair, Slide, Window, window_of
from inception.views.kinds import KINDS
from inception.views.playground import PlaygroundResult, playground
from inception.views.window_picture import NARROW, PictureError, crop, playground_svg, window_svg

from ..graphs import zoo_graph

SVG = "{http://www.w3.org/2000/svg}"
Cells = set[Pair]


# Reading a picture back
@dataclass
class Grid:
    """The positions drawn and, by class, the cells marked."""

    rows: list[int | None]
    columns: list[int | None]
    marked: dict[str, Cells]

    def __getitem__(self, kind: str) -> Cells:
        return self.marked.get(kind, set())

    @property
    def drawn(self) -> Cells:
        return {(r, c) for r in self.rows if r is not None for c in self.columns if c is not None}


def read_grid(svg: str, name: str, left: float | None = None) -> Grid:
    """The grid of this name; `left` is where its first column starts, if there is no cell."""
    root = ElementTree.fromstring(svg)
    group = next(element for element in root.iter(f"{SVG}g") if element.get("class") == name)
    rows, columns = (
        [int(text) if text else None for text in (group.get(key) or "").split(",")]
        for key in ("data-rows", "data-columns")
    )
    squares = {
        path.get("class") or "": re.findall(r"M([-\d.]+) ([-\d.]+)h([\d.]+)v([\d.]+)h-[\d.]+z", path.get("d") or "")
        for path in group.iter(f"{SVG}path")
        if path.get("class")
    }
    numbers = {kind: [tuple(map(float, square)) for square in found] for kind, found in squares.items()}
    assert all(found and {square[2] == square[3] for square in found} == {True} for found in numbers.values())
    side = {square[2] for found in numbers.values() for square in found}.pop()
    first, top = (min(square[i] for found in numbers.values() for square in found) for i in (0, 1))
    left = first if left is None else left

    def cells(found: list[tuple[float, ...]]) -> Iterator[Pair]:
        for x, y, *_ in found:
            row, column = rows[round((y - top) / side)], columns[round((x - left) / side)]
            assert row is not None
            assert column is not None
            yield row, column

    return Grid(rows, columns, {kind: set(cells(found)) for kind, found in numbers.items()})


# What PyTorch reads
def gradient(window: Window, row: int | None = None, column: int | None = None) -> Tensor:
    """Which cells of the explicitly padded input have a gradient of one output cell, or of all of them."""
    top, bottom, left, right = window.pad
    # What ceil_mode reaches beyond is padding too, as long as we only ask what is read.
    beyond = (
        (window.out[i] - 1) * window.stride[i] + window.reach[i] - window.grid[i] - sum(window.pad[2 * i : 2 * i + 2])
        for i in (0, 1)
    )
    more_rows, more_columns = (max(0, cells) for cells in beyond)
    size = window.grid[0] + top + bottom + more_rows, window.grid[1] + left + right + more_columns
    x = torch.zeros(1, 1, *size, requires_grad=True)
    y = F.conv2d(x, torch.ones(1, 1, *window.kernel), None, window.stride, 0, window.dilation)
    assert tuple(y.shape[2:]) == window.out
    (y.sum() if row is None else y[0, 0, row, column]).backward()
    assert x.grad is not None
    return x.grad[0, 0] != 0


def assert_marks(window: Window, row: int, column: int) -> None:
    svg = window_svg(window, row, column)
    check_readable(svg)
    check_readable(window_svg(window, row, column, NARROW), NARROW.width)
    grid, out = read_grid(svg, "input"), read_grid(svg, "output")
    (height, width), (top, bottom, left, right) = window.grid, window.pad
    pixels = {(r, c) for r, c in grid.drawn if 0 <= r < height and 0 <= c < width}
    padded = {(r, c) for r, c in grid.drawn if -top <= r < height + bottom and -left <= c < width + right}
    window_cells = {(r - top, c - left) for r, c in torch.nonzero(gradient(window, row, column)).tolist()}
    read = gradient(window)

    assert grid["pixel"] == pixels
    kinds = ("zero", "padding") if window.filling == "zeros" else ("padding", "zero")
    assert [grid[kind] for kind in kinds] == [padded - pixels, set()]
    assert grid["beyond"] == grid.drawn - padded
    assert grid["unread"] == {(r, c) for r, c in grid.drawn if not read[r + top, c + left]}
    assert grid["tap"] == window_cells & grid.drawn
    first_tap = re.search(r'class="tap" d="M([-\d.]+) ([-\d.]+)h', svg)
    frame = re.search(r'class="frame" x="([-\d.]+)" y="([-\d.]+)"', svg)
    assert first_tap is not None
    assert frame is not None
    assert first_tap.groups() == frame.groups()
    for tick, axis in ((r"v7l7-3.5z", 0), (r"h7l-3.5 7z", 1)):
        starts = {i * window.stride[axis] - window.pad[2 * axis] for i in range(window.out[axis])}
        assert svg.count(tick) == len(starts & {cell[axis] for cell in grid.drawn})
    for axis, tracks in ((0, grid.rows), (1, grid.columns)):
        touched = [cell[axis] for cell in window_cells]
        assert {min(touched), max(touched), -window.pad[2 * axis]} <= set(tracks)
        assert window.grid[axis] + window.pad[2 * axis + 1] - 1 in tracks
        if max(touched) - min(touched) < 9:
            assert set(touched) <= set(tracks)

    assert out["tap"] == {(row, column)}
    assert out["pixel"] == out.drawn
    assert {0, row, window.out[0] - 1} <= set(out.rows)
    assert {0, column, window.out[1] - 1} <= set(out.columns)


def helvetica(text: str) -> float:
    """About how wide a text is set in Helvetica, in units of the type size."""
    widths = {"narrow": (".,:;'|ijlft ()-", 0.3), "wide": ("mwMWABCDEFGHKLNOPQRSTUVXYZ=+…", 0.78)}
    return sum(next((width for letters, width in widths.values() if letter in letters), 0.556) for letter in text)


def check_readable(svg: str, most: int = 540) -> None:
    """Words for screen readers, natural size, type size, everything inside, colours of the palette."""
    root = ElementTree.fromstring(svg)
    assert root.get("role") == "img"
    assert len(root.get("aria-label") or "") > 40
    width, height = float(root.get("width") or 0), float(root.get("height") or 0)
    assert root.get("viewBox") == f"0 0 {root.get('width')} {root.get('height')}"
    assert width <= most
    for text in root.iter(f"{SVG}text"):
        size = float(text.get("font-size") or 0)
        assert size >= 14, "a diagram's text, as large as at 1280x720"
        length = size * helvetica(text.text or "") * (1.08 if text.get("font-weight") else 1)
        places = [float(x) for x in (text.get("x") or "").split()]
        if len(places) > 1:
            length = size
        start = {"start": 0.0, "middle": length / 2, "end": length}[text.get("text-anchor") or "start"]
        assert min(places) - start >= 0, text.text
        assert max(places) - start + length <= width, text.text
        assert size * 0.7 <= float(text.get("y") or 0) <= height
    for shape in root.iter(f"{SVG}path"):
        points = re.findall(r"[ML]([-\d.]+) ([-\d.]+)", shape.get("d") or "")
        assert all(0 <= float(x) <= width and 0 <= float(y) <= height for x, y in points)
    colours = set(re.findall(r'(?:fill|stroke)="([^"]+)"', svg))
    assert colours <= {kind.color for kind in KINDS} | {"none", "currentColor"}


# Windows
@st.composite
def windows(draw: st.DrawFn) -> tuple[Window, int, int]:
    """Any window that fits its grid, and one of its cells."""
    sides: list[tuple[int, int, int, int, int]] = []
    pads: list[int] = []
    cells: list[int] = []
    for _ in range(2):
        kernel, stride, dilation = draw(st.integers(1, 8)), draw(st.integers(1, 5)), draw(st.integers(1, 3))
        reach = dilation * (kernel - 1) + 1
        before, after = draw(st.integers(0, 5)), draw(st.integers(0, 5))
        size = draw(st.integers(max(1, reach - before - after), 70))
        out = (size + before + after - reach) // stride + 1
        sides.append((kernel, stride, dilation, size, out))
        pads += [before, after]
        cells.append(draw(st.integers(0, out - 1)))
    kernels, strides, dilations, grid, outs = zip(*sides, strict=True)
    top, bottom, left, right = pads
    window = Window(kernels, strides, dilations, (top, bottom, left, right), "EXPLICIT", grid, outs)
    return window, cells[0], cells[1]


@given(windows())
@settings(deadline=None, max_examples=150)
def test_marks_are_what_torch_reads(example: tuple[Window, int, int]) -> None:
    assert_marks(*example)


@pytest.mark.parametrize("name", list_models())
def test_every_window_of_every_variant(name: str) -> None:
    seen = {layer.window for size in (75, 150, (350, 400)) for layer in zoo_graph(name, size).layers if layer.window}
    for window in seen:
        height, width = window.out
        assert_marks(window, height - 1, width // 2)


def test_from_one_to_a_thousand_pixels() -> None:
    for window in (
        Window((1, 1), (1, 1), (1, 1), (0, 0, 0, 0), "VALID", (1, 1), (1, 1)),
        Window((30, 30), (30, 30), (1, 1), (0, 0, 0, 0), "VALID", (30, 30), (1, 1)),
        Window((7, 7), (2, 2), (1, 1), (3, 3, 3, 3), "EXPLICIT", (1024, 1000), (512, 500)),
        Window((1024, 7), (1024, 7), (1, 1), (0, 0, 0, 0), "VALID", (1024, 7), (1, 1)),
    ):
        for row, column in ((0, 0), (window.out[0] - 1, window.out[1] // 2)):
            assert_marks(window, row, column)


@pytest.mark.parametrize(
    ("module", "says"),
    [
        (nn.Conv2d(1, 1, 3, padding=1, bias=False), "Zeros added: 1 row"),
        (nn.AvgPool2d(3, 1, 1), "Zeros added: 1 row"),
        (nn.AvgPool2d(3, 1, 1, count_include_pad=False), "Padding, not counted: 1 row"),
        (nn.MaxPool2d(3, 1, 1), "Padding of -∞: 1 row"),
        (nn.Conv2d(1, 1, 3, padding=1, bias=False, padding_mode="reflect"), "Padding, reflect: 1 row"),
    ],
)
def test_padding_is_called_what_it_is(module: nn.Module, says: str) -> None:
    """On a grid of -1, zeros around it raise an average or a sum at the corner above that in the middle."""
    if isinstance(module, nn.Conv2d):
        nn.init.constant_(module.weight, 1 / 9)
    out = module(-torch.ones(1, 1, 5, 5))[0, 0]
    window = window_of(module, (5, 5), (5, 5))
    assert window is not None

    svg = window_svg(window, 0, 0)
    adds_zeros = bool(out[0, 0] > out[2, 2])
    assert says in label_of(svg)
    assert says.startswith("Zeros") == adds_zeros
    assert bool(re.search(">00+<", svg)) == adds_zeros, "a 0 in each cell that is one"
    assert_marks(window, 0, 0)


@pytest.mark.parametrize("size", [14, 15])
def test_ceil_mode(size: int) -> None:
    pool = nn.MaxPool2d(3, 2, ceil_mode=True)
    out: Tensor = pool(torch.zeros(1, 1, size, size))
    window = window_of(pool, (size, size), (out.shape[2], out.shape[3]))
    assert window is not None

    assert_marks(window, window.out[0] - 1, window.out[1] - 1)
    assert ("beyond the edge" in window_svg(window, 0, 0)) == (size == 14)


def test_says_what_it_shows() -> None:
    first = Window((3, 3), (2, 2), (1, 1), (0, 0, 0, 0), "VALID", (150, 150), (74, 74))
    side = Window((1, 7), (1, 1), (1, 1), (0, 0, 3, 3), "SAME", (17, 17), (17, 17))
    gaps = Window((1, 3), (2, 1), (1, 4), (0, 0, 0, 0), "VALID", (56, 9), (28, 1))

    assert label_of(window_svg(first, 2, 0)) == (
        "Input 150x150, output 74x74. 3x3 window on rows 4 to 6 and columns 0 to 2. The cells it reads make row 2, "
        "column 0 of the output. Read by no window: row 149 and column 149. Rows and columns are counted from 0."
    )
    assert label_of(window_svg(side, 5, 1)) == (
        "Input 17x17, output 17x17. 1x7 window on row 5 and columns -2 to 4. The cells it reads make row 5, "
        "column 1 of the output. Zeros added: 3 columns on the left, 3 columns on the right. Rows and columns are "
        "counted from 0."
    )
    assert label_of(window_svg(gaps, 1, 0)) == (
        "Input 56x9, output 28x1. 1x3 window on row 2 and columns 0, 4 and 8. The cells it reads make row 1, "
        "column 0 of the output. Read by no window: rows 1, 3, 5, … 55 (28 of 56) and columns 1, 2, 3, … 7 (6 of 9). "
        "Rows and columns are counted from 0."
    )
    texts = [element.text for element in ElementTree.fromstring(window_svg(first, 2, 0)).iter(f"{SVG}text")]
    assert "read by no window: row 149 and column 149" in texts
    assert {"input 150x150", "output 74x74", "149", "4", "6"} <= set(texts)


def label_of(svg: str) -> str:
    return ElementTree.fromstring(svg).get("aria-label") or ""


def test_cells_keep_their_size_while_the_window_moves() -> None:
    window = Window((3, 3), (2, 2), (1, 1), (0, 0, 0, 0), "VALID", (299, 299), (149, 149))
    heights = {ElementTree.fromstring(window_svg(window, i, i)).get("height") for i in range(149)}

    assert len(heights) == 1


@pytest.mark.parametrize("cell", [(-1, 0), (0, -1), (74, 0), (0, 74)])
def test_cells_that_do_not_exist(cell: Pair) -> None:
    window = Window((3, 3), (2, 2), (1, 1), (0, 0, 0, 0), "VALID", (150, 150), (74, 74))

    with pytest.raises(PictureError, match=re.escape("rows 0 to 73 and columns 0 to 73")):
        window_svg(window, *cell)


@given(st.integers(-9, 0), st.integers(0, 300), st.sets(st.integers(0, 300), max_size=9), st.integers(10, 40))
def test_crop(first: int, last: int, keep: set[int], limit: int) -> None:
    keep = {position for position in keep if position <= last}
    tracks = crop(first, last, keep, limit)
    shown = [position for position in tracks if position is not None]

    assert shown == sorted(set(shown))
    assert {first, last} | keep <= set(shown) <= set(range(first, last + 1))
    assert len(tracks) <= max(limit, 2 * len(keep | {first, last}) + 1)
    if last - first < limit:
        assert tracks == list(range(first, last + 1))
    for before, here, after in zip(tracks, tracks[1:], tracks[2:], strict=False):
        if here is None:
            assert before is not None
            assert after is not None
            assert after - before > 2
        elif before is not None:
            assert here == before + 1


# The playground
@given(
    st.integers(1, 1024),
    st.integers(1, 12),
    st.integers(1, 6),
    st.integers(1, 5),
    st.sampled_from(["SAME", "VALID"]),
)
@settings(deadline=None)
def test_playground_draws_both_axes(size: int, kernel: int, stride: int, dilation: int, padding: str) -> None:
    if padding == "VALID":
        size = max(size, dilation * (kernel - 1) + 1)
    result = playground(size, kernel, stride, padding, dilation)
    svg = playground_svg(result)

    check_readable(svg)
    check_readable(playground_svg(result, NARROW), NARROW.width)
    assert_strip(svg, "tensorflow", result.tensorflow)
    if result.pytorch:
        assert_strip(svg, "pytorch", result.pytorch)
    else:
        assert "PyTorch" in label_of(svg)
        assert "an error" in label_of(svg)


def assert_strip(svg: str, name: str, slide: Slide) -> None:
    grid = read_grid(svg, name, left=20)
    drawn = {c for _, c in grid.drawn if -slide.before <= c < slide.size + slide.after}

    assert {c for _, c in grid["pixel"]} == {c for c in drawn if 0 <= c < slide.size}
    assert {c for _, c in grid["zero"]} == {c for c in drawn if not 0 <= c < slide.size}
    assert {c for _, c in grid["unread"]} == drawn - slide.read
    assert {0, slide.size - 1} <= drawn


def bars(svg: str) -> list[tuple[float, float]]:
    """Left edge and width of each window in units of a cell, from the left edge of the first cell."""
    side = float(re.findall(r"h([\d.]+)v", svg)[0])
    rects = re.findall(r'<rect x="([\d.]+)" width="([\d.]+)" y="[\d.]+" height="[\d.]+" rx', svg)
    return [((float(x) - 20) / side, float(width) / side) for x, width in rects]


def test_playground_bars_are_the_windows() -> None:
    result: PlaygroundResult = playground(10, 3, 2, "SAME")
    found = bars(playground_svg(result))

    # PyTorch starts one pixel earlier, so its first zero is the first cell of both.
    assert found == [(1 + 2 * i, 3) for i in range(5)] + [(2 * i, 3) for i in range(5)]
    assert label_of(playground_svg(result)) == (
        'TensorFlow, padding="SAME": zeros 0 + 1, 5 outputs. PyTorch, padding=1: zeros 1 + 1, 5 outputs, 1 unread zero.'
    )


def test_playground_draws_first_and_last_windows_where_there_are_too_many() -> None:
    svg = playground_svg(playground(1024, 11, 1, "SAME"))
    numbers = [element.text for element in ElementTree.fromstring(svg).iter(f"{SVG}text")]

    assert len(bars(svg)) == 12
    assert {"0", "1", "2", "1021", "1022", "1023"} <= set(numbers)
