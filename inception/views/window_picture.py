"""SVG pictures of a sliding window: the padding around the grid, what one window reads, what no window reads.

Text and lines are `currentColor`, so that the pictures take on the page's ink in light and dark. The kinds of cells
differ in form as well as in colour: zeros carry a 0, unread cells are hatched, the window is framed. Large grids are
cropped to their edges and the surroundings of the window; dots stand for what is left out. Positions count from 0 as
in `Slide`; those of padding before the first pixel are negative.
"""

from collections.abc import Iterable, Sequence
from html import escape
from typing import Literal, NamedTuple

from ..errors import InputError
from ..graph.window import Pair, Slide, Window, slides
from ..text import and_list, shape_text, text_width, wrapped
from ..words import N_, _, ngettext
from .fonts import families
from .kinds import FACTORISED, LINEAR, OTHER, POINTWISE
from .playground import PlaygroundResult

TEXT = 14  # px, as are the next ones: what a lecture hall reads
DIGIT = 8.3  # width of a digit of TEXT
MARGIN = 48  # left of a grid, for labels and ticks
TOP = 46  # above a grid, for its title, labels and ticks
LINE = 21
MAX_CELL = 26
INPUT_SIDE, INPUT_TRACKS = 276, 23
OUTPUT_SIDE, OUTPUT_TRACKS = 130, 13
LANE, LANES = 19, 6  # height and largest number of lines of windows below a strip

# How each kind of cell is drawn, in the grid and in the legend.
THIN = 'stroke="currentColor" stroke-opacity=".35" stroke-width=".7"'
PADDING = f'fill="{POINTWISE.color}" fill-opacity=".4" {THIN}'
STYLES = {
    "pixel": f'fill="{OTHER.color}" fill-opacity=".12" {THIN}',
    "zero": PADDING,
    "padding": PADDING,
    "beyond": 'fill="none" stroke="currentColor" stroke-opacity=".5" stroke-width=".7" stroke-dasharray="2 2"',
    "unread": f'fill="{LINEAR.color}" fill-opacity=".15" stroke="none"',
    "hatch": f'fill="none" stroke="{LINEAR.color}" stroke-width="1.5"',
    "tap": f'fill="{FACTORISED.color}" fill-opacity=".6" {THIN}',
    "frame": f'fill="{FACTORISED.color}" fill-opacity=".2" stroke="{FACTORISED.color}" stroke-width="2.5"',
    "ray": f'fill="none" stroke="{FACTORISED.color}" stroke-dasharray="4 3"',
}


class Layout(NamedTuple):
    """How a picture is laid out for the room it gets, so that its letters need not be drawn smaller there."""

    width: int  # px
    letters: int  # of a line of the legend, and of a bold one above a strip
    legend: int  # px left of it
    strip_tracks: int  # of a strip that is not cropped
    beside: bool  # the output stands beside the input, not below it

    @property
    def strip_width(self) -> int:
        """Px."""
        return self.width - 40 if self.beside else self.width - 20


WIDE = Layout(540, 60, MARGIN, 40, beside=True)  # as wide as the figure of a step of the tour on a laptop
NARROW = Layout(340, 38, 10, 25, beside=False)  # a telephone

Track = int | None  # a position, or None for those left out


class PictureError(InputError):
    """A window position that does not exist, in one sentence."""


# What is drawn of an axis
def crop(first: int, last: int, keep: Iterable[int], limit: int) -> list[Track]:
    """The positions from `first` to `last` to draw: both ends, `keep`, and around these as many as `limit` allows.

    None stands for two or more positions left out. There are more than `limit` only where `keep` needs them.
    """
    shown = {first, last, *keep}
    tracks = _tracks(shown)
    while beside := sorted({i + step for i in shown for step in (-1, 1) if first <= i + step <= last} - shown):
        for position in beside:
            wider = _tracks({*shown, position})
            if len(wider) > limit:
                return tracks
            shown, tracks = {i for i in wider if i is not None}, wider
    return tracks


def _tracks(shown: Iterable[int]) -> list[Track]:
    tracks: list[Track] = []
    previous = None
    for position in sorted(shown):
        if previous is not None and position - previous == 2:
            tracks.append(position - 1)
        elif previous is not None and position - previous > 2:
            tracks.append(None)
        tracks.append(position)
        previous = position
    return tracks


def _input_tracks(slide: Slide, index: int) -> list[Track]:
    """Of the padded input: the window at `index`, its neighbours' starts, padding and the pixels dropped at the end."""
    start = slide.starts[index]
    end = start + slide.reach - 1
    first, behind = -slide.before, slide.size + slide.after
    keep = {start, end, *range(first, first + min(slide.before, 3) + 1)}
    keep |= {*range(behind - min(slide.after, 3) - 1, behind)}
    keep |= {i for i in slide.unread[-3:] if i >= slide.size - slide.dropped}
    if slide.kernel <= 5:
        keep |= {*range(start, end + 1, slide.dilation)}
    if slide.reach <= 9:
        keep |= {*range(start, end + 1)} | {start - slide.stride, start + slide.stride} & {*slide.starts}
    return crop(first, max(behind, slide.starts[-1] + slide.reach) - 1, keep, INPUT_TRACKS)


class _Axis:
    """Where the tracks of one axis are in the picture, in px."""

    def __init__(self, tracks: list[Track], start: float, cell: float):
        self.tracks, self.start, self.cell = tracks, start, cell
        self.end = start + cell * len(tracks)
        self.places = {position: start + cell * i for i, position in enumerate(tracks) if position is not None}
        self.gaps = [start + cell * (i + 0.5) for i, position in enumerate(tracks) if position is None]

    def center(self, position: int) -> float:
        return self.places[position] + self.cell / 2

    def span(self, first: int, last: int) -> tuple[float, float]:
        """The left edge of `first` and the right edge of `last`, each in the middle of the gap where it is left out."""
        middle = [max(self.places[i] for i in self.places if i <= end) + 1.5 * self.cell for end in (first, last)]
        return self.places.get(first, middle[0]), self.places.get(last, middle[1] - self.cell) + self.cell

    def labels(self, wanted: Iterable[int], spacing: float) -> list[int]:
        """Those of `wanted` that are drawn and have `spacing` px to those before them."""
        chosen: list[int] = []
        for position in wanted:
            if position in self.places and all(
                abs(self.places[position] - self.places[other]) >= spacing for other in chosen
            ):
                chosen.append(position)
        return chosen

    def runs(self) -> list[float]:
        """The middle of each run of tracks between gaps."""
        edges = [self.start, *(edge for gap in self.gaps for edge in (gap, gap)), self.end]
        return [(edges[i] + edges[i + 1]) / 2 for i in range(0, len(edges), 2)]


# A window over a grid
def window_svg(window: Window, row: int, column: int, layout: Layout = WIDE) -> str:
    """An <svg> element: the input grid with the window that makes output cell (row, column), from 0.

    Beside the input, or below it, stands the output grid with that cell marked; ticks along the edges are where windows
    start. For scripts, cells are squares of paths with the classes pixel, zero, padding (other than zeros), unread, tap
    and beyond (where only `ceil_mode` reaches), in groups with the classes input and output, whose data-rows and
    data-columns list the positions drawn, empty for those left out. Raises PictureError for a cell that does not exist.
    """
    rows, columns = slides(window)
    if not (0 <= row < rows.out and 0 <= column < columns.out):
        sentence = _("The output has rows 0 to {row_end} and columns 0 to {column_end}, no cell {row}, {column}.")
        raise PictureError(sentence.format(row_end=rows.out - 1, column_end=columns.out - 1, row=row, column=column))
    y, x = _axes(_input_tracks(rows, row), _input_tracks(columns, column), (TOP, MARGIN), INPUT_SIDE)
    corner = (TOP, max(x.end, MARGIN + 120) + 44) if layout.beside else (y.end + TOP, MARGIN)
    out_y, out_x = _axes(
        crop(0, rows.out - 1, [row], OUTPUT_TRACKS),
        crop(0, columns.out - 1, [column], OUTPUT_TRACKS),
        corner,
        OUTPUT_SIDE,
    )
    legend = _legend(window, row, column)
    below = max(y.end, out_y.end) + 16
    parts = [
        _text(x.start, 14, _("input {shape}").format(shape=shape_text(window.grid)), bold=True),
        *_output_title(out_y, out_x, _("output {shape}").format(shape=shape_text(window.out)), layout),
        *_input(y, x, window, row, column),
        *_output(out_y, out_x, row, column),
        *_rays(y, x, out_y, out_x, window, (row, column), layout),
    ]
    for kind, text in legend:
        lines = wrapped(text, layout.letters)
        parts += _legend_lines(kind, lines, layout.legend, below)
        below += len(lines) * LINE
    counted = _("rows and columns are counted from 0")
    parts.append(_text(layout.legend + 22, below + 12, counted))
    below += LINE
    sizes = _("Input {grid}, output {out}").format(grid=shape_text(window.grid), out=shape_text(window.out))
    return _svg(_sentences(sizes, *(text for _kind, text in legend), counted), layout.width, below, parts)


def _axes(rows: list[Track], columns: list[Track], corner: tuple[float, float], side: float) -> tuple[_Axis, _Axis]:
    cell = min(MAX_CELL, int(10 * side / max(len(rows), len(columns))) / 10)
    return _Axis(rows, corner[0], cell), _Axis(columns, corner[1], cell)


def _input(y: _Axis, x: _Axis, window: Window, row: int, column: int) -> list[str]:
    rows, columns = slides(window)
    padding = _padding(window)
    cells: dict[str, list[tuple[int, int]]] = {"pixel": [], padding: [], "beyond": [], "unread": []}
    for r in y.places:
        for c in x.places:
            if 0 <= r < rows.size and 0 <= c < columns.size:
                kind = "pixel"
            else:
                kind = padding if r < rows.size + rows.after and c < columns.size + columns.after else "beyond"
            cells[kind].append((r, c))
            if r not in rows.read or c not in columns.read:
                cells["unread"].append((r, c))
    top, left = rows.starts[row], columns.starts[column]
    bottom, right = top + rows.reach - 1, left + columns.reach - 1
    taps = [
        (r, c)
        for r in range(top, bottom + 1, rows.dilation)
        for c in range(left, right + 1, columns.dilation)
        if r in y.places and c in x.places
    ]
    return [
        _group("input", y, x),
        *(_squares(kind, y, x, cells[kind]) for kind in cells),
        _hatch([(x.places[c], y.places[r]) for r, c in cells["unread"]], x.cell),
        _squares("tap", y, x, taps),
        _frame(y, x, (top, bottom), (left, right)),
        *_zeros(y, x, cells.get("zero", [])),
        *_dots(y, x),
        *_ticks(y, x, rows, columns, top, left),
        *_column_labels(x, [left, 0, columns.size - 1, right], TOP - 15),
        *_row_labels(y, [top, 0, rows.size - 1, bottom], x.start - 14, "end"),
        "</g>",
    ]


def _output(y: _Axis, x: _Axis, row: int, column: int) -> list[str]:
    return [
        _group("output", y, x),
        _squares("pixel", y, x, [(r, c) for r in y.places for c in x.places]),
        _squares("tap", y, x, [(row, column)]),
        _frame(y, x, (row, row), (column, column)),
        *_dots(y, x),
        *_column_labels(x, [column, 0, max(x.places)], y.start - 6),
        *_row_labels(y, [row, 0, max(y.places)], x.end + 6, "start"),
        "</g>",
    ]


def _output_title(y: _Axis, x: _Axis, title: str, layout: Layout) -> list[str]:
    """Above the output, or, where the lines to it would cross it, to the right."""
    if layout.beside:
        return _title(x.start, y.start - 32, [title])
    lines = wrapped(title, 12)
    return _title(x.end + 40, max(y.start + 14, y.end - (len(lines) - 1) * LINE), lines)


def _rays(y: _Axis, x: _Axis, out_y: _Axis, out_x: _Axis, window: Window, cell: Pair, layout: Layout) -> list[str]:
    """Two lines from the window to the cell it makes."""
    rows, columns = slides(window)
    row, column = cell
    top, left = y.places[rows.starts[row]], x.places[columns.starts[column]]
    bottom = y.places[rows.starts[row] + rows.reach - 1] + y.cell
    right = x.places[columns.starts[column] + columns.reach - 1] + x.cell
    to_top, to_left = out_y.places[row], out_x.places[column]
    if layout.beside:
        lines = [((right, top), (to_left, to_top)), ((right, bottom), (to_left, to_top + out_y.cell))]
    else:
        lines = [((left, bottom), (to_left, to_top)), ((right, bottom), (to_left + out_x.cell, to_top))]
    return [f'<path d="M{_px(a)} {_px(b)}L{_px(c)} {_px(d)}" {STYLES["ray"]}/>' for (a, b), (c, d) in lines]


# The playground
def playground_svg(result: PlaygroundResult, layout: Layout = WIDE) -> str:
    """An <svg> element: TensorFlow's axis above PyTorch's, pixel below pixel, with the windows below each.

    Windows carry the number of the output they make; where they overlap too much to draw all, the first and the last
    are drawn. Classes and data-columns are as in `window_svg`, in groups with the classes tensorflow and pytorch.
    """
    both = [("TensorFlow", result.tensorflow_argument, result.tensorflow)]
    if result.pytorch:
        both.append(("PyTorch", result.pytorch_argument, result.pytorch))
    first = min(-slide.before for _name, _argument, slide in both)
    last = max(slide.size + slide.after for _name, _argument, slide in both) - 1
    # Cropped, each cell is wide enough for the number of its position.
    width = layout.strip_width
    limit = layout.strip_tracks if last - first < layout.strip_tracks else width // MAX_CELL
    tracks = crop(first, last, {0, result.tensorflow.size - 1}, limit)
    x = _Axis(tracks, (layout.width - width) / 2, min(MAX_CELL, int(10 * width / len(tracks)) / 10))
    parts: list[str] = []
    titles: list[str] = []
    top = 14.0
    for name, argument, slide in both:
        title = _("{library}, {argument}: {summary}")
        titles.append(title.format(library=name, argument=argument, summary=_summary(slide)))
        lines = wrapped(titles[-1], layout.letters)
        strip = _Axis([0], top + 9 + len(lines) * LINE, x.cell)
        lanes, bars = _bars(x, slide, strip.end + 5)
        parts += [*_title(x.start, top, lines), *_strip(name.lower(), strip, x, slide), *bars]
        top = strip.end + 5 + lanes * LANE + 24
    if result.pytorch is None:
        title = _("PyTorch, {argument}: an error, because the window is longer than the padded axis")
        titles.append(title.format(argument=result.pytorch_argument))
        lines = wrapped(titles[-1], layout.letters)
        parts += _title(x.start, top, lines)
        top += 3 + len(lines) * LINE
    legend = [
        ("frame", _("window, with the number of its output")),
        ("zero", _("zero")),
        ("hatch", _("read by no window")),
    ]
    for kind, text in legend:
        lines = wrapped(text, layout.letters)
        parts += _legend_lines(kind, lines, x.start, top - 14)
        top += len(lines) * LINE
    return _svg(_sentences(*titles), layout.width, top - 14, parts)


def _sentences(*texts: str) -> str:
    """Texts as sentences, one after the other."""
    return _("{sentences}.").format(sentences=_(". ").join(f"{text[0].upper()}{text[1:]}" for text in texts))


def _summary(slide: Slide) -> str:
    outputs, pixels, zeros = slide.out, len(slide.unread), _unread_padding(slide)
    texts = [_("zeros {before} + {after}").format(before=slide.before, after=slide.after)]
    if outputs:
        texts.append(ngettext("{count} output", "{count} outputs", outputs).format(count=outputs))
    if pixels:
        texts.append(ngettext("{count} unread pixel", "{count} unread pixels", pixels).format(count=pixels))
    if zeros:
        texts.append(ngettext("{count} unread zero", "{count} unread zeros", zeros).format(count=zeros))
    return _(", ").join(texts)


def _strip(name: str, y: _Axis, x: _Axis, slide: Slide) -> list[str]:
    """One axis as a row of cells, its positions above."""
    drawn = [c for c in x.places if -slide.before <= c < slide.size + slide.after]
    zeros = [(0, c) for c in drawn if not 0 <= c < slide.size]
    unread = [(0, c) for c in drawn if c not in slide.read]
    return [
        _group(name, y, x),
        _squares("pixel", y, x, [(0, c) for c in drawn if 0 <= c < slide.size]),
        _squares("zero", y, x, zeros),
        _squares("unread", y, x, unread),
        _hatch([(x.places[c], y.start) for _row, c in unread], x.cell),
        *_zeros(y, x, zeros),
        *_dots(y, x),
        *_column_labels(x, [0, slide.size - 1, *range(slide.size)], y.start - 5),
        "</g>",
    ]


def _bars(x: _Axis, slide: Slide, top: float) -> tuple[int, list[str]]:
    """How many lines the windows take, and each window as a bar with its output's number; taps darker."""
    lanes = -(-slide.reach // slide.stride)
    shown = list(range(slide.out))
    if min(lanes, slide.out) > LANES:
        shown = shown[: LANES // 2] + shown[-(LANES // 2) :]
        lanes = LANES
    bars = []
    for i, output in enumerate(shown):
        start = slide.starts[output]
        left, right = x.span(start, start + slide.reach - 1)
        if left == right:
            continue
        y = top + i % lanes * LANE
        size = f'y="{_px(y)}" height="{LANE - 3}"'
        bars.append(f'<rect x="{_px(left)}" width="{_px(right - left)}" {size} rx="3" {STYLES["frame"]}/>')
        if slide.dilation > 1:
            taps = [start + tap * slide.dilation for tap in range(slide.kernel)]
            path = "".join(
                f"M{_px(x.places[t])} {_px(y)}h{_px(x.cell)}v{LANE - 3}h-{_px(x.cell)}z" for t in taps if t in x.places
            )
            bars.append(f'<path d="{path}" {STYLES["tap"]}/>')
        if right - left > DIGIT * len(str(output)) + 3:
            bars.append(_text((left + right) / 2, y + 13, str(output), anchor="middle"))
    return min(lanes, len(shown)), bars


# Pieces of a grid
def _group(name: str, y: _Axis, x: _Axis) -> str:
    rows, columns = (",".join("" if i is None else str(i) for i in axis.tracks) for axis in (y, x))
    return f'<g class="{name}" data-rows="{rows}" data-columns="{columns}">'


def _squares(kind: str, y: _Axis, x: _Axis, cells: Iterable[tuple[int, int]]) -> str:
    """All cells of a kind as one path."""
    side = _px(x.cell)
    path = "".join(f"M{_px(x.places[c])} {_px(y.places[r])}h{side}v{side}h-{side}z" for r, c in cells)
    return f'<path class="{kind}" d="{path}" {STYLES[kind]}/>' if path else ""


def _hatch(corners: Iterable[tuple[float, float]], side: float) -> str:
    """Two strokes across each square."""
    half = _px(side / 2)
    path = "".join(
        f"M{_px(left)} {_px(top + side / 2)}l{half}-{half}M{_px(left + side / 2)} {_px(top + side)}l{half}-{half}"
        for left, top in corners
    )
    return f'<path d="{path}" {STYLES["hatch"]}/>' if path else ""


def _frame(y: _Axis, x: _Axis, rows: tuple[int, int], columns: tuple[int, int]) -> str:
    left, top = x.places[columns[0]], y.places[rows[0]]
    width, height = x.places[columns[1]] + x.cell - left, y.places[rows[1]] + y.cell - top
    box = f'x="{_px(left)}" y="{_px(top)}" width="{_px(width)}" height="{_px(height)}"'
    return f'<rect class="frame" {box} {STYLES["frame"]}/>'


def _zeros(y: _Axis, x: _Axis, cells: Iterable[tuple[int, int]]) -> list[str]:
    """A 0 in each cell, one element a row."""
    rows: dict[int, list[int]] = {}
    for row, column in cells:
        rows.setdefault(row, []).append(column)
    return [
        f'<text x="{" ".join(_px(x.center(c)) for c in columns)}" y="{_px(y.center(row) + 5)}" font-size="{TEXT}" '
        f'text-anchor="middle">{"0" * len(columns)}</text>'
        for row, columns in rows.items()
    ]


def _dots(y: _Axis, x: _Axis) -> list[str]:
    """Three dots beside the middle of each run of cells, where positions are left out."""
    across = [(gap + step, middle) for gap in x.gaps for middle in y.runs() for step in (-4, 0, 4)]
    down = [(middle, gap + step) for gap in y.gaps for middle in x.runs() for step in (-4, 0, 4)]
    path = "".join(f"M{_px(cx)} {_px(cy)}h0" for cx, cy in across + down)
    if not path:
        return []
    return [f'<path d="{path}" stroke="currentColor" stroke-width="2.4" stroke-linecap="round"/>']


def _ticks(y: _Axis, x: _Axis, rows: Slide, columns: Slide, top: int, left: int) -> list[str]:
    """A triangle at each start of a window, the current one filled with its colour."""
    down = {c: f"M{_px(x.center(c) - 3.5)} {TOP - 10}h7l-3.5 7z" for c in x.places if c in columns.starts}
    right = {r: f"M{_px(x.start - 10)} {_px(y.center(r) - 3.5)}v7l7-3.5z" for r in y.places if r in rows.starts}
    others = "".join(d for c, d in down.items() if c != left) + "".join(d for r, d in right.items() if r != top)
    return [
        f'<path d="{others}" fill="currentColor" fill-opacity=".45"/>' if others else "",
        f'<path d="{down[left]}{right[top]}" fill="{FACTORISED.color}" stroke="currentColor" stroke-width=".8"/>',
    ]


def _column_labels(x: _Axis, wanted: Sequence[int], y: float) -> list[str]:
    """Positions along the top, as many as have room, the first ones first."""
    room = DIGIT * max(len(str(column)) for column in wanted) + 5
    return [_text(x.center(c), y, str(c), anchor="middle") for c in x.labels(wanted, room)]


def _row_labels(y: _Axis, wanted: Sequence[int], x: float, anchor: str) -> list[str]:
    return [_text(x, y.center(r) + 5, str(r), anchor=anchor) for r in y.labels(wanted, TEXT + 1)]


# Words
AxisName = Literal["row", "column"]
FILLINGS = {
    "zeros": N_("zeros added: {sides}"),
    "minus infinity": N_("padding of -∞: {sides}"),
    "nothing": N_("padding, not counted: {sides}"),
}


def _padding(window: Window) -> str:
    """The kind of cell that its padding is."""
    return "zero" if window.filling == "zeros" else "padding"


def _legend(window: Window, row: int, column: int) -> list[tuple[str, str]]:
    """(kind of cell, what it means here)."""
    rows, columns = slides(window)
    reads = _("{kernel} window on {rows} and {columns}")
    makes = _("the cells it reads make row {row}, column {column} of the output")
    spans = {"rows": _span("row", rows, row), "columns": _span("column", columns, column)}
    legend = [
        ("frame", reads.format(kernel=f"{rows.kernel}x{columns.kernel}", **spans)),
        ("tap", makes.format(row=row, column=column)),
    ]
    if any(window.pad):
        legend.append((_padding(window), _added(window, rows, columns)))
    zeros = window.filling == "zeros"
    axes: tuple[tuple[AxisName, Slide], ...] = (("row", rows), ("column", columns))
    unread = [text for name, slide in axes if (text := _unread_text(name, slide, zeros))]
    legend += [("hatch", _("read by no window: {cells}").format(cells=text)) for text in _lines(unread)]
    if rows.left_over < 0 or columns.left_over < 0:
        legend.append(("beyond", _("beyond the edge: the last window reaches there and finds nothing")))
    return legend


def _added(window: Window, rows: Slide, columns: Slide) -> str:
    """How many rows and columns of zeros or other padding stand on which side."""
    sides = [
        (rows.before, ngettext("{count} row at the top", "{count} rows at the top", rows.before)),
        (rows.after, ngettext("{count} row at the bottom", "{count} rows at the bottom", rows.after)),
        (columns.before, ngettext("{count} column on the left", "{count} columns on the left", columns.before)),
        (columns.after, ngettext("{count} column on the right", "{count} columns on the right", columns.after)),
    ]
    added = _(", ").join(side.format(count=count) for count, side in sides if count)
    if window.filling in FILLINGS:
        return _(FILLINGS[window.filling]).format(sides=added)
    return _("padding, {filling}: {sides}").format(filling=window.filling, sides=added)


def _span(axis: AxisName, slide: Slide, index: int) -> str:
    """What the window with this index reads: rows 4 to 6, or, with gaps, rows 4, 6 and 8."""
    taps = [slide.starts[index] + tap * slide.dilation for tap in range(slide.kernel)]
    return _positions(axis, taps)


def _unread_text(axis: AxisName, slide: Slide, zeros: bool) -> str:
    """Such as rows 1, 3, 5, ... 149 (75 of 150), and how many of zeros or other padding."""
    texts = []
    if slide.unread:
        cells = _positions(axis, slide.unread)
        if len(slide.unread) > 4:
            sentence = _("{cells} ({count} of {size})")
            cells = sentence.format(cells=cells, count=len(slide.unread), size=slide.size)
        texts.append(cells)
    if padded := _unread_padding(slide):
        if axis == "row" and zeros:
            sentence = ngettext("{count} row of zeros", "{count} rows of zeros", padded)
        elif axis == "row":
            sentence = ngettext("{count} row of padding", "{count} rows of padding", padded)
        elif zeros:
            sentence = ngettext("{count} column of zeros", "{count} columns of zeros", padded)
        else:
            sentence = ngettext("{count} column of padding", "{count} columns of padding", padded)
        texts.append(sentence.format(count=padded))
    return and_list(texts)


def _unread_padding(slide: Slide) -> int:
    """How much of the padding no window reads."""
    padded = range(-slide.before, slide.size + slide.after)
    return sum(position not in slide.read for position in padded) - len(slide.unread)


def _positions(axis: AxisName, positions: Sequence[int]) -> str:
    """In words: row 4; rows 4 to 6; rows 4 and 6; rows 1, 3, 5, ... 149."""
    first, last = positions[0], positions[-1]
    if len(positions) == 1:
        sentence = _("row {first}") if axis == "row" else _("column {first}")
        return sentence.format(first=first)
    if last - first == len(positions) - 1:
        sentence = _("rows {first} to {last}") if axis == "row" else _("columns {first} to {last}")
        return sentence.format(first=first, last=last)
    listed = and_list([*map(str, positions)])
    if len(positions) > 4:
        listed = _("{some}, … {last}").format(some=_(", ").join(map(str, positions[:3])), last=last)
    sentence = _("rows {listed}") if axis == "row" else _("columns {listed}")
    return sentence.format(listed=listed)


def _lines(texts: Sequence[str]) -> list[str]:
    """Joined by "and" where that fits on a line."""
    together = and_list(texts)
    return [together] if 0 < text_width(together) <= 70 else list(texts)


# SVG
def _svg(label: str, width: int, height: float, parts: Iterable[str]) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-label="{escape(label)}" width="{width}" '
        f'height="{_px(height)}" viewBox="0 0 {width} {_px(height)}" style="max-width:100%;height:auto" '
        f'font-family="{families()}" fill="currentColor">{"".join(parts)}</svg>'
    )


def _title(x: float, y: float, lines: Sequence[str]) -> list[str]:
    return [_text(x, y + number * LINE, line, bold=True) for number, line in enumerate(lines)]


def _legend_lines(kind: str, lines: Sequence[str], left: float, top: float) -> list[str]:
    """A kind of cell and what it means, in one line or more."""
    style = STYLES["unread" if kind == "hatch" else kind]
    swatch = f'<rect x="{_px(left)}" y="{_px(top)}" width="14" height="14" {style}/>'
    if kind == "hatch":
        swatch += _hatch([(left, top)], 14)
    if kind == "zero":
        swatch += _text(left + 7, top + 12, "0", anchor="middle")
    return [swatch, *(_text(left + 22, top + 12 + number * LINE, line) for number, line in enumerate(lines))]


def _text(x: float, y: float, text: str, anchor: str = "start", bold: bool = False) -> str:
    weight = ' font-weight="bold"' if bold else ""
    at = f'x="{_px(x)}" y="{_px(y)}"'
    return f'<text {at} font-size="{TEXT}" text-anchor="{anchor}"{weight}>{escape(text)}</text>'


def _px(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")
